"""The process that cleans up after a stack whose own process can no longer do it.

Law: this file imports the standard library alone, because it is run by its path, before anything else exists.

A stack keeps the writing end of a pipe to the standard input of its guard. The kernel closes that end whatever
happens to the stack's process (return, crash, SIGTERM, SIGKILL), so the end of the pipe is the one signal that
cannot be lost. Until then the guard learns, a line each, what there is to clean up:

    folder PATH     remove PATH at the end
    child GROUP     end the process group GROUP
    gone GROUP      forget it: it has been reaped, its number may soon be somebody else's
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable

PATIENCE = 5.0
"""Seconds between SIGTERM and SIGKILL when the guard has to end the children."""

_POLL = 0.02


def main() -> None:
    """Learn until the pipe ends, then end every group, the youngest first, and remove the folders."""
    for signal_number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signal_number, signal.SIG_IGN)
    groups, folders = learn(sys.stdin)
    end(list(reversed(groups)), PATIENCE)
    for folder in folders:
        remove(folder)


def learn(lines: Iterable[str]) -> tuple[list[int], list[str]]:
    """The process groups that still run and the folders to remove, once `lines` has ended."""
    groups: list[int] = []
    folders: list[str] = []
    for line in lines:
        word, _, rest = line.rstrip("\n").partition(" ")
        if word == "folder":
            folders.append(rest)
        elif word == "child":
            groups.append(int(rest))
        elif word == "gone" and int(rest) in groups:
            groups.remove(int(rest))
    return groups, folders


def end(groups: list[int], patience: float) -> None:
    """SIGTERM to each group in turn, SIGKILL to those that are still there `patience` seconds later."""
    for group in groups:
        tell(group, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while any(lives(group) for group in groups) and time.monotonic() < deadline:
        time.sleep(_POLL)
    for group in groups:
        tell(group, signal.SIGKILL)
    deadline = time.monotonic() + 1.0
    while any(lives(group) for group in groups) and time.monotonic() < deadline:
        time.sleep(_POLL)


def tell(group: int, signal_number: int) -> None:
    """Signal a process group; one that is gone is no error."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal_number)


def lives(group: int) -> bool:
    """Whether any process of the group is left (a zombie counts, until somebody reaps it)."""
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def remove(folder: str) -> None:
    """Remove a tree, again for a moment if a dying process still wrote into it."""
    for _ in range(50):
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.exists(folder):
            return
        time.sleep(_POLL)


if __name__ == "__main__":
    main()
