"""Faust's alarm "Has not committed ... at all": silent, for every role keeps its positions itself."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from streams.settings import Settings
from streams.worker.app import ROLES, make_app

MINUTES = 60.0


def alarm_of(role_name: str, folder: Path, caplog: pytest.LogCaptureFixture, *, is_silenced: bool) -> str:
    """What is logged of a role after six minutes of reading a log without a commit."""
    app = make_app(ROLES[role_name](Settings(), "0"), Settings(), str(folder))
    tp = TP(sorted(app.batch_topics)[0], 0)
    consumer: Any = app.consumer
    app.topics._acking_topics.add(tp.topic)
    app.monitor.stream_inbound_time[tp] = 6 * MINUTES
    state = SimpleNamespace(highwater=9, position=5, timestamp=6 * MINUTES * 1000)
    assignment = SimpleNamespace(active=True, state_value=lambda _: state)
    subscriptions = SimpleNamespace(subscription=SimpleNamespace(assignment=assignment))
    consumer._thread._consumer = SimpleNamespace(_fetcher=SimpleNamespace(_subscriptions=subscriptions))
    consumer._thread.time_started = 0.0
    if not is_silenced:
        consumer._thread.tp_commit_timeout_secs = app.conf.broker_commit_livelock_soft_timeout
    caplog.set_level(logging.ERROR)
    consumer.verify_event_path(6 * MINUTES, tp)
    return caplog.text


@pytest.mark.parametrize("role_name", sorted(ROLES))
def test_no_role_is_called_late_with_commits(role_name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert alarm_of(role_name, tmp_path, caplog, is_silenced=True) == ""


def test_without_the_silence_the_alarm_is_heard(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert "Has not committed" in alarm_of("sink", tmp_path, caplog, is_silenced=False)
