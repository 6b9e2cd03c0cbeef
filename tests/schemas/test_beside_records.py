"""Heartbeats and annotations: golden examples, what is refused, and what their schemas say of both."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from contract_examples import golden
from jsonschema import Draft202012Validator

from schemas import heartbeats
from schemas.annotations import Annotation
from schemas.annotations import decode as decode_annotation
from schemas.annotations import encode as encode_annotation
from schemas.generate import BESIDE_FILES, FOLDER
from schemas.heartbeats import Heartbeat
from schemas.times import parse_ms
from schemas.topics import SOURCES

BEAT = {"feed": "donations/stripe", "at": "2026-03-12T18:21:00Z"}
NOTE = golden("annotations")[0]
WRONG_BEATS = {
    "no feed": {"feed": None},
    "a feed without a name": {"feed": "donations"},
    "a feed of an unknown topic": {"feed": "gifts/stripe"},
    "a name with a blank": {"feed": "donations/two words"},
    "a name of 65 characters": {"feed": "donations/" + "x" * 65},
    "no time": {"at": "soon"},
    "a time without an offset": {"at": "2026-03-12T18:21:00"},
    "a time as a number": {"at": 1_773_338_400_000},
    "milliseconds read as seconds": {"at": "58862-04-17T03:20:00.000Z"},
    "a campaign that is no id": {"campaign_id": "the door"},
    "a negative offset": {"sent": {"clicks": -1}},
}
WRONG_NOTES = {
    "another kind": {"kind": "party"},
    "no text": {"text": ""},
    "too much text": {"text": "x" * 2001},
    "a campaign as a number": {"campaign_id": 1},
    "a time as a number": {"at": 1_773_338_400_000},
}


def validator(name: str) -> Draft202012Validator:
    schema = json.loads((FOLDER / f"{name}.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def heard(fields: dict[str, Any]) -> heartbeats.CheckedHeartbeat:
    return heartbeats.check(json.dumps(fields).encode(), parse_ms("2026-03-12T18:30:00Z"))


@pytest.mark.parametrize("fields", golden("heartbeats"), ids=lambda fields: fields["feed"])
def test_golden_heartbeats_are_heard_and_fit_their_schema(fields: dict[str, Any]) -> None:
    validator("heartbeat").validate(fields)
    assert heard(fields) == (
        fields["feed"],
        fields.get("campaign_id"),
        parse_ms(fields["at"]),
        fields.get("sent", {}),
    )


def test_one_golden_heartbeat_is_a_players_and_says_what_was_sent_of_every_topic() -> None:
    (player,) = [fields for fields in golden("heartbeats") if heard(fields).is_player]
    assert set(player["sent"]) == set(SOURCES)


@pytest.mark.parametrize("why", WRONG_BEATS)
def test_a_wrong_heartbeat_is_refused_by_the_code_and_by_the_schema(why: str) -> None:
    fields = BEAT | WRONG_BEATS[why]
    with pytest.raises(ValueError, match=r"\w"):
        heard(fields)
    assert not validator("heartbeat").is_valid(fields)


def test_a_heartbeat_survives_a_round_trip_and_its_key_names_feed_and_campaign() -> None:
    beat = Heartbeat("player/door", "2026-03-12T18:21:00Z", "door", {"clicks": 41})
    assert heartbeats.decode(heartbeats.encode(beat)) == beat
    assert heartbeats.heartbeat_key(beat) == b"player/door@door"
    assert heartbeats.heartbeat_key(Heartbeat(**BEAT)) == b"donations/stripe@"


@pytest.mark.parametrize("fields", golden("annotations"), ids=lambda fields: fields["text"])
def test_golden_annotations_are_read_and_fit_their_schema(fields: dict[str, Any]) -> None:
    validator("annotation").validate(fields)
    note = decode_annotation(json.dumps(fields).encode())
    assert note == Annotation(**fields)
    assert decode_annotation(encode_annotation(note)) == note


@pytest.mark.parametrize("why", WRONG_NOTES)
def test_a_wrong_annotation_is_refused_by_the_code_and_by_the_schema(why: str) -> None:
    fields = NOTE | WRONG_NOTES[why]
    with pytest.raises(ValueError, match=r"\w"):
        decode_annotation(json.dumps(fields).encode())
    assert not validator("annotation").is_valid(fields)


@pytest.mark.parametrize("name", BESIDE_FILES)
def test_the_schema_asks_for_the_fields_that_the_struct_asks_for(name: str) -> None:
    fields = msgspec.structs.fields(BESIDE_FILES[name])
    schema = validator(name).schema
    assert list(schema["properties"]) == [field.name for field in fields]
    assert schema["required"] == [field.name for field in fields if field.required]
