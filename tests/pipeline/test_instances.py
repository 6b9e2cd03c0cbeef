"""Static members: a restarted worker takes its place at once, a replaced one ends and has done no harm."""

from __future__ import annotations

import os
import signal
import time

import pytest
from brokers import on
from harness import Broker, Pipeline
from test_faults import appeal_to_break, assert_equal, play_in_background

INSTANCE = {"GROUNDSWELL_INSTANCE": "a"}
# So long that whoever waited for the end of a session would fail here.
PATIENT = {**INSTANCE, "GROUNDSWELL_SESSION_TIMEOUT": "120", "GROUNDSWELL_CHECKPOINT_INTERVAL": "1"}
# Shortly after its join a worker cannot know who replaced it; `tests/transport/test_membership.py` has the older ones.
TAKEN = "another process has taken the place of the instance"


@on("apache")
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_killed_worker_that_returns_does_not_wait_for_its_session(broker: Broker) -> None:
    with Pipeline(broker, PATIENT) as pipeline:
        pipeline.start_all()
        thread, sent = play_in_background(pipeline, appeal_to_break())
        for _ in range(2):
            time.sleep(3)
            assert pipeline.revive() == []
            for name in ("attribution", "conversion", "sink"):
                times = count(pipeline, "attribution", "has caught up")
                pipeline.kill(name)
                pipeline.restart(name)
                if name == "attribution":
                    wait_for_line(pipeline, name, "has caught up", times + 1)
        thread.join()
        assert_equal(pipeline, sent[0])


@on("apache")
@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    "pause",
    [
        pytest.param(0.0, id="both at work"),
        pytest.param(6.0, id="paused, not long enough for a session to end", marks=pytest.mark.faults),
        pytest.param(20.0, id="paused for longer than a session", marks=pytest.mark.faults),
    ],
)
def test_the_older_of_two_workers_of_one_instance_ends(broker: Broker, pause: float) -> None:
    with Pipeline(broker, {**INSTANCE, "GROUNDSWELL_SESSION_TIMEOUT": "15"}) as pipeline:
        pipeline.start_all()
        thread, sent = play_in_background(pipeline, appeal_to_break())
        wait_for_line(pipeline, "attribution", "records folded")
        older = pipeline.stack.pid_of("attribution")
        if pause:
            os.kill(older, signal.SIGSTOP)
        pipeline.start("attribution", "attribution-2")
        time.sleep(pause)
        os.kill(older, signal.SIGCONT)
        assert pipeline.wait_for_end("attribution") == 1, pipeline.logs()
        # After a long pause its own clock may say first that its session is over.
        assert TAKEN in pipeline.stack.log_of("attribution").read_text() or pause > 15
        thread.join()
        assert_equal(pipeline, sent[0])
        pipeline.stack.check()


@on("apache")
@pytest.mark.faults
@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("role", ["conversion", "sink"])
def test_the_older_of_two_ends_in_the_other_roles_too(broker: Broker, role: str) -> None:
    with Pipeline(broker, {**INSTANCE, "GROUNDSWELL_SESSION_TIMEOUT": "15"}) as pipeline:
        pipeline.start_all()
        thread, sent = play_in_background(pipeline, appeal_to_break())
        wait_for_line(pipeline, "attribution", "records folded")
        pipeline.start(role, f"{role}-2")
        assert pipeline.wait_for_end(role) == 1, pipeline.logs()
        assert TAKEN in pipeline.stack.log_of(role).read_text()
        thread.join()
        assert_equal(pipeline, sent[0])


@on("tansu")
@pytest.mark.timeout(120)
def test_a_broker_without_static_members_is_said_to_be_one(broker: Broker) -> None:
    with Pipeline(broker, INSTANCE) as pipeline:
        pipeline.start("attribution")
        assert pipeline.wait_for_end("attribution") == 2, pipeline.logs()
        assert "this broker has no static members" in pipeline.stack.log_of("attribution").read_text()


def count(pipeline: Pipeline, name: str, text: str) -> int:
    return pipeline.stack.log_of(name).read_text().count(text)


def wait_for_line(pipeline: Pipeline, name: str, text: str, times: int = 1, seconds: float = 40.0) -> None:
    deadline = time.monotonic() + seconds
    while count(pipeline, name, text) < times:
        assert time.monotonic() < deadline, pipeline.logs()
        time.sleep(0.05)
