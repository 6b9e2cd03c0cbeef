"""Whether a Grafana is fit to show an appeal: one finding for each thing that has to be right."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from infra.grafana.alerting import BASE, find_group, group_is_ours, our_route
from infra.grafana.boards import find_board, find_folder, is_ours
from infra.grafana.bundle import DATASOURCE_UID, FOLDER_TITLE, PLUGIN, PLUGIN_VERSION, Bundle
from infra.grafana.gateway import Gateway, Refused
from schemas.errors import Fault

LEAST_GRAFANA: Final = (11, 6)
PUSH: Final = "Run `groundswell grafana push`."
# What `push` and `pull-annotations` ask for; the alternatives are those that Grafana names in its own refusals.
NEEDED: Final = (
    ("folders:create",),
    ("dashboards:create",),
    ("dashboards:write",),
    ("annotations:create",),
    ("annotations:write",),
    ("annotations:read",),
    ("datasources:read",),
    ("alert.provisioning:write", "alert.rules:write"),
    ("alert.provisioning:write", "alert.notifications:write", "alert.notifications.receivers:create"),
)


class Check(NamedTuple):
    """`mend` says what to do; empty where `ok`."""

    check: str
    ok: bool
    found: str
    mend: str = ""


def examine(gateway: Gateway, bundle: Bundle) -> Iterator[Check]:
    """Findings in the order in which to mend them.  Without an address or a token the rest is not asked."""
    for check, ask in (("address", _address), ("token", _token)):
        finding = _asked(check, lambda ask=ask: ask(gateway))  # type: ignore[misc]  # a default fits the lambda
        yield finding
        if not finding.ok:
            return
    yield _asked("permissions", lambda: _permissions(gateway))
    yield _asked("plugin", lambda: _plugin(gateway))
    yield _asked("data source", lambda: _datasource(gateway))
    yield _asked("folder", lambda: _folder(gateway))
    for board in bundle.boards:
        yield _asked(f"dashboard {board['uid']}", lambda board=board: _board(gateway, board))  # type: ignore[misc]
    for group in bundle.groups:
        yield _asked(f"rules {group['title']}", lambda group=group: _rules(gateway, group))  # type: ignore[misc]
    yield _asked("contact points", lambda: _contact_points(gateway, bundle))
    yield _asked("policy", lambda: _policy(gateway))


def _asked(check: str, ask: Callable[[], Check]) -> Check:
    try:
        return ask()
    except Fault as fault:
        return Check(check, False, fault.what, fault.mend)


def check_plugin(gateway: Gateway) -> None:
    """Before anything is sent: without the plugin no dashboard shows anything and no rule is ever evaluated.

    Raises:
        Fault: it is not installed, or too old.
    """
    finding = _plugin(gateway)
    if not finding.ok:
        raise Fault("settings", f"Grafana at {gateway.url}: {finding.found}", finding.mend)


def _address(gateway: Gateway) -> Check:
    health = gateway.get("/health")
    if not isinstance(health, dict) or "database" not in health:
        raise Fault("settings", f"what answers at {gateway.url} is not Grafana", "Mend GROUNDSWELL_GRAFANA_URL.")
    version = str(health.get("version", ""))  # may be hidden from those who are not signed in
    if health["database"] != "ok":
        return Check("address", False, f"Grafana's own database: {health['database']}", "See Grafana's log.")
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if numbers and numbers < LEAST_GRAFANA:
        return Check("address", False, f"Grafana {version}", "The plugin needs Grafana 11.6 or newer: update it.")
    return Check("address", True, f"Grafana {version} at {gateway.url}".replace("  ", " "))


def _token(gateway: Gateway) -> Check:
    org = gateway.get("/org")
    return Check("token", True, f"organization {org.get('name', org.get('id'))}")


def _permissions(gateway: Gateway) -> Check:
    has = gateway.find("/access-control/user/permissions")
    if has is None:
        return Check("permissions", True, "this Grafana does not tell")
    lacking = [" or ".join(any_of) for any_of in NEEDED if not any(action in has for action in any_of)]
    if lacking:
        mend = "Give the service account these permissions, or the role Admin."
        return Check("permissions", False, f"lacks {', '.join(lacking)}", mend)
    return Check("permissions", True, f"all {len(NEEDED)} that are needed")


def _plugin(gateway: Gateway) -> Check:
    settings = gateway.find(f"/plugins/{PLUGIN}/settings")
    if settings is None:
        install = f"Install it: GF_PLUGINS_PREINSTALL_SYNC={PLUGIN}@{PLUGIN_VERSION}, or Administration, Plugins."
        return Check("plugin", False, f"{PLUGIN} is not installed", install)
    version = str((settings.get("info") or {}).get("version", "0"))
    if int(re.findall(r"\d+", version)[0]) < int(PLUGIN_VERSION.partition(".")[0]):
        return Check("plugin", False, f"{PLUGIN} {version}", f"Update it to {PLUGIN_VERSION}.")
    return Check("plugin", True, f"{PLUGIN} {version}")


def _datasource(gateway: Gateway) -> Check:
    source = gateway.find(f"/datasources/uid/{DATASOURCE_UID}")
    if source is None:
        mend = f"Make a ClickHouse data source with the uid {DATASOURCE_UID} whose user only reads."
        return Check("data source", False, f"there is none with the uid {DATASOURCE_UID!r}", mend)
    if source.get("type") != PLUGIN:
        return Check("data source", False, f"it is a {source.get('type')}", f"Give that uid to a {PLUGIN}.")
    try:
        health = gateway.get(f"/datasources/uid/{DATASOURCE_UID}/health")
    except Refused as refused:
        if refused.status != 400:
            raise
        mend = "Mend its host, user or password in Grafana, and see whether ClickHouse runs."
        return Check("data source", False, f"ClickHouse is not reached: {refused.message}", mend)
    return Check("data source", True, str(health.get("message") or "healthy"))


def _folder(gateway: Gateway) -> Check:
    uid = find_folder(gateway)
    if uid is None:
        return Check("folder", False, f"there is no folder {FOLDER_TITLE!r}", PUSH)
    return Check("folder", True, FOLDER_TITLE)


def _board(gateway: Gateway, board: dict[str, Any]) -> Check:
    check = f"dashboard {board['uid']}"
    there = find_board(gateway, board["uid"])
    if there is None:
        return Check(check, False, "not there", PUSH)
    if not is_ours(gateway, there, board, None):
        provisioned = there["meta"].get("provisioned")
        mend = "Update the files that Grafana provisions it from." if provisioned else PUSH
        return Check(check, False, "another version", mend)
    return Check(check, True, "up to date")


def _rules(gateway: Gateway, group: dict[str, Any]) -> Check:
    check = f"rules {group['title']}"
    folder = find_folder(gateway)
    there = find_group(gateway, folder, group["title"]) if folder else None
    if there is None:
        return Check(check, False, "not there", PUSH)
    if not group_is_ours(there, group):
        return Check(check, False, "another version", PUSH)
    paused = [rule["title"] for rule in there["rules"] if rule.get("isPaused")]
    if paused:
        return Check(check, False, f"paused: {', '.join(paused)}", "Resume them in Grafana: Alerting, Alert rules.")
    return Check(check, True, f"{len(there['rules'])} rules up to date")


def _contact_points(gateway: Gateway, bundle: Bundle) -> Check:
    there = {point.get("uid") for point in gateway.get(f"{BASE}/contact-points") or []}
    missing = [f"{point['name']}/{point['type']}" for point in bundle.contact_points if point["uid"] not in there]
    if missing:
        return Check("contact points", False, f"not there: {', '.join(missing)}", PUSH)
    ours = {point["uid"] for point in bundle.contact_points} | set(bundle.unset)
    if bundle.unset and not there & ours:
        names = sorted({name for variables in bundle.unset.values() for name in variables})
        return Check("contact points", False, "none of ours is there", f"Set one of {', '.join(names)} and push.")
    return Check("contact points", True, f"{len(there & ours)} of ours")


def _policy(gateway: Gateway) -> Check:
    tree = gateway.get(f"{BASE}/policies")
    if our_route(tree) is not None:
        return Check("policy", True, "our alerts have a route of their own")
    note = f"our alerts go where all go, to {tree.get('receiver')}; `push --policy` gives them a route of their own"
    return Check("policy", True, note)
