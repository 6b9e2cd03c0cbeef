"""A snapshot is read back as it was, or refused."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from looking import counters_of, orphans_of, owners_of
from random_logs import CODEC, logs_of, tried
from wiring import PROCESSOR, begun, campaign_of, codec_of, drained, fold_all

from schemas.campaign import StallRules
from schemas.codec import Codec
from streams.operators.attribution.fold import AttributionOperator
from streams.operators.attribution.snapshot import SNAPSHOT_SCHEMA, fingerprint_of, from_bytes, to_bytes
from streams.operators.attribution.state import Attribution

FINGERPRINT = fingerprint_of(CODEC)


def folded(seed: int = 7, size: int = 60) -> Attribution:
    state, logs = begun(0), logs_of(seed, size)
    fold_all(AttributionOperator(CODEC, PROCESSOR), state, logs)
    drained(state, logs)
    return state


@tried(60)
@given(st.integers(0, 2**32), st.integers(1, 60))
def test_bytes_and_back_change_nothing(seed: int, size: int) -> None:
    state = folded(seed, size)
    back = from_bytes(to_bytes(state, FINGERPRINT), 0, FINGERPRINT)
    for name in ("positions", "begins", "clocks", "feeds", "tallies"):
        assert getattr(back, name) == getattr(state, name), name
    assert (owners_of(back), orphans_of(back)) == (owners_of(state), orphans_of(state))
    assert counters_of(back.slice_table) == counters_of(state.slice_table)
    assert back.version == state.version
    assert to_bytes(back, FINGERPRINT) == to_bytes(state, FINGERPRINT)


def test_truncated_bytes_are_refused_wherever_they_end() -> None:
    data = to_bytes(folded(), FINGERPRINT)
    for length in range(len(data)):
        with pytest.raises(ValueError, match=r"not a snapshot"):
            from_bytes(data[:length], 0, FINGERPRINT)


def test_a_snapshot_of_another_partition_or_other_settings_is_refused() -> None:
    data = to_bytes(folded(), FINGERPRINT)
    for partition, fingerprint in [(1, FINGERPRINT), (0, "other")]:
        with pytest.raises(ValueError, match="other settings"):
            from_bytes(data, partition, fingerprint)


def test_a_snapshot_of_another_schema_is_refused() -> None:
    fields = msgspec.msgpack.decode(to_bytes(folded(), FINGERPRINT))
    assert fields[0] == SNAPSHOT_SCHEMA
    with pytest.raises(ValueError, match="another version"):
        from_bytes(msgspec.msgpack.encode([SNAPSHOT_SCHEMA + 1, *fields[1:]]), 0, FINGERPRINT)


def test_a_snapshot_of_a_schema_with_fewer_fields_is_refused_by_its_schema() -> None:
    fields = msgspec.msgpack.decode(to_bytes(folded(), FINGERPRINT))
    with pytest.raises(ValueError, match=rf"another version \(schema 1, this program speaks {SNAPSHOT_SCHEMA}\)"):
        from_bytes(msgspec.msgpack.encode([1, *fields[1:11]]), 0, FINGERPRINT)


def test_a_snapshot_whose_fields_are_others_is_refused() -> None:
    fields = msgspec.msgpack.decode(to_bytes(folded(), FINGERPRINT))
    with pytest.raises(ValueError, match="not a snapshot"):
        from_bytes(msgspec.msgpack.encode([*fields[:-1], "silences"]), 0, FINGERPRINT)


def test_the_fingerprint_names_every_setting_that_a_verdict_hangs_on() -> None:
    door = campaign_of("door", "USD")
    patient = msgspec.structs.replace(door, allowed_lateness=600)
    codecs = [
        codec_of([door]),
        codec_of([patient]),
        codec_of([door, campaign_of("yen", "JPY")]),
        codec_of([door], partitions=4),
        Codec({"door": door}, 2, horizon_days=7),
        codec_of([msgspec.structs.replace(door, stall=StallRules(feed_patience=7))]),
    ]
    assert len({fingerprint_of(codec) for codec in codecs}) == len(codecs)
    other_currency = msgspec.structs.replace(door, currency="EUR")
    assert fingerprint_of(codec_of([other_currency])) == fingerprint_of(codec_of([door]))


def test_a_loaded_state_holds_each_entity_once_and_no_counters_of_the_bytes_twice() -> None:
    back = from_bytes(to_bytes(folded(), FINGERPRINT), 0, FINGERPRINT)
    entities = [entity for entity, _ in counters_of(back.slice_table)]
    assert len({id(entity) for entity in entities}) == len(set(entities)) < len(entities)
    every = [
        *counters_of(back.slice_table).values(),
        *(one for by_end in orphans_of(back).values() for one in by_end.values()),
    ]
    assert len({id(counters.counts) for counters in every}) == len({id(counters.money) for counters in every})
    assert len({id(counters.counts) for counters in every}) == len(every)
