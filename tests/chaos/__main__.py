"""One run of chaos; see the package."""

from __future__ import annotations

import argparse
import logging
import random
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from infra.kafka.jars import resolve
from schemas.errors import Fault
from tests.chaos import scenarios
from tests.chaos.compaction import rebuild_from_compacted
from tests.chaos.faults import Faults
from tests.chaos.feed import Delays
from tests.chaos.network import enter_private
from tests.chaos.sampler import Sampler
from tests.chaos.verdict import Verdict, judge, settle, wrong_exits
from tests.chaos.world import WORKERS, World

READY_WITHIN: Final = 120.0  # before the first fault: everybody has joined
LONG: Final = 20.0  # minutes from which on the scenarios are played too


def main() -> int:
    """Exit code 0: everything counted exactly once."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=3.0, help="of faults, the start included")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--rate", type=float, default=1000.0, help="events a second")
    parser.add_argument("--every", type=float, default=2.2, help="seconds between two faults, on average")
    parser.add_argument("--without", nargs="*", choices=Faults.NAMES, default=[], help="faults that are not drawn")
    options = parser.parse_args()
    logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)  # that the store is away is our own doing
    seed = secrets.randbelow(100_000) if options.seed is None else options.seed
    resolve()  # Maven is outside
    try:
        private = enter_private("tests.chaos", again(seed, options))
    except Fault as fault:
        print(f"chaos: {fault}", file=sys.stderr)
        return 2
    folder = Path(tempfile.mkdtemp(prefix=f"groundswell-chaos-{seed}-"))
    print(f"chaos: seed {seed}, {options.minutes:g} minutes, {options.rate:g} events a second", flush=True)
    world = World(folder, draw_static(seed), private)
    print(f"chaos: static members: {', '.join(sorted(world.static)) or 'none'}", flush=True)
    try:
        phases = Phases()
        world.open()
        faults, verdict = run(world, seed, options, phases)
        phases.over("rebuild")
    except (Fault, TimeoutError, RuntimeError) as error:
        print(f"chaos: FAILED, {error}\n{how_to_repeat(seed, options, folder)}")
        return 1
    finally:
        world.close()
    print(f"chaos: took: {phases}")
    print(summary(seed, options.minutes, world, faults, verdict))
    if verdict.trouble:
        print("\n".join(verdict.trouble))
        print(how_to_repeat(seed, options, folder))
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    if options.minutes >= LONG:
        return 0 if scenarios.play(list(scenarios.SCENARIOS), private) else 1
    return 0


class Phases:
    """What a run took, by its phases."""

    def __init__(self) -> None:
        self.started = self._begun = time.monotonic()
        self._seconds: dict[str, float] = {}

    def over(self, name: str) -> None:
        """A phase ends and the next one begins."""
        now = time.monotonic()
        self._seconds[name], self._begun = now - self._begun, now

    def __str__(self) -> str:
        return ", ".join(f"{name} {seconds:.0f} s" for name, seconds in self._seconds.items())


def draw_static(seed: int) -> frozenset[str]:
    """Which workers keep their places in the group over restarts: about half.  Dice apart from those of the faults."""
    dice = random.Random(f"static members of {seed}")
    return frozenset(name for name in WORKERS if dice.random() < 0.5)


def run(world: World, seed: int, options: argparse.Namespace, phases: Phases) -> tuple[Faults, Verdict]:
    """Break things for so long, let them settle, compare."""
    seconds = options.minutes * 60
    dice = random.Random(seed)
    faults, sampler = Faults(world, dice, options.without), Sampler(world.straight_query)
    world.start_workers()
    world.start_feed(seed, options.rate, READY_WITHIN + seconds + 120)
    unready = world.wait_until_ready(READY_WITHIN)
    if unready:
        raise TimeoutError(f"not ready at the begin: {', '.join(unready)}")
    phases.over("start")
    sampler.start()
    begun = next_fault = said = time.monotonic()
    # The start counts, but for no more than half of it: on a busy machine too there is time for faults.
    over = max(phases.started + seconds, begun + seconds / 2)
    while time.monotonic() < over:
        now = time.monotonic()
        world.tend()
        faults.undo_due(now)
        if now >= next_fault:
            faults.draw()
            next_fault = now + dice.expovariate(1 / options.every)
        if now - said >= 60:
            said = now
            print(f"  {(now - begun) / 60:.0f} min: {dict(faults.done)}", flush=True)
        time.sleep(0.1)
    faults.undo_all()
    feed = world.stop_feed()
    phases.over("faults")
    settle(world)
    sampler.stop()
    phases.over("rest")
    verdict = judge(world, feed)
    verdict.sampled = str(sampler)
    verdict.trouble += sampler.judge(world.query, Delays(feed["delays"]))
    phases.over("comparison")
    if not verdict.trouble:
        verdict.trouble += rebuild_from_compacted(world)
    verdict.trouble += wrong_exits(world)
    return faults, verdict


def summary(seed: int, minutes: float, world: World, faults: Faults, verdict: Verdict) -> str:
    """One line of verdict, and what was done."""
    done, counted = faults.done, world.pages.counted
    taken = counted["attribution groundswell_records_taken_total"]
    assignments = sum(number for name, number in counted.items() if "assignments" in name)
    rewinds = sum(number for name, number in counted.items() if "rewinds" in name)
    kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(done.items()))
    return (
        f"chaos: faults: {kinds}\n"
        f"chaos: {verdict.sampled}\n"
        f"chaos: workers ended: {dict(sorted((f'{name} {code}', n) for (name, code), n in world.ended.items()))}\n"
        f"chaos: {'FAILED' if verdict.trouble else 'EQUAL'}: seed {seed}, {minutes:g} min, "
        f"{verdict.events:,} events, "
        f"{done['SIGKILL'] + done['SIGTERM']} kills, at least {assignments} assignments, {rewinds} rewinds, "
        f"attribution took at least {taken:,} records, {verdict.rows:,} rows compared, "
        f"{verdict.lost} lost, {verdict.doubled} doubled"
    )


def how_to_repeat(seed: int, options: argparse.Namespace, folder: Path) -> str:
    return f"chaos: logs are in {folder}/logs; again: python -m tests.chaos {' '.join(again(seed, options))}"


def again(seed: int, options: argparse.Namespace) -> list[str]:
    """The arguments of this run, its seed among them."""
    given = ["--seed", str(seed), "--minutes", f"{options.minutes:g}"]
    given += ["--rate", f"{options.rate:g}", "--every", f"{options.every:g}"]
    return [*given, *(["--without", *options.without] if options.without else [])]


if __name__ == "__main__":
    sys.exit(main())
