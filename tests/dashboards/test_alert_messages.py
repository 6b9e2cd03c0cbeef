"""What an alert says in a message: the annotations of its rule, expanded by its labels, put into our templates.

Grafana does both with Go's text/template.  Here a small interpreter of what we use of it does; `render.go` asks the
real one, where Go is there, and must agree on every case.  It did with Go 1.26.8.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import asdict, dataclass, field
from typing import Any

import pytest
import yaml
from asking import Asked
from go_template import evaluated, parse, render
from ground import ROOT
from test_alert_rules import ALERT, word

from dashboards.alerts import ALERTS, Alert

TEMPLATES = ROOT / "infra" / "grafana" / "provisioning" / "alerting" / "templates.yaml"
TEXT: str = yaml.safe_load(TEMPLATES.read_text(encoding="utf-8"))["templates"][0]["template"]
PANEL = "https://grafana.example.org/d/groundswell-appeal?orgId=1&viewPanel=1"
SENTENCE = '560 clicks since the last donation (14:05); chance of none by luck: 1-in-9,000. "<Stop>" & look.'


@dataclass
class Sent:
    """One alert, by the names of Grafana's notification reference (12.4)."""

    Labels: dict[str, str]
    Annotations: dict[str, str]
    Status: str = "firing"
    PanelURL: str = PANEL


class Sents(list[Sent]):
    @property
    def Firing(self) -> list[Sent]:
        return [sent for sent in self if sent.Status == "firing"]

    @property
    def Resolved(self) -> list[Sent]:
        return [sent for sent in self if sent.Status == "resolved"]


@dataclass
class Notification:
    """What `.` is in a template."""

    Alerts: Sents
    Receiver: str = "Groundswell"
    Status: str = field(init=False)

    def __post_init__(self) -> None:
        self.Status = "firing" if self.Alerts.Firing else "resolved"


def sent(name: str, labels: dict[str, str], **more: Any) -> Sent:
    """An alert as its rule words it for these labels; `$labels` is what Grafana calls them there."""
    alert, given = ALERT[name], {"family": "appeal", **labels}
    told = {part: render(getattr(alert, part), "", None, labels=given) for part in ("summary", "sentence", "next_step")}
    return Sent(given, told, **more)


STALLED = sent(
    "stalled",
    {"campaign_id": "a door & more", "since": "2026-03-13 14:31 UTC", "sentence": SENTENCE, "next_step": "Give."},
)
AUTHOR = sent(
    "influencer-stalled",
    {"campaign_id": "door", "influencer_id": "ä/b=c", "since": "today", "sentence": "None.", "next_step": "Ask."},
)
DEAD = sent("dead", {"family": "pipeline"}, PanelURL="")
OVER = sent(
    "feed-down", {"campaign_id": "door", "since": "noon", "sentence": "Old.", "next_step": "Old."}, Status="resolved"
)
LETTERS = sent("dead-letters", {"family": "pipeline", "topic": "clicks"})

CASES = {
    "one": (Notification(Sents([STALLED])), "a door & more: people come and no longer give", f"""\
a door & more: people come and no longer give
Since 2026-03-13 14:31 UTC. {SENTENCE}
Next: Give.
{PANEL}&var-campaign=a+door+%26+more
"""),
    "two and one that is over": (
        Notification(Sents([OVER, AUTHOR, STALLED])),
        "door: people come by ä/b=c and no longer give and more",
        f"""\
door: people come by ä/b=c and no longer give
Since today. None.
Next: Ask.
{PANEL}&var-campaign=door&var-influencer=%C3%A4%2Fb%3Dc
a door & more: people come and no longer give
Since 2026-03-13 14:31 UTC. {SENTENCE}
Next: Give.
{PANEL}&var-campaign=a+door+%26+more
Over: door: a feed has gone silent
{PANEL}&var-campaign=door
""",
    ),
    "over": (Notification(Sents([OVER])), "Over: door: a feed has gone silent", f"""\
Over: door: a feed has gone silent
{PANEL}&var-campaign=door
"""),
    "of the pipeline": (
        Notification(Sents([LETTERS, DEAD])),
        "events of the topic clicks are refused and more",
        f"""\
events of the topic clicks are refused
At least 10 in 15 minutes could not be processed, by their fault.
Next: See the reasons on the panel; `groundswell dead-letters list` and `show` say which producer.
{PANEL}
the pipeline, or a part of it, has stopped reporting
A partition has had no report for some minutes, none ever came, or ClickHouse does not answer.
Next: See whether ClickHouse and Kafka answer, then what the logs of the three roles say last.

""",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_message_says_what_why_what_next_and_where(name: str) -> None:
    notification, title, message = CASES[name]
    assert render(TEXT, "groundswell.title", notification) == title
    assert render(TEXT, "groundswell.message", notification) == message


def test_go_renders_the_same() -> None:
    go = shutil.which("go")
    if go is None:
        pytest.skip("there is no Go on this machine: its rendering was compared when this was written")
    asked = {
        f"{part} of {name}": {"Template": f"groundswell.{part}", "Data": asdict(case[0])}
        for name, case in CASES.items()
        for part in ("title", "message")
    }
    program = ROOT / "tests" / "dashboards" / "render.go"
    done = subprocess.run(
        [go, "run", str(program)],
        input=json.dumps({"Text": TEXT, "Asked": asked}).encode(),
        capture_output=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    written = json.loads(done.stdout)
    for name, (_, title, message) in CASES.items():
        assert written[f"title of {name}"] == title
        assert written[f"message of {name}"] == message


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.uid)
def test_a_rule_words_its_alert_by_the_labels_that_its_sql_gives(alert: Alert, door_store: Asked) -> None:
    names, _, rows = door_store.ask(alert.sql)
    assert rows
    for row in rows:
        labels = {name: str(value) for name, value in zip(names, row, strict=True) if name != "firing"}
        for part in (alert.summary, alert.sentence, alert.next_step):
            told = render(part, "", None, labels=Labels(labels))
            assert "{{" not in told


class Labels(dict[str, str]):
    """Labels that must be there: Grafana would write `[no value]` into the message."""

    def get(self, name: str, default: Any = None) -> str:
        return self[name]


def test_what_the_detector_said_arrives_word_for_word(empty_store: Asked) -> None:
    empty_store.insert({"stalls": word("stalled", 20, SENTENCE, changed=1)})
    [row] = [row for row in empty_store.rows(ALERT["stalled"].sql) if row.pop("firing")]
    empty_store.client.command("TRUNCATE TABLE stalls")
    message = render(TEXT, "groundswell.message", Notification(Sents([sent("stalled", row)])))
    assert message.splitlines() == [
        "door: people come and no longer give",
        f"Since 2026-03-12 18:20 UTC. {SENTENCE}",
        "Next: Give a test donation.",
        f"{PANEL}&var-campaign=door",
    ]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('len "abc"', 3),
        ("gt (len .) 1", True),
        ("index . 1", "b"),
        ("$labels.none", ""),
        ('urlquery "a b/&~"', "a+b%2F%26~"),
    ],
)
def test_the_interpreter_reads_what_go_reads(expression: str, value: Any) -> None:
    assert evaluated(expression, ["a", "b"], {"labels": {}}) == value


@pytest.mark.parametrize(
    "text", ["{{ if . }}", "{{ end }}", "{{ .Missing }}", "{{ printf . }}", "{{ . | len }}", "{{ with . }}{{ end }}"]
)
def test_the_interpreter_refuses_what_it_does_not_know(text: str) -> None:
    with pytest.raises((AssertionError, AttributeError, KeyError)):
        render(text, "", "dot")


def test_white_space_goes_where_a_tag_says_so() -> None:
    assert render("a \n {{- 1 }} b {{ 2 -}} \n c", "", None) == "a1 b 2c"
    assert set(parse(TEXT)) - {""} == {f"groundswell.{name}" for name in ("title", "message", "alert", "link")}
