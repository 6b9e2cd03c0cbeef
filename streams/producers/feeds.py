"""Heartbeats of feeds, and notes for people: what is sent beside events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from schemas import heartbeats
from schemas.annotations import Annotation
from schemas.annotations import encode as encode_annotation
from schemas.heartbeats import Heartbeat
from schemas.times import rfc3339
from schemas.topics import ANNOTATIONS, HEARTBEATS
from streams.producers.outgoing import Outgoing


def feed_beat(feed: str, campaign_id: str | None, at_ms: int, record_time_ms: int) -> Outgoing:
    """The record that says: `feed` had sent everything that happened before `at_ms`.  Times in epoch milliseconds."""
    beat = Heartbeat(feed, rfc3339(at_ms), campaign_id)
    return Outgoing(HEARTBEATS, None, heartbeats.heartbeat_key(beat), heartbeats.encode(beat), record_time_ms)


def steady_beats(campaign_id: str, topics: Sequence[str], times_ms: range) -> Iterator[Outgoing]:
    """Beats of a campaign's own feeds `TOPIC/CAMPAIGN`, one of each at each time."""
    for at_ms in times_ms:
        for topic in topics:
            yield feed_beat(f"{topic}/{campaign_id}", campaign_id, at_ms, at_ms)


def annotation_record(annotation: Annotation, record_time_ms: int) -> Outgoing:
    """The record of an annotation, under its campaign."""
    key = annotation.campaign_id.encode()
    return Outgoing(ANNOTATIONS, None, key, encode_annotation(annotation), record_time_ms)
