"""The store's data on this machine: donors' rows, which only the store's own user shall read."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas.errors import Fault
from streams.clickhouse.client import StoreUnavailable, connect
from streams.doctor.finding import Finding, is_loopback
from streams.settings import Settings

DISKS: Final = "SELECT DISTINCT path FROM system.disks WHERE path != ''"
CHECK: Final = "store's data"


def examine_data(settings: Settings) -> Iterator[Finding]:
    """Whether others on this machine can look into the folders of a store that runs here.

    Of a store elsewhere, and of one that does not answer (`examine_store` says so), nothing is said.
    """
    if not is_loopback(str(urlsplit(settings.store).hostname)):
        return
    try:
        client = connect(settings.store)
        folders = [Path(row[0]) for row in client.query(DISKS).result_rows]
        client.close()
    except (StoreUnavailable, Fault):
        return
    except ClickHouseError:
        yield Finding(CHECK, "cannot tell", "this user may not ask the store where its data is")
        return
    yield from examine_folders(folders)


def examine_folders(folders: Iterable[Path]) -> Iterator[Finding]:
    """One finding for each folder that is on this machine; a store in a container has its own names for them."""
    for folder in folders:
        try:
            mode = stat.S_IMODE(folder.stat().st_mode)
        except OSError:
            yield Finding(CHECK, "cannot tell", f"{folder} is not here or is closed to this user")
            continue
        if mode & 0o007:
            seen = f"{folder} can be read by everybody on this machine (mode {mode:03o})"
            yield Finding(CHECK, "wrong", seen, f"Run `chmod 700 {folder}`.")
        else:
            yield Finding(CHECK, "ok", f"{folder} is closed to others (mode {mode:03o})")
