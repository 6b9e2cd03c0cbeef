"""Who runs on which log, how often and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from tests.benchmarks.rivals.filling import Shape

OURS: Final = ("groundswell",)
EVERYBODY: Final = (
    "groundswell",
    "ceiling-aiokafka",
    "bytewax",
    "kafka-streams-memory",
    "kafka-streams-rocksdb",
    "quix",
    "ceiling-msgspec",
    "ceiling-clickhouse",
    "groundswell-pipeline",
)
LONG_WINDED: Final = ("groundswell", "ceiling-aiokafka", "bytewax", "kafka-streams-memory", "kafka-streams-rocksdb")
"""On the largest log: the others would take half an hour each."""

# The most telling ones first: when the time is over, the rest is left out.
QUICK: Final = (
    "groundswell",
    "bytewax",
    "ceiling-aiokafka",
    "ceiling-msgspec",
    "ceiling-clickhouse",
    "kafka-streams-memory",
    "quix",
    "groundswell-pipeline",
    "kafka-streams-rocksdb",
)
QUICK_EVENTS: Final = 20_000
QUICK_SMALL: Final = 3_000
WIDTHS: Final = (10, 1_000, 100_000)
LONG: Final = frozenset({"events"})
WIDE: Final = frozenset({"influencers"})


@dataclass(frozen=True)
class Stage:
    """One log and who runs on it, `runs` times in turn.

    `traced`: one more run of ours, with the garbage collector watched; `part_of`:
    which question of flat cost it answers.
    """

    shape: Shape
    contestants: tuple[str, ...]
    runs: int
    traced: bool = False
    part_of: frozenset[str] = frozenset()


def turns(stages: Sequence[Stage]) -> list[tuple[Stage, str]]:
    """Interleaved: what disturbs the machine for a minute disturbs everybody, on every log that is compared."""
    most = max(stage.runs for stage in stages)
    return [
        (stage, name) for turn in range(most) for stage in stages if turn < stage.runs for name in stage.contestants
    ]


def together(stages: Sequence[Stage]) -> list[list[Stage]]:
    """Logs of different numbers of influencers are filled and read together, each of the others by itself."""
    groups = groupby(stages, key=lambda stage: stage.shape.name if stage.part_of != WIDE else WIDE)
    return [list(group) for _, group in groups]


@dataclass(frozen=True)
class Sizes:
    """Numbers of events: 0 leaves a log out."""

    events: int = 1_000_000
    small: int = 100_000
    large: int = 10_000_000
    largest: int = 0
    runs: int = 5
    large_runs: int = 1


def full(sizes: Sizes) -> list[Stage]:
    """The small log is stock Faust's, which needs a minute and more for it."""
    stages = [
        Stage(Shape("small", sizes.small), ("groundswell", "stock-faust"), sizes.runs),
        Stage(Shape("main", sizes.events), EVERYBODY, sizes.runs, part_of=LONG),
        Stage(Shape("large", sizes.large), LONG_WINDED, sizes.large_runs, traced=True, part_of=LONG),
        Stage(Shape("largest", sizes.largest), OURS, sizes.large_runs, part_of=LONG),
    ]
    stages += [
        Stage(Shape(f"of{width}", sizes.events, influencers=width), OURS, sizes.runs, part_of=WIDE) for width in WIDTHS
    ]
    return [stage for stage in stages if stage.shape.events and stage.runs]


def quick() -> list[Stage]:
    """Everybody once on a small log, stock Faust on a smaller one, for a smoke test."""
    return [
        Stage(Shape("small", QUICK_SMALL), ("groundswell", "stock-faust"), 1),
        Stage(Shape("main", QUICK_EVENTS), QUICK, 1),
    ]


def limited_to(stages: Sequence[Stage], only: Sequence[str]) -> list[Stage]:
    """The same for some contestants alone; stages without any of them are left out."""
    if not only:
        return list(stages)
    found = []
    for stage in stages:
        names = tuple(name for name in stage.contestants if name in only)
        if names:
            found.append(Stage(stage.shape, names, stage.runs, stage.traced and "groundswell" in only, stage.part_of))
    return found
