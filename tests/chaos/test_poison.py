"""Poison is what it says: what lies in the log are these bytes."""

from __future__ import annotations

import gzip
import random
from typing import Any

import pytest
from kafka.record.default_records import DefaultRecordBatchBuilder

from schemas.topics import DEAD_LETTER_MESSAGE_BYTES
from streams.settings import Settings
from tests.chaos import poison


def test_the_name_of_the_header_is_one_byte_that_is_no_utf8() -> None:
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 100_000)
    builder.append(0, 1000, None, b"{}", [(poison.BareName("name"), b"1")])
    # Lengths are zigzag: 1 is 2.
    assert b"\x02\xff\x02\x31" in bytes(builder.build())


def test_every_kind_sends_one_record(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(
        poison, "_send", lambda settings, topic, dice, **record: sent.append({"topic": topic, **record})
    )
    for send in poison.KINDS.values():
        send(Settings(), random.Random(1))
    large, header, tombstone, stranger = sent
    assert len(large["value"]) > DEAD_LETTER_MESSAGE_BYTES
    assert len(gzip.compress(large["value"])) < 20_000
    assert large["compression"] == "gzip"
    assert header["headers"][0][0].encode() == b"\xff"
    assert (tombstone["topic"], tombstone["value"]) == ("conversions", None)
    assert stranger["topic"] == "dead-letters"
