"""What is too long or too special to be drawn; each on a ground of its own, with a verdict like a run of chaos.

    python -m tests.chaos.scenarios                 all of them, a quarter of an hour
    python -m tests.chaos.scenarios poison cure     these

`make chaos` plays all after a run of twenty minutes or more.
"""

from __future__ import annotations

import argparse
import logging
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from infra.kafka.jars import resolve
from schemas.errors import Fault
from schemas.topics import CHECKPOINTS, SLICES
from streams.commands.topics import plan_of
from streams.producers.topics import create_topics
from tests.chaos import poison
from tests.chaos.feed import Delays
from tests.chaos.network import enter_private
from tests.chaos.quota import limit
from tests.chaos.sampler import Sampler
from tests.chaos.takeover import one_trial
from tests.chaos.verdict import judge, settle, wrong_exits
from tests.chaos.versions import another_version
from tests.chaos.world import WORKERS, World

MODULE: Final = "tests.chaos.scenarios"
RATE: Final = 500.0  # events a second
SEED: Final = 1
FIRST_READY: Final = 120.0
READY_AGAIN: Final = 200.0
BEFORE: Final = 30.0  # seconds of ordinary life before it begins, and after
LOAD_SECONDS: Final = 60.0
CHECKPOINT_CLIENT: Final = "groundswell-checkpoints"
READ_RECORDS: Final = 64  # from the end of `checkpoints`, for the newest one
DISK_SECONDS: Final = 60.0
DISK_MEGABYTES: Final = 800
ATTRIBUTION: Final = tuple(name for name, role in WORKERS.items() if role == "attribution")


class Scenario(NamedTuple):
    """`play` breaks what it is about and gives what is wrong by then; `disks` are `World.small`."""

    play: Callable[[World], list[str]]
    disks: Mapping[str, int] = {}
    needs_network: bool = False


def slow_state(world: World) -> list[str]:
    """Every worker of attribution loads its state, at a rate at which that takes more than a minute."""
    largest = max(_bytes_at_the_end(world))
    limit(world.settings.brokers, CHECKPOINT_CLIENT, int(largest / LOAD_SECONDS))
    begun = time.monotonic()
    try:
        for name in ATTRIBUTION:
            world.kill(name, signal.SIGKILL)
        world.tend_for(LOAD_SECONDS)
        loading = world.not_ready()
        unready = world.wait_until_ready(LOAD_SECONDS)
    finally:
        limit(world.settings.brokers, CHECKPOINT_CLIENT, None)
    if not loading:
        return [f"the state was loaded within {LOAD_SECONDS:.0f} s: nothing was tried"]
    # As fast as the brokers can, for whoever is not through yet: it may begin anew.
    unready = unready and world.wait_until_ready(READY_AGAIN)
    print(f"scenarios: {largest:,} bytes of a partition's state, {time.monotonic() - begun:.0f} s", flush=True)
    return [f"after a slow load: {name}" for name in unready]


def _bytes_at_the_end(world: World) -> list[int]:
    """Of each partition of `checkpoints`, what a worker reads first."""
    consumer = KafkaConsumer(bootstrap_servers=world.settings.brokers, enable_auto_commit=False)
    sizes = []
    try:
        for number in range(world.settings.partitions):
            place = TopicPartition(world.settings.topic(CHECKPOINTS), number)
            consumer.assign([place])
            end = consumer.end_offsets([place])[place]
            consumer.seek(place, max(consumer.beginning_offsets([place])[place], end - READ_RECORDS))
            size = 0
            while consumer.position(place) < end:
                found = consumer.poll(timeout_ms=500).get(place, [])
                size += sum(len(record.value or b"") for record in found)
            sizes.append(size)
    finally:
        consumer.close()
    return sizes


def poisoned(world: World) -> list[str]:
    """Each record that no codec sees, one after the other; nobody ends of it."""
    dice, trouble = random.Random(SEED), []
    for kind, send in poison.KINDS.items():
        ended = sum(world.ended.values())
        send(world.settings, dice)
        world.tend_for(15.0)
        ends = sum(world.ended.values()) - ended
        if ends:
            trouble.append(f"{kind}: workers ended {ends} times within 15 s")
    return [*trouble, *(f"after poison: {name}" for name in world.wait_until_ready(FIRST_READY))]


def rolling_upgrade(world: World) -> list[str]:
    """Workers are replaced by another version one by one, in the order of their roles, each killed once amid it."""
    other = another_version(world.stack.folder / "other-version")
    for name in WORKERS:
        world.stack.stop_child(name)
        world.start_worker(name, other)
        world.tend_for(4.0)
        for victim in WORKERS:
            if victim in world.stack.running() and WORKERS[victim] == WORKERS[name]:
                world.kill(victim, signal.SIGKILL)
                world.tend_for(2.0)
    return [f"after an upgrade: {name}" for name in world.wait_until_ready(READY_AGAIN)]


def full_broker(world: World) -> list[str]:
    """The disk of one of three brokers is full for a minute; a broker that ends of it is started again afterwards."""
    disk = world.disks["kafka/node-2"]
    disk.fill()
    world.tend_for(DISK_SECONDS)
    ended = "kafka-2" not in world.stack.running()
    disk.empty()
    if ended:
        world.kafka.kill(2)
        world.kafka.start_again(2)
    print(f"scenarios: the broker without room {'ended' if ended else 'went on'}", flush=True)
    if "No space left on device" not in world.stack.log_of("kafka-2").read_text(errors="replace"):
        return ["the broker had room all the while: nothing was tried"]
    return [f"after a full disk of a broker: {name}" for name in world.wait_until_ready(READY_AGAIN)]


def full_store(world: World) -> list[str]:
    """The disk of the store is full for a minute."""
    disk = world.disks["clickhouse"]
    query, landed = world.straight_query(), "SELECT count() FROM clicks"
    disk.fill()
    world.tend_for(DISK_SECONDS / 2)  # what was being written when it got full is refused by then
    before = query(landed)
    world.tend_for(DISK_SECONDS / 2)
    after = query(landed)
    ended = "clickhouse" not in world.stack.running()
    disk.empty()
    if ended:
        world.stack.kill_child("clickhouse")
        world.stack.restart_child("clickhouse")
    print(f"scenarios: the store without room {'ended' if ended else 'went on'}", flush=True)
    if before != after:
        return [f"clicks went from {before} to {after} on a full disk: nothing was tried"]
    return [f"after a full disk of the store: {name}" for name in world.wait_until_ready(READY_AGAIN)]


def cure(world: World) -> list[str]:
    """The cure that the runbook and the workers' own words name for slices that cannot be read: stop, delete, start."""
    for name in WORKERS:
        world.stack.stop_child(name)
    names = [world.settings.topic(topic) for topic in (SLICES, CHECKPOINTS)]
    admin = KafkaAdminClient(bootstrap_servers=world.settings.brokers)
    try:
        admin.delete_topics(names)
        deadline = time.monotonic() + 30
        while set(names) & set(admin.list_topics()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{', '.join(names)} are still there")
            time.sleep(0.5)
    finally:
        admin.close()
    create_topics(plan_of(world.settings))
    for name in WORKERS:
        world.stack.restart_child(name)
    return [f"after the cure: {name}" for name in world.wait_until_ready(READY_AGAIN)]


def takeover(world: World) -> list[str]:
    """One of three brokers is a black hole to all workers for 45 s while some of each role take over."""
    hung, _ = one_trial(world, random.Random(SEED), 45.0, READY_AGAIN, frozen=False)
    return [f"after a takeover: {name}" for name in hung]


SCENARIOS: Final = {
    "slow-state": Scenario(slow_state),
    "poison": Scenario(poisoned),
    "upgrade": Scenario(rolling_upgrade),
    "full-broker": Scenario(full_broker, {"kafka/node-2": DISK_MEGABYTES}, needs_network=True),
    "full-store": Scenario(full_store, {"clickhouse": DISK_MEGABYTES}, needs_network=True),
    "cure": Scenario(cure),
    "takeover": Scenario(takeover, needs_network=True),
}


def play(names: Sequence[str], private: bool) -> bool:
    """Play these, one after the other, and say what came of each; whether all were equal."""
    equal = True
    for name in names:
        scenario = SCENARIOS[name]
        if scenario.needs_network and not private:
            print(f"scenarios: {name}: not played, it needs namespaces of its own", flush=True)
            continue
        folder = Path(tempfile.mkdtemp(prefix=f"groundswell-{name}-"))
        begun = time.monotonic()
        said, trouble = _play_one(scenario, World(folder, frozenset(), private, scenario.disks))
        verdict = "FAILED" if trouble else "EQUAL"
        print(f"scenarios: {name}: {verdict}{said}, {time.monotonic() - begun:.0f} s", flush=True)
        if trouble:
            equal = False
            print("\n".join(trouble), f"scenarios: logs are in {folder}/logs", sep="\n", flush=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return equal


def _play_one(scenario: Scenario, world: World) -> tuple[str, list[str]]:
    trouble: list[str] = []
    try:
        world.open()
        sampler = Sampler(world.straight_query)
        world.start_workers()
        world.start_feed(SEED, RATE, 1800.0)
        trouble += [f"at the begin: {name}" for name in world.wait_until_ready(FIRST_READY)]
        sampler.start()
        world.tend_for(BEFORE)
        trouble += scenario.play(world)
        world.tend_for(BEFORE)
        feed = world.stop_feed()
        settle(world, READY_AGAIN)
        sampler.stop()
        verdict = judge(world, feed)
        trouble += [*verdict.trouble, *wrong_exits(world)]
        trouble += sampler.judge(world.query, Delays(feed["delays"]))
        said = f", {verdict.events:,} events, {verdict.rows:,} rows compared, {sampler}"
        return f"{said}, workers ended: {dict(world.ended)}", trouble
    except (Fault, TimeoutError, RuntimeError) as error:
        return "", [*trouble, str(error)]
    finally:
        world.close()


def main() -> int:
    """Exit code 0: all equal."""
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SCENARIOS)}; none: all")
    options = parser.parse_args()
    unknown = set(options.names) - set(SCENARIOS)
    if unknown:
        parser.error(f"no scenario: {', '.join(sorted(unknown))}")
    logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)  # that the store is away is our own doing
    resolve()  # Maven is outside
    try:
        private = enter_private(MODULE, sys.argv[1:])
    except Fault as fault:
        print(f"scenarios: {fault}", file=sys.stderr)
        return 2
    return 0 if play(options.names or list(SCENARIOS), private) else 1


if __name__ == "__main__":
    sys.exit(main())
