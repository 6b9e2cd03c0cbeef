"""The files that Grafana is provisioned with, against what its own structs take and where it expands dollars."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from ground import ROOT

from dashboards.alerts import ALERTS
from dashboards.boards import BOARDS, panel_of

PROVISIONING = ROOT / "infra" / "grafana" / "provisioning"
FILES = sorted(PROVISIONING.glob("*/*.yaml"))
RECEIVER = "Groundswell"

# Field names of Grafana 12's structs in pkg/services/provisioning: anything else is dropped without a word.
GROUP = {"orgId", "name", "folder", "interval", "rules"}
RULE = {
    *("uid", "title", "condition", "data", "noDataState", "execErrState", "for", "keepFiringFor"),
    *("missing_series_evals_to_resolve", "annotations", "labels", "isPaused", "notification_settings"),
}
QUERY = {"refId", "queryType", "relativeTimeRange", "datasourceUid", "model"}
CONTACT_POINT = {"orgId", "name", "receivers"}
RECEIVER_FIELDS = {"uid", "type", "settings", "disableResolveMessage"}
SETTINGS = {
    "email": {"addresses", "singleEmail", "subject", "message"},
    "webhook": {"url", "httpMethod", "title", "message", "hmacConfig", "maxAlerts"},
    "slack": {"url", "recipient", "title", "text", "token"},
}
ROUTE = {
    *("receiver", "group_by", "group_wait", "group_interval", "repeat_interval", "object_matchers", "routes"),
    *("continue", "mute_time_intervals", "orgId"),
}
DATASOURCE = {
    *("name", "uid", "type", "access", "isDefault", "editable", "jsonData", "secureJsonData", "orgId", "version"),
}
PLUGIN_SETTINGS = {
    *("host", "port", "protocol", "secure", "username", "defaultDatabase", "dialTimeout", "queryTimeout"),
}
DURATION = re.compile(r"(\d+(ms|[smhdwy]))+")


def read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((PROVISIONING / name).read_text())
    return content


def rules() -> list[dict[str, Any]]:
    return [rule for group in read("alerting/rules.yaml")["groups"] for rule in group["rules"]]


def routes(route: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield route
    for inner in route.get("routes", ()):
        yield from routes(inner)


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from strings(inner)


def test_every_file_is_of_version_one_and_known() -> None:
    assert [str(path.relative_to(PROVISIONING)) for path in FILES] == [
        *("alerting/contact-points.yaml", "alerting/policy.yaml", "alerting/rules.yaml", "alerting/templates.yaml"),
        *("dashboards/groundswell.yaml", "datasources/clickhouse.yaml"),
    ]
    for path in FILES:
        assert yaml.safe_load(path.read_text())["apiVersion"] == 1


def test_rules_have_fields_that_grafana_reads() -> None:
    [group] = read("alerting/rules.yaml")["groups"]
    assert set(group) <= GROUP
    assert DURATION.fullmatch(group["interval"])
    assert [rule["uid"] for rule in group["rules"]] == [alert.uid for alert in ALERTS]
    for rule in group["rules"]:
        assert set(rule) <= RULE
        assert len(rule["uid"]) <= 40
        assert DURATION.fullmatch(rule["for"])
        assert rule["condition"] in [query["refId"] for query in rule["data"]]
        assert all(set(query) <= QUERY for query in rule["data"])
        assert all(type(text) is str for part in ("labels", "annotations") for text in rule[part].values())


def test_only_the_dead_mans_rule_takes_silence_for_an_alert() -> None:
    states = {rule["uid"]: (rule["noDataState"], rule["execErrState"]) for rule in rules()}
    assert states.pop("groundswell-dead") == ("Alerting", "Alerting")
    assert set(states.values()) == {("OK", "KeepLast")}


def test_a_rule_asks_a_table_of_the_data_source_and_compares_it_with_nothing() -> None:
    for alert, rule in zip(ALERTS, rules(), strict=True):
        asked, compared = (query["model"] for query in rule["data"])
        assert rule["data"][0]["datasourceUid"] == asked["datasource"]["uid"] == "clickhouse"
        assert (asked["format"], asked["queryType"], asked["editorType"]) == (1, "table", "sql")
        assert asked["rawSql"].strip() == alert.sql.strip()
        assert compared["type"] == "threshold"
        assert compared["expression"] == asked["refId"]
        assert compared["conditions"] == [{"evaluator": {"type": "gt", "params": [0]}}]


def test_a_rule_links_to_a_panel_that_is_there() -> None:
    for rule in rules():
        note = rule["annotations"]
        assert panel_of(note["__dashboardUid__"], int(note["__panelId__"]))


def test_what_a_rule_says_uses_strings_that_its_sql_gives() -> None:
    for alert in ALERTS:
        for name in re.findall(r"\$labels\.(\w+)", alert.summary + alert.sentence + alert.next_step):
            assert re.search(rf"\bAS {name}\b", alert.sql), f"{alert.uid} gives no {name}"


def test_contact_points_have_fields_that_grafana_reads_and_never_an_empty_one() -> None:
    [point] = read("alerting/contact-points.yaml")["contactPoints"]
    assert set(point) <= CONTACT_POINT
    assert point["name"] == RECEIVER
    assert {receiver["type"] for receiver in point["receivers"]} == set(SETTINGS)
    for receiver in point["receivers"]:
        assert set(receiver) <= RECEIVER_FIELDS
        assert set(receiver["settings"]) <= SETTINGS[receiver["type"]]
        assert all(strings(receiver["settings"]))


def test_policies_have_fields_that_grafana_reads_and_name_the_contact_point() -> None:
    [policy] = read("alerting/policy.yaml")["policies"]
    for route in routes(policy):
        assert set(route) <= ROUTE
        assert route["receiver"] == RECEIVER
        assert all(DURATION.fullmatch(route[name]) for name in route if name.endswith(("_wait", "_interval")))
        assert all(len(matcher) == 3 for matcher in route.get("object_matchers", ()))


def test_one_cause_is_one_message() -> None:
    given = {label for rule in rules() for label in rule["labels"]} | {"campaign_id"}
    [policy] = read("alerting/policy.yaml")["policies"]
    for route in routes(policy):
        assert route["group_by"] == ["family", "campaign_id"]
        assert set(route["group_by"]) <= given


def test_messages_use_templates_that_exist_and_carry_sentence_and_link() -> None:
    [template] = read("alerting/templates.yaml")["templates"]
    text = template["template"]
    defined = set(re.findall(r'{{-? define "([\w.]+)"', text))
    used = {name for path in FILES for name in re.findall(r'{{-? template "([\w.]+)"', path.read_text())}
    assert used <= defined
    assert {".Annotations.sentence", ".Annotations.next_step", ".PanelURL"} <= set(re.findall(r"(?:\.\w+)+", text))
    assert "Value" not in text, "a resolved alert carries old values"
    assert len(re.findall(r"{{-? (?:define|if|range)\b", text)) == len(re.findall(r"{{-? end\b", text))


def test_the_data_source_is_the_one_that_boards_name_and_reads_only() -> None:
    [source] = read("datasources/clickhouse.yaml")["datasources"]
    assert set(source) <= DATASOURCE
    assert set(source["jsonData"]) <= PLUGIN_SETTINGS
    assert (source["uid"], source["type"]) == ("clickhouse", "grafana-clickhouse-datasource")
    assert source["jsonData"]["username"] == "reader"
    assert source["jsonData"]["protocol"] == "http"


def test_boards_are_provided_into_the_folder_of_the_rules() -> None:
    [provider] = read("dashboards/groundswell.yaml")["providers"]
    [group] = read("alerting/rules.yaml")["groups"]
    assert provider["folder"] == group["folder"]
    assert "folderUid" not in provider, "alerting makes the folder first, by its title"
    assert len(list((ROOT / "dashboards" / "json").glob("*.json"))) == len(BOARDS)


@pytest.mark.parametrize(
    "name", ["datasources/clickhouse.yaml", "alerting/contact-points.yaml", "alerting/policy.yaml"]
)
def test_a_dollar_is_a_variable_of_ours_where_grafana_expands(name: str) -> None:
    for text in strings(read(name)):
        for found in re.findall(r"\$\S*", text):
            assert re.fullmatch(r"\$GROUNDSWELL_[A-Z_]+", found), f"{found}: ${{VAR}} would expand a secret twice"


def test_labels_of_rules_have_no_dollar_and_their_annotations_none_that_grafana_expands() -> None:
    for rule in rules():
        assert "$" not in json.dumps(rule["labels"])
        assert "${" not in json.dumps(rule["annotations"])
        assert not re.search(r"\$(?!labels\.)", json.dumps(rule["annotations"]))


def test_templates_have_no_dollar() -> None:
    for text in strings(read("alerting/templates.yaml")):
        assert "$" not in text


def test_the_composed_stack_leaves_no_variable_of_grafana_empty() -> None:
    composed = ROOT / "docker-compose.yml"
    if not composed.is_file():
        pytest.skip("there is no docker-compose.yml")
    environment = yaml.safe_load(composed.read_text())["services"]["grafana"]["environment"]
    given = environment if isinstance(environment, dict) else dict(line.split("=", 1) for line in environment)
    used = {name for path in FILES for text in strings(yaml.safe_load(path.read_text())) for name in names(text)}
    # start.sh makes NAME of NAME__FILE; the files are never empty (tests/infra/test_compose.py).
    files = {name.removesuffix("__FILE"): str(value) for name, value in given.items() if name.endswith("__FILE")}
    assert used <= {*given, *files}
    for name in used - set(files):
        assert re.fullmatch(r"\$\{\w+:-.+\}|[^$].*", str(given[name])), f"{name} may be empty"
    assert all(files[name].startswith("/run/secrets/") for name in used & set(files))


def names(text: str) -> list[str]:
    return re.findall(r"\$(GROUNDSWELL_[A-Z_]+)", text)
