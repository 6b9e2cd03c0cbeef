"""From the bytes of a fetch to an event, a dead letter that fits, or a mark that names the damage; nothing else.

A share of it runs with the suite; `GROUNDSWELL_FUZZED_BATCHES=100000` runs as many fetches as it says.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import Any, Final

import msgspec
import pytest
from batches_made import fetches, read

from schemas.campaign import load_campaigns
from schemas.codec import Codec
from schemas.dead_letters import DeadLetter, name_bytes
from schemas.partitioning import partition_of
from schemas.rows import dead_letter_row
from schemas.topics import DEAD_LETTER_MESSAGE_BYTES
from streams.kafka.records import Damaged, Passed, RangeMarker
from streams.operators.attribution.fold import AttributionOperator
from streams.operators.attribution.state import Attribution
from streams.settings import CAMPAIGNS_HERE

SEED: Final = 20261130
FETCHES: Final = int(os.environ.get("GROUNDSWELL_FUZZED_BATCHES", "4000"))
PARTITIONS: Final = 4
CODEC: Final = Codec(load_campaigns(CAMPAIGNS_HERE), PARTITIONS)
GOOD: Final = (
    b'{"event_id":"11111111-1111-4111-8111-111111111111","campaign_id":"door","referral_id":"r1",'
    b'"occurred_at":"2026-03-12T18:00:00Z","schema_version":1}'
)
VALUES: Final = (
    *[(b"r1", GOOD)] * 4,
    (b"r1", GOOD.replace(b"18:00", b"18:01")),
    (None, GOOD),
    (b"\xff" * 50, GOOD),
    (b"r1", b""),
    (b"", b"\x00\xff"),
    (b"r1", b"[" * 2000),
    (b"r1", b"x" * 70_000),
)
_decode = msgspec.json.Decoder(DeadLetter).decode


@pytest.mark.slow
@pytest.mark.timeout(60 + FETCHES // 100)  # 0.6 ms each on a quiet machine
def test_whatever_a_log_holds_nothing_is_raised_and_every_offset_is_accounted_for() -> None:
    seen: Counter[str] = Counter()
    for number, (fetched, offset) in enumerate(fetches(SEED, FETCHES, VALUES)):
        try:
            _judge(fetched, offset, seen)
        except Exception as error:
            raise AssertionError(f"fetch {number} of seed {SEED}") from error
    assert seen.keys() >= {"accepted", "duplicate", "dead letter", "damaged", "passed", "odd name"}, seen
    assert min(seen.values()) >= FETCHES // 200, seen


def _judge(fetched: bytes, offset: int, seen: Counter[str]) -> None:
    handed = read(fetched, offset)
    records, mark = _split(handed)
    offsets = [record.offset for record in records]
    assert offsets == sorted(set(offsets)), "in order, each once"
    assert not offsets or offsets[0] >= offset
    end = mark.offset + 1 if isinstance(mark, Passed) else offsets[-1] + 1 if offsets else offset
    if isinstance(mark, Damaged):
        assert not records
        assert offset <= mark.first <= mark.offset
        assert mark.what.isprintable()
        seen["damaged"] += 1
    seen["passed"] += isinstance(mark, Passed)
    _fold(records, offset, end, seen)


def _split(handed: list[Any]) -> tuple[list[Any], RangeMarker | None]:
    marks = [record for record in handed if isinstance(record, RangeMarker)]
    assert len(marks) <= 1
    assert not marks or handed[-1] is marks[0], "a mark is the last of a fetch"
    return (handed[:-1], marks[0]) if marks else (handed, None)


def _fold(records: list[Any], offset: int, end: int, seen: Counter[str]) -> None:
    """As attribution does, and every letter through its topic into its row."""
    state = Attribution(partition_of(b"r1", PARTITIONS))
    state.begin("clicks", offset)
    AttributionOperator(CODEC, ("fuzz", "1")).step(state, "clicks", records, end)
    tally = state.tallies["clicks"]
    total = tally.accepted + tally.duplicates + tally.dead_lettered + tally.passed_over
    assert total == end - offset, "every offset is accounted for"
    seen["accepted"] += tally.accepted
    seen["duplicate"] += tally.duplicates
    seen["dead letter"] += tally.dead_lettered
    by_offset = {record.offset: record for record in records}
    for letter in state.letters:
        said = msgspec.json.encode(letter)
        assert len(said) < DEAD_LETTER_MESSAGE_BYTES
        again = _decode(said)
        assert again == letter
        msgspec.json.encode(dead_letter_row(again, offset=0))
        sent = [name.encode("utf-8", "surrogateescape") for name, _ in by_offset[letter.source_offset].headers]
        assert [name_bytes(name) for name, _ in letter.headers] == sent
        seen["odd name"] += b"\xff" in sent
