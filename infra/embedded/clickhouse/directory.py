"""Who has a data directory open. chDB's own answer to that is "Error initializing EmbeddedServer: ."."""

from __future__ import annotations

import fcntl
import subprocess
from pathlib import Path

from schemas.errors import Fault


def claim(path: Path) -> None:
    """Make the directory if it is missing, close it to others, and see that nobody has it open.

    Raises:
        Fault: a process holds it (named), or it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o700)  # donors' rows are in it
    except OSError as error:
        raise Fault(
            "machine", f"{path} cannot be made or closed to others ({error})", "Give another directory with --data"
        ) from None
    holder = _holder(path / "status")
    if holder is not None:
        raise Fault(
            "machine", f"{path} is held by {holder}", "Stop that process, or give another directory with --data"
        )


def _holder(status: Path) -> str | None:
    """The process that holds the lock on chDB's `status` file; the file itself outlives a killed one."""
    try:
        with status.open() as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return _described(stream.read())
    except FileNotFoundError:
        pass
    return None


def _described(status: str) -> str:
    pid = status.partition("PID:")[2].split()[:1]
    if not pid:
        return "another process"
    listed = subprocess.run(["ps", "-o", "command=", "-p", pid[0]], capture_output=True, text=True, check=False)
    return f"process {pid[0]} ({listed.stdout.strip()[:120]})"
