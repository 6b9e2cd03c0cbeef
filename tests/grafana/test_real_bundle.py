"""The repository's own dashboards, rules and contact points, through the gateway."""

from __future__ import annotations

import pytest
from published_grafana import PublishedGrafana

from infra.grafana.alerting import push_alerting
from infra.grafana.boards import push_board, push_folder
from infra.grafana.bundle import DATASOURCE_UID, FOLDER_TITLE, Bundle, read_bundle
from infra.grafana.doctor import examine
from infra.grafana.gateway import Gateway
from infra.grafana.steps import Step

ENVIRONMENT = {
    "GROUNDSWELL_ALERT_EMAIL": "oncall@example.org",
    "GROUNDSWELL_ALERT_WEBHOOK_URL": "https://hooks.example.org/appeal",
    "GROUNDSWELL_ALERT_WEBHOOK_SECRET": "pa$$word",
    "GROUNDSWELL_ALERT_SLACK_URL": "https://slack.example.org/hook",
}


@pytest.fixture
def bundle() -> Bundle:
    return read_bundle(ENVIRONMENT)


def push(gateway: Gateway, bundle: Bundle) -> list[Step]:
    folder, step = push_folder(gateway, False)
    steps = [step, *(push_board(gateway, board, folder, False) for board in bundle.boards)]
    return [*steps, *push_alerting(gateway, bundle, folder, True, False)]


def test_it_goes_over_once_and_is_found_right(grafana: PublishedGrafana, gateway: Gateway, bundle: Bundle) -> None:
    assert {step.outcome for step in push(gateway, bundle)} == {"created"}
    assert {step.outcome for step in push(gateway, bundle)} == {"unchanged"}
    findings = list(examine(gateway, bundle))
    assert [finding for finding in findings if not finding.ok] == []
    assert set(grafana.boards) == {"groundswell-appeal", "groundswell-influencer", "groundswell-pipeline"}


def test_secrets_arrive_as_they_are(grafana: PublishedGrafana, gateway: Gateway, bundle: Bundle) -> None:
    push(gateway, bundle)
    assert grafana.contact_points["groundswell-webhook"]["settings"]["hmacConfig"]["secret"] == "pa$$word"


def test_it_refers_to_what_is_there(bundle: Bundle) -> None:
    panels = {board["uid"]: {panel["id"] for panel in _panels(board)} for board in bundle.boards}
    for group in bundle.groups:
        for rule in group["rules"]:
            assert rule["data"][0]["datasourceUid"] == DATASOURCE_UID
            notes = rule["annotations"]
            assert int(notes["__panelId__"]) in panels[notes["__dashboardUid__"]], rule["title"]
    assert bundle.policy is not None
    assert bundle.policy["receiver"] in {point["name"] for point in bundle.contact_points}
    assert FOLDER_TITLE == "Groundswell"


def _panels(board: dict) -> list[dict]:  # type: ignore[type-arg]  # Grafana's JSON
    return [inner for panel in board["panels"] for inner in (panel, *panel.get("panels", []))]
