"""A feed that was ended on purpose holds nobody up and leaves no hole."""

from __future__ import annotations

import msgspec
import pytest
from watching_campaigns import DOOR

from schemas.slices import SLICES_SCHEMA, Progress, feed_key
from schemas.topics import SOURCES
from streams.operators.stalls.scheduler import DetectorScheduler
from streams.operators.windowing.state import Conversion
from streams.operators.windowing.windower import Windower

START_MS = int(DOOR.start.timestamp() * 1000)
HOUR_MS = 3_600_000


@pytest.mark.parametrize(("retired", "silent"), [((), ("donations/old",)), (("donations/old",), ())])
def test_a_retired_feed_leaves_no_hole(retired: tuple[str, ...], silent: tuple[str, ...]) -> None:
    rules = msgspec.structs.replace(DOOR.stall, retired_feeds=retired)
    campaigns = {"door": msgspec.structs.replace(DOOR, stall=rules)}
    scheduler, conversion = DetectorScheduler(campaigns, 1, 14 * 86_400), Conversion(0)
    detectors = scheduler.begin()
    complete = START_MS + 5 * HOUR_MS
    nothing = dict.fromkeys(SOURCES, 0)
    feeds = {
        feed_key("donations/old", None): START_MS + HOUR_MS,
        feed_key("donations/new", "door"): complete,
        feed_key("clicks/web", "door"): complete,
    }
    record = Progress(
        SLICES_SCHEMA, 0, "a", 1, complete, True, nothing, nothing, nothing, nothing, nothing, nothing, nothing,
        complete=complete, feeds=feeds,
    )  # fmt: skip
    Windower(campaigns, 1).apply(conversion, record)
    scheduler.note(detectors, conversion, record, None)
    closing = detectors.appeals["door"].completeness
    assert closing.until == complete // 1000 - DOOR.allowed_lateness
    assert closing.intervals[-1].silent == silent


def test_a_retired_feed_that_is_no_feed_is_refused() -> None:
    with pytest.raises(ValueError, match="retired_feeds"):
        msgspec.structs.replace(DOOR.stall, retired_feeds=("stripe",))
