"""What the documents tell the person on call to do, done on a real pipeline and followed by the audit."""

from __future__ import annotations

import time

import pytest
from harness import Pipeline
from test_faults import appeal_to_break, assert_equal

from schemas.slices import SLICES_SCHEMA, Acceptance, acceptance_key, encode
from schemas.topics import CHECKPOINTS, SLICES
from streams.commands.appeals import Appeal
from streams.commands.topics import plan_of
from streams.kafka.admin import admin, partition_counts
from streams.producers.outgoing import Outgoing
from streams.producers.sender import Sender
from streams.producers.topics import create_topics
from streams.settings import ROLE_NAMES

FILLERS = 10_000
COLUMNS = "shares, clicks, donations, gross_total, net, impressions_measured, impressions_estimated"


def delete_topics(pipeline: Pipeline, *names: str) -> None:
    """And wait until the broker has deleted them: it says so before."""
    physical = {pipeline.settings.topic(name) for name in names}
    with admin(pipeline.settings.brokers, pipeline.settings.security) as client:
        client.delete_topics(sorted(physical))
        deadline = time.monotonic() + 30
        while physical & set(partition_counts(client)):
            assert time.monotonic() < deadline, "the topics are still there"
            time.sleep(0.1)


def lengthen(pipeline: Pipeline) -> None:
    """As if everything had been said many times, as it is in a log of weeks: what is made anew is much shorter."""
    word = Acceptance(SLICES_SCHEMA, "nowhere", "campaign", "nowhere", 1)
    with Sender(pipeline.settings.brokers, pipeline.settings.prefix) as sender:
        for _ in range(FILLERS):
            for partition in range(pipeline.settings.partitions):
                sender.send(Outgoing(SLICES, partition, acceptance_key(word), encode(word), int(time.time() * 1000)))
        sender.flush()


def figures(pipeline: Pipeline, view: str) -> list[tuple[object, ...]]:
    return pipeline.query(f"SELECT {COLUMNS} FROM {view} WHERE campaign_id = 'door'")


@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    "cured", [(SLICES, CHECKPOINTS), (CHECKPOINTS,)], ids=["slices and checkpoints", "checkpoints"]
)
def test_deleting_what_is_made_anew_freezes_no_board(kafka_jars: object, cured: tuple[str, ...]) -> None:
    """docs/runbook.md, "A role ends", what conversion and the driver report; docs/campaigns.md, "To fill the past"."""
    appeal = appeal_to_break()
    some, most = len(appeal.records) // 5, len(appeal.records) * 4 // 5
    cuts = [(0, some), (some, most), (most, len(appeal.records))]
    ends = [*(appeal.records[cut].record_time_ms for cut in (some, most)), appeal.until_ms]
    parts = [
        Appeal(appeal.campaign_id, appeal.records[start:stop], end)
        for (start, stop), end in zip(cuts, ends, strict=True)
    ]
    with Pipeline("apache") as pipeline:
        pipeline.start_all()
        sent = pipeline.play(parts[0])
        pipeline.wait_until_folded(sent)
        lengthen(pipeline)
        sent += pipeline.play(parts[1])
        pipeline.wait_until_folded(sent)
        before = figures(pipeline, "shown_figures")
        for role in ROLE_NAMES:
            pipeline.kill(role)
        delete_topics(pipeline, *cured)
        create_topics(plan_of(pipeline.settings))
        for role in ROLE_NAMES:
            pipeline.restart(role)
        sent += pipeline.play(parts[2])
        assert_equal(pipeline, sent)
        assert figures(pipeline, "shown_figures") == figures(pipeline, "appeal_figures") != before
        complete = pipeline.query("SELECT complete_up_to FROM complete_up_to WHERE campaign_id = 'door'")
        newest = pipeline.query("SELECT max(record_time) - INTERVAL 301 SECOND FROM clicks")
        assert complete[0][0] >= newest[0][0]
