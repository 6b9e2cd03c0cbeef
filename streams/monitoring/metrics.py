"""The closed list of what a worker counts, and one value of one of them.

docs/operations.md, "Metrics and health", documents the same list; a test holds the two together.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple


class Kind(NamedTuple):
    """One metric: how Prometheus takes it, its labels, and what it says."""

    type: Literal["counter", "gauge"]
    labels: tuple[str, ...]
    says: str


class Sample(NamedTuple):
    """A value of a metric of KINDS; `labels` in the order of its kind."""

    name: str
    labels: tuple[str, ...]
    value: float


PREFIX: Final = "groundswell_"

KINDS: Final[dict[str, Kind]] = {
    "events": Kind(
        "counter", ("topic", "partition", "verdict"), "records folded since the log's beginning, by verdict"
    ),
    "late_events": Kind("counter", ("topic", "partition"), "accepted events that came late"),
    "dead_letters": Kind("counter", ("topic", "reason"), "dead letters that this process made"),
    "foreign_records": Kind("counter", ("topic",), "records on a topic of ours that are none of ours, left out"),
    "lag_records": Kind("gauge", ("topic", "partition"), "records of the log that are not taken in yet"),
    "freshness_seconds": Kind(
        "gauge", ("partition",), "wall clock less the newest record time that was folded, of the topic furthest behind"
    ),
    "partitions": Kind("gauge", ("state",), "partitions assigned, and those of them that are ready"),
    "loading_ratio": Kind(
        "gauge", ("partition",), "while it is loaded: records read of those that its state or mark is looked for in"
    ),
    "loading_bytes": Kind("gauge", ("partition",), "while it is loaded: bytes read for that"),
    "records_taken": Kind("counter", (), "records that the agent took in, those read again included"),
    "assignments": Kind("counter", (), "times that the group gave this worker its share"),
    "rewinds": Kind("counter", (), "times that the driver asked for records again, because the chain was broken"),
    "emissions": Kind("counter", ("topic",), "messages that Kafka has acknowledged"),
    "checkpoint_age_seconds": Kind("gauge", ("partition",), "since this process saved the state last"),
    "checkpoint_bytes": Kind("gauge", ("partition",), "size of the state that was saved last"),
    "insert_rows": Kind("counter", ("table",), "rows that ClickHouse has acknowledged"),
    "insert_seconds": Kind("counter", ("table",), "time spent in inserts that were acknowledged"),
    "inserts": Kind("counter", ("table",), "inserts that were acknowledged"),
    "insert_failures": Kind("counter", ("table",), "inserts that were not, and were tried again"),
    "waiting_rows": Kind("gauge", (), "rows collected and not inserted yet"),
    "loop_delay_seconds": Kind("gauge", (), "since the event loop had its last turn"),
    "healthy": Kind("gauge", (), "1: /healthz answers 200"),
    "ready": Kind("gauge", (), "1: /readyz answers 200"),
}

VERDICTS: Final = ("accepted", "duplicate", "dead_letter", "passed_over")
