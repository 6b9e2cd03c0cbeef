"""A worker to which the group gives nothing has been given its share all the same: it stands by."""

from __future__ import annotations

from driven import PARTITIONS, Driven


def test_an_assignment_of_nothing_counts_as_one_of_something_does() -> None:
    worker = Driven((0, 0))
    try:
        worker.gates.open_for_good()
        worker.revoke()
        worker.loop.pass_time(1.0)
        worker.assign(set())
        worker.loop.pass_time(1.0)
        assert worker.consumer.assignments == 1
        worker.revoke()
        worker.loop.pass_time(1.0)
        worker.assign(set(PARTITIONS))
        worker.loop.pass_time(1.0)
        assert worker.consumer.assignments == 2
        assert worker.failures == []
    finally:
        worker.close()
