"""Alert rules as the file that Grafana is provisioned with; `groundswell grafana push` sends the same."""

from __future__ import annotations

from typing import Any, Final

import yaml

from dashboards.alerts import ALERTS, Alert
from dashboards.grafana.query import FORMATS, PLUGIN, PLUGIN_VERSION

FOLDER: Final = "Groundswell"
GROUP: Final = "groundswell"
INTERVAL: Final = "30s"
HEADER: Final = "# Generated from dashboards/alerts.py by `make dashboards`.  Do not edit.\n"


def rules_yaml() -> str:
    """The file `alerting/rules.yaml`."""
    rules = [rule(alert) for alert in ALERTS]
    group = {"orgId": 1, "name": GROUP, "folder": FOLDER, "interval": INTERVAL, "rules": rules}
    content = {"apiVersion": 1, "groups": [group]}
    text: str = yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)
    return HEADER + text


def rule(alert: Alert) -> dict[str, Any]:
    """One rule, in the words of Grafana's provisioning files.

    Every row is an alert of its own: with one number and strings Grafana needs no reduction.
    """
    return {
        "uid": alert.uid,
        "title": alert.title,
        "condition": "B",
        "for": alert.wait,
        "noDataState": "Alerting" if alert.silence_fires else "OK",
        # With Error, half a minute without the store would resolve what fires.
        "execErrState": "Alerting" if alert.silence_fires else "KeepLast",
        "labels": {"family": alert.family, "severity": alert.severity},
        "annotations": {
            "summary": alert.summary,
            "sentence": alert.sentence,
            "next_step": alert.next_step,
            # As annotations: the fields dashboardUid and panelId leave links in messages empty.
            "__dashboardUid__": alert.board,
            "__panelId__": str(alert.panel),
        },
        "data": [_query(alert), _threshold()],
    }


def _query(alert: Alert) -> dict[str, Any]:
    return {
        "refId": "A",
        "datasourceUid": "clickhouse",
        "queryType": "table",
        "relativeTimeRange": {"from": 3600, "to": 0},
        "model": {
            "refId": "A",
            "datasource": {"type": PLUGIN, "uid": "clickhouse"},
            "editorType": "sql",
            "queryType": "table",
            "format": FORMATS["table"],
            "pluginVersion": PLUGIN_VERSION,
            "rawSql": alert.sql.strip() + "\n",
        },
    }


def _threshold() -> dict[str, Any]:
    return {
        "refId": "B",
        "datasourceUid": "__expr__",
        "relativeTimeRange": {"from": 0, "to": 0},
        "model": {
            "refId": "B",
            "type": "threshold",
            "expression": "A",
            "datasource": {"type": "__expr__", "uid": "__expr__"},
            "conditions": [{"evaluator": {"type": "gt", "params": [0]}}],
        },
    }


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]  # PyYAML carries no types
    """SQL as a block that can be read; no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
