"""The end of a log, read backwards by clients that fail: every record once, and every piece is counted."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError

from streams.kafka import log_tail as module
from streams.kafka.loading import Load

RECORDS = 300
AT_ONCE = 10


class Log:
    """A log of so many records of one byte each; every client fails at the fetch of these numbers."""

    def __init__(self, failures: set[int]) -> None:
        self.failures = failures
        self.fetches = 0
        self.read: list[int] = []

    def client(self, **_: Any) -> Client:
        return Client(self)


class Client:
    def __init__(self, log: Log) -> None:
        self._log, self._position = log, 0

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def assign(self, _: Any) -> None: ...

    def seek(self, _: Any, offset: int) -> None:
        self._position = offset

    async def position(self, _: Any) -> int:
        return self._position

    def highwater(self, _: Any) -> int:
        return RECORDS

    async def beginning_offsets(self, tps: list[Any]) -> dict[Any, int]:
        return dict.fromkeys(tps, 0)

    async def end_offsets(self, tps: list[Any]) -> dict[Any, int]:
        return dict.fromkeys(tps, RECORDS)

    async def getmany(self, tp: Any, timeout_ms: int) -> dict[Any, list[Any]]:
        self._log.fetches += 1
        if self._log.fetches in self._log.failures:
            raise KafkaTimeoutError
        start = self._position
        self._position = min(RECORDS, start + AT_ONCE)
        self._log.read += range(start, self._position)
        return {tp: [SimpleNamespace(offset=offset, value=b"x") for offset in range(start, self._position)]}


def looks(log: Log, monkeypatch: pytest.MonkeyPatch, load: Load) -> list[int]:
    """How many records each look at the end of the log has given."""
    monkeypatch.setattr(module, "AIOKafkaConsumer", log.client)
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.0)

    async def read() -> list[int]:
        return [len(found) async for found in module.read_tail([], "log", 0, lambda value: value, 64, load=load)]

    return asyncio.run(read())


def test_each_look_goes_twice_as_far_and_reads_only_what_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    log, load = Log(set()), Load("the log", 0)
    assert looks(log, monkeypatch, load) == [64, 128, 256, 300]
    assert len(log.read) < RECORDS + 4 * AT_ONCE, "a fetch may reach into the stretch behind it, and no further"
    assert (load.records_read, load.records_wanted, load.bytes_read) == (300, 300, 300)


def test_a_client_that_fails_leaves_what_it_has_read_to_the_next(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log, load = Log({3, 4, 14}), Load("the log", 0)
    assert looks(log, monkeypatch, load) == [64, 128, 256, 300]
    assert len(log.read) < RECORDS + 4 * AT_ONCE
    assert load.records_read == 300
    assert {message.split(",")[0] for message in caplog.messages} == {"the log cannot be read now"}
    assert len(caplog.messages) == 2, "once a stretch, not once a failure"
