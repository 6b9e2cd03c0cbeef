"""Small random logs: few referrals, many collisions; and how many examples of them are tried."""

from __future__ import annotations

import os
from random import Random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from wiring import START_MS, Logs, campaign_of, codec_of, event_fields, heartbeat

from schemas.campaign import Window
from schemas.topics import SOURCES

_ASKED = os.environ.get("GROUNDSWELL_EXAMPLES")


def tried(examples: int) -> settings:
    """The same examples each time, so that a change is to blame; GROUNDSWELL_EXAMPLES=5000 looks further."""
    return settings(max_examples=int(_ASKED or examples), deadline=None, derandomize=_ASKED is None, database=None)


CODEC = codec_of(
    [
        campaign_of("door", "USD", (Window("3m", 180, 60), Window("10m", 600, 300), Window("1h", 3600, 1800))),
        campaign_of("yen", "JPY", (Window("2m", 120, 60),)),
    ]
)
REFERRALS = ("r1", "r2", "r3", "r4")  # two in each of the two partitions
AMOUNTS = {"USD": ("0.01", "25.00", "7"), "JPY": ("500", "1"), "KWD": ("1.234", "0.5")}

Spec = dict[str, Any]
WRONG = (b"", b"{", b"[]", b"7", b"\xff", b'{"event_id": 1}')

_HORIZON = 14 * 86_400_000
# In time, just not late, late, very late, at the horizon, beyond it; ahead of its record, and too far ahead.
DELAYS = (0, 1000, 300_000, 300_001, 3_600_000, 86_400_000, _HORIZON, _HORIZON + 1, -600_000, -86_400_000, -86_400_001)


def _time(random: Random) -> int:
    """Most of it in two minutes, so that events meet."""
    minute = random.choice((0, 1, random.randint(0, 40)))
    return minute * 60_000 + random.choice((0, 1, 30_000, 59_999))


def _event(random: Random) -> Spec:
    return {
        "topic": random.choice(SOURCES),
        "number": random.randint(0, 60),
        "referral": random.choice(REFERRALS),
        "campaign": random.choice(("door",) * 6 + ("yen", "yen", "nowhere")),
        "at": _time(random),
        "delay": random.choice((1000, 1000, random.choice(DELAYS))),
        "influencer": random.choice(("ann", "ann", "bob")),
        "word": random.choice(("strong", "weak", "unknown")),
        "channel": random.choice(("blog", "email")),
        "count": random.randint(1, 5),
        "basis": random.choice(("measured", "sampled", "estimated")),
        "kind": random.choice(("donation", "donation", "refund")),
        "currency": random.choice(tuple(AMOUNTS)),
        "amount": random.randint(0, 2),
        "fee": random.random() < 0.5,
        "direct": random.random() < 0.2,
    }


def _step(random: Random) -> Spec:
    match random.randrange(10):
        case 0 | 1:
            return {"again": random.randrange(50), "changes": random.random() < 0.5, "delay": random.choice((0, 5000))}
        case 2 if random.random() < 0.5:
            return {"raw": random.choice(SOURCES), "partition": random.randrange(2), "value": random.choice(WRONG)}
        case 3 if random.random() < 0.7:
            return {"beat": _time(random), "partition": random.randrange(2)}
    return _event(random)


def _fields(spec: Spec) -> dict[str, Any]:
    topic, referral, more = spec["topic"], spec["referral"], {}
    match topic:
        case "shares":
            more = {"influencer_id": spec["influencer"], "channel": spec["channel"], "tie": spec["word"]}
            more |= {"kind": "original", "audience": 10}
        case "impressions":
            more = {"count": spec["count"], "basis": spec["basis"]}
        case "donations":
            amounts = AMOUNTS[spec["currency"]]
            more = {"donation_id": "gift", "kind": spec["kind"], "tie": spec["word"], "currency": spec["currency"]}
            more |= {"amount": amounts[spec["amount"] % len(amounts)], "fee": amounts[-1] if spec["fee"] else None}
            referral = None if spec["direct"] else referral
    return event_fields(spec["number"], START_MS + spec["at"], spec["campaign"], referral, **more)


def encode_slices(steps: list[Spec]) -> Logs:
    """The logs that these steps write."""
    logs = Logs(CODEC.partitions)
    sent: list[tuple[str, dict[str, Any], int]] = []
    for step in steps:
        if "topic" in step:
            sent.append((step["topic"], _fields(step), START_MS + step["at"] + step["delay"]))
            logs.event(*sent[-1])
        elif "again" in step and sent:
            topic, fields, time_ms = sent[step["again"] % len(sent)]
            changed = {"influencer_id": "bob", "amount": "9", "count": 9} if step["changes"] else {}
            logs.event(topic, {**fields, **{k: v for k, v in changed.items() if k in fields}}, time_ms + step["delay"])
        elif "raw" in step:
            logs.append(step["raw"], b"r1", step["value"], START_MS, step["partition"])
        elif "beat" in step:
            heartbeat(logs, step["partition"], START_MS + step["beat"])
    return logs


def logs_of(seed: int, size: int) -> Logs:
    """A log of so many steps; the same for the same seed, and a smaller size is its beginning."""
    random = Random(seed)
    return encode_slices([_step(random) for _ in range(size)])


def random_logs(largest: int = 60) -> st.SearchStrategy[Logs]:
    # Hypothesis left to itself writes many alike; of its own it would make nearly no taken referral.
    return st.builds(logs_of, st.integers(0, 2**32), st.integers(1, largest))
