"""infra/prometheus against the metrics that there are and the services that there will be."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
import yaml
from compose_file import compose
from ground import ROOT

from streams.monitoring.metrics import KINDS, PREFIX
from streams.settings import ROLE_NAMES

FOLDER = ROOT / "infra" / "prometheus"
CONFIGURATION = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
RULES = [rule for group in yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"] for rule in group["rules"]]


def test_every_role_is_scraped_where_compose_serves_it() -> None:
    (job,) = CONFIGURATION["scrape_configs"]
    scraped = {entry["names"][0]: entry["port"] for entry in job["dns_sd_configs"]}
    services = compose()["services"]
    for number, role in enumerate(ROLE_NAMES):
        assert scraped.pop(role) == int(services[role]["environment"]["GROUNDSWELL_METRICS_PORT"]) + number
    assert not scraped


def test_rules_name_metrics_that_exist_and_say_what_to_do() -> None:
    counters = {f"{PREFIX}{name}_total" for name, kind in KINDS.items() if kind.type == "counter"}
    gauges = {PREFIX + name for name, kind in KINDS.items() if kind.type == "gauge"}
    for rule in RULES:
        assert set(re.findall(r"groundswell_\w+", rule["expr"])) <= counters | gauges, rule["alert"]
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["next_step"]
        assert rule["labels"]["severity"] in ("critical", "warning")


def test_the_rules_file_is_the_one_that_is_named() -> None:
    assert CONFIGURATION["rule_files"] == ["rules.yml"]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not here (Debian's package prometheus)")
def test_prometheus_own_tool_takes_both_files() -> None:
    done = subprocess.run(["promtool", "check", "config", "prometheus.yml"], cwd=FOLDER, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"SUCCESS: {len(RULES)} rules found" in done.stdout
