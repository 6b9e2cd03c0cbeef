"""SQL that fills the tables with a large appeal, by ClickHouse itself: from numbers and hashes, so twice the same.

Of a hundred events 70 are impressions, 26 clicks, 2 donations, 2 shares, as `tests.benchmarks.fill` has them.  Four
campaigns; a few referrals have most events, a few influencers most referrals; 1 % of the rows are there twice, as a
replay leaves them, 5 % came late.  Windows are there for every entity, as conversion emits them; of most influencers
the longest ones alone, which panels of many influencers read.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from schemas.campaign import DEFAULT_WINDOWS, Campaign
from schemas.times import parse_ms
from tests.benchmarks.fill import MIX

START: Final = "2026-03-12T18:00:00Z"
START_MS: Final = parse_ms(START)
HOURS: Final = 48
CAMPAIGNS: Final = (("door", 70), ("library", 20), ("bridge", 8), ("garden", 2))  # events of a hundred
REFERRALS: Final = 100_000
INFLUENCERS: Final = 10_000
ACTIVE: Final = 200  # influencers of each campaign that have windows of every size; all have the longest ones
PARTITIONS: Final = 4
BLOCK: Final = 1_000_000  # rows of one INSERT: seconds, and a bounded memory
BYTES_A_ROW: Final = 110  # on disk before merges, with their copies beside them while they run

# A draw in [0, 1) from the row's number and a word; a referral of campaign c has the same owner in every row.
DRAW: Final = "(cityHash64(number, '{word}') % 1000000) / 1000000."
OWNER: Final = f"toUInt64({INFLUENCERS} * pow((cityHash64(referral) % 1000000) / 1000000., 3))"


def campaigns() -> dict[str, Campaign]:
    """The campaigns by id, all of the same 48 hours."""
    start = datetime.fromtimestamp(START_MS / 1000, UTC)
    end = start + timedelta(hours=HOURS)
    return {name: Campaign(name, name.title(), start, end, Decimal(1_000_000), "USD") for name, _ in CAMPAIGNS}


def numbers_of(rows: int) -> dict[str, int]:
    """How many of so many rows each table gets."""
    whole = sum(share for _, share in MIX)
    return {topic: rows * share // whole for topic, share in MIX}


def fill_statements(rows: int) -> Iterator[tuple[str, int]]:
    """INSERTs for so many raw rows and their windows, each with the rows that it writes."""
    for topic, number in numbers_of(rows).items():
        for begin in range(0, number, BLOCK):
            size = min(BLOCK, number - begin)
            yield _events(topic, begin, size, number, copies=False), size
        if number >= 100:
            yield _events(topic, 0, number // 100, number, copies=True), number // 100
    yield from _results()


def bytes_needed(rows: int) -> int:
    """Disk that so many raw rows may take while they are merged, windows included."""
    return rows * BYTES_A_ROW + 2_000_000_000


def _events(topic: str, begin: int, size: int, number: int, copies: bool) -> str:
    """Rows [begin, begin + size) of a table, or of its first rows the same again, written to the log later."""
    offset = f"intDiv(n, {PARTITIONS})" + (f" + {number}" if copies else "")
    campaign_draw = DRAW.format(word="campaign")
    bounds, known = [], 0
    for _, share in CAMPAIGNS:
        known += share
        bounds.append(known / 100)
    names = ", ".join(
        f"{campaign_draw} < {bound}, '{name}'" for (name, _), bound in zip(CAMPAIGNS, bounds, strict=True)
    )
    link = f"toUInt64({REFERRALS} * pow({DRAW.format(word='referral')}, 2))"
    late = f"if({DRAW.format(word='late')} < 0.05, 360000 + cityHash64(number, 'by') % 17640000, 0)"
    span = HOURS * 3_600_000
    own = {
        "shares": "concat('influencer-', toString(owner)) AS influencer_id, "
        "['twitter', 'facebook', 'blog', 'email'][1 + owner % 4] AS channel, 'original' AS kind, "
        "toUInt64(100 + 200000 / (1 + owner)) AS audience, ['strong', 'weak', 'unknown'][1 + n % 3] AS tie, "
        "NULL AS parent_referral_id, concat('person-', toString(cityHash64(n) % 400000)) AS sharer_id",
        "impressions": "toUInt64(1 + cityHash64(number) % 40) AS count, "
        "['measured', 'measured', 'sampled', 'estimated'][1 + n % 4] AS basis",
        "clicks": "concat('visitor-', hex(cityHash64(n, 'visitor'))) AS visitor_id",
        "donations": "concat('gift-', toString(n)) AS donation_id, if(n % 200 = 0, 'refund', 'donation') AS kind, "
        "toDecimal128(5 + cityHash64(n) % 95, 4) AS amount, toDecimal128('0.5', 4) AS fee, 'USD' AS currency, "
        "concat('person-', toString(cityHash64(n, 'donor') % 400000)) AS donor_id, "
        "['strong', 'weak', 'unknown'][1 + cityHash64(n) % 3] AS tie",
    }[topic]
    # The last 1 % of links never get a share: their events stay unattributed.
    referral = f"({'n' if topic == 'shares' else link}) % {REFERRALS if topic != 'shares' else REFERRALS * 99 // 100}"
    return (
        f"INSERT INTO {topic} SELECT event_id, campaign_id, referral_id, occurred_at, record_time, "
        f"1 AS schema_version, toUInt8(behind > 300000) AS late, toUInt16(n % {PARTITIONS}) AS source_partition, "
        f"toUInt64({offset}) AS source_offset, -toInt64(source_offset) AS precedence, {own} FROM ("
        f"SELECT number AS n, number, multiIf({names}, 'garden') AS campaign, {referral} AS referral, "
        f"reinterpretAsUUID(sipHash128(number, '{topic}')) AS event_id, {late} AS behind, "
        f"toUInt64(number * {span / max(number, 1)}) AS at, {OWNER} AS owner, campaign AS campaign_id, "
        "concat('referral-', toString(referral)) AS referral_id, "
        f"fromUnixTimestamp64Milli(toInt64({START_MS} + at - least(behind, at)), 'UTC') AS occurred_at, "
        f"fromUnixTimestamp64Milli(toInt64({START_MS} + at), 'UTC') AS record_time "
        f"FROM numbers({begin}, {size}))"
    )


def _results() -> Iterator[tuple[str, int]]:
    """Windows of every entity, one report of progress a partition, words of the detector, dead letters, heartbeats."""
    for name, _ in CAMPAIGNS:
        members = [("campaign", f"['{name}']", 1), ("channel", "['twitter', 'facebook', 'blog', 'email']", 4)]
        members += [("tie", "['strong', 'weak', 'unknown']", 3)]
        members += [("influencer", f"arrayMap(i -> concat('influencer-', toString(i)), range({ACTIVE}))", ACTIVE)]
        for dimension, array, number in members:
            for window in DEFAULT_WINDOWS:
                ends = HOURS * 3600 // window.slide
                yield _windows(name, dimension, array, (window.name, window.slide, ends)), number * ends
        longest = max(DEFAULT_WINDOWS, key=lambda window: window.size)
        ends = HOURS * 3600 // longest.slide
        others = f"arrayMap(i -> concat('influencer-', toString(i)), range({ACTIVE}, {INFLUENCERS}))"
        rows = (INFLUENCERS - ACTIVE) * ends
        yield _windows(name, "influencer", others, (longest.name, longest.slide, ends)), rows
        yield _stalls(name), HOURS * 60
    ends_map = "map('shares', {n}, 'clicks', {n}, 'impressions', {n}, 'donations', {n})".format(n="toUInt64(1000000)")
    zeros = ends_map.replace("1000000", "0")
    newest = f"fromUnixTimestamp64Milli(toInt64({START_MS + HOURS * 3_600_000}), 'UTC')"
    yield (
        (
            f"INSERT INTO watermarks SELECT intDiv(number, {PARTITIONS}), number % {PARTITIONS}, {newest}, 0, number, "
            f"number, now64(3), {ends_map}, {zeros}, {ends_map}, {ends_map}, {zeros}, {zeros}, {zeros} "
            f"FROM numbers({PARTITIONS * PARTITIONS})"
        ),
        PARTITIONS**2,
    )
    yield (
        (
            "INSERT INTO dead_letters SELECT 'clicks', number % 4, number, "
            f"{newest}, 'attribution', '1', 'not_json', '', '', '', NULL, 'eA==', [], 1, -toInt64(number) "
            "FROM numbers(10000)"
        ),
        10_000,
    )
    yield (
        (
            "INSERT INTO heartbeats SELECT concat('clicks/feed-', toString(number)), '', "
            f"{newest}, {newest} FROM numbers(10)"
        ),
        10,
    )
    yield (
        (
            "INSERT INTO annotations SELECT toString(number), 'door', 'reminder', "
            f"{newest} - toIntervalHour(number), NULL, 'asked again', 0, number FROM numbers(24)"
        ),
        24,
    )


def _windows(campaign: str, dimension: str, array: str, window: tuple[str, int, int]) -> str:
    name, slide, ends = window
    money = "toDecimal128({}, 4)"
    return (
        f"INSERT INTO conversions SELECT '{campaign}', '{dimension}', arrayJoin({array}), '{name}', "
        f"toDateTime({START_MS // 1000} + (number + 1) * {slide}, 'UTC'), 10, 4000, 2000, 1000, 2600, 200, 1, 'USD', "
        f"{money.format(5000)}, {money.format(100)}, {money.format(25)}, {money.format(4875)}, map(), 0.07, 0.05, 1, "
        f"fromUnixTimestamp64Milli(toInt64({START_MS} + number * {slide * 1000}), 'UTC'), number, now64(3) "
        f"FROM numbers({ends})"
    )


def _stalls(campaign: str) -> str:
    minute = f"toDateTime({START_MS // 1000} + (number + 1) * 60, 'UTC')"
    return (
        f"INSERT INTO stalls SELECT '{campaign}', 'campaign', '{campaign}', {minute}, 'ok', {minute}, "
        "toUInt8(number % 60 = 0), 'As usual.', 'Nothing.', 'clicks', 10, 5, NULL, 1., 1., NULL, 0.02, 0., 3., 2., "
        f"NULL, [], [], number, now64(3) FROM numbers({HOURS * 60})"
    )


def span_ms() -> tuple[int, int]:
    """What charts show: the whole appeal, epoch milliseconds."""
    return START_MS, START_MS + HOURS * 3_600_000
