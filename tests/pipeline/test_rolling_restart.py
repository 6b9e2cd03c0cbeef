"""Two versions of the program side by side, as in a rolling restart: the tables equal the oracle's all the same.

The other version is a copy of this one whose saved states have a schema of their own, so neither can read the other's.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from brokers import on
from harness import Broker, Pipeline
from test_failpoints import parts
from test_faults import appeal_to_break, assert_equal

from streams.operators.attribution.snapshot import SNAPSHOT_SCHEMA
from tests.chaos.versions import another_version


def start_of(pipeline: Pipeline, version: Path, name: str) -> None:
    """A worker of attribution of that version; -P, so that only its own folder counts."""
    argv = [sys.executable, "-P", "-m", "streams.commands", "worker", "attribution"]
    pipeline.stack.start(name, argv, env={**pipeline.environment, "PYTHONPATH": str(version)})


@on("tansu")
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_rolling_restart_to_another_version_changes_nothing(broker: Broker, tmp_path: Path) -> None:
    other = another_version(tmp_path)
    before, during, after = parts(appeal_to_break(), 3)
    with Pipeline(broker, {"GROUNDSWELL_CHECKPOINT_INTERVAL": "1"}) as pipeline:
        pipeline.start_all()
        sent = pipeline.play(before)
        pipeline.wait_until_folded(sent)
        start_of(pipeline, other, "attribution-2")
        sent += pipeline.play(during)
        pipeline.wait_until_folded(sent)
        pipeline.stack.stop_child("attribution")
        sent += pipeline.play(after)
        assert_equal(pipeline, sent)
        told = pipeline.stack.log_of("attribution-2").read_text()
        assert f"schema {SNAPSHOT_SCHEMA}" in told, told
        assert "not used" in told
        pipeline.stack.check()
