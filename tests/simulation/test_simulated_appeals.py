"""Simulated appeals are of the family that they claim to be, and the detector does on them what is promised."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner

from schemas.campaign import load_campaigns
from schemas.codec import Codec
from schemas.codec.rejections import Rejection
from schemas.partitioning import partition_of
from schemas.times import parse_ms
from schemas.topics import CLICKS, DONATIONS, SHARES
from streams.commands.simulate import simulate as verb
from streams.simulation.appeal import DAY, MINUTES, Size, simulate
from streams.simulation.trial import trial

CAMPAIGNS = load_campaigns(Path(__file__).parents[2] / "infra" / "campaigns")
DOOR = CAMPAIGNS["door"]


def test_an_appeal_has_as_many_clicks_and_donations_as_asked_for_on_average() -> None:
    appeals = [simulate(Random(seed), Size(clicks=5400, donations=93)) for seed in range(60)]
    assert sum(map(len, appeals)) / 60 == pytest.approx(5400, rel=0.05)
    assert sum(click.gives is not None for appeal in appeals for click in appeal) / 60 == pytest.approx(93, rel=0.15)


def test_the_same_seed_is_the_same_appeal() -> None:
    assert simulate(Random("1/0"), Size()) == simulate(Random("1/0"), Size())
    assert simulate(Random("1/0"), Size()) != simulate(Random("1/1"), Size())


def test_nights_are_quiet_and_gifts_come_after_their_click() -> None:
    appeal = simulate(Random(5), Size(clicks=200_000, donations=3000))
    by_hour = Counter(click.minute % DAY // 60 for click in appeal)
    assert max(by_hour.values()) > 5 * min(by_hour.values())
    delays = sorted(click.gives - click.minute for click in appeal if click.gives is not None)
    assert delays[0] >= 0
    assert 14 <= delays[len(delays) // 2] <= 20
    assert all(0 <= click.minute < MINUTES for click in appeal)


@pytest.mark.slow
def test_healthy_appeals_have_no_false_red_and_a_stop_is_found() -> None:
    healthy = trial(DOOR, appeals=40, seed=2, size=Size(), stop=None)
    assert healthy.with_false_red <= 1
    assert healthy.found == 0
    stopped = trial(DOOR, appeals=40, seed=2, size=Size(), stop=20 * 60)
    assert stopped.found >= 38
    assert stopped.median_clicks is not None
    assert stopped.median_clicks <= 1100


def test_the_verb_tells_its_record_as_json() -> None:
    told = CliRunner().invoke(verb, ["--appeals", "3", "--stop", "20", "--json"], standalone_mode=False)
    record = json.loads(told.output)
    assert record["appeals"] == 3
    assert record["found"] <= 3
    assert record["clicks"] == pytest.approx(5400, rel=0.2)


def test_the_events_it_writes_are_events_that_the_pipeline_takes(tmp_path: Path) -> None:
    told = CliRunner().invoke(verb, ["--out", str(tmp_path), "--stop", "20"], standalone_mode=False)
    assert told.exit_code == 0, told.output
    codec = Codec(CAMPAIGNS, 4, 14)
    numbers = {}
    for topic in (SHARES, CLICKS, DONATIONS):
        lines = (tmp_path / f"{topic}.jsonl").read_bytes().splitlines()
        numbers[topic] = len(lines)
        for line in lines:
            event = json.loads(line)
            key = event["referral_id"].encode()
            verdict = codec.validate(topic, partition_of(key, 4), key, line, parse_ms(event["occurred_at"]))
            assert not isinstance(verdict, Rejection), (verdict, line)
            if topic == DONATIONS:
                assert event["occurred_at"] < "2026-03-13T14:00"
    assert 5 <= numbers[SHARES] <= 30
    assert numbers[CLICKS] > 4000
    assert 10 <= numbers[DONATIONS] <= 90


@pytest.mark.parametrize(("hours_ago", "can_be_sent"), [(49, True), (13 * 24, True), (15 * 24, False), (10, False)])
def test_it_says_how_to_send_what_it_wrote_and_send_agrees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours_ago: int, can_be_sent: bool
) -> None:
    begin = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=hours_ago)
    campaign = f"""
id = "recent"
title = "Recent"
start = {begin:%Y-%m-%dT%H:%M:00Z}
end = {begin + timedelta(hours=48):%Y-%m-%dT%H:%M:00Z}
goal = "5000.00"
currency = "USD"
"""
    (tmp_path / "recent.toml").write_text(campaign)
    monkeypatch.setenv("GROUNDSWELL_CAMPAIGNS", str(tmp_path))
    told = CliRunner().invoke(verb, ["--campaign", "recent", "--out", str(tmp_path / "out")], standalone_mode=False)
    assert told.exit_code == 0, told.output
    assert ("Send them:" in told.output) == can_be_sent
    codec = Codec(load_campaigns(tmp_path), 4, 14)
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    refused = 0
    for topic in (SHARES, CLICKS, DONATIONS):
        for line in (tmp_path / "out" / f"{topic}.jsonl").read_bytes().splitlines():
            key = json.loads(line)["referral_id"].encode()
            refused += isinstance(codec.validate(topic, partition_of(key, 4), key, line, now_ms), Rejection)
    assert (refused == 0) == can_be_sent
