"""The address of the store: `clickhouse://user:password@host:port/database`, or `clickhouses://` for TLS."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from schemas.errors import Fault


def check_address(store: str) -> None:
    """Whether a setting is an address of a store.

    Raises:
        Fault: it is none.
    """
    parts = urlsplit(store)
    try:
        is_address = parts.scheme in ("clickhouse", "clickhouses") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, or too large a one
        is_address = False
    if not is_address:
        raise Fault(
            "settings", "GROUNDSWELL_STORE is no address", "Write clickhouse://user:password@host:8123/groundswell."
        )


def with_password(store: str, password: str) -> str:
    """A store's address with the password in it; as it is where `password` is empty.

    Raises:
        Fault: it is no address, or holds a password already.
    """
    if not password:
        return store
    check_address(store)
    parts = urlsplit(store)
    if parts.password:
        what = "GROUNDSWELL_STORE holds a password, and GROUNDSWELL_STORE_PASSWORD or its file gives one too"
        raise Fault("settings", what, "Take one of them away.")
    _, _, place = parts.netloc.rpartition("@")
    user = parts.username or "default"
    return parts._replace(netloc=f"{user}:{quote(password, safe='')}@{place}").geturl()


def database_of(store: str) -> str:
    """The database that a store's address names."""
    return urlsplit(store).path.strip("/") or "groundswell"
