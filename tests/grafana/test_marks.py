"""Annotations both ways.  Shapes: page "Annotations HTTP API" of Grafana's documentation."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from ground import ROOT
from published_grafana import PublishedGrafana

from infra.grafana import marks
from infra.grafana.gateway import Gateway
from infra.grafana.marks import Mark, incident_id, pull, pulled_id, push_marks
from infra.grafana.steps import Step
from schemas.annotations import decode, encode
from schemas.campaign import Campaign, load_campaigns
from schemas.times import parse_ms

START = parse_ms("2026-03-12T18:00:00Z")
HOUR = 3_600_000
BOARD = "groundswell-appeal"
LAUNCH = Mark("0b9c7a3e-0000-4000-8000-000000000001", "door", "launch", START, None, "The post is out")
STALL = Mark("0b9c7a3e-0000-4000-8000-000000000002", "door", "stalled", START + HOUR, START + 2 * HOUR, "No donation")


@pytest.fixture
def campaigns() -> dict[str, Campaign]:
    return load_campaigns(Path(ROOT / "infra" / "campaigns"))


def push(gateway: Gateway, *sent: Mark, dry_run: bool = False) -> list[str]:
    return [step.outcome for step in push_marks(gateway, sent, [BOARD], dry_run)]


def known_board(grafana: PublishedGrafana) -> None:
    grafana.boards[BOARD] = {"dashboard": {"uid": BOARD, "title": "Appeal", "version": 1}, "meta": {}}


def test_marks_are_sent_once(grafana: PublishedGrafana, gateway: Gateway) -> None:
    assert push(gateway, LAUNCH, STALL) == ["created", "created"]
    assert push(gateway, LAUNCH, STALL) == ["unchanged", "unchanged"]
    assert [(one["time"], one["timeEnd"]) for one in grafana.annotations.values()] == [
        (START, START),
        (START + HOUR, START + 2 * HOUR),
    ]
    assert set(grafana.annotations[2]["tags"]) >= {"groundswell", "campaign:door", "stalled"}
    assert {one["dashboardUID"] for one in grafana.annotations.values()} == {None}


def test_an_incident_that_ends_gets_its_end_and_keeps_its_tags(grafana: PublishedGrafana, gateway: Gateway) -> None:
    push(gateway, STALL._replace(until_ms=None))
    tags = list(grafana.annotations[1]["tags"])
    assert push(gateway, STALL) == ["changed"]
    assert grafana.annotations[1]["timeEnd"] == STALL.until_ms
    assert grafana.annotations[1]["tags"] == tags
    assert grafana.requests[-1][2] == {"timeEnd": STALL.until_ms}


def test_a_dry_run_sends_no_mark(grafana: PublishedGrafana, gateway: Gateway) -> None:
    assert push(gateway, LAUNCH, dry_run=True) == ["created"]
    assert grafana.writes == []


def test_an_incident_keeps_its_id_and_another_has_another() -> None:
    at = datetime(2026, 3, 13, tzinfo=UTC)
    one = incident_id("door", "campaign", "door", "stalled", at)
    assert one == incident_id("door", "campaign", "door", "stalled", at)
    others = {
        incident_id("door", "influencer", "door", "stalled", at),
        incident_id("door", "campaign", "door", "slow", at),
    }
    assert one not in others
    assert len(others) == 2


def test_what_people_wrote_comes_back_as_records(
    grafana: PublishedGrafana, gateway: Gateway, campaigns: dict[str, Campaign]
) -> None:
    known_board(grafana)
    grafana.annotate("on the radio\n at noon", START + 5, dashboardUID=BOARD, timeEnd=START + 9)
    grafana.annotate("sent the reminder", START + 7, tags=["campaign:door", "reminder"])
    found = pull(gateway, campaigns, [BOARD])
    assert found.skipped == []
    first, second = found.annotations
    assert (first.campaign_id, first.kind, first.text) == ("door", "note", "on the radio at noon")
    assert (parse_ms(first.at), first.until and parse_ms(first.until)) == (START + 5, START + 9)
    assert (second.kind, second.until) == ("reminder", None)
    for annotation in found.annotations:
        assert decode(encode(annotation)) == annotation


def test_pulling_again_gives_the_same_ids_and_an_edit_keeps_its_id(
    grafana: PublishedGrafana, gateway: Gateway, campaigns: dict[str, Campaign]
) -> None:
    known_board(grafana)
    number = grafana.annotate("first words", START, dashboardUID=BOARD)
    before = pull(gateway, campaigns, [BOARD]).annotations
    assert pull(gateway, campaigns, [BOARD]).annotations == before
    grafana.annotations[number]["text"] = "better words"
    (after,) = pull(gateway, campaigns, [BOARD]).annotations
    assert after.annotation_id == before[0].annotation_id
    assert after.text == "better words"


def test_what_was_pushed_is_not_pulled_and_what_was_pulled_is_not_pushed(
    grafana: PublishedGrafana, gateway: Gateway, campaigns: dict[str, Campaign]
) -> None:
    known_board(grafana)
    push(gateway, LAUNCH)
    number = grafana.annotate("by hand", START, dashboardUID=BOARD)
    (pulled,) = pull(gateway, campaigns, [BOARD]).annotations
    assert pulled.text == "by hand"
    assert pulled.annotation_id == pulled_id(grafana.annotations[number])
    back = Mark(pulled.annotation_id, "door", "note", START, None, "by hand")
    assert push(gateway, LAUNCH, back) == ["unchanged"]
    assert len(grafana.annotations) == 2


def test_what_belongs_to_others_is_left(
    grafana: PublishedGrafana, gateway: Gateway, campaigns: dict[str, Campaign]
) -> None:
    """A dashboard that Grafana does not know filters nothing: its answer holds everybody's."""
    grafana.annotate("another team's", START, dashboardUID="theirs")
    grafana.annotate("state of an alert", START, dashboardUID=BOARD, alertId=3)
    assert pull(gateway, campaigns, [BOARD]) == ([], [])
    known_board(grafana)
    assert pull(gateway, campaigns, [BOARD]) == ([], [])


def test_whose_it_is_must_be_clear(grafana: PublishedGrafana, gateway: Gateway, campaigns: dict[str, Campaign]) -> None:
    known_board(grafana)
    grafana.annotate("long before any appeal", parse_ms("2001-01-01T00:00:00Z"), dashboardUID=BOARD)
    grafana.annotate("of no campaign here", START, dashboardUID=BOARD, tags=["campaign:other"])
    grafana.annotate("", START, dashboardUID=BOARD)
    found = pull(gateway, campaigns, [BOARD])
    assert found.annotations == []
    assert [step.outcome for step in found.skipped] == ["conflict", "conflict", "skipped"]
    assert "campaign:ID" in found.skipped[0].note
    assert found.skipped[2] == Step("annotation", "3", "skipped", "it has no text")


def test_more_than_a_page_is_read_whole(
    grafana: PublishedGrafana,
    gateway: Gateway,
    campaigns: dict[str, Campaign],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(marks, "PAGE", 3)
    known_board(grafana)
    for number in range(10):
        grafana.annotate(f"note {number}", START + number // 2, dashboardUID=BOARD)
    assert len(pull(gateway, campaigns, [BOARD]).annotations) == 10
