"""Small random logs: few referrals, many collisions; and how many examples of them are tried."""

from __future__ import annotations

import json
import os
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from wiring import START_MS, Logs, campaign_of, codec_of, event_fields

from schemas.campaign import Window
from schemas.topics import ATTRIBUTION_INPUTS, HEARTBEATS, SOURCES

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

# Most of it in two minutes, so that events meet.
_minutes = st.one_of(st.integers(0, 1), st.integers(0, 1), st.integers(0, 40))
_times = st.builds(lambda minute, ms: minute * 60_000 + ms, _minutes, st.sampled_from((0, 1, 30_000, 59_999)))
# In time, just not late, late, very late, at the horizon, beyond it; ahead of its record, and too far ahead.
_delays = st.sampled_from(
    (0, 1000, 300_000, 300_001, 3_600_000, 86_400_000, 14 * 86_400_000, 14 * 86_400_000 + 1)
    + (-600_000, -86_400_000, -86_400_001)
)
_events: st.SearchStrategy[Spec] = st.fixed_dictionaries(
    {
        "topic": st.sampled_from(SOURCES),
        "number": st.integers(0, 30),
        "referral": st.sampled_from(REFERRALS),
        "campaign": st.sampled_from(("door", "door", "door", "yen", "nowhere")),
        "at": _times,
        "delay": st.one_of(st.just(1000), _delays),
        "influencer": st.sampled_from(("ann", "ann", "bob")),
        "word": st.sampled_from(("strong", "weak", "unknown")),
        "channel": st.sampled_from(("blog", "email")),
        "count": st.integers(1, 5),
        "basis": st.sampled_from(("measured", "sampled", "estimated")),
        "kind": st.sampled_from(("donation", "donation", "refund")),
        "currency": st.sampled_from(tuple(AMOUNTS)),
        "amount": st.integers(0, 2),
        "fee": st.booleans(),
        "direct": st.booleans(),
    }
)
_steps = st.one_of(
    _events,
    _events,
    _events,
    st.fixed_dictionaries({"again": st.integers(0, 50), "changes": st.booleans(), "delay": st.sampled_from((0, 5000))}),
    st.fixed_dictionaries(
        {"raw": st.sampled_from(SOURCES), "partition": st.integers(0, 1), "value": st.binary(max_size=3)}
    ),
    st.fixed_dictionaries({"beat": _times, "partition": st.integers(0, 1)}),
)


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


def written(steps: list[Spec]) -> Logs:
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
            logs.append(HEARTBEATS, b"clicks/web", json.dumps({}).encode(), START_MS + step["beat"], step["partition"])
    return logs


def random_logs(largest: int = 40) -> st.SearchStrategy[Logs]:
    return st.lists(_steps, min_size=1, max_size=largest).map(written)


def shape(logs: Logs) -> dict[str, int]:
    """How much there is, by topic."""
    return {topic: sum(len(logs.records[topic, p]) for p in range(logs.partitions)) for topic in ATTRIBUTION_INPUTS}
