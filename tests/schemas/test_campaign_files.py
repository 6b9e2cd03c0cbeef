"""Campaign files: the good ones, and each way of being bad."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

import infra
from schemas.campaign import DEFAULT_WINDOWS, StallRules, load_campaigns
from schemas.errors import Fault

HERE = Path(infra.__file__).parent / "campaigns"
GOOD = {
    "id": '"door"',
    "title": '"The door"',
    "start": "2026-03-12T18:00:00Z",
    "end": "2026-03-14T20:00:00+02:00",
    "goal": '"5000.00"',
    "currency": '"USD"',
}


def written(folder: Path, name: str = "door.toml", **fields: str | None) -> Path:
    lines = (f"{field} = {value}" for field, value in (GOOD | fields).items() if value is not None)
    (folder / name).write_text("\n".join(lines))
    return folder


def window(name: str = '"x"', size: str = "3600", slide: str = "60") -> str:
    return f"[{{name = {name}, size = {size}, slide = {slide}}}]"


def test_campaigns_of_this_repository_load() -> None:
    campaigns = load_campaigns(Path(infra.__file__).parent / "campaigns")
    assert {"door", "sgdq2019"} <= campaigns.keys()
    assert all(campaign.id == name for name, campaign in campaigns.items())


def test_file_with_the_necessary_has_the_usual_windows(tmp_path: Path) -> None:
    campaign = load_campaigns(written(tmp_path))["door"]
    assert campaign.windows == DEFAULT_WINDOWS
    assert (campaign.goal, campaign.allowed_lateness, campaign.prior_conversion) == (Decimal(5000), 300, 0.018)
    assert (campaign.end - campaign.start).total_seconds() == 48 * 3600


def test_file_may_set_everything(tmp_path: Path) -> None:
    folder = written(tmp_path, goal="5000.5", prior_conversion="0.5", allowed_lateness="0", windows=window())
    campaign = load_campaigns(folder)["door"]
    assert (campaign.goal, campaign.prior_conversion, campaign.allowed_lateness) == (Decimal("5000.5"), 0.5, 0)
    assert [window.name for window in campaign.windows] == ["x"]


def test_a_byte_order_mark_in_front_of_a_file_is_passed_over(tmp_path: Path) -> None:
    file = written(tmp_path) / "door.toml"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert load_campaigns(tmp_path).keys() == {"door"}


def test_many_campaigns_load_by_id(tmp_path: Path) -> None:
    written(tmp_path)
    written(tmp_path, "other.toml", id='"other"')
    (tmp_path / "notes.txt").write_text("no campaign")
    assert load_campaigns(tmp_path).keys() == {"door", "other"}


BAD: dict[str, dict[str, str | None]] = {
    "no id": {"id": None},
    "no title": {"title": None},
    "no start": {"start": None},
    "no goal": {"goal": None},
    "no currency": {"currency": None},
    "id with a blank": {"id": '"the door"'},
    "id with a newline behind": {"id": '"door\\n"'},
    "id with a bar": {"id": '"a|b"'},
    "empty id": {"id": '""'},
    "id as a number": {"id": "7"},
    "empty title": {"title": '""'},
    "endless title": {"title": f'"{"x" * 201}"'},
    "start without an offset": {"start": "2026-03-12T18:00:00"},
    "start as a date": {"start": "2026-03-12"},
    "start as a word": {"start": '"soon"'},
    "end before start": {"end": "2026-03-12T17:00:00Z"},
    "end at start": {"end": "2026-03-12T18:00:00Z"},
    "end years away": {"end": "2028-03-12T18:00:00Z"},
    "start before the year 2000": {"start": "1999-12-31T18:00:00Z", "end": "2000-01-02T18:00:00Z"},
    "end after the year 2099": {"start": "2099-12-31T18:00:00Z", "end": "2100-01-02T18:00:00Z"},
    "goal of nothing": {"goal": "0"},
    "goal below zero": {"goal": '"-5"'},
    "goal is no number": {"goal": '"NaN"'},
    "goal is nan": {"goal": "nan"},
    "goal without end": {"goal": '"Infinity"'},
    "goal as a word": {"goal": '"much"'},
    "goal with too many digits": {"goal": '"5.001"'},
    "goal too large": {"goal": '"1000000000000"'},
    "currency in lower case": {"currency": '"usd"'},
    "currency that is none": {"currency": '"XAU"'},
    "prior of zero": {"prior_conversion": "0.0"},
    "prior of one": {"prior_conversion": "1.0"},
    "prior is nan": {"prior_conversion": "nan"},
    "lateness below zero": {"allowed_lateness": "-1"},
    "lateness of days": {"allowed_lateness": "86401"},
    "field that nobody knows": {"goals": "1"},
    "no window": {"windows": "[]"},
    "window name with a newline": {"windows": window(name='"x\\n"')},
    "window name with capitals": {"windows": window(name='"1H"')},
    "window shorter than a slice": {"windows": window(size="30", slide="30")},
    "window that is no multiple of its slide": {"windows": window(size="3600", slide="420")},
    "slide that is no multiple of a slice": {"windows": window(size="3600", slide="90")},
    "window longer than slices are kept": {"windows": window(size=str(15 * 86_400), slide="3600")},
    "window without a slide": {"windows": '[{name = "x", size = 3600}]'},
    "two windows of one name": {"windows": f"{window()[:-1]}, {window()[1:]}"},
    "text that is no TOML": {"title": '"open'},
}


@pytest.mark.parametrize("fields", BAD.values(), ids=BAD)
def test_bad_file_is_a_fault_that_names_it(tmp_path: Path, fields: dict[str, str | None]) -> None:
    with pytest.raises(Fault, match=r"^settings: campaign file .*door\.toml: .+\. Mend the file\.$") as raised:
        load_campaigns(written(tmp_path, **fields))
    assert "\n" not in str(raised.value)


def test_file_that_is_no_text_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "door.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(Fault, match=r"door\.toml"):
        load_campaigns(tmp_path)


def test_file_that_nests_too_deep_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "door.toml").write_text("id = " + "[" * 5000)
    with pytest.raises(Fault, match=r"door\.toml"):
        load_campaigns(tmp_path)


def test_folder_in_place_of_a_file_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "door.toml").mkdir()
    with pytest.raises(Fault, match=r"door\.toml"):
        load_campaigns(tmp_path)


def test_campaign_given_twice_is_a_fault(tmp_path: Path) -> None:
    written(tmp_path)
    with pytest.raises(Fault, match="'door' is given twice"):
        load_campaigns(written(tmp_path, "again.toml"))


@pytest.mark.parametrize("folder", [".", "nowhere"])
def test_folder_without_campaigns_is_a_fault_that_tells_the_way(tmp_path: Path, folder: str) -> None:
    with pytest.raises(Fault, match="GROUNDSWELL_CAMPAIGNS"):
        load_campaigns(tmp_path / folder)


def test_the_sample_campaign_shows_every_parameter_of_the_detector_at_its_default() -> None:
    text = (HERE / "door.toml").read_text()
    shown = set(msgspec.toml.decode(text)["stall"])
    assert shown == set(StallRules.__struct_fields__) - {"retired_feeds"}
    assert load_campaigns(HERE)["door"].stall == StallRules()


def test_another_exposure_than_clicks_wants_a_prior_of_its_own() -> None:
    games = load_campaigns(HERE)["sgdq2019"]
    with pytest.raises(ValueError, match="donations per exposure, here impressions_sampled"):
        msgspec.structs.replace(games, prior_conversion=0.018)
