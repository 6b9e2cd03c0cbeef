"""docker-compose.yml as Docker reads it: anchors resolved, variables filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml
from ground import ROOT

FILE = ROOT / "docker-compose.yml"
EXAMPLE = ROOT / ".env.example"
_VARIABLE = re.compile(r"\$\{(\w+)(?:(:?[-?])([^}]*))?\}")


def compose(variables: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The file with the variables of `.env` filled in as the Compose Specification has it ("Interpolation")."""
    loaded = _filled(yaml.safe_load(FILE.read_text()), variables or {})
    assert isinstance(loaded, dict)
    return loaded


def variables_of_the_file() -> dict[str, str]:
    """Every variable that the file names, with how it is written: "" or ":-"."""
    return {name: operator for name, operator, _ in _VARIABLE.findall(FILE.read_text())}


def example() -> dict[str, str]:
    """.env.example, name and value."""
    lines = [line for line in EXAMPLE.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def _filled(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner, variables) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, variables) for inner in value]
    return _VARIABLE.sub(lambda found: _value(found, variables), value) if isinstance(value, str) else value


def _value(found: re.Match[str], variables: Mapping[str, str]) -> str:
    name, operator, rest = found.groups()
    value = variables.get(name, "")
    if value or not operator:
        return value
    assert operator == ":-", operator
    return str(rest)
