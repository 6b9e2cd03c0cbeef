"""The shared store as a value, for fixtures and tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Store:
    """A ClickHouse to talk to: where it listens, and what its two users take as GROUNDSWELL_STORE."""

    port: int
    store: str
    reader_store: str

    @property
    def url(self) -> str:
        """Base of its HTTP interface."""
        return f"http://127.0.0.1:{self.port}/"

    def of(self, database: str) -> Store:
        """The same server, another database."""
        return Store(self.port, _with_database(self.store, database), _with_database(self.reader_store, database))


def _with_database(store: str, database: str) -> str:
    return urlunsplit(urlsplit(store)._replace(path=f"/{database}"))
