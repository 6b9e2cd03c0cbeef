"""The ground that tests stand on: one ClickHouse endpoint, one tansu, one Apache Kafka a session.

They are shared, so a test takes what nobody else does: topics of a prefix of its own, and a database of its own
through `database`. A test that kills its ground starts its own (`EmbeddedStack`, `ApacheKafka`).
"""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

# The packages and `ground`, however pytest was started and whichever of these folders is a package.
sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ground import Store

from infra.embedded.clickhouse.users import READER, WRITER
from infra.embedded.stack import start_clickhouse, start_tansu, store_url
from infra.kafka import jars
from infra.kafka.cluster import ApacheKafka
from infra.processes.ports import free_port
from infra.processes.stack import Stack
from schemas.errors import Fault

REQUIRE_KAFKA = "GROUNDSWELL_REQUIRE_KAFKA"


@pytest.fixture(scope="session")
def ground() -> Iterator[Stack]:
    """The stack whose children the shared servers are; gone with the session."""
    with Stack() as stack:
        yield stack


@pytest.fixture(scope="session")
def clickhouse(ground: Stack) -> Store:
    """The shared endpoint over chDB, with the empty database `groundswell`."""
    port = free_port()
    start_clickhouse(ground, ground.folder / "clickhouse", port)
    return Store(port, store_url(WRITER, port), store_url(READER, port))


@pytest.fixture
def database(clickhouse: Store) -> Iterator[Store]:
    """The shared endpoint with an empty database of the test's own, dropped after it."""
    import clickhouse_connect

    name = f"test_{uuid.uuid4().hex[:12]}"
    client = clickhouse_connect.get_client(dsn=clickhouse.store)
    client.command(f"CREATE DATABASE {name}")
    yield clickhouse.of(name)
    client.command(f"DROP DATABASE {name} SYNC")
    client.close()


@pytest.fixture(scope="session")
def tansu(ground: Stack) -> str:
    """Bootstrap server of the shared tansu."""
    return start_tansu(ground, "tansu")


@pytest.fixture(scope="session")
def kafka_jars() -> Path:
    """Apache Kafka's jars; without Java or Maven the test is skipped, or fails where Kafka is required."""
    try:
        jars.java()
        return jars.resolve()
    except Fault as fault:
        if os.environ.get(REQUIRE_KAFKA) == "1":
            pytest.fail(f"{REQUIRE_KAFKA}=1, but {fault}", pytrace=False)
        pytest.skip(str(fault))


@pytest.fixture(scope="session")
def apache_kafka(ground: Stack, kafka_jars: Path) -> ApacheKafka:
    """The shared Apache Kafka of one broker (mark such tests `kafka`)."""
    return ApacheKafka(brokers=1, stack=ground, name="apache").start()


@pytest.fixture
def prefix() -> str:
    """A topic prefix that no other test has."""
    return f"t{uuid.uuid4().hex[:8]}-"
