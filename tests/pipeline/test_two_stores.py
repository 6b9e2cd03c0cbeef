"""Two stores beside one Kafka: each gets every row, whoever else lands them elsewhere."""

from __future__ import annotations

import msgspec
import pytest
from harness import Pipeline
from test_faults import appeal_to_break

from infra.clickhouse.migrate import create_database, migrate
from streams.clickhouse.client import connect
from streams.commands.appeals import Appeal
from streams.commands.audit import audit_with
from streams.settings import Settings


def another_store(pipeline: Pipeline, name: str) -> Settings:
    """A second database on the same server, migrated; the settings of whoever uses it."""
    store = pipeline.settings.store.rpartition("/")[0] + f"/{name}"
    create_database(connect(pipeline.settings.store), name)
    settings = msgspec.structs.replace(pipeline.settings, store=store)
    migrate(connect(store), settings.load_campaigns())
    return settings


def small_appeal() -> Appeal:
    whole = appeal_to_break()
    return Appeal(whole.campaign_id, whole.records[:1500], whole.until_ms)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_sinks_of_two_stores_land_every_row_in_each() -> None:
    with Pipeline("tansu") as pipeline:
        other = another_store(pipeline, "colleague")
        pipeline.start_all()
        pipeline.start("sink", "sink-2", {"GROUNDSWELL_STORE": other.store})
        sent = pipeline.play(small_appeal())
        pipeline.wait_until_folded(sent)
        for settings in (pipeline.settings, other):
            result = audit_with(settings, 60)
            assert result.equal, f"{settings.store_shown}: " + "\n".join(result.differences) + pipeline.logs()
