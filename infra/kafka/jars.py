"""Apache Kafka's jars: resolved once from `pom.xml`, kept in the user's cache, never in the repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from schemas.errors import Fault

VERSION = "4.3.1"
JAVA = 17
"""The oldest Java that Kafka 4.3 runs on."""

POM = Path(__file__).with_name("pom.xml")
FOLDER_SETTING = "GROUNDSWELL_KAFKA_JARS"

_PATIENCE = 600
_MAJOR = re.compile(r'version "(?:1\.)?(\d+)')


def folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the jars are or will be."""
    chosen = environment.get(FOLDER_SETTING)
    if chosen:
        return Path(chosen).expanduser()
    cache = environment.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "groundswell" / f"kafka-{VERSION}"


def java() -> str:
    """Path of a Java that is new enough.

    Raises:
        Fault: there is none.
    """
    home = os.environ.get("JAVA_HOME")
    found = shutil.which(str(Path(home, "bin", "java"))) if home else shutil.which("java")
    if found is None:
        raise Fault("machine", "Apache Kafka needs Java and there is none", f"Install Java {JAVA} or newer")
    shown = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr
    major = _MAJOR.search(shown)
    if major is None or int(major[1]) < JAVA:
        said = shown.splitlines()[0] if shown else "nothing"
        raise Fault("machine", f"{found} is no Java {JAVA} (it says: {said})", f"Install Java {JAVA} or newer")
    return found


def resolve() -> Path:
    """The folder that holds every jar; Maven fetches them (43 MB) if they are not there yet.

    Raises:
        Fault: there is no Maven, or it could not fetch them.
    """
    target = folder()
    if complete(target):
        return target
    if os.environ.get(FOLDER_SETTING):
        raise Fault(
            "settings",
            f"{FOLDER_SETTING}={target} holds no kafka_2.13-{VERSION}.jar",
            f"Point it to a folder that does, or unset it and let Maven fetch them to {folder({})}",
        )
    maven = shutil.which("mvn")
    if maven is None:
        raise Fault(
            "machine",
            "Apache Kafka's jars have not been fetched yet and there is no Maven",
            f"Install Maven, or set {FOLDER_SETTING} to a folder that holds the jars",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fetching-", dir=target.parent) as scratch:
        fetched = _fetch(maven, Path(scratch))
        _put(fetched, target)
    return target


def complete(jars: Path) -> bool:
    """Whether a folder holds the server; folders appear whole or not at all."""
    return (jars / f"kafka_2.13-{VERSION}.jar").is_file()


def _fetch(maven: str, scratch: Path) -> Path:
    shutil.copy(POM, scratch / "pom.xml")
    jars = scratch / "jars"
    command = [maven, "-q", "-B", "-f", str(scratch / "pom.xml"), "dependency:copy-dependencies"]
    try:
        done = subprocess.run(
            [*command, f"-DoutputDirectory={jars}"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Fault("machine", f"Maven did not end within {_PATIENCE} s", "Look at the network, then again") from None
    if done.returncode != 0 or not complete(jars):
        errors = [line for line in done.stdout.splitlines() if line.startswith("[ERROR]")]
        reason = errors[0].removeprefix("[ERROR] ") if errors else f"exit code {done.returncode}"
        raise Fault(
            "machine", f"Maven could not fetch Apache Kafka: {reason}", "Look at the network and at Maven's settings"
        )
    return jars


def _put(fetched: Path, target: Path) -> None:
    try:
        fetched.rename(target)
    except OSError:
        # Somebody else was quicker, which is as good; or half a folder is in the way, which is not.
        if not complete(target):
            shutil.rmtree(target)
            fetched.rename(target)
