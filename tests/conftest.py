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
from typing import Any

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
# What only starts or waits: it goes early, so that no worker of pytest-xdist is left alone with it in the end.
SLOW_FIRST = ("pipeline", "infra", "security")
WITH_SERVERS = ("benchmarks", "chaos", "infra", "page", "pipeline", "security")
# Their tests share a store that takes longer to fill than most of them take to ask.
ONE_WORKER = ("audit", "clickhouse", "dashboards", "page")
# Each of their tests starts its own servers.
STAND_ALONE = (
    *("test_failpoints.py", "test_faults.py", "test_instances.py", "test_lost.py", "test_cures.py", "test_outages.py"),
    *("test_demo.py", "test_stopping.py", "test_apache_kafka.py", "test_secured_kafka.py"),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="only what needs no server and is not marked slow")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Share tests out by groups; pytest-xdist 3.8 does not see its own marks of groups under pytest 9."""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return Groups(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Choose what `--quick` runs, and begin with what takes longest."""
    if config.getoption("--quick"):
        chosen = [item for item in items if is_quick(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
        items[:] = chosen
    items.sort(key=turn_of)


def is_quick(item: pytest.Item) -> bool:
    marked = any(item.get_closest_marker(name) for name in ("slow", "kafka", "browser", "faults"))
    if marked or folder_of(item) in WITH_SERVERS:
        return False
    # A test with `request` asks for a server by its name while it runs.
    return not {"ground", "request"} & set(item.fixturenames)  # type: ignore[attr-defined]


def turn_of(item: pytest.Item) -> int:
    """Long groups first, then tests that start servers and wait for them, then the rest."""
    if folder_of(item) in ("dashboards", "page"):
        return 0
    return 1 if item.get_closest_marker("slow") and folder_of(item) in SLOW_FIRST else 2


def folder_of(item: pytest.Item) -> str:
    return item.path.relative_to(Path(__file__).parent).parts[0]


def group_of(nodeid: str) -> str:
    """Tests of one group run in one worker, in their order: a folder, a file, or one test that stands alone."""
    file, _, _ = nodeid.partition("::")
    _, folder, name = file.split("/") if file.count("/") == 2 else ("", "", file)
    if folder in ONE_WORKER:
        return folder
    return nodeid if name in STAND_ALONE else file


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
