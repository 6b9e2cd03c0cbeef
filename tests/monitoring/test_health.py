"""When is a worker well, and when is it of use?  Judged over sightings, second by second."""

from __future__ import annotations

from streams.monitoring.health import Health, Loading, WorkerSnapshot

BEHIND = WorkerSnapshot(positions={"a": 5}, ends={"a": 9}, assigned=1, ready=1)
FURTHER = WorkerSnapshot(positions={"a": 6}, ends={"a": 12}, assigned=1, ready=1)
CAUGHT_UP = WorkerSnapshot(positions={"a": 9}, ends={"a": 9}, assigned=1, ready=1)


def seen(*sightings: WorkerSnapshot, every: float = 10.0) -> Health:
    """A worker whose loop turns all the time, looked at so often; stuck after 25 s, hung after 15 s, shareless 45 s."""
    vitals = Health(stuck_after=25.0, hung_after=15.0, share_after=45.0, turned_at=0.0)
    for number, snapshot in enumerate(sightings):
        vitals.turn(number * every)
        vitals.see(snapshot, number * every)
    return vitals


def test_a_worker_that_moves_in_front_of_a_lag_is_well() -> None:
    vitals = seen(BEHIND, BEHIND, FURTHER, FURTHER)
    assert vitals.judge(30.0).trouble is None
    assert vitals.snapshot.lag == 6


def test_a_worker_that_stands_still_in_front_of_a_lag_is_not() -> None:
    vitals = seen(BEHIND, BEHIND, BEHIND)
    assert vitals.judge(25.0).trouble is None
    assert vitals.judge(26.0).trouble == "no progress for 26 s with 4 records waiting"


def test_a_worker_without_lag_may_stand_still_for_ever() -> None:
    vitals = seen(*[CAUGHT_UP] * 50)
    assert vitals.judge(490.0).trouble is None


def test_the_patience_begins_with_the_lag() -> None:
    vitals = seen(*[CAUGHT_UP] * 10, WorkerSnapshot({"a": 9}, {"a": 10}, 1, 1))
    assert vitals.judge(100.0).trouble is None


def test_who_waits_for_something_outside_is_well_and_not_ready() -> None:
    waiting = WorkerSnapshot(positions={"a": 5}, ends={"a": 9}, assigned=1, ready=1, waiting_for=("ClickHouse",))
    judgement = seen(*[waiting] * 10).judge(90.0)
    assert judgement.trouble is None
    assert judgement.missing == "waiting for ClickHouse"


def test_a_loop_without_a_turn_hangs_and_is_not_ready() -> None:
    judgement = seen(CAUGHT_UP).judge(16.0)
    assert judgement.trouble == "the event loop has hung for 16 s"
    assert judgement.missing == judgement.trouble


def test_a_process_that_was_paused_as_a_whole_is_forgiven() -> None:
    vitals = seen(BEHIND, BEHIND)
    vitals.forgive(1000.0)
    assert vitals.judge(1010.0).trouble is None
    vitals.turn(1026.0)
    assert vitals.judge(1026.0).trouble is not None, "but not for ever"


def test_it_is_not_ready_before_the_group_has_spoken() -> None:
    assert seen(WorkerSnapshot({}, {})).judge(0.0).missing == "the group has not given it its share yet"
    rebalancing = WorkerSnapshot({"a": 9}, {"a": 9}, assigned=1, ready=1, is_rebalancing=True)
    assert seen(rebalancing).judge(0.0).missing == "the group has not given it its share yet"


def test_it_is_not_ready_while_it_rebuilds() -> None:
    rebuilding = WorkerSnapshot({"a": 5, "b": 9}, {"a": 9, "b": 9}, assigned=2, ready=1)
    judgement = seen(rebuilding).judge(0.0)
    assert judgement.missing == "1 of 2 partitions are catching up"
    assert judgement.trouble is None


def test_a_worker_without_partitions_stands_by() -> None:
    assert seen(WorkerSnapshot({}, {}, assigned=0)).judge(0.0) == (None, None)


def loading(steps: int, number: int = 0) -> WorkerSnapshot:
    """A member that loads what it needs for its share: so many pieces of the load of that number so far."""
    return WorkerSnapshot({}, {}, loading=Loading(number, steps, f"loading the state: {steps} of 90 records"))


def test_a_load_that_makes_progress_is_well_however_long_it_takes() -> None:
    judgement = seen(*[loading(steps) for steps in range(90)]).judge(890.0)
    assert judgement.trouble is None
    assert judgement.missing == "loading the state: 89 of 90 records"


def test_one_load_after_another_is_progress() -> None:
    assert seen(*[loading(3, number) for number in range(9)]).judge(80.0).trouble is None


def test_a_load_that_stands_still_is_trouble() -> None:
    vitals = seen(loading(1), loading(2), loading(2), loading(2))
    assert vitals.judge(35.0).trouble is None
    assert vitals.judge(36.0).trouble == "no progress for 26 s while loading the state: 2 of 90 records"


def test_a_load_may_wait_for_a_broker_that_is_away() -> None:
    waiting = loading(2)._replace(waiting_for=("Kafka",))
    judgement = seen(*[waiting] * 10).judge(90.0)
    assert judgement.trouble is None
    assert judgement.missing == "waiting for Kafka"


def test_a_member_without_a_share_is_trouble_after_a_while() -> None:
    vitals = seen(*[WorkerSnapshot({}, {})] * 5)
    assert vitals.judge(45.0).trouble is None
    assert vitals.judge(46.0).trouble == "the group has given it no share for 46 s"


def test_a_rebalance_that_never_ends_is_trouble_even_where_nothing_waits() -> None:
    vitals = seen(CAUGHT_UP, *[WorkerSnapshot({}, {}, assigned=0, is_rebalancing=True)] * 5)
    assert vitals.judge(55.0).trouble is None
    assert vitals.judge(56.0).trouble == "the group has given it no share for 46 s"


def test_the_patience_with_a_lag_begins_with_the_share() -> None:
    vitals = seen(*[WorkerSnapshot({}, {})] * 4, BEHIND, BEHIND, BEHIND)
    assert vitals.judge(65.0).trouble is None
    assert vitals.judge(66.0).trouble == "no progress for 26 s with 4 records waiting"


def test_a_share_of_which_no_fetch_comes_back_is_trouble() -> None:
    unseen = WorkerSnapshot({"a": 5, "b": 9}, {"b": 9}, assigned=2, ready=1)
    vitals = seen(*[unseen] * 3)
    assert vitals.judge(25.0).trouble is None
    assert vitals.judge(26.0).trouble == "no answer to a fetch of 1 partitions for 26 s"
