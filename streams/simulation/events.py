"""A simulated appeal as events, as producers would send them."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any
from uuid import UUID

from schemas.campaign import Campaign
from schemas.events import SCHEMA_VERSION
from schemas.times import MINUTE_MS, rfc3339
from schemas.topics import CLICKS, DONATIONS, SHARES
from streams.simulation.appeal import MINUTES, Click

GIFTS = ("10.00", "20.00", "25.00", "50.00", "100.00")


def events_of(
    campaign: Campaign, appeal: list[Click], random: Random, stop: int | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(topic, event) of a share for each influencer at the start, of every click, and of every donation."""
    start_ms = int(campaign.start.timestamp() * 1000)

    def envelope(influencer: int, minute: int) -> dict[str, Any]:
        return {
            "event_id": str(UUID(int=random.getrandbits(128), version=4)),
            "campaign_id": campaign.id,
            "referral_id": f"simulated-{influencer}",
            "occurred_at": rfc3339(start_ms + minute * MINUTE_MS + random.randrange(MINUTE_MS)),
            "schema_version": SCHEMA_VERSION,
        }

    for influencer in sorted({click.influencer for click in appeal}):
        yield (
            SHARES,
            {
                **envelope(influencer, 0),
                "influencer_id": f"influencer-{influencer}",
                "channel": "blog",
                "kind": "original",
                "audience": 1000 // (influencer + 1),
                "tie": "unknown",
            },
        )
    for number, click in enumerate(appeal):
        yield CLICKS, envelope(click.influencer, click.minute)
        if click.gives is not None and click.gives < (MINUTES if stop is None else stop):
            yield (
                DONATIONS,
                {
                    **envelope(click.influencer, click.gives),
                    "donation_id": f"gift-{number}",
                    "kind": "donation",
                    "amount": random.choice(GIFTS),
                    "currency": campaign.currency,
                    "tie": "unknown",
                },
            )
