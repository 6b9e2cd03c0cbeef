"""The real appeal as closed minutes; a silence of the series is a hole."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from functools import cache
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from watching_campaigns import GAMES

from schemas.heartbeats import decode
from schemas.topics import DONATIONS, IMPRESSIONS
from streams.operators.stalls.state_machine import Minute
from streams.producers import gdq
from streams.producers.gdq_series import read_rows

SERIES = Path(__file__).parents[3] / "shared" / "data" / "sgdq2019" / "timeseries.csv"


@cache
def real_minutes() -> tuple[tuple[Minute, bool], ...]:
    """(minute, whether it lies in a hole of a feed) from the first to the last; skips where the series is absent.

    A hole is a silence of a feed that is longer than the campaign's patience.
    """
    if not SERIES.exists():
        pytest.skip("the real series is not beside this checkout")
    rows = read_rows(SERIES)
    exposures: Counter[int] = Counter()
    donations: Counter[int] = Counter()
    for record in gdq.records_of(rows):
        if record.topic not in (IMPRESSIONS, DONATIONS):
            continue
        event = msgspec.json.decode(record.value or b"")
        end = int(datetime.fromisoformat(event["occurred_at"]).timestamp()) // 60 * 60 + 60
        if record.topic == IMPRESSIONS:
            exposures[end] += event["count"]
        elif event["kind"] == "donation":
            donations[end] += 1
    beats: dict[str, list[int]] = {}
    for record in gdq.feed_beats(rows):
        beat = decode(record.value or b"")
        beats.setdefault(beat.feed, []).append(int(datetime.fromisoformat(beat.at).timestamp()))
    holes = {
        end
        for heard in beats.values()
        for before, after in pairwise(heard)
        if after - before > GAMES.stall.feed_patience * 60
        for end in range(before + 60, after + 60, 60)
    }
    seen = exposures.keys() | donations.keys()
    return tuple(
        (Minute(end, exposures[end], donations[end]), end in holes) for end in range(min(seen), max(seen) + 60, 60)
    )
