"""The same appeal through faults: every time the tables equal the oracle's, row for row, to the cent.

The appeal's first hours are enough for a fault; `GROUNDSWELL_WHOLE_APPEAL=1` plays all of it.
"""

from __future__ import annotations

import os
import random
import threading
import time

import pytest
from brokers import on
from harness import Broker, Pipeline
from kafka import KafkaAdminClient, TopicPartition

from schemas.topics import CHECKPOINTS
from streams.commands.appeals import Appeal, door_appeal
from streams.producers import door

HOUR_MS = 3_600_000
# Long enough for a session of 6 s to end, and a rebalance of 3 s after it, while events come.
PLAY_SECONDS = 15


def appeal_to_break() -> Appeal:
    """The sample appeal, or its first eight hours."""
    whole = door_appeal()
    if os.environ.get("GROUNDSWELL_WHOLE_APPEAL") == "1":
        return whole
    end = door.START_MS + 8 * HOUR_MS
    return Appeal(whole.campaign_id, [r for r in whole.records if r.record_time_ms < end], end)


def speed_for(appeal: Appeal, seconds: float) -> float:
    first = appeal.records[0].record_time_ms
    return (appeal.until_ms - first) / 1000 / seconds


def play_in_background(pipeline: Pipeline, appeal: Appeal) -> tuple[threading.Thread, list[int]]:
    sent: list[int] = []
    speed = speed_for(appeal, PLAY_SECONDS)
    thread = threading.Thread(target=lambda: sent.append(pipeline.play(appeal, speed)))
    thread.start()
    return thread, sent


def assert_equal(pipeline: Pipeline, sent: int) -> None:
    pipeline.wait_until_folded(sent)
    result = pipeline.audit()
    assert result.equal, "\n".join(result.differences) + pipeline.logs()
    assert result.compared["conversions"] > 1000, result.compared


@on("apache")
@pytest.mark.faults
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_worker_that_is_killed_ten_times_changes_nothing(broker: Broker) -> None:
    dice = random.Random(10)
    with Pipeline(broker) as pipeline:
        pipeline.start_all()
        thread, sent = play_in_background(pipeline, appeal_to_break())
        for _ in range(10):
            time.sleep(dice.uniform(0.5, 6.0))
            pipeline.revive()
            pipeline.kill("attribution")
            pipeline.restart("attribution")
        thread.join()
        assert_equal(pipeline, sent[0])


@on("tansu")
@pytest.mark.faults
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_conversion_and_sink_that_are_killed_change_nothing(broker: Broker) -> None:
    dice = random.Random(11)
    with Pipeline(broker) as pipeline:
        pipeline.start_all()
        thread, sent = play_in_background(pipeline, appeal_to_break())
        for name in ("conversion", "sink", "conversion", "sink"):
            time.sleep(dice.uniform(2.0, 8.0))
            pipeline.revive()
            pipeline.kill(name)
            pipeline.restart(name)
        thread.join()
        assert_equal(pipeline, sent[0])


@on("apache")
@pytest.mark.faults
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_worker_that_joins_and_one_that_leaves_change_nothing(broker: Broker) -> None:
    with Pipeline(broker) as pipeline:
        pipeline.start_all()
        thread, sent = play_in_background(pipeline, appeal_to_break())
        time.sleep(4)
        pipeline.start("attribution", "attribution-2")
        time.sleep(8)
        pipeline.stack.stop_child("attribution")
        thread.join()
        assert_equal(pipeline, sent[0])


@on("tansu")
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_every_event_sent_twice_counts_once(broker: Broker) -> None:
    appeal = appeal_to_break()
    twice = Appeal(appeal.campaign_id, [record for record in appeal.records for _ in range(2)], appeal.until_ms)
    with Pipeline(broker) as pipeline:
        pipeline.start_all()
        sent = pipeline.play(twice)
        assert sent == 2 * len(appeal.records)
        assert_equal(pipeline, sent)
        rows = pipeline.query("SELECT sum(accepted), sum(duplicates), sum(dead_lettered) FROM accounting")
        accepted, duplicates, dead = rows[0]
        assert accepted + duplicates + dead == sent
        assert duplicates >= accepted


@on("tansu")
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_topics_in_any_order_give_the_same(broker: Broker) -> None:
    appeal = appeal_to_break()
    order = {"donations": 0, "clicks": 1, "impressions": 2, "shares": 3}
    shuffled = Appeal(appeal.campaign_id, sorted(appeal.records, key=lambda r: order[r.topic]), appeal.until_ms)
    with Pipeline(broker) as pipeline:
        pipeline.start_all()
        assert_equal(pipeline, pipeline.play(shuffled))


@on("apache")
@pytest.mark.faults
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_deleted_checkpoints_only_lengthen_the_replay(broker: Broker) -> None:
    appeal = appeal_to_break()
    half = len(appeal.records) // 2
    middle_ms = appeal.records[half].record_time_ms
    first = Appeal(appeal.campaign_id, appeal.records[:half], middle_ms)
    second = Appeal(appeal.campaign_id, appeal.records[half:], appeal.until_ms)
    with Pipeline(broker, {"GROUNDSWELL_CHECKPOINT_INTERVAL": "1"}) as pipeline:
        pipeline.start_all()
        sent = pipeline.play(first)
        pipeline.wait_until_folded(sent)
        pipeline.stack.stop_child("attribution")
        pipeline.kill("conversion")
        delete_checkpoints(pipeline)
        sent += pipeline.play(second)
        pipeline.restart("attribution")
        pipeline.restart("conversion")
        assert_equal(pipeline, sent)


def delete_checkpoints(pipeline: Pipeline) -> None:
    """Empty the topic: by deleting its records, or where a broker cannot, the topic."""
    from streams.commands.topics import plan_of
    from streams.producers.topics import create_topics

    client = KafkaAdminClient(bootstrap_servers=pipeline.settings.brokers)
    name = pipeline.settings.topic(CHECKPOINTS)
    try:
        client.delete_topics([name])
        deadline = time.monotonic() + 20
        while name in client.list_topics() and time.monotonic() < deadline:
            time.sleep(0.2)
    finally:
        client.close()
    assert TopicPartition(name, 0)
    create_topics(plan_of(pipeline.settings))
