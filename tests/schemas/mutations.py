"""Ways to spoil a good record.  Each takes a record and a source of chance and answers another record."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

from contract_examples import Record

TRICKS = (
    "\x00", "\n", "\r\n", "\u2028", "\ufeff", "\u200b", "\u202e", "é", "ſ", "İ", "Ⅷ", "１", "٣", "\U0001f49c",
    "a\u0301", "$", "\\", '"', "`", " - at `$.kind`", ", got ", "%s", "{0}", "'; DROP", "__proto__", "NaN", "null", "",
)  # fmt: skip
VALUES = (
    None, True, False, 0, 1, -1, 1.0, 1.5, -0.0, 1e308, 2**31, 2**63, 2**64, -(2**63) - 1, 10**19, 10**40, 10**400,
    "", "0", "1", "text", "USD", "JPY", "KWD", "XXX", "strong", "donation", "measured", "0.001", "1e5", "-1", "١",
    "1_000", "2026-03-12T18:00:00Z", "2026-03-12T18:00:00", "0000-00-00T00:00:00Z", "9999-12-31T23:59:59.999-23:59",
    "door", "r-anna-1", [], {}, [1], {"a": 1}, [[[[]]]], "x" * 200, "9" * 300,
)  # fmt: skip
LITERALS = (
    b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b"01", b"1.", b".5", b"+1", b"-", b"0x10", b"1e", b"'a'",
    b"9" * 5000, b"-" + b"9" * 400, b"0." + b"1" * 2000, b"1E+2", b"undefined", b"tru", b'"\\ud800"',
    b'"\\udc00\\ud800"', b'"\\u0000"', b'"\\x41"', b'"\xff"', b'"\xc0\x80"', b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"',
    b'"open', b"[" * 300, b"[" * 300 + b"]" * 300, b'{"a":' * 280 + b"1" + b"}" * 280, b"", b",", b"//c\n1",
)  # fmt: skip
TIMES_MS = (-1, 0, 1, -(2**63), 2**62, 2**63 - 1, 946_684_800_000, 1_795_420_800_000_000, 4_102_444_800_000)

Mutation = Callable[[Record, Random], Record]


def flip_a_byte(record: Record, chance: Random) -> Record:
    spoilt = bytearray(record.value)
    for _ in range(chance.choice((1, 1, 1, 2, 8))):
        spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
    return record._replace(value=bytes(spoilt))


def truncate(record: Record, chance: Random) -> Record:
    return record._replace(value=record.value[: chance.randrange(len(record.value))])


def cut_out(record: Record, chance: Random) -> Record:
    start, end = sorted(chance.randrange(len(record.value)) for _ in range(2))
    return record._replace(value=record.value[:start] + record.value[end:])


def repeat_a_part(record: Record, chance: Random) -> Record:
    start, end = sorted(chance.randrange(len(record.value)) for _ in range(2))
    return record._replace(value=record.value[:end] + record.value[start:])


def remove_a_field(record: Record, chance: Random) -> Record:
    fields = json.loads(record.value)
    del fields[chance.choice(list(fields))]
    return _with(record, fields)


def retype_a_field(record: Record, chance: Random) -> Record:
    fields = json.loads(record.value)
    fields[chance.choice(list(fields))] = chance.choice(VALUES)
    return _with(record, fields)


def swap_two_fields(record: Record, chance: Random) -> Record:
    fields = json.loads(record.value)
    one, other = chance.sample(list(fields), 2)
    fields[one], fields[other] = fields[other], fields[one]
    return _with(record, fields)


def put_a_literal(record: Record, chance: Random) -> Record:
    fields = json.loads(record.value)
    name = chance.choice([*fields, "unknown"])
    before, after = _with(record, fields | {name: "@@"}).value.split(b'"@@"')
    return record._replace(value=before + chance.choice(LITERALS) + after)


def slip_a_trick_in(record: Record, chance: Random) -> Record:
    fields = json.loads(record.value)
    name = chance.choice(list(fields))
    text, trick = str(fields[name]), chance.choice(TRICKS)
    place = chance.choice((0, len(text), chance.randrange(len(text) + 1)))
    fields[name] = text[:place] + trick + text[place:]
    return _with(record, fields, escaped=chance.random() < 0.5)


def change_a_character(record: Record, chance: Random) -> Record:
    fields = json.loads(record.value)
    name = chance.choice([name for name, value in fields.items() if isinstance(value, str)])
    text = fields[name]
    place = chance.randrange(len(text))
    fields[name] = text[:place] + chance.choice("0123456789.-+:TZaz_/ ") + text[place + chance.randrange(2) :]
    return _with(record, fields)


def give_a_field_twice(record: Record, chance: Random) -> Record:
    name = chance.choice(list(json.loads(record.value)))
    extra = json.dumps({name: chance.choice(VALUES)}).encode()
    if chance.random() < 0.5:
        return record._replace(value=extra[:-1] + b", " + record.value[1:])
    return record._replace(value=record.value[:-1] + b", " + extra[1:])


def nest(record: Record, chance: Random) -> Record:
    levels = chance.choice((1, 31, 250, 256, 257, 1000))
    opened, closed = chance.choice(((b"[", b"]"), (b'{"a":', b"}"), (b'[{"":', b"}]")))
    inner = opened * levels + b"0" + closed * chance.choice((levels, levels, levels - 1, levels + 1))
    return record._replace(value=record.value[:-1] + b', "more": ' + inner + b"}")


def pad(record: Record, chance: Random) -> Record:
    return record._replace(value=record.value.ljust(chance.choice((65_535, 65_536, 65_537, 70_000))))


def put_around(record: Record, chance: Random) -> Record:
    around = chance.choice(
        ((b"\xef\xbb\xbf", b""), (b"", b"\x00"), (b"[", b"]"), (b" ", b"\n"), (b"", b"{}"), (b"\x00", b""))
    )
    return record._replace(value=around[0] + record.value + around[1])


def send_at_another_time(record: Record, chance: Random) -> Record:
    days = chance.choice((-2, -1, 1, 13, 14, 15, 400)) * 86_400_000
    near = record.record_time_ms - 1000 + days + chance.choice((-1, 0, 1))
    return record._replace(record_time_ms=chance.choice((near, near, *TIMES_MS)))


def send_elsewhere(record: Record, chance: Random) -> Record:
    key = chance.choice((record.key, None, b"", b"\xff\x00", record.key + b"\n", record.key.upper(), b"k" * 5000))
    return record._replace(key=key, partition=chance.choice((record.partition, -1, 0, 1, 2, 3, 2**31)))


def send_to_another_topic(record: Record, chance: Random) -> Record:
    return record._replace(topic=chance.choice(("shares", "clicks", "impressions", "donations")))


def leave_it(record: Record, chance: Random) -> Record:
    return record


def make_noise(record: Record, chance: Random) -> Record:
    letters = chance.choice((bytes(range(256)), b'{}[]",:0123456789.eE+-truefalsn\\u \n', b"{[\"'"))
    noise = bytes(chance.choice(letters) for _ in range(chance.choice((0, 1, 2, 10, 60))))
    return record._replace(value=chance.choice((noise, noise, None)))


MUTATIONS: tuple[Mutation, ...] = (
    flip_a_byte, flip_a_byte, truncate, cut_out, repeat_a_part, remove_a_field, retype_a_field, retype_a_field,
    swap_two_fields, put_a_literal, slip_a_trick_in, slip_a_trick_in, change_a_character, change_a_character,
    give_a_field_twice, nest, pad, put_around, send_at_another_time, send_elsewhere, send_to_another_topic,
    leave_it, make_noise,
)  # fmt: skip


def _with(record: Record, fields: dict[str, object], *, escaped: bool = True) -> Record:
    return record._replace(value=json.dumps(fields, ensure_ascii=escaped).encode())
