"""In live use nothing is called complete that nobody has read, whatever clocks say."""

from __future__ import annotations

import json
import time
import uuid
from datetime import UTC, datetime

import pytest
from harness import Pipeline

from schemas.partitioning import partition_of
from schemas.times import rfc3339
from schemas.topics import CLICKS
from streams.producers.outgoing import Outgoing
from streams.producers.sender import Sender

LIVE = {"GROUNDSWELL_CLOCK": "wall", "GROUNDSWELL_RETENTION_DAYS": ""}
LATENESS = 300.0  # of the campaign `door`


def click(sender: Sender, pipeline: Pipeline, ahead_seconds: float = 0.0) -> None:
    at_ms = int((time.time() + ahead_seconds) * 1000)
    event = {"event_id": str(uuid.uuid4()), "campaign_id": "door", "referral_id": "r1", "schema_version": 1}
    value = json.dumps({**event, "occurred_at": rfc3339(at_ms)}).encode()
    sender.send(Outgoing(CLICKS, partition_of(b"r1", pipeline.settings.partitions), b"r1", value, at_ms))


def complete(pipeline: Pipeline) -> float:
    """Up to when, epoch seconds, without the lateness; 0: not known."""
    rows = pipeline.query("SELECT complete_up_to FROM complete_up_to WHERE campaign_id = 'door'")
    at: datetime | None = rows[0][0]
    return 0.0 if at is None else at.replace(tzinfo=UTC).timestamp() + LATENESS


def wait_until_complete(pipeline: Pipeline, at: float, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while complete(pipeline) < at:
        assert time.monotonic() < deadline, pipeline.logs()
        time.sleep(0.2)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_neither_a_fast_producer_nor_a_worker_that_is_gone_completes_what_nobody_has_read() -> None:
    with Pipeline("tansu", LIVE) as pipeline, Sender(pipeline.settings.brokers, pipeline.settings.prefix) as sender:
        pipeline.start_all()
        for ahead in (0, 58 * 60, 0):
            click(sender, pipeline, ahead)
        sender.flush()
        wait_until_complete(pipeline, time.time())
        assert complete(pipeline) <= time.time()
        pipeline.kill("attribution")
        killed_at = time.time()
        click(sender, pipeline)
        sender.flush()
        # Longer than five ticks: by then whatever the last word of the worker was has been read and landed.
        while time.time() < killed_at + 12:
            assert complete(pipeline) <= killed_at
            time.sleep(0.3)
        early = "SELECT count() FROM conversions FINAL WHERE final = 1 AND window_end > computed_at"
        assert pipeline.query(early) == [(0,)]
        pipeline.restart("attribution")
        wait_until_complete(pipeline, killed_at + 1)
        assert complete(pipeline) <= time.time()
        assert pipeline.audit(30).equal, pipeline.audit(0).differences
