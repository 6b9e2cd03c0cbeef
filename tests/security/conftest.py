"""The secured broker and a store whose passwords nobody knows, one each a session, beside the shared ground."""

from __future__ import annotations

from pathlib import Path

import pytest
from secured import GuardedStore, Secured, start_guarded_store, start_secured

from infra.processes.stack import Stack


@pytest.fixture(scope="session")
def secured(ground: Stack, kafka_jars: Path, tmp_path_factory: pytest.TempPathFactory) -> Secured:
    """Apache Kafka with a listener for each way in (mark such tests `kafka`)."""
    return start_secured(ground, tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def guarded_store(ground: Stack) -> GuardedStore:
    """The embedded ClickHouse with passwords of its own."""
    return start_guarded_store(ground)
