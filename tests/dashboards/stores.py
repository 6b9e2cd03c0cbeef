"""Databases of their own on the shared endpoint."""

from __future__ import annotations

from collections.abc import Mapping

import clickhouse_connect
from asking import Asked
from ground import Store
from played import CAMPAIGNS

from infra.clickhouse.migrate import create_database, migrate
from schemas.campaign import Campaign


def migrated(clickhouse: Store, name: str, campaigns: Mapping[str, Campaign] = CAMPAIGNS) -> Asked:
    """A database that was just migrated."""
    client = clickhouse_connect.get_client(dsn=clickhouse.store, autogenerate_session_id=False)
    create_database(client, name)
    client.close()
    store = Asked(clickhouse.of(name))
    migrate(store.client, campaigns)
    return store


def new_store(clickhouse: Store, name: str, campaigns: Mapping[str, Campaign] = CAMPAIGNS) -> Asked:
    """The same, and nothing is ever merged in it."""
    store = migrated(clickhouse, name, campaigns)
    store.client.command("SYSTEM STOP MERGES")
    return store
