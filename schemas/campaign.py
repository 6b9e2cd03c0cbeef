"""A campaign: one small TOML file, read once and frozen."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from schemas.errors import Fault
from schemas.events import ID_PATTERN
from schemas.money import digits_of

SLICE_SECONDS: Final = 60


class Window(Struct, frozen=True, forbid_unknown_fields=True):
    """A sliding window: half-open, aligned to the epoch, named by its end.  `size` and `slide` are in seconds."""

    name: Annotated[str, Meta(pattern=r"^[0-9a-z]{1,16}$")]
    size: Annotated[int, Meta(ge=SLICE_SECONDS)]
    slide: Annotated[int, Meta(ge=SLICE_SECONDS)]


DEFAULT_WINDOWS: Final = (
    Window("15m", 15 * 60, 60),
    Window("1h", 3600, 60),
    Window("6h", 6 * 3600, 5 * 60),
    Window("48h", 48 * 3600, 30 * 60),
)


class Campaign(Struct, frozen=True, forbid_unknown_fields=True):
    """What the pipeline must know of an appeal.

    `start` and `end` bound the appeal proper (48 hours), half-open; what comes after is its tail.
    `goal` is in `currency`; `prior_conversion` is donations per click; `allowed_lateness` is in seconds.
    """

    id: Annotated[str, Meta(pattern=ID_PATTERN)]
    title: str
    start: Annotated[datetime, Meta(tz=True)]
    end: Annotated[datetime, Meta(tz=True)]
    goal: Decimal
    currency: str
    prior_conversion: Annotated[float, Meta(gt=0, lt=1)] = 0.018
    allowed_lateness: Annotated[int, Meta(ge=0, le=86_400)] = 300
    windows: tuple[Window, ...] = DEFAULT_WINDOWS

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError("`end` must be after `start`")
        if self.end - self.start > timedelta(days=366):
            raise ValueError("`end` must be within a year of `start`")
        if digits_of(self.currency) is None:
            raise ValueError(f"`currency` {self.currency!r} is no ISO 4217 code")
        if len({window.name for window in self.windows}) != len(self.windows):
            raise ValueError("two windows have the same name")
        for window in self.windows:
            if window.size % window.slide or window.slide % SLICE_SECONDS:
                raise ValueError(f"window {window.name}: `size` must be a multiple of `slide`, `slide` of 60 s")


def load_campaigns(directory: Path) -> dict[str, Campaign]:
    """All campaigns of the `*.toml` files of a folder, by id.

    Raises:
        Fault: no file there, a file that is not as the contract says, or an id given twice.
    """
    campaigns: dict[str, Campaign] = {}
    for path in sorted(directory.glob("*.toml")):
        campaign = _load(path)
        if campaign.id in campaigns:
            raise Fault("settings", f"campaign {campaign.id!r} is given twice, again in {path}", "Remove one.")
        campaigns[campaign.id] = campaign
    if not campaigns:
        raise Fault(
            "settings",
            f"no campaign file (*.toml) in {directory}",
            "Name the folder in GROUNDSWELL_CAMPAIGNS; infra/campaigns/door.toml is an example.",
        )
    return campaigns


def _load(path: Path) -> Campaign:
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Campaign)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise Fault("settings", f"campaign file {path}: {error}", "Mend the file.") from error
