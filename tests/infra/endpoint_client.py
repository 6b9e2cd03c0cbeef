"""One HTTP request to an endpoint, with nothing between."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.parse
import urllib.request

from ground import Store


def ask(
    store: Store,
    sql: str = "",
    body: bytes = b"",
    method: str = "POST",
    headers: dict[str, str] | None = None,
    **more: str,
) -> tuple[int, bytes, http.client.HTTPMessage]:
    """Status, body and headers of one request by the writer."""
    user, password, database = credentials(store.store)
    fields = {"user": user, "password": password, "database": database, **({"query": sql} if sql else {}), **more}
    request = urllib.request.Request(f"{store.url}?{urllib.parse.urlencode(fields)}", method=method)
    request.data = body if method == "POST" else None
    for name, value in (headers or {}).items():
        request.add_header(name, value)
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, reply.read(), reply.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers


def credentials(store: str) -> tuple[str, str, str]:
    parts = urllib.parse.urlsplit(store)
    return parts.username or "", parts.password or "", parts.path.lstrip("/")
