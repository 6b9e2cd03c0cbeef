"""What conversion says to the world: results of windows, and how complete they are.

Field names are ClickHouse's column names, so the sink passes the bytes through.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct


class Amounts(Struct, frozen=True):
    """Money of one currency, decimal text."""

    gross: str
    fee: str
    refunded: str


class WindowResult(Struct, frozen=True, tag="window", tag_field="type"):
    """The absolute result of one entity in one window `[window_end - size, window_end)`.

    Money is decimal text in the campaign's `currency`, other currencies by code.  A rate without a denominator is
    null.  `final` is 1 once the watermark has passed the window's end; a later correction is final again.
    `version` is the epoch of the partition of `slices` and the position in it that the result was computed at: the
    larger wins.
    """

    campaign_id: str
    dimension: str
    member: str
    window: str
    window_end: str
    shares: int
    impressions_measured: int
    impressions_sampled: int
    impressions_estimated: int
    clicks: int
    donations: int
    refunds: int
    currency: str
    gross: str
    fee: str
    refunded: str
    net: str
    other_currencies: dict[str, Amounts]
    conversion: float | None
    per_impression: float | None
    final: int
    watermark: str
    version: int
    computed_at: str


class Watermark(Struct, frozen=True, tag="watermark", tag_field="type"):
    """How far one partition of `slices` has taken in one source partition; see `schemas.slices.Progress`."""

    slices_partition: int
    source_partition: int
    clock: str
    idle: int
    source_version: int
    version: int
    computed_at: str
    positions: dict[str, int]
    begins: dict[str, int]
    ends: dict[str, int]
    accepted: dict[str, int]
    duplicates: dict[str, int]
    dead_lettered: dict[str, int]
    late: dict[str, int]
    passed_over: dict[str, int] = {}
    live: int = 0
    fingerprint: str = ""


Result = WindowResult | Watermark
_decoder: msgspec.json.Decoder[Result] = msgspec.json.Decoder(Result)
_encoder = msgspec.json.Encoder()


def encode(result: Result) -> bytes:
    return _encoder.encode(result)


def decode(value: bytes) -> Result:
    """A record of the topic `conversions`.

    Raises:
        ValueError: it is none.
    """
    return _decoder.decode(value)


class _Tagged(Struct):
    type: Literal["window", "watermark"]


_tag_decoder = msgspec.json.Decoder(_Tagged)


def is_ours(value: bytes | None) -> bool:
    """Whether this was meant as a result, even if it cannot be read."""
    try:
        _tag_decoder.decode(value or b"")
    except (ValueError, RecursionError):
        return False
    return True


def result_key(result: Result) -> bytes:
    if isinstance(result, Watermark):
        return f"watermark|{result.slices_partition}|{result.source_partition}".encode()
    return f"{result.campaign_id}|{result.dimension}|{result.member}|{result.window}".encode()
