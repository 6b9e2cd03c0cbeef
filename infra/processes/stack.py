"""Named child processes that start, are watched and end together.

Law: whatever a stack starts or writes is gone when the stack is, also when its process is killed. Nothing is
restarted behind anybody's back: a child that dies is a Fault at the next `check`.

    with Stack() as stack:
        stack.start("broker", [...], ready=lambda: listens(port))
        while working:
            stack.check()
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from infra.processes import guard
from infra.processes.child import Child, Ready, Recipe
from schemas.errors import Fault

log = logging.getLogger("groundswell.processes")

SOURCE_ROOT = Path(__file__).resolve().parents[2]
"""Children find the same packages as this process, installed or not."""


class Stack:
    """Children and a folder for their data.

    Args:
        keep: a folder that outlives the stack; None: a temporary one that does not.
        patience: seconds between SIGTERM and SIGKILL of a child.

    The stack is up inside `with`. Child processes run in their own process groups: a terminal's Ctrl-C reaches
    only this process, whose `with` block then ends them, the youngest first.
    """

    def __init__(self, keep: Path | None = None, patience: float = 10.0) -> None:
        self._scratch = Path(tempfile.gettempdir()) / f"groundswell-{uuid.uuid4().hex[:12]}"
        self.folder = keep.absolute() if keep else self._scratch
        self._temporary = keep is None
        self._patience = patience
        self._children: dict[str, Child] = {}
        self._resting: dict[str, Recipe] = {}
        self._guard: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> None:
        """Start the guard, then make the folder: in this order, so that it is never left behind."""
        if self._guard is not None:
            return
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", guard.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
            env={},  # it needs nothing, and would keep our secrets in sight
        )
        self._tell_guard(f"folder {self._scratch}")
        self._scratch.mkdir(mode=0o700)
        (self._scratch / "tmp").mkdir(mode=0o700)
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        # Closed to others where we make it; a folder that was there is its owner's to close.
        self.folder.mkdir(mode=0o700, exist_ok=True)
        (self.folder / "logs").mkdir(mode=0o700, exist_ok=True)

    def close(self) -> None:
        """End every child, the youngest first, then what is temporary, then the guard."""
        if self._guard is None:
            return
        for name in reversed(list(self._children)):
            self._forget(name, self._end)
        self._resting.clear()
        shutil.rmtree(self._scratch, ignore_errors=True)
        assert self._guard.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._guard.stdin.close()
        self._guard.wait()
        self._guard = None

    def start(
        self,
        name: str,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        ready: Ready | None = None,
        within: float = 30.0,
        patience: float | None = None,
        may_end: bool = False,
        disposable: bool = False,
        wait: bool = True,
    ) -> None:
        """Start a child and wait until `ready()` is true.

        Args:
            name: unique in the stack; its output goes to `log_of(name)`.
            env: added to this process's environment.
            ready: asked every few milliseconds; None: it counts as ready at once.
            within: seconds it may take.
            patience: seconds between SIGTERM and SIGKILL, if others than the stack's.
            may_end: an exit with code 0 is no Fault.
            disposable: SIGKILL will do at the end of a temporary stack: it saves nothing that matters then.
            wait: False: return at once, for children that need each other; `wait_for` waits.

        Raises:
            Fault: it died or was not ready in time.
        """
        if name in self._children:
            raise ValueError(f"{name} runs already")
        path = os.pathsep.join(filter(None, [str(SOURCE_ROOT), os.environ.get("PYTHONPATH", "")]))
        # What children put among temporary files goes with the stack, also when they are killed.
        environment = {"PYTHONPATH": path, "TMPDIR": str(self._scratch / "tmp"), **(env or {})}
        bound = self._patience if patience is None else patience
        self._launch(Recipe(name, argv, environment, ready, within, bound, may_end, disposable))
        if wait:
            self.wait_for(name)

    def wait_for(self, name: str) -> None:
        """Wait until a child is ready.

        Raises:
            Fault: it was not ready in time, or it or another child died meanwhile.
        """
        child = self._children[name]
        recipe = child.recipe
        deadline = time.monotonic() + recipe.within
        while recipe.ready is not None and not recipe.ready():
            self.check()
            if child.exit_code() is not None:
                raise self._died(child)
            if time.monotonic() > deadline:
                raise Fault(
                    "machine",
                    f"{recipe.name} was not ready within {recipe.within:.0f} s",
                    f"Read its log {child.log}; its last lines: {child.last_lines()}",
                )
            time.sleep(0.01)

    def check(self) -> None:
        """Raise a Fault if a child has died (other than by `stop_child` or `kill_child`), or the guard has."""
        if self._guard is None or self._guard.poll() is not None:
            raise Fault("machine", "the process that guards the children has died", "Start again")
        for child in self._children.values():
            code = child.exit_code()
            if code is not None and not (code == 0 and child.recipe.may_end):
                raise self._died(child)

    def stop_child(self, name: str) -> int:
        """SIGTERM, SIGKILL when it does not end in time. Gives its exit code."""
        return self._rest(name, lambda child: child.stop())

    def kill_child(self, name: str) -> int:
        """SIGKILL, now. Gives its exit code."""
        return self._rest(name, lambda child: child.kill())

    def restart_child(self, name: str) -> None:
        """Start a stopped or killed child again as it was started, same port, same data; waits until it is ready."""
        self._launch(self._resting.pop(name))
        self.wait_for(name)

    def pid_of(self, name: str) -> int:
        """Process id of a running child."""
        return self._children[name].pid

    def log_of(self, name: str) -> Path:
        """File that holds a child's output."""
        return self.folder / "logs" / f"{name}.log"

    def running(self) -> tuple[str, ...]:
        """Names of the children that run, in the order of their start."""
        return tuple(name for name, child in self._children.items() if child.exit_code() is None)

    def _launch(self, recipe: Recipe) -> None:
        self.open()
        secrets = self._scratch / "secrets" / recipe.name
        child = Child(recipe, self.log_of(recipe.name), secrets, lambda group: self._tell_guard(f"child {group}"))
        self._children[recipe.name] = child
        log.debug("%s started as process %d", recipe.name, child.pid)

    def _died(self, child: Child) -> Fault:
        return Fault(
            "machine",
            f"{child.recipe.name} has died with exit code {child.exit_code()}",
            f"Its log {child.log} ends: {child.last_lines()}",
        )

    def _end(self, child: Child) -> int:
        return child.kill() if self._temporary and child.recipe.disposable else child.stop()

    def _rest(self, name: str, end: Callable[[Child], int]) -> int:
        self._resting[name] = self._children[name].recipe
        return self._forget(name, end)

    def _forget(self, name: str, end: Callable[[Child], int]) -> int:
        child = self._children[name]
        code = end(child)
        self._tell_guard(f"gone {child.pid}")
        del self._children[name]
        return code

    def _tell_guard(self, line: str) -> None:
        assert self._guard is not None
        assert self._guard.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._guard.stdin.write(line + "\n")
            self._guard.stdin.flush()
