"""A store or a topic is lost, and the runbook's cure for it: afterwards the tables equal the oracle's.

The commands are those of "A store or a topic is lost"; a supervisor is played by `revive`.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from click.testing import CliRunner
from harness import Pipeline
from kafka import KafkaAdminClient
from test_failpoints import parts
from test_faults import appeal_to_break
from test_two_stores import another_store

from infra.clickhouse.migrate import migrate
from schemas.topics import CHECKPOINTS, CONVERSIONS, SLICES, TOPICS
from streams.clickhouse.client import connect
from streams.commands import cli
from streams.commands.appeals import Appeal
from streams.commands.topics import plan_of
from streams.producers.topics import create_topics


def thirds() -> list[Appeal]:
    whole = appeal_to_break()
    return list(parts(Appeal(whole.campaign_id, whole.records[:1200], whole.until_ms), 3))


def assert_equal(pipeline: Pipeline) -> None:
    """The audit, under a supervisor that starts again what ends."""
    deadline = time.monotonic() + 60
    while not (result := pipeline.audit(wait=2)).equal and time.monotonic() < deadline:
        pipeline.revive()
    assert result.equal, "\n".join(result.differences) + pipeline.logs()
    assert result.compared["conversions"] > 100, result.compared
    assert pipeline.query("SELECT DISTINCT missing, difference FROM accounting") == [(0, 0)]


def land(pipeline: Pipeline, appeal: Appeal) -> int:
    sent = pipeline.play(appeal)
    assert_equal(pipeline)
    return sent


def data_of(pipeline: Pipeline) -> Path:
    return pipeline.stack.folder / "clickhouse"


def start_migrated(pipeline: Pipeline) -> None:
    """ClickHouse over what lies in its folder now, and `groundswell migrate`."""
    pipeline.restart("clickhouse")
    migrate(connect(pipeline.settings.store), pipeline.settings.load_campaigns())


def stop(pipeline: Pipeline, *roles: str) -> None:
    for role in roles:
        pipeline.stack.stop_child(role)


def delete_topics(pipeline: Pipeline, names: Iterable[str]) -> None:
    """`kafka-topics.sh --delete` of each, then `groundswell topics`."""
    client = KafkaAdminClient(bootstrap_servers=pipeline.settings.brokers)
    gone = {pipeline.settings.topic(name) for name in names}
    client.delete_topics(sorted(gone))
    deadline = time.monotonic() + 20
    while gone & set(client.list_topics()) and time.monotonic() < deadline:
        time.sleep(0.1)  # a broker deletes in its own time
    client.close()
    create_topics(plan_of(pipeline.settings))


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_store_that_is_restored_or_lost_is_filled_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = thirds()
    with Pipeline("tansu") as pipeline:
        pipeline.start_all()
        land(pipeline, first)
        data, backup = data_of(pipeline), tmp_path / "backup"
        pipeline.stack.stop_child("clickhouse")
        shutil.copytree(data, backup, symlinks=True)
        pipeline.restart("clickhouse")
        land(pipeline, second)

        # Restored from the backup, under a sink that runs.
        pipeline.stack.stop_child("clickhouse")
        shutil.rmtree(data)
        shutil.copytree(backup, data, symlinks=True)
        start_migrated(pipeline)
        land(pipeline, third)
        assert "the store holds" in pipeline.stack.log_of("sink").read_text()

        # Rows are deleted by hand.
        connect(pipeline.settings.store).command("TRUNCATE TABLE clicks")
        [(missing, difference)] = pipeline.query("SELECT missing, difference FROM accounting WHERE topic = 'clicks'")
        assert missing == difference > 100
        for name, value in pipeline.environment.items():
            monkeypatch.setenv(name, value)
        done = CliRunner().invoke(cli, ["reland", "clicks"])
        assert done.exit_code == 0, done.output
        pipeline.kill("sink")
        pipeline.restart("sink")
        assert_equal(pipeline)

        # Lost: a new server is empty.
        pipeline.kill("sink")
        pipeline.kill("clickhouse")
        shutil.rmtree(data)
        start_migrated(pipeline)
        pipeline.restart("sink")
        assert_equal(pipeline)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_topics_of_ours_that_are_lost_are_filled_again() -> None:
    first, second, third = thirds()
    with Pipeline("tansu", {"GROUNDSWELL_CHECKPOINT_INTERVAL": "1"}) as pipeline:
        pipeline.start_all()
        land(pipeline, first)

        stop(pipeline, "attribution", "conversion", "sink")
        delete_topics(pipeline, [CONVERSIONS, CHECKPOINTS])
        # As if nothing of it had landed: all of it must be said again.
        connect(pipeline.settings.store).command("TRUNCATE TABLE conversions")
        for role in ("attribution", "conversion", "sink"):
            pipeline.restart(role)
        land(pipeline, second)

        stop(pipeline, "attribution", "conversion")
        delete_topics(pipeline, [SLICES, CHECKPOINTS])
        for role in ("attribution", "conversion"):
            pipeline.restart(role)
        land(pipeline, third)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_source_topic_that_is_lost_is_sent_again_to_a_new_store() -> None:
    first, second, _ = thirds()
    with Pipeline("tansu") as pipeline:
        pipeline.start_all()
        land(pipeline, first)
        stop(pipeline, "attribution", "conversion", "sink")
        delete_topics(pipeline, [topic.name for topic in TOPICS])
        pipeline.settings = another_store(pipeline, "anew")
        pipeline.environment["GROUNDSWELL_STORE"] = pipeline.settings.store
        for role in ("attribution", "conversion", "sink"):
            pipeline.start(role, f"{role}-anew")
        pipeline.play(first)
        land(pipeline, second)
