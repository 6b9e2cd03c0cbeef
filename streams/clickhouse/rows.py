"""Rows of every table, as JSON lines, collected from the batches of the topics that land."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any, Final

import msgspec
from faust.types import TP

from schemas import annotations as notes
from schemas import heartbeats, results, stalls
from schemas.codec import Codec
from schemas.codec.vectorized import rfc3339_of
from schemas.dead_letters import DeadLetter
from schemas.errors import Fault, without_values
from schemas.rows import annotation_row, dead_letter_row, heartbeat_row, raw_line, stall_row
from schemas.slices import Entity, home_of
from schemas.topics import ANNOTATIONS, CONVERSIONS, DEAD_LETTERS, HEARTBEATS, SOURCES, STALLS
from streams.kafka.transport import Batch

logger = logging.getLogger("groundswell.sink")

MAXIMUM_ROWS: Final = 50_000
MAXIMUM_BYTES: Final = 32 * 1024 * 1024

_encode = msgspec.json.Encoder().encode
_decode_letter = msgspec.json.Decoder(DeadLetter).decode


class Rows:
    """JSON lines by table, and up to where in each log they reach.

    One foreign record must not hold up every table.  What is no record of ours on a topic of ours is left out, said by
    its place, and counted in `foreign`; of results nothing may be left out but what never was one.
    """

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._row_makers = {STALLS: self._stall_row, ANNOTATIONS: _annotation_row, HEARTBEATS: _heartbeat_row}
        self.foreign: Counter[str] = Counter()  # records left out, by topic without a prefix
        self._lateness_ms = {name: c.allowed_lateness * 1000 for name, c in codec.campaigns.items()}
        self._clear()

    def _clear(self) -> None:
        self.lines: dict[str, bytearray] = {}
        self.ends: dict[TP, int] = {}
        self.number = 0

    def take(self) -> tuple[dict[str, bytearray], dict[TP, int]]:
        """What was collected: rows by table, the next offset by partition; the collection is empty afterwards."""
        collected = self.lines, self.ends
        self._clear()
        return collected

    def is_full(self) -> bool:
        return self.number >= MAXIMUM_ROWS or sum(map(len, self.lines.values())) >= MAXIMUM_BYTES

    def add(self, topic: str, batch: Batch) -> None:
        """Collect the rows of a batch of a topic (its name without a prefix)."""
        if not batch.records:
            pass
        elif topic in SOURCES:
            self._add_events(topic, batch)
        elif topic == CONVERSIONS:
            self._add_results(batch)
        elif topic == DEAD_LETTERS:
            self._add_letters(batch)
        elif topic in self._row_makers:
            self._add_watched(topic, batch)
        self.ends[batch.tp] = batch.end

    def _add_events(self, topic: str, batch: Batch) -> None:
        partition, records = batch.tp.partition, batch.records
        # Of what is rejected attribution, with the same codec, writes the dead letter.
        accepted = self._codec.validate_batch(topic, partition, records).accepted
        if not len(accepted):
            return
        lines = self.lines.setdefault(topic, bytearray())
        numbers = (accepted.places, accepted.occurred_ms, accepted.record_ms)
        for event, record_time, place, occurred_ms, record_ms in zip(
            accepted.events,
            rfc3339_of(accepted.record_ms),
            *(column.tolist() for column in numbers),
            strict=True,
        ):
            lines += raw_line(
                event,
                occurred_ms=occurred_ms,
                record_time=record_time,
                partition=partition,
                offset=records[place].offset,
                late=record_ms - occurred_ms > self._lateness_ms[event.campaign_id],
            )
        self.number += len(accepted)

    def _add_results(self, batch: Batch) -> None:
        for record in batch.records:
            try:
                result = results.decode(record.value or b"")
            except (ValueError, RecursionError) as error:
                _refuse_result_of_ours(batch, record, error)
                self._leave_out(CONVERSIONS, batch, record, error)
                continue
            # Field names are column names: the bytes pass through.
            self._append("conversions" if isinstance(result, results.WindowResult) else "watermarks", record.value)

    def _add_letters(self, batch: Batch) -> None:
        for record in batch.records:
            try:
                row = dead_letter_row(_decode_letter(record.value or b""), offset=record.offset)
            except (ValueError, RecursionError) as error:
                self._leave_out(DEAD_LETTERS, batch, record, error)
            else:
                self._append("dead_letters", _encode(row))

    def _add_watched(self, topic: str, batch: Batch) -> None:
        """Rows of what people watch; table and topic have the same name."""
        for record in batch.records:
            if record.value is None:
                continue  # a key that was deleted
            try:
                row = self._row_makers[topic](record, batch.tp.partition)
            except (ValueError, RecursionError) as error:
                self._leave_out(topic, batch, record, error)
            else:
                if row is not None:
                    self._append(topic, _encode(row))

    def _stall_row(self, record: Any, partition: int) -> dict[str, Any] | None:
        """Every partition steps a copy of its campaigns' detectors; only the home partition's is heard."""
        stall = stalls.decode(record.value)
        entity = Entity(stall.campaign_id, stall.dimension, stall.member)
        return stall_row(stall) if home_of(entity, self._codec.partitions) == partition else None

    def _leave_out(self, topic: str, batch: Batch, record: Any, error: Exception) -> None:
        why = without_values(str(error))
        logger.warning("%s-%d holds at offset %d no such record (%s): left out", *batch.tp, record.offset, why)
        self.foreign[topic] += 1

    def _append(self, table: str, line: bytes) -> None:
        lines = self.lines.setdefault(table, bytearray())
        lines += line
        lines += b"\n"
        self.number += 1


def _annotation_row(record: Any, partition: int) -> dict[str, Any]:
    return annotation_row(notes.decode(record.value), partition=partition, offset=record.offset)


def _heartbeat_row(record: Any, _partition: int) -> dict[str, Any] | None:
    heard = heartbeats.check(record.value, record.timestamp)
    return None if heard.is_player else heartbeat_row(heard, record.timestamp)


def _refuse_result_of_ours(batch: Batch, record: Any, error: Exception) -> None:
    """What carries one of our tags is a result of another version, and must not be lost.

    Raises:
        Fault: it is one.
    """
    if results.is_ours(record.value):
        raise Fault(
            "groundswell",
            f"{batch.tp.topic}-{batch.tp.partition} holds at offset {record.offset} a result of another version "
            f"({without_values(str(error))})",
            "Start the sink in the version that `groundswell worker conversion` runs in, or a newer one.",
        ) from error
