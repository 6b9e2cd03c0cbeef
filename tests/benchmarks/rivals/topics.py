"""Topics that come and go with a run."""

from __future__ import annotations

import time
from typing import Final

from schemas.errors import Fault
from streams.kafka.admin import admin, partition_counts

PARTITIONS: Final = 4
GONE_WITHIN: Final = 120.0


def create_output(brokers: str, topic: str) -> None:
    """A topic whose records carry the broker's time."""
    settings = {"message.timestamp.type": "LogAppendTime"}
    with admin([brokers]) as client:
        wanted = {topic: {"num_partitions": PARTITIONS, "replication_factor": 1, "configs": settings}}
        client.create_topics(wanted)
        client.wait_for_topics([topic])


def create_changelogs(brokers: str, topics: list[str]) -> None:
    """Compacted topics that a contestant would make itself, and too late: its own client does not know them yet."""
    wanted = {
        topic: {"num_partitions": PARTITIONS, "replication_factor": 1, "configs": {"cleanup.policy": "compact"}}
        for topic in topics
    }
    with admin([brokers]) as client:
        client.create_topics(wanted)
        client.wait_for_topics(topics)


def delete_all_but(brokers: str, kept: set[str]) -> None:
    """Remove every topic that nobody needs any more, changelogs of the contestants included.

    Raises:
        Fault: they are still there after a while.
    """
    deadline = time.monotonic() + GONE_WITHIN
    with admin([brokers]) as client:
        while gone := {name for name in partition_counts(client) if name not in kept and not name.startswith("__")}:
            if time.monotonic() > deadline:
                raise Fault("kafka", f"topics cannot be deleted: {', '.join(sorted(gone))}", "Look at the broker's log")
            client.delete_topics(sorted(gone), raise_errors=False)
            time.sleep(0.5)
