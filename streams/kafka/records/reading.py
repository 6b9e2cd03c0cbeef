"""The client's fetcher with this room's records: for every client of this process, from the first call on.

An agent asks for five fields of a record, and the decoder's own records have these; the client would wrap each of them
in an object of twelve.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher

from streams.kafka.records.batches import Damage, RawRecords, records_of, split
from streams.kafka.records.range_markers import Damaged, Passed

_Wrapping = fetcher.PartitionRecords


class _Records(_Wrapping):  # type: ignore[misc, valid-type]
    """What a fetch brought of one partition."""

    next_fetch_offset: int

    def _unpack_records(self) -> Iterator[Any]:
        """The records, at most one mark, and `next_fetch_offset` always behind what was handed out."""
        begun = said = self.next_fetch_offset
        end = None
        try:
            for batch in split(self._records.fetched):
                if batch.end <= self.next_fetch_offset:
                    continue
                end = batch.end
                for record in () if batch.is_control else records_of(batch):
                    # A fetch begins with the batch that holds the offset, which may begin before it.
                    if record.offset < self.next_fetch_offset:
                        continue
                    self.next_fetch_offset = said = record.offset + 1
                    yield record
                self.next_fetch_offset = batch.end
        except Damage as damage:
            first = self.next_fetch_offset
            if first > begun:
                # What was good goes its way first; the next fetch begins with the damage.
                if first > said:
                    yield Passed(said, first - 1)
                return
            last = first if damage.last is None else max(damage.last, first)
            self.next_fetch_offset = last + 1
            yield Damaged(first, last, damage.what)
            return
        if end is not None and end > said:
            yield Passed(said, end - 1)

    def _consumer_record(self, tp: Any, record: Any) -> Any:
        raise NotImplementedError("records are handed out as they are")


def read_records_safely() -> None:
    """For this process: every client reads by this room's law."""
    fetcher.PartitionRecords = _Records
    fetcher.MemoryRecords = RawRecords
