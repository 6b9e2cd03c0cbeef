"""The whole pipeline on Apache Kafka by passwords and TLS; and what is said where the broker does not let us in."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from secured import USER, GuardedStore, Secured, groundswell, let_in

from infra.processes.stack import Stack
from streams.settings import ROLE_NAMES

WAYS = ("password, plain", "password, scram", "password and tls", "certificate")
GROUP = {"GROUNDSWELL_SESSION_TIMEOUT": "6", "GROUNDSWELL_REBALANCE_TIMEOUT": "3"}
PLAYED = {"GROUNDSWELL_CLOCK": "played", "GROUNDSWELL_RETENTION_DAYS": "-1"}

pytestmark = pytest.mark.kafka


@pytest.mark.slow
@pytest.mark.parametrize(
    "way",
    [
        # Scram is proven by the way beside it, the mechanism PLAIN by the tests of wrong passwords.
        pytest.param("password, plain", marks=pytest.mark.faults),
        pytest.param("password, scram", marks=pytest.mark.faults),
        "password and tls",
        "certificate",
    ],
)
def test_a_secured_pipeline_is_equal_to_its_log_and_says_no_secret(
    secured: Secured, guarded_store: GuardedStore, ground: Stack, way: str, prefix: str, tmp_path: Path
) -> None:
    settings = {
        **secured.settings(way),
        "GROUNDSWELL_STORE": guarded_store.address(f"secured_{prefix.strip('-')}"),
        "GROUNDSWELL_STORE_PASSWORD": guarded_store.password,
        "GROUNDSWELL_PREFIX": prefix,
        "GROUNDSWELL_GROUP_PREFIX": f"{prefix}group",
        "GROUNDSWELL_LOG": "json" if way == "certificate" else "text",
        **GROUP,
        **PLAYED,
    }
    if way == "password and tls":
        settings |= in_files(settings, tmp_path)
    said = {verb: groundswell(settings, verb) for verb in ("topics", "migrate")}
    for role in ROLE_NAMES:
        argv = [sys.executable, "-m", "streams.commands", "worker", role]
        ground.start(f"{prefix}{role}", argv, env=settings)
    try:
        said["replay"] = groundswell(settings, "replay", "door")
        said["send"] = groundswell(settings, "send", "clicks", stdin="")
        said["annotate"] = groundswell(settings, "annotate", "door", "note", "a note")
        said["audit"] = groundswell(settings, "audit", "--wait", "150", seconds=200)
        said["check"] = groundswell(settings, "topics", "--check")
        said["healthy"] = groundswell(settings, "healthy", "sink")
        said["sql"] = groundswell(settings, "sql", "SELECT count() FROM shares FINAL")
        said["doctor"] = groundswell(settings, "doctor", "--json")
        processes = command_lines()
        assert set(ground.running()) >= {f"{prefix}{role}" for role in ROLE_NAMES}
    finally:
        for role in ROLE_NAMES:
            ground.stop_child(f"{prefix}{role}")
    for verb, done in said.items():
        expected = 1 if verb == "doctor" else 0  # there is one copy of everything
        assert done.returncode == expected, (verb, done.stdout, done.stderr, logs(ground))
    assert said["audit"].stdout.splitlines()[-1] == "equal"
    found = {(finding["check"], finding["state"]) for finding in json.loads(said["doctor"].stdout)["findings"]}
    assert found >= {("way to kafka", "ok"), ("kafka listener", "ok"), ("copies", "wrong"), ("store's users", "ok")}
    everything = "".join(done.stdout + done.stderr for done in said.values()) + logs(ground)
    for secret in (secured.password, guarded_store.password):
        assert secret not in everything
        assert secret not in processes


def in_files(settings: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The same passwords by files."""
    changed = {}
    for name in ("GROUNDSWELL_KAFKA_PASSWORD", "GROUNDSWELL_STORE_PASSWORD"):
        file = folder / name
        file.touch(mode=0o600)
        file.write_text(f"{settings[name]}\n")
        changed |= {name: "", f"{name}_FILE": str(file)}
    return changed


def command_lines() -> str:
    """Of every process that can be seen, where the system shows them."""
    found = b""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found += path.read_bytes() + b"\n"
    return found.decode(errors="replace")


def logs(ground: Stack) -> str:
    """What every process of the ground has said, brokers and stores included."""
    return "".join(path.read_text() for path in sorted(ground.log_of("x").parent.glob("*.log")))


def assert_one_line(done: subprocess.CompletedProcess[str], *words: str, secret: str) -> None:
    assert done.returncode == 2, done
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    for word in ("groundswell: settings:", *words):
        assert word in lines[0], lines[0]
    assert secret not in done.stdout + done.stderr


VERBS = (
    ("topics",),
    ("worker", "attribution"),
    ("worker", "sink"),
    ("audit",),
    ("send", "clicks"),
    ("healthy", "sink"),
)


@pytest.mark.parametrize(
    ("way", "verb"), [*(("password and tls", verb) for verb in VERBS), *((way, ("topics",)) for way in WAYS[:2])]
)
def test_a_wrong_password_is_one_line_and_no_retry(secured: Secured, way: str, verb: tuple[str, ...]) -> None:
    settings = {**secured.settings(way), "GROUNDSWELL_KAFKA_PASSWORD": "not-the-right-one"}
    begun = time.monotonic()
    done = groundswell(settings, *verb, stdin="")
    words = (USER, "refuses", "GROUNDSWELL_KAFKA_PASSWORD")
    assert_one_line(done, *words, secret="not-the-right-one")
    assert time.monotonic() - begun < 12


WRONG_WAYS = [
    ("password and tls", {"GROUNDSWELL_KAFKA_CA": ""}, "GROUNDSWELL_KAFKA_CA"),
    ("password and tls", {"GROUNDSWELL_KAFKA_CA": "other"}, "not one to trust"),
    (
        "certificate",
        {"GROUNDSWELL_KAFKA_CERTIFICATE": "", "GROUNDSWELL_KAFKA_KEY": ""},
        "GROUNDSWELL_KAFKA_CERTIFICATE",
    ),
    ("password, scram", {"GROUNDSWELL_KAFKA_SECURITY": "sasl_ssl"}, "GROUNDSWELL_KAFKA_SECURITY"),
    ("password and tls", {"GROUNDSWELL_KAFKA": "another name"}, "GROUNDSWELL_KAFKA to its name"),
]


@pytest.mark.parametrize(
    ("way", "changes", "cure", "verb"),
    [
        *((*wrong, ("topics",)) for wrong in WRONG_WAYS),
        *((*WRONG_WAYS[1], verb) for verb in (("worker", "sink"), ("audit",))),
    ],
)
def test_tls_that_does_not_fit_is_one_line(
    secured: Secured, way: str, changes: dict[str, str], cure: str, verb: tuple[str, ...]
) -> None:
    elsewhere = secured.settings(way)["GROUNDSWELL_KAFKA"].replace("127.0.0.1", "localhost")
    named = {"other": str(secured.certificates.other_ca), "another name": elsewhere}
    settings = {**secured.settings(way), **{name: named.get(value, value) for name, value in changes.items()}}
    assert_one_line(groundswell(settings, *verb), cure, secret=secured.password)


def test_a_mechanism_that_the_listener_does_not_take_is_one_line(secured: Secured) -> None:
    settings = {**secured.settings("password and tls"), "GROUNDSWELL_KAFKA_SASL_MECHANISM": "PLAIN"}
    done = groundswell(settings, "topics")
    assert_one_line(done, "GROUNDSWELL_KAFKA_SASL_MECHANISM", secret=secured.password)


@pytest.mark.parametrize("way", ["password, scram", "password and tls", "certificate"])
def test_a_plain_client_at_a_secured_listener_is_told_of_the_setting(secured: Secured, way: str) -> None:
    kafka = secured.settings(way)["GROUNDSWELL_KAFKA"]
    done = groundswell({"GROUNDSWELL_KAFKA": kafka}, "topics")
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1), done.stderr
    assert "GROUNDSWELL_KAFKA_SECURITY" in done.stderr


def test_a_client_of_tls_at_a_plain_listener_is_told_of_the_setting(secured: Secured) -> None:
    settings = {**secured.settings("certificate"), "GROUNDSWELL_KAFKA": secured.kafka.bootstrap}
    assert_one_line(groundswell(settings, "topics"), "GROUNDSWELL_KAFKA_SECURITY", secret=secured.password)


@pytest.mark.slow
def test_a_password_that_is_changed_under_a_worker_ends_it_with_one_line(
    secured: Secured, tmp_path: Path, prefix: str
) -> None:
    user, first = f"{prefix}user", "the-first-password"
    let_in(secured.kafka, {user: first})
    file = tmp_path / "password"
    file.write_text(f"{first}\n")
    settings = {
        **secured.settings("password, scram"),
        "GROUNDSWELL_KAFKA_USER": user,
        "GROUNDSWELL_KAFKA_PASSWORD": "",
        "GROUNDSWELL_KAFKA_PASSWORD_FILE": str(file),
        "GROUNDSWELL_PREFIX": prefix,
        **GROUP,
    }
    made = groundswell(settings, "topics")
    assert made.returncode == 0, made.stderr
    argv = [sys.executable, "-m", "streams.commands", "worker", "conversion"]
    worker = subprocess.Popen(argv, env={"PATH": "/usr/bin:/bin", **settings}, stderr=subprocess.PIPE, text=True)
    try:
        assert worker.stderr is not None
        assert "starts on" in worker.stderr.readline()
        time.sleep(3)
        let_in(secured.kafka, {user: "the-second-password"})
        _, said = worker.communicate(timeout=60)
    finally:
        worker.send_signal(signal.SIGKILL)
    assert worker.returncode == 2, said
    assert said.strip().splitlines()[-1].startswith("groundswell: settings: "), said
    assert "Traceback" not in said
    assert "the-first-password" not in said
