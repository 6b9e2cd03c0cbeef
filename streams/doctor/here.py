"""What can be seen on this machine: files of secrets, passwords, the page, addresses."""

from __future__ import annotations

import contextlib
import http.client
import socket
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from schemas.errors import Fault
from schemas.secret import FILE, SECRETS, secret
from streams.doctor.finding import Finding, is_loopback, of_fault
from streams.settings import Settings

ANSWERS_WITHIN_S: Final = 2.0
LEAST_LENGTH: Final = 12
GUESSED_FIRST: Final = frozenset(
    {"admin", "changeme", "clickhouse", "default", "groundswell", "kafka", "password", "reader", "secret", "test"}
)
# Refused for want of a password, for the wrong name, or as another site's: nobody gets in.
SHUT: Final = (401, 403, 421)
DOTENV: Final = ".env"


def own_addresses() -> list[str]:
    """Addresses of this machine by which others can reach it, as far as the system tells."""
    found: set[str] = set()
    with contextlib.suppress(OSError):
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(socket.gethostname(), None)}
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # of RFC 5737, nobody's: it only chooses a way out, nothing is sent
        found.add(str(probe.getsockname()[0]))
    return sorted(address for address in found if not is_loopback(address))


def answers_at(address: str, port: int, path: str) -> int | None:
    """The status with which something answers over HTTP; None: nobody does."""
    connection = http.client.HTTPConnection(address, port, timeout=ANSWERS_WITHIN_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def examine_page(port: int) -> Iterator[Finding]:
    """Whether the page shows itself to others without a password."""
    for address in own_addresses():
        status = answers_at(address, port, "/")
        if status is not None and status not in SHUT:
            mend = "Start `groundswell page` without --host, or with GROUNDSWELL_PAGE_PASSWORD and TLS in front of it."
            yield Finding("page", "wrong", f"{address}:{port} shows itself to everybody", mend)
            return
    yield Finding("page", "ok", f"nothing shows itself at port {port} beyond loopback without a password")


def examine_passwords(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Whether what is given as a secret can be guessed; the secret itself is not shown."""
    for name in SECRETS:
        try:
            given = secret(environment, name)
        except Fault as fault:
            yield of_fault("secret", fault)
            continue
        if not given:
            continue
        if given.lower() in GUESSED_FIRST or len(given) < LEAST_LENGTH:
            found = f"{name} is a word that is tried first, or has fewer than {LEAST_LENGTH} characters"
            mend = "Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(24))'"
            yield Finding("secret", "wrong", found, mend)
        else:
            yield Finding("secret", "ok", f"{name} is long enough")


def examine_files(settings: Settings, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Whether files of secrets can be read by everybody on this machine."""
    files = {name + FILE: environment.get(name + FILE, "").strip() for name in SECRETS}
    files["GROUNDSWELL_KAFKA_KEY"] = settings.kafka_key
    if Path(DOTENV).is_file():
        files["the passwords of docker compose"] = DOTENV
    for name, file in files.items():
        if file:
            yield _examine_file(name, Path(file))


def _examine_file(name: str, file: Path) -> Finding:
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
    except OSError as error:
        return Finding("file", "wrong", f"{file} ({name}) cannot be looked at ({error.strerror})", "Mend its name.")
    if mode & 0o007:
        found = f"{file} ({name}) can be read or changed by everybody on this machine (mode {mode:03o})"
        return Finding("file", "wrong", found, f"Run `chmod 600 {file}`.")
    return Finding("file", "ok", f"{file} ({name}) is closed to others (mode {mode:03o})")
