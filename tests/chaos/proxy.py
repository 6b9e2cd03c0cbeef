"""A TCP proxy in front of ClickHouse that fails on demand.

pass      as if it were not there
refuse    every connection is closed at once
hang      nothing gets through, nobody is told
cut       the connection ends in the middle of a request
lose      the request gets through, its answer does not: the rows are in, and the client does not know
slow      every answer takes two seconds longer
"""

from __future__ import annotations

import asyncio
import threading
from typing import Final, Literal

from infra.processes.ports import LOOPBACK

Mode = Literal["pass", "refuse", "hang", "cut", "lose", "slow"]
MODES: Final[tuple[Mode, ...]] = ("pass", "refuse", "hang", "cut", "lose", "slow")
CUT_AFTER: Final = 2000  # bytes of a request
SLOW_SECONDS: Final = 2.0


class Proxy:
    """Listens in a thread of its own; `mode` may change at any time.

    Args:
        port: where it listens, on `host`.
        target: port of ClickHouse on loopback.
    """

    def __init__(self, port: int, target: int, host: str = LOOPBACK) -> None:
        self.mode: Mode = "pass"
        self.port = port
        self.host = host
        self.target = target
        self.troubled = 0  # connections that were refused, cut or robbed of an answer
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._ready.wait(10)

    def stop(self) -> None:
        if not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(asyncio.start_server(self._serve, self.host, self.port))
        self._ready.set()
        self._loop.run_forever()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode == "refuse":
            self.troubled += 1
            writer.close()
            return
        try:
            there_reader, there_writer = await asyncio.open_connection(LOOPBACK, self.target)
        except OSError:
            writer.close()
            return
        both = (self._requests(reader, there_writer, writer), self._answers(there_reader, writer))
        try:
            await asyncio.gather(*both)
        except (OSError, asyncio.CancelledError):
            pass  # cancelled: the proxy itself ends, and this is its outermost frame
        finally:
            there_writer.close()
            writer.close()

    async def _requests(
        self, reader: asyncio.StreamReader, there: asyncio.StreamWriter, back: asyncio.StreamWriter
    ) -> None:
        passed = 0
        while data := await reader.read(65_536):
            await self._wait_while_hung()
            passed += len(data)
            if self.mode in ("refuse", "cut") and (self.mode == "refuse" or passed > CUT_AFTER):
                self.troubled += 1
                there.write(data[:CUT_AFTER])
                there.close()
                back.close()
                return
            there.write(data)
            await there.drain()
        there.close()

    async def _answers(self, there: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        while data := await there.read(65_536):
            await self._wait_while_hung()
            if self.mode == "lose":
                self.troubled += 1
                back.close()
                return
            if self.mode == "slow":
                await asyncio.sleep(SLOW_SECONDS)
            back.write(data)
            await back.drain()
        back.close()

    async def _wait_while_hung(self) -> None:
        while self.mode == "hang":
            await asyncio.sleep(0.05)
