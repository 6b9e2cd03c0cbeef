"""The same join in stock Faust, written as its documentation would have it: agents, tables, one event at a time.

It dedupes by id, joins by referral in any order and counts per influencer and minute.  It saves nothing else and
emits nothing, so it does less than Groundswell's attribution.  Started with BROKER and SECONDS, it prints how many
events it took and in how many seconds from the first.
"""

from __future__ import annotations

import os
import tempfile
import time
from datetime import datetime

import faust

SECONDS = float(os.environ["SECONDS"])
app = faust.App(
    f"stock-{os.getpid()}",
    broker=f"kafka://{os.environ['BROKER']}",
    store="memory://",
    web_enabled=False,
    topic_partitions=4,
    topic_replication_factor=1,
    topic_disable_leader=True,
    datadir=tempfile.mkdtemp(prefix="stock-faust-"),
    consumer_auto_offset_reset="earliest",
    table_standby_replicas=0,
    value_serializer="json",
)
events = app.topic("shares", "clicks", "impressions", "donations", key_serializer="raw", value_serializer="json")
ids = app.Table("ids", partitions=4, default=None)
owners = app.Table("owners", partitions=4, default=None)
slices = app.Table("slices-of-influencers", partitions=4, default=lambda: [0, 0, 0])
orphans = app.Table("orphans", partitions=4, default=dict)

taken = 0
first = 0.0


@app.agent(events)
async def join(stream):  # type: ignore[no-untyped-def]
    global taken, first
    async for event in stream:
        if not taken:
            first = time.monotonic()
        taken += 1
        fold(event)
        if time.monotonic() - first > SECONDS:
            # Faust turns what is printed into log lines.
            os.write(1, f"{taken} {time.monotonic() - first:.2f}\n".encode())
            os._exit(0)


def fold(event: dict) -> None:  # type: ignore[type-arg]
    if event["event_id"] in ids:
        return
    ids[event["event_id"]] = 1
    referral = event["referral_id"]
    owner = owners.get(referral)
    if "influencer_id" in event:
        if owner is None:
            owners[referral] = event["influencer_id"]
            for minute, counts in orphans[referral].items():
                add(f"{event['influencer_id']}|{minute}", counts)
        return
    minute = int(datetime.fromisoformat(event["occurred_at"].replace("Z", "+00:00")).timestamp()) // 60
    counts = [event.get("count", 0), int("visitor_id" in event), int("amount" in event)]
    if owner is None:
        known = dict(orphans[referral])
        known[str(minute)] = [a + b for a, b in zip(known.get(str(minute), [0, 0, 0]), counts, strict=True)]
        orphans[referral] = known
    else:
        add(f"{owner}|{minute}", counts)


def add(key: str, counts: list[int]) -> None:
    slices[key] = [a + b for a, b in zip(slices[key], counts, strict=True)]


if __name__ == "__main__":
    app.main()
