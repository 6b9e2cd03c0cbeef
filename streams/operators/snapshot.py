"""A state as bytes and back: what a checkpoint holds.

Only states whose slices have been emitted are saved, so nothing dirty is in it.  The fingerprint names the settings
that verdicts depend on: under other settings the same log folds to another state, and the checkpoint is not used.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec
from msgspec import Struct

from schemas.codec import Codec
from schemas.slices import SLICES_SCHEMA, Entity
from schemas.topics import SOURCES
from streams.operators.attribution import least_patience_ms
from streams.operators.attribution_state import Attribution, Tally
from streams.operators.counters import Money
from streams.operators.feeds import Claim, Feeds
from streams.operators.identities import Identities
from streams.operators.ledgers import Owner, Rows, ledger_of

SNAPSHOT_SCHEMA: Final = 4  # 2: what heartbeats said; 3: silences of feeds; 4: rows of an entity together


SavedCounts = dict[int, list[int]]  # by end of the minute
SavedMoney = dict[int, Money]


class Snapshot(Struct, frozen=True, array_like=True):
    """Plain values, in the order of `Attribution`'s fields; rows as they are held, so that loading builds nothing."""

    schema: int
    fingerprint: str
    partition: int
    begins: dict[str, int]
    positions: dict[str, int]
    clocks: dict[str, int]
    owners: list[tuple[str, str, str, str, str]]
    orphans: list[tuple[str, str, SavedCounts, SavedMoney]]
    identities: list[tuple[str, int, bytes]]
    slices: list[tuple[str, str, str, SavedCounts, SavedMoney]]
    tallies: dict[str, tuple[int, int, int, int]]
    feeds: dict[str, int]
    played: dict[str, int]
    claims: dict[str, list[tuple[int, tuple[int, ...]]]]
    silences: dict[str, list[tuple[int, int]]]


class _Spoken(Struct, array_like=True):
    schema: int


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Snapshot)
_spoken_decoder = msgspec.msgpack.Decoder(_Spoken)


def fingerprint_of(codec: Codec) -> str:
    """A short digest of every setting that a verdict or a tally depends on, and of how slices are said.

    A loaded state says only what changes after it; slices of a new schema must all be said again.
    """
    campaigns = sorted((name, campaign.allowed_lateness) for name, campaign in codec.campaigns.items())
    patience = least_patience_ms(codec.campaigns)
    facts: Any = (SNAPSHOT_SCHEMA, SLICES_SCHEMA, codec.partitions, codec.horizon_ms, campaigns, patience)
    return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()[:16]


def to_bytes(state: Attribution, fingerprint: str) -> bytes:
    """The state as bytes.  Everything before it must have been emitted."""
    state.feeds.confirm(state.positions)
    return _encoder.encode(
        Snapshot(
            schema=SNAPSHOT_SCHEMA,
            fingerprint=fingerprint,
            partition=state.partition,
            begins=state.begins,
            positions=state.positions,
            clocks=state.clocks,
            owners=[
                (campaign_id, referral_id, *account.owner)
                for campaign_id, book in sorted(state.books.items())
                for referral_id, account in book.accounts.items()
            ],
            orphans=[
                (campaign_id, referral_id, rows.counts, rows.money)
                for campaign_id, book in sorted(state.books.items())
                for referral_id, rows in book.orphans.items()
            ],
            identities=[
                (topic, end, identities.to_bytes())
                for topic, by_end in state.identities.items()
                for end, identities in by_end.items()
                if len(identities)
            ],
            slices=[
                (*entity, ledger.counts, ledger.money) for entity, ledger in state.ledgers.items() if ledger.counts
            ],
            tallies={
                topic: (tally.accepted, tally.duplicates, tally.dead_lettered, tally.late)
                for topic, tally in state.tallies.items()
            },
            feeds=state.feeds.newest,
            played=state.feeds.played,
            claims={key: [(claim.at_ms, claim.sent) for claim in claims] for key, claims in state.feeds.claims.items()},
            silences=state.feeds.silences,
        )
    )


def from_bytes(data: bytes, partition: int, fingerprint: str) -> Attribution:
    """The state that `to_bytes` saved.

    Raises:
        ValueError: not a snapshot, or one of another schema, partition or settings; the log has it all anyway.
    """
    saved = _decoded(data)
    if (saved.partition, saved.fingerprint) != (partition, fingerprint):
        raise ValueError("made under other settings or by another version")
    claims = {key: _claims(claims) for key, claims in saved.claims.items()}
    feeds = Feeds(saved.feeds, saved.played, claims, saved.silences)
    state = Attribution(partition, dict(saved.begins), dict(saved.positions), dict(saved.clocks), feeds)
    state.identities = {topic: {} for topic in SOURCES}
    for topic, end, packed in saved.identities:
        state.identities[topic][end] = Identities(packed)
    for campaign_id, dimension, member, counts, money in saved.slices:
        ledger_of(state.ledgers, Entity(campaign_id, dimension, member)).keep(counts, money)
    for campaign_id, referral_id, *owner in saved.owners:
        book = state.book_of(campaign_id)
        book.accounts[referral_id] = book.account_of(Owner(*owner))
    for campaign_id, referral_id, counts, money in saved.orphans:
        rows = state.book_of(campaign_id).orphans[referral_id] = Rows()
        rows.keep(counts, money)
    state.tallies = {topic: Tally(*numbers) for topic, numbers in saved.tallies.items()}
    return state


def _decoded(data: bytes) -> Snapshot:
    try:
        saved = _decoder.decode(data)
    except msgspec.ValidationError:
        # Most likely it does not fit because it speaks another schema; say that rather than which field.
        _refuse_other_schema(_spoken_schema(data))
        raise ValueError("not a snapshot (its fields are not those of its schema)") from None
    except msgspec.DecodeError as error:
        raise ValueError(f"not a snapshot ({error})") from error
    _refuse_other_schema(saved.schema)
    return saved


def _spoken_schema(data: bytes) -> int:
    try:
        return _spoken_decoder.decode(data).schema
    except msgspec.DecodeError as error:
        raise ValueError(f"not a snapshot ({error})") from error


def _refuse_other_schema(schema: int) -> None:
    if schema != SNAPSHOT_SCHEMA:
        raise ValueError(f"made by another version (schema {schema}, this program speaks {SNAPSHOT_SCHEMA})")


def _claims(saved: list[tuple[int, tuple[int, ...]]]) -> list[Claim]:
    return [Claim(at_ms, sent) for at_ms, sent in saved]
