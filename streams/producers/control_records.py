"""What a person says on the command line, as records: a feed's heartbeat, an annotation."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final, get_args
from uuid import uuid4

from schemas.annotations import Annotation, AnnotationKind
from schemas.errors import Fault
from schemas.events import ID_IN_WORDS, ID_PATTERN
from schemas.heartbeats import FEED_IN_WORDS, PLAYER, is_feed
from schemas.slices import CAMPAIGN, INFLUENCER, SLICES_SCHEMA, Acceptance, acceptance_key
from schemas.slices import encode as encode_slice_record
from schemas.times import DAY_MS, YEAR_2000_MS, YEAR_2100_MS, parse_ms, rfc3339
from schemas.topics import SLICES
from streams.producers.feeds import annotation_record, feed_beat
from streams.producers.outgoing import Outgoing

# `level_accepted` is written by the verb that tells the detector as well.
KINDS: Final = tuple(kind for kind in get_args(AnnotationKind) if kind != "level_accepted")
TEXT_AT_MOST: Final = 2000  # characters
_is_id = re.compile(ID_PATTERN).fullmatch


def heartbeat_said(
    feed: str, campaign_id: str | None, at: str | None, *, campaigns: Collection[str], now_ms: int, played: bool
) -> Outgoing:
    """The heartbeat of a feed.

    Args:
        at: RFC 3339; None: now.
        campaigns: those that are configured.
        played: history is being played: the record's time is `at`, so that the wall clock does not get in.

    Raises:
        Fault: the feed, the campaign or the time is none.
    """
    if not is_feed(feed) or feed.startswith(PLAYER):
        raise Fault("input", f"{feed!r} is no name of a feed", f"It is {FEED_IN_WORDS}, such as donations/stripe.")
    if campaign_id is not None:
        check_campaign(campaign_id, campaigns)
    at_ms = now_ms if at is None else moment(at, "--at")
    record_time_ms = at_ms if played else now_ms
    if at_ms > record_time_ms + DAY_MS:
        what = f"--at {at} is more than a day ahead"
        raise Fault("input", what, "A heartbeat promises what was sent already: give a time that has passed.")
    return feed_beat(feed, campaign_id, at_ms, record_time_ms)


def annotation_said(
    campaign_id: str,
    kind: AnnotationKind,
    text: str,
    at: str | None,
    until: str | None,
    *,
    campaigns: Collection[str],
    now_ms: int,
) -> tuple[Annotation, Outgoing]:
    """A new annotation and its record.

    Raises:
        Fault: the campaign, the text or a time is none.
    """
    check_campaign(campaign_id, campaigns)
    if not text.strip() or len(text) > TEXT_AT_MOST:
        raise Fault("input", "the text is empty or too long", f"Give 1 to {TEXT_AT_MOST} characters.")
    at_ms = now_ms if at is None else moment(at, "--at")
    until_ms = None if until is None else moment(until, "--until")
    if until_ms is not None and until_ms <= at_ms:
        raise Fault("input", "--until is not after the beginning", "Give a later time, or leave it out.")
    end = None if until_ms is None else rfc3339(until_ms)
    annotation = Annotation(str(uuid4()), campaign_id, kind, rfc3339(at_ms), text.strip(), end)
    return annotation, annotation_record(annotation, now_ms)


def acceptance_said(
    campaign_id: str,
    influencer_id: str | None,
    at_ms: int,
    *,
    campaigns: Collection[str],
    partitions: int,
    now_ms: int,
) -> tuple[Annotation, list[Outgoing]]:
    """That the present level is the new normal: its annotation, and the records for the detector and the charts.

    Every partition of `slices` is told, because each has a copy of the campaign's detector.

    Args:
        influencer_id: None: of the whole appeal.
        at_ms: from when on, epoch milliseconds of event time.

    Raises:
        Fault: the campaign or the influencer is none.
    """
    check_campaign(campaign_id, campaigns)
    if influencer_id is not None and _is_id(influencer_id) is None:
        raise Fault("input", f"{influencer_id!r} is no id of an influencer", f"It is {ID_IN_WORDS}.")
    dimension, member = (CAMPAIGN, campaign_id) if influencer_id is None else (INFLUENCER, influencer_id)
    acceptance = Acceptance(SLICES_SCHEMA, campaign_id, dimension, member, at_ms // 1000)
    key, value = acceptance_key(acceptance), encode_slice_record(acceptance)
    told = [Outgoing(SLICES, partition, key, value, now_ms) for partition in range(partitions)]
    whose = "the appeal" if influencer_id is None else f"influencer {influencer_id}"
    text = f"The present level of {whose} is accepted as the new normal."
    annotation = Annotation(str(uuid4()), campaign_id, "level_accepted", rfc3339(at_ms), text)
    return annotation, [*told, annotation_record(annotation, now_ms)]


def moment(text: str, option: str) -> int:
    """Epoch milliseconds of what an option says.

    Raises:
        Fault: it is no time of the years 2000 to 2099 with an offset.
    """
    try:
        ms = parse_ms(text)
    except ValueError as error:
        raise Fault(
            "input", f"{option} {text!r} is no time with an offset ({error})", "Write it as 2026-03-12T18:05:00Z."
        ) from None
    if not YEAR_2000_MS <= ms < YEAR_2100_MS:
        raise Fault("input", f"{option} {text!r} is not in the years 2000 to 2099", "Write another time.")
    return ms


def check_campaign(campaign_id: str, campaigns: Collection[str]) -> None:
    if campaign_id not in campaigns:
        what = f"no campaign file has the id {campaign_id!r}"
        raise Fault("input", what, f"Give one of {', '.join(sorted(campaigns))}.")
