"""What the documents say against what is there: verbs, targets, settings, reasons, fields, limits."""

from __future__ import annotations

import re

import click
import msgspec
import pytest
from ground import ROOT

from dashboards.alerts import ALERTS, Alert
from dashboards.boards import BOARDS
from infra.grafana.address import VARIABLES as GRAFANA_VARIABLES
from schemas.campaign import StallRules
from schemas.codec import MAXIMUM_LEVELS, MAXIMUM_MESSAGE_BYTES
from schemas.events import EVENTS
from schemas.reasons import Reason
from schemas.secret import FILE, SECRETS
from schemas.topics import SOURCES
from streams.commands import cli
from streams.settings import PREFIX, Settings

DOCUMENTS = ("README.md", "CONTRIBUTING.md", "DECISIONS.md", "CHANGELOG.md")
README = (ROOT / "README.md").read_text()
# Variables that are no settings of the pipeline: secrets of the ground, and where Grafana is.
OF_THE_GROUND = {
    *SECRETS,
    *(name + FILE for name in SECRETS),
    *GRAFANA_VARIABLES,
}


def section(heading: str) -> str:
    """The text under a heading of the second level."""
    return README.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def rows(text: str) -> dict[str, list[str]]:
    """Rows of the tables whose first cell is one word in backticks, by that word."""
    found = re.findall(r"(?m)^\| `([^`]+)` \|(.*)\|$", text)
    return {name: [cell.strip() for cell in rest.split(" | ")] for name, rest in found}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_document_names_no_place_of_a_machine(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.findall(r"(?<![\w.])/(?:home|root|work|tmp|Users|opt|srv)\b", text)
    assert not re.findall(r"pypi\.org|pythonhosted|maven\.org|maven\.apache\.org|docker\.io|artifactory|nexus", text)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)]+)\)", (ROOT / name).read_text()):
        assert (ROOT / target).exists(), target


def test_contents_lead_to_headings() -> None:
    headings = {re.sub(r"[^a-z0-9 -]", "", h.lower()).replace(" ", "-") for h in re.findall(r"(?m)^## (.+)$", README)}
    assert set(re.findall(r"\]\(#([^)]+)\)", README)) <= headings


@pytest.mark.parametrize("name", DOCUMENTS)
def test_make_targets_exist(name: str) -> None:
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text()))
    # In code only: "to make 12 slices" is no command.
    code = re.findall(r"`([^`\n]+)`|(?m:^)(make [^\n]*)", (ROOT / name).read_text())
    used = {word for inline, line in code for word in re.findall(r"^make ([a-z-]+)", inline or line)}
    assert used <= targets, used - targets


def test_readme_begins_with_the_two_commands() -> None:
    assert re.findall(r"(?m)^make ([a-z]+)", README)[:2] == ["demo", "test"]


def verbs() -> dict[str, click.Command]:
    return dict(cli.commands)


def test_every_verb_is_in_the_readme() -> None:
    for verb, command in verbs().items():
        assert f"groundswell {verb}" in README, verb
        if isinstance(command, click.Group):
            for inner in command.commands:
                assert re.search(rf"groundswell {verb}[^\n]*\b{inner}\b", README), f"{verb} {inner}"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_verb_that_is_named_exists(name: str) -> None:
    text = (ROOT / name).read_text()
    for verb in re.findall(r"(?:`|^|\$ |bin/|\| )groundswell ([a-z][a-z-]*)", text, re.MULTILINE):
        assert verb in verbs(), verb


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_option_of_a_verb_that_is_shown_exists(name: str) -> None:
    text = (ROOT / name).read_text()
    shown = re.findall(r"groundswell ([a-z][a-z-]*)([^`\n|]*)", text)
    for verb, rest in shown:
        if verb in verbs():
            known = {option for command in _with_inner(verbs()[verb]) for option in _options(command)}
            for option in re.findall(r"(?<![\w-])--[a-z-]+", rest.split("#")[0]):
                assert option in known, f"{verb} {option}"


def _with_inner(command: click.Command) -> list[click.Command]:
    return [command, *command.commands.values()] if isinstance(command, click.Group) else [command]


def _options(command: click.Command) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts}


def test_reasons_of_the_readme_are_the_closed_list() -> None:
    guide = section("Producers' guide").split("**Reasons.**")[1]
    assert list(rows(guide)) == [str(reason) for reason in Reason]


def test_settings_of_the_readme_are_all_there_are_with_their_defaults() -> None:
    told = rows(section("Settings"))
    fields = msgspec.structs.fields(Settings)
    assert list(told) == [PREFIX + field.name.upper() for field in fields]
    for field in fields:
        if field.name == "campaigns":  # a place of the machine
            continue
        default = "none" if field.default in ("", None) else f"`{field.default}`"
        assert told[PREFIX + field.name.upper()][0] == default, field.name


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_variable_that_is_named_is_a_setting(name: str) -> None:
    known = {PREFIX + field.upper() for field in Settings.__struct_fields__} | OF_THE_GROUND
    if name == "CONTRIBUTING.md":
        known |= {
            "GROUNDSWELL_REQUIRE_CHROMIUM",
            "GROUNDSWELL_REQUIRE_KAFKA",
            "GROUNDSWELL_REQUIRE_NETWORK",
            "GROUNDSWELL_WHOLE_APPEAL",
            "GROUNDSWELL_FUZZED_BATCHES",
            "GROUNDSWELL_KAFKA_JARS",
        }
    assert set(re.findall(r"GROUNDSWELL_[A-Z_]+[A-Z]", (ROOT / name).read_text())) <= known


@pytest.mark.parametrize("topic", SOURCES)
def test_every_field_of_a_topic_is_in_the_guide(topic: str) -> None:
    guide = rows(section("Producers' guide"))
    envelope = EVENTS["clicks"].__struct_fields__[:5]
    assert set(envelope) <= set(guide)
    told = set(re.findall(r"`([a-z_]+)`", " ".join(guide[topic])))
    assert set(EVENTS[topic].__struct_fields__) - set(envelope) <= told


@pytest.mark.parametrize("topic", SOURCES)
def test_optional_fields_are_told_as_optional(topic: str) -> None:
    text = "; ".join(rows(section("Producers' guide"))[topic])
    told = {
        name for part in text.split("; ") if part.startswith("optional ") for name in re.findall(r"`([a-z_]+)`", part)
    }
    optional = {field.name for field in msgspec.structs.fields(EVENTS[topic]) if field.default is None}
    assert told == optional


def test_limits_of_a_message_are_the_codecs() -> None:
    assert f"{MAXIMUM_MESSAGE_BYTES:,} bytes, {MAXIMUM_LEVELS} levels" in README


def test_example_event_is_a_golden_one() -> None:
    example = re.search(r"```json\n(.*?)```", section("Producers' guide"), re.DOTALL)
    assert example is not None
    lines = (ROOT / "schemas/examples/donations.jsonl").read_bytes().splitlines()
    assert msgspec.json.decode(example[1].encode()) in [msgspec.json.decode(line) for line in lines]


def test_every_parameter_of_the_stall_detector_is_in_the_readme() -> None:
    table = section("Stalls")
    named = {
        name
        for cell in re.findall(r"(?m)^\| ((?:`[a-z_]+`(?:, )?)+) \|", table)
        for name in re.findall(r"[a-z_]+", cell)
    }
    assert named == set(StallRules.__struct_fields__)


RUNBOOK = rows(section("Runbook"))


def test_the_runbook_is_of_the_alerts_that_there_are() -> None:
    assert list(RUNBOOK) == [alert.title for alert in ALERTS]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.uid)
def test_an_entry_of_the_runbook_says_how_bad_it_is_what_it_means_and_three_steps(alert: Alert) -> None:
    severity, meaning, steps = RUNBOOK[alert.title]
    assert severity == alert.severity
    assert meaning
    assert re.findall(r"(?:^| )(\d)\. \S", steps) == ["1", "2", "3"]
    for board, panels in re.findall(r"(\w+) board, ((?:\*[^*]+\*(?: and )?)+)", steps):
        titles = {panel.title for known in BOARDS if known.title == board for panel in known.panels}
        assert set(re.findall(r"\*([^*]+)\*", panels)) <= titles, board


def test_every_secret_is_told_of() -> None:
    assert set(SECRETS) <= set(re.findall(r"`(GROUNDSWELL_[A-Z_]+)`", section("Security")))
