"""Why a record is no event, in words that its producer can act on."""

from __future__ import annotations

import re
from typing import Final, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Raw, Struct

from schemas.events import EVENTS, ID_IN_WORDS, LAST_READABLE_VERSION, SCHEMA_VERSION
from schemas.reasons import Reason

SHOWN_CHARACTERS: Final = 200

_AT_FIELD = re.compile(r" - at `\$\.(\w+)`$")
_MISSING = re.compile(r"^Object missing required field `(\w+)`$")
_is_integer = re.compile(rb"-?[0-9]+").fullmatch
_is_readable_version = re.compile(rb"[1-9][0-9]?").fullmatch
_HINTS: Final = {
    (topic, field): hint for topic, event in EVENTS.items() for field, hint in get_type_hints(event).items()
}
_WORDS: Final = {place: ", ".join(get_args(hint)) for place, hint in _HINTS.items() if get_origin(hint) is Literal}
_NUMBERS: Final = {place for place, hint in _HINTS.items() if hint is int}


class Rejection(Struct, frozen=True):
    """Why a record is a dead letter: a reason from the closed list, the field, its value, what was expected."""

    reason: Reason
    field: str
    value: str
    expectation: str


def explain(topic: str, sentence: str, value: bytes) -> Rejection:
    """A rejection from what msgspec says of a value that does not fit the topic's event.

    msgspec stops at the first thing that does not fit, so what comes after it is looked at here: text that is not
    JSON at all, or an event of a version we do not know, whose fields may well be others, is called that.
    The wording of msgspec's sentences is pinned with its version and held by tests.
    """
    try:
        msgspec.json.decode(value, type=Raw)
        fields = msgspec.json.decode(value, type=dict[str, Raw])
    except msgspec.ValidationError:
        return Rejection(Reason.NOT_AN_OBJECT, "", shown(value), "a JSON object")
    except msgspec.DecodeError as error:
        return not_json(value, str(error))
    version = bytes(fields.get("schema_version", b""))
    if _is_integer(version) and not _is_readable_version(version):
        expected = f"{SCHEMA_VERSION} to {LAST_READABLE_VERSION}"
        return Rejection(Reason.UNSUPPORTED_VERSION, "schema_version", shown(version), expected)
    if missing := _MISSING.search(sentence):
        return Rejection(Reason.MISSING_FIELD, missing[1], "", "a value")
    at = _AT_FIELD.search(sentence)
    if at is None:
        return Rejection(Reason.WRONG_TYPE, "", shown(value), sentence)
    sent = bytes(fields.get(at[1], b"")).removeprefix(b'"').removesuffix(b'"')
    return _misfit(topic, at[1], shown(sent), sentence[: at.start()])


def _misfit(topic: str, field: str, sent: str, sentence: str) -> Rejection:
    if sentence.startswith("Invalid enum value"):
        return Rejection(Reason.UNKNOWN_VALUE, field, sent, f"one of {_WORDS[topic, field]}")
    if ", got " in sentence:
        return Rejection(Reason.WRONG_TYPE, field, sent, sentence.replace("`", ""))
    if (topic, field) not in _NUMBERS:  # a number too large to be looked at, where a text belongs
        return Rejection(Reason.WRONG_TYPE, field, sent, "Expected str")
    return Rejection(Reason.OUT_OF_RANGE, field, sent, sentence.replace("`", ""))


def not_json(value: bytes, error: str) -> Rejection:
    return Rejection(Reason.BAD_JSON, "", shown(value), f"a JSON object in UTF-8 ({error})")


def bad_id(field: str, text: str) -> Rejection:
    return Rejection(Reason.BAD_ID, field, shown(text), ID_IN_WORDS)


def shown(content: str | bytes) -> str:
    """The beginning of what was sent, as text whatever it is."""
    if isinstance(content, str):
        return content[:SHOWN_CHARACTERS]
    return content[: SHOWN_CHARACTERS * 4].decode("utf-8", "replace")[:SHOWN_CHARACTERS]
