"""A listening socket, and an application served on it."""

from __future__ import annotations

import resource
import socket
from typing import Final

import uvicorn
from starlette.applications import Starlette

from infra.serving.close_unread_body import CloseUnreadBody
from infra.serving.connections import Connection
from schemas.errors import Fault

BACKLOG: Final = 128
FILES: Final = 65_536


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to an address of this machine; port 0: a free one.

    Raises:
        Fault: somebody else has it, or it is not ours.
    """
    try:
        return bind(host, port)
    except OSError as error:
        raise Fault("machine", f"{host}:{port} cannot be listened on ({error})", "Give another --port.") from None


def bind(host: str, port: int) -> socket.socket:
    """The same for a caller with a sentence of its own.

    Raises:
        OSError: somebody else has it, or it is not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio switches Nagle's delay (40 ms a reply) off only where it is.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def url_of(listener: socket.socket) -> str:
    """Where a client finds it, without a slash at the end."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def serve(app: Starlette, listener: socket.socket, grace: int) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Args:
        grace: seconds that answers have to be finished then.
    """
    listener.listen(BACKLOG)
    config = uvicorn.Config(
        CloseUnreadBody(app),
        http=Connection,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=grace,
        lifespan="off",
        server_header=False,
    )
    uvicorn.Server(config).run(sockets=[listener])


def raise_file_limit() -> None:
    """Let the process have as many files open as the system lets it: tables have many, connections come on top."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
