"""From sums to the row that people read: money as decimal text, rates with their denominators."""

from __future__ import annotations

from functools import lru_cache

from schemas.campaign import Window
from schemas.money import decimal_text
from schemas.results import Amounts, WindowResult
from schemas.slices import Entity
from schemas.times import rfc3339
from streams.operators.counters import FEE, GROSS, REFUNDED, Counters


def rate(numerator: int, denominator: int) -> float | None:
    """A rate, or None where there is no denominator: never 0, never NaN."""
    return numerator / denominator if denominator else None


def window_result(
    entity: Entity,
    window: Window,
    end: int,
    total: Counters,
    currency: str,
    *,
    watermark_ms: int | None,
    version: int,
    computed_at: str,
) -> WindowResult:
    """The row of one entity and window.

    Args:
        end: the window's end, epoch seconds.
        currency: the campaign's; money in others goes into `other_currencies`, they are never added up.
        watermark_ms: None while it is not known yet.
    """
    counts = total.counts
    own = total.money.get(currency, [0, 0, 0])
    net = own[GROSS] - own[REFUNDED] - own[FEE]
    shares, measured, sampled, estimated, clicks, donations, refunds = counts
    return WindowResult(
        campaign_id=entity.campaign_id,
        dimension=entity.dimension,
        member=entity.member,
        window=window.name,
        window_end=_moment(end),
        shares=shares,
        impressions_measured=measured,
        impressions_sampled=sampled,
        impressions_estimated=estimated,
        clicks=clicks,
        donations=donations,
        refunds=refunds,
        currency=currency,
        gross=decimal_text(own[GROSS], currency),
        fee=decimal_text(own[FEE], currency),
        refunded=decimal_text(own[REFUNDED], currency),
        net=decimal_text(net, currency),
        other_currencies={code: _amounts(sums, code) for code, sums in total.money.items() if code != currency},
        conversion=rate(donations, clicks),
        per_impression=rate(donations, measured),
        final=int(watermark_ms is not None and end * 1000 <= watermark_ms),
        watermark=_moment(max(watermark_ms or 0, 0) // 1000),
        version=version,
        computed_at=computed_at,
    )


@lru_cache(maxsize=65_536)
def _moment(seconds: int) -> str:
    # Every entity has rows with the same ends.
    return rfc3339(seconds * 1000)


def _amounts(sums: list[int], currency: str) -> Amounts:
    return Amounts(
        gross=decimal_text(sums[GROSS], currency),
        fee=decimal_text(sums[FEE], currency),
        refunded=decimal_text(sums[REFUNDED], currency),
    )
