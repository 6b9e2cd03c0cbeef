"""`groundswell demo` as a person runs it: the page is there before the appeal, and grows with it."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ground import ROOT
from watching_browser import open_board, tab

from infra.processes.ports import free_port
from streams.commands.appeals import door_appeal, parts_of
from streams.commands.demo import APPEAL_SECONDS, TAIL_SECONDS, paces
from streams.producers.door import START_MS

PICTURE = ROOT / "docs" / "live-page.png"
END_MS = START_MS + 48 * 3_600_000
# 48 hours in about a minute and a half; the workers need some seconds to come, and the appeal does not wait.
SPEED = "2000"
ENOUGH = 3800.0  # dollars: reached late enough that a slow machine has seen the page grow


@contextmanager
def demo(*arguments: str) -> Iterator[str]:
    """A demo that is ended as Ctrl-C ends it; the address that it printed."""
    running = subprocess.Popen(
        [sys.executable, "-m", "streams.commands", "demo", *arguments],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("GROUNDSWELL_")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        yield _address_in(running)
    finally:
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)


def _address_in(running: subprocess.Popen[bytes], seconds: float = 60.0) -> str:
    assert running.stderr is not None
    text, deadline = b"", time.monotonic() + seconds
    while time.monotonic() < deadline and running.poll() is None:
        if select.select([running.stderr], [], [], 0.2)[0]:
            text += os.read(running.stderr.fileno(), 65_536)
        if found := re.search(rb"live page: (http://127\.0\.0\.1:\d+)/", text):
            return found[1].decode()
    raise AssertionError(text.decode())


def raised(page: Any) -> float:
    """What the panel Raised says now."""
    found = re.search(r"\$([\d,]+\.\d\d)", page.inner_text("#panel-4"))
    return float(found[1].replace(",", "")) if found else 0.0


@pytest.mark.slow
@pytest.mark.browser
def test_the_page_grows_while_the_demo_plays(browser: Any) -> None:
    """With GROUNDSWELL_README_PICTURE=1 (make screenshots) the README's picture is taken on the way."""
    with demo("--speed", SPEED, "--port", str(free_port())) as address, tab(browser, height=1010) as (page, wrong):
        open_board(page, address, "appeal")
        seen, moments = {raised(page)}, {page.inner_text("#complete")}
        deadline = time.monotonic() + 100
        while max(seen) < ENOUGH and time.monotonic() < deadline:
            page.wait_for_timeout(500)
            seen.add(raised(page))
            moments.add(page.inner_text("#complete"))
        if os.environ.get("GROUNDSWELL_README_PICTURE") == "1":
            PICTURE.parent.mkdir(exist_ok=True)
            page.screenshot(path=PICTURE)
        assert max(seen) >= ENOUGH
        assert len(seen) >= 3
        # At night nobody gives: the time goes on.
        assert len(moments) >= 4, "the page jumped instead of growing"
        assert page.inner_text("#panel-1 .pill") != ""
        assert wrong == []


def test_a_demo_that_is_watched_takes_ninety_seconds() -> None:
    appeal = door_appeal()
    (own, own_speed), (tail, tail_speed) = paces(appeal, END_MS, None)
    assert own_speed is not None
    assert tail_speed is not None
    assert (own.until_ms - own.records[0].record_time_ms) / 1000 / own_speed == pytest.approx(APPEAL_SECONDS)
    assert (tail.until_ms - tail.records[0].record_time_ms) / 1000 / tail_speed == pytest.approx(TAIL_SECONDS)
    assert paces(appeal, END_MS, float("inf")) == [(appeal, None)]
    assert paces(appeal, END_MS, 100.0) == [(appeal, 100.0)]


def test_the_parts_of_an_appeal_are_all_of_it() -> None:
    appeal = door_appeal()
    before, after = parts_of(appeal, END_MS)
    assert [*before.records, *after.records] == appeal.records
    assert (*before.beside, *after.beside) == appeal.beside
    assert max(record.record_time_ms for record in before.records) < END_MS
    assert min(record.record_time_ms for record in after.records) >= END_MS
    assert (before.until_ms, after.until_ms) == (END_MS, appeal.until_ms)


def test_the_picture_of_the_readme_is_small() -> None:
    assert 20_000 < PICTURE.stat().st_size < 300_000
