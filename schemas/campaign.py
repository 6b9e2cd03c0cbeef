"""A campaign: one small TOML file, read once and frozen."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from schemas.errors import Fault
from schemas.events import ID_IN_WORDS, ID_PATTERN
from schemas.heartbeats import FEED_IN_WORDS, FEED_PATTERN
from schemas.money import minor_units
from schemas.topics import HORIZON_DAYS

SLICE_SECONDS: Final = 60
PRIOR_PER_CLICK: Final = 0.018
# Slices are kept for the horizon, so a longer window would lose its oldest ones.
LONGEST_WINDOW_SECONDS: Final = HORIZON_DAYS * 86_400

_is_id = re.compile(ID_PATTERN).fullmatch
_is_feed = re.compile(FEED_PATTERN).fullmatch
_is_window_name = re.compile("[0-9a-z]{1,16}").fullmatch


class Window(Struct, frozen=True, forbid_unknown_fields=True):
    """A sliding window: half-open, aligned to the epoch, named by its end.  `size` and `slide` are in seconds."""

    name: str
    size: Annotated[int, Meta(ge=SLICE_SECONDS, le=LONGEST_WINDOW_SECONDS)]
    slide: Annotated[int, Meta(ge=SLICE_SECONDS)]

    def __post_init__(self) -> None:
        if _is_window_name(self.name) is None:
            raise ValueError(f"window name {self.name!r} is not 1 to 16 of 0-9 a-z")
        if self.size % self.slide or self.slide % SLICE_SECONDS:
            raise ValueError(f"window {self.name}: `size` must be a multiple of `slide`, `slide` of 60 s")


class StallRules(Struct, frozen=True, forbid_unknown_fields=True):
    """How the stall detector judges this campaign; the defaults were chosen and checked on eleven real appeals.

    Attributes:
        exposure: the count that donations are held against; the campaign's `prior_conversion` is donations per it.
        prior_weight: how many donations the prior is worth: 1 / (coefficient of variation)^2, 4 for 50 %.
        stop_rate: what is tested against, as a part of the usual rate: 2 % of it is a stop.
        steadiness: shape of the local rate over a short stretch: 6 for ups and downs of 1 / sqrt(6) = 41 %.
        settle: minutes over which the ups and downs average out.
        memory: donations that the usual rate remembers.
        minimum_age: minutes a stretch must last before it can be red; feeds publish in gulps.
        red, amber: wished false alarms of each kind in an appeal.
        recovery_rate, recovery_odds: a stall is over when the usual rate is so many times as likely as this part of it.
        quiet: minutes without an exposure that are `no_traffic`; more where gaps are long anyway.
        feed_patience: minutes that a feed may be silent.
        retired_feeds: feeds that were ended on purpose: their silence is no hole.
        influencer_donations: an influencer is watched from this donation on.
        influencer_weight: prior_weight of an influencer, whose prior is the campaign's rate at that moment.
    """

    exposure: Literal["clicks", "impressions_measured", "impressions_sampled", "impressions_estimated"] = "clicks"
    prior_weight: Annotated[float, Meta(gt=0, le=1000)] = 4.0
    stop_rate: Annotated[float, Meta(gt=0, lt=1)] = 0.02
    steadiness: Annotated[float, Meta(gt=0, le=1000)] = 6.0
    settle: Annotated[float, Meta(gt=0, le=10_080)] = 120.0
    memory: Annotated[float, Meta(ge=10, le=1_000_000)] = 1000.0
    minimum_age: Annotated[int, Meta(ge=1, le=1440)] = 30
    red: Annotated[float, Meta(gt=0, le=1)] = 0.05
    amber: Annotated[float, Meta(gt=0, le=10)] = 0.5
    recovery_rate: Annotated[float, Meta(gt=0, lt=1)] = 0.25
    recovery_odds: Annotated[float, Meta(gt=1, le=1_000_000)] = 20.0
    quiet: Annotated[int, Meta(ge=1, le=1440)] = 30
    feed_patience: Annotated[int, Meta(ge=1, le=1440)] = 15
    retired_feeds: tuple[str, ...] = ()
    influencer_donations: Annotated[int, Meta(ge=1, le=1000)] = 2
    influencer_weight: Annotated[float, Meta(gt=0, le=1000)] = 2.8

    def __post_init__(self) -> None:
        if self.amber <= self.red:
            raise ValueError("stall: `amber` must be more than `red`: it is to come first")
        for feed in self.retired_feeds:
            if _is_feed(feed) is None:
                raise ValueError(f"stall: `retired_feeds` has {feed!r}, which is not {FEED_IN_WORDS}")


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

    id: str
    title: Annotated[str, Meta(min_length=1, max_length=200)]
    start: Annotated[datetime, Meta(tz=True)]
    end: Annotated[datetime, Meta(tz=True)]
    goal: Decimal
    currency: str
    prior_conversion: Annotated[float, Meta(gt=0, lt=1)] = PRIOR_PER_CLICK
    allowed_lateness: Annotated[int, Meta(ge=0, le=86_400)] = 300
    windows: Annotated[tuple[Window, ...], Meta(min_length=1, max_length=16)] = DEFAULT_WINDOWS
    stall: StallRules = StallRules()

    def __post_init__(self) -> None:
        if _is_id(self.id) is None:
            raise ValueError(f"`id` {self.id!r} is not {ID_IN_WORDS}")
        if self.end <= self.start:
            raise ValueError("`end` must be after `start`")
        if self.end - self.start > timedelta(days=366):
            raise ValueError("`end` must be within a year of `start`")
        if not 2000 <= self.start.year <= self.end.year < 2100:
            raise ValueError("`start` and `end` must be in the years 2000 to 2099")
        try:
            goal = minor_units(format(self.goal, "f"), self.currency)
        except ValueError as error:
            raise ValueError(f"`goal` or `currency`: {error}") from None
        if goal == 0:
            raise ValueError("`goal` must be more than zero")
        if self.stall.exposure != "clicks" and self.prior_conversion == PRIOR_PER_CLICK:
            # 360 times too high for viewer-minutes: it called a healthy appeal stalled.
            raise ValueError(f"`prior_conversion` must be given: donations per exposure, here {self.stall.exposure}")
        if len({window.name for window in self.windows}) != len(self.windows):
            raise ValueError("two windows have the same name")


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
        # Editors on Windows write a byte order mark, which TOML does not know.
        return msgspec.toml.decode(path.read_bytes().removeprefix(BOM_UTF8), type=Campaign)
    except (OSError, ValueError, RecursionError) as error:
        raise Fault("settings", f"campaign file {path}: {error}", "Mend the file.") from error
