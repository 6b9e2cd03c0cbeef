"""A full disk takes nothing more, and takes again once there is room.  The trial is this file as a program."""

from __future__ import annotations

import errno
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import pytest

from schemas.errors import Fault
from tests.chaos.disk import Disk
from tests.chaos.network import enter_private
from tests.chaos.test_network import ROOT, private

SOME: Final = b"x" * 65_536


@private
def test_a_full_disk_takes_nothing_until_there_is_room(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "tests.chaos.test_disk"]
    told = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout
    assert told.splitlines() == ["fresh: written", "full: ENOSPC", "emptied: written", "unmounted: gone"]


def test_nothing_is_mounted_outside_a_namespace_of_ones_own(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="namespace of its own"):
        Disk(tmp_path, 1).mount()


def write(folder: Path, name: str) -> str:
    try:
        (folder / name).write_bytes(SOME)
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return "written"


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "disk"
        disk = Disk(folder, 1)
        disk.mount()
        print(f"fresh: {write(folder, 'a')}")
        disk.fill()
        print(f"full: {write(folder, 'b')}")
        disk.empty()
        print(f"emptied: {write(folder, 'c')}")
        disk.unmount()
        print(f"unmounted: {'there' if list(folder.iterdir()) else 'gone'}")


if __name__ == "__main__":
    if enter_private("tests.chaos.test_disk", sys.argv[1:]):
        main()
