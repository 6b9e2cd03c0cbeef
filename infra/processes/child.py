"""One child process: started behind a gate, in a group of its own, its output in a file."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infra.processes.guard import tell
from infra.processes.sealed import sealed

GATE = ("/bin/sh", "-c", 'umask 077 && read -r go && exec "$@" </dev/null', "gate")
"""Waits for a line before it becomes the real program, so that the guard knows the group before anything runs. What
the program writes is for its owner alone: it may be donors' rows.

If the parent dies first, the pipe ends, `read` fails and the gate is gone: there is no moment at which a program
runs that nobody would end."""

Ready = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to start a child: kept, so that it can be started again on the same port and data.

    `disposable`: all it could save when asked politely is in the stack's folder, so where that is temporary it is not
    asked politely at the end.
    """

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: Ready | None = None
    within: float = 30.0
    patience: float = 10.0
    may_end: bool = False
    disposable: bool = False


class Child:
    """A running child.

    Args:
        recipe: what to run.
        log: file that its standard output and error are appended to.
        secrets: folder for files of the secrets in its environment.
        announce: called with the process group before the program itself begins.

    Raises:
        OSError: the gate cannot be started.
    """

    def __init__(self, recipe: Recipe, log: Path, secrets: Path, announce: Callable[[int], None]) -> None:
        self.recipe = recipe
        self.log = log
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as output:
            self.process = subprocess.Popen(
                [*GATE, *recipe.argv],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=sealed({**os.environ, **recipe.environment}, secrets),
                start_new_session=True,
            )
        announce(self.pid)
        self._open_gate()

    def _open_gate(self) -> None:
        gate = self.process.stdin
        assert gate is not None
        with contextlib.suppress(BrokenPipeError):
            gate.write(b"go\n")
            gate.close()

    @property
    def pid(self) -> int:
        """Process id, which is the id of its process group too."""
        return self.process.pid

    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self.process.poll()

    def stop(self) -> int:
        """SIGTERM, SIGKILL when its patience is over; whatever it had started goes with it. Gives the exit code."""
        if self.process.poll() is None:
            tell(self.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(self.recipe.patience)
        return self.kill()

    def kill(self) -> int:
        """SIGKILL to the whole group, now. Gives the exit code."""
        tell(self.pid, signal.SIGKILL)
        return self.process.wait()

    def last_lines(self, count: int = 5) -> str:
        """The end of its log in one line, for a message."""
        with self.log.open("rb") as stream:
            stream.seek(max(0, self.log.stat().st_size - 8192))
            lines = stream.read().decode(errors="replace").split("\n")
        return " | ".join([line for line in lines if line.strip()][-count:])
