"""The whole pipeline on Apache Kafka by passwords and TLS; and what is said where the broker does not let us in."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from ground import Store
from secured import USER, Secured, groundswell

from infra.processes.stack import Stack

ROLES = ("attribution", "conversion", "sink")
WAYS = ("password, plain", "password, scram", "password and tls", "certificate")
GROUP = {"GROUNDSWELL_SESSION_TIMEOUT": "6", "GROUNDSWELL_REBALANCE_TIMEOUT": "3"}
PLAYED = {"GROUNDSWELL_CLOCK": "played", "GROUNDSWELL_RETENTION_DAYS": "-1"}

pytestmark = pytest.mark.kafka


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_a_secured_pipeline_is_equal_to_its_log_and_says_no_secret(
    secured: Secured, ground: Stack, database: Store, way: str, prefix: str, tmp_path: Path
) -> None:
    settings = {
        **secured.settings(way),
        "GROUNDSWELL_STORE": database.store,
        "GROUNDSWELL_PREFIX": prefix,
        "GROUNDSWELL_GROUP_PREFIX": f"{prefix}group",
        **GROUP,
        **PLAYED,
    }
    secrets = [secured.password, urlsplit(database.store).password or ""]
    said = [groundswell(settings, verb) for verb in ("topics", "migrate")]
    for role in ROLES:
        argv = [sys.executable, "-m", "streams.commands", "worker", role]
        ground.start(f"{prefix}{role}", argv, env=settings)
    try:
        said.append(groundswell(settings, "replay", "door"))
        said.append(groundswell(settings, "send", "clicks", stdin=""))
        said.append(groundswell(settings, "annotate", "door", "note", "a note"))
        said.append(groundswell(settings, "audit", "--wait", "150", seconds=200))
        said.append(groundswell(settings, "topics", "--check"))
        said.append(groundswell(settings, "healthy", "sink"))
        said.append(groundswell(settings, "sql", "SELECT count() FROM shares FINAL"))
        assert set(ground.running()) >= {f"{prefix}{role}" for role in ROLES}
    finally:
        for role in ROLES:
            ground.stop_child(f"{prefix}{role}")
    for done in said:
        assert done.returncode == 0, (done.args, done.stdout, done.stderr, logs(ground, prefix))
    assert said[5].stdout.rstrip().endswith("equal"), said[5].stdout
    assert not said[5].stdout.rstrip().endswith("NOT equal")
    everything = "".join(done.stdout + done.stderr for done in said) + logs(ground, prefix)
    # The store's password is its user's name here: as a word of its own it would be "groundswell".
    assert [word for word in secrets if word in everything.replace("groundswell", "")] == []


def logs(ground: Stack, prefix: str) -> str:
    return "".join(ground.log_of(f"{prefix}{role}").read_text() for role in ROLES)


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


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("way", WAYS[:3])
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
]


@pytest.mark.parametrize(("way", "changes", "cure"), WRONG_WAYS)
@pytest.mark.parametrize("verb", [("topics",), ("worker", "sink"), ("audit",)])
def test_tls_that_does_not_fit_is_one_line(
    secured: Secured, way: str, changes: dict[str, str], cure: str, verb: tuple[str, ...]
) -> None:
    named = {"other": str(secured.certificates.other_ca)}
    settings = {**secured.settings(way), **{name: named.get(value, value) for name, value in changes.items()}}
    assert_one_line(groundswell(settings, *verb), cure, secret=secured.password)


def test_a_mechanism_that_the_listener_does_not_take_is_one_line(secured: Secured) -> None:
    settings = {**secured.settings("password and tls"), "GROUNDSWELL_KAFKA_SASL_MECHANISM": "PLAIN"}
    done = groundswell(settings, "topics")
    assert_one_line(done, "GROUNDSWELL_KAFKA_SASL_MECHANISM", secret=secured.password)


@pytest.mark.parametrize("way", ["password, scram", "password and tls"])
def test_a_plain_client_at_a_secured_listener_is_told_of_the_setting(secured: Secured, way: str) -> None:
    kafka = secured.settings(way)["GROUNDSWELL_KAFKA"]
    done = groundswell({"GROUNDSWELL_KAFKA": kafka}, "topics")
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1), done.stderr
    assert "GROUNDSWELL_KAFKA_SECURITY" in done.stderr


@pytest.mark.slow
def test_a_password_that_is_changed_under_a_worker_ends_it_with_one_line(
    secured: Secured, tmp_path: Path, prefix: str
) -> None:
    user, first = f"{prefix}user", "the-first-password"
    secured.kafka.know({user: first})
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
        secured.kafka.know({user: "the-second-password"})
        _, said = worker.communicate(timeout=60)
    finally:
        worker.send_signal(signal.SIGKILL)
    assert worker.returncode == 2, said
    assert said.strip().splitlines()[-1].startswith("groundswell: settings: "), said
    assert "Traceback" not in said
    assert "the-first-password" not in said
