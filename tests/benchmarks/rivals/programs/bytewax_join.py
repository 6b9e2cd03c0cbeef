"""Bytewax: a state for each referral (dedupe, join), then one for each influencer and minute, without recovery."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import bytewax.operators as op
import msgspec
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulBatchLogic
from bytewax.testing import run_main

from tests.benchmarks.rivals.programs import job

Counted = tuple[str, list[int]]  # influencer|minute, counts


class Event(msgspec.Struct, gc=False):
    """The fields that the job needs; decoding fewer of them is quicker than decoding all."""

    event_id: str
    referral_id: str
    occurred_at: str
    influencer_id: str | None = None
    count: int | None = None
    amount: str | None = None


decode_one = msgspec.json.Decoder(Event).decode


def decode(messages: list[Any]) -> list[tuple[str, Event]]:
    job.taken(len(messages))
    events = [decode_one(message.value) for message in messages]
    return [(event.referral_id, event) for event in events]


class Referral(StatefulBatchLogic):  # type: ignore[type-arg]
    """Whose it is, which events it had, and what came before that was known."""

    def __init__(self, state: Any) -> None:
        self.owner, self.ids, self.waiting = state or (None, set(), {})

    def on_batch(self, values: list[Event]) -> tuple[list[Counted], bool]:
        found: list[Counted] = []
        for event in values:
            if event.event_id in self.ids:
                continue
            self.ids.add(event.event_id)
            if event.influencer_id is None:
                found.append(self._count(event))
            elif self.owner is None:
                self.owner = event.influencer_id
                found += self._moved()
        return found, False

    def _count(self, event: Event) -> Counted:
        minute = job.minute_of(event.occurred_at)
        if event.count is not None:
            counts = [event.count, 0, 0, 0]
        elif event.amount is not None:
            counts = [0, 0, 1, job.cents_of(event.amount)]
        else:
            counts = [0, 1, 0, 0]
        if self.owner is not None:
            return f"{self.owner}|{minute}", counts
        waiting = self.waiting.setdefault(minute, [0, 0, 0, 0])
        for place, number in enumerate(counts):
            waiting[place] += number
        return f"{job.UNATTRIBUTED}|{minute}", counts

    def _moved(self) -> list[Counted]:
        found: list[Counted] = []
        for minute, counts in self.waiting.items():
            found.append((f"{job.UNATTRIBUTED}|{minute}", [-number for number in counts]))
            found.append((f"{self.owner}|{minute}", counts))
        self.waiting = {}
        return found

    def snapshot(self) -> Any:
        return self.owner, set(self.ids), {minute: list(counts) for minute, counts in self.waiting.items()}


class Slice(StatefulBatchLogic):  # type: ignore[type-arg]
    """Counters of an influencer in a minute: said after each batch that touched them."""

    def __init__(self, state: Any) -> None:
        self.counts = state or [0, 0, 0, 0]

    def on_batch(self, values: list[list[int]]) -> tuple[list[bytes], bool]:
        counts = self.counts
        for more in values:
            for place in range(4):
                counts[place] += more[place]
        return [job.VALUE % tuple(counts)], False

    def snapshot(self) -> Any:
        return list(self.counts)


def messages(batch: list[tuple[str, bytes]]) -> list[Any]:
    return [KafkaSinkMessage(key.encode(), value) for key, value in batch]


def main() -> None:
    flow = Dataflow("join")
    # The client's own waiting when its queue is full is a second by default, which is no part of the contest.
    reading = {"fetch.queue.backoff.ms": "5", "queued.max.messages.kbytes": "16384"}
    source = KafkaSource([job.BROKER], list(job.TOPICS), tail=False, batch_size=1000, add_config=reading)
    keyed = op.flat_map_batch("decode", op.input("log", flow, source), decode)
    joined = op.stateful_batch("join", keyed, Referral)
    values = op.stateful_batch(
        "count", op.flat_map_batch("rekey", joined, lambda batch: [one for _, one in batch]), Slice
    )
    writing = {"linger.ms": "5", "queue.buffering.max.messages": "1000000", "partitioner": "murmur2_random"}
    op.output(
        "values", op.flat_map_batch("write", values, messages), KafkaSink([job.BROKER], job.OUTPUT, add_config=writing)
    )
    run_main(flow, epoch_interval=timedelta(seconds=1))
    job.finished()


if __name__ == "__main__":
    main()
