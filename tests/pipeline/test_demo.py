"""`groundswell demo --once --json` as a user runs it: the golden figures, read from the store, audited."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SERIES = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "sgdq2019" / "timeseries.csv"


def demo(*arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "streams.commands", "demo", "--once", "--json", *arguments],
        capture_output=True,
        text=True,
        timeout=380,
        env={name: value for name, value in os.environ.items() if not name.startswith("GROUNDSWELL_")},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    "broker", ["tansu", pytest.param("apache", marks=[pytest.mark.kafka, pytest.mark.faults])], indirect=True
)
def test_the_sample_appeal_comes_out_with_its_golden_figures(broker: str) -> None:
    found = demo("--kafka", broker)
    assert found["shares"] == 446
    assert found["donations_48h"] == 92
    assert found["donors_48h"] == 92
    assert found["gross_48h"] == "4352.00"
    assert found["gross_total"] == "5900.00"
    assert found["gross_late"] == "1548.00"
    assert found["ties"] == {"strong": 62, "weak": 30}
    celebrities = found["celebrities"]
    assert celebrities["impressions_estimated"] > 3_000_000
    assert celebrities["donations"] == 1
    assert 0.008 <= celebrities["per_million_low"] < 0.009
    assert 1.85 <= celebrities["per_million_high"] < 1.87
    assert found["sharers_not_donors"]["naive"] == 354
    assert 0 < found["sharers_not_donors"]["true"] < 354
    for counts in found["accounting"].values():
        assert counts["produced"] == counts["accepted"] + counts["duplicates"] + counts["dead_lettered"]
        assert counts["in_flight"] == 0
    assert found["audit"] == "equal"


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.skipif(not SERIES.exists(), reason=f"the series of the real appeal is not at {SERIES}")
def test_a_real_appeal_comes_out_to_the_cent() -> None:
    found = demo("--replay", "gdq", str(SERIES))
    assert found["net"] == "3005738.87"
    assert found["donations"] == 50_908
    assert found["refunds"] == 9
    assert found["accounting"]["donations"]["produced"] == 50_917
    assert found["audit"] == "equal"


def test_nothing_is_left_after_ctrl_c(tmp_path: Path) -> None:
    import signal
    import time

    running = subprocess.Popen(
        [sys.executable, "-m", "streams.commands", "demo", "--once"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    time.sleep(8)
    children = subprocess.run(["pgrep", "-f", str(tmp_path)], capture_output=True, text=True).stdout.split()
    assert children, "the demo had started nothing yet"
    running.send_signal(signal.SIGINT)
    assert running.wait(40) == 130
    left = subprocess.run(["pgrep", "-f", str(tmp_path)], capture_output=True, text=True).stdout.split()
    assert not left
    assert not list(tmp_path.iterdir())
