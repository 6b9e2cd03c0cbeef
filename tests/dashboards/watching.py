"""What a detector might say of `door`, made by hand: every state that a panel shows."""

from __future__ import annotations

from typing import Any

import msgspec

from schemas.times import MINUTE_MS, rfc3339
from streams.producers.door import START_MS

# (minutes from the start, state, member of the dimension influencer or None for the campaign)
SAID = (
    (1, "not_started", None),
    (31, "ok", None),
    (1200, "slow", None),
    (1260, "stalled", None),
    (1400, "ok", None),
    (2881, "tail", None),
    (40, "ok", "author"),
    (1500, "stalled", "author"),
    (1560, "ok", "author"),
)


def watching() -> dict[str, bytes]:
    """JSON lines by table."""
    return {"stalls": b"".join(msgspec.json.encode(_word(*said)) + b"\n" for said in SAID)}


def _word(minute: int, state: str, member: str | None) -> dict[str, Any]:
    moment = rfc3339(START_MS + minute * MINUTE_MS)
    return {
        "campaign_id": "door",
        "dimension": "influencer" if member else "campaign",
        "member": member or "door",
        "minute": moment,
        "state": state,
        "since": moment,
        "changed": 1,
        "sentence": f"560 clicks since the last donation, say, and therefore {state}.",
        "next_step": "Give a test donation.",
        "exposure": "clicks",
        "exposures_since": 560,
        "minutes_since": 45,
        "last_donation_at": rfc3339(START_MS),
        "observed": 0.0,
        "expected": 9.8,
        "chance": 1 / 9000,
        "usual_rate": 0.018,
        "level": 5.0,
        "red": 8.0,
        "amber": 4.0,
        "exposures_to_confirm": 120,
        "silent_feeds": [],
        "unheard": [],
        "version": minute,
        "computed_at": moment,
    }
