"""What became of one thing that was to be sent to Grafana or fetched from it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

Outcome = Literal["created", "changed", "unchanged", "skipped", "conflict"]


class Step(NamedTuple):
    """`outcome` "skipped" is as it was meant; "conflict" needs a person, and `note` says what to do."""

    kind: str
    name: str
    outcome: Outcome
    note: str = ""


def holds(theirs: Any, ours: Any) -> bool:
    """Whether everything that we say is so over there; Grafana adds fields of its own and leaves out empty ones."""
    if isinstance(ours, dict):
        return isinstance(theirs, dict) and all(holds(theirs.get(key), value) for key, value in ours.items())
    if isinstance(ours, list):
        return (isinstance(theirs, list) and len(theirs) == len(ours) and all(map(holds, theirs, ours))) or (
            not ours and theirs is None
        )
    return bool(theirs == ours) or (ours in ("", False, None) and theirs in ("", False, None))


def needs_a_person(steps: Iterable[Step]) -> bool:
    return any(step.outcome == "conflict" for step in steps)
