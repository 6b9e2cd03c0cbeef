"""One Apache Kafka whose listeners ask for passwords, certificates or both, and what a client of each must set."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from certificates import Certificates, make_certificates
from kafka import KafkaAdminClient
from kafka.admin import ScramMechanism, UserScramCredentialUpsertion
from listeners import Listener

from infra.embedded.clickhouse.users import WRITER
from infra.kafka.cluster import ApacheKafka
from infra.processes.ports import LOOPBACK, free_port, listens
from infra.processes.stack import Stack
from schemas.secret import READER_PASSWORD, WRITER_PASSWORD

USER = "groundswell-test"


@dataclass(frozen=True)
class Secured:
    """The broker, what it knows, and settings for each way in."""

    kafka: ApacheKafka
    certificates: Certificates
    password: str = field(default_factory=lambda: f"pw-{secrets.token_hex(8)}")

    def settings(self, way: str) -> dict[str, str]:
        """Settings of a client by the name of the way in."""
        made = self.certificates
        by_password = {"GROUNDSWELL_KAFKA_USER": USER, "GROUNDSWELL_KAFKA_PASSWORD": self.password}
        by_tls = {"GROUNDSWELL_KAFKA_CA": str(made.ca)}
        by_certificate = {
            "GROUNDSWELL_KAFKA_CERTIFICATE": str(made.client),
            "GROUNDSWELL_KAFKA_KEY": str(made.client_key),
        }
        plain, scram = {"GROUNDSWELL_KAFKA_SASL_MECHANISM": "PLAIN"}, {}
        listener, protocol, more = {
            "password, plain": ("PASSWORD", "sasl_plaintext", {**by_password, **plain}),
            "password, scram": ("PASSWORD", "sasl_plaintext", {**by_password, **scram}),
            "password and tls": ("BOTH", "sasl_ssl", {**by_password, **by_tls}),
            "certificate": ("CERTIFICATE", "ssl", {**by_tls, **by_certificate}),
        }[way]
        return {
            "GROUNDSWELL_KAFKA": ",".join(addresses_of(self.kafka, listener)),
            "GROUNDSWELL_KAFKA_SECURITY": protocol,
            **more,
        }


@dataclass(frozen=True)
class GuardedStore:
    """A store and the password of its writer."""

    port: int
    password: str = field(repr=False)

    def address(self, database: str) -> str:
        """GROUNDSWELL_STORE without the password."""
        return f"clickhouse://{WRITER}@127.0.0.1:{self.port}/{database}"


def start_guarded_store(stack: Stack) -> GuardedStore:
    store = GuardedStore(free_port(), f"pw-{secrets.token_hex(8)}")
    data = str(stack.folder / "guarded")
    argv = [sys.executable, "-m", "infra.embedded.clickhouse", "--data", data, "--port", str(store.port)]
    given = {WRITER_PASSWORD: store.password, READER_PASSWORD: f"pw-{secrets.token_hex(8)}"}
    stack.start("guarded", argv, env=given, ready=lambda: listens(store.port))
    return store


def addresses_of(kafka: ApacheKafka, listener: str) -> tuple[str, ...]:
    """`host:port` of each broker by one of its further listeners."""
    return tuple(
        f"{LOOPBACK}:{port}" for node in kafka.nodes for port, more in node.more.items() if more.name == listener
    )


def let_in(kafka: ApacheKafka, users: Mapping[str, str]) -> None:
    """Let users in by SCRAM, each with its password, which replaces an earlier one."""
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    try:
        # One request a mechanism: Kafka alters a user once in each.
        for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):
            wanted = [
                UserScramCredentialUpsertion(name, mechanism, password=password) for name, password in users.items()
            ]
            refused = {name: error for name, error in admin.alter_user_scram_credentials(wanted).items() if error}
            assert not refused, refused
    finally:
        admin.close()


def start_secured(stack: Stack, folder: Path) -> Secured:
    certificates = make_certificates(folder)
    password = f"pw-{secrets.token_hex(8)}"
    listeners = (
        Listener("PASSWORD", "SASL_PLAINTEXT", users={USER: password}),
        Listener("BOTH", "SASL_SSL", keystore=certificates.broker),
        Listener("CERTIFICATE", "SSL", keystore=certificates.broker, truststore=certificates.ca),
    )
    kafka = ApacheKafka(stack=stack, name="secured", listeners=listeners).start()
    let_in(kafka, {USER: password})
    return Secured(kafka, certificates, password)


def groundswell(
    settings: Mapping[str, str], *words: str, stdin: str | None = None, seconds: float = 60
) -> subprocess.CompletedProcess[str]:
    """A verb with these settings and no others."""
    return subprocess.run(
        [sys.executable, "-m", "streams.commands", *words],
        env={"PATH": "/usr/bin:/bin", **settings},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=seconds,
    )
