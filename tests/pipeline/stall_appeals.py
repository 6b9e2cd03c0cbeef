"""The real appeal many times over, each under an id of its own and with a trouble of its own, to be played at once.

Campaigns share nothing but the topics, so one play shows what as many plays would.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from heapq import merge
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from outages import without_donations, without_feed

from streams.commands.appeals import Appeal
from streams.producers import gdq
from streams.producers.gdq_series import read_rows
from streams.producers.outgoing import Outgoing
from streams.settings import CAMPAIGNS_HERE

SERIES = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "sgdq2019" / "timeseries.csv"
START_MS = 1_561_307_400_000  # 2019-06-23T16:30:00Z, as in the campaign's file
HOUR_MS = 3_600_000
PATIENCE_MS = 15 * 60_000  # `feed_patience` of the campaign's file
FOREVER_MS = 2**42

Trouble = Callable[[Iterable[Outgoing]], list[Outgoing]]


class Troubled(NamedTuple):
    """The real appeal with what is taken out of it from `from_ms` on."""

    campaign_id: str
    from_ms: int
    trouble: Trouble


def healthy(campaign_id: str) -> Troubled:
    return Troubled(campaign_id, 0, list)


def stopped(number: int, hour: int) -> Troubled:
    """From that hour of the show on nobody gives; every feed goes on."""
    from_ms = START_MS + hour * HOUR_MS
    return Troubled(f"stopped{number}", from_ms, lambda records: without_donations(records, from_ms, FOREVER_MS))


def cut_off(number: int, hour: int, hours: int) -> Troubled:
    """From that hour of the show on the donation feed is away for so many hours, heartbeat and all."""
    from_ms = START_MS + hour * HOUR_MS
    until_ms = from_ms + hours * HOUR_MS
    return Troubled(f"cutoff{number}", from_ms, lambda records: without_feed(records, "donations", from_ms, until_ms))


def random_hours(number: int, seed: int = 2019) -> list[int]:
    """Hours of the show, which lasts 158."""
    return sorted(random.Random(seed).sample(range(4, 150), number))


def missing_minutes(from_ms: int, to_ms: int) -> int:
    """Minutes between two moments in which a feed of the series was silent for too long: nobody saw them."""
    rows = read_rows(SERIES)
    gifts = [row.at_ms for row in rows if row.donations is not None]
    viewers = [row.at_ms for row in rows if row.viewers is not None]
    missing = {
        minute
        for heard in (gifts, viewers)
        for before, after in pairwise(heard)
        if after - before > PATIENCE_MS
        for minute in range(max(before, from_ms), min(after, to_ms), 60_000)
    }
    return len(missing)


def played_together(troubled: Iterable[Troubled]) -> Appeal:
    rows = read_rows(SERIES)
    events: list[list[Outgoing]] = []
    beats: list[list[Outgoing]] = []
    until_ms = 0
    for one in troubled:
        mine = list(gdq.records_of(rows, one.campaign_id))
        until_ms = max(until_ms, mine[-1].record_time_ms)
        events.append(one.trouble(mine))
        beats.append(one.trouble(gdq.feed_beats(rows, one.campaign_id)))
    key = attrgetter("record_time_ms")
    # Half an hour more, so that the last minutes of the show are closed too.
    return Appeal("shows", list(merge(*events, key=key)), until_ms + HOUR_MS // 2, tuple(merge(*beats, key=key)))


def campaign_files(troubled: Iterable[Troubled], folder: Path) -> None:
    """A campaign file for each, as that of the real appeal; one window, because nobody looks at windows here."""
    text = (CAMPAIGNS_HERE / "sgdq2019.toml").read_text()
    top, stall = text.split("[stall]")
    window = 'windows = [{ name = "48h", size = 172800, slide = 1800 }]\n'
    for one in troubled:
        mine = top.replace('id = "sgdq2019"', f'id = "{one.campaign_id}"') + window
        (folder / f"{one.campaign_id}.toml").write_text(f"{mine}[stall]{stall}")
