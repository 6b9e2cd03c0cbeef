"""Why an event cannot be processed: the closed list."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    """Each names what is wrong with an event.  docs/producers.md lists them."""

    EMPTY_MESSAGE = "empty_message"  # no value at all (a tombstone)
    TOO_LARGE = "too_large"  # more bytes, or levels of nesting, than the contract allows
    BAD_JSON = "bad_json"  # not JSON, or not UTF-8
    NOT_AN_OBJECT = "not_an_object"  # JSON, but not an object
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    UNKNOWN_VALUE = "unknown_value"  # a word that is not in the field's list
    OUT_OF_RANGE = "out_of_range"  # a number or a text beyond its limits
    UNSUPPORTED_VERSION = "unsupported_version"
    BAD_ID = "bad_id"
    BAD_TIME = "bad_time"
    BEYOND_HORIZON = "beyond_horizon"  # so old that it cannot be told from a duplicate
    UNKNOWN_CAMPAIGN = "unknown_campaign"
    BAD_MONEY = "bad_money"
    UNKNOWN_CURRENCY = "unknown_currency"
    KEY_MISMATCH = "key_mismatch"  # the record's key is not the one the event asks for
    WRONG_PARTITION = "wrong_partition"  # the producer does not use Kafka's murmur2 partitioner
    REFERRAL_TAKEN = "referral_taken"  # the referral belongs to another influencer
    UNFORESEEN = "unforeseen"  # the program failed on it; kept whole, so that a later version can try again


# These need more than the record: who came first.
STATEFUL_REASONS: Final = frozenset({Reason.REFERRAL_TAKEN})
# A guard's: no example can show it, because an event that is known to bring it is a bug that gets mended.
GUARD_REASONS: Final = frozenset({Reason.UNFORESEEN})
CODEC_REASONS: Final = frozenset(Reason) - STATEFUL_REASONS - GUARD_REASONS
