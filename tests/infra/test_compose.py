"""docker-compose.yml against the repository: no Docker engine is needed for any of this."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import clickhouse_connect
import pytest
import yaml
from compose_file import compose, example, variables_of_the_file
from ground import ROOT, Store

from dashboards.grafana import query
from infra.docker.secrets import CLICKHOUSE_USERS, DEFAULTS, FOLDER, PASSWORDS, write_secrets
from infra.embedded.clickhouse.users import READ_DEFAULTS, READ_LIMITS, READER, READS_AT_ONCE, WRITER
from infra.embedded.stack import EmbeddedStack
from infra.grafana.bundle import PLUGIN, PLUGIN_VERSION
from infra.kafka.jars import VERSION
from infra.kafka.properties import Node, of
from schemas.secret import STORE_PASSWORD
from schemas.times import rfc3339
from streams.commands import cli
from streams.settings import PREFIX, ROLE_NAMES, Settings

FILE = compose()
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
ONE_SHOT = ("topics", "migrate")
OURS = (*ONE_SHOT, *ROLE_NAMES)
LASTING = ("kafka", "clickhouse", *ROLE_NAMES, "grafana")
DOCKERFILE = (ROOT / "infra/docker/Dockerfile").read_text()
READER_FILE = ROOT / "infra/docker/clickhouse/reader.xml"
PROVISIONING = ROOT / "infra/grafana/provisioning"

# Of the Compose Specification, those that we use: whoever adds one looks it up first.
KEYS_OF_A_SERVICE = {
    "build", "cap_drop", "command", "depends_on", "deploy", "entrypoint", "environment", "healthcheck", "hostname",
    "image", "init", "logging", "networks", "ports", "read_only", "restart", "secrets", "security_opt",
    "stop_grace_period", "tmpfs", "ulimits", "user", "volumes",
}  # fmt: skip
KEYS_OF_A_HEALTHCHECK = {"test", "interval", "timeout", "retries", "start_period"}
PATH = {"PATH": os.environ["PATH"]}
DIGEST = "@sha256:[0-9a-f]{64}"
DURATION = re.compile(r"(\d+h)?(\d+m)?(\d+s)?")


def test_services_are_these() -> None:
    assert set(SERVICES) == {"kafka", "clickhouse", "grafana", *OURS}
    assert set(FILE) == {
        *("name", "networks", "secrets", "services", "volumes"),
        *("x-groundswell", "x-locked", "x-role", "x-writer"),
    }


@pytest.mark.parametrize("name", SERVICES)
def test_shape_is_the_compose_specifications(name: str) -> None:
    service = SERVICES[name]
    assert set(service) <= KEYS_OF_A_SERVICE
    assert all(isinstance(value, str) for value in service["environment"].values()), "YAML would read 1 or no"
    assert service["restart"] in ("no", "unless-stopped")
    if "healthcheck" in service:
        check = service["healthcheck"]
        assert set(check) == KEYS_OF_A_HEALTHCHECK
        assert check["test"][0] in ("CMD", "CMD-SHELL")
        assert all(DURATION.fullmatch(check[key]) for key in ("interval", "timeout", "start_period"))
    for limits in (service["deploy"]["resources"]["limits"],):
        assert re.fullmatch(r"\d+[MG]", limits["memory"])
        assert float(limits["cpus"]) > 0


@pytest.mark.skipif(shutil.which("docker") is None, reason="no docker client here")
def test_dockers_own_client_reads_it() -> None:
    known = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    if known.returncode:
        pytest.skip("the docker client here has no compose")
    command = ["docker", "compose", "--env-file", str(ROOT / ".env.example"), "config", "--quiet"]
    read = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert read.returncode == 0, read.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name: str) -> None:
    ours = name in OURS  # built here, from images that are pinned
    assert re.fullmatch(rf"[a-z/-]+:\d+(\.\d+)+{'' if ours else DIGEST}", SERVICES[name]["image"])


def test_the_images_that_ours_is_built_from_are_pinned() -> None:
    bases = re.findall(r"(?m)^FROM (\S+)", DOCKERFILE)
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(rf"python:3\.11\.\d+-slim-[a-z]+{DIGEST}", bases[0])


# The first versions without the holes that are known: of Grafana CVE-2026-27876 and the JWT fix of 12.4.5; of Kafka
# CVE-2026-35554, which is in its clients.
@pytest.mark.parametrize(("name", "first"), [("grafana", (12, 4, 5)), ("kafka", (4, 1, 2))])
def test_images_are_past_the_holes_that_are_known(name: str, first: tuple[int, ...]) -> None:
    assert tuple(map(int, tag_of(name).split("."))) >= first


def tag_of(name: str) -> str:
    return str(SERVICES[name]["image"]).partition("@")[0].partition(":")[2]


def test_versions_are_those_that_are_tested(clickhouse: Store) -> None:
    engine = clickhouse_connect.get_client(dsn=clickhouse.store).server_version
    assert tag_of("clickhouse").split(".")[:2] == engine.split(".")[:2]
    pom = (ROOT / "infra/kafka/pom.xml").read_text()
    version = re.search(r"kafka_2\.13</artifactId>\s*<version>([^<]+)<", pom)
    assert version is not None
    assert tag_of("kafka") == version[1] == VERSION
    assert SERVICES["grafana"]["environment"]["GF_PLUGINS_PREINSTALL_SYNC"] == f"{PLUGIN}@{PLUGIN_VERSION}"
    assert (query.PLUGIN, query.PLUGIN_VERSION) == (PLUGIN, PLUGIN_VERSION), "what the boards are made for"
    pyproject = (ROOT / "pyproject.toml").read_text()
    ours = re.search(r'(?m)^version = "(.+)"', pyproject)
    assert ours is not None
    assert {SERVICES[name]["image"] for name in OURS} == {f"groundswell:{ours[1]}"}


def test_ports_are_on_loopback_alone() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(published) == 3
    assert all(port.startswith("127.0.0.1:") for port in published)


@pytest.mark.parametrize("name", ROLE_NAMES)
def test_a_role_can_be_scaled(name: str) -> None:
    """Nothing that two containers could not both have."""
    assert not {"ports", "container_name", "hostname"} & set(SERVICES[name])
    assert all(volume.endswith(":ro") for volume in SERVICES[name]["volumes"])
    assert set(FILE["volumes"]) == {"kafka", "clickhouse", "grafana"}


@pytest.mark.parametrize("name", LASTING)
def test_what_lasts_is_watched_and_started_again(name: str) -> None:
    assert SERVICES[name]["restart"] == "unless-stopped"
    assert SERVICES[name]["healthcheck"]


@pytest.mark.parametrize("name", SERVICES)
def test_containers_can_do_little(name: str) -> None:
    service = SERVICES[name]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}


def test_who_reaches_whom() -> None:
    """Grafana reaches ClickHouse alone; whoever owns it writes to no topic."""
    assert {name: set(service["networks"]) for name, service in SERVICES.items()} == {
        **{name: {"pipeline"} for name in ("kafka", "topics", "attribution", "conversion")},
        "sink": {"pipeline", "store"},
        "migrate": {"store"},
        "clickhouse": {"store", "boards"},
        "grafana": {"boards"},
    }
    assert set(FILE["networks"]) == {"pipeline", "store", "boards"}


def test_secrets_are_files_that_are_made_here(tmp_path: Path) -> None:
    assert set(write_secrets(tmp_path / "secrets")) == {*PASSWORDS, *DEFAULTS}
    made = {path.name for path in (tmp_path / "secrets").iterdir()}
    folder = FOLDER.relative_to(ROOT)
    assert {secret["file"] for secret in FILE["secrets"].values()} == {f"./{folder}/{name}" for name in made}
    assert f"/{folder}/" in (ROOT / ".gitignore").read_text().splitlines()
    assert str(folder) in (ROOT / "infra/docker/Dockerfile.dockerignore").read_text().splitlines()
    taken = [secret for service in SERVICES.values() for secret in service.get("secrets", [])]
    assert {secret if isinstance(secret, str) else secret["source"] for secret in taken} == set(FILE["secrets"])


@pytest.mark.parametrize("name", SERVICES)
def test_a_secret_that_a_container_reads_is_given_to_it(name: str) -> None:
    named = {value for value in SERVICES[name].get("environment", {}).values() if value.startswith("/run/secrets/")}
    given = {secret for secret in SERVICES[name].get("secrets", []) if isinstance(secret, str)}
    assert named == {f"/run/secrets/{secret}" for secret in given}


def test_who_knows_the_writers_password() -> None:
    assert {name for name in SERVICES if "writer_password" in SERVICES[name].get("secrets", [])} == {"migrate", "sink"}


def test_secrets_are_kept_and_others_on_the_machine_do_not_read_them(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    write_secrets(folder)
    first = {path.name: path.read_text() for path in folder.iterdir()}
    assert len({first[name] for name in PASSWORDS}) == len(PASSWORDS)
    assert write_secrets(folder) == []
    assert {path.name: path.read_text() for path in folder.iterdir()} == first
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}


def test_clickhouse_is_given_digests_of_the_passwords_in_the_folder(tmp_path: Path) -> None:
    write_secrets(tmp_path)
    (tmp_path / "reader_password").write_text("mended by hand\n")
    write_secrets(tmp_path)
    tree = ElementTree.parse(tmp_path / CLICKHOUSE_USERS)
    for user, file in ((WRITER, "writer_password"), (READER, "reader_password")):
        password = (tmp_path / file).read_text().removesuffix("\n")
        assert tree.findtext(f"users/{user}/password_sha256_hex") == sha256(password.encode()).hexdigest()
        assert password not in (tmp_path / CLICKHOUSE_USERS).read_text()


def test_grafanas_start_reads_the_files_and_starts_what_the_image_starts(tmp_path: Path) -> None:
    hard = "pa$$ word'\"$HOME"
    (tmp_path / "secret").write_text(f"{hard}\n")
    image = tmp_path / "run.sh"
    image.write_text("#!/bin/sh\nenv -0\n")
    image.chmod(0o755)
    given = {"GROUNDSWELL_READER_PASSWORD__FILE": str(tmp_path / "secret"), "GF_X__FILE": "/x"} | PATH
    start = ["sh", str(ROOT / "infra/docker/grafana/start.sh"), str(image)]
    told = subprocess.run(start, env=given, capture_output=True, text=True, check=True).stdout.split("\0")
    assert f"GROUNDSWELL_READER_PASSWORD={hard}" in told
    assert "GF_X__FILE=/x" in told
    assert not [line for line in told if line.startswith("GROUNDSWELL_READER_PASSWORD__FILE")]


def test_grafanas_start_ends_where_a_secret_is_missing(tmp_path: Path) -> None:
    start = ["sh", str(ROOT / "infra/docker/grafana/start.sh"), "true"]
    given = {"GROUNDSWELL_READER_PASSWORD__FILE": str(tmp_path / "nothing")} | PATH
    done = subprocess.run(start, env=given, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "nothing" in done.stderr


def test_grafana_takes_the_address_that_mail_comes_from() -> None:
    """It ends at its start where the domain has no dot, mail or no mail."""
    assert re.fullmatch(r"[^@]+@[^@.]+\.[^@]+", SERVICES["grafana"]["environment"]["GF_SMTP_FROM_ADDRESS"])


@pytest.mark.parametrize("name", SERVICES)
def test_waiting_is_for_something_that_will_come(name: str) -> None:
    for other, wanted in SERVICES[name].get("depends_on", {}).items():
        if wanted["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other]
        else:
            assert wanted["condition"] == "service_completed_successfully"
            assert other in ONE_SHOT
            assert SERVICES[other]["restart"] == "no"


@pytest.mark.parametrize("name", OURS)
def test_commands_are_the_command_lines(name: str) -> None:
    parse(SERVICES[name]["command"])
    if name in ROLE_NAMES:
        assert SERVICES[name]["command"] == ["worker", name]
        how, program, *words = SERVICES[name]["healthcheck"]["test"]
        assert (how, program) == ("CMD", "groundswell")
        assert words == ["healthy", name]
        parse(words)


def test_a_wrong_command_would_be_noticed() -> None:
    with pytest.raises(click.UsageError):
        parse(["worker", "attributor"])


def parse(words: list[str]) -> None:
    """Raise what the command line would say of these words; nothing is run."""
    with cli.make_context("groundswell", list(words)) as context:
        name, command, rest = cli.resolve_command(context, list(words))
        assert command is not None
        command.make_context(name, rest)


@pytest.mark.parametrize("name", OURS)
def test_settings_are_settings(name: str) -> None:
    environment = dict(SERVICES[name]["environment"])
    file = environment.pop(STORE_PASSWORD + "_FILE", None)
    assert (file is not None) == (name in ("sink", "migrate"))
    assert {key.removeprefix(PREFIX).lower() for key in environment} <= set(Settings.__struct_fields__)
    settings = Settings.from_environment(environment)
    assert settings.brokers == ["kafka:9092"]
    assert settings.partitions == Settings().partitions
    assert settings.retention_days is None
    assert urlsplit(settings.store).hostname == "clickhouse"
    assert environment == SERVICES["attribution"]["environment"]


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_mounted_is_in_the_repository(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        source, target, *mode = volume.split(":")
        assert target.startswith("/")
        if source.startswith("./"):
            assert (ROOT / source).exists(), source
            assert mode == ["ro"]
        else:
            assert source in FILE["volumes"]


def mounts(name: str) -> dict[str, Path]:
    pairs = [volume.split(":")[:2] for volume in SERVICES[name]["volumes"]]
    return {target: ROOT / source for source, target in pairs if source.startswith("./")}


def test_campaigns_are_where_the_setting_says() -> None:
    there = mounts("sink")[SERVICES["sink"]["environment"]["GROUNDSWELL_CAMPAIGNS"]]
    assert list(there.glob("*.toml"))


def test_grafana_finds_its_files() -> None:
    assert mounts("grafana")["/etc/grafana/provisioning"] == PROVISIONING
    (provider,) = yaml.safe_load((PROVISIONING / "dashboards/groundswell.yaml").read_text())["providers"]
    assert list(mounts("grafana")[provider["options"]["path"]].glob("*.json"))


def test_every_variable_of_the_provisioning_is_given_to_grafana() -> None:
    environment = SERVICES["grafana"]["environment"]
    lines = [
        line
        for file in PROVISIONING.rglob("*.yaml")
        for line in file.read_text().splitlines()
        if not line.lstrip().startswith("#")
    ]
    named = set(re.findall(r"\$\{?(GROUNDSWELL_\w+)", "\n".join(lines)))
    given = {name.removesuffix("__FILE") for name in environment if name.startswith("GROUNDSWELL_")}
    assert named == given
    # Grafana does not start with a receiver without an address.
    assert all(environment.get(name) or environment.get(f"{name}__FILE") for name in named)
    assert all(DEFAULTS.values())


def test_users_and_addresses_agree() -> None:
    store = urlsplit(SERVICES["sink"]["environment"]["GROUNDSWELL_STORE"])
    writer = ElementTree.parse(ROOT / "infra/docker/clickhouse/writer.xml")
    assert [user.tag for user in writer.findall("users/*")] == ["default", WRITER]
    assert writer.find("users/default[@remove='remove']") is not None
    assert writer.findtext(f"users/{WRITER}/profile") == "default"
    assert (store.username, store.password) == (WRITER, None)
    assert (store.hostname, store.port, store.path) == ("clickhouse", 8123, "/groundswell")
    (source,) = yaml.safe_load((PROVISIONING / "datasources/clickhouse.yaml").read_text())["datasources"]
    assert (source["jsonData"]["username"], source["jsonData"]["port"]) == (READER, 8123)
    assert SERVICES["grafana"]["environment"]["GROUNDSWELL_CLICKHOUSE_HOST"] == "clickhouse"


def test_the_reader_reads_one_database_and_nothing_else() -> None:
    tree = ElementTree.parse(READER_FILE)
    assert [user.tag for user in tree.findall("users/*")] == [READER]
    assert tree.findtext("users/reader/profile") == "reader"
    assert tree.findtext("profiles/reader/readonly") == "1"
    assert {name: tree.findtext(f"profiles/reader/{name}") for name in READ_DEFAULTS} == READ_DEFAULTS
    # A server has as many threads for a query as it has processors; the embedded store as well, 8 at most.
    bounded = {name: limit for name, limit in READ_LIMITS.items() if name != "max_threads"}
    limits = {name: int(tree.findtext(f"profiles/reader/{name}", "0")) for name in bounded}
    memory_of_all = READ_LIMITS["max_memory_usage"] * READS_AT_ONCE
    # A server bounds what all queries of a user take, so a single one may take more than a fourth of it.
    assert limits == {**bounded, "max_memory_usage": memory_of_all // 2}
    assert int(tree.findtext("profiles/reader/max_memory_usage_for_user", "0")) == memory_of_all
    assert [query.text for query in tree.findall("users/reader/grants/query")] == ["GRANT SELECT ON groundswell.*"]
    changeable = {entry.tag for entry in tree.findall("profiles/reader/constraints/*[changeable_in_readonly]")}
    assert changeable == {"max_execution_time", "additional_table_filters"}
    assert "password" not in {entry.tag for entry in tree.iter()}
    assert mounts("clickhouse")["/etc/clickhouse-server/users.d/reader.xml"] == READER_FILE


def test_no_secret_is_in_the_file_or_in_the_environment() -> None:
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|TOKEN|WEBHOOK_URL|SLACK_URL", key):
                assert key.endswith("_FILE"), (name, key)
                assert value.startswith("/run/secrets/")


def test_the_example_names_every_variable_and_no_secret() -> None:
    named = variables_of_the_file()
    assert set(example()) == set(named)
    assert set(named.values()) <= {"", ":-"}
    assert not [name for name in named if "PASSWORD" in name or "SECRET" in name]


def test_the_examples_defaults_are_the_files() -> None:
    assert compose(example()) == compose()


def test_kafka_is_set_as_our_own_brokers_are(tmp_path: Path) -> None:
    node = Node(1, 1, 2, tmp_path)
    ours = dict(line.split("=", 1) for line in of(node, [node]).splitlines())
    there = {
        key.removeprefix("KAFKA_").lower().replace("_", "."): value
        for key, value in SERVICES["kafka"]["environment"].items()
        if key.startswith("KAFKA_") and key != "KAFKA_HEAP_OPTS"
    }
    of_the_place = {
        "listeners", "advertised.listeners", "log.dirs", "controller.quorum.voters", "listener.security.protocol.map",
        "inter.broker.listener.name",
        "broker.session.timeout.ms", "broker.heartbeat.interval.ms",  # matter between brokers
    }  # fmt: skip
    assert {key: value for key, value in there.items() if key not in of_the_place} == {
        key: value for key, value in ours.items() if key not in of_the_place
    }


def test_kafkas_listeners_agree() -> None:
    environment = SERVICES["kafka"]["environment"]
    pairs = lambda name: dict(part.split("://") for part in environment[name].split(","))  # noqa: E731
    listens, told = pairs("KAFKA_LISTENERS"), pairs("KAFKA_ADVERTISED_LISTENERS")
    protocols = dict(part.split(":") for part in environment["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(","))
    assert set(listens) == set(protocols) == {*told, environment["KAFKA_CONTROLLER_LISTENER_NAMES"]}
    assert told["INSIDE"] == SERVICES["sink"]["environment"]["GROUNDSWELL_KAFKA"]
    assert listens["INSIDE"].rpartition(":")[2] == told["INSIDE"].rpartition(":")[2]
    (port,) = SERVICES["kafka"]["ports"]
    assert told["OUTSIDE"] == Settings().kafka == port.rpartition(":")[0]
    assert listens["OUTSIDE"].rpartition(":")[2] == port.rpartition(":")[2]
    assert environment["KAFKA_CONTROLLER_QUORUM_VOTERS"] == f"1@kafka{listens['CONTROLLER']}"
    assert environment["KAFKA_LOG_DIRS"] in [volume.split(":")[1] for volume in SERVICES["kafka"]["volumes"]]


def test_the_images_file_copies_what_is_there() -> None:
    for sources in re.findall(r"(?m)^COPY (?!--from)(.+) \S+$", DOCKERFILE):
        for source in sources.split():
            assert (ROOT / source).exists(), source
    ignored = (ROOT / "infra/docker/Dockerfile.dockerignore").read_text()
    copied = {
        source.split("/")[0] for line in re.findall(r"(?m)^COPY (?!--)(.+) \S+$", DOCKERFILE) for source in line.split()
    }
    assert copied == set(re.findall(r"(?m)^!(\S+)$", ignored))
    assert SERVICES["sink"]["build"] == {"context": ".", "dockerfile": "infra/docker/Dockerfile"}


def test_the_image_runs_the_command_as_nobody_special() -> None:
    assert re.findall(r"(?m)^USER (.+)$", DOCKERFILE) == ["groundswell"]
    assert 'ENTRYPOINT ["groundswell"]' in DOCKERFILE
    assert "--require-hashes -r requirements.txt" in DOCKERFILE
    assert "--no-deps --no-build-isolation" in DOCKERFILE


def test_the_images_requirements_are_part_of_the_locked_ones() -> None:
    whole, image = locked(ROOT / "requirements.txt"), locked(ROOT / "infra/docker/requirements.txt")
    assert all(whole[name] == lines for name, lines in image.items())
    names = {re.split(r"==| ", name)[0] for name in image}
    assert not {"pytest", "mypy", "ruff", "playwright", "scipy", "grafana-foundation-sdk"} & names
    assert {"faust-streaming", "clickhouse-connect", "grafana-api", "setuptools"} <= names


def locked(path: Path) -> dict[str, list[str]]:
    """Hashes by requirement."""
    blocks = re.split(r"(?m)^(?=\S)", path.read_text().replace("\\\n", "\n"))
    found = {}
    for block in filter(str.strip, blocks):
        requirement, *hashes = block.split("\n")
        # A marker says for which system or Python, and may differ where a package of the developers asks for more.
        found[requirement.partition(" ;")[0].strip()] = sorted(hashes)
    return found


@pytest.mark.slow
def test_the_images_steps_give_a_command_that_runs(tmp_path: Path) -> None:
    """The Dockerfile's COPY and RUN by hand; packages are those of this environment, which has the same lock."""
    for sources, target in re.findall(r"(?m)^COPY (?!--from|infra/docker)(.+) (\S+)$", DOCKERFILE):
        for source in sources.split():
            destination = tmp_path / "src" / (source if target == "./" else target)
            destination.parent.mkdir(parents=True, exist_ok=True)
            run("cp", "-r", str(ROOT / source), str(destination))
    run(sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv"))
    site = next((tmp_path / "venv/lib").glob("python*")) / "site-packages"
    packages = next(Path(entry) for entry in sys.path if entry.endswith("site-packages"))
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-index", "--quiet"]
    check = [*pip[:-1], "--dry-run", "--no-deps", "--require-hashes", "-r", str(ROOT / "infra/docker/requirements.txt")]
    assert "Would install" not in run(*check)
    run(*pip, "--no-deps", "--no-build-isolation", "--target", str(site), str(tmp_path / "src"))
    (site / "locked.pth").write_text(f"{packages}\n")
    program = tmp_path / "venv/bin/python"
    told = run(str(program), "-P", "-m", "streams.commands", "--help")
    assert "worker" in told
    script = (
        "import streams, json; from importlib.metadata import distribution, entry_points;"
        "from infra.grafana.bundle import read_bundle; from streams.settings import Settings;"
        "from infra.clickhouse.migrate import FOLDER, read_migrations;"
        "bundle = read_bundle({});"
        "print(streams.__file__, len(read_migrations(FOLDER)), len(Settings().load_campaigns()), len(bundle.boards),"
        "len(bundle.groups), [e.value for e in entry_points(group='faust.transports')])"
    )
    place, migrations, campaigns, boards, groups, transport = run(str(program), "-P", "-c", script).split()
    assert Path(place).is_relative_to(tmp_path)
    assert int(migrations) == len(list((ROOT / "infra/clickhouse").glob("*.sql")))
    assert (int(campaigns), int(boards), int(groups)) == (2, 3, 1)
    assert "streams.kafka.transport" in transport


def run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, cwd="/")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.kafka
def test_the_files_commands_bring_a_pipeline_up(
    kafka_jars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its commands with its environment; only hosts, and where what is mounted lies, are this machine's."""
    write_secrets(tmp_path)
    for user in ("writer", "reader"):
        password = (tmp_path / f"{user}_password").read_text().strip()
        monkeypatch.setenv(f"GROUNDSWELL_{user.upper()}_PASSWORD", password)
    with EmbeddedStack(broker="apache") as stack:
        port = urlsplit(stack.store).port
        environments = {}
        for name in OURS:
            given = dict(SERVICES[name]["environment"])
            given["GROUNDSWELL_KAFKA"] = given["GROUNDSWELL_KAFKA"].replace("kafka:9092", stack.kafka)
            given["GROUNDSWELL_STORE"] = given["GROUNDSWELL_STORE"].replace("@clickhouse:8123", f"@127.0.0.1:{port}")
            if STORE_PASSWORD + "_FILE" in given:
                given[STORE_PASSWORD + "_FILE"] = str(tmp_path / "writer_password")
            given["GROUNDSWELL_CAMPAIGNS"] = str(mounts(name)[given["GROUNDSWELL_CAMPAIGNS"]])
            # A killed worker is forgotten after 6 s in place of 20.
            environments[name] = {**given, "GROUNDSWELL_SESSION_TIMEOUT": "6"}
        for name in ("migrate", "topics"):
            groundswell(SERVICES[name]["command"], environments[name])
        for name in ROLE_NAMES:
            argv = [sys.executable, "-m", "streams.commands", *SERVICES[name]["command"]]
            stack.start(name, argv, env=environments[name])
        for name in ROLE_NAMES:
            words = SERVICES[name]["healthcheck"]["test"][2:]
            wait(lambda name=name, words=words: groundswell(words, environments[name], quietly=True) == 0)  # type: ignore[misc]
        share = json.loads((ROOT / "schemas/examples/shares.jsonl").read_text().splitlines()[0])
        share["occurred_at"] = rfc3339(int(time.time() * 1000))
        groundswell(["send", "shares"], environments["sink"], json.dumps(share).encode())
        client = clickhouse_connect.get_client(dsn=stack.reader_store)
        wait(lambda: client.query("SELECT count() FROM shares FINAL").first_row[0] > 0)
        stack.check()
        stack.kill_child("sink")
        wait(lambda: groundswell(["healthy", "sink"], environments["sink"], quietly=True) == 1, within=40)


def groundswell(words: list[str], environment: dict[str, str], given: bytes = b"", quietly: bool = False) -> int:
    argv = [sys.executable, "-m", "streams.commands", *words]
    done = subprocess.run(
        argv, env={**os.environ, **environment}, input=given, capture_output=True, timeout=60, cwd=ROOT
    )
    assert quietly or done.returncode == 0, done.stderr.decode()
    return done.returncode


def wait(ready: Any, within: float = 30.0) -> None:
    deadline = time.monotonic() + within
    while not ready():
        assert time.monotonic() < deadline, "not ready in time"
        time.sleep(0.2)
