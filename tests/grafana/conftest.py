"""One Grafana a test, and a gateway to it that waits for nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from published_grafana import TOKEN, PublishedGrafana

from infra.grafana.address import Address
from infra.grafana.gateway import Gateway


@pytest.fixture
def grafana() -> Iterator[PublishedGrafana]:
    with PublishedGrafana() as server:
        yield server


@pytest.fixture
def waits() -> list[float]:
    """Seconds that the gateway would have waited."""
    return []


@pytest.fixture
def gateway(grafana: PublishedGrafana, waits: list[float]) -> Gateway:
    return Gateway(Address(grafana.url, TOKEN).transport(timeout=0.3), grafana.url, sleep=waits.append)
