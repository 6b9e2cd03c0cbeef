"""Ports on loopback that nobody listens on."""

from __future__ import annotations

import socket

LOOPBACK = "127.0.0.1"

_handed_out: set[int] = set()


def free_port() -> int:
    """A free TCP port on loopback, never the same one twice from this process.

    Another process can take it before its owner listens; the owner's start then fails and says so.
    """
    while True:
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            port: int = probe.getsockname()[1]
        if port not in _handed_out:
            _handed_out.add(port)
            return port


def listens(port: int, timeout: float = 0.5) -> bool:
    """Whether something on loopback accepts a connection at `port` within `timeout` seconds."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout):
            return True
    except OSError:
        return False
