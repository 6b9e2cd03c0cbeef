"""The folder and the dashboards over there: as ours, or to be sent."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final
from urllib.parse import quote

from infra.grafana.bundle import FOLDER_TITLE, FOLDER_UID
from infra.grafana.gateway import Conflict, Gateway, Provisioned
from infra.grafana.steps import Step, holds

OF_THE_SERVER: Final = ("id", "version")


def find_folder(gateway: Gateway) -> str | None:
    """The uid of our folder: the one we give it, or the one under which a file has provisioned its title."""
    found = gateway.find(f"/folders/{FOLDER_UID}")
    if found is not None:
        return FOLDER_UID
    folders = gateway.get("/folders?limit=1000")
    return next((str(folder["uid"]) for folder in folders if folder["title"] == FOLDER_TITLE), None)


def push_folder(gateway: Gateway, dry_run: bool) -> tuple[str, Step]:
    """The folder's uid, and what was done."""
    uid = find_folder(gateway)
    if uid is not None:
        return uid, Step("folder", FOLDER_TITLE, "unchanged")
    if not dry_run:
        try:
            gateway.request("POST", "/folders", {"uid": FOLDER_UID, "title": FOLDER_TITLE})
        except Conflict:  # somebody was quicker, or a first try had arrived
            uid = find_folder(gateway)
            if uid is None:
                raise
            return uid, Step("folder", FOLDER_TITLE, "unchanged")
    return FOLDER_UID, Step("folder", FOLDER_TITLE, "created")


def push_board(gateway: Gateway, board: dict[str, Any], folder: str, dry_run: bool) -> Step:
    """Make one dashboard there what it is here; what people changed in it by hand is overwritten."""
    name = str(board["uid"])
    there = find_board(gateway, name)
    if there is not None and is_ours(gateway, there, board, folder):
        return Step("dashboard", name, "unchanged")
    if there is not None and there["meta"].get("provisioned"):
        file = there["meta"].get("provisionedExternalId") or "a file"
        return Step("dashboard", name, "conflict", f"it is provisioned from {file} there, and that is another version")
    if not dry_run:
        body = {
            "dashboard": {**_bare(board), "id": None},
            "folderUid": folder,
            "overwrite": True,
            "message": fingerprint(board),
        }
        try:
            gateway.request("POST", "/dashboards/db", body)
        except Provisioned as refused:
            return Step("dashboard", name, "conflict", str(refused))
    return Step("dashboard", name, "created" if there is None else "changed")


def find_board(gateway: Gateway, uid: str) -> Any:
    """`dashboard` and `meta` as Grafana has them, or None."""
    return gateway.find(f"/dashboards/uid/{quote(uid, safe='')}")


def is_ours(gateway: Gateway, there: Any, board: dict[str, Any], folder: str | None) -> bool:
    """Whether a dashboard is what we would send.

    Newer Grafanas rewrite a dashboard when they load it, so its JSON may differ though nobody touched it; then its
    newest version's message, which holds our fingerprint, decides.
    """
    if folder is not None and there["meta"].get("folderUid", folder) != folder:
        return False
    bare = _bare(there["dashboard"])
    if bare == _bare(board):
        return True
    if not holds(bare, {"title": board.get("title")}):
        return False
    versions = gateway.find(f"/dashboards/uid/{quote(board['uid'], safe='')}/versions?limit=1")
    if isinstance(versions, dict):
        versions = versions.get("versions")
    return bool(versions) and versions[0].get("message") == fingerprint(board)


def fingerprint(board: dict[str, Any]) -> str:
    """Names the content of a dashboard, in the message of its version."""
    content = json.dumps(_bare(board), sort_keys=True).encode()
    return f"groundswell {hashlib.sha256(content).hexdigest()[:16]}"


def _bare(board: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in board.items() if key not in OF_THE_SERVER}
