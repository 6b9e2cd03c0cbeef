"""The clock that chaos steps."""

from __future__ import annotations

import time
from pathlib import Path

from tests.chaos.clock import LOOKED_AT_EVERY, stepped, write_step


def test_a_step_is_seen_at_the_next_look_and_not_before(tmp_path: Path) -> None:
    path = tmp_path / "step"
    write_step(path, 90)
    now = stepped(lambda: 1000.0, path)
    assert now() == 1090.0
    write_step(path, -90)
    assert now() == 1090.0
    time.sleep(LOOKED_AT_EVERY)
    assert now() == 910.0
