"""From a record's bytes to an event or a rejection, nothing else, whatever the bytes.

Law: the verdict depends on the record alone (topic, partition, key, value, record time) and on settings that are
the same for every process.  Attribution and the sink run this same codec, so they agree without asking.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from schemas.campaign import Campaign
from schemas.events import EVENTS, ID_PATTERN, SCHEMA_VERSION, UUID_PATTERN, Click, Donation, Event, Share
from schemas.money import digits_of, minor_units
from schemas.partitioning import partition_of
from schemas.reasons import Reason
from schemas.times import DAY_MS, YEAR_2000_MS, parse_ms, rfc3339
from schemas.topics import HORIZON_DAYS

MAXIMUM_MESSAGE_BYTES: Final = 64 * 1024
# A version that only adds fields stays readable; one that changes a meaning must raise this floor and ceiling.
SUPPORTED_VERSIONS: Final = range(SCHEMA_VERSION, 100)
SHOWN_CHARACTERS: Final = 200

_is_id = re.compile(ID_PATTERN[:-1] + r"\Z", re.ASCII).match
_is_uuid = re.compile(UUID_PATTERN[:-1] + r"\Z", re.ASCII).match
_AT_FIELD = re.compile(r" - at `\$\.?([^`]*)`$")
_MISSING = re.compile(r"^Object missing required field `([^`]*)`")


class Rejection(Struct, frozen=True):
    """Why a record is a dead letter: a reason from the closed list, the field, its value, what was expected."""

    reason: Reason
    field: str
    value: str
    expectation: str


class Codec:
    """Judges records of the source topics.

    Args:
        campaigns: the campaigns known here, by id.
        partitions: how many partitions each source topic has.
        horizon_days: an event older than this at its record time is `beyond_horizon`.
    """

    def __init__(self, campaigns: Mapping[str, Campaign], partitions: int, horizon_days: int = HORIZON_DAYS) -> None:
        self.campaigns = dict(campaigns)
        self.partitions = partitions
        self.horizon_ms = horizon_days * DAY_MS
        self._decoders = {topic: msgspec.json.Decoder(event) for topic, event in EVENTS.items()}

    def judge(
        self, topic: str, partition: int, key: bytes | None, value: bytes | None, record_time_ms: int
    ) -> tuple[Event, int] | Rejection:
        """The event and its `occurred_at` in epoch milliseconds, or why it is none.

        Args:
            topic: one of `schemas.topics.SOURCES`, without a prefix.
            record_time_ms: the record's timestamp, epoch milliseconds.
        """
        if not value:
            return Rejection(Reason.EMPTY_MESSAGE, "", "", "a JSON object")
        if len(value) > MAXIMUM_MESSAGE_BYTES:
            return Rejection(Reason.TOO_LARGE, "", f"{len(value)} bytes", f"at most {MAXIMUM_MESSAGE_BYTES} bytes")
        try:
            event = self._decoders[topic].decode(value)
        except msgspec.ValidationError as error:
            return _explain(str(error), value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return Rejection(Reason.BAD_JSON, "", _shown(value), f"a JSON object in UTF-8 ({error})")
        wrong = self._wrong_identity(event) or _wrong_details(event)
        if wrong is not None:
            return wrong
        try:
            occurred_ms = parse_ms(event.occurred_at)
        except ValueError:
            expected = "RFC 3339 with an offset, at most milliseconds"
            return Rejection(Reason.BAD_TIME, "occurred_at", _shown(event.occurred_at), expected)
        wrong = self._wrong_time(event, occurred_ms, record_time_ms) or self._wrong_place(event, key, partition)
        if wrong is not None:
            return wrong
        return event, occurred_ms

    def _wrong_identity(self, event: Event) -> Rejection | None:
        if event.schema_version not in SUPPORTED_VERSIONS:
            expected = f"{SUPPORTED_VERSIONS.start} to {SUPPORTED_VERSIONS.stop - 1}"
            return Rejection(Reason.UNSUPPORTED_VERSION, "schema_version", str(event.schema_version), expected)
        if _is_uuid(event.event_id) is None:
            return Rejection(Reason.BAD_ID, "event_id", _shown(event.event_id), "a UUID")
        if event.campaign_id not in self.campaigns:
            known = ", ".join(sorted(self.campaigns)[:10])
            expected = f"a campaign that has a file here ({known})"
            return Rejection(Reason.UNKNOWN_CAMPAIGN, "campaign_id", _shown(event.campaign_id), expected)
        if event.referral_id is not None and _is_id(event.referral_id) is None:
            return _bad_id("referral_id", event.referral_id)
        return None

    def _wrong_time(self, event: Event, occurred_ms: int, record_time_ms: int) -> Rejection | None:
        if occurred_ms < YEAR_2000_MS:
            return Rejection(Reason.BAD_TIME, "occurred_at", event.occurred_at, "the year 2000 or later")
        if occurred_ms > record_time_ms + DAY_MS:
            expected = f"at most a day after the record's time {rfc3339(max(record_time_ms, 0))}"
            return Rejection(Reason.BAD_TIME, "occurred_at", event.occurred_at, expected)
        if occurred_ms < record_time_ms - self.horizon_ms:
            days = self.horizon_ms // DAY_MS
            expected = f"at most {days} days before the record's time {rfc3339(record_time_ms)}"
            return Rejection(Reason.BEYOND_HORIZON, "occurred_at", event.occurred_at, expected)
        return None

    def _wrong_place(self, event: Event, key: bytes | None, partition: int) -> Rejection | None:
        expected_key = key_of(event)
        if key != expected_key:
            shown = "no key" if not key else _shown(key)
            field = "campaign_id" if event.referral_id is None else "referral_id"
            return Rejection(Reason.KEY_MISMATCH, field, shown, f"the record's key is {expected_key.decode()}")
        home = partition_of(key, self.partitions)
        if partition != home:
            expected = f"partition {home}: use Kafka's murmur2 partitioner (librdkafka: murmur2_random)"
            return Rejection(Reason.WRONG_PARTITION, "", f"partition {partition}", expected)
        return None


def key_of(event: Event) -> bytes:
    """The key that a record of this event must have: its referral, or its campaign where it has none."""
    return (event.campaign_id if event.referral_id is None else event.referral_id).encode()


def _wrong_details(event: Event) -> Rejection | None:
    """What is wrong with the fields that only one kind of event has."""
    if type(event) is Click:
        return _wrong_id("visitor_id", event.visitor_id)
    if type(event) is Share:
        return (
            _wrong_id("influencer_id", event.influencer_id)
            or _wrong_id("sharer_id", event.sharer_id)
            or _wrong_id("parent_referral_id", event.parent_referral_id)
        )
    if type(event) is Donation:
        return (
            _wrong_id("donation_id", event.donation_id) or _wrong_id("donor_id", event.donor_id) or _wrong_money(event)
        )
    return None


def _wrong_money(donation: Donation) -> Rejection | None:
    currency = donation.currency
    if digits_of(currency) is None:
        return Rejection(Reason.UNKNOWN_CURRENCY, "currency", _shown(currency), "an ISO 4217 code such as USD")
    try:
        if minor_units(donation.amount, currency) == 0:
            return Rejection(Reason.BAD_MONEY, "amount", _shown(donation.amount), "more than zero")
    except ValueError as error:
        return Rejection(Reason.BAD_MONEY, "amount", _shown(donation.amount), str(error))
    if donation.fee is not None:
        try:
            minor_units(donation.fee, currency)
        except ValueError as error:
            return Rejection(Reason.BAD_MONEY, "fee", _shown(donation.fee), str(error))
    return None


def _wrong_id(field: str, text: str | None) -> Rejection | None:
    if text is None or _is_id(text) is not None:
        return None
    return _bad_id(field, text)


def _bad_id(field: str, text: str) -> Rejection:
    expected = "1 to 128 of A-Z a-z 0-9 . _ : @ / + = -, a letter or digit first"
    return Rejection(Reason.BAD_ID, field, _shown(text), expected)


def _explain(message: str, value: bytes) -> Rejection:
    """A rejection from msgspec's sentence.  Its wording is pinned with its version and held by tests."""
    if missing := _MISSING.match(message):
        return Rejection(Reason.MISSING_FIELD, missing[1], "", "a value")
    at = _AT_FIELD.search(message)
    if at is None:
        return Rejection(Reason.NOT_AN_OBJECT, "", _shown(value), "a JSON object")
    expected = message[: at.start()]
    shown = _shown_field(value, at[1])
    if expected.startswith("Invalid enum value") or " matching regex " in expected:
        return Rejection(Reason.UNKNOWN_VALUE, at[1], shown, "one of the contract's words")
    if ", got " in expected:
        return Rejection(Reason.WRONG_TYPE, at[1], shown, expected)
    return Rejection(Reason.OUT_OF_RANGE, at[1], shown, expected)


def _shown_field(value: bytes, field: str) -> str:
    try:
        content: Any = msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return _shown(str(content.get(field, ""))) if isinstance(content, dict) else ""


def _shown(content: str | bytes) -> str:
    if isinstance(content, bytes):
        content = content[: SHOWN_CHARACTERS * 4].decode("utf-8", "replace")
    return content[:SHOWN_CHARACTERS]
