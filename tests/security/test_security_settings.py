"""Settings of Kafka's security and of secrets: what belongs together, and that nothing shows a secret."""

from __future__ import annotations

import ast
import ssl
import subprocess
from pathlib import Path

import pytest
from certificates import make_certificates
from ground import ROOT

from infra.embedded.clickhouse.users import READER, WRITER, passwords
from schemas.errors import Fault
from schemas.secret import SECRETS, secret
from streams.commands.demo import OF_ANOTHER_PLACE, address_shown
from streams.settings import Settings
from streams.settings.kafka_security import PLAINTEXT, Security, refused
from streams.settings.store_address import with_password

SCRAM = {"KAFKA_SECURITY": "sasl_ssl", "KAFKA_USER": "anna", "KAFKA_PASSWORD": "hush-hush"}

WRONG = [
    ({"KAFKA_SECURITY": "tls"}, "GROUNDSWELL_KAFKA_SECURITY: Expected `str` matching"),
    ({"KAFKA_SASL_MECHANISM": "GSSAPI"}, "GROUNDSWELL_KAFKA_SASL_MECHANISM: Expected `str` matching"),
    ({"KAFKA_USER": "anna"}, "GROUNDSWELL_KAFKA_USER is set and has no effect with GROUNDSWELL_KAFKA_SECURITY=plain"),
    ({"KAFKA_PASSWORD": "hush-hush"}, "GROUNDSWELL_KAFKA_PASSWORD is set and has no effect"),
    ({"KAFKA_PASSWORD_FILE": "/a/file"}, "GROUNDSWELL_KAFKA_PASSWORD is set and has no effect"),
    ({"KAFKA_CA": "/a/file"}, "GROUNDSWELL_KAFKA_CA is set and has no effect"),
    ({**SCRAM, "KAFKA_SECURITY": "ssl"}, "GROUNDSWELL_KAFKA_USER is set and has no effect"),
    ({**SCRAM, "KAFKA_SECURITY": "sasl_plaintext", "KAFKA_CA": "/a/file"}, "GROUNDSWELL_KAFKA_CA is set"),
    ({**SCRAM, "KAFKA_USER": ""}, "GROUNDSWELL_KAFKA_SECURITY=sasl_ssl needs GROUNDSWELL_KAFKA_USER"),
    ({**SCRAM, "KAFKA_PASSWORD": ""}, "needs GROUNDSWELL_KAFKA_PASSWORD, which is not set"),
    ({**SCRAM, "KAFKA_PASSWORD_FILE": "/a/file"}, "and GROUNDSWELL_KAFKA_PASSWORD_FILE are both set"),
    ({**SCRAM, "KAFKA_KEY": "/a/file"}, "a key needs GROUNDSWELL_KAFKA_CERTIFICATE"),
    ({**SCRAM, "KAFKA_CERTIFICATE": "/a/file"}, "a certificate needs GROUNDSWELL_KAFKA_KEY"),
    ({"STORE": "clickhouse://u:a@h/x", "STORE_PASSWORD": "hush-hush"}, "GROUNDSWELL_STORE holds a password"),
    ({"STORE_PASSWORD": "hush-hush", "STORE_PASSWORD_FILE": "/a/file"}, "are both set"),
    ({"STORE_PASSWORD_FILE": "/not/there"}, "the file of GROUNDSWELL_STORE_PASSWORD_FILE cannot be read"),
]


def of(changes: dict[str, str]) -> Settings:
    return Settings.from_environment({f"GROUNDSWELL_{name}": value for name, value in changes.items()})


@pytest.mark.parametrize(("changes", "expected"), WRONG)
def test_what_does_not_belong_together_is_refused_in_words(changes: dict[str, str], expected: str) -> None:
    with pytest.raises(Fault) as raised:
        of(changes)
    assert raised.value.whose == "settings"
    assert expected in raised.value.what
    assert raised.value.mend
    assert "hush" not in str(raised.value)


def test_no_representation_shows_a_secret() -> None:
    settings = of({**SCRAM, "STORE_PASSWORD": "store-hush"})
    assert settings.security.password == "hush-hush"
    assert "store-hush" in settings.store
    for shown in (
        repr(settings),
        str(settings),
        f"{settings}",
        repr(settings.__rich_repr__()),
        repr(settings.security),
    ):
        assert "hush" not in shown
        assert "anna" in shown
    assert "hush" not in settings.store_shown


def test_a_password_may_stand_in_a_file_that_only_who_needs_it_reads(tmp_path: Path) -> None:
    file = tmp_path / "password"
    settings = of({**SCRAM, "KAFKA_PASSWORD": "", "KAFKA_PASSWORD_FILE": str(file)})
    with pytest.raises(Fault, match="GROUNDSWELL_KAFKA_PASSWORD_FILE cannot be read"):
        _ = settings.security
    file.write_text("")
    with pytest.raises(Fault, match="is empty"):
        _ = settings.security
    file.write_text("from a file \n")
    assert settings.security.password == "from a file "


def test_the_stores_password_goes_into_its_address(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("p@ss/wörd:\n")
    settings = of({"STORE": "clickhouse://reader@[::1]:9/x?ca_cert=f", "STORE_PASSWORD_FILE": str(file)})
    assert settings.store == "clickhouse://reader:p%40ss%2Fw%C3%B6rd%3A@[::1]:9/x?ca_cert=f"
    assert with_password("clickhouse://h/x", "a") == "clickhouse://default:a@h/x"
    assert with_password("clickhouse://h/x", "") == "clickhouse://h/x"


@pytest.mark.parametrize("name", SECRETS)
def test_every_secret_may_come_from_a_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("held\r\n")
    assert secret({f"{name}_FILE": str(file)}, name) == "held"
    assert secret({name: "given"}, name) == "given"
    assert secret({}, name) == ""
    with pytest.raises(Fault, match="both set"):
        secret({name: "given", f"{name}_FILE": str(file)}, name)
    file.write_bytes(b"\xff\xfehush")
    with pytest.raises(Fault) as raised:
        secret({f"{name}_FILE": str(file)}, name)
    assert "hush" not in str(raised.value)


def test_the_embedded_stores_passwords_may_stand_in_files(tmp_path: Path) -> None:
    file = tmp_path / "writer"
    file.write_text("of the writer\n")
    assert passwords({"GROUNDSWELL_WRITER_PASSWORD_FILE": str(file)}) == {WRITER: "of the writer", READER: "reader"}


def test_plain_is_no_argument_at_all() -> None:
    assert Settings().security.arguments() == {}
    assert Settings().security.faust_credentials() is None


@pytest.mark.parametrize("protocol", ["ssl", "sasl_plaintext", "sasl_ssl"])
def test_each_client_is_told_the_same(protocol: str, tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    user = {"user": "anna", "password": "hush"} if protocol != "ssl" else {}
    files = {"ca": str(made.ca), "certificate": str(made.client), "key": str(made.client_key)}
    security = Security(protocol, **user, **(files if protocol != "sasl_plaintext" else {}))
    security.check()
    arguments, credentials = security.arguments(), security.faust_credentials()
    assert arguments["security_protocol"] == protocol.upper() == credentials.protocol.value
    assert ("sasl_plain_password" in arguments) == (protocol != "ssl")
    if protocol != "ssl":
        assert arguments["sasl_mechanism"] == credentials.mechanism.value == "SCRAM-SHA-512"
        assert (credentials.username, credentials.password) == ("anna", "hush")
    if protocol != "sasl_plaintext":
        context = arguments["ssl_context"]
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_files_of_tls_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    with pytest.raises(Fault, match=r"GROUNDSWELL_KAFKA_CA=/not/there cannot be used \(No such file"):
        Security("ssl", ca="/not/there").arguments()
    with pytest.raises(Fault, match=r"GROUNDSWELL_KAFKA_CA=.*cannot be used"):
        Security("ssl", ca=str(made.client_key)).arguments()
    with pytest.raises(Fault, match=r"GROUNDSWELL_KAFKA_CERTIFICATE=.*with the key.*cannot be used"):
        Security("ssl", certificate=str(made.client), key=str(made.other_ca)).arguments()


def test_a_key_with_a_passphrase_is_refused_and_nobody_is_asked(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    locked = tmp_path / "locked.key"
    words = ["openssl", "pkey", "-in", str(made.client_key), "-aes256", "-passout", "pass:hush", "-out", str(locked)]
    subprocess.run(words, check=True, capture_output=True)
    with pytest.raises(Fault, match="cannot be used"):
        Security("ssl", certificate=str(made.client), key=str(locked)).arguments()


def test_an_error_of_another_kind_is_no_refusal() -> None:
    assert refused(Security(), "h:1", OSError("away")) is None


# What opens connections to Kafka, and what is told how to.
CLIENTS = {
    "AIOKafkaAdminClient",
    "AIOKafkaConsumer",
    "AIOKafkaProducer",
    "KafkaAdminClient",
    "KafkaConsumer",
    "KafkaProducer",
    "StaticConsumer",
    "create_conn",
}
TOLD = {"Plan", "Sender", "admin", "tails", "audit", "run_audit", "read_logs"}


def calls() -> list[tuple[str, ast.Call]]:
    found = []
    for path in sorted((ROOT / "streams").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                found.append((name, node))
                node.lineno_in = f"{path.relative_to(ROOT)}:{node.lineno}"  # type: ignore[attr-defined]
    return found


def test_every_connection_to_kafka_is_made_with_the_settings_of_security() -> None:
    clients = [(name, node) for name, node in calls() if name in CLIENTS]
    assert len(clients) >= 8
    for name, node in clients:
        assert any(keyword.arg is None for keyword in node.keywords), f"{name} at {node.lineno_in}"  # type: ignore[attr-defined]


def test_whoever_is_told_how_to_come_in_is_told_it_everywhere() -> None:
    told = [(name, node) for name, node in calls() if name in TOLD]
    assert len(told) >= 12
    for name, node in told:
        said = ast.unparse(node)
        assert "security" in said, f"{name} at {node.lineno_in}"  # type: ignore[attr-defined]


def test_the_demo_takes_nothing_of_another_place(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = {
        f"GROUNDSWELL_{name}": value for name, value in {**SCRAM, "STORE_PASSWORD": "hush", "INSTANCE": "a"}.items()
    }
    own = {"GROUNDSWELL_STORE": "clickhouse://reader:its-own@127.0.0.1:9/groundswell"}
    settings = Settings.from_environment({**elsewhere, **OF_ANOTHER_PLACE, **own})
    assert (settings.security, settings.instance) == (PLAINTEXT, "")
    assert settings.store == own["GROUNDSWELL_STORE"]
    assert address_shown(settings.store) == settings.store  # everybody knows that of a laptop
    monkeypatch.setenv("GROUNDSWELL_READER_PASSWORD", "its-own")
    assert "its-own" not in address_shown(settings.store)
