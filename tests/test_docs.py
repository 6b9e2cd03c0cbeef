"""What the pages say against what is there: verbs, settings, reasons, fields, limits, topics, links, the site."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import get_args

import click
import msgspec
import pytest
from ground import ROOT

from dashboards.alerts import ALERTS, Alert
from dashboards.boards import BOARDS
from infra.grafana.address import VARIABLES as GRAFANA_VARIABLES
from schemas.campaign import DEFAULT_WINDOWS, Campaign, StallRules
from schemas.codec import MAXIMUM_LEVELS, MAXIMUM_MESSAGE_BYTES
from schemas.events import EVENTS
from schemas.heartbeats import Heartbeat
from schemas.reasons import Reason
from schemas.secret import FILE, SECRETS
from schemas.stalls import State
from schemas.topics import FOREVER, SOURCES, TOPICS
from streams.commands import cli
from streams.settings import PREFIX, Settings

DECISIONS = sorted(set((ROOT / "docs/decisions").iterdir()) - {ROOT / "docs/decisions/index.md"})
DOCUMENTS = (
    *("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"),
    *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").rglob("*.md"))),
)
TEXTS = {name: (ROOT / name).read_text(encoding="utf-8") for name in DOCUMENTS}
README = TEXTS["README.md"]
# Variables that are no settings of the pipeline: secrets of the ground, and where Grafana is.
OF_THE_GROUND = {
    *SECRETS,
    *(name + FILE for name in SECRETS),
    *GRAFANA_VARIABLES,
}
OF_THE_TESTS = {
    "GROUNDSWELL_REQUIRE_CHROMIUM",
    "GROUNDSWELL_REQUIRE_KAFKA",
    "GROUNDSWELL_REQUIRE_NETWORK",
    "GROUNDSWELL_WHOLE_APPEAL",
    "GROUNDSWELL_FUZZED_BATCHES",
    "GROUNDSWELL_KAFKA_JARS",
}


def section(page: str, heading: str) -> str:
    """The text under a heading of the second level of a page in docs."""
    parts = TEXTS[f"docs/{page}.md"].split(f"\n## {heading}\n")
    assert len(parts) == 2, f"{page} has {len(parts) - 1} headings {heading!r}"
    return parts[1].split("\n## ")[0]


def rows(text: str) -> dict[str, list[str]]:
    """Rows of the tables whose first cell is one word in backticks, by that word."""
    found = re.findall(r"(?m)^\| `([^`]+)` \|(.*)\|$", text)
    return {name: [cell.strip() for cell in rest.split(" | ")] for name, rest in found}


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", re.sub(r"(?ms)^ *```.*?^ *```$", "", text))


def anchors(name: str) -> set[str]:
    """Of the headings of a page, as GitHub and the site make them."""
    headings = re.findall(r"(?m)^#{1,4} (.+)$", re.sub(r"(?ms)^```.*?^```$", "", TEXTS[name]))
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def links(name: str) -> list[str]:
    return re.findall(r"\]\((?!https?:)([^)]+)\)", without_code(TEXTS[name]))


# ---- links and places ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DOCUMENTS)
def test_document_names_no_place_of_a_machine(name: str) -> None:
    text = TEXTS[name]
    assert not re.findall(r"(?<![\w.])/(?:home|root|work|tmp|Users|opt|srv)\b", text)
    assert not re.findall(r"pypi\.org|pythonhosted|maven\.org|maven\.apache\.org|docker\.io|artifactory|nexus", text)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    for link in links(name):
        path, _, anchor = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        assert target.resolve().exists(), link
        if anchor:
            assert anchor in anchors(str(target.resolve().relative_to(ROOT))), link


def test_the_pages_are_full_of_links() -> None:
    assert sum(len(links(name)) for name in DOCUMENTS) > 120
    assert sum("#" in link for name in DOCUMENTS for link in links(name)) >= 10


def places(name: str) -> set[str]:
    """Files and folders of the repository that a page names; not patterns, and not what is made on the way."""
    found = re.findall(r"`((?:schemas|streams|infra|dashboards|tests|docs|\.ci)/[\w./-]*)`", TEXTS[name])
    return {place for place in found if "NNNN" not in place and not place.startswith("infra/docker/secrets/")}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_places_of_the_repository_that_are_named_exist(name: str) -> None:
    assert not [place for place in places(name) if not (ROOT / place).exists()]


def test_the_pages_name_many_places_of_the_repository() -> None:
    assert len(set().union(*(places(name) for name in DOCUMENTS))) > 70


def test_the_readme_is_for_strangers_and_leads_to_every_page() -> None:
    assert len(README.splitlines()) <= 200
    assert re.findall(r"(?m)^make ([a-z]+)", README)[:2] == ["demo", "test"]
    pages = {str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md")} - {"docs/index.md"}
    assert len(pages) > 12
    assert pages <= set(links("README.md"))
    assert pages <= {f"docs/{link}" for link in links("docs/index.md")}


def test_contributing_can_be_read_at_once() -> None:
    assert len(TEXTS["CONTRIBUTING.md"].splitlines()) <= 250


def test_what_the_readme_shows_of_the_demo_is_what_the_demo_shows() -> None:
    shown = re.findall(r"(?m)^[│┃] (?!\.\.\.).*$", README)
    assert len(shown) > 12
    assert set(shown) <= set(TEXTS["docs/demo.md"].splitlines())


# ---- commands --------------------------------------------------------------------------------------------


def make_targets(name: str) -> set[str]:
    # In code only: "to make 12 slices" is no command.
    code = re.findall(r"`([^`\n]+)`|(?m:^)(make [^\n]*)", TEXTS[name])
    return {word for inline, line in code for word in re.findall(r"^make ([a-z-]+)", inline or line)}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_make_targets_exist(name: str) -> None:
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text()))
    assert make_targets(name) <= targets


def test_the_pages_name_most_targets() -> None:
    assert len(set().union(*(make_targets(name) for name in DOCUMENTS))) > 15


def verbs() -> dict[str, click.Command]:
    return dict(cli.commands)


def test_every_verb_is_in_the_list_of_verbs() -> None:
    table = section("operations", "Verbs")
    assert len(verbs()) > 15
    for verb, command in verbs().items():
        assert f"`groundswell {verb}" in table, verb
        if isinstance(command, click.Group):
            for inner in command.commands:
                assert re.search(rf"groundswell {verb}[^\n]*\b{inner}\b", table), f"{verb} {inner}"


def named_verbs(name: str) -> list[str]:
    return re.findall(r"(?:`|^|\$ |bin/|\| )groundswell ([a-z][a-z-]*)", TEXTS[name], re.MULTILINE)


def named_options(name: str) -> list[tuple[str, str]]:
    shown = re.findall(r"groundswell ([a-z][a-z-]*)([^`\n|]*)", TEXTS[name])
    found = [(verb, re.findall(r"(?<![\w-])--[a-z-]+", rest.split("#")[0])) for verb, rest in shown]
    return [(verb, option) for verb, options in found if verb in verbs() for option in options]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_verb_that_is_named_exists(name: str) -> None:
    assert set(named_verbs(name)) <= set(verbs())


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_option_of_a_verb_that_is_shown_exists(name: str) -> None:
    for verb, option in named_options(name):
        known = {one for command in _with_inner(verbs()[verb]) for one in _options(command)}
        assert option in known, f"{verb} {option}"


def test_the_pages_show_many_commands() -> None:
    assert sum(len(named_verbs(name)) for name in DOCUMENTS) > 100
    assert sum(len(named_options(name)) for name in DOCUMENTS) > 25


def _with_inner(command: click.Command) -> list[click.Command]:
    return [command, *command.commands.values()] if isinstance(command, click.Group) else [command]


def _options(command: click.Command) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts}


# ---- producers' contract ---------------------------------------------------------------------------------


def test_reasons_of_the_producers_page_are_the_closed_list() -> None:
    assert list(rows(section("producers", "Reasons"))) == [str(reason) for reason in Reason]


@pytest.mark.parametrize("topic", SOURCES)
def test_every_field_of_a_topic_is_in_the_producers_page(topic: str) -> None:
    guide = rows(section("producers", "Events"))
    envelope = EVENTS["clicks"].__struct_fields__[:5]
    assert set(envelope) <= set(guide)
    told = set(re.findall(r"`([a-z_]+)`", " ".join(guide[topic])))
    assert set(EVENTS[topic].__struct_fields__) - set(envelope) <= told


@pytest.mark.parametrize("topic", SOURCES)
def test_optional_fields_are_told_as_optional(topic: str) -> None:
    text = "; ".join(rows(section("producers", "Events"))[topic])
    told = {
        name for part in text.split("; ") if part.startswith("optional ") for name in re.findall(r"`([a-z_]+)`", part)
    }
    optional = {field.name for field in msgspec.structs.fields(EVENTS[topic]) if field.default is None}
    assert told == optional


def test_limits_of_a_message_are_the_codecs() -> None:
    assert f"{MAXIMUM_MESSAGE_BYTES:,} bytes, {MAXIMUM_LEVELS} levels" in section("producers", "Limits")


def test_example_event_is_a_golden_one() -> None:
    example = re.search(r"```json\n(.*?)```", section("producers", "Events"), re.DOTALL)
    assert example is not None
    lines = (ROOT / "schemas/examples/donations.jsonl").read_bytes().splitlines()
    assert msgspec.json.decode(example[1].encode()) in [msgspec.json.decode(line) for line in lines]


def test_example_heartbeat_is_one() -> None:
    example = re.search(r"```json\n(.*?)```", section("producers", "Heartbeats"), re.DOTALL)
    assert example is not None
    assert msgspec.json.decode(example[1].encode(), type=Heartbeat).feed == "donations/stripe"


# ---- campaigns, windows, topics --------------------------------------------------------------------------


def test_example_campaign_is_one_and_names_the_default_windows() -> None:
    example = re.search(r"```toml\n(.*?)```", TEXTS["docs/campaigns.md"], re.DOTALL)
    assert example is not None
    campaign = msgspec.convert(tomllib.loads(example[1]), Campaign, strict=False)
    assert (campaign.id, campaign.windows) == ("door", DEFAULT_WINDOWS)
    *others, last = (window.name for window in DEFAULT_WINDOWS)
    assert f"{', '.join(others)} and {last}" in example[1]


def test_default_windows_of_the_architecture_page() -> None:
    minutes = {"min": 1, "h": 60}
    table = re.findall(r"(?m)^\| (\d+) (min|h) \| (\d+) min \|$", section("architecture", "Windows and conversion"))
    assert [(int(size) * minutes[unit] * 60, int(slide) * 60) for size, unit, slide in table] == [
        (window.size, window.slide) for window in DEFAULT_WINDOWS
    ]


def test_topics_of_the_architecture_page_are_all_there_are() -> None:
    whole = section("architecture", "The whole on one page")
    table = re.findall(r"(?m)^\| ((?:`[a-z-]+` ?)+)\|.*\| ([^|]*) \|$", whole)
    told = {name: kept for names, kept in table for name in re.findall(r"`([a-z-]+)`", names)}
    assert set(told) == {topic.name for topic in TOPICS}
    for topic in TOPICS:
        kept = "for ever" if topic.retention_days == FOREVER else f"{topic.retention_days} days"
        assert kept in told[topic.name], topic.name
        assert ("compacted" in told[topic.name]) == ("compact" in topic.cleanup), topic.name


# ---- operations ------------------------------------------------------------------------------------------


def test_settings_of_the_operations_page_are_all_there_are_with_their_defaults() -> None:
    told = rows(section("operations", "Settings"))
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
        known |= OF_THE_TESTS
    assert set(re.findall(r"GROUNDSWELL_[A-Z_]+[A-Z]", TEXTS[name])) <= known


def test_every_secret_is_told_of() -> None:
    assert set(SECRETS) <= set(re.findall(r"`(GROUNDSWELL_[A-Z_]+)`", section("security", "Secrets")))


# ---- stalls and alerts -----------------------------------------------------------------------------------


def test_every_parameter_of_the_stall_detector_is_in_its_page() -> None:
    named = {
        name
        for cell in re.findall(r"(?m)^\| ((?:`[a-z_]+`(?:, )?)+) \|", section("stalls", "Parameters"))
        for name in re.findall(r"[a-z_]+", cell)
    }
    assert named == set(StallRules.__struct_fields__)


def test_every_state_of_the_stall_detector_is_in_its_page() -> None:
    assert set(rows(section("stalls", "States"))) == set(get_args(State))


RUNBOOK = rows(section("runbook", "Alerts"))


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


def test_the_runbook_names_panels() -> None:
    assert sum(len(re.findall(r"\w+ board, \*", steps)) for _, _, steps in RUNBOOK.values()) >= 3


def messages() -> list[str]:
    """What the runbook quotes of log lines and errors, without what differs each time."""
    seen = re.findall(r"(?m)^\| ([^|]*) \|", section("runbook", "What you see, and what to do"))
    quoted = [quote for cell in seen for quote in cell.split("`")[1::2]]
    parts = [part.strip(" ,") for quote in quoted for part in quote.split("...")]
    return [part for part in parts if " " in part]


def test_messages_that_the_runbook_quotes_are_the_programs() -> None:
    sources = (path for room in ("schemas", "streams", "infra") for path in sorted((ROOT / room).rglob("*.py")))
    written = re.sub(r'"\s*f?"', "", "".join(path.read_text(encoding="utf-8") for path in sources))
    written = re.sub(r"\{[^{}]*\}", "0", written)  # what differs each time
    assert len(messages()) > 15
    assert not [message for message in messages() if re.sub(r"\b\d+\b", "0", message) not in written]


# ---- decision records ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_record_has_its_parts_and_a_line_in_the_index(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    head = re.match(r"# (\d{4})\. (.+)\n", text)
    assert head is not None
    assert head[1] == path.stem[:4]
    assert re.findall(r"(?m)^## (.+)$", text) == ["Context", "Decision", "Cost"]
    assert all(part.strip() for part in re.split(r"(?m)^## .+$", text))
    assert f"| {head[1]} | [{head[2]}]({path.name}) |" in TEXTS["docs/decisions/index.md"]


def test_decision_records_are_numbered_without_a_gap() -> None:
    assert [int(path.stem[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    assert len(DECISIONS) > 60


# ---- the site --------------------------------------------------------------------------------------------


def test_the_site_builds_without_a_warning_has_a_search_and_asks_no_other_host(tmp_path: Path) -> None:
    # Not --quiet: what it does not print it does not count either.
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr

    found = json.loads((tmp_path / "search/search_index.json").read_text())["docs"]
    pages = {entry["location"] for entry in found if "#" not in entry["location"]}
    sources = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")}
    assert pages == {str(path.with_suffix(".html")) for path in sources}
    assert any("murmur2" in entry["text"] for entry in found if entry["location"].startswith("producers.html"))

    written = [path.read_text() for path in tmp_path.rglob("*.html")]
    assert len(written) >= len(pages)
    loaded = [tag for text in written for tag in re.findall(r"<(?:script|link|img|iframe)\b[^>]*>", text)]
    assert len(loaded) > 3 * len(pages)
    assert not [tag for tag in loaded if re.search(r'(?:src|href)="(?:https?:)?//', tag)]
    styles = [path.read_text() for path in tmp_path.rglob("*.css")]
    assert styles
    assert not [style for style in styles if re.search(r"url\(['\"]?(?:https?:)?//|@import", style)]
