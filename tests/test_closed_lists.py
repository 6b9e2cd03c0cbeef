"""Lists that are closed: whoever adds to one learns here what else has to know."""

from __future__ import annotations

import inspect
from typing import get_args

from schemas import codec, topics
from schemas.codec import field_checks, rejections
from schemas.codec.field_checks import WRONG_DETAILS
from schemas.events import EVENTS, Event
from schemas.generate import EVENT_FILES
from schemas.reasons import CODEC_REASONS, GUARD_REASONS, STATEFUL_REASONS, Reason
from schemas.slices import COUNTS, DIMENSIONS
from schemas.topics import ATTRIBUTION_INPUTS, HEARTBEATS, SOURCES, TOPICS


def test_every_topic_that_has_a_name_is_in_the_list_once() -> None:
    named = {
        value
        for name, value in vars(topics).items()
        if name.isupper() and isinstance(value, str) and not name.startswith("_")
    }
    listed = [topic.name for topic in TOPICS]
    assert sorted(listed) == sorted(named)


def test_topic_names_have_no_dots_and_no_underscores() -> None:
    # Kafka's metrics cannot tell the two apart.
    assert all(topic.name.replace("-", "").isalpha() and topic.name.islower() for topic in TOPICS)


def test_topics_are_kept_in_a_way_that_kafka_knows() -> None:
    for topic in TOPICS:
        assert topic.cleanup in ("delete", "compact", "compact,delete")
        assert topic.retention_days > 0 or topic.retention_days == topics.FOREVER
        assert (
            topic.cleanup == "compact,delete"
            or "compact" not in topic.cleanup
            or topic.retention_days == topics.FOREVER
        )


def test_dead_letter_holds_the_largest_record_in_base64() -> None:
    assert topics.DEAD_LETTER_MESSAGE_BYTES > topics.SOURCE_MESSAGE_BYTES * 4 / 3 + topics.OWN_MESSAGE_BYTES


def test_every_source_has_an_event_a_judge_and_a_schema() -> None:
    assert set(SOURCES) == set(EVENTS) == set(WRONG_DETAILS)
    assert (*SOURCES, HEARTBEATS) == ATTRIBUTION_INPUTS
    assert {f"{name}s": struct for name, struct in EVENT_FILES.items()} == EVENTS


def test_every_event_belongs_to_one_topic() -> None:
    assert set(get_args(Event)) == set(EVENTS.values())
    assert len(get_args(Event)) == len(EVENTS)


def test_every_event_begins_with_the_envelope() -> None:
    envelope = ("event_id", "campaign_id", "referral_id", "occurred_at", "schema_version")
    for event in EVENTS.values():
        assert event.__struct_fields__[: len(envelope)] == envelope


def test_reasons_are_these_and_no_others() -> None:
    assert [str(reason) for reason in Reason] == [
        "empty_message",
        "too_large",
        "bad_json",
        "not_an_object",
        "missing_field",
        "wrong_type",
        "unknown_value",
        "out_of_range",
        "unsupported_version",
        "bad_id",
        "bad_time",
        "beyond_horizon",
        "unknown_campaign",
        "bad_money",
        "unknown_currency",
        "key_mismatch",
        "wrong_partition",
        "referral_taken",
        "unforeseen",
    ]


def test_every_reason_is_the_codecs_or_needs_state_or_is_the_guards() -> None:
    assert set(Reason) == CODEC_REASONS | STATEFUL_REASONS | GUARD_REASONS
    assert len(Reason) == len(CODEC_REASONS) + len(STATEFUL_REASONS) + len(GUARD_REASONS)
    assert {str(reason) for reason in STATEFUL_REASONS} == {"referral_taken"}
    assert {str(reason) for reason in GUARD_REASONS} == {"unforeseen"}


def test_every_reason_of_the_codec_is_named_where_verdicts_are_made() -> None:
    source = "".join(map(inspect.getsource, (codec, field_checks, rejections)))
    assert {reason for reason in Reason if f"Reason.{reason.name}" in source} == CODEC_REASONS | GUARD_REASONS


def test_dimensions_and_counts_are_these_and_no_others() -> None:
    assert DIMENSIONS == ("campaign", "influencer", "channel", "tie")
    assert COUNTS == (
        "shares",
        "impressions_measured",
        "impressions_sampled",
        "impressions_estimated",
        "clicks",
        "donations",
        "refunds",
    )
