"""Kafka or the store away for a while: the pipeline waits, says so once, goes on, and nothing is lost."""

from __future__ import annotations

import time

import pytest
from harness import Pipeline
from test_faults import appeal_to_break, assert_equal, play_in_background

from streams.commands.appeals import Appeal

AWAY_SECONDS = 10  # longer than a session of 6 s


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_store_away_in_the_middle_of_inserts_loses_nothing() -> None:
    with Pipeline("tansu") as pipeline:
        pipeline.start_all()
        thread, sent = play_in_background(pipeline, appeal_to_break())
        time.sleep(6)
        pipeline.kill("clickhouse")
        time.sleep(AWAY_SECONDS)
        pipeline.restart("clickhouse")
        thread.join()
        assert_equal(pipeline, sent[0])
        log = pipeline.stack.log_of("sink").read_text()
        assert log.count("waiting, nothing is lost") == 1, log
        assert log.count("answers again") == 1, log


@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.timeout(400)
def test_the_broker_away_loses_nothing(kafka_jars: object) -> None:
    appeal = appeal_to_break()
    half = len(appeal.records) // 2
    first = Appeal(appeal.campaign_id, appeal.records[:half], appeal.records[half].record_time_ms)
    second = Appeal(appeal.campaign_id, appeal.records[half:], appeal.until_ms)
    with Pipeline("apache") as pipeline:
        pipeline.start_all()
        sent = pipeline.play(first)
        pipeline.wait_until_folded(sent)
        broker = next(name for name in pipeline.stack.running() if name.startswith("kafka"))
        pipeline.kill(broker)
        time.sleep(AWAY_SECONDS)
        pipeline.restart(broker)
        sent += pipeline.play(second)
        assert_equal(pipeline, sent)
        assert {"attribution", "conversion", "sink"} <= set(pipeline.stack.running()), pipeline.logs()
        for role in ("attribution", "conversion", "sink"):
            log = pipeline.stack.log_of(role).read_text()
            assert log.count("cannot be reached; waiting, nothing is lost") == 1, log
            assert log.count("answers again") == 1, log
