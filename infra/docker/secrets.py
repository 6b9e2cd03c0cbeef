"""The secrets of docker compose: files, made once, that containers read under `/run/secrets`.

Law: a secret that exists is never changed; delete its file to get a new one.

The folder is closed to everybody else on the machine (0700).  The files in it are not (0644): Docker mounts each as it
is, and the users inside the containers have other ids than its owner.  ClickHouse is given digests alone.
"""

from __future__ import annotations

import secrets
import sys
from hashlib import sha256
from pathlib import Path
from typing import Final

from infra.embedded.clickhouse.users import READER, WRITER

FOLDER: Final = Path(__file__).parent / "secrets"
PASSWORDS: Final = ("writer_password", "reader_password", "grafana_admin_password")
# Whoever is told of alerts, and by whom: where nobody is until somebody writes an address into the file.
DEFAULTS: Final = {
    "smtp_password": "unset",
    "alert_webhook_url": "http://127.0.0.1:9/unset",
    "alert_webhook_secret": "unset",
    "alert_slack_url": "http://127.0.0.1:9/unset",
}
CLICKHOUSE_USERS: Final = "clickhouse_users.xml"


def write_secrets(folder: Path) -> list[str]:
    """Make what is missing, and ClickHouse's digests anew from the passwords.

    Returns:
        The names of the files that were made.

    Raises:
        OSError: the folder or a file in it cannot be written or read.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    wanted = {name: secrets.token_urlsafe(24) for name in PASSWORDS} | DEFAULTS
    made = [name for name in wanted if not (folder / name).exists()]
    for name in made:
        _write(folder / name, f"{wanted[name]}\n")
    writer, reader = (_read(folder / name) for name in ("writer_password", "reader_password"))
    _write(folder / CLICKHOUSE_USERS, clickhouse_users(writer, reader))
    return made


def clickhouse_users(writer: str, reader: str) -> str:
    """A file of `users.d` that gives both users their passwords, as SHA-256 digests."""
    users = "".join(_user(name, password) for name, password in ((WRITER, writer), (READER, reader)))
    return f"<clickhouse>\n    <users>\n{users}    </users>\n</clickhouse>\n"


def _user(name: str, password: str) -> str:
    digest = sha256(password.encode()).hexdigest()
    return f"        <{name}>\n            <password_sha256_hex>{digest}</password_sha256_hex>\n        </{name}>\n"


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8").rstrip("\r\n")


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    file.chmod(0o644)


def main() -> int:
    """Make the secrets of this checkout and say which are new."""
    made = write_secrets(FOLDER)
    print(f"{FOLDER}: {', '.join(made) if made else 'nothing new'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
