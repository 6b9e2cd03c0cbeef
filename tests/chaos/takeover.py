"""Workers take over while one of three brokers is not there: does each of them come back?

    python -m tests.chaos.takeover --trials 4 --seconds 45          black-holed from the workers, the cluster is whole
    python -m tests.chaos.takeover --trials 4 --seconds 20 --frozen  SIGSTOP: it takes connections and says nothing

A trial begins with every worker ready.  The broker goes, some workers of each role are killed and started again, so
the others of the role rebalance, load state and read their logs amid it; then the broker comes back.  A worker that is
not ready `--within` seconds later is hung; it is killed before the next trial.  In the end all must have landed.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from infra.kafka.jars import resolve
from schemas.errors import Fault
from tests.chaos.network import enter_private
from tests.chaos.splits import apart
from tests.chaos.verdict import judge, settle, wrong_exits
from tests.chaos.world import BROKERS, WORKERS, World

MODULE: Final = "tests.chaos.takeover"
READY_WITHIN: Final = 120.0  # at the very begin
KILLED: Final = {"attribution": 2, "conversion": 1, "sink": 1}


def main() -> int:
    """Exit code 0: nobody hung, and all landed."""
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description=__doc__)
    parser.add_argument("--trials", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=45.0, help="for which the broker is not there")
    parser.add_argument("--within", type=float, default=200.0, help="seconds after which a worker counts as hung")
    parser.add_argument("--rate", type=float, default=300.0, help="events a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--frozen", action="store_true", help="SIGSTOP in place of a split")
    options = parser.parse_args()
    resolve()
    private = enter_private(MODULE, sys.argv[1:])
    if not private and not options.frozen:
        print("takeover: without a network of its own only --frozen can be tried", file=sys.stderr)
        return 2
    folder = Path(tempfile.mkdtemp(prefix="groundswell-takeover-"))
    world = World(folder, frozenset(), private)
    try:
        world.open()
        hung = try_all(world, options)
    except (Fault, TimeoutError, RuntimeError) as error:
        print(f"takeover: FAILED, {error}\ntakeover: logs are in {folder}/logs")
        return 1
    finally:
        world.close()
    if hung:
        print(f"takeover: logs are in {folder}/logs")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def try_all(world: World, options: argparse.Namespace) -> list[str]:
    """Every trial, then the verdict; who hung, by trial, and what else is wrong."""
    dice = random.Random(options.seed)
    world.start_workers()
    world.start_feed(options.seed, options.rate, 3600 + options.trials * (options.seconds + options.within))
    unready = world.wait_until_ready(READY_WITHIN)
    if unready:
        raise TimeoutError(f"not ready at the begin: {', '.join(unready)}")
    trouble = []
    for number in range(1, options.trials + 1):
        hung, seconds = one_trial(world, dice, options.seconds, options.within, options.frozen)
        said = (
            f"hung: {', '.join(hung)}" if hung else f"nobody hung, the last was ready {seconds:.0f} s after it was back"
        )
        print(f"takeover: trial {number}: {said}", flush=True)
        trouble += [f"trial {number}: {name}" for name in hung]
        for name in hung:
            world.kill(name.split()[0], signal.SIGKILL)
        world.wait_until_ready(options.within)
    feed = world.stop_feed()
    settle(world, options.within)
    trouble += [*judge(world, feed).trouble, *wrong_exits(world)]
    kind = "frozen" if options.frozen else "black-holed"
    print(
        f"takeover: {'FAILED' if trouble else 'EQUAL'}: {options.trials} trials, a broker {kind} for "
        f"{options.seconds:g} s, {feed['sent']:,} events, workers ended: {dict(world.ended)}"
    )
    print("\n".join(trouble))
    return trouble


def one_trial(
    world: World, dice: random.Random, seconds: float, within: float, frozen: bool
) -> tuple[list[str], float]:
    """Who hung, and how long after the broker came back the last of the others was ready."""
    broker = BROKERS[dice.choice(list(BROKERS))]
    begin_absence(world, broker, frozen)
    for role, number in KILLED.items():
        for name in dice.sample([name for name, of in WORKERS.items() if of == role], number):
            world.kill(name, signal.SIGKILL)
    world.tend_for(seconds)
    end_absence(world, broker, frozen)
    back = time.monotonic()
    return world.wait_until_ready(within), time.monotonic() - back


def begin_absence(world: World, broker: str, frozen: bool) -> None:
    if frozen:
        world.kill(broker, signal.SIGSTOP)
        return
    assert world.splits is not None
    world.splits.begin(apart([broker], list(WORKERS)))


def end_absence(world: World, broker: str, frozen: bool) -> None:
    if frozen:
        world.kill(broker, signal.SIGCONT)
        return
    assert world.splits is not None
    world.splits.end(apart([broker], list(WORKERS)))


if __name__ == "__main__":
    sys.exit(main())
