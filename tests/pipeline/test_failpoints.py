"""Workers that end, as hard as `kill -9` would, at every moment that matters: the tables equal the oracle's.

An appeal is played in as many parts as there are rounds.  In each round every role runs into its next fail point.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import zip_longest
from typing import Final

import pytest
from brokers import on
from ground import ROOT
from harness import Broker, Pipeline
from test_faults import appeal_to_break, assert_equal

from infra.processes.ports import free_port
from schemas.errors import Fault
from streams.commands.appeals import Appeal
from streams.failpoints import EXIT_CODE, FAIL_POINTS, VARIABLE, armed_in

IN_EVERY_ROLE: Final = ("after_fetch", "after_step", "on_assigned", "after_load")
AT_A_REBALANCE: Final = ("on_revoked", "after_last_flush")
IN_OUTPUT: Final = ("after_acknowledgement", "before_acknowledgement", "before_emission")
# The detectors have something to say when attribution has told all partitions: when it ends late, at a rebalance.
POINTS: Final = {
    "attribution": (
        *("after_checkpoint", "between_parts", "between_pieces", *IN_OUTPUT, *IN_EVERY_ROLE),
        *AT_A_REBALANCE,
    ),
    "conversion": (
        *("between_pieces", "before_mark", "after_mark", *IN_OUTPUT, *IN_EVERY_ROLE),
        *("after_stalls", *AT_A_REBALANCE),
    ),
    "sink": ("before_insert", "between_tables", "before_positions", *IN_EVERY_ROLE, *AT_A_REBALANCE),
}
ALL_ROUNDS: Final = list(zip_longest(*POINTS.values()))
THIRDS: Final = 3  # the rounds are shared out among as many tests, which can run beside each other
SWIFT: Final = {"GROUNDSWELL_CHECKPOINT_INTERVAL": "1", "GROUNDSWELL_STUCK_AFTER": "30"}


def parts(appeal: Appeal, number: int) -> Iterator[Appeal]:
    size = -(-len(appeal.records) // number)
    for start in range(0, len(appeal.records), size):
        records = appeal.records[start : start + size]
        yield Appeal(appeal.campaign_id, records, records[-1].record_time_ms)


@on("tansu")
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("third", range(THIRDS))
def test_a_worker_that_ends_at_any_fail_point_changes_nothing(broker: Broker, third: int) -> None:
    rounds = ALL_ROUNDS[third::THIRDS]
    pieces = list(parts(appeal_to_break(), len(rounds) + 1))
    sent = 0
    with Pipeline(broker, SWIFT) as pipeline:
        for piece, points in zip(pieces, rounds, strict=False):
            armed = {role: point for role, point in zip(POINTS, points, strict=True) if point is not None}
            port = free_port(following=2)
            for role, point in armed.items():
                pipeline.start(role, extra={VARIABLE: point, "GROUNDSWELL_METRICS_PORT": str(port)})
            sent += pipeline.play(piece)
            for role, point in armed.items():
                if point in AT_A_REBALANCE:
                    pipeline.wait_until_ready(role, port)
                    pipeline.start(role, f"{role}-beside")
            for role, point in armed.items():
                assert pipeline.wait_for_end(role) == EXIT_CODE, f"{role} at {point}\n{pipeline.logs()}"
            for role, point in armed.items():
                if point in AT_A_REBALANCE:
                    pipeline.stack.stop_child(f"{role}-beside")
        pipeline.start_all()
        sent += pipeline.play(pieces[-1])
        assert_equal(pipeline, sent)


def reached(source: str) -> set[str]:
    """The fail points that a module comes to."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr == "hit" and isinstance(call.args[0], ast.Constant)
    }


def test_the_list_is_closed() -> None:
    used = set().union(*(reached(path.read_text()) for path in (ROOT / "streams").rglob("*.py")))
    assert used == set(FAIL_POINTS)
    assert set().union(*POINTS.values()) == set(FAIL_POINTS), "each is tried"


def test_a_fail_point_is_named_and_counted() -> None:
    assert armed_in({}) is None
    assert armed_in({VARIABLE: "after_step"}) == ("after_step", 1)
    assert armed_in({VARIABLE: "after_step:3"}) == ("after_step", 3)


@pytest.mark.parametrize("text", ["nowhere", "after_step:0", "after_step:x", ":2"])
def test_one_that_is_not_in_the_list_is_a_fault(text: str) -> None:
    with pytest.raises(Fault, match="It is for tests"):
        armed_in({VARIABLE: text})
