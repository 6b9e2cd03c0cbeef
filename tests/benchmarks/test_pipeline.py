"""What the measurements read is what was written: lines of a log, figures of a worker."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.pipeline import Figures, Lines, Sample


def test_lines_begin_where_the_log_ended_and_come_whole(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    log.write_text("attribution starts on a\n")
    lines = Lines(log)
    with log.open("a") as output:
        output.write("attribution starts on b\npartition 1 ")
    lines.look()
    with log.open("a") as output:
        output.write("goes on at version 7 (0.5 s)\n")
    lines.look()
    assert [line for _, line in lines.seen] == ["attribution starts on b", "partition 1 goes on at version 7 (0.5 s)"]
    assert [match[1] for _, match in lines.find(r"\(([\d.]+) s\)")] == ["0.5"]


def test_figures_are_found_by_name_and_labels() -> None:
    figures = Figures(
        [
            Sample("events_total", {"topic": "clicks", "verdict": "accepted"}, 3.0),
            Sample("events_total", {"topic": "clicks", "verdict": "duplicate"}, 2.0),
            Sample("events_total", {"topic": "shares", "verdict": "accepted"}, 1.0),
            Sample("ready", {}, 1.0),
        ]
    )
    assert figures.of("events_total", verdict="accepted") == [3.0, 1.0]
    assert figures.by("events_total", "topic") == {"clicks": 5.0, "shares": 1.0}
    assert figures.of("ready") == [1.0]
    assert figures.of("lag_records") == []
