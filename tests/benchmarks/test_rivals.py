"""The contest is fair where it can be looked at without running it: logs, truth, medians, goals, tables, turns."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from schemas.campaign import load_campaigns
from schemas.codec import Codec, key_of
from schemas.events import Share
from schemas.partitioning import partition_of
from schemas.slices import INFLUENCER
from schemas.times import parse_ms
from schemas.topics import SHARES, SOURCES
from streams.audit.oracle import Oracle
from streams.audit.records import LogRecord
from streams.settings import CAMPAIGNS_HERE
from tests.benchmarks.rivals import goals, plan, report, tables
from tests.benchmarks.rivals.__main__ import exit_code
from tests.benchmarks.rivals.filling import Sent, Shape, events
from tests.benchmarks.rivals.flat import flat_of
from tests.benchmarks.rivals.goals import Goal
from tests.benchmarks.rivals.groundswell import longest_pause
from tests.benchmarks.rivals.plan import Sizes
from tests.benchmarks.rivals.run import Run, summarised
from tests.benchmarks.rivals.truth import Truth, Values, coarser, differences, truth_of
from tests.benchmarks.rivals.watching import Watched

PARTITIONS = 4
SHAPE = Shape("tested", 20_000, influencers=200, referrals=2_000)


@pytest.fixture(scope="module")
def log() -> list[Sent]:
    return list(events(SHAPE))


def counted(log: list[Sent]) -> Truth:
    def read(topic: str) -> list[bytes]:
        return [msgspec.json.encode(event) for of, event, _ in log if of == topic]

    return truth_of(read)


def run(contestant: str, seconds: float, log: str = "main", wrong: str = "", half: float | None = None) -> Run:
    return Run(contestant=contestant, log=log, events=1000, seconds=seconds, half_rate=half, cpu=seconds, wrong=wrong)


def test_a_log_has_as_many_records_as_were_asked_for_and_the_same_ones_again(log: list[Sent]) -> None:
    assert len(log) == SHAPE.events
    assert list(events(SHAPE)) == log


def test_the_mix_is_that_of_an_appeal(log: list[Sent]) -> None:
    parts = {topic: number / len(log) for topic, number in Counter(topic for topic, _, _ in log).items()}
    assert parts == pytest.approx({"shares": 0.02, "impressions": 0.70, "clicks": 0.26, "donations": 0.02}, abs=0.01)


def test_one_in_a_hundred_is_a_copy_and_one_in_twenty_is_late(log: list[Sent]) -> None:
    copies = len(log) - len({event.event_id for _, event, _ in log})
    assert copies / len(log) == pytest.approx(0.01, abs=0.003)
    late = sum(record_ms - parse_ms(event.occurred_at) > 300_000 for _, event, record_ms in log)
    assert late / len(log) == pytest.approx(0.05, abs=0.01)


def test_some_shares_come_after_events_of_their_referral(log: list[Sent]) -> None:
    seen: set[str | None] = set()
    shared: set[str | None] = set()
    afterwards = 0
    for _, event, _ in log:
        if isinstance(event, Share) and event.referral_id not in shared:
            shared.add(event.referral_id)
            afterwards += event.referral_id in seen
        seen.add(event.referral_id)
    assert 0.02 < afterwards / len(shared) < 0.5


def test_a_referral_has_one_owner_and_the_first_are_the_most_frequent(log: list[Sent]) -> None:
    owners: dict[str | None, set[str]] = {}
    for _, event, _ in log:
        if isinstance(event, Share):
            owners.setdefault(event.referral_id, set()).add(event.influencer_id)
    assert {len(found) for found in owners.values()} == {1}
    frequent = Counter(event.referral_id for topic, event, _ in log if topic != SHARES).most_common(3)
    assert {referral for referral, _ in frequent} == {"referral-0", "referral-1", "referral-2"}


def test_truth_agrees_with_the_oracle_of_the_audit(log: list[Sent]) -> None:
    offsets: Counter[tuple[str, int]] = Counter()
    records = []
    for topic, event, record_ms in log:
        key = key_of(event)
        place = (topic, partition_of(key, PARTITIONS))
        records.append(LogRecord(*place, offsets[place], key, msgspec.json.encode(event), record_ms))
        offsets[place] += 1
    oracle = Oracle(records, Codec(load_campaigns(CAMPAIGNS_HERE), PARTITIONS))
    assert not oracle.verdicts.dead_letters
    expected: Values = {}
    for entity, tallies in oracle.slices.items():
        if entity.dimension == INFLUENCER:
            for end, tally in tallies.items():
                impressions = sum(tally.count(f"impressions_{basis}") for basis in ("measured", "sampled", "estimated"))
                cents = sum(gross for gross, _, _ in tally.money.values())
                counts = [impressions, tally.count("clicks"), tally.count("donations"), cents]
                expected[f"{entity.member}|{end // 60 - 1}"] = counts
    truth = counted(log)
    assert differences(expected, truth.values) == (0, [])
    assert truth.accepted == {topic: len(oracle.verdicts.accepted[topic]) for topic in SOURCES}


def test_one_wrong_value_is_found_and_zeros_are_none() -> None:
    expected = {"a|1": [1, 0, 0, 0], "b|1": [0, 0, 0, 0]}
    assert differences(expected, {"a|1": [1, 0, 0, 0], "c|1": [0, 0, 0, 0]}) == (0, [])
    number, shown = differences(expected, {"a|1": [1, 1, 0, 0]})
    assert (number, shown) == (1, ["a|1: [1, 1, 0, 0] where [1, 0, 0, 0] is right"])


def test_longer_stretches_are_sums() -> None:
    values = {"a|b|9": [1, 0, 0, 0], "a|b|10": [1, 0, 0, 5], "a|b|14": [0, 2, 0, 0]}
    assert coarser(values, 5) == {"a|b|5": [1, 0, 0, 0], "a|b|10": [1, 2, 0, 5]}


def test_a_wrong_run_has_no_figure() -> None:
    (summary,) = summarised([run("bytewax", 1.0, wrong="1 values differ")])
    assert (summary.runs, summary.rate) == (0, 0.0)
    assert "WRONG" in tables.contest([summary], "main")
    assert goals.judged([summary])[0].verdict == "not measured"


def test_medians_are_of_right_runs_only() -> None:
    (summary,) = summarised([run("x", 1.0), run("x", 2.0), run("x", 4.0), run("x", 0.01, wrong="no")])
    assert (summary.runs, summary.rate, summary.slowest, summary.fastest) == (3, 500.0, 250.0, 1000.0)
    assert summary.wrong == ("no",)


def test_goals_are_met_or_missed_by_a_part() -> None:
    summaries = summarised([run("groundswell", 1.0), run("slow", 9.0), run("fast", 4.0, half=500.0)])
    wanted = (Goal("slow", 8), Goal("fast", 8), Goal("fast", 4, warmed_up=True), Goal("nobody", 1))
    found = goals.judged(summaries, wanted)
    assert [one.verdict for one in found] == ["met", "missed", "missed", "not measured"]
    assert [one.missed_by for one in found] == pytest.approx([0, 0.5, 0.5, 0])
    assert "missed by 50%" in tables.goals(found)


def test_flat_cost_is_how_far_the_slowest_is_behind() -> None:
    shapes = [Shape("main", 1000), Shape("large", 2000), Shape("of10", 1000, influencers=10)]
    runs = [run("groundswell", 1.0), run("groundswell", 2.0, log="large"), run("bytewax", 9.0)]
    runs[1] = msgspec.structs.replace(runs[1], events=1800, memory=3_000)
    flat = flat_of(runs, shapes, {"main": 900, "large": 1900}, {"main", "large"}, {"of10"})
    assert flat.by_events == pytest.approx(0.1)
    assert (flat.by_influencers, flat.longest_pause) == (None, None)
    assert flat.bytes_an_id == pytest.approx(3.0)


def test_pauses_count_from_the_first_event_on_and_traced_runs_are_no_figures() -> None:
    assert longest_pause("10.0 0.9\n20.0 0.01\n30.0 0.02\n", since=15.0) == 0.02
    traced = msgspec.structs.replace(run("groundswell", 9.0), longest_pause=0.02)
    assert summarised([run("groundswell", 1.0), traced])[0].runs == 1


def test_processor_time_between_two_looks_is_in_proportion() -> None:
    watched = Watched(moments=[0.0, 10.0, 20.0], used=[1.0, 2.0, 6.0])
    assert watched.used_between(5.0, 15.0) == pytest.approx(2.5)
    assert watched.used_between(0.0, 99.0) == pytest.approx(5.0)


def test_runs_are_interleaved_and_empty_logs_left_out() -> None:
    stages = plan.full(Sizes(events=10, small=5, large=0, largest=0, runs=2))
    assert [name for _, name in plan.turns(stages[:1])] == ["groundswell", "stock-faust"] * 2
    assert [stage.shape.name for stage in stages] == ["small", "main", "of10", "of1000", "of100000"]
    assert [stage.shape.name for stage in plan.limited_to(stages, ["stock-faust"])] == ["small"]


def test_logs_that_differ_in_influencers_are_read_in_turn() -> None:
    groups = plan.together(plan.full(Sizes(runs=2)))
    assert [[stage.shape.name for stage in group] for group in groups] == [
        ["small"],
        ["main"],
        ["large"],
        ["of10", "of1000", "of100000"],
    ]
    assert [stage.shape.influencers for stage, _ in plan.turns(groups[-1])] == [10, 1_000, 100_000] * 2


def test_what_was_cut_off_is_nobodys_fault_unless_it_is_ours() -> None:
    ours, cut_off = run("groundswell", 1.0), msgspec.structs.replace(run("quix", 0, wrong="late"), cut_off=True)
    assert exit_code([ours, cut_off]) == 0
    assert exit_code([ours, run("quix", 1.0, wrong="1 values differ")]) == 1
    assert exit_code([msgspec.structs.replace(cut_off, contestant="groundswell")]) == 1


def test_everybody_with_a_goal_runs() -> None:
    running = {name for stage in plan.full(Sizes()) for name in stage.contestants}
    assert {goal.contestant for goal in goals.GOALS} <= running
    assert running == {name for stage in plan.quick() for name in stage.contestants}


def test_a_section_takes_the_place_of_the_one_before() -> None:
    once = report.put("# Measured runs\n\n## Recovery\n", "first\n")
    again = report.put(once + "\n## Later\n", "second\n")
    assert "first" not in again
    assert again.startswith("# Measured runs\n\n## Recovery\n")
    assert again.index("second") < again.index("## Later")
    assert report.put(again, "second\n") == again
