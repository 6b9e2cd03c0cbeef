"""What ran where: versions, processor, cores, load, as lines for people."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Final

from infra.kafka import jars

OURS: Final = ("groundswell", "faust-streaming", "aiokafka", "msgspec", "chdb")
THEIRS: Final = ("bytewax", "quixstreams", "confluent-kafka")


def processor() -> str:
    """Its model, as the machine tells it."""
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1].strip() if found else platform.machine()


def memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def load() -> str:
    """Load averages of the last 1, 5 and 15 minutes."""
    return ", ".join(f"{average:.1f}" for average in os.getloadavg())


def described() -> str:
    return f"{processor()}, {os.cpu_count()} cores, {memory_bytes() / 1e9:.0f} GB, load average before {load()}"


def versions(bench_python: Path | None) -> dict[str, str]:
    """Of everything that ran; `bench_python`: the interpreter that has the others, if it was made."""
    found = {"Python": platform.python_version(), "Apache Kafka and Kafka Streams": jars.VERSION, "Java": _java()}
    found |= {name: version(name) for name in OURS}
    if bench_python is not None:
        asking = f"from importlib.metadata import version; print(*map(version, {THEIRS!r}))"
        said = subprocess.run([str(bench_python), "-c", asking], capture_output=True, text=True, check=True).stdout
        found |= dict(zip(THEIRS, said.split(), strict=True))
    return found


def _java() -> str:
    said = subprocess.run([jars.java(), "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "([^"]+)"', said)
    return found[1] if found else "unknown"
