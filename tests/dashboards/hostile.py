"""An appeal that is as unkind as the contract allows, drawn by a seed.

Five days, events hours late, copies at other offsets, shares that come after their clicks, links claimed twice, people
without a name, other money.
"""

from __future__ import annotations

import uuid
from random import Random
from typing import Any

from played import CAMPAIGNS

from schemas.events import Click, Donation, Event, Impression, Share
from schemas.times import rfc3339
from streams.commands.appeals import Appeal
from streams.producers.outgoing import Outgoing, outgoing

CAMPAIGN = "door"
HOUR_MS = 3_600_000
LINKS, PEOPLE, EVENTS = 40, 60, 3000


def hostile_appeal(seed: int = 7, part: float = 1.0) -> Appeal:
    """The appeal, or the first part of its log."""
    chance = Random(seed)
    start_ms = int(CAMPAIGNS[CAMPAIGN].start.timestamp() * 1000)
    records: list[Outgoing] = []
    for number in range(EVENTS):
        link = chance.randrange(LINKS)
        # A few links live for a day alone, and nothing of them is in the newest window.
        hours = range(-30, 0) if link % 5 == 0 else range(-30, 100)
        occurred_ms = start_ms + chance.randrange(hours.start * HOUR_MS, hours.stop * HOUR_MS)
        late_ms = chance.randrange(1, 20 * HOUR_MS) if chance.random() < 0.05 else chance.randrange(2000)
        topic, event = _event(chance, number, link, rfc3339(occurred_ms))
        records.append(outgoing(topic, event, occurred_ms + late_ms))
        if chance.random() < 0.05:
            again_ms = occurred_ms + late_ms + chance.randrange(10 * HOUR_MS)
            records.append(outgoing(topic, event, again_ms))
    records.sort(key=lambda record: record.record_time_ms)
    records = records[: int(len(records) * part)]
    return Appeal(CAMPAIGN, records, records[-1].record_time_ms)


def _event(chance: Random, number: int, link: int, occurred_at: str) -> tuple[str, Event]:
    # Three links are never shared; their events stay unattributed.
    link = link if number % 10 else min(link, LINKS - 4)
    referral = f"link-{link:02d}"
    told: tuple[Any, ...] = (str(uuid.UUID(int=chance.getrandbits(128))), CAMPAIGN, referral, occurred_at, 1)
    person = None if chance.random() < 0.2 else f"person-{chance.randrange(PEOPLE)}"
    tie = chance.choice(["strong", "weak", "unknown"])
    if number % 10 == 0:
        # A fifth claims somebody else's link; those of short life stay among themselves.
        whose = f"influencer-{(link + 5 * (chance.random() < 0.2)) % 10}"
        channel = chance.choice(["twitter", "blog"])
        audience = chance.choice([50, 20_000, 400_000])
        return "shares", Share(*told, whose, channel, "original", audience, tie, None, person)
    if number % 10 < 5:
        basis = chance.choice(["measured", "sampled", "estimated"])
        return "impressions", Impression(*told, chance.randrange(1, 90), basis)
    if number % 10 < 9:
        return "clicks", Click(*told)
    direct = (told[0], CAMPAIGN, None, occurred_at, 1) if chance.random() < 0.1 else told
    kind = "refund" if chance.random() < 0.1 else "donation"
    currency = "EUR" if chance.random() < 0.1 else "USD"
    fee = None if chance.random() < 0.3 else "0.31"
    amount = f"{chance.randrange(1, 200)}.{chance.randrange(100):02d}"
    return "donations", Donation(*direct, f"gift-{number}", kind, amount, currency, tie, fee, person)
