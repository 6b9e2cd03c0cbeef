"""Records that ended every worker for good, and the way out where nobody but a person can decide."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from harness import Pipeline
from kafka import KafkaProducer, TopicPartition
from test_bad_input import START_MS, click, donation, eventually, groundswell, share

from schemas.partitioning import partition_of
from schemas.topics import ANNOTATIONS, CHECKPOINTS, CONVERSIONS, DEAD_LETTERS, HEARTBEATS, SLICES, STALLS
from streams.kafka.admin import admin

pytestmark = pytest.mark.kafka

OURS = (ANNOTATIONS, CHECKPOINTS, CONVERSIONS, DEAD_LETTERS, HEARTBEATS, SLICES, STALLS)
FOREIGN = (None, b"", b"garbage \xff", b"[" * 100_000, b'{"type": 7}', b"\x93\x01\x02\x03")
MIB = 1024 * 1024
PARTITION = partition_of(b"r1", 4)


class Name(str):
    """A header's name as librdkafka takes it: any bytes."""

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return b"\xff\xfe"


def produce(pipeline: Pipeline, topic: str, value: bytes | None, *, compression: str | None = None, **more: Any) -> int:
    """Send one record as an ordinary client does; its offset."""
    fields = {"key": b"r1", "partition": PARTITION, "timestamp_ms": START_MS, **more}

    async def sent() -> int:
        producer = AIOKafkaProducer(
            bootstrap_servers=pipeline.settings.brokers,
            compression_type=compression,
            max_batch_size=100 * MIB,
            max_request_size=100 * MIB,
        )
        async with producer:
            return int((await producer.send_and_wait(topic, value, **fields)).offset)

    return asyncio.run(sent())


def produce_oddly(pipeline: Pipeline, topic: str, value: bytes, headers: list[tuple[str, bytes]]) -> int:
    """The same by a client that asks a header's name for its bytes."""
    producer = KafkaProducer(bootstrap_servers=pipeline.settings.brokers)
    try:
        sent = producer.send(topic, value, b"r1", headers, PARTITION, START_MS)
        return int(sent.get(30).offset)
    finally:
        producer.close()


def as_bytes(event: dict[str, Any]) -> bytes:
    return json.dumps(event).encode()


@pytest.fixture(scope="module")
def pipeline(kafka_jars: str) -> Iterator[Pipeline]:
    with Pipeline("apache") as pipeline:
        pipeline.start_all()
        yield pipeline


def still_running(pipeline: Pipeline) -> None:
    assert {"attribution", "conversion", "sink"} <= set(pipeline.stack.running()), pipeline.logs()


def accounted(pipeline: Pipeline, topic: str, **wanted: int) -> None:
    columns = ", ".join((*wanted, "difference", "in_flight"))
    eventually(pipeline, f"SELECT {columns} FROM accounting WHERE topic = '{topic}'", [(*wanted.values(), 0, 0)])


def test_an_array_of_events_with_compression_on_becomes_a_cut_dead_letter(pipeline: Pipeline) -> None:
    large = b"[" + b",".join([as_bytes(click("r1"))] * (9 * MIB // 190)) + b"]"
    offset = produce(pipeline, "clicks", large, compression="gzip", headers=[("trace", b"x" * 3000)])
    produce(pipeline, "clicks", as_bytes(click("r1", 1)))
    accounted(pipeline, "clicks", accepted=1, dead_lettered=1)
    eventually(pipeline, "SELECT reason, full_length FROM current_dead_letters", [("too_large", len(large))])
    still_running(pipeline)
    whole = subprocess.run(
        [sys.executable, "-m", "streams.commands", "dead-letters", "show", f"clicks:{PARTITION}:{offset}", "--payload"],
        env={"PATH": "/usr/bin:/bin", **pipeline.environment},
        capture_output=True,
        timeout=60,
    )
    assert whole.stdout == large, whole.stderr
    replayed = groundswell(pipeline, "dead-letters", "replay", f"clicks:{PARTITION}:{offset}")
    assert (replayed.returncode, "too_large" in replayed.stderr) == (1, True), replayed.stderr


def test_a_batch_that_expands_to_more_than_a_worker_may_bear_is_not_expanded(pipeline: Pipeline) -> None:
    offset = produce(pipeline, "clicks", b'"' + b"x" * (40 * MIB) + b'"', compression="zstd")
    produce(pipeline, "clicks", as_bytes(click("r1", 2)))
    accounted(pipeline, "clicks", accepted=2, dead_lettered=2)
    sql = f"SELECT reason, value, length(payload) FROM current_dead_letters WHERE source_offset = {offset}"
    eventually(pipeline, sql, [("too_large", "not read", 0)])
    replayed = groundswell(pipeline, "dead-letters", "replay", f"clicks:{PARTITION}:{offset}")
    assert (replayed.returncode, "was never read" in replayed.stderr) == (2, True), replayed.stderr


def test_an_event_under_a_header_whose_name_is_no_text_counts(pipeline: Pipeline) -> None:
    produce_oddly(pipeline, "donations", as_bytes(donation("r1", 3)), [(Name("x"), b"1"), ("plain", b"2")])
    accounted(pipeline, "donations", accepted=1, dead_lettered=0)
    offset = produce_oddly(pipeline, "donations", b"no gift", [(Name("x"), b"1"), ("back\\slash", b"2")])
    place = f"topic = 'donations' AND source_offset = {offset}"
    sql = f"SELECT arrayMap(h -> h.1, headers) FROM current_dead_letters WHERE {place}"
    eventually(pipeline, sql, [(["\\xff\\xfe", "back\\\\slash"],)])
    mended = groundswell(
        pipeline,
        *("dead-letters", "replay", f"donations:{PARTITION}:{offset}", "--mended", "-"),
        stdin=json.dumps(donation("r1", 4)),
    )
    assert mended.returncode == 0, mended.stderr
    accounted(pipeline, "donations", accepted=2, dead_lettered=1)


@pytest.mark.parametrize("compression", ["gzip", "snappy", "lz4", "zstd"])
def test_an_event_is_read_however_it_was_compressed(pipeline: Pipeline, compression: str) -> None:
    before = pipeline.query("SELECT accepted FROM accounting WHERE topic = 'shares'")[0][0]
    produce(pipeline, "shares", as_bytes(share("r1", before)), compression=compression)
    accounted(pipeline, "shares", accepted=before + 1)


def test_foreign_records_on_topics_of_ours_hold_up_nothing(pipeline: Pipeline) -> None:
    for topic in OURS:
        for number, value in enumerate(FOREIGN):
            # A compacted topic takes no record without a key, and the topic's own bounds hold.
            produce(pipeline, topic, value, key=f"foreign-{number}".encode(), partition=PARTITION)
    produce(pipeline, "clicks", as_bytes(click("r1", 5)))
    accounted(pipeline, "clicks", accepted=3)
    still_running(pipeline)
    for role in ("attribution", "conversion", "sink"):  # and a start reads all of it again
        pipeline.kill(role)
        pipeline.restart(role)
    produce(pipeline, "clicks", as_bytes(click("r1", 6)))
    accounted(pipeline, "clicks", accepted=4)
    still_running(pipeline)


def test_a_transactions_marker_at_the_end_of_a_log_leaves_nothing_in_flight(pipeline: Pipeline) -> None:
    producer = KafkaProducer(bootstrap_servers=pipeline.settings.brokers, transactional_id="shop")
    producer.init_transactions()
    producer.begin_transaction()
    value = as_bytes(click("r1", 7))
    producer.send("clicks", value, key=b"r1", partition=PARTITION, timestamp_ms=START_MS)
    producer.commit_transaction()
    producer.close()
    accounted(pipeline, "clicks", accepted=5, passed_over=1)


def test_after_all_that_the_audit_is_equal(pipeline: Pipeline) -> None:
    result = pipeline.audit()
    assert result.equal, result.differences


def test_a_log_whose_beginning_is_gone_is_a_choice_and_the_loss_is_on_the_record(pipeline: Pipeline) -> None:
    seen = produce(pipeline, "impressions", as_bytes(click("r1", 0, count=1, basis="measured")))
    accounted(pipeline, "impressions", accepted=1)
    _wait_until_landed(pipeline, "impressions", seen + 1)  # a sink that never read begins with what there is
    for role in ("attribution", "sink"):
        assert pipeline.stack.stop_child(role) == 0  # with its state saved: one that is killed needs more of the log
    lost = [produce(pipeline, "impressions", as_bytes(click("r1", n, count=1, basis="measured"))) for n in (1, 2, 3)]
    _delete_before(pipeline, "impressions", lost[-1] + 1)
    for role in ("attribution", "sink"):
        pipeline.restart(role)
        assert pipeline.wait_for_end(role) == 2, "noticed at once, though no record came after it"
    log = pipeline.stack.log_of("attribution").read_text()
    command = f"groundswell skip impressions {PARTITION} {lost[0]} --to {lost[-1]} --why"
    assert command in log, log[-2000:]
    said = groundswell(pipeline, *command.split()[1:], "the disk was full")
    assert said.returncode == 0, said.stderr
    assert "3 of them gone from the log" in said.stdout
    listed = groundswell(pipeline, "skip", "--json")
    assert json.loads(listed.stdout)["why"] == "the disk was full"
    for role in ("attribution", "sink"):
        pipeline.restart(role)
    produce(pipeline, "impressions", as_bytes(click("r1", 9, count=1, basis="measured")))
    accounted(pipeline, "impressions", accepted=2, passed_over=3)
    result = pipeline.audit()
    assert result.equal, result.differences
    assert any("the disk was full" in sentence for sentence in result.unproven)


def _wait_until_landed(pipeline: Pipeline, topic: str, offset: int) -> None:
    standing = f"SELECT max(position) FROM landed_positions WHERE topic = '{topic}' AND partition = {PARTITION}"
    deadline = time.monotonic() + 30
    while pipeline.query(standing)[0][0] < offset:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _delete_before(pipeline: Pipeline, topic: str, offset: int) -> None:
    with admin(pipeline.settings.brokers) as client:
        client.delete_records({TopicPartition(topic, PARTITION): offset})


def test_what_is_in_the_results_cannot_be_skipped(pipeline: Pipeline) -> None:
    refused = groundswell(pipeline, "skip", "clicks", str(PARTITION), "0", "--why", "a slip")
    assert refused.returncode == 2
    assert "what is in the results cannot be skipped" in refused.stderr


def test_damage_of_the_log_stops_a_worker_in_words_and_can_be_skipped(pipeline: Pipeline) -> None:
    for role in ("attribution", "sink"):
        pipeline.kill(role)
    before = pipeline.query("SELECT accepted, passed_over FROM accounting WHERE topic = 'donations'")[0]
    damaged = produce(pipeline, "donations", as_bytes(donation("r1", 10, note="find me")))
    _flip_a_bit_of(pipeline, "donations", b"find me")
    produce(pipeline, "donations", as_bytes(donation("r1", 11)))
    for role in ("attribution", "sink"):
        pipeline.restart(role)
        assert pipeline.wait_for_end(role) == 2
    log = pipeline.stack.log_of("sink").read_text()
    assert f"donations-{PARTITION} cannot be read at offset {damaged}: its checksum is wrong" in log, log[-2000:]
    command = f"groundswell skip donations {PARTITION} {damaged} --why"
    assert command in log, log[-2000:]
    said = groundswell(pipeline, *command.split()[1:], "a bad disk")
    assert said.returncode == 0, said.stderr
    for role in ("attribution", "sink"):
        pipeline.restart(role)
    accounted(pipeline, "donations", accepted=before[0] + 1, passed_over=before[1] + 1)
    result = pipeline.audit()
    assert result.equal, result.differences
    assert any("a bad disk" in sentence for sentence in result.unproven)


def _flip_a_bit_of(pipeline: Pipeline, topic: str, text: bytes) -> None:
    """In the broker's own file, as a disk would."""
    [file] = (pipeline.stack.folder / "kafka").rglob(f"{topic}-{PARTITION}/*.log")
    with file.open("r+b") as log:
        place = log.read().index(text)
        log.seek(place)
        log.write(bytes([text[0] ^ 1]))
