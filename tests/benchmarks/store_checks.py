"""Whether what a producer has sent is in the store, asked in SQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.clickhouse.client import connect
from streams.settings import Settings


def has_landed(settings: Settings, good: Mapping[str, int]) -> bool:
    """Whether nothing is in flight and every topic has as many events as were sent."""
    found = _accounting(settings)
    return (
        len(found) == len(good)
        and all(accepted == good.get(topic) and in_flight == 0 for topic, accepted, in_flight, _ in found)
        and all(_landed(settings, topic)[0] >= number for topic, number in good.items())
    )


def what_is_missing(settings: Settings, good: Mapping[str, int]) -> list[str]:
    """Sentences about what is lost, doubled or not accounted for; none where all is well."""
    trouble = []
    for topic, number in good.items():
        rows, different = _landed(settings, topic)
        if (rows, different) != (number, number):
            trouble.append(f"{topic}: {rows:,} rows of {different:,} events where {number:,} were sent")
    trouble += [f"accounting of {topic} is off by {off}" for topic, _, _, off in _accounting(settings) if off]
    return trouble


def _landed(settings: Settings, topic: str) -> tuple[int, int]:
    view = "accepted_shares" if topic == "shares" else f"{topic} FINAL"
    rows, different = connect(settings.store).query(f"SELECT count(), uniqExact(event_id) FROM {view}").first_row
    return int(rows), int(different)


def _accounting(settings: Settings) -> list[Any]:
    query = "SELECT topic, accepted, in_flight, difference FROM accounting"
    return [tuple(row) for row in connect(settings.store).query(query).result_rows]
