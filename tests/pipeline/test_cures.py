"""What the documents tell the person on call to do, done on a real pipeline and followed by the audit."""

from __future__ import annotations

import time

import pytest
from harness import Pipeline
from test_faults import appeal_to_break, assert_equal

from schemas.topics import CHECKPOINTS, SLICES
from streams.commands.appeals import Appeal
from streams.commands.topics import plan_of
from streams.producers.connect import admin, partition_counts
from streams.producers.topics import create_topics

ROLES = ("attribution", "conversion", "sink")
COLUMNS = "clicks, donations_48h, donations_late, gross_total, impressions_measured"


def delete_topics(pipeline: Pipeline, *names: str) -> None:
    """And wait until the broker has deleted them: it says so before."""
    physical = {pipeline.settings.topic(name) for name in names}
    with admin(pipeline.settings.brokers, pipeline.settings.security) as client:
        client.delete_topics(sorted(physical))
        deadline = time.monotonic() + 30
        while physical & set(partition_counts(client)):
            assert time.monotonic() < deadline, "the topics are still there"
            time.sleep(0.1)


def figures(pipeline: Pipeline, view: str) -> list[tuple[object, ...]]:
    return pipeline.query(f"SELECT {COLUMNS} FROM {view} WHERE campaign_id = 'door'")


@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    "cured", [(SLICES, CHECKPOINTS), (CHECKPOINTS,)], ids=["slices and checkpoints", "checkpoints"]
)
def test_deleting_what_is_made_anew_freezes_no_board(kafka_jars: object, cured: tuple[str, ...]) -> None:
    """CHANGELOG "If you are called", the faults of conversion and the driver; CONTRIBUTING, "to fill the past"."""
    appeal = appeal_to_break()
    most = len(appeal.records) * 4 // 5
    first = Appeal(appeal.campaign_id, appeal.records[:most], appeal.records[most].record_time_ms)
    second = Appeal(appeal.campaign_id, appeal.records[most:], appeal.until_ms)
    with Pipeline("apache") as pipeline:
        pipeline.start_all()
        # In two goes, so that many minutes are said twice: what is made anew is shorter than what was.
        sent = pipeline.play(first, speed=3000)
        pipeline.wait_until_folded(sent)
        before = figures(pipeline, "shown_figures")
        for role in ROLES:
            pipeline.kill(role)
        delete_topics(pipeline, *cured)
        create_topics(plan_of(pipeline.settings))
        for role in ROLES:
            pipeline.restart(role)
        sent += pipeline.play(second)
        assert_equal(pipeline, sent)
        assert figures(pipeline, "shown_figures") == figures(pipeline, "appeal_figures") != before
        complete = pipeline.query("SELECT complete_up_to FROM complete_up_to WHERE campaign_id = 'door'")
        newest = pipeline.query("SELECT max(record_time) - INTERVAL 301 SECOND FROM clicks")
        assert complete[0][0] >= newest[0][0]
