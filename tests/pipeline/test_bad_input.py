"""Bad input becomes a dead letter with its reason, stops nobody, and can be mended and sent again."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from harness import Pipeline

from schemas.partitioning import partition_of
from schemas.times import parse_ms, rfc3339
from schemas.topics import SOURCES
from streams.producers.outgoing import Outgoing
from streams.producers.sender import Sender

START_MS = parse_ms("2026-03-12T18:00:00Z")


def click(referral: str, second: int = 0, **changes: Any) -> dict[str, Any]:
    event = {
        "event_id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{referral}/{second}")),
        "campaign_id": "door",
        "referral_id": referral,
        "occurred_at": rfc3339(START_MS + second * 1000),
        "schema_version": 1,
    }
    return {**event, **changes}


def donation(referral: str, second: int = 0, **changes: Any) -> dict[str, Any]:
    money = {"donation_id": f"gift-{second}", "kind": "donation", "amount": "25.00", "currency": "USD", "tie": "weak"}
    return {**click(referral, second), **money, **changes}


def share(referral: str, second: int = 0, **changes: Any) -> dict[str, Any]:
    post = {"influencer_id": "ada", "channel": "blog", "kind": "original", "audience": 10, "tie": "strong"}
    return {**click(referral, second), **post, **changes}


def record(topic: str, event: dict[str, Any] | bytes, key: bytes | None = b"r1", second: int = 0) -> Outgoing:
    value = event if isinstance(event, bytes) else json.dumps(event).encode()
    partition = partition_of(key, 4) if key else 0
    return Outgoing(topic, partition, key, value, START_MS + second * 1000)


BAD = {
    "bad_json": record("clicks", b"this is not JSON"),
    "wrong_type": record("impressions", click("r1", count="many", basis="measured")),
    "unknown_currency": record("donations", donation("r1", currency="ABC")),
    "bad_money": record("donations", donation("r1", amount="-5.00")),
    "too_large": record("clicks", click("r1", padding="x" * 2_000_000)),
    "bad_time": record("clicks", click("r1", occurred_at="58862-01-01T00:00:00Z")),
    "key_mismatch": record("clicks", click("r1"), key=b""),
}


@pytest.fixture(scope="module")
def pipeline() -> Iterator[Pipeline]:
    with Pipeline("tansu") as pipeline:
        pipeline.start_all()
        yield pipeline


def send(pipeline: Pipeline, *records: Outgoing) -> None:
    with Sender(pipeline.settings.brokers, pipeline.settings.prefix) as sender:
        for outgoing in records:
            sender.send(outgoing)


def eventually(pipeline: Pipeline, sql: str, wanted: Any, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while (found := pipeline.query(sql)) != wanted:
        assert time.monotonic() < deadline, f"{sql}: {found}, not {wanted}\n{pipeline.logs()}"
        time.sleep(0.3)


def groundswell(pipeline: Pipeline, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "streams.commands", *arguments],
        input=stdin,
        env={"PATH": "/usr/bin:/bin", **pipeline.environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_each_bad_message_becomes_a_dead_letter_with_its_reason_and_nobody_stops(pipeline: Pipeline) -> None:
    send(pipeline, *BAD.values(), record("clicks", click("nobody-knows", 1), key=b"nobody-knows"))
    reasons = [(reason,) for reason in sorted(BAD)]
    eventually(pipeline, "SELECT reason FROM current_dead_letters ORDER BY reason", reasons)
    orphan = "SELECT clicks FROM current_conversions WHERE member = '(unattributed)' AND dimension = 'influencer'"
    eventually(pipeline, f"{orphan} ORDER BY window_end LIMIT 1", [(1,)])
    assert {"attribution", "conversion", "sink"} <= set(pipeline.stack.running())
    large = pipeline.query("SELECT length(base64Decode(payload)) FROM current_dead_letters WHERE reason = 'too_large'")
    assert large == [(len(BAD["too_large"].value),)]


def test_a_share_a_day_later_moves_what_its_referral_brought(pipeline: Pipeline) -> None:
    newest = (
        "SELECT clicks, donations, toString(gross) FROM current_conversions "
        "WHERE dimension = 'influencer' AND window = '48h' AND member = '{member}' "
        "AND window_end = toDateTime('2026-03-12 18:30:00', 'UTC')"
    )
    unattributed, grace = newest.format(member="(unattributed)"), newest.format(member="grace")
    send(pipeline, record("clicks", click("late-share", 5), b"late-share", 5))
    send(pipeline, record("donations", donation("late-share", 6), b"late-share", 6))
    eventually(pipeline, unattributed, [(2, 1, "25")])
    day = 86_400
    send(pipeline, record("shares", share("late-share", day, influencer_id="grace"), b"late-share", day))
    eventually(pipeline, grace, [(1, 1, "25")])
    eventually(pipeline, unattributed, [(1, 0, "0")])


def test_a_mended_dead_letter_lands_once(pipeline: Pipeline) -> None:
    name = pipeline.query(
        "SELECT topic || ':' || toString(source_partition) || ':' || toString(source_offset) "
        "FROM current_dead_letters WHERE reason = 'unknown_currency'"
    )[0][0]
    listed = groundswell(pipeline, "dead-letters", "list", "--reason", "unknown_currency", "--json")
    assert json.loads(listed.stdout)["reason"] == "unknown_currency", listed.stderr
    shown = groundswell(pipeline, "dead-letters", "show", name, "--payload")
    assert json.loads(shown.stdout)["currency"] == "ABC", shown.stderr
    as_it_was = groundswell(pipeline, "dead-letters", "replay", name)
    assert as_it_was.returncode == 1
    assert "unknown_currency" in as_it_was.stderr
    mended = shown.stdout.replace("ABC", "USD")
    for _ in range(2):
        again = groundswell(pipeline, "dead-letters", "replay", name, "--mended", "-", stdin=mended)
        assert again.returncode == 0, again.stderr
    eventually(pipeline, "SELECT count() FROM donations FINAL WHERE referral_id = 'r1'", [(1,)])
    eventually(pipeline, "SELECT duplicates FROM accounting WHERE topic = 'donations'", [(1,)])


def test_after_all_that_the_audit_is_equal(pipeline: Pipeline) -> None:
    result = pipeline.audit()
    assert result.equal, result.differences
    assert result.compared["records"] >= len(BAD) + 5
    assert set(SOURCES) == {row[0] for row in pipeline.query("SELECT topic FROM accounting")}
