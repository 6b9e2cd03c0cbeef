"""Who may ask: called by its own name, from its own page, with the password where there is one.

A page of another site can make a browser send requests to loopback, and with a name that it lets point there (DNS
rebinding) even read the answers.  So a request must name the host that we are, and one from a page must come from ours.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Collection, Mapping
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboards.page.guesses import Guesses

LOOPBACK_NAMES: Final = ("127.0.0.1", "localhost", "::1")

HEADERS: Final[Mapping[str, str]] = {
    # Styles inline: plotly sets them on what it draws.  Scripts are ours and the installed plotly's, never inline.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Guard:
    """Middleware that refuses what is not ours, and says how browsers must treat what we send.

    Args:
        hosts: names by which we may be called; None: any, which only a password makes safe.
        password: of HTTP basic authentication, the name does not matter; None: none is asked for.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] | None, password: str | None) -> None:
        self._app = app
        self._hosts = hosts
        self._password = password
        self._guesses = Guesses()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        address = (scope.get("client") or ("", 0))[0]
        refusal = self._refuse(scope["method"], scope["path"], Headers(scope=scope), address)
        await (refusal or self._app)(scope, receive, send_headed)

    def _refuse(self, method: str, path: str, headers: Headers, address: str) -> Response | None:
        host = headers.get("host", "")
        if self._hosts is not None and name_of(host) not in self._hosts:
            return _no(421, f"This page is not called {host!r}. Open it under the address that was printed.")
        if self._password is not None and (refusal := self._examine(headers.get("authorization", ""), address)):
            return refusal
        if (path.startswith("/api/") or method not in ("GET", "HEAD")) and not _from_our_page(host, headers):
            return _no(403, "A page of another site may not ask.")
        return None

    def _examine(self, authorization: str, address: str) -> Response | None:
        assert self._password is not None
        if wait := self._guesses.wait(address) if authorization else 0:
            reply = _no(429, f"Too many wrong passwords from your address. Try again in {wait} s.")
            reply.headers["Retry-After"] = str(wait)
            return reply
        if _knows(authorization, self._password):
            self._guesses.right(address)
            return None
        if authorization:  # a browser asks without one first
            self._guesses.wrong(address)
        reply = _no(401, "The password is missing or wrong.")
        reply.headers["WWW-Authenticate"] = 'Basic realm="Groundswell", charset="UTF-8"'
        return reply


def name_of(host: str) -> str:
    """The name in a Host header, without its port: `127.0.0.1`, `localhost`, `::1`."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _from_our_page(host: str, headers: Headers) -> bool:
    origin = headers.get("origin")
    if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
        return False
    return headers.get("sec-fetch-site", "none") in ("none", "same-origin")


def _knows(authorization: str, password: str) -> bool:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        _, _, given = base64.b64decode(encoded, validate=True).partition(b":")
    except binascii.Error:
        return False
    return hmac.compare_digest(given, password.encode())


def _no(status: int, text: str) -> Response:
    return PlainTextResponse(text + "\n", status)
