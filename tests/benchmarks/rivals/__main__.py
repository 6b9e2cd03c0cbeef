"""`make bench`: fill logs, let everybody run, compare, and say how far ahead or behind Groundswell is.

Exit code 0: every run was right, whatever the goals say; 1: one was not, or ours did not end; 2: something that a
person must mend.  A quick run, which is a smoke test of this program and of ours, only tells what others did wrong.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from schemas.errors import Fault
from tests.benchmarks.rivals import goals, machine, plan, report, tables, tools
from tests.benchmarks.rivals.contestants import CONTESTANTS
from tests.benchmarks.rivals.filling import Shape
from tests.benchmarks.rivals.flat import flat_of
from tests.benchmarks.rivals.ground import CORE_OF_SERVERS, Ground
from tests.benchmarks.rivals.groundswell import NAME, attribution
from tests.benchmarks.rivals.plan import Sizes, Stage
from tests.benchmarks.rivals.run import Run, summarised
from tests.benchmarks.rivals.watching import keep_to
from tests.benchmarks.rivals.whole_pipeline import NAME as PIPELINE
from tests.benchmarks.rivals.whole_pipeline import whole_pipeline

QUICK_SECONDS: Final = 240.0
"""After so long nobody starts any more; five minutes are the bound, of which one is for the last one's end."""

OURS: Final = (NAME, PIPELINE)
FOLDER: Final = tools.BUILD / "bench"
RESULTS: Final = FOLDER / "results.jsonl"
RESULTS_PAGE: Final = tools.HERE.parent / "RESULTS.md"


class Contest:
    """All that was measured so far; every run is a line of results.jsonl as soon as it is over."""

    def __init__(self, ground: Ground) -> None:
        self.runs: list[Run] = []
        self.ids: dict[str, int] = {}
        self._ground = ground

    def hold(self, stages: Sequence[Stage]) -> None:
        """Fill these logs, let everybody run on them in turn, remove them."""
        for stage in stages:
            self.ids[stage.shape.name] = sum(self._ground.fill(stage.shape).accepted.values())
        for stage, name in plan.turns(stages):
            if not self._ground.is_time_over():
                self._note(_run(self._ground, stage.shape, name))
            else:
                print(f"{name}: not run, the time is over", flush=True)
        for stage in stages:
            if stage.traced and not self._ground.is_time_over():
                self._note(attribution(self._ground, stage.shape, traced=True))
            self._ground.forget(stage.shape)

    def _note(self, run: Run) -> None:
        self.runs.append(run)
        with RESULTS.open("ab") as lines:
            lines.write(msgspec.json.encode(run) + b"\n")
        figures = f"{run.rate:,.0f} events/s, {run.cpu_per_million:.1f} CPU-s per million, {run.memory / 1e6:,.0f} MB"
        if run.wrong:
            figures = f"{'cut off' if run.cut_off else 'WRONG'}: {run.wrong}"
        print(f"{run.log:8} {run.contestant:22} {figures}", flush=True)


def _run(ground: Ground, shape: Shape, name: str) -> Run:
    """A contestant that cannot be had is wrong, and the others go on."""
    try:
        if name == NAME:
            return attribution(ground, shape)
        if name == PIPELINE:
            return whole_pipeline(ground, shape)
        return CONTESTANTS[name].run(ground, shape)
    except Fault as fault:
        return ground.failed(name, shape, str(fault))


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it complains until new topics have their leaders
    keep_to(CORE_OF_SERVERS)
    stages = _stages(options)
    described = machine.described()
    print(described, flush=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    RESULTS.write_bytes(b"")
    until = time.monotonic() + QUICK_SECONDS if options.quick else None
    with Ground(until) as ground:
        contest = Contest(ground)
        for stages_together in plan.together(stages):
            contest.hold(stages_together)
    _say(options, stages, contest, described)
    return exit_code([run for run in contest.runs if run.contestant in OURS] if options.quick else contest.runs)


def exit_code(runs: Sequence[Run]) -> int:
    """0: nothing was wrong, and if Groundswell ran at all, it came to an end."""
    wrong = any(run.wrong and not run.cut_off for run in runs)
    ours = [run for run in runs if run.contestant == NAME]
    return 1 if wrong or (ours and all(run.wrong for run in ours)) else 0


def _stages(options: argparse.Namespace) -> list[Stage]:
    sizes = Sizes(options.events, options.small, options.large, options.largest, options.runs, options.large_runs)
    return plan.limited_to(plan.quick() if options.quick else plan.full(sizes), options.only)


def _say(options: argparse.Namespace, stages: Sequence[Stage], contest: Contest, described: str) -> None:
    lengths, widths = (
        {stage.shape.name for stage in stages if of in stage.part_of} for of in ("events", "influencers")
    )
    shapes = [stage.shape for stage in stages]
    flat = flat_of(contest.runs, shapes, contest.ids, lengths, widths)
    bench_python = tools.BUILD / "bench-venv" / "bin" / "python"
    versions = machine.versions(bench_python if bench_python.exists() else None)
    command = " ".join(["python -m tests.benchmarks.rivals", *(sys.argv[1:])])
    text = report.section(command, described, versions, shapes, contest.runs, flat)
    (FOLDER / "RESULTS.md").write_text(text)
    summaries = summarised(contest.runs)
    for shape in shapes:
        print(f"\n{shape.name}: {shape.events:,} events\n{tables.contest(summaries, shape.name)}")
    if not options.quick:
        print(f"\n{tables.goals(goals.judged(summaries))}\n\n{tables.flat(flat)}")
    if flat.points:
        picture = (RESULTS_PAGE.parent if options.write else FOLDER) / report.PICTURE
        report.draw(flat, lengths, widths, tools.python(), picture)
    if options.write:
        RESULTS_PAGE.write_text(report.put(RESULTS_PAGE.read_text(), text))
    print(f"\n{_shown(RESULTS)}, {_shown(FOLDER / 'RESULTS.md')}", flush=True)


def _shown(path: Path) -> str:
    return os.path.relpath(path, tools.ROOT)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    sizes = Sizes()
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.rivals", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="everybody once on a small log, within five minutes")
    parser.add_argument("--events", type=int, default=sizes.events, help="of the log that everybody reads")
    parser.add_argument("--small", type=int, default=sizes.small, help="events of stock Faust's log; 0: none")
    parser.add_argument("--large", type=int, default=sizes.large, help="events of the large log; 0: none")
    parser.add_argument("--largest", type=int, default=sizes.largest, help="events of one more log of ours; 0: none")
    parser.add_argument("--runs", type=int, default=sizes.runs, help="of each on the small and the main log")
    parser.add_argument("--large-runs", type=int, default=sizes.large_runs, help="of each on the larger ones")
    parser.add_argument("--only", nargs="+", default=[], choices=sorted([*CONTESTANTS, NAME, PIPELINE]), metavar="NAME")
    parser.add_argument("--write", action="store_true", help="put the tables into tests/benchmarks/RESULTS.md")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Fault as fault:
        print(f"bench: {fault}", file=sys.stderr)
        sys.exit(2)
