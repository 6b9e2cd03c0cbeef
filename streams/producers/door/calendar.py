"""When things happen: the appeal's fixed dates and the day and night of the people it reaches."""

from __future__ import annotations

from typing import Final

from streams.producers.door.rng import Rng

CAMPAIGN_ID: Final = "door"

SECOND: Final = 1000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

START_MS: Final = 1_773_338_400_000  # 2026-03-12T18:00:00Z
END_MS: Final = START_MS + 48 * HOUR
RESULTS_MS: Final = START_MS + 95 * HOUR  # the results post, which was itself a reminder
TAIL_END_MS: Final = START_MS + 7 * DAY

# Activity by local hour, 0 to 23: 13 to 1 between the evening and the small hours.
_ACTIVITY: Final = (
    *(38, 22, 13, 9, 8, 8, 12, 22, 38, 52, 62, 70),
    *(78, 76, 74, 74, 76, 80, 88, 96, 104, 98, 84, 60),
)
_UTC_OFFSET_HOURS: Final = -4  # New York in March, summer time since the 8th

# How long people take from seeing to clicking: weight in per cent and mean.
_CLICK_DELAYS: Final = ((35, 20 * MINUTE), (35, 3 * HOUR), (30, 14 * HOUR))
# From click to gift: a mixture of exponentials, as measured on real appeals (weights in per mille).
_GIFT_DELAYS: Final = ((318, 4 * MINUTE), (582, 30 * MINUTE), (100, 300 * MINUTE))


def is_awake(rng: Rng, at_ms: int) -> bool:
    """Draw whether somebody is about at this time of their day."""
    hour = (at_ms // HOUR + _UTC_OFFSET_HOURS) % 24
    return rng.chance(_ACTIVITY[hour] / max(_ACTIVITY))


def click_delay(rng: Rng) -> int:
    return _mixture(rng, _CLICK_DELAYS)


def gift_delay(rng: Rng) -> int:
    return 40 * SECOND + _mixture(rng, _GIFT_DELAYS)


def _mixture(rng: Rng, parts: tuple[tuple[int, int], ...]) -> int:
    left = int(rng.fraction() * sum(weight for weight, _ in parts))
    for weight, mean in parts:
        if left < weight:
            return rng.exponential_ms(mean)
        left -= weight
    raise AssertionError("a draw beyond the weights")
