"""A story to tell, and a store to land it in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from audit_store import Store
from audit_story import Log


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def appeal() -> Log:
    """A small appeal that has one of everything."""
    log = Log()
    log.share("r1", "alice")
    log.share("r2", "bob", channel="blog", tie="weak", parent_referral_id="r1")
    log.share("r1", "alice", at=3, channel="email")
    log.share("r1", "mallory", at=4)
    log.impression("r1", 1000, "estimated")
    log.impression("r2", 40, "measured", at=2)
    for minute in range(12):
        log.click("r1", at=minute, visitor_id=f"v{minute}")
    log.again()
    log.click("r2", at=5, sent=900)
    log.click("nobody", at=6)
    log.donation("r1", "12.50", at=7, fee="0.66", donor_id="d1")
    log.donation("r2", "30", at=8, currency="EUR")
    log.donation("r1", "5.00", at=9, kind="refund")
    log.donation(None, "100", at=10)
    log.raw("clicks", b"{", at=11)
    log.raw("donations", b"", key=None, at=11)
    log.click("r1", at=4000)
    return log


@pytest.fixture(scope="session")
def store(clickhouse: Any) -> Iterator[Store]:
    store = Store(clickhouse.store)
    yield store
    store.close()
