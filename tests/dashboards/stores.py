"""A database of its own on the shared endpoint, just migrated, in which nothing is ever merged."""

from __future__ import annotations

import clickhouse_connect
from asking import Asked
from ground import Store
from played import CAMPAIGNS

from infra.clickhouse.migrate import create_database, migrate


def new_store(clickhouse: Store, name: str) -> Asked:
    client = clickhouse_connect.get_client(dsn=clickhouse.store, autogenerate_session_id=False)
    create_database(client, name)
    client.close()
    store = Asked(clickhouse.of(name))
    migrate(store.client, CAMPAIGNS)
    store.client.command("SYSTEM STOP MERGES")
    return store
