"""An event on which the program itself fails: one dead letter, and everything else goes on."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from wiring import PARTITIONS, PROCESSOR, START_MS, Record, campaign_of

from schemas.codec import Codec
from schemas.partitioning import partition_of
from schemas.reasons import Reason
from schemas.times import parse_ms, rfc3339
from streams.clickhouse.rows import Rows
from streams.kafka.transport import Batch
from streams.operators.attribution.fold import AttributionOperator
from streams.operators.attribution.state import Attribution

POISON = "00000000-0000-4000-8000-000000000002"
KEY = b"r-1"
HOME = partition_of(KEY, PARTITIONS)


def click(number: int) -> Record:
    event = {
        "event_id": f"00000000-0000-4000-8000-00000000000{number}",
        "campaign_id": "usd",
        "referral_id": KEY.decode(),
        "occurred_at": rfc3339(START_MS + number),
        "schema_version": 1,
    }
    return Record(number, START_MS + 1000, KEY, json.dumps(event).encode())


@pytest.fixture
def codec(monkeypatch: pytest.MonkeyPatch) -> Codec:
    """A codec with a bug: it divides by zero at the time of one event."""

    def buggy(text: str) -> int:
        if text == rfc3339(START_MS + 2):
            raise ZeroDivisionError
        return parse_ms(text)

    def buggy_too(texts: list[str]) -> Any:
        return [buggy(text) for text in texts]

    monkeypatch.setattr("schemas.codec.parse_ms", buggy)
    monkeypatch.setattr("schemas.codec.fast_path.times_ms", buggy_too)
    return Codec({"usd": campaign_of("usd", "USD")}, PARTITIONS)


def test_attribution_makes_it_a_dead_letter_with_all_its_bytes_and_goes_on(codec: Codec) -> None:
    state = Attribution(HOME)
    AttributionOperator(codec, PROCESSOR).step(state, "clicks", [click(1), click(2), click(3)], 4)
    tally = state.tallies["clicks"]
    assert (tally.accepted, tally.dead_lettered) == (2, 1)
    [letter] = state.letters
    assert letter.reason == Reason.UNFORESEEN
    assert letter.value == "ZeroDivisionError"
    assert letter.source_offset == 2
    assert letter.payload == click(2).value


def test_the_sink_leaves_the_same_event_out(codec: Codec) -> None:
    rows = Rows(codec)
    records = [SimpleNamespace(**click(number)._asdict()) for number in (1, 2, 3)]
    rows.add("clicks", Batch(TP("clicks", HOME), records, 1, 0))
    lines, _ = rows.take()
    landed = [json.loads(line)["event_id"] for line in lines["clicks"].splitlines()]
    assert len(landed) == 2
    assert POISON not in landed


def test_a_machine_without_memory_is_no_fault_of_the_event(codec: Codec, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr("schemas.codec.parse_ms", exhausted)
    monkeypatch.setattr("schemas.codec.fast_path.times_ms", exhausted)
    with pytest.raises(MemoryError):
        codec.validate_batch("clicks", HOME, [click(1)])
    with pytest.raises(MemoryError):
        codec.validate("clicks", HOME, KEY, click(1).value, START_MS + 1000)
