"""Ports on loopback that nobody listens on."""

from __future__ import annotations

import random
import socket
from typing import Final

LOOPBACK = "127.0.0.1"
# Linux gives 32,768 and up to connections, macOS 49,152 and up.
FIRST: Final = 15_000
LAST: Final = 32_000

_dice = random.SystemRandom()
_handed_out: set[int] = set()


def free_port(following: int = 0) -> int:
    """A free TCP port on loopback, never the same one twice from this process; the `following` ones are free too.

    It lies below those that a machine gives to connections of its own: a server that is started again must find its
    port as it left it.  Another process can still take it before its owner listens; the owner's start then fails
    and says so.
    """
    while True:
        first = _dice.randrange(FIRST, LAST - following)
        ports = range(first, first + following + 1)
        if _handed_out.isdisjoint(ports) and all(_is_free(port) for port in ports):
            _handed_out.update(ports)
            return first


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def listens(port: int, timeout: float = 0.5, host: str = LOOPBACK) -> bool:
    """Whether something on `host` accepts a connection at `port` within `timeout` seconds."""
    try:
        with socket.create_connection((host, port), timeout):
            return True
    except OSError:
        return False
