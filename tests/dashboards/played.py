"""An appeal played into a store without Kafka: the operators fold its records, the sink's functions make the rows.

    player --> logs --Folder--> Attribution --drain--> slices --Windower--> results --+--Rows--> JSON lines --> store
                                                          |                           |
                                                          +-----Watcher----> stalls --+

What lands is what the pipeline lands of the same records (tests/pipeline shows that); here it takes seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import merge
from operator import attrgetter
from typing import NamedTuple

import msgspec
from faust.types import TP
from ground import ROOT
from looking import drain

from schemas import stalls
from schemas.campaign import load_campaigns
from schemas.codec import Codec
from schemas.partitioning import partition_of
from schemas.results import encode
from schemas.slices import SliceRecord, destinations_of
from schemas.times import DAY_MS, rfc3339
from schemas.topics import (
    ANNOTATIONS,
    ATTRIBUTION_INPUTS,
    CONVERSIONS,
    DEAD_LETTERS,
    HORIZON_DAYS,
    SOURCES,
    STALLS,
)
from streams.clickhouse.rows import Rows
from streams.commands.appeals import Appeal
from streams.kafka.transport import Batch
from streams.operators.attribution.emission import LogEnds
from streams.operators.attribution.fold import AttributionOperator
from streams.operators.attribution.state import Attribution
from streams.operators.stalls.scheduler import DetectorScheduler
from streams.operators.windowing.state import Conversion
from streams.operators.windowing.windower import UNLIMITED, Windower
from streams.producers.outgoing import Outgoing
from streams.producers.player import play
from streams.producers.sender import Summary

CAMPAIGNS = load_campaigns(ROOT / "infra" / "campaigns")
PARTITIONS = 4
PROCESSOR = ("groundswell-attribution", "test")


class Record(NamedTuple):
    """A Kafka record, as operators and sink ask for it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


class Played:
    """The logs of an appeal as the player sends it; `rows` is what lands of them."""

    def __init__(self, appeal: Appeal) -> None:
        topics = (*ATTRIBUTION_INPUTS, ANNOTATIONS)
        self.logs: dict[TP, list[Record]] = {TP(topic, number): [] for topic in topics for number in range(PARTITIONS)}
        records = merge(appeal.records, appeal.beside, key=attrgetter("record_time_ms"))
        play(records, self, campaign_id=appeal.campaign_id, until_ms=appeal.until_ms)

    def partitions(self, topic: str) -> int:
        return PARTITIONS

    def look_at_ends(self, topics: Iterable[str]) -> None:
        """They are known anyway."""

    def ends_of(self, partition: int) -> dict[str, int]:
        return {topic: len(self.logs[TP(topic, partition)]) for topic in SOURCES}

    def send(self, record: Outgoing) -> None:
        partition = record.partition
        home = partition_of(record.key or b"", PARTITIONS) if partition is None else partition
        log = self.logs[TP(record.topic, home)]
        log.append(Record(len(log), record.record_time_ms, record.key, record.value, record.headers))

    def flush(self) -> Summary:
        return {}

    def rows(self, now_ms: int, *, idle: bool = True) -> dict[str, bytes]:
        """The rows of all tables, JSON lines by table.

        Args:
            now_ms: processing time of the results.
            idle: nothing more is to come, so watermarks stand at the newest record; otherwise behind the slowest log.
        """
        codec = Codec(CAMPAIGNS, PARTITIONS)
        rows = Rows(codec)
        for tp, log in self.logs.items():
            if log:
                rows.add(tp.topic, Batch(tp, log, 0, 0))
        said: dict[int, list[SliceRecord]] = {partition: [] for partition in range(PARTITIONS)}
        for source in range(PARTITIONS):
            self._attribute(codec, source, said, rows, idle)
        windower = Windower(CAMPAIGNS, PARTITIONS, PARTITIONS)
        scheduler = DetectorScheduler(CAMPAIGNS, PARTITIONS, HORIZON_DAYS * DAY_MS // 1000)
        for partition, records in said.items():
            state, detectors = Conversion(partition), scheduler.begin()
            for position, record in enumerate(records, 1):
                scheduler.note(detectors, state, record, windower.apply(state, record))
                state.position = position
            scheduler.step(detectors, state, UNLIMITED, "played", rfc3339(now_ms))
            words = list(scheduler.take_records(detectors, state.position, "played", rfc3339(now_ms)))
            rows.add(STALLS, _batch(STALLS, partition, [stalls.encode(word) for word in words]))
            found, _ = windower.flush(state, now_ms)
            rows.add(CONVERSIONS, _batch(CONVERSIONS, partition, [encode(result) for result in found]))
        return {table: bytes(lines) for table, lines in rows.take()[0].items()}

    def _attribute(self, codec: Codec, source: int, said: dict[int, list[SliceRecord]], rows: Rows, idle: bool) -> None:
        folder, state = AttributionOperator(codec, PROCESSOR), Attribution(source)
        logs = {topic: self.logs[TP(topic, source)] for topic in ATTRIBUTION_INPUTS}
        for topic, log in logs.items():
            state.begin(topic, 0)
            folder.step(state, topic, log, len(log))
        emission = drain(state, "played", LogEnds({topic: len(logs[topic]) for topic in SOURCES}, idle), None)
        for entity, record in emission.slices:
            for partition in destinations_of(entity, PARTITIONS):
                said[partition].append(record)
        for records in said.values():
            records.append(emission.progress)
        letters = [msgspec.json.encode(letter) for letter in emission.letters]
        if letters:
            rows.add(DEAD_LETTERS, _batch(DEAD_LETTERS, source, letters))


def _batch(topic: str, partition: int, values: list[bytes]) -> Batch:
    return Batch(TP(topic, partition), [Record(at, 0, None, value) for at, value in enumerate(values)], 0, 0)
