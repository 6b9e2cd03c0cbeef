"""What attribution says to conversion: absolute counters of one entity in one minute, and its own progress.

Every record is absolute and versioned (the number of source records folded), so sending it twice is harmless.
Its key ends with the writer's incarnation: a compacted topic keeps the last record of a key, and a process that
was paused and goes on late must not overwrite anybody but itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Annotated, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct

from schemas.partitioning import partition_of
from schemas.versions import Numbered, refuse_other_schema

SLICES_SCHEMA: Final = 1

UNATTRIBUTED: Final = "(unattributed)"
DIRECT: Final = "(direct)"

CAMPAIGN: Final = "campaign"
INFLUENCER: Final = "influencer"
CHANNEL: Final = "channel"
TIE: Final = "tie"
DIMENSIONS: Final = (CAMPAIGN, INFLUENCER, CHANNEL, TIE)

COUNTS: Final = (
    "shares",
    "impressions_measured",
    "impressions_sampled",
    "impressions_estimated",
    "clicks",
    "donations",
    "refunds",
)


class Entity(NamedTuple):
    """Whose counters: (campaign, dimension, member)."""

    campaign_id: str
    dimension: str
    member: str


class Slice(Struct, frozen=True, tag="slice", tag_field="type"):
    """Counters of an entity in the minute `[end - 60 s, end)`, as one source partition knows them.

    `counts` is in the order of COUNTS; `money` holds by currency [gross, fee, refunded] in minor units;
    `end` is in epoch seconds.
    """

    schema: int
    campaign_id: str
    dimension: str
    member: str
    end: int
    source_partition: int
    incarnation: str
    version: int
    counts: Annotated[list[int], Meta(min_length=len(COUNTS), max_length=len(COUNTS))]
    money: dict[str, Annotated[list[int], Meta(min_length=3, max_length=3)]]


class Progress(Struct, frozen=True, tag="progress", tag_field="type"):
    """How far attribution has folded a source partition, sent after the slices it vouches for.

    `clock`, epoch milliseconds (0: none yet), is how far it has come: in `live` use never ahead of the moment at which
    the ends of the logs were seen, nor of what is folded of a topic that lags; when history is played the newest record
    time.  `idle`: every log was read to its end.  Minutes that end at or before `forgotten`, epoch seconds, are never
    published again.  `fingerprint` names the settings that verdicts depend on (`fingerprint_of` makes it).
    `complete`, epoch milliseconds: every record with a record time before it has been folded (0: not known), a topic
    that lags behind the others included.  `feeds`: the newest heartbeat, epoch milliseconds, of each feed that was
    heard in this partition, by `feed_key`; of a player of history (`player/...`) the newest one up to which everything
    that it sent is folded.  `silences`: times between two heartbeats of a feed, epoch milliseconds, that were longer
    than the least patience that any campaign has; only the newest ones.
    The maps are by topic: offsets (next to fold, first and end of the log), numbers of records by verdict, and
    how many offsets had no record to judge (an operator skipped them, or they are a transaction's markers).
    """

    schema: int
    source_partition: int
    incarnation: str
    version: int
    clock: int
    idle: bool
    positions: dict[str, int]
    begins: dict[str, int]
    ends: dict[str, int]
    accepted: dict[str, int]
    duplicates: dict[str, int]
    dead_lettered: dict[str, int]
    late: dict[str, int]
    complete: int = 0
    feeds: dict[str, int] = {}
    silences: dict[str, list[tuple[int, int]]] = {}
    passed_over: dict[str, int] = {}
    live: bool = False
    forgotten: int = 0
    fingerprint: str = ""


def feed_key(feed: str, campaign_id: str | None) -> str:
    """One name for a feed of one campaign (or of every one)."""
    return f"{feed}@{campaign_id or ''}"


class Acceptance(Struct, frozen=True, tag="acceptance", tag_field="type"):
    """An operator's word to the stall detector of an entity: what is going on now is the new normal.

    `at`, epoch seconds of event time: it counts from the first minute that ends after it.
    """

    schema: int
    campaign_id: str
    dimension: str
    member: str
    at: int


# An entity's number (anybody's), the minute's end, its counts and money, as a writer has them.
Row = tuple[int, int, list[int], dict[str, list[int]] | None]

SliceRecord = Slice | Progress | Acceptance
_decoder: msgspec.json.Decoder[SliceRecord] = msgspec.json.Decoder(SliceRecord)
_encoder = msgspec.json.Encoder()


_number_decoder = msgspec.json.Decoder(Numbered)


def encode(record: SliceRecord) -> bytes:
    return _encoder.encode(record)


def decode(value: bytes) -> SliceRecord:
    """A record of the topic `slices`.

    Raises:
        ValueError: not such a record, or one of another schema: it belongs to another version of the program.
    """
    try:
        record = _decoder.decode(value)
    except msgspec.ValidationError:
        # Most likely it does not fit because it speaks another schema; say that rather than which field.
        refuse_other_schema(_number_decoder.decode(value).schema, SLICES_SCHEMA)
        raise
    refuse_other_schema(record.schema, SLICES_SCHEMA)
    return record


class _Tagged(Struct):
    type: Literal["slice", "progress", "acceptance"]


_tag_decoder = msgspec.json.Decoder(_Tagged)


def is_ours(value: bytes) -> bool:
    """Whether this was meant as a record of `slices`, even if it cannot be read."""
    try:
        _tag_decoder.decode(value)
    except (ValueError, RecursionError):
        return False
    return True


def home_of(entity: Entity, partitions: int) -> int:
    """The partition of `slices` and `conversions` that an entity belongs to."""
    return partition_of("|".join(entity).encode(), partitions)


# An entity is said once a minute and more, so its address is looked up and not made again.
@lru_cache(maxsize=65_536)
def destinations_of(entity: Entity, partitions: int) -> Sequence[int]:
    """The partitions of `slices` that an entity's slices go to.

    Its home; a campaign's go to every partition, because the stall detectors of the influencers there ask how the
    campaign stands.
    """
    return range(partitions) if entity.dimension == CAMPAIGN else (home_of(entity, partitions),)


class SliceWriter:
    """Records of slices that one writer says at one version, without a `Slice` for each.

    The values are what `encode` would write, in a third of the time: an entity's part of a record is made once.
    """

    def __init__(self, source_partition: int, incarnation: str, version: int) -> None:
        said = (source_partition, _encoder.encode(incarnation), version)
        self._rest = b',"source_partition":%d,"incarnation":%b,"version":%d,"counts":' % said
        self._writer = f"{source_partition}|{incarnation}".encode()

    def records(self, entity: Entity, rows: Iterable[Row]) -> list[tuple[bytes, bytes]]:
        """(key, value) of each row of an entity."""
        encode_one = _encoder.encode
        key_head, value_head = "|".join(entity).encode(), _head_of(entity)
        rest, writer = self._rest, self._writer
        written = []
        for _, end, counts, money in rows:
            key = b"%b|%d|%b" % (key_head, end, writer)
            value = b'%b%d%b%b,"money":%b}' % (value_head, end, rest, encode_one(counts), encode_one(money or {}))
            written.append((key, value))
        return written


def _head_of(entity: Entity) -> bytes:
    names = tuple(map(_encoder.encode, entity))
    head = b'{"type":"slice","schema":%d,"campaign_id":%b,"dimension":%b,"member":%b,"end":'
    return head % (SLICES_SCHEMA, *names)


def progress_key(record: Progress) -> bytes:
    return f"progress|{record.source_partition}|{record.incarnation}".encode()


def acceptance_key(record: Acceptance) -> bytes:
    return f"acceptance|{record.campaign_id}|{record.dimension}|{record.member}|{record.at}".encode()
