"""Log lines carry no payload: everything bad is played with a marker in it, and no line has the marker."""

from __future__ import annotations

import base64
import json
import logging
from typing import Any

import msgspec
import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError
from ground import ROOT
from harness import Pipeline
from test_bad_input import eventually

from schemas.annotations import decode as decode_annotation
from schemas.errors import Fault, without_values
from schemas.partitioning import partition_of
from schemas.topics import ANNOTATIONS, CONVERSIONS, HEARTBEATS, STALLS
from streams import logs
from streams.clickhouse.inserts import Sink
from streams.producers.outgoing import Outgoing
from streams.producers.sender import Sender

MARKER = "Marker-of-what-is-inside"
REJECTED = [json.loads(line) for line in (ROOT / "schemas/examples/rejected.jsonl").read_text().splitlines()]
START_MS = 1_773_338_400_000


def payload_of(example: dict[str, Any]) -> bytes | None:
    if example.get("payload_base64") is not None:
        return base64.b64decode(example["payload_base64"])
    text = example.get("payload")
    return None if text is None else str(text).encode("utf-8", "surrogatepass")


def marked(example: dict[str, Any]) -> list[Outgoing]:
    """An example as it is with the marker beside, and with the marker in every text."""
    payload = payload_of(example)
    if payload is None:
        return []
    values = [payload + MARKER.encode()]
    try:
        event = json.loads(payload)
    except ValueError:
        event = None
    if isinstance(event, dict):
        values.append(json.dumps({**event, "unknown": MARKER}).encode())
        for name, value in event.items():
            values.append(json.dumps({**event, name: MARKER}).encode())
            values.append(json.dumps({**event, name: f"{value}'{MARKER}\"{MARKER}"}).encode())
            values.append(json.dumps({**event, name: {MARKER: [MARKER]}}).encode())
    key = f"r-{MARKER}".encode()
    headers = (("from", MARKER.encode()), (MARKER, b""))
    return [Outgoing(example["topic"], partition_of(key, 4), key, value, START_MS, headers) for value in values]


def beside() -> list[Outgoing]:
    """What is no event and cannot be read either."""
    values = [
        MARKER.encode(),
        b"\xff\xfe" + MARKER.encode(),
        json.dumps({"kind": MARKER, "feed": MARKER, "campaign_id": MARKER, "at": MARKER, "text": MARKER}).encode(),
        json.dumps(
            {"annotation_id": MARKER, "campaign_id": "door", "kind": MARKER, "at": "2026-03-12T18:00:00Z", "text": "x"}
        ).encode(),
        json.dumps({"feed": f"clicks/{MARKER}", "at": MARKER}).encode(),
        json.dumps([MARKER]).encode(),
    ]
    topics = (ANNOTATIONS, HEARTBEATS, STALLS, CONVERSIONS)
    return [Outgoing(topic, 0, b"k", value, START_MS) for topic in topics for value in values]


def test_no_line_of_any_process_has_what_is_in_an_event() -> None:
    records = [record for example in REJECTED for record in marked(example)]
    assert len(records) > 500
    with Pipeline("tansu", {"GROUNDSWELL_LOG": "json"}) as pipeline:
        pipeline.start_all()
        with Sender(pipeline.settings.brokers, pipeline.settings.prefix) as sender:
            for record in [*records, *beside()]:
                sender.send(record)
        eventually(pipeline, "SELECT count() >= 500 FROM current_dead_letters", [(True,)])
        pipeline.wait_until_folded(len(records))
        held = pipeline.query("SELECT countIf(base64Decode(payload) LIKE '%Marker-of%') FROM current_dead_letters")
        assert held[0][0] > 400
        assert {"attribution", "conversion", "sink"} <= set(pipeline.stack.running())
        said = pipeline.logs(10_000_000)
    assert "no such record" in said
    assert MARKER not in said
    assert "Marker-of" not in said


class OfTheStore:
    """A store that quotes what it was sent, as ClickHouse does."""

    def __init__(self, code: int) -> None:
        self.code = code

    def raw_insert(self, *_: Any, **__: Any) -> None:
        raise ClickHouseError(
            f"Received ClickHouse exception, code: {self.code}, server response: Code: {self.code}. DB::Exception: "
            f"Cannot parse input: expected '\"' before: '{MARKER}\",\"d\":1}}': (while reading the value of key a)"
        )


@pytest.mark.parametrize("code", [26, 27, 72, 999])
def test_what_a_store_quotes_is_not_said(code: int) -> None:
    sink = Sink(lambda: OfTheStore(code), "a store")
    with pytest.raises(Exception, match=str(code)) as raised:
        sink._answer_now(lambda client: client.raw_insert("clicks", insert_block=b""))
    assert MARKER not in str(raised.value)
    assert "a store" in str(raised.value)


def failures() -> list[BaseException]:
    found: list[BaseException] = []
    acts = (
        lambda: {}[MARKER],
        lambda: int(MARKER),
        lambda: (b"\xff" + MARKER.encode()).decode(),
        lambda: msgspec.json.decode(f'"{MARKER}"', type=int),
        lambda: decode_annotation(
            json.dumps({"annotation_id": "a", "campaign_id": "c", "kind": MARKER, "at": "x", "text": "x"}).encode()
        ),
    )
    for act in acts:
        try:
            act()
        except (ValueError, KeyError) as error:
            found.append(error)
    assert len(found) == len(acts)
    return found


@pytest.mark.parametrize("style", ["text", "json"])
@pytest.mark.parametrize("name", ["groundswell.app", "faust.app"])
def test_an_error_that_is_logged_says_what_and_where_and_quotes_nothing(
    style: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root, before = logging.getLogger(), logging.getLogger().handlers[:]
    level = root.level
    try:
        logs.configure(style)
        for error in failures():
            logging.getLogger(name).warning("%s and %r", error, error)
            logging.getLogger(name).warning("with a stack trace", exc_info=error)
        logging.getLogger(name).warning("kept: %s", Fault("kafka", "a 'quoted' name", "Do that."))
    finally:
        root.handlers = before
        root.setLevel(level)
    said = capsys.readouterr().err
    assert "test_log_lines.py:" in said
    assert "KeyError" in said
    assert "a 'quoted' name" in said
    assert MARKER not in said


def test_one_line_is_left_of_what_a_parser_said() -> None:
    assert (
        without_values(f"Invalid value 'a {MARKER} 'b' c' - at `$.kind`\nand more")
        == "Invalid value '...' - at `$.kind`"
    )
    assert without_values("Expected `int`, got `str`") == "Expected `int`, got `str`"
