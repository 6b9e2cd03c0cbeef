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

SENTENCES = {
    "not_started": "Too early to judge: 0 donations, 29 clicks so far.",
    "ok": "As usual: 12 clicks since the last donation (18:00 UTC); usual is 1.8 %.",
    "slow": "Only 3 donations where 9.8 were expected; chance of so few by luck: 1-in-60. "
    "About 1 healthy appeal in 2 sees such a word.",
    "stalled": "560 clicks since the last donation (18:00 UTC); at this appeal's usual 1.8 % we would expect 9.8 "
    "donations from those that have had time to convert. Chance of none by luck, this appeal's ups and downs included: "
    "1-in-9,000. About 1 healthy appeal in 20 sees such an alert.",
    "tail": "The appeal has ended. 3 clicks since the last donation (18:00 UTC).",
}
NEXT_STEPS = {"slow": "Look again in half an hour.", "stalled": "Give a test donation."}


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
        "sentence": SENTENCES[state],
        "next_step": NEXT_STEPS.get(state, "Nothing."),
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
