"""Does an event cost the same in a log of any length, of any number of influencers?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from msgspec import Struct

from tests.benchmarks.rivals.filling import Shape
from tests.benchmarks.rivals.goals import OURS, spread
from tests.benchmarks.rivals.run import Run


class Point(Struct, frozen=True):
    """Medians of our runs on one log; `cpu` in processor seconds a million events, `memory` in bytes."""

    log: str
    events: int
    influencers: int
    rate: float
    cpu: float
    memory: float


class Flat(Struct, frozen=True):
    """`by_events`, `by_influencers`: how far the slowest is behind the fastest, None below two points.

    `bytes_an_id` is between the shortest and the longest log, the ids being their events less the copies; pauses are in
    seconds, of the longest log that was traced.
    """

    points: tuple[Point, ...]
    by_events: float | None
    by_influencers: float | None
    bytes_an_id: float | None
    longest_pause: float | None


def flat_of(
    runs: Iterable[Run], shapes: Sequence[Shape], ids: Mapping[str, int], lengths: set[str], widths: set[str]
) -> Flat:
    """`lengths`: logs that differ in their number of events; `widths`: in that of influencers; `ids` of each log."""
    ours = [run for run in runs if run.contestant == OURS and not run.wrong]
    points = {shape.name: _point(shape, found) for shape in shapes if (found := _of(ours, shape.name))}
    longer = sorted((point for log, point in points.items() if log in lengths), key=lambda point: point.events)
    wider = sorted((point for log, point in points.items() if log in widths), key=lambda point: point.influencers)
    pauses = [(run.events, run.longest_pause) for run in ours if run.longest_pause is not None]
    return Flat(
        tuple(dict.fromkeys([*longer, *wider])),
        spread(point.rate for point in longer) if len(longer) > 1 else None,
        spread(point.rate for point in wider) if len(wider) > 1 else None,
        _bytes_an_id(longer, ids) if len(longer) > 1 else None,
        max(pauses)[1] if pauses else None,
    )


def _of(runs: Iterable[Run], log: str) -> list[Run]:
    # A traced run writes down each pause: its rate does not count.
    return [run for run in runs if run.log == log and run.longest_pause is None]


def _point(shape: Shape, runs: Sequence[Run]) -> Point:
    rate, cpu = median(run.rate for run in runs), median(run.cpu_per_million for run in runs)
    return Point(shape.name, shape.events, shape.influencers, rate, cpu, median(run.memory for run in runs))


def _bytes_an_id(points: Sequence[Point], ids: Mapping[str, int]) -> float:
    shortest, longest = points[0], points[-1]
    return (longest.memory - shortest.memory) / max(1, ids[longest.log] - ids[shortest.log])
