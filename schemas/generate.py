"""The JSON Schema files, made from the structs: `python -m schemas.generate [--check]`.

They are for producers and consumers in other languages.  What a schema cannot say (the record's key and time, the
partition, the campaigns that exist) is said in its description; everything else that the codec asks is in it.
Law: `schema_files` is a function of the contracts; only `main` touches files.
"""

from __future__ import annotations

import sys
from inspect import cleandoc
from pathlib import Path
from typing import Any, Final

import msgspec

from schemas.annotations import Annotation
from schemas.codec import MAXIMUM_LEVELS, MAXIMUM_MESSAGE_BYTES
from schemas.dead_letters import DeadLetter
from schemas.events import Click, Donation, Impression, Share
from schemas.heartbeats import Heartbeat
from schemas.money import DIGITS, MAXIMUM_WHOLE_DIGITS
from schemas.results import Watermark, WindowResult
from schemas.slices import Progress, Slice

FOLDER: Final = Path(__file__).parent / "json"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

EVENT_FILES: Final[dict[str, type[msgspec.Struct]]] = {
    "share": Share,
    "click": Click,
    "impression": Impression,
    "donation": Donation,
}
# What producers and people send beside events, by topic.
BESIDE_FILES: Final[dict[str, type[msgspec.Struct]]] = {"heartbeat": Heartbeat, "annotation": Annotation}
RECORD_FILES: Final[dict[str, type[msgspec.Struct]]] = {
    "dead-letter": DeadLetter,
    "slice": Slice,
    "progress": Progress,
    "window-result": WindowResult,
    "watermark": Watermark,
}
EVENT_RULES: Final = (
    f"At most {MAXIMUM_MESSAGE_BYTES} bytes of UTF-8, nested at most {MAXIMUM_LEVELS} levels deep; integers without a "
    "point or an exponent. Fields that are not named here are allowed and ignored. The record's key is the "
    "referral_id (the campaign_id where a donation has none); its partition is that of Kafka's murmur2 partitioner "
    "(in librdkafka: murmur2_random). The campaign_id must be one that is configured."
)
ONE_A_MINUTE: Final = "Send one a minute, whether or not the feed had events; `at` must not be a guess."


def schema_files() -> dict[str, str]:
    """The text of every schema, by file name."""
    schemas = {name: _schema_of(struct) for name, struct in (EVENT_FILES | BESIDE_FILES | RECORD_FILES).items()}
    for name in EVENT_FILES:
        schemas[name]["description"] += " " + EVENT_RULES
    schemas["heartbeat"]["description"] += f" The key is the feed, `@`, and the campaign_id or nothing. {ONE_A_MINUTE}"
    schemas["annotation"]["description"] += " The key is the campaign_id."
    schemas["donation"]["properties"]["currency"]["enum"] = sorted(DIGITS)
    schemas["donation"]["allOf"] = [_more_than_zero(), *_digits_of_currencies()]
    return {f"{name}.schema.json": _text_of(schema) for name, schema in schemas.items()}


def _schema_of(struct: type[msgspec.Struct]) -> dict[str, Any]:
    # msgspec puts the struct among the definitions and refers to it; one struct a file needs no detour.
    schema = msgspec.json.schema(struct)
    definitions = schema["$defs"]
    own = definitions.pop(struct.__name__)
    if definitions:
        own["$defs"] = definitions
    for definition in (own, *definitions.values()):
        definition["description"] = cleandoc(definition["description"])
    return {"$schema": DIALECT, **own}


def _more_than_zero() -> dict[str, Any]:
    return {"properties": {"amount": {"not": {"pattern": "^[0.]+$"}}}}


def _digits_of_currencies() -> list[dict[str, Any]]:
    """For each number of digits: an amount or fee in one of its currencies has no more."""
    rules = []
    for digits in sorted(set(DIGITS.values())):
        fraction = f"([.][0-9]{{1,{digits}}})?" if digits else ""
        money = {"pattern": f"^[0-9]{{1,{MAXIMUM_WHOLE_DIGITS}}}{fraction}$"}
        currencies = sorted(currency for currency, its_digits in DIGITS.items() if its_digits == digits)
        rules.append(
            {
                "if": {"properties": {"currency": {"enum": currencies}}},
                "then": {"properties": {"amount": money, "fee": money}},
            }
        )
    return rules


def _text_of(schema: dict[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"


def main(arguments: list[str]) -> int:
    """Write the files; with `--check` write nothing and answer 1 if one is stale, missing or too many."""
    wanted = schema_files()
    present = {path.name: path.read_text() for path in FOLDER.glob("*.json")}
    stale = sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))
    if arguments == ["--check"]:
        print(f"stale: {', '.join(stale)}; run `python -m schemas.generate`" if stale else "up to date")
        return 1 if stale else 0
    FOLDER.mkdir(exist_ok=True)
    for name in stale:
        if name in wanted:
            (FOLDER / name).write_text(wanted[name])
        else:
            (FOLDER / name).unlink()
    print(f"{FOLDER.name}: {len(stale)} of {len(wanted)} files written")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
