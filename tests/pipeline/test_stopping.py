"""A clean stop is clean at any moment, and a topic that was made anew stops the worker in words."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from harness import Pipeline
from kafka import KafkaAdminClient
from test_faults import appeal_to_break


@pytest.mark.slow
def test_sigterm_in_the_middle_of_the_first_emission_is_a_clean_stop() -> None:
    with Pipeline("tansu") as pipeline:
        pipeline.play(appeal_to_break())
        pipeline.start("attribution")
        log = pipeline.stack.log_of("attribution")
        deadline = time.monotonic() + 60
        while "has caught up" not in log.read_text():
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.01)
        assert pipeline.stack.stop_child("attribution") == 0, log.read_text()
        assert "surprise" not in log.read_text()


@pytest.mark.slow
def test_a_source_topic_that_was_made_anew_stops_attribution_with_what_to_do() -> None:
    from streams.commands.topics import plan_of
    from streams.producers.topics import create_topics

    with Pipeline("tansu") as pipeline:
        pipeline.start_all()
        pipeline.wait_until_folded(pipeline.play(appeal_to_break()))
        assert pipeline.stack.stop_child("attribution") == 0
        client = KafkaAdminClient(bootstrap_servers=pipeline.settings.brokers)
        client.delete_topics(["clicks"])
        client.close()
        pipeline.stack.stop_child("sink")
        create_topics(plan_of(pipeline.settings))
        pipeline.restart("attribution")
        deadline = time.monotonic() + 60
        while "attribution" in pipeline.stack.running():
            assert time.monotonic() < deadline, pipeline.logs()
            time.sleep(0.2)
        assert "it was made anew" in pipeline.stack.log_of("attribution").read_text()
        assert pipeline.stack.kill_child("attribution") == 2


HANGS_WHEN_IT_STOPS = """
import asyncio
import faust
from streams.worker import app

app.STOP_SECONDS = 0.5

async def never(self):
    await asyncio.sleep(3600)

faust.Worker.stop = never
asyncio.run(app.PunctualWorker.stop(object.__new__(app.PunctualWorker)))
"""


def test_a_worker_that_does_not_come_to_its_end_is_ended() -> None:
    ended = subprocess.run([sys.executable, "-c", HANGS_WHEN_IT_STOPS], timeout=60, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "not stopped after" in ended.stderr
