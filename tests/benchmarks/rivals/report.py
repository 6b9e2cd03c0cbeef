"""The section of RESULTS.md: what was run, on what, and what came of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from tests.benchmarks.rivals import goals, tables
from tests.benchmarks.rivals.filling import Shape
from tests.benchmarks.rivals.flat import Flat
from tests.benchmarks.rivals.run import Run, summarised

BEGIN: Final = "<!-- rivals: written by `make bench WRITE=1` -->"
END: Final = "<!-- rivals: end -->"
PICTURE: Final = "flat-cost.png"

FAIRNESS: Final = """\
Everybody reads the same log with one worker process on one core; broker and ClickHouse are on the other. Everybody
dedupes by id, joins by referral in any order, counts impressions, clicks, donations and cents by influencer and
minute, and writes absolute values to Kafka. The last value of each key is compared with a truth counted apart from
the log itself; a run that differs in one key has no figure. Times are from the first record to the broker's time of
the last value; processor time is of that stretch, memory the most that the process ever held.

What is not alike: Groundswell validates every field, knows campaigns, writes dead letters and progress, counts
channels, ties and the campaign too, keeps versions, saves its state, and its time ends only when all that is
acknowledged. It says nothing before it has folded what the log held when it started, while the others say
intermediate values all the time: Kafka Streams and stock Faust what changed in half a second, Bytewax and Quix each
batch or event. Bytewax saves nothing. Kafka Streams is tuned (larger batches and caches), Quix decodes with msgspec.
The ceilings do less than the job: they bound it. ClickHouse's SELECT finds its tables filled, and would have to run
anew for every new event."""


def section(
    command: str, machine: str, versions: Mapping[str, str], shapes: Sequence[Shape], runs: Sequence[Run], flat: Flat
) -> str:
    summaries = summarised(runs)
    parts = ["## Rivals", f"```\n{command}\n```", f"{machine}.\n{tables.versions(versions)}.", FAIRNESS]
    for shape in shapes:
        if any(run.log == shape.name and run.contestant != goals.OURS for run in runs):
            of = f"{shape.events:,} events, {shape.influencers:,} influencers, {shape.referrals:,} referrals"
            parts += [f"### The log `{shape.name}`: {of}", tables.contest(summaries, shape.name)]
    parts += ["### Goals", tables.goals(goals.judged(summaries))]
    if flat.points:
        parts += ["### Flat cost", tables.flat(flat), f"![events per second across sizes]({PICTURE})"]
    failures = tables.failures(summaries)
    if failures:
        parts += ["### What was wrong", "\n".join(f"* {line}" for line in failures)]
    return "\n\n".join(parts) + "\n"


def put(document: str, text: str) -> str:
    """The document with the section in place of the one before, else at its end."""
    block = f"{BEGIN}\n\n{text}\n{END}\n"
    if BEGIN in document and END in document:
        before, _, rest = document.partition(BEGIN)
        return before + block + rest.partition(END)[2].lstrip("\n")
    return document.rstrip("\n") + "\n\n" + block


def draw(flat: Flat, lengths: set[str], widths: set[str], interpreter: Path, picture: Path) -> None:
    """The plot of flat cost.

    Raises:
        subprocess.CalledProcessError: matplotlib failed; its own words are on stderr.
    """
    said = {
        "events": [msgspec.to_builtins(point) for point in flat.points if point.log in lengths],
        "influencers": [msgspec.to_builtins(point) for point in flat.points if point.log in widths],
    }
    program = Path(__file__).with_name("plot.py")
    command = [str(interpreter), str(program), str(picture)]
    subprocess.run(command, input=json.dumps(said), text=True, check=True, timeout=120)
