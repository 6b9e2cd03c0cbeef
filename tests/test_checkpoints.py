"""What is of no use among checkpoints is passed over and named; the newest whole one is used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from xxhash import xxh3_64_hexdigest

from streams.kafka.batch_producer import BatchProducer
from streams.kafka.checkpoints import (
    CHECKPOINT_SCHEMA,
    CheckpointManifest,
    CheckpointPart,
    Checkpoints,
    Decode,
    EmittedUpTo,
    Saved,
    _encoder,
)
from streams.settings import Settings

HALVES = b"first half, ", b"second half"
STATE = b"".join(HALVES)


def checkpoint(version: int, parts: int = 2) -> list[Saved]:
    """A saved state with so many of its two parts."""
    pieces = [CheckpointPart(CHECKPOINT_SCHEMA, "a", version, number, HALVES[number]) for number in range(parts)]
    return [*pieces, CheckpointManifest(CHECKPOINT_SCHEMA, "a", version, 2, xxh3_64_hexdigest(STATE))]


def newest(monkeypatch: pytest.MonkeyPatch, *looks: list[Saved]) -> bytes | None:
    """What is found as a state where the topic's end looks so, from nearer and from farther."""
    checkpoints = Checkpoints(Settings(), BatchProducer(Settings()))

    async def tails(*_: object) -> AsyncIterator[list[Saved]]:
        for records in looks:
            yield records

    monkeypatch.setattr(checkpoints, "_read_tail", tails)
    return asyncio.run(checkpoints.newest_state(3, bytes))


def test_a_truncated_checkpoint_is_named_and_the_one_before_is_used(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert newest(monkeypatch, [*checkpoint(7), *checkpoint(9, parts=1)]) == STATE
    assert caplog.messages == ["checkpoint of partition 3 at version 9 not used: not whole"]


def test_a_damaged_part_is_not_taken_for_a_state(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert newest(monkeypatch, [*checkpoint(9), CheckpointPart(CHECKPOINT_SCHEMA, "a", 9, 0, b"other")]) is None
    assert len(caplog.messages) == 1


def test_a_look_that_was_too_near_is_no_damage(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert newest(monkeypatch, checkpoint(9)[1:], checkpoint(9)) == STATE
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (_encoder.encode(EmittedUpTo(CHECKPOINT_SCHEMA + 1, 5)), f"schema {CHECKPOINT_SCHEMA + 1}, this program's is"),
        (_encoder.encode(EmittedUpTo(CHECKPOINT_SCHEMA - 1, 5)), f"schema {CHECKPOINT_SCHEMA - 1}, this program's is"),
        (b"\x00noise", "what is no record of ours"),
    ],
)
def test_records_of_another_version_are_passed_over_and_named_once(
    value: bytes, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    decode = Decode(3)
    assert [decode(value), decode(value), decode(None)] == [None, None, None]
    [said] = caplog.messages
    assert said.startswith("checkpoints of partition 3 not used: ")
    assert why in said


def test_records_of_ours_are_read_and_nothing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    mark = EmittedUpTo(CHECKPOINT_SCHEMA, 5, 6, {"door": 7})
    assert Decode(0)(_encoder.encode(mark)) == mark
    assert caplog.messages == []
