"""What each rule's SQL gives on the real engine: the shape that Grafana takes without a reduction, and who fires."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest
from asking import Asked
from watching import watching

from dashboards.alerts import ALERTS, DEAD_LETTERS, Alert
from schemas.times import MINUTE_MS, rfc3339
from schemas.topics import SOURCES
from streams.producers.door import START_MS

ALERT = {alert.uid.removeprefix("groundswell-"): alert for alert in ALERTS}
EVERY = [pytest.param(alert, id=name) for name, alert in ALERT.items()]


@pytest.fixture
def store(empty_store: Asked) -> Any:
    """A migrated store, emptied after the test."""
    yield empty_store
    for table in ("stalls", "watermarks", "dead_letters"):
        empty_store.client.command(f"TRUNCATE TABLE {table}")


def firing(store: Asked, name: str) -> list[dict[str, Any]]:
    return [row for row in store.rows(ALERT[name].sql) if row["firing"]]


def lines(*rows: dict[str, Any]) -> bytes:
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def report(
    clock_ms: int, computed_ms: int, partition: int = 0, idle: int = 0, slices_partition: int = 0
) -> dict[str, bytes]:
    """What conversion says of a source partition: read up to `clock_ms`, said at `computed_ms`."""
    maps = {name: dict.fromkeys(SOURCES, 0) for name in ("positions", "begins", "ends", "accepted", "late")}
    return {
        "watermarks": lines(
            {
                "slices_partition": slices_partition,
                "source_partition": partition,
                "clock": rfc3339(clock_ms),
                "idle": idle,
                "source_version": computed_ms,
                "version": computed_ms,
                "computed_at": rfc3339(computed_ms),
                **maps,
                "duplicates": {},
                "dead_lettered": {},
            }
        )
    }


def dead_letters(count: int, topic: str, record_ms: int) -> dict[str, bytes]:
    row = {
        "topic": topic,
        "source_partition": 0,
        "record_time": rfc3339(record_ms),
        "processor": "groundswell-attribution",
        "processor_version": "test",
        "reason": "not_json",
        "payload": "",
        "attempts": 1,
        "precedence": 1,
    }
    return {"dead_letters": lines(*({**row, "source_offset": offset} for offset in range(count)))}


def word(state: str, minute: int, sentence: str, *, changed: int, member: str = "door", version: int = 1) -> bytes:
    """One record of the detector."""
    [line, *_] = watching()["stalls"].splitlines()
    moment = rfc3339(START_MS + minute * MINUTE_MS)
    dimension = "campaign" if member == "door" else "influencer"
    said = {"state": state, "minute": moment, "sentence": sentence, "changed": changed, "version": version}
    said["next_step"] = "Give a test donation."
    return lines({**msgspec.json.decode(line), **said, "member": member, "dimension": dimension})


@pytest.mark.parametrize("alert", EVERY)
def test_a_rule_gives_one_number_and_strings_and_no_time(alert: Alert, door_store: Asked) -> None:
    names, types, rows = door_store.ask(alert.sql)
    assert dict(zip(names, types, strict=True)).pop("firing") == "UInt32"
    assert {kind for name, kind in zip(names, types, strict=True) if name != "firing"} <= {
        "String",
        "LowCardinality(String)",
    }
    assert rows
    assert all(row[names.index("firing")] in (0, 1) for row in rows)
    labels = [tuple(value for name, value in zip(names, row, strict=True) if name != "firing") for row in rows]
    assert len(labels) == len(set(labels)), "an alert is known by its labels"


@pytest.mark.parametrize("alert", EVERY)
def test_nobody_is_woken_by_a_store_in_which_nothing_was_said(alert: Alert, empty_store: Asked) -> None:
    _, _, rows = empty_store.ask(alert.sql)
    assert not any(row[-1] for row in rows)
    # Where no row is an alert too, there must be none, and there it is one: no worker ever reported.
    assert (not rows) if alert.silence_fires else True


@pytest.mark.parametrize("name", list(ALERT))
def test_a_history_that_was_played_to_its_end_wakes_nobody(name: str, door_store: Asked) -> None:
    assert firing(door_store, name) == []


@pytest.mark.parametrize(
    ("state", "name"),
    [("stalled", "stalled"), ("slow", "slow"), ("no_traffic", "no-traffic"), ("feed_down", "feed-down")],
)
def test_a_state_fires_its_own_rule_alone(store: Asked, state: str, name: str) -> None:
    store.insert({"stalls": word("ok", 10, "fine", changed=1) + word(state, 20, "why", changed=1)})
    fired = {rule for rule in ALERT if firing(store, rule) and rule != "dead"}
    assert fired == {name}
    [row] = firing(store, name)
    assert (row["campaign_id"], row["sentence"]) == ("door", "why")


@pytest.mark.parametrize("state", ["ok", "not_started", "tail"])
def test_a_state_that_is_no_incident_fires_nothing(store: Asked, state: str) -> None:
    store.insert({"stalls": word(state, 20, "why", changed=1) + word(state, 20, "why", changed=1, member="author")})
    assert {rule for rule in ALERT if firing(store, rule)} == set()


def test_an_influencer_that_stalls_warns_and_nothing_else(store: Asked) -> None:
    campaign, author = word("ok", 20, "fine", changed=1), word("stalled", 20, "theirs", changed=1, member="author")
    store.insert({"stalls": campaign + author})
    assert {rule for rule in ALERT if firing(store, rule)} == {"influencer-stalled"}
    [row] = firing(store, "influencer-stalled")
    assert (row["campaign_id"], row["influencer_id"], row["sentence"]) == ("door", "author", "theirs")
    assert ALERT["influencer-stalled"].severity == "warning"


def test_labels_stand_still_while_an_alert_fires_and_until_the_next(store: Asked) -> None:
    def labels() -> dict[str, Any]:
        [row] = store.rows(ALERT["stalled"].sql)
        return {name: value for name, value in row.items() if name != "firing"}

    store.insert({"stalls": word("stalled", 20, "560 clicks", changed=1)})
    first = labels()
    store.insert({"stalls": word("stalled", 25, "600 clicks", changed=0)})
    assert labels() == first
    assert firing(store, "stalled")
    store.insert({"stalls": word("ok", 30, "fine", changed=1)})
    assert labels() == first, "it resolves as itself"
    assert not firing(store, "stalled")
    store.insert({"stalls": word("stalled", 90, "700 clicks", changed=1)})
    assert labels()["sentence"] == "700 clicks"
    assert firing(store, "stalled")


@pytest.mark.parametrize(
    ("clock", "said", "fires"),
    [
        pytest.param(5, 5, set(), id="keeps up"),
        pytest.param(240, 5, set(), id="four minutes behind"),
        pytest.param(400, 5, {"behind"}, id="behind"),
        pytest.param(400, 300, {"dead"}, id="dead, which is not also behind"),
        pytest.param(40 * 86_400, 5, set(), id="history is played"),
        pytest.param(40 * 86_400, 86_400, set(), id="history was played yesterday"),
        pytest.param(2 * 86_400, 2 * 86_400, {"dead"}, id="dead for two days"),
    ],
)
def test_a_pipeline_that_is_behind_or_dead(store: Asked, clock: int, said: int, fires: set[str]) -> None:
    now_ms = int(time.time() * 1000)
    store.insert(report(now_ms - clock * 1000, now_ms - said * 1000))
    assert {rule for rule in ALERT if firing(store, rule)} == fires


def test_one_partition_that_nobody_works_on_is_enough(store: Asked) -> None:
    now_ms = int(time.time() * 1000)
    store.insert(report(now_ms, now_ms, 0, idle=1))
    store.insert(report(now_ms - 300_000, now_ms - 300_000, 1, idle=1))
    assert {rule for rule in ALERT if firing(store, rule)} == {"dead"}


@pytest.mark.parametrize(
    ("clock", "said", "fires"),
    [
        pytest.param(400, 5, {"behind"}, id="it reads, and is behind"),
        pytest.param(400, 300, {"dead"}, id="nobody works on it"),
    ],
)
def test_one_partition_of_slices_is_enough_though_the_others_are_well(
    store: Asked, clock: int, said: int, fires: set[str]
) -> None:
    now_ms = int(time.time() * 1000)
    store.insert(report(now_ms, now_ms))
    store.insert(report(now_ms - clock * 1000, now_ms - said * 1000, slices_partition=2))
    assert {rule for rule in ALERT if firing(store, rule)} == fires


@pytest.mark.parametrize(
    ("count", "minutes_ago", "fires"),
    [
        pytest.param(DEAD_LETTERS, 1, {"clicks"}, id="enough"),
        pytest.param(DEAD_LETTERS - 1, 1, set(), id="too few"),
        pytest.param(DEAD_LETTERS, 60, set(), id="an hour ago"),
    ],
)
def test_many_new_dead_letters_of_a_topic(store: Asked, count: int, minutes_ago: int, fires: set[str]) -> None:
    now_ms = int(time.time() * 1000)
    store.insert(report(now_ms, now_ms))
    for _ in range(2):
        store.insert(dead_letters(count, "clicks", now_ms - minutes_ago * MINUTE_MS))
    assert {row["topic"] for row in firing(store, "dead-letters")} == fires
    assert [row["topic"] for row in store.rows(ALERT["dead-letters"].sql)] == sorted(SOURCES)
