"""An appeal without clicks, told with what its campaign's file holds donations against; every row stored twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from stories import APPEAL, START, Database

from infra.clickhouse.campaigns import load_campaigns
from infra.clickhouse.figures import figures, leaderboard_rows
from schemas.campaign import StallRules
from schemas.times import rfc3339

EXPOSED = 2_000_000
GIVEN = 126  # 63 for a million


@pytest.fixture
def show(store: Database, story: Any) -> Iterator[Database]:
    """One link, seen two million times by a reckoned part, and nothing clicked."""
    rules = StallRules(exposure="impressions_sampled")
    load_campaigns(store.client, [msgspec.structs.replace(APPEAL, stall=rules, prior_conversion=0.00005)])
    story.share("r1", "ana", channel="twitch", tie="unknown", sharer_id="ana")
    story.impression("r1", EXPOSED // 2, "sampled", at=1)
    story.impression("r1", EXPOSED // 2, "sampled", at=2)
    for number in range(GIVEN):
        story.donation("r1", "5", f"p{number}", at=2)
    for _ in range(2):
        story.tell(store)
        store.insert("watermarks", [_read_up_to(4)])
    yield store
    load_campaigns(store.client, [APPEAL])


def _moment(hours: float) -> str:
    return rfc3339(int(START.timestamp() * 1000 + hours * 3_600_000))


def _read_up_to(hours: float) -> dict[str, Any]:
    none: dict[str, int] = {}
    return {
        "slices_partition": 0, "source_partition": 0, "clock": _moment(hours), "idle": 0, "source_version": 1,
        "version": 1, "computed_at": _moment(hours), "positions": none, "begins": none, "ends": none,
        "accepted": none, "duplicates": none, "dead_lettered": none, "late": none,
    }  # fmt: skip


def _is_63_per_million(low: float, rate: float, high: float) -> bool:
    return low < rate < high and rate == pytest.approx(63e-6) and 50e-6 < low < high < 77e-6


def test_all_of_an_appeal_without_clicks_is_held_against_what_its_file_says(show: Database) -> None:
    row = show.one("SELECT * FROM conversion_now WHERE window = 'all'")
    assert row["counted"] == "126 of 2000000 sampled impressions"
    assert _is_63_per_million(row["rate_low"], row["rate"], row["rate_high"])


def test_every_window_names_what_donations_are_held_against(show: Database) -> None:
    counted = {row["counted"] for row in show.rows("SELECT counted FROM conversion_now")}
    assert "126 of 2000000 sampled impressions" in counted
    assert all(one.endswith(" sampled impressions") for one in counted)


def test_figures_of_an_appeal_without_clicks_have_a_conversion(show: Database) -> None:
    row = show.one("SELECT * FROM appeal_figures WHERE campaign_id = 'appeal'")
    assert (row["clicks"], row["exposure"], row["exposures"]) == (0, "impressions_sampled", EXPOSED)
    assert figures(show.reader, "appeal")["conversion"]["rate"] == pytest.approx(63e-6)


def test_groups_of_an_appeal_without_clicks_convert(show: Database) -> None:
    rows = show.rows("SELECT * FROM group_conversion ORDER BY dimension")
    assert [(row["dimension"], row["member"], row["counted"]) for row in rows] == [
        ("channel", "twitch", "126 of 2000000 sampled impressions"),
        ("tie", "unknown", "126 of 2000000 sampled impressions"),
    ]
    for row in rows:
        assert _is_63_per_million(row["conversion_low"], row["conversion"], row["conversion_high"])


def test_the_leaderboard_of_an_appeal_without_clicks_ranks(show: Database) -> None:
    [row] = leaderboard_rows(show.reader, "appeal")
    assert (row["position"], row["standing"], row["suspicious"]) == (1, "ranked", 0)
    assert row["counted"] == "126 of 2000000 sampled impressions"
    assert _is_63_per_million(row["conversion_low"], row["raw_conversion"], row["conversion_high"])
    assert row["conversion_low"] < row["conversion"] < row["conversion_high"]


def test_the_leaderboard_says_by_its_name_what_is_missing(show: Database, story: Any) -> None:
    story.share("r2", "bob")
    story.donation("r2", "5", "q1")
    story.tell(show)
    rows = {row["influencer_id"]: row for row in show.rows("SELECT * FROM leaderboard(campaign = 'appeal')")}
    assert (rows["bob"]["position"], rows["bob"]["standing"]) == (None, "sampled impressions are missing")


def test_nothing_is_said_to_be_clicked_where_no_clicks_are_counted(show: Database) -> None:
    rows = show.rows("SELECT * FROM ladder(campaign = 'appeal') ORDER BY step")
    assert [(row["rung"], row["referrals"], row["events"], row["part_of_rung_below"]) for row in rows] == [
        ("shared", 1, 1, None), ("seen", 1, None, 1), ("gave", 1, GIVEN, 1),
    ]  # fmt: skip


def test_more_gifts_than_shares_have_no_difference(show: Database) -> None:
    row = show.one("SELECT * FROM sharers_not_donors(campaign = 'appeal')")
    assert (row["naive"], row["never_gave"], row["highest"]) == (None, 1, 1)


def test_what_came_has_the_name_of_what_is_counted(show: Database) -> None:
    where = "dimension = 'campaign' AND is_trend ORDER BY window_end DESC, line LIMIT 2"
    rows = show.rows(f"SELECT line, happened FROM came_and_gave WHERE {where}")
    assert [tuple(row.values()) for row in rows] == [("donations", GIVEN), ("sampled impressions", EXPOSED)]


def test_an_appeal_with_clicks_is_told_as_before(store: Database, story: Any) -> None:
    story.share("r1", "ana")
    story.click("r1", times=200)
    story.donation("r1", "5", "p1")
    story.tell(store)
    row = store.one("SELECT * FROM appeal_figures WHERE campaign_id = 'appeal'")
    assert (row["exposure"], row["exposures"], row["conversion"]) == ("clicks", 200, 0.005)
    rungs = store.rows("SELECT rung FROM ladder(campaign = 'appeal') ORDER BY step")
    assert [row["rung"] for row in rungs] == ["shared", "seen", "clicked", "gave"]
    assert store.one("SELECT counted FROM leaderboard(campaign = 'appeal')") == {"counted": "1 of 200 clicks"}
