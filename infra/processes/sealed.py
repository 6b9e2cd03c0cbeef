"""Secrets on their way to a child: by file, since everything of its user can read what stands in its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from schemas.secret import FILE, SECRETS, STORE_PASSWORD

STORE: Final = "GROUNDSWELL_STORE"


def sealed(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The environment with each secret in a file of its own, and the name of the file in place of the secret.

    Who gives a secret and its file is left to be told so by the child.

    Args:
        folder: made if it is missing, closed to others; the same child finds the same files there.
    """
    kept = _without_password_in_address(environment)
    for name in SECRETS:
        given = kept.get(name, "")
        if given and not kept.get(name + FILE, "").strip():
            kept[name + FILE] = str(_write(folder / name.lower(), given))
            del kept[name]
    return kept


def _without_password_in_address(environment: Mapping[str, str]) -> dict[str, str]:
    """A store's address may hold its password, which has a name of its own as well."""
    kept = dict(environment)
    parts = urlsplit(kept.get(STORE, ""))
    if parts.password and not kept.get(STORE_PASSWORD) and not kept.get(STORE_PASSWORD + FILE, "").strip():
        place = parts.netloc.rpartition("@")[2]
        kept[STORE] = parts._replace(netloc=f"{parts.username}@{place}").geturl()
        kept[STORE_PASSWORD] = unquote(parts.password)
    return kept


def _write(file: Path, text: str) -> Path:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text)
    return file
