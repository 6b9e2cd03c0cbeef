"""What the other programs need: a virtual environment of their own, jars from Maven, Kafka Streams' join compiled.

Made under `build/` on first use, from pinned versions, and kept; whole or not at all.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from infra.kafka import jars
from schemas.errors import Fault

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[2]
BUILD: Final = ROOT / "build"
REQUIREMENTS: Final = HERE.parent / "requirements.txt"
PATIENCE_SECONDS: Final = 900
STAMP: Final = "made-from"


def python() -> Path:
    """The interpreter that has Bytewax, Quix Streams and matplotlib.

    Raises:
        Fault: pip cannot fetch them.
    """
    folder = BUILD / "bench-venv"
    interpreter = folder / "bin" / "python"
    wanted = _digest(REQUIREMENTS)
    if not _is_made(folder, wanted):
        print("making build/bench-venv, once", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(folder)], "venv")
        pip = [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        _run([*pip, "-r", str(REQUIREMENTS)], "pip")
        (folder / STAMP).write_text(wanted)
    return interpreter


def classpath() -> str:
    """Where Java finds the join in Kafka Streams, and Kafka Streams.

    Raises:
        Fault: there is no Java or Maven, or Maven cannot fetch the jars.
    """
    folder, pom, source = BUILD / "bench-java", HERE / "java" / "pom.xml", HERE / "java" / "Join.java"
    wanted = _digest(pom, source)
    if not _is_made(folder, wanted):
        java, maven = jars.java(), shutil.which("mvn")
        if maven is None:
            raise Fault("machine", "Kafka Streams comes by Maven and there is none", "Install Maven")
        print("fetching and compiling build/bench-java, once", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        shutil.copy(pom, folder / "pom.xml")
        copying = ["dependency:copy-dependencies", f"-DoutputDirectory={folder / 'jars'}"]
        _run([maven, "-q", "-B", "-f", str(folder / "pom.xml"), *copying], "Maven")
        # By a compiler that is a jar among the others: many machines have a Java that only runs.
        compiler = [java, "-cp", f"{folder / 'jars'}/*", "org.eclipse.jdt.internal.compiler.batch.Main", "-17"]
        found = ":".join(str(jar) for jar in sorted((folder / "jars").glob("*.jar")))
        _run([*compiler, "-nowarn", "-cp", found, "-d", str(folder / "classes"), str(source)], "the Java compiler")
        (folder / STAMP).write_text(wanted)
    return f"{folder / 'classes'}:{folder / 'jars'}/*"


def _digest(*files: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _is_made(folder: Path, wanted: str) -> bool:
    stamp = folder / STAMP
    return stamp.is_file() and stamp.read_text() == wanted


def _run(command: list[str], who: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise Fault("machine", f"{who} did not end within {PATIENCE_SECONDS} s", "Look at the network") from None
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()[-3:]
        raise Fault("machine", f"{who} failed: {' | '.join(said)}", "Look at the network and at its settings")
