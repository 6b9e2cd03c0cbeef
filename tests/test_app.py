"""A role that has not started yet says nothing, whatever the group does meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from streams.settings import Settings
from streams.worker import app as module
from streams.worker.app import ROLES, make_app


@pytest.fixture(params=sorted(ROLES))
def role_and_app(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    settings = Settings.from_environment({})
    role = ROLES[request.param](settings, "0")
    return role, make_app(role, settings, str(tmp_path))


def test_a_rebalance_before_the_start_has_nothing_to_flush(role_and_app: Any) -> None:
    _, app = role_and_app
    assert app.flush is None


def test_a_stop_emits_what_is_left_and_before_the_start_nothing_is(
    role_and_app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    role, app = role_and_app
    stopped: list[str] = []

    async def stop() -> None:
        stopped.append(role.name)

    monkeypatch.setattr(role, "stop", stop)
    module._emit_what_is_left(app, role)
    asyncio.run(app.on_before_shutdown.send())
    assert stopped == []
    app.flush = role.flush
    asyncio.run(app.on_before_shutdown.send())
    assert stopped == [role.name]
