"""The batch oracle: what every landed number must be, from the whole log at once.

    window(entity, size, end) = sum of the entity's events in [end - size, end)

```
        end-size                      end
           |-----------------------------|
    events ●     ●●        ●   ●        ○      ● counts, ○ does not: it lies on the end, in the next slice
```

Law: plain, not fast.  It shares nothing with the operators but the contracts (`schemas`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

from schemas.campaign import Campaign, Window
from schemas.codec import Codec
from schemas.events import Click, Donation, Event, Impression, Share
from schemas.money import decimal_text, minor_units
from schemas.slices import CAMPAIGN, CHANNEL, COUNTS, DIRECT, INFLUENCER, TIE, UNATTRIBUTED, Entity
from schemas.times import slice_end
from streams.audit.records import LogRecord
from streams.audit.running import RunningSums, Tally, runs
from streams.audit.verdicts import Valid, Verdicts, judge

ZERO: Final = Tally()


class WindowValue(NamedTuple):
    """The result of one entity in one window; names are the columns of `conversions`.

    Money is exact; `other_currencies` holds (gross, fee, refunded) by code, without currencies that moved nothing.
    """

    shares: int
    impressions_measured: int
    impressions_sampled: int
    impressions_estimated: int
    clicks: int
    donations: int
    refunds: int
    currency: str
    gross: Decimal
    fee: Decimal
    refunded: Decimal
    net: Decimal
    other_currencies: dict[str, tuple[Decimal, Decimal, Decimal]]
    conversion: float | None
    per_impression: float | None

    @property
    def empty(self) -> bool:
        return not any(self[: len(COUNTS)]) and not self.gross and not self.fee and not self.refunded


class Oracle:
    """The truth about a log.

    Args:
        records: every record of the four source logs, in any order.
        codec: the contract; its campaigns say the windows and the currency.
    """

    def __init__(self, records: Iterable[LogRecord], codec: Codec) -> None:
        self.campaigns: Mapping[str, Campaign] = codec.campaigns
        self.verdicts: Verdicts = judge(records, codec)
        self.slices: dict[Entity, dict[int, Tally]] = _slices(self.verdicts)
        self._sums = {entity: RunningSums(slices) for entity, slices in self.slices.items()}
        # Neighbouring windows mostly hold the same slices, so the last value is often the next one too.
        self._last: tuple[Entity, tuple[int, int]] | None = None
        self._last_value = window_value(ZERO, "")

    @property
    def entities(self) -> list[Entity]:
        """Every entity that has an event, sorted."""
        return sorted(self.slices)

    def window(self, entity: Entity, window: Window, window_end: int) -> WindowValue:
        """The value of `[window_end - size, window_end)`, in epoch seconds; zeros where nothing happened."""
        currency = self.campaigns[entity.campaign_id].currency
        sums = self._sums.get(entity)
        if sums is None:
            return window_value(ZERO, currency)
        stretch = sums.stretch(window_end - window.size, window_end)
        if (entity, stretch) != self._last:
            self._last = entity, stretch
            self._last_value = window_value(sums.between(*stretch), currency)
        return self._last_value

    def due(self, entity: Entity, window: Window, until: int) -> Iterator[int]:
        """The window ends, at or before `until` (epoch seconds), that must have landed.

        Every one that holds an event, and the first empty one after the last of them.
        """
        stretches = self._stretches(entity, window)
        for first, last in stretches:
            yield from range(first, min(last, until) + 1, window.slide)
        if stretches and stretches[-1][1] + window.slide <= until:
            yield stretches[-1][1] + window.slide

    def pauses(self, entity: Entity, window: Window, until: int) -> Iterator[int]:
        """The first empty window end of each pause in the middle: without it a chart would not fall."""
        for _, last in self._stretches(entity, window)[:-1]:
            if last + window.slide <= until:
                yield last + window.slide

    def _stretches(self, entity: Entity, window: Window) -> list[tuple[int, int]]:
        sums = self._sums.get(entity)
        return [] if sums is None else runs(sums.ends, window)


def window_value(tally: Tally, currency: str) -> WindowValue:
    """A window's columns from its sums, for a campaign that counts in `currency`."""
    money = {code: _decimals(minor, code) for code, minor in tally.money.items() if any(minor)}
    gross, fee, refunded = money.pop(currency, (Decimal(0), Decimal(0), Decimal(0)))
    clicks, donations = tally.count("clicks"), tally.count("donations")
    return WindowValue._make(
        (
            *tally.counts,
            currency,
            gross,
            fee,
            refunded,
            gross - refunded - fee,
            money,
            _rate(donations, clicks),
            _rate(donations, tally.count("impressions_measured")),
        )
    )


def _rate(numerator: int, denominator: int) -> float | None:
    return numerator / denominator if denominator else None


def _decimals(minor: list[int], currency: str) -> tuple[Decimal, Decimal, Decimal]:
    gross, fee, refunded = (_decimal(units, currency) for units in minor)
    return gross, fee, refunded


@lru_cache(maxsize=65_536)
def _decimal(minor: int, currency: str) -> Decimal:
    return Decimal(decimal_text(minor, currency))


def _slices(verdicts: Verdicts) -> dict[Entity, dict[int, Tally]]:
    """What every entity had in every minute `[end - 60 s, end)`."""
    slices: defaultdict[Entity, defaultdict[int, Tally]] = defaultdict(lambda: defaultdict(Tally))
    for accepted in verdicts.accepted.values():
        for valid in accepted:
            end = slice_end(valid.occurred_ms)
            for entity in entities_of(valid, verdicts):
                _count(valid.event, slices[entity][end])
    return {entity: dict(by_end) for entity, by_end in slices.items()}


def entities_of(valid: Valid, verdicts: Verdicts) -> tuple[Entity, Entity, Entity, Entity]:
    """The four entities that an event counts in: a share's are its own, any other's are its referral's owner's, if the
    share did not come more than the horizon after it."""
    event = valid.event
    owner: Share | None = None
    if isinstance(event, Share):
        owner = event
    elif slice_end(valid.occurred_ms) * 1000 > verdicts.unreached.get(valid.referral, 0):
        owner = verdicts.owners.get(valid.referral)
    if owner is not None:
        influencer, channel, tie = owner.influencer_id, owner.channel, str(owner.tie)
    else:
        influencer = channel = tie = DIRECT if event.referral_id is None else UNATTRIBUTED
    campaign = event.campaign_id
    return (
        Entity(campaign, CAMPAIGN, campaign),
        Entity(campaign, INFLUENCER, influencer),
        Entity(campaign, CHANNEL, channel),
        Entity(campaign, TIE, tie),
    )


def _count(event: Event, tally: Tally) -> None:
    match event:
        case Share():
            tally.add("shares", 1)
        case Click():
            tally.add("clicks", 1)
        case Impression():
            tally.add(f"impressions_{event.basis}", event.count)
        case Donation():
            refund = event.kind == "refund"
            amount = minor_units(event.amount, event.currency)
            fee = minor_units(event.fee, event.currency) if event.fee is not None else 0
            tally.add("refunds" if refund else "donations", 1)
            tally.move(event.currency, gross=0 if refund else amount, fee=fee, refunded=amount if refund else 0)
