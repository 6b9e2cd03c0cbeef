"""The one door to Grafana's HTTP API: grafana-api (or grafana-client) as transport, its traps known here alone.

Law: what comes back is JSON (None where Grafana sends nothing), or a Fault that names whose it is.  Only what may pass
is asked again: 429, 502, 503, 504 and broken connections; a 500 is Grafana's last word (it answers so to a change of
what a file provisions).
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from typing import Any, Final, Literal

from infra.grafana.address import HOW_TO_GET_A_TOKEN, URL, Address
from schemas.errors import Fault

Verb = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

PASSING: Final = frozenset({429, 502, 503, 504})
WAITS: Final = (0.5, 1.0, 2.0)  # seconds before each further try; half of it is chance, so that clients spread
TIMEOUT_SECONDS: Final = 10.0
# A rule or contact point that is sent without this can never again be edited in Grafana's own pages.
EDITABLE: Final = {"X-Disable-Provenance": "true"}
# "Cannot save provisioned dashboard"; "cannot change provenance from 'file' to ''".
_FROM_A_FILE: Final = re.compile(r"provisioned|provenance", re.IGNORECASE)
_NEEDED: Final = re.compile(r"Permissions needed: (.+?)\.?$", re.DOTALL)


class Refused(Fault):
    """Grafana's answer to a request that it will not do; `status` and `message` are its own."""

    def __init__(self, whose: str, what: str, mend: str, status: int, message: str) -> None:
        super().__init__(whose, what, mend)
        self.status = status
        self.message = message


class NotFound(Refused):
    """404, answered by a Grafana."""


class Conflict(Refused):
    """409 or 412: it exists already, or somebody changed it meanwhile."""


class Provisioned(Refused):
    """What was to be changed comes from a file on Grafana's own machine."""


class Forbidden(Refused):
    """403; `needed` are the permissions that Grafana names ("" if it names none)."""

    def __init__(self, what: str, mend: str, message: str, needed: str) -> None:
        super().__init__("settings", what, mend, 403, message)
        self.needed = needed


class Gateway:
    """Requests to one Grafana.

    Args:
        transport: a verb runner as grafana-api and grafana-client have it: `transport.GET(path, json=, headers=)`
            with `path` below `/api`; or their faces, whose `.api` or `.client` is one.
        url: for people, in errors.
        sleep: waits between tries, in seconds.
    """

    def __init__(self, transport: Any, url: str, sleep: Callable[[float], None] = time.sleep) -> None:
        inner = vars(transport)  # and not getattr: the runner takes any name for a verb
        self._runner = inner.get("api") or inner.get("client") or transport
        self.url = url
        self._sleep = sleep

    @classmethod
    def to(cls, address: Address, timeout: float = TIMEOUT_SECONDS) -> Gateway:
        return cls(address.transport(timeout), address.url)

    def get(self, path: str) -> Any:
        return self.request("GET", path)

    def find(self, path: str) -> Any:
        """What is there, or None."""
        try:
            return self.request("GET", path)
        except NotFound:
            return None

    def request(self, verb: Verb, path: str, body: Any = None, *, repeatable: bool = True) -> Any:
        """One request and its answer.

        Args:
            path: below `/api`, with its query, quoted.
            repeatable: doing it twice does what doing it once does.  Otherwise only a 429 is asked again.

        Raises:
            Fault: Grafana refuses (`Refused`), does not answer, or is none.
        """
        for wait in (*WAITS, None):
            try:
                return self._ask(verb, path, body)
            except _Passing as passing:
                if wait is None or not (repeatable or passing.status == 429):
                    raise passing.fault from None
                self._sleep(wait * random.uniform(0.5, 1.0))
        raise AssertionError("the last try returns or raises")

    def _ask(self, verb: Verb, path: str, body: Any) -> Any:
        headers = EDITABLE if path.startswith("/v1/provisioning/") and verb != "GET" else None
        try:
            answer = getattr(self._runner, verb)(path, json=body, headers=headers)
        except Exception as error:
            status = getattr(error, "status_code", None)
            if isinstance(status, int):
                raise self._refused(verb, path, status, getattr(error, "response", None)) from None
            if isinstance(error, ValueError | TypeError | KeyError):
                # 204 and an empty 200: both clients try to read JSON from nothing after the deed is done.
                if getattr(error, "doc", None) == "":
                    return None
                raise self._no_grafana(f"{verb} {_short(path)} gave no JSON") from None
            if isinstance(error, OSError):
                raise self._unanswered(error) from None
            raise
        if isinstance(answer, str | bytes):  # grafana-client's way with a page
            raise self._no_grafana(f"{verb} {_short(path)} gave no JSON")
        return answer

    def _refused(self, verb: Verb, path: str, status: int, response: Any) -> Exception:
        message = _message(response)
        summary = f"{verb} {_short(path)} was answered {status}" + (f" ({message})" if message else "")
        if status in PASSING:
            fault = Refused("grafana", summary, "Try again when Grafana is well.", status, message)
            return _Passing(fault, status)
        if not isinstance(response, dict | list):
            return self._no_grafana(summary)
        if status == 401:
            return Refused("settings", f"Grafana at {self.url} refuses the token", HOW_TO_GET_A_TOKEN, status, message)
        if status == 403:
            return self._forbidden(summary, message)
        if _FROM_A_FILE.search(message):
            return Provisioned(
                "grafana",
                f"{_short(path)} comes from a file on Grafana's machine ({message})",
                "Change that file, or take it out of Grafana's provisioning and push again.",
                status,
                message,
            )
        if status == 404:
            return NotFound("grafana", summary, f"See whether {URL} names the Grafana that you mean.", status, message)
        if status in (409, 412):
            return Conflict("grafana", summary, "Somebody changed it meanwhile: push again.", status, message)
        return Refused("grafana", summary, "Read what Grafana says, and its log.", status, message)

    def _forbidden(self, summary: str, message: str) -> Forbidden:
        match = _NEEDED.search(message)
        needed = " ".join(match[1].split()) if match else ""
        what = f"the token for Grafana lacks the permission {needed}" if needed else f"the token may not: {summary}"
        return Forbidden(what, "Give its service account that permission, or the role Admin.", message, needed)

    def _no_grafana(self, summary: str) -> Fault:
        what = f"what answers at {self.url} is not Grafana's API: {summary}"
        return Fault("settings", what, f"Set {URL} to Grafana itself, with its path prefix if it has one.")

    def _unanswered(self, error: OSError) -> Exception:
        kind = type(error).__name__
        if kind == "TooManyRedirects":
            return self._no_grafana("it redirects to another address")
        if kind in ("InvalidURL", "InvalidSchema", "MissingSchema"):
            return Fault("settings", f"{URL} is no address", "Write http://host:port.")
        if kind == "SSLError":
            mend = "Set REQUESTS_CA_BUNDLE to the file of your certificate authority, or mend the address."
            return Fault("settings", f"the certificate of {self.url} is not trusted", mend)
        what = f"Grafana at {self.url} does not answer ({kind})"
        return _Passing(Fault("grafana", what, f"Start it, or set {URL} to where it is."), None)


class _Passing(Exception):
    """May go through later; `status` is None where no answer came."""

    def __init__(self, fault: Fault, status: int | None) -> None:
        super().__init__(fault)
        self.fault = fault
        self.status = status


def _message(response: Any) -> str:
    message = response.get("message") or response.get("error") or "" if isinstance(response, dict) else ""
    return " ".join(str(message).split())[:300]


def _short(path: str) -> str:
    return "/api" + path.partition("?")[0]
