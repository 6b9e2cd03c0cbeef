"""What workers say of themselves over HTTP: who is ready, and counters added up over restarts."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Mapping
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from streams.settings import ROLE_NAMES

SCRAPED_EVERY: Final = 2.0
COUNTED: Final = ("groundswell_records_taken", "groundswell_assignments", "groundswell_rewinds")


class Pages:
    """Pages of these workers.

    Args:
        roles: the role of each by its name.
    """

    def __init__(self, roles: Mapping[str, str]) -> None:
        self.counted: Counter[str] = Counter()
        self._roles = roles
        self._places: dict[str, tuple[str, int]] = {}
        self._last: dict[str, dict[str, float]] = {}
        self._scraped_at = 0.0

    def place(self, name: str, host: str, port: int) -> None:
        """Where a worker serves; `port` is that of its settings."""
        self._places[name] = host, port

    def port_of(self, name: str) -> int:
        """The port of its settings."""
        return self._places[name][1]

    def not_ready(self) -> list[str]:
        """The workers whose `/readyz` is not 200, each with what it says."""
        found = []
        for name in self._roles:
            try:
                self._ask(name, "readyz")
            except urllib.error.HTTPError as error:
                found.append(f"{name} ({error.read().decode(errors='replace').strip()})")
            except OSError as error:
                found.append(f"{name} ({error})")
        return found

    def scrape_now_and_then(self) -> None:
        """Add up what counters grew by since the last look, if that is long enough ago."""
        if time.monotonic() - self._scraped_at >= SCRAPED_EVERY:
            self._scraped_at = time.monotonic()
            for name in self._roles:
                self._scrape(name)

    def _scrape(self, name: str) -> None:
        """Add up what counters grew by since the last look; what a process counted just before its end is missed."""
        try:
            text = self._ask(name, "metrics")
        except OSError:
            self._last.pop(name, None)
            return
        now = {
            sample.name: sample.value
            for family in text_string_to_metric_families(text)
            if family.name in COUNTED
            for sample in family.samples
            if sample.name.endswith("_total")
        }
        before = self._last.get(name, {})
        for key, value in now.items():
            grown = value - before.get(key, 0.0)
            self.counted[f"{self._roles[name]} {key}"] += int(grown if grown >= 0 else value)
        self._last[name] = now

    def _ask(self, name: str, page: str) -> str:
        """A page of a worker's.

        Raises:
            OSError: it does not answer, or not with 200.
        """
        host, first = self._places[name]
        port = first + ROLE_NAMES.index(self._roles[name])
        with urllib.request.urlopen(f"http://{host}:{port}/{page}", timeout=0.5) as reply:
            return str(reply.read().decode())
