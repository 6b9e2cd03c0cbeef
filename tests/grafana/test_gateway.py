"""The gateway against Grafana's published contract, and against servers that keep to none.

Status codes and bodies: pages "Folder HTTP API", "Dashboard HTTP API", "Annotations HTTP API", "Alerting Provisioning
HTTP API" of Grafana's documentation.
"""

from __future__ import annotations

from typing import Any

import pytest
from published_grafana import TOKEN, PublishedGrafana, hang, redirect, reset

from infra.grafana.address import Address, address_of
from infra.grafana.gateway import WAITS, Conflict, Forbidden, Gateway, NotFound, Provisioned, Refused
from infra.processes.ports import free_port
from schemas.errors import Fault


def test_an_answer_is_its_json(gateway: Gateway) -> None:
    assert gateway.get("/org") == {"id": 1, "name": "Main Org."}


def test_204_is_none_and_not_an_error(grafana: PublishedGrafana, gateway: Gateway) -> None:
    gateway.request("POST", "/folders", {"uid": "a", "title": "A"})
    assert gateway.request("DELETE", "/folders/a") is None
    assert grafana.folders == {}


def test_a_path_prefix_of_the_address_is_kept() -> None:
    with PublishedGrafana(prefix="/deep/grafana") as grafana:
        gateway = Gateway.to(Address(grafana.url, TOKEN))
        assert gateway.get("/org")["id"] == 1


def test_a_bad_token_is_said_and_never_shown(grafana: PublishedGrafana) -> None:
    address = Address(grafana.url, "glsa_secret_of_somebody")
    with pytest.raises(Fault) as refused:
        Gateway.to(address).get("/org")
    assert refused.value.whose == "settings"
    assert "refuses the token" in str(refused.value)
    assert "GROUNDSWELL_GRAFANA_TOKEN" in refused.value.mend
    assert "glsa_secret" not in f"{refused.value!r} {address!r} {refused.value.__cause__!r}"


def test_a_missing_permission_is_named(grafana: PublishedGrafana, gateway: Gateway) -> None:
    del grafana.permissions["folders:create"]
    with pytest.raises(Forbidden, match="lacks the permission folders:create") as refused:
        gateway.request("POST", "/folders", {"title": "A"})
    assert refused.value.needed == "folders:create"


def test_any_of_several_missing_permissions_is_named(grafana: PublishedGrafana, gateway: Gateway) -> None:
    grafana.permissions = {}
    with pytest.raises(Forbidden) as refused:
        gateway.request("POST", "/dashboards/db", {"dashboard": {"title": "A", "uid": "a"}})
    assert refused.value.needed == "any of dashboards:create, dashboards:write"


def test_what_is_not_there_is_none_to_find(gateway: Gateway) -> None:
    assert gateway.find("/folders/nowhere") is None
    with pytest.raises(NotFound):
        gateway.get("/folders/nowhere")


def test_a_stale_version_is_a_conflict(gateway: Gateway) -> None:
    """Page "Dashboard HTTP API": 412, status=version-mismatch."""
    board = {"uid": "a", "title": "A"}
    gateway.request("POST", "/dashboards/db", {"dashboard": board, "overwrite": True})
    with pytest.raises(Conflict) as refused:
        gateway.request("POST", "/dashboards/db", {"dashboard": {**board, "version": 7}, "overwrite": False})
    assert refused.value.status == 412
    assert "changed by someone else" in refused.value.message


def test_what_a_file_provisions_is_refused_for_good(
    grafana: PublishedGrafana, gateway: Gateway, waits: list[float]
) -> None:
    """400 of a dashboard, 500 of a contact point: neither is asked again."""
    grafana.boards["a"] = {"dashboard": {"uid": "a", "title": "A", "version": 1}, "meta": {"provisioned": True}}
    grafana.contact_points["p"] = {"uid": "p", "type": "email", "settings": {}, "provenance": "file"}
    with pytest.raises(Provisioned):
        gateway.request("POST", "/dashboards/db", {"dashboard": {"uid": "a", "title": "A"}, "overwrite": True})
    with pytest.raises(Provisioned) as refused:
        gateway.request("PUT", "/v1/provisioning/contact-points/p", {"type": "email", "settings": {"addresses": "a@b"}})
    assert refused.value.status == 500
    assert len(grafana.writes) == 2
    assert waits == []


def test_a_500_is_final(grafana: PublishedGrafana, gateway: Gateway, waits: list[float]) -> None:
    grafana.before = [(500, {"message": "database is locked"})]
    with pytest.raises(Refused, match="database is locked"):
        gateway.get("/org")
    assert waits == []


@pytest.mark.parametrize("status", [429, 502, 503, 504])
@pytest.mark.parametrize("content", [{"message": "later"}, "<html>a message of the proxy</html>", "[]"])
def test_what_may_pass_is_asked_again(
    grafana: PublishedGrafana, gateway: Gateway, waits: list[float], status: int, content: Any
) -> None:
    grafana.before = [(status, content)] * 2
    assert gateway.get("/org")["id"] == 1
    assert len(waits) == 2
    assert all(wait / 2 <= waited <= wait for waited, wait in zip(waits, WAITS, strict=False))


def test_patience_is_bounded(grafana: PublishedGrafana, gateway: Gateway, waits: list[float]) -> None:
    grafana.before = [(503, {"message": "starting"})] * 10
    with pytest.raises(Refused, match="503"):
        gateway.get("/org")
    assert len(grafana.requests) == len(WAITS) + 1
    assert sum(waits) <= sum(WAITS)


def test_a_broken_connection_is_tried_again(grafana: PublishedGrafana, gateway: Gateway) -> None:
    grafana.before = [reset, hang]
    assert gateway.get("/org")["id"] == 1


def test_what_would_be_done_twice_is_not_tried_again(grafana: PublishedGrafana, gateway: Gateway) -> None:
    grafana.before = [hang]
    with pytest.raises(Fault, match="does not answer"):
        gateway.request("POST", "/annotations", {"text": "a", "time": 1}, repeatable=False)
    assert len(grafana.requests) == 1


def test_a_server_that_is_down_is_grafanas_fault_with_its_address() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(Fault) as down:
        Gateway(Address(url, TOKEN).transport(0.3), url, sleep=lambda _: None).get("/org")
    assert down.value.whose == "grafana"
    assert url in down.value.what


@pytest.mark.parametrize(
    "answer",
    [
        (200, "<html>Welcome to nginx</html>"),
        (404, "404 page not found"),
        (403, "<html>a message</html>"),
        (500, "oops"),
        (200, "{"),
        redirect,
    ],
)
def test_what_is_no_grafana_is_said_so(grafana: PublishedGrafana, gateway: Gateway, answer: Any) -> None:
    grafana.before = [answer]
    with pytest.raises(Fault, match="is not Grafana's API") as refused:
        gateway.get("/org")
    assert refused.value.whose == "settings"
    assert "<html>" not in str(refused.value)


@pytest.mark.parametrize("answer", [None, [], "text", 7, {"message": None}, {"message": {"deep": 1}}])
def test_errors_of_any_shape_are_faults(grafana: PublishedGrafana, gateway: Gateway, answer: Any) -> None:
    grafana.before = [(400, answer)]
    with pytest.raises(Fault):
        gateway.get("/org")


def test_rules_and_contact_points_stay_editable_in_grafana(grafana: PublishedGrafana, gateway: Gateway) -> None:
    """Page "Alerting Provisioning HTTP API": X-Disable-Provenance."""
    point = {"uid": "p", "name": "n", "type": "email", "settings": {"addresses": "a@example.org"}}
    gateway.request("POST", "/v1/provisioning/contact-points", point)
    assert "provenance" not in grafana.contact_points["p"]


class GrafanaClientRunner:
    """The shape of grafana-client's verb runner: its face has a `client`, a 204 gives None, a page its text."""

    def GET(self, path: str, json: Any = None, headers: Any = None) -> Any:
        return {"/org": None, "/page": "<html>"}[path]


class GrafanaClientFace:
    def __init__(self) -> None:
        self.client = GrafanaClientRunner()


def test_grafana_clients_runner_will_do_as_well() -> None:
    assert Gateway(GrafanaClientFace(), "http://x").get("/org") is None
    assert Gateway(GrafanaClientRunner(), "http://x").get("/org") is None
    with pytest.raises(Fault, match="is not Grafana's API"):
        Gateway(GrafanaClientFace(), "http://x").get("/page")


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "GROUNDSWELL_GRAFANA_URL is not set"),
        ({"GROUNDSWELL_GRAFANA_URL": "grafana:3000"}, "is no address"),
        ({"GROUNDSWELL_GRAFANA_URL": "http://h:port"}, "is no address"),
        ({"GROUNDSWELL_GRAFANA_URL": "http://admin:secret@h"}, "holds a user or password"),
        ({"GROUNDSWELL_GRAFANA_URL": "http://h"}, "there is no token"),
        ({"GROUNDSWELL_GRAFANA_URL": "http://h", "GROUNDSWELL_GRAFANA_TOKEN": "a b"}, "characters that no token has"),
        ({"GROUNDSWELL_GRAFANA_URL": "http://h", "GROUNDSWELL_GRAFANA_TOKEN_FILE": "nowhere"}, "cannot be read"),
        (
            {
                "GROUNDSWELL_GRAFANA_URL": "http://h",
                "GROUNDSWELL_GRAFANA_TOKEN": "a",
                "GROUNDSWELL_GRAFANA_TOKEN_FILE": "b",
            },
            "are both set",
        ),
    ],
)
def test_wrong_settings_are_named(environment: dict[str, str], said: str) -> None:
    with pytest.raises(Fault) as refused:
        address_of(environment)
    assert refused.value.whose == "settings"
    assert said in refused.value.what
    assert "secret" not in str(refused.value)


def test_a_token_may_come_from_a_file(tmp_path: Any) -> None:
    file = tmp_path / "token"
    file.write_text("glsa_of_the_file\n")
    found = address_of({"GROUNDSWELL_GRAFANA_URL": "http://h/g/", "GROUNDSWELL_GRAFANA_TOKEN_FILE": str(file)})
    assert (found.url, found.token) == ("http://h/g", "glsa_of_the_file")
    assert "glsa" not in repr(found)
