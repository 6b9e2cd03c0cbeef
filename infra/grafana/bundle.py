"""What is sent to Grafana, read from the same files that a Grafana of ours is provisioned from.

Grafana expands `$NAME` in contact points, policies and labels of rules when it reads files, and leaves queries and
annotations alone; so does this.  `$$` is a dollar.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from schemas.errors import Fault

ROOT: Final = Path(__file__).resolve().parents[2]
BOARDS: Final = ROOT / "dashboards" / "json"
ALERTING: Final = Path(__file__).parent / "provisioning" / "alerting"

FOLDER_UID: Final = "groundswell"
FOLDER_TITLE: Final = "Groundswell"
PLUGIN: Final = "grafana-clickhouse-datasource"
PLUGIN_VERSION: Final = "4.20.0"
DATASOURCE_UID: Final = "clickhouse"

_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))")
_UNITS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_NAMES_OF_RULES: Final = {"keepFiringFor": "keep_firing_for"}


@dataclass(frozen=True)
class Bundle:
    """In the shapes of Grafana's HTTP API.

    `groups` have `title`, `interval` (seconds) and `rules`; `contact_points` are one a receiver.  `unset` names, by
    contact point, the variables that are missing for it; such a one is in no other field.  `policy` is a tree or None.
    """

    boards: tuple[dict[str, Any], ...]
    groups: tuple[dict[str, Any], ...]
    contact_points: tuple[dict[str, Any], ...]
    templates: tuple[dict[str, Any], ...]
    policy: dict[str, Any] | None
    unset: Mapping[str, tuple[str, ...]]


def read_bundle(environment: Mapping[str, str], boards: Path = BOARDS, alerting: Path = ALERTING) -> Bundle:
    """The bundle of these folders.

    Raises:
        Fault: there are no dashboards, or a file cannot be read.
    """
    dashboards = tuple(_load(path) for path in sorted(boards.glob("*.json")))
    if not dashboards:
        raise Fault("groundswell", f"there are no dashboards in {boards}", "Run `make dashboards`.")
    files = [_load(path) for path in sorted(alerting.glob("*")) if path.suffix in (".yaml", ".yml", ".json")]

    def every(kind: str) -> list[dict[str, Any]]:
        return [entry for file in files for entry in file.get(kind) or ()]

    unset: dict[str, tuple[str, ...]] = {}
    points = []
    for point in _receivers(every("contactPoints")):
        missing = sorted(set(_missing(point["settings"], environment)))
        if missing:
            unset[point["uid"]] = tuple(missing)
        else:
            points.append({**point, "settings": expand(point["settings"], environment)})
    policies = every("policies")
    return Bundle(
        dashboards,
        tuple(_group(group, environment) for group in every("groups")),
        tuple(points),
        tuple({"name": entry["name"], "template": entry["template"]} for entry in every("templates")),
        expand(_without_org(policies[0]), environment) if policies else None,
        unset,
    )


def expand(value: Any, environment: Mapping[str, str]) -> Any:
    """`value` with `$NAME` and `${NAME}` replaced in all its strings; an unset variable is empty, as in Grafana."""
    if isinstance(value, str):
        return _VARIABLE.sub(
            lambda found: "$" if found[0] == "$$" else environment.get(found[1] or found[2], ""), value
        )
    if isinstance(value, dict):
        return {key: expand(inner, environment) for key, inner in value.items()}
    return [expand(inner, environment) for inner in value] if isinstance(value, list) else value


def seconds(duration: Any) -> float:
    """Of a duration as Grafana writes them: 90, "90s", "1m30s"."""
    if isinstance(duration, int | float):
        return float(duration)
    parts = re.findall(r"(?<![\d.])(\d++(?:\.\d++)?+)(ms|[smhdw])", str(duration))
    return float(sum(float(number) * _UNITS[unit] for number, unit in parts))


def _group(group: dict[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    rules = []
    for rule in group["rules"]:
        renamed = {_NAMES_OF_RULES.get(key, key): value for key, value in rule.items()}
        renamed["labels"] = expand(rule.get("labels") or {}, environment)
        rules.append({**renamed, "ruleGroup": group["name"]})
    return {"title": group["name"], "interval": int(seconds(group["interval"])), "rules": rules}


def _receivers(points: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for point in points:
        for receiver in point["receivers"]:
            yield {
                "uid": receiver["uid"],
                "name": point["name"],
                "type": receiver["type"],
                "settings": receiver["settings"],
                "disableResolveMessage": receiver.get("disableResolveMessage", False),
            }


def _missing(value: Any, environment: Mapping[str, str]) -> Iterator[str]:
    if isinstance(value, str):
        for braced, plain in _VARIABLE.findall(value):
            name = braced or plain
            if name and not environment.get(name):
                yield name
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _missing(inner, environment)


def _without_org(policy: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in policy.items() if key != "orgId"}


def _load(path: Path) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8")
    try:
        content = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except ValueError as error:
        raise Fault("groundswell", f"{path.name} cannot be read: {error}", "Restore the file.") from error
    except yaml.YAMLError as error:
        raise Fault("groundswell", f"{path.name} is no YAML: {error}", "Restore the file.") from error
    return content if isinstance(content, dict) else {}
