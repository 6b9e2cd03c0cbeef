"""Faust's alarm "Has not committed ... at all": silent where positions belong to the state, loud where commits rule."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from streams.app import ROLES, make_app
from streams.settings import Settings

MINUTES = 60.0


@pytest.fixture(params=sorted(ROLES))
def watched(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Any, TP]:
    """A role's name, its consumer as it is after six minutes of reading a log without a commit, and a partition."""
    role = ROLES[request.param](Settings(), "0")
    app = make_app(role, Settings(), str(tmp_path))
    tp = TP(sorted(app.batch_topics)[0], 0)
    consumer = app.consumer
    app.topics._acking_topics.add(tp.topic)
    app.monitor.stream_inbound_time[tp] = 6 * MINUTES
    state = SimpleNamespace(highwater=9, position=5, timestamp=6 * MINUTES * 1000)
    assignment = SimpleNamespace(active=True, state_value=lambda _: state)
    subscriptions = SimpleNamespace(subscription=SimpleNamespace(assignment=assignment))
    consumer._thread._consumer = SimpleNamespace(_fetcher=SimpleNamespace(_subscriptions=subscriptions))
    consumer._thread.time_started = 0.0
    return role.name, consumer, tp


def test_only_a_role_whose_commits_rule_is_called_late_with_them(
    watched: tuple[str, Any, TP], caplog: pytest.LogCaptureFixture
) -> None:
    name, consumer, tp = watched
    caplog.set_level(logging.ERROR)
    consumer.verify_event_path(6 * MINUTES, tp)
    said = "Has not committed" in caplog.text
    assert said is (name == "sink"), caplog.text
