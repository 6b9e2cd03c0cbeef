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

from infra.embedded.clickhouse.users import are_guarded, passwords
from infra.processes.sealed import STORE
from infra.serving.listening import BACKLOG, listen, raise_file_limit, serve, url_of
from schemas.errors import Fault
from schemas.secret import FILE, READER_PASSWORD, SECRETS, WRITER_PASSWORD

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
        # What is written from here on, the donors' rows first, is for this user of the machine alone.
        os.umask(0o077)
        raise_file_limit()
        listener = listen(options.host, options.port)
        _serve(options.data.absolute(), listener, options.ready_file, known)
    except Fault as fault:
        print(f"groundswell: {fault}", file=sys.stderr)
        return 2
    return 0


def keep_secrets_out_of_sight() -> None:
    """Begin anew without the secrets of the environment: what a process was started with can be read in /proc for as
    long as it lives, whatever it takes out of its environment later. Those that are needed go through pipes.
    """
    needed = [name for name in (WRITER_PASSWORD, READER_PASSWORD) if os.environ.get(name)]
    if not any(os.environ.get(name) for name in (*SECRETS, STORE)):
        return
    kept = {name: value for name, value in os.environ.items() if name not in (*SECRETS, STORE)}
    for name in needed:
        if kept.get(name + FILE, "").strip():
            return  # both are set: `passwords` says so
        reading, writing = os.pipe()
        os.write(writing, os.environ[name].encode())
        os.close(writing)
        os.set_inheritable(reading, True)
        kept[name + FILE] = f"/dev/fd/{reading}"
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], kept)


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


def _serve(data: Path, listener: socket.socket, ready_file: Path | None, known: Mapping[str, str]) -> None:
    # chDB takes the time zone of the process when it is imported; a server's is UTC, a laptop's is anything.
    os.environ["TZ"] = "UTC"
    time.tzset()
    from infra.embedded.clickhouse.app import Endpoint
    from infra.embedded.clickhouse.engine import Engine

    with contextlib.closing(Engine(data)) as engine:
        # Backlog first: from the line on, a client that connects waits instead of being turned away.
        listener.listen(BACKLOG)
        _tell(url_of(listener), ready_file)
        serve(Endpoint(engine, known, hosts=None if are_guarded(known) else LOOPBACK_NAMES).app(), listener, grace=5)


def _tell(url: str, ready_file: Path | None) -> None:
    if ready_file is not None:
        # Renamed, so that who waits for the file never reads half of it.
        unfinished = ready_file.with_name(ready_file.name + ".unfinished")
        unfinished.write_text(url + "\n")
        unfinished.rename(ready_file)
    print(f"ready {url}", flush=True)


if __name__ == "__main__":
    keep_secrets_out_of_sight()
    sys.exit(main())
