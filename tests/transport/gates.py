"""Time that passes only when nothing else can happen, and waits that end when a test says so."""

from __future__ import annotations

import asyncio
from typing import Any


class TestedLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer as soon as nothing is ready to run."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0
        select = self._selector.select  # type: ignore[attr-defined]

        def jump(timeout: float | None) -> Any:
            if timeout is None:
                raise RuntimeError("nothing will ever happen any more")
            self.now += max(0.0, timeout)
            return select(0)

        self._selector.select = jump  # type: ignore[attr-defined]

    def time(self) -> float:
        return self.now

    def pass_time(self, seconds: float = 0.001) -> None:
        """Run whatever can run, and what becomes due within these seconds."""
        self.run_until_complete(asyncio.sleep(seconds))


class Gates:
    """Where others wait for something outside: a fetch, a seek, a commit, the agent's own work."""

    def __init__(self) -> None:
        self.are_open = False
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []

    async def wait(self, name: str) -> None:
        if self.are_open:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((name, future))
        await future

    def names(self) -> list[str]:
        """Who waits, longest first."""
        self._waiting = [(name, future) for name, future in self._waiting if not future.done()]
        return [name for name, _ in self._waiting]

    def open(self, name: str) -> None:
        """Let the one go on that has waited longest under this name."""
        found = next(future for waiting, future in self._waiting if waiting == name and not future.done())
        found.set_result(None)

    def open_for_good(self) -> None:
        self.are_open = True
        for name in self.names():
            self.open(name)
