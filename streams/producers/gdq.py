"""`replay gdq FILE`: a Games Done Quick marathon's public series, one row a minute, as events.

The columns that are used: `time`, `viewers`, `donations_total` and `money_total_usd` (both cumulative).
Rows are sorted by time and a repeated minute is dropped, the first row of it stands.  A row's time is the start
of its minute; its events lie in that minute and are recorded two seconds later.

Money.  A row without a total says nothing, and a missing minute is missing, not zero: what was gained over a hole
is booked at the first minute after it.  Between two rows that have totals, with n more donations and m more cents:

    n > 0, m > 0     n donations that add up to m exactly, equal but for a cent (the series does not say how m was
                     spread); no more than m of them, since each is at least a cent
    n <= 0, m > 0    one donation of m: money came, whatever the counter says
    m < 0            one refund of -m, also when n > 0: the step is known, how it is made up of refunds and of those
                     n new donations is not
    m = 0            nothing: a donation without money is no event
    first row        as if the row before it said zero: what was there already

So donations less refunds is the last total to the cent, and the number of donation events is not the last count.
For the series of 2019 it is 50,908 where the counter says 50,906: +3 for the counter's own corrections, which come
with refunds, -2 for two without money, +1 for money without a count.

Viewers become one impression event a minute, `sampled`, with their number; blank and 0 are none.  Tweets, chats
and emotes are left out: a tweet is no registered share of a link, and nobody knows whom it moved.  There are no
clicks, so conversion is null.

All of it is under one referral, that of the show, with one share at the first minute.  Event ids are made from
campaign, topic, minute and number (UUID 5), so playing the series again gives duplicates only.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from schemas.events import SCHEMA_VERSION, Donation, Impression, Share
from schemas.money import decimal_text
from schemas.times import MINUTE_MS, rfc3339
from schemas.topics import DONATIONS, IMPRESSIONS, SHARES
from streams.producers.feeds import feed_beat
from streams.producers.gdq_series import Movement, Row, movements, read_rows
from streams.producers.outgoing import Outgoing, outgoing

CAMPAIGN_ID: Final = "sgdq2019"
INFLUENCER_ID: Final = "gamesdonequick"
CURRENCY: Final = "USD"
RECORDED_AFTER_MS: Final = 2_000


def end_of(rows: list[Row]) -> int:
    """The end of the series, epoch milliseconds: when a player's clocks have passed its last minute."""
    return rows[-1].at_ms + MINUTE_MS


def records(path: Path, campaign_id: str = CAMPAIGN_ID) -> Iterator[Outgoing]:
    """Every record of a series, by record time."""
    yield from records_of(read_rows(path), campaign_id)


def records_of(rows: list[Row], campaign_id: str = CAMPAIGN_ID) -> Iterator[Outgoing]:
    """As `records`, of rows that were read already (at least one)."""
    show = _Show(campaign_id)
    by_minute: dict[int, list[Movement]] = {}
    for at_ms, movement in movements(rows):
        by_minute.setdefault(at_ms, []).append(movement)
    watching = next((row.viewers for row in rows if row.viewers), 0)
    yield show.share(rows[0].at_ms, watching)
    for row in rows:
        if row.viewers and row.viewers > 0:
            yield show.impression(row.at_ms, row.viewers)
        moved = by_minute.get(row.at_ms, [])
        for number, movement in enumerate(moved):
            at_ms = row.at_ms + MINUTE_MS * (2 * number + 1) // (2 * len(moved))
            yield show.movement(row.at_ms, at_ms, number, movement)


def feed_beats(rows: list[Row], campaign_id: str = CAMPAIGN_ID) -> Iterator[Outgoing]:
    """Heartbeats of the two feeds of a series, at the end of each minute for which it says something.

    A minute without a row, or with a blank in place of the totals or the viewers, is a hole of that feed.
    """
    for row in rows:
        end_ms = row.at_ms + MINUTE_MS
        if row.donations is not None and row.cents is not None:
            yield feed_beat(f"{DONATIONS}/{campaign_id}", campaign_id, end_ms, end_ms + RECORDED_AFTER_MS)
        if row.viewers is not None:
            yield feed_beat(f"{IMPRESSIONS}/{campaign_id}", campaign_id, end_ms, end_ms + RECORDED_AFTER_MS)


class _Show:
    """Makes the events of one show, all under its own referral."""

    def __init__(self, campaign_id: str) -> None:
        self._campaign_id = campaign_id
        self._referral_id = f"{campaign_id}-show"

    def share(self, at_ms: int, audience: int) -> Outgoing:
        share = Share(
            event_id=self._id(SHARES, at_ms, 0),
            campaign_id=self._campaign_id,
            referral_id=self._referral_id,
            occurred_at=rfc3339(at_ms),
            schema_version=SCHEMA_VERSION,
            influencer_id=INFLUENCER_ID,
            channel="twitch",
            kind="own_post",
            audience=audience,
            tie="unknown",
        )
        return outgoing(SHARES, share, at_ms + RECORDED_AFTER_MS)

    def impression(self, at_ms: int, viewers: int) -> Outgoing:
        impression = Impression(
            event_id=self._id(IMPRESSIONS, at_ms, 0),
            campaign_id=self._campaign_id,
            referral_id=self._referral_id,
            occurred_at=rfc3339(at_ms),
            schema_version=SCHEMA_VERSION,
            count=viewers,
            basis="sampled",
        )
        return outgoing(IMPRESSIONS, impression, at_ms + RECORDED_AFTER_MS)

    def movement(self, minute_ms: int, at_ms: int, number: int, movement: Movement) -> Outgoing:
        minute = rfc3339(minute_ms)
        donation = Donation(
            event_id=self._id(DONATIONS, minute_ms, number),
            campaign_id=self._campaign_id,
            referral_id=self._referral_id,
            occurred_at=rfc3339(at_ms),
            schema_version=SCHEMA_VERSION,
            donation_id=f"{self._campaign_id}/{minute}/{number}",
            kind=movement.kind,
            amount=decimal_text(movement.cents, CURRENCY),
            currency=CURRENCY,
            tie="unknown",
        )
        return outgoing(DONATIONS, donation, at_ms + RECORDED_AFTER_MS)

    def _id(self, topic: str, minute_ms: int, number: int) -> str:
        name = f"groundswell/gdq/{self._campaign_id}/{topic}/{minute_ms}/{number}"
        return str(uuid5(NAMESPACE_URL, name))
