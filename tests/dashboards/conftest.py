"""The sample appeal in a store, landed once a session, and an empty store."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from asking import Asked
from ground import Store
from played import Played
from show import write_series
from stores import new_store
from watching import watching

from streams.commands.appeals import door_appeal, gdq_appeal


@pytest.fixture(scope="session")
def door_store(clickhouse: Store) -> Iterator[Asked]:
    """`door` whole, merges stopped, every row twice: as bad as a store may look and still be right.

    Read it alone: it is everybody's.
    """
    store = new_store(clickhouse, "door_of_dashboards")
    lines = Played(door_appeal()).rows(int(time.time() * 1000))
    for _ in range(2):
        store.insert(lines)
    yield store
    store.drop()


@pytest.fixture(scope="session")
def show_store(clickhouse: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """Three hours of a show without clicks, every row twice."""
    store = new_store(clickhouse, "show_of_dashboards")
    series = write_series(tmp_path_factory.mktemp("show") / "timeseries.csv")
    lines = Played(gdq_appeal(series)).rows(int(time.time() * 1000))
    for _ in range(2):
        store.insert(lines)
    yield store
    store.drop()


@pytest.fixture(scope="session")
def stalled_store(clickhouse: Store) -> Iterator[Asked]:
    """No events, but words of a detector that found something wrong."""
    store = new_store(clickhouse, "stalled_of_dashboards")
    store.insert(watching())
    yield store
    store.drop()


@pytest.fixture(scope="session")
def empty_store(clickhouse: Store) -> Iterator[Asked]:
    """Just migrated: campaigns, and nothing else."""
    store = new_store(clickhouse, "empty_of_dashboards")
    yield store
    store.drop()
