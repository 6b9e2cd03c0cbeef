"""Faust's task that places a worker after an assignment: without its time limit, and never ended in silence.

Faust bounds the wait for `perform_seek()` with `broker_request_timeout`.  mode's `Service.wait_first` answers a timeout
with "stopped", Faust's `_wait` makes `ServiceStopped` of it, and the task `_restart_recovery` ends without a word
(mode 0.7.1 services.py:793, faust 0.15.3 tables/recovery.py:344 and 562).  The worker stays in the group, keeps its
partitions and never reads again.  Our state is loaded inside that wait, and how long a load takes depends on how large
the state is, so there is no limit here: whether it makes progress is what `streams.monitoring.health` watches.
"""

from __future__ import annotations

import asyncio
from typing import Any

from faust.tables import recovery
from faust.tables.manager import TableManager
from mode import Service


class PlacingEnded(RuntimeError):
    """The task that places the worker after an assignment has ended while the worker runs."""


class Recovery(recovery.Recovery):
    """See the module's text."""

    async def _wait(self, coro: Any, timeout: Any = None) -> None:
        await super()._wait(coro)

    @Service.task
    async def _restart_recovery(self) -> None:
        """Faust's own, which must last as long as the worker.

        Raises:
            PlacingEnded: it has not.
        """
        try:
            await recovery.Recovery._restart_recovery.fun(self)
        except asyncio.CancelledError:
            # A client's own cancellation that came out of a load ends the task as well.
            if self._is_over():
                raise
        if not self._is_over():
            raise PlacingEnded("the task that places this worker after an assignment has ended: starting anew")

    def _is_over(self) -> bool:
        return bool(self.should_stop or self.app.should_stop)


class Tables(TableManager):
    """Faust's table manager, which starts the recovery; there are no tables."""

    _recovery: Recovery | None = None

    @property
    def recovery(self) -> Recovery:
        if self._recovery is None:
            self._recovery = Recovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
