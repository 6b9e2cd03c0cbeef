"""The page over the sample appeal, in a process of its own, and a real browser."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from ground import ROOT, Store

# What lands an appeal in a store without Kafka.
sys.path.insert(0, str(ROOT / "tests" / "dashboards"))

from asking import Asked
from page_ground import serve
from played import Played
from stores import migrated
from watching import watching

from infra.processes.stack import Stack
from schemas.times import rfc3339
from streams.commands.appeals import door_appeal, parts_of
from streams.producers.door import START_MS

REQUIRE_CHROMIUM = "GROUNDSWELL_REQUIRE_CHROMIUM"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
HOUR_MS = 3_600_000
RUNNING_HOURS_MS = 18 * HOUR_MS + HOUR_MS // 2


@pytest.fixture(scope="session")
def watched(clickhouse: Store) -> Iterator[Asked]:
    """`door` whole, with what a detector, people and feeds said."""
    store = migrated(clickhouse, "door_of_the_page")
    store.insert({**Played(door_appeal()).rows(int(time.time() * 1000)), **watching()})
    store.insert({"annotations": lines(annotations()), "heartbeats": lines(heartbeats())})
    yield store
    store.drop()


@pytest.fixture(scope="session")
def running(clickhouse: Store) -> Iterator[Asked]:
    """`door` after 18 and a half hours of its 48."""
    store = migrated(clickhouse, "running_door_of_the_page")
    so_far, _ = parts_of(door_appeal(), START_MS + RUNNING_HOURS_MS)
    store.insert(Played(so_far).rows(int(time.time() * 1000)))
    yield store
    store.drop()


def annotations() -> list[dict[str, Any]]:
    said = ((0, "launch", "The blog post"), (24, "reminder", "<b>One day left</b> & thanks"))
    return [
        {
            "annotation_id": f"said-{hour}",
            "campaign_id": "door",
            "kind": kind,
            "at": rfc3339(START_MS + hour * HOUR_MS),
            "until": None,
            "text": text,
            "source_partition": 0,
            "source_offset": hour,
        }
        for hour, kind, text in said
    ]


def heartbeats() -> list[dict[str, Any]]:
    at = rfc3339(START_MS + 47 * HOUR_MS)
    return [{"feed": "donations/stripe", "campaign_id": "door", "at": at, "record_time": at}]


def lines(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


@pytest.fixture(scope="session")
def page_address(ground: Stack, watched: Asked) -> str:
    """The page over `watched`, asked as the user that only reads."""
    return serve(ground, "page", watched.place.reader_store)


@pytest.fixture(scope="session")
def running_page_address(ground: Stack, running: Asked) -> str:
    """The page over `running`, likewise."""
    return serve(ground, "running-page", running.place.reader_store)


# Of a module: playwright keeps an event loop running in this thread, in which others could not begin theirs.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, headless; without it the test is skipped, or fails where it is required."""
    path = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if path is None:
        if os.environ.get(REQUIRE_CHROMIUM) == "1":
            pytest.fail(f"{REQUIRE_CHROMIUM}=1, but there is no chromium", pytrace=False)
        pytest.skip("there is no chromium on this machine (Debian and Ubuntu: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    # Chromium's own sandbox cannot be set up by root, as in a container.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where screenshots go: GROUNDSWELL_SCREENSHOTS, or build/screenshots."""
    folder = Path(os.environ.get("GROUNDSWELL_SCREENSHOTS") or ROOT / "build" / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
