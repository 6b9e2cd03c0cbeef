"""Rules, contact points, message templates and, only when asked, one route of the notification policy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from infra.grafana.bundle import FOLDER_TITLE, Bundle, seconds
from infra.grafana.gateway import Gateway, Provisioned
from infra.grafana.steps import Step, holds

HIDDEN: Final = "[REDACTED]"
DURATIONS: Final = ("for", "keep_firing_for")
OUR_ALERTS: Final = [["grafana_folder", "=", FOLDER_TITLE]]
BASE: Final = "/v1/provisioning"
ANOTHER_FILE: Final = "provisioned from a file there, which is another version: update that file"


def push_group(gateway: Gateway, group: dict[str, Any], folder: str, dry_run: bool) -> Step:
    """Make one group of rules what it is here.  A rule that somebody paused there stays paused."""
    name = str(group["title"])
    there = find_group(gateway, folder, name)
    if there is not None and group_is_ours(there, group):
        return Step("rules", name, "unchanged")
    if there is not None and any(rule.get("provenance") == "file" for rule in there["rules"]):
        return Step("rules", name, "conflict", ANOTHER_FILE)
    if not dry_run:
        try:
            gateway.request("PUT", _group_path(folder, name), _to_send(group, there, folder))
        except Provisioned as refused:
            return Step("rules", name, "conflict", str(refused))
    return Step("rules", name, "created" if there is None else "changed")


def find_group(gateway: Gateway, folder: str, name: str) -> Any:
    """A group as Grafana has it, or None; one without rules is none."""
    there = gateway.find(_group_path(folder, name))
    return there if there and there.get("rules") else None


def group_is_ours(there: dict[str, Any], group: dict[str, Any]) -> bool:
    return holds(_comparable(there), _comparable(group))


def push_contact_point(gateway: Gateway, point: dict[str, Any], existing: list[Any], dry_run: bool) -> Step:
    """Make one receiver what it is here.  Secrets are hidden over there, so what holds one is sent every time."""
    name = f"{point['name']}/{point['type']}"
    there = next((other for other in existing if other.get("uid") == point["uid"]), None)
    hidden = there is not None and HIDDEN in str(there.get("settings"))
    if there is not None and not hidden and holds(there, point):
        return Step("contact point", name, "unchanged")
    if there is not None and there.get("provenance") == "file":
        if hidden and holds(there, _unhidden(point, there)):
            return Step("contact point", name, "unchanged", "from a file there; its secret cannot be compared")
        return Step("contact point", name, "conflict", ANOTHER_FILE)
    if not dry_run:
        try:
            if there is None:
                gateway.request("POST", f"{BASE}/contact-points", point, repeatable=False)
            else:
                gateway.request("PUT", f"{BASE}/contact-points/{quote(point['uid'], safe='')}", point)
        except Provisioned as refused:
            return Step("contact point", name, "conflict", str(refused))
    if there is not None and hidden and holds(there, _unhidden(point, there)):
        return Step("contact point", name, "unchanged", "sent all the same: it holds a secret that cannot be compared")
    return Step("contact point", name, "created" if there is None else "changed")


def push_template(gateway: Gateway, template: dict[str, Any], dry_run: bool) -> Step:
    """Make one message template what it is here."""
    name = str(template["name"])
    path = f"{BASE}/templates/{quote(name, safe='')}"
    there = gateway.find(path)
    if there is not None and there.get("template", "").strip() == template["template"].strip():
        return Step("template", name, "unchanged")
    if there is not None and there.get("provenance") == "file":
        return Step("template", name, "conflict", ANOTHER_FILE)
    if not dry_run:
        gateway.request("PUT", path, {"template": template["template"]})
    return Step("template", name, "created" if there is None else "changed")


def push_policy(gateway: Gateway, policy: dict[str, Any], dry_run: bool) -> Step:
    """Put one route for our folder's alerts in front of the others.

    Grafana takes the policy only as a whole tree.  So the tree that is there is sent back as it is, and nothing but
    our route in it is new or changed.
    """
    tree = gateway.get(f"{BASE}/policies")
    if tree.get("provenance") == "file":
        return Step("policy", FOLDER_TITLE, "conflict", "the policy is from a file there: add the route to that")
    ours = {**policy, "object_matchers": OUR_ALERTS}
    others = [route for route in tree.get("routes") or [] if route.get("object_matchers") != OUR_ALERTS]
    present = our_route(tree)
    if present is not None and holds(present, ours):
        return Step("policy", FOLDER_TITLE, "unchanged")
    if not dry_run:
        kept = {key: value for key, value in tree.items() if key != "provenance"}
        gateway.request("PUT", f"{BASE}/policies", {**kept, "routes": [ours, *others]})
    return Step("policy", FOLDER_TITLE, "created" if present is None else "changed")


def our_route(tree: dict[str, Any]) -> dict[str, Any] | None:
    """The route of a policy tree that is for our folder's alerts alone."""
    return next((route for route in tree.get("routes") or [] if route.get("object_matchers") == OUR_ALERTS), None)


def push_alerting(gateway: Gateway, bundle: Bundle, folder: str, with_policy: bool, dry_run: bool) -> Iterator[Step]:
    """Templates before the contact points that use them, these before the policy, rules last."""
    for template in bundle.templates:
        yield push_template(gateway, template, dry_run)
    existing = gateway.get(f"{BASE}/contact-points") or []
    for point in bundle.contact_points:
        yield push_contact_point(gateway, point, existing, dry_run)
    for uid, variables in bundle.unset.items():
        yield Step("contact point", uid, "skipped", f"{', '.join(variables)} not set")
    if with_policy and bundle.policy is not None:
        yield _policy_or_reason(gateway, bundle, dry_run)
    elif bundle.policy is not None:
        yield Step("policy", FOLDER_TITLE, "skipped", "left as it is; --policy adds one route for this folder's alerts")
    for group in bundle.groups:
        yield push_group(gateway, group, folder, dry_run)


def _policy_or_reason(gateway: Gateway, bundle: Bundle, dry_run: bool) -> Step:
    assert bundle.policy is not None
    wanted = set(_receivers(bundle.policy))
    known = {str(point["name"]) for point in gateway.get(f"{BASE}/contact-points") or []}
    known |= {str(point["name"]) for point in bundle.contact_points} if dry_run else set()
    if wanted <= known:
        return push_policy(gateway, bundle.policy, dry_run)
    missing = ", ".join(sorted(wanted - known))
    return Step("policy", FOLDER_TITLE, "conflict", f"there is no contact point {missing}: set its variables")


def _receivers(route: dict[str, Any]) -> Iterator[str]:
    if route.get("receiver"):
        yield str(route["receiver"])
    for inner in route.get("routes") or []:
        yield from _receivers(inner)


def _group_path(folder: str, name: str) -> str:
    return f"{BASE}/folder/{quote(folder, safe='')}/rule-groups/{quote(name, safe='')}"


def _to_send(group: dict[str, Any], there: Any, folder: str) -> dict[str, Any]:
    paused = {rule["uid"] for rule in there["rules"] if rule.get("isPaused")} if there else set()
    rules = [
        {**rule, "folderUID": folder, "isPaused": rule.get("isPaused", rule["uid"] in paused), "orgID": 1}
        for rule in group["rules"]
    ]
    return {**group, "folderUid": folder, "rules": rules}


def _comparable(group: dict[str, Any]) -> dict[str, Any]:
    """With durations as seconds: Grafana writes 60s as 1m."""
    rules = [
        {key: seconds(value) if key in DURATIONS else value for key, value in rule.items()} for rule in group["rules"]
    ]
    for rule in rules:
        for name in DURATIONS:
            rule.setdefault(name, 0.0)
    by_uid = sorted(rules, key=lambda rule: str(rule.get("uid")))
    return {"title": group["title"], "interval": group["interval"], "rules": by_uid}


def _unhidden(point: dict[str, Any], there: dict[str, Any]) -> dict[str, Any]:
    """Ours without what they hide."""
    settings = {key: value for key, value in point["settings"].items() if HIDDEN not in str(there["settings"].get(key))}
    return {**point, "settings": settings}
