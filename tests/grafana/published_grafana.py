"""A Grafana for tests: it answers as Grafana's published HTTP API does, from a store in memory.

Sources, pages of Grafana's documentation, version 12.4: "Folder HTTP API", "Dashboard HTTP API", "Annotations HTTP
API", and of "Alerting Provisioning HTTP API" the list of paths and verbs.  The bodies of alerting, of board versions,
of a data source's health, of plugin settings and of permissions are from what was noted of a Grafana 12.4.0 and from
general knowledge of it: a real server may differ there.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "glsa_0123456789abcdefghijklmnopqrstuv_01234567"
PERMISSIONS = {
    name: ["*"]
    for name in (
        "folders:create",
        "folders:read",
        "dashboards:create",
        "dashboards:write",
        "dashboards:read",
        "annotations:create",
        "annotations:write",
        "annotations:read",
        "datasources:read",
        "alert.provisioning:read",
        "alert.provisioning:write",
        "alert.notifications:write",
    )
}
SECRET_SETTINGS = {"slack": ("url",), "webhook": ("password", "hmacConfig.secret"), "email": ()}
REQUIRED_SETTINGS = {"slack": "url", "webhook": "url", "email": "addresses"}

Answer = tuple[int, Any]
Raw = Callable[[BaseHTTPRequestHandler], None]


class PublishedGrafana:
    """Serves on loopback inside `with`; what it holds are plain attributes, to be set up and looked at."""

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.permissions: dict[str, list[str]] = deepcopy(PERMISSIONS)
        self.health: dict[str, str] = {"commit": "abc", "database": "ok", "version": "12.4.0"}
        self.plugin: dict[str, Any] | None = {"enabled": True, "info": {"version": "4.20.0"}}
        self.datasource: dict[str, Any] | None = {"uid": "clickhouse", "type": "grafana-clickhouse-datasource"}
        self.datasource_health: Answer = (200, {"status": "OK", "message": "Data source is working"})
        self.folders: dict[str, dict[str, Any]] = {}
        self.boards: dict[str, dict[str, Any]] = {}
        self.board_messages: dict[str, str] = {}
        self.rewrites_boards = False
        self.annotations: dict[int, dict[str, Any]] = {}
        self.groups: dict[tuple[str, str], dict[str, Any]] = {}
        self.contact_points: dict[str, dict[str, Any]] = {}
        self.templates: dict[str, dict[str, Any]] = {}
        self.policy: dict[str, Any] = {"receiver": "grafana-default-email", "group_by": ["grafana_folder", "alertname"]}
        self.before: list[Raw | Answer] = []
        """What to answer the next requests with, in place of the contract."""
        self.requests: list[tuple[str, str, Any]] = []
        self._next_id = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True

    def __enter__(self) -> PublishedGrafana:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}{self.prefix}"

    @property
    def writes(self) -> list[tuple[str, str]]:
        """Verb and path of every request that would change something."""
        return [(verb, path) for verb, path, _ in self.requests if verb != "GET"]

    def annotate(self, text: str, at: int, **extra: Any) -> int:
        """What a person does in Grafana's own pages."""
        self._next_id += 1
        self.annotations[self._next_id] = {
            "id": self._next_id,
            "alertId": 0,
            "dashboardUID": None,
            "created": 1_800_000_000_000 + self._next_id,
            "time": at,
            "timeEnd": at,
            "text": text,
            "tags": [],
            **extra,
        }
        return self._next_id

    def answer(self, verb: str, path: str, query: dict[str, list[str]], body: Any, header: dict[str, str]) -> Answer:
        if path == "/health":
            return 200, self.health
        if header.get("authorization") != f"Bearer {TOKEN}":
            return 401, {"message": "Invalid API key", "messageId": "api-key.invalid", "statusCode": 401}
        for pattern, method in _ROUTES:
            found = re.fullmatch(pattern, path)
            if found:
                names = [unquote(part) for part in found.groups()]
                return method(self, verb, names, query, body, header)
        return 404, {"message": "Not found"}

    # "Organization HTTP API"
    def org(self, verb: str, names: list[str], query: Any, body: Any, header: Any) -> Answer:
        return 200, {"id": 1, "name": "Main Org."}

    def user_permissions(self, verb: str, names: list[str], query: Any, body: Any, header: Any) -> Answer:
        return 200, self.permissions

    def plugin_settings(self, verb: str, names: list[str], query: Any, body: Any, header: Any) -> Answer:
        if self.plugin is None:
            return 404, {"message": "Plugin not found, no installed plugin with that id"}
        return 200, self.plugin

    # "Data source HTTP API"
    def data_source(self, verb: str, names: list[str], query: Any, body: Any, header: Any) -> Answer:
        if lacks := self._lacks("datasources:read"):
            return lacks
        if self.datasource is None or names[0] != self.datasource["uid"]:
            return 404, {"message": "Data source not found"}
        return 200, self.datasource

    def data_source_health(self, verb: str, names: list[str], query: Any, body: Any, header: Any) -> Answer:
        return self.datasource_health

    # "Folder HTTP API"
    def all_folders(self, verb: str, names: list[str], query: Any, body: Any, header: Any) -> Answer:
        if verb == "GET":
            return 200, list(self.folders.values())
        if lacks := self._lacks("folders:create"):
            return lacks
        if not body.get("title"):
            return 400, {"message": "folder title cannot be empty"}
        uid = body.get("uid") or f"made{len(self.folders)}"
        if uid in self.folders:
            return 412, {"message": "the folder has been changed by someone else", "status": "version-mismatch"}
        self.folders[uid] = {"id": len(self.folders) + 1, "uid": uid, "title": body["title"], "version": 1}
        return 200, self.folders[uid]

    def one_folder(self, verb: str, names: list[str], query: Any, body: Any, header: Any) -> Answer:
        if names[0] not in self.folders:
            return 404, {"message": "folder not found", "status": "not-found"}
        if verb == "DELETE":
            del self.folders[names[0]]
            return 204, None  # as some proxies and versions do
        return 200, self.folders[names[0]]

    # "Dashboard HTTP API"
    def save_board(self, verb: str, names: list[str], query: Any, body: Any, header: Any) -> Answer:
        if lacks := self._lacks("dashboards:create", "dashboards:write"):
            return lacks
        board = body.get("dashboard")
        if not isinstance(board, dict) or not board.get("title"):
            return 400, {"message": "Dashboard title cannot be empty", "status": "empty-name"}
        if body.get("folderUid") and body["folderUid"] not in self.folders:
            return 400, {"message": "folder not found"}
        there = self.boards.get(board["uid"])
        if there is not None and there["meta"].get("provisioned"):
            return 400, {"message": "Cannot save provisioned dashboard"}
        version = there["dashboard"]["version"] if there else 0
        if there is not None and not body.get("overwrite") and board.get("version") != version:
            message = "The dashboard has been changed by someone else"
            return 412, {"message": message, "status": "version-mismatch"}
        kept = {**deepcopy(board), "id": len(self.boards) + 1, "version": version + 1}
        if self.rewrites_boards:
            kept |= {"schemaVersion": 99, "liveNow": False}
        self.boards[board["uid"]] = {"dashboard": kept, "meta": {"folderUid": body.get("folderUid", "")}}
        self.board_messages[board["uid"]] = body.get("message", "")
        return 200, {"id": kept["id"], "uid": board["uid"], "status": "success", "version": version + 1}

    def one_board(self, verb: str, names: list[str], query: Any, body: Any, header: Any) -> Answer:
        if names[0] not in self.boards:
            return 404, {"message": "Dashboard not found"}
        return 200, self.boards[names[0]]

    # "Dashboard Versions HTTP API"
    def board_versions(self, verb: str, names: list[str], query: Any, body: Any, header: Any) -> Answer:
        if names[0] not in self.boards:
            return 404, {"message": "Dashboard not found"}
        newest = {"version": self.boards[names[0]]["dashboard"]["version"], "message": self.board_messages[names[0]]}
        return 200, {"continueToken": "", "versions": [newest]}

    # "Annotations HTTP API"
    def all_annotations(self, verb: str, names: list[str], query: Any, body: Any, header: Any) -> Answer:
        if verb == "POST":
            return self._add_annotation(body)
        if lacks := self._lacks("annotations:read"):
            return lacks
        found = [one for one in self.annotations.values() if self._wanted(one, query)]
        found.sort(key=lambda one: (one["time"], one["id"]), reverse=True)
        return 200, found[: int(query.get("limit", ["100"])[0])]

    def _add_annotation(self, body: Any) -> Answer:
        if lacks := self._lacks("annotations:create"):
            return lacks
        if not body.get("text"):
            return 400, {"message": "Failed to save annotation", "error": "text field should not be empty"}
        if body.get("dashboardUID") and body["dashboardUID"] not in self.boards:
            return 500, {"message": "Failed to save annotation"}
        if not isinstance(body.get("time", 0), int):
            return 400, {"message": "bad request data"}
        number = self.annotate(body["text"], body["time"], tags=body.get("tags") or [])
        self.annotations[number]["timeEnd"] = body.get("timeEnd") or body["time"]
        return 200, {"message": "Annotation added", "id": number}

    def _wanted(self, one: dict[str, Any], query: dict[str, list[str]]) -> bool:
        board = query.get("dashboardUID", [None])[0]
        since, until = (int(query.get(name, ["0"])[0]) for name in ("from", "to"))
        return (
            # An unknown dashboard filters nothing.
            (board is None or board not in self.boards or one["dashboardUID"] == board)
            and set(query.get("tags", [])) <= set(one["tags"])
            and (not (since and until) or (one["timeEnd"] >= since and one["time"] <= until))
            and not (query.get("type") == ["annotation"] and one["alertId"])
        )

    def one_annotation(self, verb: str, names: list[str], query: Any, body: Any, header: Any) -> Answer:
        one = self.annotations.get(int(names[0]))
        if one is None:
            return 404, {"message": "Annotation not found"}
        if verb == "PATCH":
            one |= {key: body[key] for key in ("text", "tags", "time", "timeEnd") if key in body}
            return 200, {"message": "Annotation patched"}
        del self.annotations[int(names[0])]
        return 200, {"message": "Annotation deleted"}

    # "Alerting Provisioning HTTP API"
    def rule_group(self, verb: str, names: list[str], query: Any, body: Any, header: Any) -> Answer:
        folder, name = names
        if lacks := self._lacks("alert.provisioning:write"):
            return lacks
        there = self.groups.get((folder, name))
        if verb == "GET":
            return (200, there) if there else (404, {"message": "rule group not found"})
        if folder not in self.folders:
            return 404, {"message": "folder not found"}
        if there and any(rule.get("provenance") == "file" for rule in there["rules"]):
            return 500, {"message": "cannot change provenance from 'file' to ''"}
        for rule in body["rules"]:
            for field in ("uid", "title", "condition", "data", "folderUID", "ruleGroup", "noDataState", "execErrState"):
                if not rule.get(field):
                    return 400, {"message": f"invalid alert rule: {field} is missing"}
        kept = deepcopy(body)
        for rule in kept["rules"]:
            rule["for"] = {"60s": "1m", "120s": "2m"}.get(rule.get("for"), rule.get("for", "0s"))
            rule |= {} if header.get("x-disable-provenance") else {"provenance": "api"}
            for question in rule["data"]:
                question["model"] = {"intervalMs": 1000, "maxDataPoints": 43200, **question["model"]}
        self.groups[folder, name] = kept
        return 200, kept

    def all_contact_points(self, verb: str, names: list[str], query: Any, body: Any, header: Any) -> Answer:
        if verb == "GET":
            return 200, [_redacted(point) for point in self.contact_points.values()]
        return self._keep_contact_point(body["uid"], body, header)

    def one_contact_point(self, verb: str, names: list[str], query: Any, body: Any, header: Any) -> Answer:
        if names[0] not in self.contact_points:
            return 404, {"message": "contact point not found"}
        return self._keep_contact_point(names[0], body, header)

    def _keep_contact_point(self, uid: str, body: Any, header: dict[str, str]) -> Answer:
        if lacks := self._lacks("alert.provisioning:write", "alert.notifications:write"):
            return lacks
        if self.contact_points.get(uid, {}).get("provenance") == "file":
            return 500, {"message": "cannot change provenance from 'file' to ''"}
        if not body["settings"].get(REQUIRED_SETTINGS[body["type"]]):
            return 400, {"message": f"invalid object specification: no {REQUIRED_SETTINGS[body['type']]}"}
        provenance = {} if header.get("x-disable-provenance") else {"provenance": "api"}
        self.contact_points[uid] = {**deepcopy(body), "uid": uid, **provenance}
        return 202, {"message": "contactpoint updated"}

    def template(self, verb: str, names: list[str], query: Any, body: Any, header: Any) -> Answer:
        if verb == "GET":
            there = self.templates.get(names[0])
            return (200, there) if there else (404, {"message": "template not found"})
        self.templates[names[0]] = {"name": names[0], "template": body["template"]}
        return 202, self.templates[names[0]]

    def policies(self, verb: str, names: list[str], query: Any, body: Any, header: Any) -> Answer:
        if verb == "GET":
            return 200, self.policy
        names_there = {point["name"] for point in self.contact_points.values()} | {"grafana-default-email"}
        if not {body["receiver"], *(route["receiver"] for route in body.get("routes", []))} <= names_there:
            return 400, {"message": "invalid object specification: receiver does not exist"}
        self.policy = deepcopy(body)
        return 202, {"message": "policies updated"}

    def _lacks(self, *any_of: str) -> Answer | None:
        if any(action in self.permissions for action in any_of):
            return None
        needed = any_of[0] if len(any_of) == 1 else f"any of {', '.join(any_of)}"
        message = f"You'll need additional permissions to perform this action. Permissions needed: {needed}"
        return 403, {"accessErrorId": "ACE0000000001", "message": message, "title": "Access denied"}


_ROUTES: list[tuple[str, Callable[..., Answer]]] = [
    (r"/org", PublishedGrafana.org),
    (r"/access-control/user/permissions", PublishedGrafana.user_permissions),
    (r"/plugins/[\w-]+/settings", PublishedGrafana.plugin_settings),
    (r"/datasources/uid/([^/]+)", PublishedGrafana.data_source),
    (r"/datasources/uid/([^/]+)/health", PublishedGrafana.data_source_health),
    (r"/folders", PublishedGrafana.all_folders),
    (r"/folders/([^/]+)", PublishedGrafana.one_folder),
    (r"/dashboards/db", PublishedGrafana.save_board),
    (r"/dashboards/uid/([^/]+)", PublishedGrafana.one_board),
    (r"/dashboards/uid/([^/]+)/versions", PublishedGrafana.board_versions),
    (r"/annotations", PublishedGrafana.all_annotations),
    (r"/annotations/(\d+)", PublishedGrafana.one_annotation),
    (r"/v1/provisioning/folder/([^/]+)/rule-groups/([^/]+)", PublishedGrafana.rule_group),
    (r"/v1/provisioning/contact-points", PublishedGrafana.all_contact_points),
    (r"/v1/provisioning/contact-points/([^/]+)", PublishedGrafana.one_contact_point),
    (r"/v1/provisioning/templates/([^/]+)", PublishedGrafana.template),
    (r"/v1/provisioning/policies", PublishedGrafana.policies),
]


def _redacted(point: dict[str, Any]) -> dict[str, Any]:
    shown = deepcopy(point)
    for name in SECRET_SETTINGS[point["type"]]:
        holder = shown["settings"]
        *path, last = name.split(".")
        for part in path:
            holder = holder.get(part, {})
        if last in holder:
            holder[last] = "[REDACTED]"
    return shown


def _handler_of(grafana: PublishedGrafana) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet: two cost 40 ms each time

        def serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or "null")
            parts = urlsplit(self.path)
            path = parts.path.removeprefix(grafana.prefix)
            grafana.requests.append((self.command, path, body))
            if grafana.before:
                answer = grafana.before.pop(0)
                if callable(answer):
                    answer(self)
                    return
            elif path.startswith("/api/"):
                header = {name.lower(): value for name, value in self.headers.items()}
                answer = grafana.answer(self.command, path[4:], parse_qs(parts.query), body, header)
            else:
                answer = (200, "<!doctype html><title>Grafana</title>")
            reply(self, *answer)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    return Handler


def reply(handler: BaseHTTPRequestHandler, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
    """JSON, or a page where `content` is text."""
    page = isinstance(content, str)
    payload = content.encode() if page else b"" if content is None else json.dumps(content).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "text/html" if page else "application/json")
    handler.send_header("Content-Length", str(len(payload)))
    for name, value in (headers or {}).items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(payload)


def hang(handler: BaseHTTPRequestHandler) -> None:
    """Takes the request and says nothing for longer than a test waits."""
    time.sleep(1.0)
    handler.close_connection = True


def reset(handler: BaseHTTPRequestHandler) -> None:
    """Breaks the connection in place of an answer."""
    handler.close_connection = True
    handler.connection.close()


def redirect(handler: BaseHTTPRequestHandler) -> None:
    reply(handler, 302, "", {"Location": "/login"})
