"""Certificates for a test, made with openssl: who signs, the broker's, a client's, and a signer whom nobody trusts."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

SECONDS = 60


@dataclass(frozen=True)
class Certificates:
    """PEM files.  `broker` and `client_pair` hold a key and its certificate in one file."""

    ca: Path
    broker: Path
    client: Path
    client_key: Path
    other_ca: Path


def make_certificates(folder: Path) -> Certificates:
    ca, other = _authority(folder, "ca"), _authority(folder, "other")
    broker = _signed(folder, "broker", ca, "subjectAltName=IP:127.0.0.1")
    client = _signed(folder, "client", ca, "extendedKeyUsage=clientAuth")
    both = folder / "broker-both.pem"
    both.touch(mode=0o600)
    both.write_text(broker.with_suffix(".key").read_text() + broker.read_text())
    return Certificates(ca, both, client, client.with_suffix(".key"), other)


def _authority(folder: Path, name: str) -> Path:
    made = folder / f"{name}.pem"
    _openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "2"),
        *("-subj", f"/CN=test {name}", "-addext", "basicConstraints=critical,CA:TRUE"),
        *("-addext", "keyUsage=critical,keyCertSign"),
        *("-keyout", str(made.with_suffix(".key")), "-out", str(made)),
    )
    return made


def _signed(folder: Path, name: str, ca: Path, extension: str) -> Path:
    made, request, extensions = folder / f"{name}.pem", folder / f"{name}.csr", folder / f"{name}.ext"
    extensions.write_text(f"{extension}\nbasicConstraints=CA:FALSE\n")
    _openssl(
        *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-subj", f"/CN=test {name}"),
        *("-keyout", str(made.with_suffix(".key")), "-out", str(request)),
    )
    _openssl(
        *("x509", "-req", "-in", str(request), "-days", "2", "-extfile", str(extensions), "-CAcreateserial"),
        *("-CA", str(ca), "-CAkey", str(ca.with_suffix(".key")), "-out", str(made)),
    )
    return made


def _openssl(*words: str) -> None:
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
