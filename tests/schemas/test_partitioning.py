"""The partitioner is Kafka's own, byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner import default

from schemas.partitioning import murmur2, partition_of


@given(st.binary(max_size=300))
def test_hash_equals_that_of_kafka_python(data: bytes) -> None:
    assert murmur2(data) == default.murmur2(data) & 0xFFFFFFFF


@pytest.mark.parametrize("length", range(65))
def test_hash_equals_that_of_kafka_python_at_every_length(length: int) -> None:
    for data in (b"\xff" * length, b"\x00" * length, bytes(range(length))):
        assert murmur2(data) == default.murmur2(data) & 0xFFFFFFFF


@pytest.mark.parametrize(
    ("data", "signed"),
    [
        # The vectors of Apache Kafka's UtilsTest.testMurmur2.
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_hash_equals_that_of_apache_kafka(data: bytes, signed: int) -> None:
    assert murmur2(data) == signed & 0xFFFFFFFF


@given(st.binary(max_size=40), st.integers(1, 1000))
def test_partition_is_that_of_kafkas_default_partitioner(key: bytes, partitions: int) -> None:
    assert partition_of(key, partitions) == (default.murmur2(key) & 0x7FFFFFFF) % partitions
