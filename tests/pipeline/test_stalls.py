"""The stall detector through the whole pipeline: on the real appeal, with outages, and with conversion killed.

`GROUNDSWELL_WHOLE_APPEAL=1` plays ten outages of each kind and kills ten times; else two and three.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from brokers import on
from harness import Broker, Pipeline
from outages import without_donations, without_feed
from stall_appeals import (
    SERIES,
    campaign_files,
    cut_off,
    healthy,
    missing_minutes,
    played_together,
    random_hours,
    stopped,
)
from test_faults import play_in_background

from schemas.slices import Entity, home_of
from schemas.times import parse_ms
from streams.commands.appeals import Appeal, door_appeal
from streams.kafka.stall_records import newest_stalls
from streams.producers import door

WHOLE = os.environ.get("GROUNDSWELL_WHOLE_APPEAL") == "1"
HOUR_MS = 3_600_000
REACHED = "SELECT count() FROM (SELECT campaign_id, max(minute) AS at FROM stalls WHERE dimension = 'campaign' " + (
    "GROUP BY campaign_id HAVING at >= parseDateTimeBestEffort('{until}'))"
)
NEWEST = (
    "SELECT campaign_id, dimension, member, toDateTime64(max(minute), 3, 'UTC') FROM stalls "
    "GROUP BY campaign_id, dimension, member"
)
HISTORY = """
    SELECT campaign_id, dimension, member, at, state, sentence, next_step, expected, observed, chance
    FROM stall_changes ORDER BY ALL
"""

needs_the_series = pytest.mark.skipif(not SERIES.exists(), reason=f"the series of the real appeal is not at {SERIES}")


def moment(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms // 1000)!s}"


def wait_until_watched(pipeline: Pipeline, campaigns: int, until_ms: int, seconds: float = 120.0) -> None:
    """Until the detectors of so many campaigns have said something of that minute."""
    reached = REACHED.format(until=moment(until_ms))
    deadline = time.monotonic() + seconds
    while pipeline.query(reached)[0][0] < campaigns:
        assert time.monotonic() < deadline, f"the detectors are not there yet\n{pipeline.logs()}"
        pipeline.revive()
        time.sleep(0.5)


def wait_until_all_was_said(pipeline: Pipeline, until_ms: int, seconds: float = 120.0) -> None:
    """Until the detectors of every partition have reached that minute, and what they said last is in the store.

    Each partition has its own copy of the campaign's watch and the influencers whose home it is, and is as fast as its
    worker: the first copy that gets there says nothing of the others.
    """
    deadline = time.monotonic() + seconds
    while (missing := unsaid(pipeline, until_ms)) is not None:
        assert time.monotonic() < deadline, f"{missing}\n{pipeline.logs()}"
        pipeline.revive()
        time.sleep(0.5)


def unsaid(pipeline: Pipeline, until_ms: int) -> str | None:
    """What is missing, in words; None: nothing."""
    landed = {tuple(key): minute.timestamp() for *key, minute in pipeline.query(NEWEST)}
    for partition in range(pipeline.settings.partitions):
        said = asyncio.run(newest_stalls(pipeline.settings, partition))
        reached = max((parse_ms(stall.minute) for stall in said if stall.dimension == "campaign"), default=0)
        if reached < until_ms:
            return f"partition {partition} has only reached {reached}, not {until_ms}"
        for stall in said:
            entity = Entity(stall.campaign_id, stall.dimension, stall.member)
            is_heard = home_of(entity, pipeline.settings.partitions) == partition
            if is_heard and landed.get(entity, 0.0) * 1000 < parse_ms(stall.minute):
                return f"{entity} has not landed up to {stall.minute}"
    return None


def states_of(pipeline: Pipeline, campaign: str) -> list[tuple[datetime, str]]:
    sql = "SELECT at, state FROM stall_changes WHERE campaign_id = '{}' AND dimension = 'campaign' ORDER BY at"
    return [(at, state) for at, state in pipeline.query(sql.format(campaign))]


@needs_the_series
@pytest.mark.slow
@pytest.mark.timeout(3600 if WHOLE else 900)
def test_the_real_appeal_is_never_stalled_a_stop_is_found_within_an_hour_that_was_seen_and_a_silent_feed_is_no_stop(
    tmp_path: Path,
) -> None:
    number = 10 if WHOLE else 2
    stops = [stopped(n, hour) for n, hour in enumerate(random_hours(number))]
    cuts = [cut_off(n, hour, 6) for n, hour in enumerate(random_hours(number, seed=7))]
    shows = [healthy("sgdq2019"), *stops, *cuts]
    campaign_files(shows, tmp_path)
    appeal = played_together(shows)
    # Nothing is killed here: nobody need be noticed soon.
    patient = {"GROUNDSWELL_CAMPAIGNS": str(tmp_path), "GROUNDSWELL_SESSION_TIMEOUT": "30"}
    with Pipeline("tansu", patient) as pipeline:
        pipeline.start_all()
        pipeline.play(appeal)
        wait_until_watched(pipeline, len(shows), appeal.until_ms - HOUR_MS, 2400 if WHOLE else 500)

        states = [state for _, state in states_of(pipeline, "sgdq2019")]
        assert "stalled" not in states
        assert {"ok", "tail"} <= set(states), states

        minutes = {}
        for stop in stops:
            found = [at for at, state in states_of(pipeline, stop.campaign_id) if state == "stalled"]
            assert found, (stop.campaign_id, states_of(pipeline, stop.campaign_id))
            found_ms = int(found[0].timestamp() * 1000)
            missing = missing_minutes(stop.from_ms, found_ms)
            minutes[stop.campaign_id] = ((found_ms - stop.from_ms) // 60_000 - missing, missing)
        print("minutes to stalled, and minutes missing from the series meanwhile:", sorted(minutes.values()))
        assert all(0 < seen <= 60 for seen, _ in minutes.values()), minutes

        for cut in cuts:
            history = states_of(pipeline, cut.campaign_id)
            assert "stalled" not in [state for _, state in history], history
            down = [at for at, state in history if state == "feed_down"]
            begun = [at for at in down if -60 <= at.timestamp() - cut.from_ms / 1000 <= 120]
            assert begun, (cut, history)


def door_with_outages() -> Appeal:
    """The sample with its donations gone for twenty hours, and later its click feed for three."""
    whole = door_appeal()

    def broken(records: Any) -> list[Any]:
        stopped = without_donations(records, door.START_MS + 8 * HOUR_MS, door.START_MS + 28 * HOUR_MS)
        return without_feed(stopped, "clicks", door.START_MS + 34 * HOUR_MS, door.START_MS + 37 * HOUR_MS)

    return Appeal(whole.campaign_id, broken(whole.records), whole.until_ms, tuple(broken(whole.beside)))


def history_of_door(broker: Broker, kills: int) -> list[tuple[Any, ...]]:
    dice = random.Random(kills)
    appeal = door_with_outages()
    with Pipeline(broker) as pipeline:
        pipeline.start_all()
        thread, sent = play_in_background(pipeline, appeal)
        for _ in range(kills):
            time.sleep(dice.uniform(1.0, 5.0))
            pipeline.revive()
            pipeline.kill("conversion")
            pipeline.restart("conversion")
        thread.join()
        pipeline.wait_until_folded(sent[0])
        wait_until_all_was_said(pipeline, appeal.until_ms - HOUR_MS)
        return pipeline.query(HISTORY)


@on("tansu")
@pytest.mark.slow
@pytest.mark.timeout(1200 if WHOLE else 600)
def test_conversion_that_is_killed_says_the_same_history(broker: Broker) -> None:
    undisturbed = history_of_door(broker, 0)
    states = [state for _, dimension, _, _, state, *_ in undisturbed if dimension == "campaign"]
    assert {"not_started", "ok", "stalled", "feed_down", "tail"} <= set(states), states
    killed = history_of_door(broker, 10 if WHOLE else 3)
    assert killed == undisturbed
