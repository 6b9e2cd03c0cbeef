"""Records as the client's decoder makes them, without a second object around each.

The client wraps every record in a `ConsumerRecord` of twelve fields.  An agent asks for five of them, and the decoder's
own record has these: offset, timestamp, key, value, headers.
"""

from __future__ import annotations

from typing import Any

from aiokafka.consumer import fetcher

_Wrapping = fetcher.PartitionRecords


class _LeanRecords(_Wrapping):  # type: ignore[misc, valid-type]
    """What a fetch brought of one partition."""

    def _consumer_record(self, tp: Any, record: Any) -> Any:
        if self._key_deserializer is None and self._value_deserializer is None:
            return record
        return super()._consumer_record(tp, record)


def hand_out_lean_records() -> None:
    """For this process: whoever asks for no deserializer gets the decoder's records."""
    fetcher.PartitionRecords = _LeanRecords
