"""A state as bytes and back: what a checkpoint holds.

Only states whose slices have been emitted are saved, so nothing dirty is in it.  The fingerprint names the settings
that verdicts depend on: under other settings the same log folds to another state, and the checkpoint is not used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct

from schemas.codec import Codec
from schemas.codec.vectorized import Integers
from schemas.slices import SLICES_SCHEMA, Entity
from schemas.topics import SOURCES
from schemas.versions import NumberedArray, refuse_other_schema
from streams.operators.attribution.dedup import Identities
from streams.operators.attribution.feeds import Feeds, PlayerReport
from streams.operators.attribution.fold import least_patience_ms
from streams.operators.attribution.horizon import HorizonClock
from streams.operators.attribution.referrals import Orphan, Owner, ReferralIndex
from streams.operators.attribution.state import Attribution, Tally
from streams.operators.counters import Money

# 2: what heartbeats said; 3: silences of feeds; 4: rows of an entity together; 5: rows as columns, other identities;
# 6: offsets passed over, what was forgotten, how old an event may be, keyed identities
SNAPSHOT_SCHEMA: Final = 6

SavedMoney = dict[int, Money]
SavedOwner = tuple[str, str, str]


class SavedReferralIndex(Struct, frozen=True, array_like=True):
    """One campaign: its accounts, whose each referral is (by the account's number), and what the others brought."""

    campaign_id: str
    owners: list[SavedOwner]
    owner_ids: dict[str, int]
    orphans: dict[str, tuple[dict[int, int], SavedMoney]]
    since: dict[str, int]


class SavedColumn(Struct, frozen=True, array_like=True):
    """Whole numbers in as few bytes each as the largest one needs; `kind` is numpy's name of them."""

    kind: str
    data: bytes

    @classmethod
    def of(cls, column: Integers) -> SavedColumn:
        kind = np.result_type(*map(np.min_scalar_type, (column.min(initial=0), column.max(initial=0))))
        return cls(kind.str, column.astype(kind).tobytes())

    def column(self) -> Integers:
        if self.kind not in _KINDS:
            raise ValueError(f"not a snapshot (a column of {self.kind!r})")
        return np.frombuffer(self.data, self.kind).astype(np.int64)


_KINDS: Final = frozenset(np.dtype(kind).str for kind in ("u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8"))


class Snapshot(Struct, frozen=True, array_like=True):
    """Plain values; the ledger's rows as columns, so that neither saving nor loading makes an object of each."""

    schema: int
    fingerprint: str
    partition: int
    key: tuple[int, int]
    begins: dict[str, int]
    positions: dict[str, int]
    clocks: dict[str, int]
    entities: list[tuple[str, str, str]]
    slots: SavedColumn
    counts: list[SavedColumn]
    money: SavedMoney
    referrals: list[SavedReferralIndex]
    identities: list[tuple[str, int, bytes]]
    tallies: dict[str, tuple[int, int, int, int, int]]
    feeds: dict[str, int]
    played: dict[str, int]
    unconfirmed: dict[str, list[tuple[int, tuple[int, ...]]]]
    silences: dict[str, list[tuple[int, int]]]
    horizons: dict[str, tuple[int, int, int]]
    forgotten: int


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Snapshot)
_number_decoder = msgspec.msgpack.Decoder(NumberedArray)


def fingerprint_of(codec: Codec) -> str:
    """A short digest of every setting that a verdict or a tally depends on, and of the schema of slices.

    After a loaded state only changed slices are published; slices of a new schema must all be published again.
    """
    campaigns = sorted((name, campaign.allowed_lateness) for name, campaign in codec.campaigns.items())
    patience = least_patience_ms(codec.campaigns)
    horizon = (codec.horizon_ms, codec.forgets)
    facts: Any = (SNAPSHOT_SCHEMA, SLICES_SCHEMA, codec.partitions, horizon, campaigns, patience)
    return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()[:16]


def to_bytes(state: Attribution, fingerprint: str) -> bytes:
    """The state as bytes.  Everything before it must have been emitted."""
    state.feeds.confirm(state.positions)
    slots, counts = state.slice_table.columns()
    return _encoder.encode(
        Snapshot(
            schema=SNAPSHOT_SCHEMA,
            fingerprint=fingerprint,
            partition=state.partition,
            key=state.key,
            begins=state.begins,
            positions=state.positions,
            clocks=state.clocks,
            entities=list(state.slice_table.entities),
            slots=SavedColumn.of(slots),
            counts=[SavedColumn.of(column) for column in counts.T],
            money=state.slice_table.money,
            referrals=[_saved_index(index) for index in state.referrals.values()],
            identities=[
                (topic, end, identities.to_bytes())
                for topic, by_end in state.identities.items()
                for end, identities in by_end.items()
                if len(identities)
            ],
            tallies={
                topic: (tally.accepted, tally.duplicates, tally.dead_lettered, tally.late, tally.passed_over)
                for topic, tally in state.tallies.items()
            },
            feeds=state.feeds.newest,
            played=state.feeds.played,
            unconfirmed={
                key: [(report.at_ms, report.sent) for report in unconfirmed]
                for key, unconfirmed in state.feeds.unconfirmed.items()
            },
            silences=state.feeds.silences,
            horizons={topic: (one.seen, one.middle, one.clock) for topic, one in state.horizons.items()},
            forgotten=state.forgotten,
        )
    )


def _saved_index(index: ReferralIndex) -> SavedReferralIndex:
    orphans = {name: (orphan.counts, orphan.money) for name, orphan in index.orphans.items()}
    return SavedReferralIndex(index.campaign_id, list(index.owners), index.owner_ids, orphans, index.since)


def from_bytes(
    data: bytes, partition: int, fingerprint: str, on_decoded: Callable[[int], object] = lambda size: None
) -> Attribution:
    """The state that `to_bytes` saved.

    Args:
        on_decoded: called with the size of every set of identities that was decoded, in bytes: nearly all of a
            large state.

    Raises:
        ValueError: not a snapshot, or one of another schema, partition or settings; the log has it all anyway.
    """
    saved = _decoded(data)
    if (saved.partition, saved.fingerprint) != (partition, fingerprint):
        raise ValueError("made under other settings or by another version")
    unconfirmed = {key: _reports(unconfirmed) for key, unconfirmed in saved.unconfirmed.items()}
    feeds = Feeds(saved.feeds, saved.played, unconfirmed, saved.silences)
    state = Attribution(partition, saved.key, dict(saved.begins), dict(saved.positions), dict(saved.clocks), feeds)
    state.identities = {topic: {} for topic in SOURCES}
    for topic, end, packed in saved.identities:
        state.identities[topic][end] = Identities(packed)
        on_decoded(len(packed))
    for entity in saved.entities:
        state.slice_table.number_of(Entity(*entity))
    state.slice_table.keep(saved.slots.column(), np.stack([column.column() for column in saved.counts], axis=1))
    state.slice_table.money = saved.money
    for saved_index in saved.referrals:
        _open(state.referrals_of(saved_index.campaign_id), saved_index)
    state.tallies = {topic: Tally(*numbers) for topic, numbers in saved.tallies.items()}
    state.horizons = {topic: HorizonClock(*numbers) for topic, numbers in saved.horizons.items()}
    state.forgotten = saved.forgotten
    return state


def _open(index: ReferralIndex, saved: SavedReferralIndex) -> None:
    for owner in saved.owners:
        index.owner_id_of(Owner(*owner))
    index.owner_ids = saved.owner_ids
    for referral_id, since in saved.since.items():
        index.keep_unattributed(referral_id, since)
    index.orphans = {name: Orphan(counts, money) for name, (counts, money) in saved.orphans.items()}


def _decoded(data: bytes) -> Snapshot:
    try:
        saved = _decoder.decode(data)
    except msgspec.ValidationError:
        # Most likely it does not fit because it has another schema; name that rather than the field.
        _refuse_other_schema(_schema_of(data))
        raise ValueError("not a snapshot (its fields are not those of its schema)") from None
    except msgspec.DecodeError as error:
        raise ValueError(f"not a snapshot ({error})") from error
    _refuse_other_schema(saved.schema)
    return saved


def _schema_of(data: bytes) -> int:
    try:
        return _number_decoder.decode(data).schema
    except msgspec.DecodeError as error:
        raise ValueError(f"not a snapshot ({error})") from error


def _refuse_other_schema(schema: int) -> None:
    try:
        refuse_other_schema(schema, SNAPSHOT_SCHEMA)
    except ValueError as error:
        raise ValueError(f"made by another version ({error})") from None


def _reports(saved: list[tuple[int, tuple[int, ...]]]) -> list[PlayerReport]:
    return [PlayerReport(at_ms, sent) for at_ms, sent in saved]
