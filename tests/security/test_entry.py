"""Whether Kafka lets us in, asked of what is no Kafka: nobody, or who hangs up, is silent or talks nonsense."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from infra.processes.ports import free_port
from schemas.errors import Fault
from streams.kafka import connectivity
from streams.settings.kafka_security import PLAINTEXT, Security

BY_PASSWORD = Security("sasl_plaintext", user="anna", password="hush")
BY_TLS = Security("ssl")
BY_BOTH = Security("sasl_ssl", user="anna", password="hush")
EVERY_WAY = [PLAINTEXT, BY_PASSWORD, BY_TLS, BY_BOTH]


@contextmanager
def somebody(answer: Callable[[socket.socket], object]) -> Iterator[str]:
    """A listener that does so with every connection; where it is."""
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        host, port = server.getsockname()
        ends = threading.Event()

        def serve() -> None:
            while not ends.is_set():
                with contextlib.suppress(TimeoutError):
                    taken.append(server.accept()[0])
                    answer(taken[-1])

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"{host}:{port}"
        ends.set()
        thread.join()
        for connection in taken:
            connection.close()


def be_silent(_: socket.socket) -> None:
    """As a broker that was stopped, or a host behind a black hole."""


def alert(connection: socket.socket) -> None:
    """As a server of TLS that hears something else: a fatal alert, unexpected message."""
    connection.recv(64)
    connection.sendall(bytes.fromhex("1503030002020a"))
    connection.shutdown(socket.SHUT_WR)


def speak_http(connection: socket.socket) -> None:
    connection.recv(64)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.fixture
def closing() -> Iterator[str]:
    """Somebody who takes connections and closes them."""
    with somebody(socket.socket.close) as address:
        yield address


@pytest.mark.parametrize("security", EVERY_WAY)
def test_nobody_is_no_refusal(security: Security) -> None:
    assert asyncio.run(connectivity.check_entry([f"127.0.0.1:{free_port()}"], security)) is connectivity.Turned.AWAY


@pytest.mark.parametrize("security", EVERY_WAY)
def test_a_broker_that_hangs_is_no_refusal(security: Security) -> None:
    with somebody(be_silent) as address:
        assert asyncio.run(connectivity.check_entry([address], security, within=0.3)) is connectivity.Turned.SILENT


@pytest.mark.parametrize("security", [PLAINTEXT, BY_PASSWORD])
@pytest.mark.parametrize("answer", [alert, speak_http])
def test_who_says_what_kafka_would_not_is_named_at_once(
    security: Security, answer: Callable[[socket.socket], object]
) -> None:
    with somebody(answer) as address, pytest.raises(Fault, match="does not answer as Kafka does") as raised:
        asyncio.run(connectivity.check_entry([address], security))
    assert raised.value.exit_code == 2


@pytest.mark.parametrize("security", [BY_TLS, BY_BOTH])
def test_a_client_of_tls_that_hears_plain_text_is_told_so(security: Security) -> None:
    with somebody(speak_http) as address, pytest.raises(Fault, match="does not take our TLS") as raised:
        asyncio.run(connectivity.check_entry([address], security))
    assert raised.value.exit_code == 2


def test_a_kafka_lets_us_in_though_another_broker_hangs(tansu: str) -> None:
    with somebody(be_silent) as address:
        assert asyncio.run(connectivity.check_entry([address, tansu], PLAINTEXT, within=0.3)) is None


@pytest.mark.parametrize("security", EVERY_WAY)
def test_who_hangs_up_is_asked_thrice_and_then_named(closing: str, security: Security) -> None:
    began = time.monotonic()
    with pytest.raises(Fault, match="does not answer as Kafka does with GROUNDSWELL_KAFKA_SECURITY=") as raised:
        asyncio.run(connectivity.check_entry([f"127.0.0.1:{free_port()}", closing], security))
    assert 1.9 < time.monotonic() - began < 6
    assert "hush" not in str(raised.value)


def test_one_refusal_is_an_accident_and_three_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connectivity, "ASK_SECONDS", 0.0)
    monkeypatch.setattr(connectivity, "ENTRY_SECONDS", 0.0)
    answers = iter([False, True, False, False, True, False, False, False])
    asked = 0

    async def answer(*_: object) -> None:
        nonlocal asked
        asked += 1
        if not next(answers):
            raise Fault("settings", "refused", "Mend it.")

    monkeypatch.setattr(connectivity, "check_entry", answer)
    with pytest.raises(Fault, match="refused"):
        asyncio.run(connectivity.watch_entry(["127.0.0.1:9"], BY_PASSWORD))
    assert asked == 8


def test_where_nobody_is_asked_nobody_is_refused() -> None:
    asyncio.run(asyncio.wait_for(connectivity.watch_entry(["127.0.0.1:9"], PLAINTEXT), 1))
