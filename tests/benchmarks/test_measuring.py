"""The pure parts of latency, scale, panels and capacity."""

from __future__ import annotations

import msgspec
import pytest

from dashboards.boards import BOARDS
from schemas.campaign import DEFAULT_WINDOWS
from schemas.partitioning import partition_of
from tests.benchmarks.capacity import BEGIN, END, PAGE, Measured, need, size_text, table
from tests.benchmarks.distribution import Distribution
from tests.benchmarks.fill import events
from tests.benchmarks.latency import back_to_normal, judge_probes
from tests.benchmarks.panel_rows import bytes_needed, campaigns, fill_statements, numbers_of
from tests.benchmarks.panels import questions
from tests.benchmarks.probe import Sighting, names_by_partition
from tests.benchmarks.promises import Promises
from tests.benchmarks.scale import rows_a_minute


def test_percentiles_are_values_that_were_seen() -> None:
    spread = Distribution.of(range(1, 101))
    assert (spread.number, spread.p50, spread.p95, spread.p99, spread.most) == (100, 50, 95, 99, 100)
    assert Distribution.of([7.0]).p50 == Distribution.of([7.0]).most == 7.0
    assert Distribution.of([]).p99 == 0


def test_normal_is_when_the_last_slow_probe_was_seen() -> None:
    assert back_to_normal([(90.0, 5.0), (99.0, 4.0), (104.0, 2.5), (110.0, 0.2)], 100.0) == 6.5
    assert back_to_normal([(90.0, 5.0), (101.0, 0.5)], 100.0) == 0


@pytest.mark.parametrize(
    ("slow", "trouble"), [(0.5, 0), (2.0, 1), (None, 1)], ids=["all in time", "too slow", "never seen"]
)
def test_a_probe_that_is_slow_or_lost_breaks_a_promise(slow: float | None, trouble: int) -> None:
    judge = Promises()
    found = [Sighting(float(at), 0.2, 0.3) for at in range(20)] + [Sighting(5.5, slow, 0.3)]
    judge_probes(found, (10.0, 15.0), judge)
    assert len(judge.trouble) == trouble


def test_there_is_a_probe_for_every_partition() -> None:
    lanes = names_by_partition(4)
    assert sorted(lanes.values()) == [0, 1, 2, 3]
    assert all(partition_of(name.encode(), 4) == partition for name, partition in lanes.items())


def test_rows_of_the_fill_are_as_many_as_asked_and_come_in_blocks() -> None:
    assert sum(numbers_of(10_000_000).values()) == 10_000_000
    raw = [number for sql, number in fill_statements(10_000_000) if sql.startswith(("INSERT INTO clicks",))]
    assert sum(raw) == 2_600_000 + 26_000
    assert max(raw) <= 1_000_000
    assert bytes_needed(10_000_000) > 1_000_000_000
    assert len(campaigns()) == 4


def test_every_panel_is_asked() -> None:
    assert len(list(questions(""))) == sum(len(board.panels) for board in BOARDS) > 30
    assert [name for name, _ in questions("throughput")] == ["Pipeline: Throughput"]
    assert all("$" not in sql for _, sql in questions(""))


def test_windows_of_an_entity_bound_its_rows() -> None:
    # 240 flushes a minute for each of four sizes, and 1 + 1 + 1/5 + 1/30 windows that end.
    assert rows_a_minute(DEFAULT_WINDOWS, 0.25) == pytest.approx(960 + 2.2333, abs=1e-3)


def test_ten_times_the_events_need_ten_times_the_memory_and_never_fewer_workers() -> None:
    small, large = need(10_000, Measured()), need(100_000, Measured())
    assert large.ids == 10 * small.ids
    assert large.memory > 9 * small.memory
    assert large.attribution >= small.attribution >= 2
    assert small.partitions >= max(small.attribution, small.landing / 2)
    assert (size_text(237_000_000_000), size_text(1_090_000_000_000)) == ("237 GB", "1.1 TB")


def test_an_event_of_the_model_is_as_large_as_those_of_the_log() -> None:
    head = 10  # lengths, time and offset of a record in its batch
    sizes = [len(msgspec.json.encode(event)) + len(event.referral_id or "") + head for _, event, _ in events(2_000)]
    assert sum(sizes) / len(sizes) == pytest.approx(Measured().log_bytes, rel=0.02)


def test_the_performance_page_shows_the_model_as_it_is() -> None:
    text = PAGE.read_text()
    assert text.split(BEGIN)[1].split(END)[0].strip() == table(Measured())
