"""A small disk of its own, in memory, that can be filled and emptied.  Only inside `network.enter_private`: the mount
is in a namespace that ends with the program."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from schemas.errors import Fault
from tests.chaos.network import is_private, run

TRIES: Final = 20


class Disk:
    """Mounted at `folder`, of `megabytes`."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self._folder = folder
        self._megabytes = megabytes

    def mount(self) -> None:
        """Make the folder, and the disk there.

        Raises:
            Fault: the machine does not let us.
        """
        if not is_private():
            raise Fault("machine", "a disk of its own needs a namespace of its own", "Call enter_private first.")
        self._folder.mkdir(parents=True, exist_ok=True)
        run("mount", "-t", "tmpfs", "-o", f"size={self._megabytes}m", "none", str(self._folder))

    def fill(self) -> None:
        """Nothing more can be written: the disk shrinks to what is on it.

        Raises:
            Fault: it does not.
        """
        for _ in range(TRIES):
            shape = os.statvfs(self._folder)
            # Others write meanwhile, and a disk of less than it holds is refused.
            with suppress(Fault):
                self._remount(f"nr_blocks={shape.f_blocks - shape.f_bfree + 1}")
                return
        raise Fault("machine", f"{self._folder} cannot be filled", "Look at `mount`.")

    def empty(self) -> None:
        """There is room again."""
        self._remount(f"size={self._megabytes}m")

    def unmount(self) -> None:
        """The disk and what is on it are gone; one that was never mounted is no error."""
        with suppress(Fault):
            run("umount", "--lazy", str(self._folder))

    def _remount(self, size: str) -> None:
        run("mount", "-o", f"remount,{size}", str(self._folder))
