"""Connections that are counted and watched: uvicorn alone waits for ever for a request, and for slow readers."""

from __future__ import annotations

import asyncio
import resource
from typing import Any, Final

from starlette.requests import Request
from uvicorn.protocols.http.h11_impl import H11Protocol

MOST: Final = 256
"""Connections at once; less where the process may not have four times as many files open."""

HEAD_SECONDS: Final = 10.0
"""For the head of a request, from the connection or the last answer on. Of an idle one uvicorn asks for less (5 s)."""

STALL_SECONDS: Final = 20.0
"""In which the client must take one piece of its answer, 240 KiB: 12 KiB/s."""

LOOK_SECONDS: Final = 1.0

_BUSY: Final = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"


class Connection(H11Protocol):
    """One connection. Whose request was let in as a writer's is `trusted`: it is the last to make room."""

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any = None) -> None:
        super().__init__(config, server_state, {**app_state, "connection": self}, _loop)
        self.trusted = False
        self._waits_since = self.loop.time()
        self._stalled_since: float | None = None
        self._look: asyncio.TimerHandle | None = None

    @property
    def waits(self) -> bool:
        """Whether there is no request that is being answered."""
        return (self.cycle is None or self.cycle.response_complete) and not self.transport.is_closing()

    def abort(self) -> None:
        """End it now, whatever has not been sent."""
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()
        if len(self.connections) > at_most():
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._look is not None:
            self._look.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        self._waits_since = self.loop.time()
        super().on_response_complete()

    def pause_writing(self) -> None:
        self._stalled_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._stalled_since = None
        super().resume_writing()

    def _watch(self) -> None:
        if self._has_waited_too_long(self.loop.time()):
            self.abort()
        else:
            self._look = self.loop.call_later(LOOK_SECONDS, self._watch)

    def _has_waited_too_long(self, now: float) -> bool:
        if self._stalled_since is not None:
            return now - self._stalled_since > STALL_SECONDS
        if self.cycle is not None and not self.cycle.response_complete:
            return False
        has_unsent = self.transport.get_write_buffer_size() > 0
        return now - self._waits_since > (STALL_SECONDS if has_unsent else HEAD_SECONDS)

    def _make_room(self) -> None:
        """End the connection that has waited longest, a writer's last; where all are being answered, this one."""
        waiting = [other for other in self.connections if isinstance(other, Connection) and other.waits]
        others = [other for other in waiting if other is not self]
        if others:
            min(others, key=lambda other: (other.trusted, other._waits_since)).abort()
        else:
            self.transport.write(_BUSY)
            self.transport.close()


def at_most() -> int:
    """Connections at once: a quarter of the files that the process may have open, and MOST at most."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if files == resource.RLIM_INFINITY else min(MOST, files // 4)


def trust(request: Request) -> None:
    """Let the connection of this request be the last to make room."""
    connection = connection_of(request.scope)
    if connection is not None:
        connection.trusted = True


def connection_of(scope: Any) -> Connection | None:
    """The connection that a request came on; None under another server, as in tests."""
    connection = scope.get("state", {}).get("connection")
    return connection if isinstance(connection, Connection) else None
