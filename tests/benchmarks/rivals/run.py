"""One run of one contestant, as a record that outlives the program: a line of results.jsonl."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from msgspec import Struct


class Run(Struct, frozen=True, kw_only=True):
    """What was measured.

    Times are in seconds from the first record on; `cpu` are processor seconds in that time; `memory` in bytes.
    `half_rate` is the rate of the log's second half, where it is known.  `wrong` says what was not right: then the
    other figures mean nothing.  `cut_off`: the time of a quick run was over, which is nobody's fault.
    """

    contestant: str
    log: str
    events: int
    seconds: float = 0.0
    half_rate: float | None = None
    cpu: float = 0.0
    memory: int = 0
    messages: int = 0
    longest_pause: float | None = None
    wrong: str = ""
    cut_off: bool = False

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds if self.seconds > 0 else 0.0

    @property
    def cpu_per_million(self) -> float:
        return self.cpu / self.events * 1_000_000


class Summary(Struct, frozen=True, kw_only=True):
    """All right runs of one contestant on one log: medians, and the slowest and the fastest.

    A run whose garbage collector was traced is slower for it: it counts only if it was wrong.
    """

    contestant: str
    log: str
    events: int
    runs: int
    wrong: tuple[str, ...]
    rate: float = 0.0
    slowest: float = 0.0
    fastest: float = 0.0
    half_rate: float | None = None
    cpu_per_million: float = 0.0
    memory: float = 0.0
    messages: float = 0.0

    @property
    def best_rate(self) -> float:
        """Warmed up where that is known, else of the whole log."""
        return self.rate if self.half_rate is None else self.half_rate


def summarised(runs: Sequence[Run]) -> list[Summary]:
    """One summary a contestant and log, in the order in which they first came."""
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.contestant, run.log), []).append(run)
    return [_summary(group) for group in groups.values()]


def _summary(runs: Sequence[Run]) -> Summary:
    first, right = runs[0], [run for run in runs if not run.wrong and run.longest_pause is None]
    wrong = tuple(run.wrong for run in runs if run.wrong and not run.cut_off)
    if not right:
        return Summary(contestant=first.contestant, log=first.log, events=first.events, runs=0, wrong=wrong)
    rates = [run.rate for run in right]
    halves = [run.half_rate for run in right if run.half_rate is not None]
    return Summary(
        contestant=first.contestant,
        log=first.log,
        events=first.events,
        runs=len(right),
        wrong=wrong,
        rate=median(rates),
        slowest=min(rates),
        fastest=max(rates),
        half_rate=median(halves) if halves else None,
        cpu_per_million=median(run.cpu_per_million for run in right),
        memory=median(run.memory for run in right),
        messages=median(run.messages for run in right),
    )
