"""The program `worker attribution` with something wrong at the moment when its state is loaded.

    python slow_loading.py slow    the load takes longer than Faust would wait, and makes progress
    python slow_loading.py still   the load makes no progress and never ends
    python slow_loading.py ended   Faust's task that places the worker ends, as it does where a timeout is a stop to it

Faust's bound is a minute in production; here it is `BOUND` seconds, so that a test need not wait for it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any
from unittest.mock import patch

from faust.tables import recovery
from faust.types import TP

from streams import logs
from streams.agents.attribution import AttributionRole
from streams.settings import Settings
from streams.worker.app import run_role

BOUND = 0.5
SLOW = 3.0

their_wait = recovery.Recovery._wait
load = AttributionRole.load


async def hasty(self: Any, awaited: Any, timeout: Any = None) -> None:
    await their_wait(self, awaited, timeout=None if timeout is None else BOUND)


async def ended(self: Any, awaited: Any, timeout: Any = None) -> None:
    await their_wait(self, awaited)
    raise recovery.ServiceStopped


async def slow(self: AttributionRole, tps: frozenset[TP]) -> Mapping[TP, int]:
    with self._loads.one("the state of partition 0", 0) as what:
        what.wants(30)
        for _ in range(30):
            await asyncio.sleep(SLOW / 30)
            what.took(1, 1_000_000)
    return await load(self, tps)


async def still(self: AttributionRole, tps: frozenset[TP]) -> Mapping[TP, int]:
    with self._loads.one("the state of partition 0", 0) as what:
        what.wants(30)
        what.took(12, 8_000_000)
        await asyncio.sleep(3600)
    return {}


if __name__ == "__main__":
    wrong: dict[str, Callable[..., Any]] = {"slow": slow, "still": still}
    patch.object(recovery.Recovery, "_wait", ended if sys.argv[1] == "ended" else hasty).start()
    patch.object(AttributionRole, "load", wrong.get(sys.argv[1], load)).start()
    logs.configure("text")
    settings = Settings.from_environment(os.environ)
    sys.exit(run_role(AttributionRole(settings, "0"), settings))
