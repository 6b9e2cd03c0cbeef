"""Many browsers and many guesses: the same is asked once, too much is refused, nobody is locked out for good."""

from __future__ import annotations

import base64
import threading
from dataclasses import dataclass
from typing import Any

import anyio
import pytest

from dashboards.boards import BOARDS
from dashboards.page import Answer, make_app
from dashboards.page.app import MADE_AT_ONCE
from dashboards.page.content import CLOCK, Content
from dashboards.page.guesses import ADDRESSES, FREE, LONGEST_S, Guesses
from dashboards.page.shared import LONGEST_SECONDS, Shared

APPEAL, INFLUENCER = "groundswell-appeal", "groundswell-influencer"
CLOCK_ROW = {
    "complete_up_to": "2026-03-13 07:00:00",
    "chart_from": "2026-03-12 17:00:00",
    "chart_until": "2026-03-14 18:00:00",
}


def clock() -> Answer:
    return Answer(list(CLOCK_ROW), ["DateTime"] * 3, [list(CLOCK_ROW.values())])


def test_browsers_with_different_influencers_ask_the_same_panel_once() -> None:
    asked: list[str] = []

    def ask(sql: str, rows: int, seconds: int) -> Answer:
        asked.append(sql)
        return clock()

    async def all_of_them() -> None:
        content = Content(ask)
        async with anyio.create_task_group() as tasks:
            for number in range(10):
                choice = {"campaign": ("door",), "influencer": (f"someone-{number}",)}
                tasks.start_soon(content.board, APPEAL, choice, "all")

    anyio.run(all_of_them)
    board = next(board for board in BOARDS if board.uid == APPEAL)
    assert len(asked) == len(set(asked))  # no statement twice, though ten browsers wanted each of them
    assert len(asked) == 1 + len({panel.sql for panel in board.panels}) + len(board.annotations)


def test_a_panel_that_was_asked_before_the_clock_is_asked_again() -> None:
    """What is said to be complete must be in every figure beside it, whoever asked for the figure before."""
    now, asked = [0.0], []

    def ask(sql: str, rows: int, seconds: int) -> Answer:
        asked.append(sql)
        now[0] += 0.01
        return clock()

    async def twice() -> tuple[list[str], list[str]]:
        content = Content(ask)
        content._answers = Shared(most=512, now=lambda: now[0])
        choice = {"campaign": ("door",), "influencer": ("author",)}
        await content.board(APPEAL, choice, "all")
        first = list(asked)
        asked.clear()
        # The clock alone has got old: all panels are still fresh, and none of them will do.
        for key, kept in content._answers._kept.items():
            if "newest_record" in str(key) or "chart_until" in str(key):
                kept.fresh_until = 0.0
        await content.board(APPEAL, choice, "all")
        return first, list(asked)

    first, again = anyio.run(twice)
    assert sorted(again) == sorted(first)
    assert CLOCK.split()[1].rstrip(",") in again[0]


def test_an_answer_is_given_again_for_ten_seconds_at_most() -> None:
    now = [0.0]

    async def slowly() -> bytes:
        now[0] += 40
        return b"made"

    async def run() -> list[bool]:
        shared: Shared[bytes] = Shared(now=lambda: now[0])
        await shared.get("a", slowly)
        fresh = [shared.is_at_hand("a")]
        now[0] += LONGEST_SECONDS
        return [*fresh, shared.is_at_hand("a")]

    assert anyio.run(run) == [True, False]


def test_what_is_being_made_is_not_forgotten_and_made_twice() -> None:
    made: list[str] = []

    async def run() -> None:
        shared: Shared[str] = Shared(most=2)
        go_on = anyio.Event()

        async def make(name: str) -> str:
            made.append(name)
            await go_on.wait()
            return name

        async with anyio.create_task_group() as tasks:
            for name in ("a", "b", "c", "d", "a"):
                tasks.start_soon(shared.get, name, lambda name=name: make(name))
            await anyio.wait_all_tasks_blocked()
            go_on.set()

    anyio.run(run)
    assert made == ["a", "b", "c", "d"]


Headers = dict[str, str]


async def turns() -> None:
    """Enough turns of the event loop for every request to have come as far as the store, which does not answer."""
    for _ in range(50):
        await anyio.sleep(0)


@dataclass(frozen=True)
class Browser:
    """Asks an application without a network between."""

    app: Any
    address: str = "127.0.0.1"

    async def get(
        self, path: str, query: str = "", headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str]]:
        """Status and headers."""
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            await anyio.sleep_forever()  # nothing is sent, and nobody hangs up
            raise AssertionError

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        lines = {"host": "127.0.0.1", **(headers or {})}
        scope = {
            "type": "http",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in lines.items()],
            "client": (self.address, 1),
            "server": ("127.0.0.1", 80),
        }
        await self.app(scope, receive, send)
        return sent[0]["status"], {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}


def test_more_boards_than_can_be_made_are_refused_politely() -> None:
    go_on = threading.Event()

    def ask(sql: str, rows: int, seconds: int) -> Answer:
        go_on.wait(10)
        return clock()

    statuses: list[int] = []
    path = f"/api/board/{INFLUENCER}"

    async def run() -> tuple[int, dict[str, str]]:
        browser = Browser(make_app(ask))

        async def look(number: int) -> None:
            status, _ = await browser.get(path, f"campaign=door&influencer={number}")
            statuses.append(status)

        async with anyio.create_task_group() as tasks:
            for number in range(MADE_AT_ONCE):
                tasks.start_soon(look, number)
            await turns()
            refused = await browser.get(path, "campaign=door&influencer=one-more")
            tasks.start_soon(look, 0)  # who wants what is being made waits with the others
            await turns()
            go_on.set()
        return refused

    status, headers = anyio.run(run)
    assert (status, headers["retry-after"]) == (503, "2")
    assert statuses == [200] * (MADE_AT_ONCE + 1)


def password(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"any:{text}".encode()).decode()}


def test_who_guesses_waits_and_others_do_not() -> None:
    app = make_app(lambda *_: clock(), password="right-and-long", hosts=None)

    async def run() -> None:
        guesser, other = Browser(app, "203.0.113.7"), Browser(app, "203.0.113.8")
        guessed = [(await guesser.get("/", headers=password(f"guess-{number}")))[0] for number in range(FREE + 2)]
        assert guessed == [401] * (FREE + 1) + [429]
        status, headers = await guesser.get("/", headers=password("right-and-long"))
        assert (status, int(headers["retry-after"])) == (429, 1)
        assert (await guesser.get("/"))[0] == 401
        assert (await other.get("/", headers=password("right-and-long")))[0] == 200

    anyio.run(run)


def test_the_wait_grows_ends_and_is_forgotten() -> None:
    now = [0.0]
    guesses, waits = Guesses(lambda: now[0]), []
    for _ in range(FREE + 9):
        guesses.wrong("203.0.113.7")
        waits.append(guesses.wait("203.0.113.7"))
    assert waits == [0] * FREE + [1, 2, 4, 8, 16, 32, LONGEST_S, LONGEST_S, LONGEST_S]
    now[0] += LONGEST_S
    assert guesses.wait("203.0.113.7") == 0
    guesses.right("203.0.113.7")
    guesses.wrong("203.0.113.7")
    assert guesses.wait("203.0.113.7") == 0


def test_addresses_of_one_household_are_one_and_their_number_is_bounded() -> None:
    guesses = Guesses(lambda: 0.0)
    for number in range(FREE + 1):
        guesses.wrong(f"2001:db8::{number:x}")
    assert guesses.wait("2001:db8::ffff") == 1
    assert guesses.wait("2001:db8:0:1::1") == 0
    for number in range(2 * ADDRESSES):
        guesses.wrong(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(guesses._wrong) == ADDRESSES


@pytest.mark.parametrize("address", ["", "testclient", "127.0.0.1"])
def test_any_name_of_a_client_will_do(address: str) -> None:
    guesses = Guesses()
    guesses.wrong(address)
    assert guesses.wait(address) == 0
