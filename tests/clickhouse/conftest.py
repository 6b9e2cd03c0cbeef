"""Databases on the shared endpoint, and a story to tell them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from stories import EVENT_TABLES, Database, Story, migrated

from infra.clickhouse.migrate import create_database


@pytest.fixture
def bare(database: Any) -> Iterator[Database]:
    """A database with nothing in it."""
    bare = Database(database.store, database.reader_store)
    yield bare
    bare.close()


@pytest.fixture(scope="session")
def migrated_once(clickhouse: Any) -> Iterator[Database]:
    first = Database(clickhouse.store, clickhouse.reader_store)
    create_database(first.client, "stories")
    place = clickhouse.of("stories")
    database = migrated(Database(place.store, place.reader_store))
    yield database
    database.close()
    first.client.command("DROP DATABASE stories SYNC")
    first.close()


@pytest.fixture
def store(migrated_once: Database) -> Iterator[Database]:
    """A migrated database without events; emptied and not made anew, because migrating takes seconds."""
    yield migrated_once
    for table in EVENT_TABLES:
        migrated_once.client.command(f"TRUNCATE TABLE {table}")


@pytest.fixture
def story() -> Story:
    return Story()
