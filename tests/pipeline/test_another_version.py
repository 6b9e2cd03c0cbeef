"""Records that another version of the program has written."""

from __future__ import annotations

import subprocess
import sys
import time

from schemas.topics import SLICES
from streams.producers.outgoing import Outgoing
from streams.producers.sender import Sender


def test_slices_of_another_version_stop_conversion_which_says_what_to_delete(tansu: str, prefix: str) -> None:
    environment = {"PATH": "/usr/bin:/bin", "GROUNDSWELL_KAFKA": tansu, "GROUNDSWELL_PREFIX": prefix}
    environment["GROUNDSWELL_GROUP_PREFIX"] = prefix
    groundswell = [sys.executable, "-m", "streams.commands"]
    subprocess.run([*groundswell, "topics"], env=environment, check=True, capture_output=True, timeout=60)
    with Sender([tansu], prefix) as sender:
        sender.send(Outgoing(SLICES, 0, b"key", b'{"type": "slice", "schema": 99}', int(time.time() * 1000)))
    done = subprocess.run(
        [*groundswell, "worker", "conversion"], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2, done.stderr
    last = done.stderr.splitlines()[-1]
    assert "schema 99, this program speaks 1" in last
    # Attribution goes on from its saved states and would not say old minutes again.
    assert f"delete the topics {prefix}slices and {prefix}checkpoints" in last
