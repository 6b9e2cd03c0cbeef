"""From a record's bytes to an event or a rejection, nothing else, whatever the bytes.

Law: the verdict depends on the record alone (topic, partition, key, value, record time) and on settings that are
the same for every process.  Attribution and the sink run this same codec, so they agree without asking.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from schemas.campaign import Campaign
from schemas.codec.event_batch import Accepted, BatchResult, DecodeResult, EventBatch, Record
from schemas.codec.fast_path import DECODE, FLAT_BYTES, FastPath, hash_of
from schemas.codec.field_checks import WRONG_DETAILS, is_id
from schemas.codec.nesting import deeper_than
from schemas.codec.rejections import Rejection, bad_id, explain, not_json, shown
from schemas.codec.unread import Unread
from schemas.codec.vectorized import uuids
from schemas.events import UUID_PATTERN, Event
from schemas.partitioning import partition_of
from schemas.reasons import Reason
from schemas.times import DAY_MS, LAST_MS, YEAR_2000_MS, YEAR_2100_MS, parse_ms, rfc3339
from schemas.topics import HORIZON_DAYS

__all__ = ["MAXIMUM_LEVELS", "MAXIMUM_MESSAGE_BYTES", "Codec", "Rejection", "key_of"]

MAXIMUM_MESSAGE_BYTES: Final = 64 * 1024
# How deep a decoder can go depends on the interpreter and on who called it; a verdict must not.
MAXIMUM_LEVELS: Final = 256
assert FLAT_BYTES <= 2 * MAXIMUM_LEVELS

_is_uuid = re.compile(UUID_PATTERN).fullmatch


class Codec:
    """Judges records of the source topics.

    Args:
        campaigns: the campaigns known here, by id.
        partitions: how many partitions each source topic has.
        horizon_days: an event older than this at its record time is `beyond_horizon`.
        forgets: in live use whoever keeps a state also refuses what is that old beside the records before it; a
            history that is played may come after a newer one.
    """

    def __init__(
        self,
        campaigns: Mapping[str, Campaign],
        partitions: int,
        horizon_days: int = HORIZON_DAYS,
        *,
        forgets: bool = True,
    ) -> None:
        self.campaigns = dict(campaigns)
        self.partitions = partitions
        self.horizon_ms = horizon_days * DAY_MS
        self.forgets = forgets
        self._short_way = FastPath(self.campaigns, partitions, self.horizon_ms)

    def validate(
        self, topic: str, partition: int, key: bytes | None, value: bytes | None, record_time_ms: int
    ) -> DecodeResult:
        """The event and its `occurred_at` in epoch milliseconds, or why it is none.

        Args:
            topic: one of `schemas.topics.SOURCES`, without a prefix.
            key, value: the record's bytes (anything bytes-like).
            record_time_ms: the record's timestamp, epoch milliseconds.
        """
        try:
            return self._validate(topic, partition, key, value, record_time_ms)
        except MemoryError:
            raise  # of the machine and not of the event
        except Exception as error:
            # One event that nobody foresaw must not stop all others; every process fails on it alike.
            return Rejection(Reason.UNFORESEEN, "", type(error).__name__, "an event that this program can judge")

    def validate_batch(self, topic: str, partition: int, records: Sequence[Record]) -> BatchResult:
        """What `validate` says of each of the records of one topic and partition, in a seventh of the time."""
        try:
            plain = self._short_way.accepted(topic, partition, records)
        except MemoryError:
            raise
        except Exception:
            plain = _columns_of([])  # the long way meets it again, and says what it is
        if len(plain) == len(records):
            return BatchResult(plain, [])
        others: list[Accepted] = []
        rejections: list[tuple[int, Rejection]] = []
        for place in sorted({*range(len(records))}.difference(plain.places.tolist())):
            record = records[place]
            verdict = self.validate(topic, partition, record.key, record.value, record.timestamp)
            if isinstance(verdict, Rejection):
                rejections.append((place, verdict))
            else:
                others.append(Accepted(place, *verdict, record.timestamp))
        return BatchResult(plain.merged(_columns_of(others)), rejections)

    def _validate(
        self, topic: str, partition: int, key: bytes | None, value: bytes | None, record_time_ms: int
    ) -> DecodeResult:
        if isinstance(value, Unread):
            return value.rejection
        if not value:
            return Rejection(Reason.EMPTY_MESSAGE, "", "", "a JSON object")
        if type(value) is not bytes:
            value = bytes(value)
        wrong = _wrong_bytes(value)
        if wrong is not None:
            return wrong
        try:
            event = DECODE[topic](value)
        except msgspec.ValidationError as error:
            return explain(topic, str(error), value)
        except msgspec.DecodeError as error:
            return not_json(value, str(error))
        wrong = self._wrong_identity(event) or WRONG_DETAILS[topic](event)
        if wrong is not None:
            return wrong
        try:
            occurred_ms = parse_ms(event.occurred_at)
        except ValueError:
            expected = "RFC 3339 with an offset, at most milliseconds"
            return Rejection(Reason.BAD_TIME, "occurred_at", shown(event.occurred_at), expected)
        wrong = self._wrong_time(event, occurred_ms, record_time_ms) or self._wrong_place(event, key, partition)
        if wrong is not None:
            return wrong
        return event, occurred_ms

    def _wrong_identity(self, event: Event) -> Rejection | None:
        if _is_uuid(event.event_id) is None:
            return Rejection(Reason.BAD_ID, "event_id", shown(event.event_id), "a UUID")
        if event.campaign_id not in self.campaigns:
            known = ", ".join(sorted(self.campaigns)[:10])
            expected = f"a campaign that has a file here ({known})"
            return Rejection(Reason.UNKNOWN_CAMPAIGN, "campaign_id", shown(event.campaign_id), expected)
        return None

    def _wrong_time(self, event: Event, occurred_ms: int, record_time_ms: int) -> Rejection | None:
        oldest, newest = record_time_ms - self.horizon_ms, record_time_ms + DAY_MS
        if oldest <= occurred_ms <= newest and YEAR_2000_MS <= occurred_ms < YEAR_2100_MS:
            return None
        if not YEAR_2000_MS <= occurred_ms < YEAR_2100_MS:
            return Rejection(Reason.BAD_TIME, "occurred_at", event.occurred_at, "the years 2000 to 2099")
        # A record's time is whatever its producer set: -1 and the year 58862 have been seen.
        sensible = 0 <= record_time_ms <= LAST_MS
        sent = f"the record's time, {rfc3339(record_time_ms) if sensible else f'{record_time_ms} ms'}"
        if occurred_ms > newest:
            return Rejection(Reason.BAD_TIME, "occurred_at", event.occurred_at, f"at most a day after {sent}")
        expected = f"at most {self.horizon_ms // DAY_MS} days before {sent}"
        return Rejection(Reason.BEYOND_HORIZON, "occurred_at", event.occurred_at, expected)

    def _wrong_place(self, event: Event, key: bytes | None, partition: int) -> Rejection | None:
        field, name = ("campaign_id", event.campaign_id)
        if event.referral_id is not None:
            field, name = ("referral_id", event.referral_id)
        if is_id(name) is None:
            return bad_id(field, name)
        expected_key = name.encode()
        home = partition_of(expected_key, self.partitions)
        if key != expected_key:
            sent = shown(bytes(key)) if key else "no key"
            return Rejection(Reason.KEY_MISMATCH, field, sent, f"the record's key is {name}")
        if partition != home:
            expected = f"partition {home}: use Kafka's murmur2 partitioner (librdkafka: murmur2_random)"
            return Rejection(Reason.WRONG_PARTITION, "", f"partition {partition}", expected)
        return None


def key_of(event: Event) -> bytes:
    """The key that a record of this event must have: its referral, or its campaign where it has none."""
    return (event.campaign_id if event.referral_id is None else event.referral_id).encode()


def _columns_of(accepted: Sequence[Accepted]) -> EventBatch:
    return EventBatch(
        [one.event for one in accepted],
        [one.event.campaign_id for one in accepted],
        [key_of(one.event).decode() for one in accepted],
        np.array([one.place for one in accepted], np.int64),
        np.array([one.occurred_ms for one in accepted], np.int64),
        np.array([one.record_ms for one in accepted], np.int64),
        uuids([one.event.event_id for one in accepted])[1],
        np.array([hash_of(one.event.referral_id or "") for one in accepted], np.int64),
    )


def _wrong_bytes(value: bytes) -> Rejection | None:
    """What is wrong before anything is decoded."""
    if len(value) > MAXIMUM_MESSAGE_BYTES:
        return Rejection(Reason.TOO_LARGE, "", f"{len(value)} bytes", f"at most {MAXIMUM_MESSAGE_BYTES} bytes")
    if not value.isascii():
        try:
            value.decode()
        except UnicodeDecodeError as error:
            return not_json(value, str(error))
    if len(value) > FLAT_BYTES and deeper_than(MAXIMUM_LEVELS, value):
        return Rejection(Reason.TOO_LARGE, "", "deeply nested", f"at most {MAXIMUM_LEVELS} levels of nesting")
    return None
