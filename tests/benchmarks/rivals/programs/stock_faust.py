"""Stock Faust: one agent, one event at a time, tables in memory with changelogs, a timer that sends what changed."""

from __future__ import annotations

import asyncio
from typing import Any

import faust

from tests.benchmarks.rivals.programs import job

EVERY_SECONDS = 0.5

app = faust.App(
    job.GROUP,
    broker=f"kafka://{job.BROKER}",
    store="memory://",
    web_enabled=False,
    topic_partitions=job.PARTITIONS,
    topic_replication_factor=1,
    topic_disable_leader=True,
    datadir=str(job.FOLDER / "data"),
    consumer_auto_offset_reset="earliest",
    table_standby_replicas=0,
    value_serializer="json",
)
events = app.topic(*job.TOPICS, key_serializer="raw", value_serializer="json")
output = app.topic(job.OUTPUT, key_serializer="raw", value_serializer="raw")
ids = app.Table("ids", partitions=job.PARTITIONS, default=None)
owners = app.Table("owners", partitions=job.PARTITIONS, default=None)
slices = app.Table("slices", partitions=job.PARTITIONS, default=lambda: [0, 0, 0, 0])
orphans = app.Table("orphans", partitions=job.PARTITIONS, default=dict)

# A table can be read only where an event is at hand, so the timer takes values from here.
changed: dict[str, list[int]] = {}
sending = asyncio.Lock()


@app.agent(events)
async def join(stream: Any) -> None:
    async for event in stream.events():
        job.taken()
        fold(event.value, f"|{event.message.partition}")
        if job.records_taken() == job.EVENTS:
            for sent in await send():
                await sent
            await app.producer.flush()
            job.finished()


@app.timer(EVERY_SECONDS)
async def tick() -> None:
    await send()


async def send() -> list[Any]:
    """One at a time: with two in flight an older value can land last."""
    async with sending:
        values = dict(changed)
        changed.clear()
        return [await output.send(key=key.encode(), value=job.VALUE % tuple(counts)) for key, counts in values.items()]


def fold(event: dict[str, Any], tail: str) -> None:
    if event["event_id"] in ids:
        return
    ids[event["event_id"]] = 1
    referral = event["referral_id"]
    owner = owners.get(referral)
    if "influencer_id" in event:
        if owner is None:
            owners[referral] = event["influencer_id"]
            waiting = orphans.get(referral)
            for minute, counts in (waiting or {}).items():
                add(f"{job.UNATTRIBUTED}|{minute}{tail}", [-number for number in counts])
                add(f"{event['influencer_id']}|{minute}{tail}", counts)
            if waiting:
                del orphans[referral]
        return
    minute = str(job.minute_of(event["occurred_at"]))
    counts = job.counts_of(event)
    add(f"{owner or job.UNATTRIBUTED}|{minute}{tail}", counts)
    if owner is None:
        waiting = dict(orphans[referral])
        waiting[minute] = summed(waiting.get(minute, [0, 0, 0, 0]), counts)
        orphans[referral] = waiting


def add(key: str, counts: list[int]) -> None:
    slices[key] = changed[key] = summed(slices[key], counts)


def summed(left: list[int], right: list[int]) -> list[int]:
    return [a + b for a, b in zip(left, right, strict=True)]


if __name__ == "__main__":
    app.main()
