"""What push does to a Grafana: everything once, nothing twice, nothing of anybody else's.

Shapes: pages "Dashboard HTTP API" and "Alerting Provisioning HTTP API" of Grafana's documentation.
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest
from published_grafana import PublishedGrafana
from small_bundle import BOARDS, ENVIRONMENT, small_bundle

from infra.grafana.alerting import push_alerting
from infra.grafana.boards import push_board, push_folder
from infra.grafana.bundle import Bundle, expand, read_bundle, seconds
from infra.grafana.gateway import Gateway
from infra.grafana.steps import Step
from schemas.errors import Fault


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return small_bundle(tmp_path)


def push(gateway: Gateway, bundle: Bundle, policy: bool = False, dry_run: bool = False) -> dict[tuple[str, str], Step]:
    folder, step = push_folder(gateway, dry_run)
    steps = [step, *(push_board(gateway, board, folder, dry_run) for board in bundle.boards)]
    steps += push_alerting(gateway, bundle, folder, policy, dry_run)
    return {(step.kind, step.name): step for step in steps}


def outcomes(steps: dict[tuple[str, str], Step], *kinds: str) -> set[str]:
    return {step.outcome for (kind, _), step in steps.items() if not kinds or kind in kinds}


def test_everything_is_made(grafana: PublishedGrafana, gateway: Gateway, bundle: Bundle) -> None:
    steps = push(gateway, bundle, policy=True)
    assert grafana.folders["groundswell"]["title"] == "Groundswell"
    assert set(grafana.boards) == set(BOARDS)
    assert {board["meta"]["folderUid"] for board in grafana.boards.values()} == {"groundswell"}
    assert set(grafana.contact_points) == {"groundswell-email", "groundswell-slack"}
    assert grafana.contact_points["groundswell-email"]["settings"]["addresses"] == ENVIRONMENT["EMAILS"]
    assert set(grafana.templates) == {"groundswell.title"}
    group = grafana.groups["groundswell", "appeal"]
    assert group["interval"] == 60
    assert group["rules"][0]["keep_firing_for"] == "5m"
    assert "provenance" not in group["rules"][0]
    assert outcomes(steps) == {"created", "skipped"}


def test_a_second_push_changes_nothing(grafana: PublishedGrafana, gateway: Gateway, bundle: Bundle) -> None:
    push(gateway, bundle, policy=True)
    before, writes = deepcopy(grafana.boards | grafana.groups | grafana.policy), len(grafana.writes)
    steps = push(gateway, bundle, policy=True)
    assert outcomes(steps) == {"unchanged", "skipped"}
    assert grafana.boards | grafana.groups | grafana.policy == before
    # Grafana hides the URL of Slack, so whether it is the same cannot be seen: it alone is sent.
    assert grafana.writes[writes:] == [("PUT", "/api/v1/provisioning/contact-points/groundswell-slack")]
    assert "cannot be compared" in steps["contact point", "groundswell/slack"].note


def test_a_dry_run_says_the_same_and_sends_nothing(grafana: PublishedGrafana, gateway: Gateway, bundle: Bundle) -> None:
    said = push(gateway, bundle, policy=True, dry_run=True)
    assert grafana.writes == []
    assert push(gateway, bundle, policy=True) == said


def test_a_dashboard_that_somebody_changed_is_made_ours_again(
    grafana: PublishedGrafana, gateway: Gateway, bundle: Bundle
) -> None:
    push(gateway, bundle)
    there = grafana.boards["groundswell-appeal"]["dashboard"]
    there["panels"][0]["title"] = "Somebody's"
    there["version"] += 1
    grafana.board_messages["groundswell-appeal"] = ""
    assert push(gateway, bundle)["dashboard", "groundswell-appeal"].outcome == "changed"
    assert grafana.boards["groundswell-appeal"]["dashboard"]["panels"][0]["title"] == "Raised"


def test_a_grafana_that_rewrites_dashboards_is_not_sent_them_for_ever(
    grafana: PublishedGrafana, gateway: Gateway, bundle: Bundle
) -> None:
    grafana.rewrites_boards = True
    push(gateway, bundle)
    assert outcomes(push(gateway, bundle), "dashboard") == {"unchanged"}


def test_a_new_version_of_ours_is_sent(grafana: PublishedGrafana, gateway: Gateway, bundle: Bundle) -> None:
    push(gateway, bundle)
    bundle.boards[0]["panels"][0]["title"] = "Raised until now"
    bundle.groups[0]["rules"][0]["for"] = "3m"
    steps = push(gateway, bundle)
    assert steps["dashboard", "groundswell-appeal"].outcome == "changed"
    assert steps["dashboard", "groundswell-pipeline"].outcome == "unchanged"
    assert steps["rules", "appeal"].outcome == "changed"


def test_a_dashboard_in_another_folder_is_brought_back(
    grafana: PublishedGrafana, gateway: Gateway, bundle: Bundle
) -> None:
    push(gateway, bundle)
    grafana.boards["groundswell-appeal"]["meta"]["folderUid"] = "elsewhere"
    assert push(gateway, bundle)["dashboard", "groundswell-appeal"].outcome == "changed"
    assert grafana.boards["groundswell-appeal"]["meta"]["folderUid"] == "groundswell"


def test_a_folder_of_that_title_is_used_whatever_its_uid(
    grafana: PublishedGrafana, gateway: Gateway, bundle: Bundle
) -> None:
    grafana.folders["made-by-a-file"] = {"uid": "made-by-a-file", "title": "Groundswell"}
    push(gateway, bundle)
    assert set(grafana.folders) == {"made-by-a-file"}
    assert ("made-by-a-file", "appeal") in grafana.groups


def test_a_folder_that_another_made_meanwhile_is_used(grafana: PublishedGrafana, gateway: Gateway) -> None:
    """Page "Folder HTTP API": a second creation is refused."""
    found = gateway.find
    asked: list[str] = []

    def find_then_lose_the_race(path: str) -> object:
        answer = found(path)
        if not asked:
            asked.append(path)
            return None
        return answer

    grafana.folders["groundswell"] = {"uid": "groundswell", "title": "Ground swell"}
    gateway.find = find_then_lose_the_race  # type: ignore[method-assign]  # the moment between two requests
    assert push_folder(gateway, dry_run=False) == ("groundswell", Step("folder", "Groundswell", "unchanged"))


def test_what_files_provision_there_is_left_and_told(
    grafana: PublishedGrafana, gateway: Gateway, bundle: Bundle
) -> None:
    push(gateway, bundle)
    for board in grafana.boards.values():
        board["meta"]["provisioned"] = True
    grafana.groups["groundswell", "appeal"]["rules"][0]["provenance"] = "file"
    grafana.contact_points["groundswell-email"]["provenance"] = "file"
    assert outcomes(push(gateway, bundle), "dashboard", "rules") == {"unchanged"}
    bundle.boards[0]["title"] = "Another"
    bundle.groups[0]["interval"] = 30
    bundle.contact_points[0]["settings"]["addresses"] = "c@example.org"
    writes = len(grafana.writes)
    steps = push(gateway, bundle)
    for name in (("dashboard", "groundswell-appeal"), ("rules", "appeal"), ("contact point", "groundswell/email")):
        assert steps[name].outcome == "conflict"
        assert "file" in steps[name].note
    assert {path for _, path in grafana.writes[writes:]} == {"/api/v1/provisioning/contact-points/groundswell-slack"}


def test_a_rule_that_somebody_paused_stays_paused(grafana: PublishedGrafana, gateway: Gateway, bundle: Bundle) -> None:
    push(gateway, bundle)
    grafana.groups["groundswell", "appeal"]["rules"][0]["isPaused"] = True
    bundle.groups[0]["rules"][0]["title"] = "Has stalled"
    assert push(gateway, bundle)["rules", "appeal"].outcome == "changed"
    assert grafana.groups["groundswell", "appeal"]["rules"][0]["isPaused"] is True


def test_a_contact_point_without_its_variables_is_skipped_by_name(
    grafana: PublishedGrafana, gateway: Gateway, tmp_path: Path
) -> None:
    steps = push(gateway, small_bundle(tmp_path, {}))
    assert grafana.contact_points == {}
    assert steps["contact point", "groundswell-slack"] == Step(
        "contact point", "groundswell-slack", "skipped", "SLACK_URL not set"
    )


def test_the_policy_is_left_alone_unless_asked(grafana: PublishedGrafana, gateway: Gateway, bundle: Bundle) -> None:
    before = deepcopy(grafana.policy)
    assert push(gateway, bundle)["policy", "Groundswell"].outcome == "skipped"
    assert grafana.policy == before


def test_the_policy_gains_one_route_and_loses_nothing(
    grafana: PublishedGrafana, gateway: Gateway, bundle: Bundle
) -> None:
    theirs = {"receiver": "grafana-default-email", "object_matchers": [["team", "=", "database"]], "continue": True}
    grafana.policy |= {"routes": [theirs], "group_wait": "7m", "mute_time_intervals": ["nights"]}
    before = deepcopy(grafana.policy)
    push(gateway, bundle, policy=True)
    ours, *others = grafana.policy["routes"]
    assert others == [theirs]
    assert {**grafana.policy, "routes": others} == before
    assert ours["object_matchers"] == [["grafana_folder", "=", "Groundswell"]]
    assert ours["routes"][0]["group_wait"] == "0s"
    assert push(gateway, bundle, policy=True)["policy", "Groundswell"].outcome == "unchanged"


def test_a_policy_whose_contact_point_is_missing_is_not_sent(
    grafana: PublishedGrafana, gateway: Gateway, tmp_path: Path
) -> None:
    before = deepcopy(grafana.policy)
    step = push(gateway, small_bundle(tmp_path, {}), policy=True)["policy", "Groundswell"]
    assert step.outcome == "conflict"
    assert grafana.policy == before


def test_variables_are_expanded_where_grafana_expands_them(bundle: Bundle) -> None:
    rule = bundle.groups[0]["rules"][0]
    assert rule["labels"]["team"] == "appeal"
    assert rule["annotations"]["summary"] == "costs $5 {{ $labels.member }}"
    assert rule["data"][0]["model"]["rawSql"] == "SELECT '$x' AS member"
    assert expand({"a": ["$$5", "${X}-$X", "$UNSET."]}, {"X": "1"}) == {"a": ["$5", "1-1", "."]}


@pytest.mark.parametrize(("text", "number"), [("0s", 0), ("60s", 60), ("1m", 60), ("1m30s", 90), ("2h", 7200), (5, 5)])
def test_durations_are_compared_as_seconds(text: str | int, number: int) -> None:
    assert seconds(text) == number


def test_a_bundle_without_dashboards_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="make dashboards"):
        read_bundle({}, tmp_path, tmp_path)
