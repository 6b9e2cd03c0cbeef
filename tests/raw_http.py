"""Requests byte by byte, for servers that must refuse them: what no client library would send."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """What came back: status (0: nothing), whether the server hung up, seconds, and bytes that we could send."""

    status: int
    hung_up: bool
    seconds: float
    sent: int


def refused(port: int, head: str, body: Iterable[bytes] = (), patience: float = 5.0) -> Refusal:
    """Send a request, then its body as long as the server takes it, and read what it says.

    Args:
        head: lines between which there is "\\n"; the empty line at the end is added.
    """
    began, sent, reply = time.monotonic(), 0, b""
    with socket.create_connection(("127.0.0.1", port), patience) as connection:
        connection.settimeout(patience)
        with contextlib.suppress(ConnectionError, TimeoutError):
            connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n")
            for piece in body:
                connection.sendall(piece)
                sent += len(piece)
        hung_up = False
        with contextlib.suppress(TimeoutError):
            try:
                while piece := connection.recv(65536):
                    reply += piece
                hung_up = True
            except ConnectionError:
                hung_up = True
    words = reply.split(b" ", 2)
    status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    return Refusal(status, hung_up, time.monotonic() - began, sent)


def endless(seconds: float = 20.0, size: int = 1 << 20) -> Iterator[bytes]:
    """Chunks of a chunked body that does not end (for so many seconds)."""
    until = time.monotonic() + seconds
    piece = f"{size:x}\r\n".encode() + b" " * size + b"\r\n"
    while time.monotonic() < until:
        yield piece
