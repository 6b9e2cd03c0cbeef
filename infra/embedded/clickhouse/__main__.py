"""python -m infra.embedded.clickhouse --data DIR --port N: serve a directory until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import uvicorn

from infra.embedded.clickhouse.users import are_guarded, passwords
from schemas.errors import Fault
from schemas.secret import READER_PASSWORD, WRITER_PASSWORD

LOOPBACK_NAMES = ("127.0.0.1", "::1", "localhost")


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 after SIGTERM or Ctrl-C, 2 after a Fault (one line on standard error)."""
    options = _parser().parse_args(arguments)
    # uvicorn shuts down on a signal and then raises it anew: without handlers the directory would not be closed, and
    # a KeyboardInterrupt that comes while asyncio sets up its loop ends the interpreter by the signal, not by our 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        known = passwords()
        _check_host(options.host, known)
        listener = _listen(options.host, options.port)
        _serve(options.data.absolute(), listener, options.ready_file, known)
    except Fault as fault:
        print(f"groundswell: {fault}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.embedded.clickhouse", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="directory of the data, made if missing")
    parser.add_argument("--port", type=int, default=8123, help="0: choose a free one (default: 8123)")
    parser.add_argument("--host", default="127.0.0.1", help="another than loopback needs both passwords set")
    parser.add_argument("--ready-file", type=Path, help="the URL is written here once the endpoint answers")
    return parser


def _check_host(host: str, known: Mapping[str, str]) -> None:
    guarded = are_guarded(known)
    if host not in LOOPBACK_NAMES and not guarded:
        raise Fault(
            "settings",
            f"the default passwords are fit for loopback only, not for {host}",
            f"Set {WRITER_PASSWORD} and {READER_PASSWORD}, or leave --host out",
        )
    if not guarded:
        print(f"default passwords in use (fit for a laptop): set {WRITER_PASSWORD} and {READER_PASSWORD}", flush=True)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio switches Nagle's delay (40 ms a reply) off only where it is.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Fault("machine", f"{host}:{port} cannot be listened on ({error})", "Give another --port") from None
    return listener


def _serve(data: Path, listener: socket.socket, ready_file: Path | None, known: Mapping[str, str]) -> None:
    # chDB takes the time zone of the process when it is imported; a server's is UTC, a laptop's is anything.
    os.environ["TZ"] = "UTC"
    time.tzset()
    from infra.embedded.clickhouse.app import Endpoint
    from infra.embedded.clickhouse.engine import Engine

    with contextlib.closing(Engine(data)) as engine:
        # Backlog first: from the line on, a client that connects waits instead of being turned away.
        listener.listen(128)
        _tell(listener, ready_file)
        app = Endpoint(engine, known, hosts=None if are_guarded(known) else LOOPBACK_NAMES).app()
        config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=5, lifespan="off")
        uvicorn.Server(config).run(sockets=[listener])


def _tell(listener: socket.socket, ready_file: Path | None) -> None:
    host, port = listener.getsockname()[:2]
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    if ready_file is not None:
        # Renamed, so that who waits for the file never reads half of it.
        unfinished = ready_file.with_name(ready_file.name + ".unfinished")
        unfinished.write_text(url + "\n")
        unfinished.rename(ready_file)
    print(f"ready {url}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
