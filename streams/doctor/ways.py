"""The ways to Kafka and to the store: whether they are sealed, and who is let in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from schemas.errors import Fault
from streams.clickhouse.client import NoDatabase, StoreUnavailable, connect
from streams.doctor.finding import Finding, is_loopback, of_fault
from streams.doctor.here import answers_at, own_addresses
from streams.settings import Settings
from streams.settings.store_address import with_password

# Users whose passwords everybody knows: of the embedded store, and of a ClickHouse as it is installed.
KNOWN_USERS: Final = (("groundswell", "groundswell"), ("reader", "reader"), ("default", ""))


def examine_way_to_kafka(settings: Settings) -> Iterator[Finding]:
    """Whether what we send to the brokers can be read on its way."""
    try:
        security, brokers = settings.security, settings.brokers
    except Fault as fault:
        yield of_fault("way to kafka", fault)
        return
    outside = [broker for broker in brokers if not is_loopback(broker.rpartition(":")[0])]
    seen = f"{security.protocol} to {','.join(outside or brokers)}"
    if outside and not security.has_tls:
        what = "passwords and events" if security.has_password else "events"
        wanted = "sasl_ssl" if security.has_password else "sasl_ssl (or ssl with a client's certificate)"
        mend = f"Set GROUNDSWELL_KAFKA_SECURITY={wanted} and name a listener with TLS in GROUNDSWELL_KAFKA."
        yield Finding("way to kafka", "wrong", f"{seen}: {what} can be read on the network", mend)
    else:
        yield Finding("way to kafka", "ok", seen)


def examine_store(settings: Settings) -> Iterator[Finding]:
    """Whether the way to the store is sealed, and whether it takes passwords that everybody knows."""
    try:
        shown = settings.store_shown
    except Fault as fault:
        yield of_fault("way to the store", fault)
        return
    parts = urlsplit(settings.store)
    sealed = parts.scheme == "clickhouses"
    if not is_loopback(str(parts.hostname)) and not sealed:
        mend = "Write clickhouses://user@host:8443/groundswell in GROUNDSWELL_STORE, and open ClickHouse's HTTPS port."
        yield Finding("way to the store", "wrong", f"plain HTTP to {shown}: the password can be read", mend)
    else:
        yield Finding("way to the store", "ok", shown)
    yield from _examine_users(settings, shown)
    if not sealed:
        yield from _examine_reach(parts.port or 8123, str(parts.hostname))


def _examine_users(settings: Settings, shown: str) -> Iterator[Finding]:
    for user, password in KNOWN_USERS:
        try:
            accepted = _takes(settings.store, user, password)
        except StoreUnavailable:
            mend = "Start it, or mend GROUNDSWELL_STORE."
            yield Finding("store's users", "wrong", f"nothing answers at {shown}", mend)
            return
        if accepted:
            what = "with a password that everybody knows" if password else "without a password"
            mend = f"Give the user {user} of the store a password of its own, or take the user away."
            yield Finding("store's users", "wrong", f"{shown} takes {user} {what}", mend)
        else:
            yield Finding("store's users", "ok", f"{shown} does not take {user} with the password of an installation")


def _takes(store: str, user: str, password: str) -> bool:
    """Whether the store lets a user in.

    Raises:
        StoreUnavailable: nobody answers.
    """
    place = urlsplit(store).netloc.rpartition("@")[2]
    address = with_password(urlsplit(store)._replace(netloc=f"{user}@{place}").geturl(), password)
    try:
        connect(address, "default").close()
    except NoDatabase:
        return True
    except Fault:
        return False
    return True


def _examine_reach(port: int, host: str) -> Iterator[Finding]:
    """A store of this machine that also listens beyond it, in plain HTTP."""
    addresses = own_addresses()
    if not is_loopback(host) and host not in addresses:
        return
    for address in addresses:
        if answers_at(address, port, "/ping") is not None:
            mend = "Let it listen on 127.0.0.1 alone (--host), or offer HTTPS in its place."
            yield Finding("store's reach", "wrong", f"it answers in plain HTTP at {address}:{port} too", mend)
            return
    yield Finding("store's reach", "ok", f"port {port} answers on loopback alone")
