"""A small bundle written as files, as the real one is."""

from __future__ import annotations

import json
from pathlib import Path

from infra.grafana.bundle import Bundle, read_bundle

RULES = """
apiVersion: 1
groups:
  - orgId: 1
    name: appeal
    folder: Groundswell
    interval: 1m
    rules:
      - uid: stalled
        title: Stalled
        condition: B
        for: 60s
        keepFiringFor: 5m
        noDataState: OK
        execErrState: KeepLast
        labels: {severity: critical, team: $TEAM}
        annotations: {summary: 'costs $5 {{ $labels.member }}'}
        data:
          - refId: A
            datasourceUid: clickhouse
            relativeTimeRange: {from: 600, to: 0}
            model: {refId: A, rawSql: SELECT '$x' AS member, format: 1}
          - refId: B
            datasourceUid: __expr__
            model: {refId: B, type: threshold, expression: A}
"""
CONTACT_POINTS = """
apiVersion: 1
contactPoints:
  - orgId: 1
    name: groundswell
    receivers:
      - {uid: groundswell-email, type: email, settings: {addresses: $EMAILS}}
      - {uid: groundswell-slack, type: slack, settings: {url: $SLACK_URL, recipient: '#appeal'}}
      - uid: groundswell-webhook
        type: webhook
        settings: {url: $WEBHOOK_URL, httpMethod: POST}
templates:
  - orgId: 1
    name: groundswell.title
    template: '{{ define "groundswell.title" }}{{ .CommonAnnotations.summary }}{{ end }}'
policies:
  - orgId: 1
    receiver: groundswell
    group_by: [campaign_id]
    routes:
      - {receiver: groundswell, object_matchers: [[severity, '=', critical]], group_wait: 0s}
"""
BOARDS = ("groundswell-appeal", "groundswell-pipeline")
ENVIRONMENT = {"EMAILS": "a@example.org;b@example.org", "SLACK_URL": "http://slack.example/hook", "TEAM": "appeal"}


def small_bundle(folder: Path, environment: dict[str, str] | None = None) -> Bundle:
    boards, alerting = folder / "json", folder / "alerting"
    boards.mkdir(exist_ok=True)
    alerting.mkdir(exist_ok=True)
    for uid in BOARDS:
        board = {"uid": uid, "title": uid.title(), "schemaVersion": 42, "panels": [{"id": 1, "title": "Raised"}]}
        (boards / f"{uid}.json").write_text(json.dumps(board))
    (alerting / "rules.yaml").write_text(RULES)
    (alerting / "contact_points.yaml").write_text(CONTACT_POINTS)
    return read_bundle(ENVIRONMENT if environment is None else environment, boards, alerting)
