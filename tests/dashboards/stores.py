"""Databases of their own on the shared endpoint."""

from __future__ import annotations

import clickhouse_connect
from asking import Asked
from ground import Store
from played import CAMPAIGNS

from infra.clickhouse.migrate import create_database, migrate


def migrated(clickhouse: Store, name: str) -> Asked:
    """A database that was just migrated."""
    client = clickhouse_connect.get_client(dsn=clickhouse.store, autogenerate_session_id=False)
    create_database(client, name)
    client.close()
    store = Asked(clickhouse.of(name))
    migrate(store.client, CAMPAIGNS)
    return store


def new_store(clickhouse: Store, name: str) -> Asked:
    """The same, and nothing is ever merged in it."""
    store = migrated(clickhouse, name)
    store.client.command("SYSTEM STOP MERGES")
    return store
