"""Records out of the bytes of a fetch: what is handed out, and which damage is named."""

from __future__ import annotations

import tracemalloc

import pytest
from batches_made import (
    CONTROL,
    GZIP,
    HEADER,
    LZ4,
    PLAIN,
    SNAPPY,
    TRANSACTIONAL,
    ZSTD,
    Made,
    batch,
    closed,
    expands_to,
    read,
    record_bytes,
    snappy_without_frame,
    with_right_checksum,
)

from schemas.reasons import Reason
from streams.kafka.records import Damaged, Passed
from streams.kafka.records.expanding import EXPANDED_BYTES, Broken, TooLarge, expanded
from streams.kafka.records.standing_in import StandIn

MIB = 1024 * 1024
ALL = (PLAIN, GZIP, SNAPPY, LZ4, ZSTD)
TWO = (Made(value=b"first"), Made(key=None, value=None, headers=[(b"trace", b"7"), (b"none", None)]))


@pytest.mark.parametrize("codec", ALL)
def test_records_are_handed_out_as_they_were_sent_however_compressed(codec: int) -> None:
    first, second = read(batch(TWO, base=5, codec=codec), 5)
    assert (first.offset, first.key, first.value, list(first.headers)) == (5, b"r1", b"first", [])
    assert (second.offset, second.key, second.value) == (6, None, None)
    assert list(second.headers) == [("trace", b"7"), ("none", None)]
    assert (first.timestamp, first.timestamp_type) == (TWO[0].timestamp, 0)


def test_snappy_is_read_without_its_frame_too() -> None:
    body = b"".join(record_bytes(record, delta, TWO[0].timestamp) for delta, record in enumerate(TWO))
    raw = closed(snappy_without_frame(body), TWO, [0, 1], 0, SNAPPY, 0, None)
    assert [record.value for record in read(raw, 0)] == [b"first", None]


@pytest.mark.parametrize("codec", ALL)
def test_a_header_whose_name_is_no_text_harms_neither_its_record_nor_the_others(codec: int) -> None:
    odd = Made(value=b"odd", headers=[(b"\xff", b"1"), ("ä".encode(), b"2"), (b"\xc3", None)])
    found = read(batch([*TWO, odd, *TWO], codec=codec), 1)
    assert [(record.offset, record.value) for record in found] == [(1, None), (2, b"odd"), (3, b"first"), (4, None)]
    assert found[1].headers == [("\udcff", b"1"), ("ä", b"2"), ("\udcc3", None)]
    assert found[1].timestamp == odd.timestamp


def test_the_time_of_a_record_is_the_brokers_where_the_topic_says_so() -> None:
    records = [Made(headers=[(b"\xff", None)]), Made(timestamp=Made().timestamp + 5)]
    found = read(batch(records, flags=0x08), 0)
    assert {(record.timestamp, record.timestamp_type) for record in found} == {(records[1].timestamp, 1)}


@pytest.mark.parametrize("codec", [GZIP, SNAPPY, LZ4, ZSTD])
def test_a_batch_that_expands_to_too_much_is_too_large_and_was_never_in_memory(codec: int) -> None:
    raw = expands_to(EXPANDED_BYTES + MIB, codec, base=3, records=3)
    read(batch(TWO, codec=codec), 0)  # what is imported or made once is not of this batch
    tracemalloc.start()
    found = read(raw + batch(TWO, base=6), 4)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [record.offset for record in found] == [4, 5, 6, 7]
    assert [type(record) for record in found[:2]] == [StandIn, StandIn]
    assert {record.value.rejection.reason for record in found[:2]} == {Reason.TOO_LARGE}
    assert peak < 3 * EXPANDED_BYTES, f"{peak / MIB:.0f} MiB"


@pytest.mark.parametrize("codec", [GZIP, SNAPPY, LZ4, ZSTD])
def test_the_bound_is_exact(codec: int) -> None:
    from batches_made import COMPRESS

    data = COMPRESS[codec](b"x" * 1000)
    assert expanded(codec, data, 1000) == b"x" * 1000
    with pytest.raises(TooLarge):
        expanded(codec, data, 999)


@pytest.mark.parametrize("codec", [GZIP, SNAPPY, LZ4, ZSTD])
def test_compressed_data_that_is_cut_is_broken(codec: int) -> None:
    from batches_made import COMPRESS

    data = COMPRESS[codec](bytes(range(256)) * 40)
    for length in (len(data) - 1, len(data) // 2, 3):
        with pytest.raises(Broken):
            expanded(codec, data[:length])


def test_an_unknown_way_of_compressing_is_damage() -> None:
    [mark] = read(with_right_checksum(_with_byte(batch(TWO), 22, 5)), 0)
    assert isinstance(mark, Damaged)
    assert (mark.first, mark.offset, mark.what) == (0, 1, "compressed in an unknown way (5)")


def test_what_was_good_before_the_damage_is_handed_out_first() -> None:
    spoilt = _with_byte(batch(TWO, base=2), -1, 0xFF)
    assert [record.offset for record in read(batch(TWO) + spoilt, 0)] == [0, 1]
    [mark] = read(spoilt, 2)
    assert isinstance(mark, Damaged)
    assert (mark.first, mark.offset, mark.what) == (2, 3, "its checksum is wrong")


def test_records_that_claim_an_offset_twice_are_damage_and_not_one_of_them_lost() -> None:
    raw = batch([*TWO, *TWO], deltas=[0, 1, 1, 3])
    assert [record.offset for record in read(raw, 0)] == [0, 1]
    [mark] = read(raw, 2)
    assert isinstance(mark, Damaged)
    assert (mark.first, mark.offset, mark.what) == (2, 3, "its records are out of order")


def test_a_batch_of_an_old_format_or_of_none_is_damage() -> None:
    for raw in (_with_byte(batch(TWO), 16, 1), b"\0" * 61, batch(TWO)[:-3], b"\xff" * 100, batch(TWO)[:5]):
        [mark] = read(raw, 0)
        assert isinstance(mark, Damaged), raw


def test_a_last_batch_that_the_broker_cut_is_left_for_the_next_fetch() -> None:
    assert [record.offset for record in read(batch(TWO) + batch(TWO, base=2)[:-3], 0)] == [0, 1]


def test_markers_of_transactions_are_passed_and_said_to_be() -> None:
    marker = batch([Made(b"\0\0\0\1", b"\0" * 6)], base=2, flags=CONTROL | TRANSACTIONAL)
    first, second, mark = read(batch(TWO, flags=TRANSACTIONAL) + marker, 0)
    assert (first.offset, second.offset) == (0, 1)
    assert isinstance(mark, Passed)
    assert (mark.first, mark.offset) == (2, 2)


def test_what_compaction_left_of_a_batch_is_passed_to_its_end() -> None:
    [mark] = read(batch([], base=7, last_delta=4), 8)
    assert isinstance(mark, Passed)
    assert (mark.first, mark.offset) == (8, 11)
    kept, mark = read(batch([Made()], base=7, deltas=[2], last_delta=4), 7)
    assert (kept.offset, mark.first, mark.offset) == (9, 10, 11)


def _with_byte(raw: bytes, place: int, value: int) -> bytes:
    changed = bytearray(raw)
    changed[place] = value
    return bytes(changed)


def test_the_header_is_as_long_as_kafka_says() -> None:
    assert HEADER.size == 61


def test_a_length_that_snappy_cannot_reach_is_not_believed() -> None:
    """A flipped bit made 4 GB of it and two thousand million records: found by the hundred thousand."""
    claims_much = b"\xff\xff\xff\xff\x0f" + snappy_without_frame(b"x")[1:]
    with pytest.raises(Broken, match="claims more than there can be"):
        expanded(SNAPPY, claims_much)


def test_a_batch_too_large_whose_header_contradicts_itself_is_damage() -> None:
    raw = bytearray(expands_to(EXPANDED_BYTES + MIB, GZIP, records=3))
    raw[23:27] = (2**31 - 2).to_bytes(4)
    [mark] = read(with_right_checksum(bytes(raw)), 0)
    assert isinstance(mark, Damaged)
    assert mark.what == "its header does not say how many records it has"
