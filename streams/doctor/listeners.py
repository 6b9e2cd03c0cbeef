"""Findings of a broker's listeners.  Pure: it reads the settings that `describe_configs` returned."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from streams.doctor.finding import EVERYWHERE, Finding, is_loopback

_LISTENER: Final = re.compile(r"\s*+([A-Za-z0-9_.-]++)://(.*):(\d++)\s*+")
PROTOCOLS: Final = "listener.security.protocol.map"


def examine_listeners(broker: str, reported: Mapping[str, str]) -> Iterator[Finding]:
    """One finding for each listener, the controllers' included."""
    if "listeners" not in reported:
        yield Finding("kafka listener", "cannot tell", f"broker {broker} does not tell where it listens")
        return
    protocols = dict(pair.rsplit(":", 1) for pair in reported.get(PROTOCOLS, "").split(",") if ":" in pair)
    for listener in filter(None, map(_LISTENER.fullmatch, reported["listeners"].split(","))):
        name, host, port = listener.groups()
        yield _examine(broker, name, host, port, protocols.get(name, name), reported)


def _examine(broker: str, name: str, host: str, port: str, protocol: str, reported: Mapping[str, str]) -> Finding:
    place = f"every address, port {port}" if host.strip("[]") in EVERYWHERE else f"{host}:{port}"
    seen = f"{name} of broker {broker} listens on {place} with {protocol}"
    if is_loopback(host):
        return Finding("kafka listener", "ok", seen)
    if not protocol.endswith("SSL"):
        mend = f"Give {name} SASL_SSL or SSL in {PROTOCOLS}, or let it listen on 127.0.0.1."
        return Finding("kafka listener", "wrong", f"{seen}: what goes over it can be read and changed", mend)
    asks = reported.get(f"listener.name.{name.lower()}.ssl.client.auth") or reported.get("ssl.client.auth", "none")
    if protocol == "SSL" and asks != "required":
        mend = f"Set listener.name.{name.lower()}.ssl.client.auth=required, or give {name} SASL_SSL."
        return Finding("kafka listener", "wrong", f"{seen} and lets in whoever comes", mend)
    return Finding("kafka listener", "ok", seen)
