"""A load of conversion that a rebalance overtakes leaves nothing half done."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from faust.types import TP

from streams.agents import conversion as module
from streams.agents.conversion import ConversionRole
from streams.kafka.checkpoints import CHECKPOINT_SCHEMA, EmittedUpTo
from streams.settings import Settings

MARK = EmittedUpTo(CHECKPOINT_SCHEMA, 7)
SHARE = frozenset({TP("slices", 0)})


def test_a_mark_is_found_again_where_its_load_was_overtaken(monkeypatch: pytest.MonkeyPatch) -> None:
    async def overtaken_then_loaded() -> ConversionRole:
        role = ConversionRole(Settings(), "0")
        answers = iter([asyncio.sleep(3600), asyncio.sleep(0)])

        async def newest_mark(*_: object) -> EmittedUpTo:
            await next(answers)
            return MARK

        async def newest_stalls(*_: object) -> list[object]:
            return []

        monkeypatch.setattr(role.checkpoints, "newest_mark", newest_mark)
        monkeypatch.setattr(module, "newest_stalls", newest_stalls)
        with suppress(TimeoutError):
            await asyncio.wait_for(role.load(SHARE), 0.05)
        assert role.loading() is None
        await role.load(SHARE)
        return role

    role = asyncio.run(overtaken_then_loaded())
    assert role.marks == {0: MARK}
