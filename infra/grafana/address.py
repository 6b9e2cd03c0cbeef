"""Where Grafana is and the token for it, from the environment alone; the token is never shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from schemas.errors import Fault
from schemas.secret import FILE, GRAFANA_TOKEN, secret

URL: Final = "GROUNDSWELL_GRAFANA_URL"
TOKEN: Final = GRAFANA_TOKEN
TOKEN_FILE: Final = GRAFANA_TOKEN + FILE
VARIABLES: Final = (URL, TOKEN, TOKEN_FILE)

HOW_TO_GET_A_TOKEN: Final = (
    f"Make a service account with the role Admin in Grafana (Administration, Users and access), "
    f"and set its token in {TOKEN} or the name of a file that holds it in {TOKEN_FILE}."
)


@dataclass(frozen=True)
class Address:
    """`url` as people see it, without a slash at its end; `token` is left out of every representation."""

    url: str
    token: str = field(repr=False)

    def transport(self, timeout: float) -> Any:
        """grafana-api's verb runner for this address.

        Args:
            timeout: seconds for a connection, and for each wait for an answer.
        """
        from grafana_api.grafana_api import GrafanaAPI  # requests takes a while to import

        parts = urlsplit(self.url)
        runner = GrafanaAPI(
            self.token,
            host=f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname,
            port=parts.port,
            url_path_prefix=f"{parts.path.strip('/')}/" if parts.path.strip("/") else "",
            protocol=parts.scheme,
            timeout=timeout,
        )
        # A redirected POST would arrive as a GET: whoever redirects has to be named, not followed.
        runner.s.max_redirects = 0
        runner.s.hooks["response"].append(_stop_at_pages)
        return runner


class Page(Exception):
    """An error that is no JSON.  grafana-api would look for a "message" in the text of the page, and stumble."""

    def __init__(self, status_code: int, response: str) -> None:
        super().__init__(status_code)
        self.status_code = status_code
        self.response = response


def _stop_at_pages(reply: Any, **_: Any) -> None:
    if reply.status_code >= 400:
        try:
            reply.json()
        except ValueError:
            raise Page(reply.status_code, reply.text) from None


def address_of(environment: Mapping[str, str]) -> Address:
    """The address that an environment names.

    Raises:
        Fault: something is missing or malformed.
    """
    url = environment.get(URL, "").strip().rstrip("/")
    if not url:
        raise Fault("settings", f"{URL} is not set", "Set it to Grafana's address, http://127.0.0.1:3000 for example.")
    _check_url(url)
    return Address(url, _token(environment))


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.username or parts.password:
        raise Fault("settings", f"{URL} holds a user or password", f"Take it out. {HOW_TO_GET_A_TOKEN}")
    try:
        well_formed = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        well_formed = False
    if not well_formed or parts.query or parts.fragment:
        raise Fault("settings", f"{URL} is no address", "Write http://host:port or https://host/prefix.")


def _token(environment: Mapping[str, str]) -> str:
    token = secret(environment, TOKEN).strip()
    if not token:
        raise Fault("settings", "there is no token for Grafana", HOW_TO_GET_A_TOKEN)
    if not token.isascii() or not token.isprintable() or " " in token:
        raise Fault("settings", "the token for Grafana has characters that no token has", HOW_TO_GET_A_TOKEN)
    return token
