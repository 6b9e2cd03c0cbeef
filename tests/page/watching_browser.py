"""A browser's tab that remembers what went wrong in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

PATHS = {
    "appeal": "/?campaign=door",
    "influencer": "/influencer?campaign=door&influencer=author",
    "pipeline": "/pipeline?campaign=door",
}
PATIENCE_MS = 60_000  # a browser on a machine at work


@contextmanager
def tab(
    browser: Any, width: int = 1280, scheme: Literal["light", "dark"] = "light", height: int = 900
) -> Iterator[tuple[Any, list[str]]]:
    """A tab, and the list of errors of its console, its scripts and its requests."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(f"{said.type}: {said.text}") if said.type != "log" else None)
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("requestfailed", lambda request: wrong.append(f"failed: {request.url} {request.failure}"))
    page.on("response", lambda reply: wrong.append(f"{reply.status} {reply.url}") if reply.status >= 400 else None)
    try:
        yield page, wrong
    finally:
        context.close()


def open_board(page: Any, address: str, board: str) -> None:
    """Open a board and wait until its figures stand there."""
    page.goto(address + PATHS[board])
    page.wait_for_selector("body[data-drawn]", timeout=PATIENCE_MS)
    page.wait_for_selector(".chart .main-svg", timeout=PATIENCE_MS)
    page.wait_for_timeout(300)  # plotly's last stroke
