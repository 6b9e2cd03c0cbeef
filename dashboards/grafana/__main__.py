"""`python -m dashboards.grafana` writes what Grafana is provisioned with; `--check` only says what is stale."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from dashboards.boards import BOARDS
from dashboards.grafana.boards import board_json
from dashboards.grafana.rules import rules_yaml

ROOT: Final = Path(__file__).resolve().parents[2]


def files() -> dict[Path, str]:
    """Every generated file, by its path below the root of the repository."""
    boards = {Path("dashboards", "json", f"{board.uid}.json"): board_json(board) for board in BOARDS}
    return {**boards, Path("infra", "grafana", "provisioning", "alerting", "rules.yaml"): rules_yaml()}


def stale(root: Path = ROOT) -> list[Path]:
    """Files that are missing or not what would be written, and boards that nobody defines any more."""
    wanted = files()
    old = [path.relative_to(root) for path in (root / "dashboards" / "json").glob("*.json")]
    different = [
        path
        for path, text in wanted.items()
        if not (root / path).is_file() or (root / path).read_text(encoding="utf-8") != text
    ]
    return sorted([*different, *(path for path in old if path not in wanted)])


def write(root: Path = ROOT) -> list[Path]:
    """Writes what is stale and removes what nobody defines; what was touched."""
    wanted, touched = files(), stale(root)
    for path in touched:
        if path not in wanted:
            (root / path).unlink()
            continue
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(wanted[path], encoding="utf-8")
    return touched


def main() -> int:
    if "--check" in sys.argv[1:]:
        for path in stale():
            print(f"{path} is stale: run make dashboards")
        return 1 if stale() else 0
    for path in write():
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
