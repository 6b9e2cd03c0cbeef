"""The job that every contestant is given: where the log is, what is counted, how a value looks.

Dedupe by event id; the first share of a referral says whose it is, also for events that came before it; count
impressions, clicks, donations and cents by influencer and minute.  Values are absolute: the last one of a key counts.
"""

from __future__ import annotations

import json
import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any

BROKER = os.environ.get("RIVAL_BROKER", "")
PREFIX = os.environ.get("RIVAL_PREFIX", "")
EVENTS = int(os.environ.get("RIVAL_EVENTS", "0"))
OUTPUT = os.environ.get("RIVAL_OUTPUT", "")
GROUP = os.environ.get("RIVAL_GROUP", "")
FOLDER = Path(os.environ.get("RIVAL_FOLDER", "."))
PARTITIONS = 4

KINDS = ("shares", "clicks", "impressions", "donations")
TOPICS = tuple(PREFIX + kind for kind in KINDS)
UNATTRIBUTED = "(unattributed)"
VALUE = b'{"impressions":%d,"clicks":%d,"donations":%d,"cents":%d}'

_minutes: dict[str, int] = {}
_first: float | None = None
_half: float | None = None
_count = 0


def taken(records: int = 1) -> None:
    """So many records more are being processed; called before the work on them."""
    global _first, _half, _count
    if _first is None:
        _first = time.time()
    _count += records
    if _half is None and _count >= EVENTS / 2:
        _half = time.time()


def records_taken() -> int:
    return _count


def finished(**more: Any) -> None:
    """Say when the first record came and when it is over (epoch seconds), then be gone without ceremony."""
    said = {"first": _first, "half": _half, "last": time.time(), "count": _count, **more}
    (FOLDER / "said.json").write_text(json.dumps(said))
    os._exit(0)


def minute_of(occurred_at: str) -> int:
    """Minutes since the epoch of `2026-03-12T18:00:00.000Z`; every time in the log is in UTC."""
    text = occurred_at[:16]
    minute = _minutes.get(text)
    if minute is None:
        minute = _minutes[text] = int(datetime.fromisoformat(text + ":00+00:00").timestamp()) // 60
    return minute


def cents_of(amount: str) -> int:
    whole, _, fraction = amount.partition(".")
    return int(whole) * 100 + int((fraction + "00")[:2])


def counts_of(event: dict[str, Any]) -> list[int]:
    """[impressions, clicks, donations, cents] of an event that is no share."""
    if "count" in event:
        return [event["count"], 0, 0, 0]
    if "amount" in event:
        return [0, 0, 1, cents_of(event["amount"])]
    return [0, 1, 0, 0]
