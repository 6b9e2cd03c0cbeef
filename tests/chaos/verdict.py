"""After the faults: everything landed, once, and equal to what the oracle says."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Final

from streams.commands.audit import audit_with, describe
from tests.chaos.world import WORKERS, World

SETTLE_SECONDS: Final = 600.0
CALM_SECONDS: Final = 10.0  # nobody ended for so long
ENDS_TOO_OFTEN: Final = 12  # ends of one worker without a fault: two or three are a start amid the last fault
EXITS: Final = (0, 1, -15, -9)  # a clean stop, a surprise, and our own signals
RAW: Final = ("shares", "clicks", "impressions", "donations")
# Rows that a view shows, and how many different things they are of.
SEEN_ONCE: Final = {
    "accepted_shares": "event_id",
    "current_dead_letters": "(topic, source_partition, source_offset)",
    "current_conversions": "(campaign_id, dimension, member, window, window_end)",
    "stall_changes": "(campaign_id, dimension, member, at)",
}


@dataclass
class Verdict:
    """`trouble` is empty where all is well."""

    events: int = 0
    lost: int = 0
    doubled: int = 0
    rows: int = 0
    sampled: str = ""
    trouble: list[str] = field(default_factory=list)


def settle(world: World, within: float = SETTLE_SECONDS) -> None:
    """Until what was produced is folded, said and landed, with every worker ready; within so many seconds.

    Raises:
        TimeoutError: it does not come to rest, or a worker ends again and again.
    """
    deadline = time.monotonic() + within
    calm_since, before = time.monotonic(), world.ended.copy()
    while True:
        ended = sum(world.ended.values())
        world.tend()
        if sum(world.ended.values()) != ended:
            calm_since = time.monotonic()
        for (name, code), number in (world.ended - before).items():
            if number > ENDS_TOO_OFTEN:
                raise TimeoutError(f"{name} ends again and again, with exit code {code}")
        if time.monotonic() - calm_since > CALM_SECONDS and not world.not_ready() and _in_flight(world) == 0:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(
                f"{_in_flight(world)} records are still in flight, "
                f"not ready: {', '.join(world.not_ready()) or 'nobody'}, workers ended: {dict(world.ended)}"
            )
        time.sleep(0.5)


def _in_flight(world: World) -> int | None:
    rows = world.query("SELECT sum(in_flight), count() FROM accounting")
    return int(rows[0][0]) if rows and rows[0][1] else None


def judge(world: World, feed: dict[str, Any]) -> Verdict:
    """Compare the store with the logs (`audit`), with what the producer knows it has sent, and with itself."""
    verdict = Verdict(events=int(feed["sent"]))
    for topic in RAW:
        view = "accepted_shares" if topic == "shares" else f"{topic} FINAL"
        rows, different = world.query(f"SELECT count(), uniqExact(event_id) FROM {view}")[0]
        verdict.lost += max(0, feed["good"].get(topic, 0) - different)
        verdict.doubled += rows - different
        if different > feed["good"].get(topic, 0):
            verdict.trouble.append(f"{topic}: {different} events where {feed['good'].get(topic, 0)} were sent")
    for view, identity in SEEN_ONCE.items():
        rows, different = world.query(f"SELECT count(), uniqExact({identity}) FROM {view}")[0]
        verdict.doubled += rows - different
    if verdict.lost or verdict.doubled:
        verdict.trouble.append(f"{verdict.lost} events lost, {verdict.doubled} rows doubled")
    for topic, difference in world.query("SELECT topic, difference FROM accounting"):
        if difference:
            verdict.trouble.append(f"accounting of {topic} is off by {difference}")
    _judge_audit(world, verdict)
    verdict.trouble += [f"{name} is not alive" for name in WORKERS if name not in world.stack.running()]
    return verdict


def wrong_exits(world: World) -> list[str]:
    """Workers that asked for a person where nothing is wrong that a person could mend."""
    return [
        f"{name} ended {number} times with exit code {code}"
        for (name, code), number in world.ended.items()
        if code not in EXITS
    ]


def _judge_audit(world: World, verdict: Verdict) -> None:
    result = audit_with(world.settings, 60.0)
    verdict.rows = sum(result.compared.values())
    if not result.equal:
        verdict.trouble.append(describe(result))
