"""Whether Kafka lets us in, asked of what is no Kafka: nobody, and somebody who hangs up."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from infra.processes.ports import free_port
from schemas.errors import Fault
from streams import reach
from streams.security import PLAINTEXT, Security

BY_PASSWORD = Security("sasl_plaintext", user="anna", password="hush")
BY_TLS = Security("ssl")


@pytest.fixture
def closing() -> Iterator[str]:
    """Somebody who takes connections and closes them."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        host, port = server.getsockname()
        ends = threading.Event()

        def close_each() -> None:
            while not ends.is_set():
                try:
                    server.accept()[0].close()
                except TimeoutError:
                    continue

        thread = threading.Thread(target=close_each)
        thread.start()
        yield f"{host}:{port}"
        ends.set()
        thread.join()


@pytest.mark.parametrize("security", [BY_PASSWORD, BY_TLS])
def test_nobody_is_no_refusal(security: Security) -> None:
    asyncio.run(reach.check_entry([f"127.0.0.1:{free_port()}"], security))


@pytest.mark.parametrize("security", [BY_PASSWORD, BY_TLS])
def test_who_hangs_up_is_asked_thrice_and_then_named(closing: str, security: Security) -> None:
    began = time.monotonic()
    with pytest.raises(Fault, match="does not answer as Kafka does with GROUNDSWELL_KAFKA_SECURITY=") as raised:
        asyncio.run(reach.check_entry([f"127.0.0.1:{free_port()}", closing], security))
    assert 1.9 < time.monotonic() - began < 6
    assert "hush" not in str(raised.value)


def test_one_refusal_is_an_accident_and_three_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "ASK_SECONDS", 0.0)
    monkeypatch.setattr(reach, "ENTRY_SECONDS", 0.0)
    answers = iter([False, True, False, False, True, False, False, False])
    asked = 0

    async def answer(*_: object) -> None:
        nonlocal asked
        asked += 1
        if not next(answers):
            raise Fault("settings", "refused", "Mend it.")

    monkeypatch.setattr(reach, "check_entry", answer)
    with pytest.raises(Fault, match="refused"):
        asyncio.run(reach.watch_entry(["127.0.0.1:9"], BY_PASSWORD))
    assert asked == 8


def test_where_nobody_is_asked_nobody_is_refused() -> None:
    asyncio.run(asyncio.wait_for(reach.watch_entry(["127.0.0.1:9"], PLAINTEXT), 1))
