"""What boards show of results and sets is what the raw rows say: on the sample appeal, a show, and an unkind appeal.

The stores hold every row twice, in parts that are never merged.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from random import Random
from typing import Any

import msgspec
import pytest
from asking import Asked
from ground import Store
from hostile import CAMPAIGN, hostile_appeal
from played import CAMPAIGNS, Played
from stores import new_store

from infra.clickhouse.campaigns import load_campaigns
from schemas.campaign import Window

LADDER = "step, rung, referrals, events, part_of_rung_below"
# By what boards ask and what says the same of raw rows: the columns that must be equal.  What is asked of one campaign
# is asked of each.
PAIRS = {
    "pace": ("shown_pace", "appeal_pace", "*"),
    "funnel": ("shown_funnel", "funnel", "*"),
    "conversion now": ("shown_conversion_now", "conversion_now", "*"),
    "hours": ("shown_hours", "hours", "*"),
    "leaderboard": (
        "shown_leaderboard(campaign = '{campaign}')",
        "leaderboard",
        "position, influencer_id, donations, exposures, exposure, conversion, conversion_low, conversion_high, "
        "rank_score, rankable, standing, suspicious, reach, gross, counted",
    ),
    "ties": ("shown_donor_ties(campaign = '{campaign}')", "donor_ties", "tie, donors"),
    "groups": ("shown_group_conversion", "group_conversion", "*"),
    "ladder": (
        "shown_ladder(campaign = '{campaign}')",
        "(SELECT * FROM share_to_gift_ladder WHERE influencer_id = '(all)')",
        LADDER,
    ),
    "celebrities": ("shown_celebrities(campaign = '{campaign}')", "celebrities", "*"),
    "influencers": (
        "shown_influencers(campaign = '{campaign}')",
        "(SELECT * EXCEPT (donors, is_influencer) FROM influencer_totals WHERE is_influencer)",
        "*",
    ),
    "orphans": (
        "(SELECT * FROM shown_orphans WHERE topic NOT LIKE 'impressions%')",
        "(SELECT * FROM orphans WHERE topic != 'impressions' AND events > 0)",
        "campaign_id, topic, events, unattributed, part",
    ),
}


@pytest.fixture(scope="session")
def hostile_rows() -> dict[str, bytes]:
    return Played(hostile_appeal()).rows(int(time.time() * 1000))


@pytest.fixture(scope="session")
def earlier_rows() -> dict[str, bytes]:
    """What has landed of a part of the log while it flows on: windows that are not closed yet among them."""
    return without_what_is_unsaid(Played(hostile_appeal(part=0.6)).rows(int(time.time() * 1000), idle=False))


def without_what_is_unsaid(rows: dict[str, bytes]) -> dict[str, bytes]:
    """A window that begins after the newest record of an influencer is not said of them before it is closed.

    `Played` flushes once, at the end of the log, and says it of everybody.
    """
    owners: dict[str, tuple[int, str]] = {}
    newest: dict[str, float] = {}
    records = records_of(rows)
    for topic, row in records:
        if topic == "shares":
            owners[row["referral_id"]] = min(
                (row["source_offset"], row["influencer_id"]), owners.get(row["referral_id"], (1 << 60, ""))
            )
    for _, row in records:
        whose = owners.get(row["referral_id"], (0, "(unattributed)"))[1]
        newest[whose] = max(newest.get(whose, 0), seconds_of(row["record_time"]))
    slides = {window.name: window.slide for window in CAMPAIGNS[CAMPAIGN].windows}
    kept = []
    for line in rows["conversions"].splitlines(keepends=True):
        row = msgspec.json.decode(line)
        slide = slides[row["window"]]
        begun = (newest.get(row["member"], 1 << 40) // slide + 1) * slide
        if row["dimension"] != "influencer" or row["final"] or seconds_of(row["window_end"]) <= begun:
            kept.append(line)
    return {**rows, "conversions": b"".join(kept)}


def seconds_of(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


@pytest.fixture(scope="session")
def flowing_store(clickhouse: Store, earlier_rows: dict[str, bytes]) -> Iterator[Asked]:
    store = new_store(clickhouse, "flowing_of_dashboards")
    land_in_pieces(store, earlier_rows, Random(3))
    yield store
    store.drop()


@pytest.fixture(scope="session")
def hostile_store(clickhouse: Store, hostile_rows: dict[str, bytes], earlier_rows: dict[str, bytes]) -> Iterator[Asked]:
    """Landed in pieces that were drawn, replayed in other pieces, older results last, merges stopped."""
    store = new_store(clickhouse, "hostile_of_dashboards")
    land_in_pieces(store, hostile_rows, Random(1))
    land_in_pieces(store, hostile_rows, Random(2))
    land_in_pieces(store, {name: rows for name, rows in earlier_rows.items() if name != "watermarks"}, Random(4))
    yield store
    store.drop()


def land_in_pieces(store: Asked, rows: dict[str, bytes], chance: Random) -> None:
    pieces = []
    for table, block in rows.items():
        lines = block.splitlines(keepends=True)
        size = max(len(lines) // chance.randrange(4, 9), 1)
        pieces += [(table, b"".join(lines[at : at + size])) for at in range(0, len(lines), size)]
    chance.shuffle(pieces)
    for table, piece in pieces:
        store.insert({table: piece})


@pytest.fixture(params=["door_store", "show_store", "flowing_store", "hostile_store"])
def store(request: pytest.FixtureRequest) -> Asked:
    found: Asked = request.getfixturevalue(request.param)
    return found


def asked(store: Asked, columns: str, source: str, where: str = "1") -> list[tuple[Any, ...]]:
    """Rows in the order of all their columns, floats to nine digits: sums of them may come in another order."""
    rows = store.ask(f"SELECT {columns} FROM {source} WHERE {where} ORDER BY ALL")[2]
    return [tuple(float(f"{value:.9g}") if isinstance(value, float) else value for value in row) for row in rows]


def the_same_of_both(store: Asked, pair: str) -> list[tuple[Any, ...]]:
    """Rows of the raw view, which are those of the shown one."""
    shown, raw, columns = PAIRS[pair]
    places = [(shown, "1")]
    if "{campaign}" in shown:
        campaigns = [row[0] for row in store.ask("SELECT id FROM campaigns FINAL")[2]]
        told = {one: shown.format(campaign=one) for one in campaigns}
        places = [
            (f"(SELECT '{one}' AS campaign_id, * FROM {source})", f"campaign_id = '{one}'")
            for one, source in told.items()
        ]
    if columns == "*":
        columns = ", ".join(store.ask(f"SELECT * FROM {raw} LIMIT 0")[0])
    all_expected = []
    for source, where in places:
        expected = asked(store, columns, raw, where)
        assert asked(store, columns, source) == expected, source
        all_expected += expected
    return all_expected


@pytest.mark.parametrize("pair", PAIRS)
def test_results_say_what_raw_rows_say(store: Asked, pair: str) -> None:
    assert the_same_of_both(store, pair) or pair in ("celebrities", "ties", "orphans")


def records_of(rows: dict[str, bytes]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (topic, msgspec.json.decode(line))
        for topic in ("shares", "clicks", "impressions", "donations")
        for line in rows[topic].splitlines()
    ]


def test_an_unkind_appeal_is_unkind(hostile_store: Asked, hostile_rows: dict[str, bytes]) -> None:
    records = [row for _, row in records_of(hostile_rows)]
    assert len(records) - len({(row["event_id"], row["occurred_at"]) for row in records}) > 100
    assert sum(row["late"] for row in records) > 100
    assert hostile_store.ask("SELECT count() FROM refused_claims(campaign = 'door')")[2][0][0] > 3
    refused = "SELECT max(accepted_too), min(accepted_too) FROM refused_sharers(campaign = 'door')"
    assert hostile_store.ask(refused)[2] == [(1, 0)]
    [orphans] = hostile_store.rows("SELECT unattributed FROM orphans WHERE topic = 'clicks' AND campaign_id = 'door'")
    assert orphans["unattributed"] > 0
    ends = "SELECT uniqExact(newest) FROM newest_chained WHERE dimension = 'influencer'"
    assert hostile_store.ask(ends)[2][0][0] > 1
    assert hostile_store.ask("SELECT max(gross_early), max(gross_late) FROM appeal_figures")[2][0] > (0, 0)


def campaign_of(store: Asked) -> str:
    return str(store.ask("SELECT campaign_id FROM campaign_clock ORDER BY heard DESC LIMIT 1")[2][0][0])


def test_people_are_told_apart_as_by_raw_rows(store: Asked) -> None:
    campaign = campaign_of(store)
    columns = "naive, never_gave, lowest, highest"
    expected = asked(store, columns, "sharers_not_donors", f"campaign_id = '{campaign}'")
    assert asked(store, columns, f"shown_sharers_not_donors(campaign = '{campaign}')") == expected
    assert len(expected) == 1


def test_money_stands_where_raw_rows_have_it_at_every_point(store: Asked) -> None:
    for line, raw, by in (
        ("shown_money", "money_over_time", ("campaign_id",)),
        ("shown_influencer_money", "influencer_money", ("campaign_id", "influencer_id")),
    ):
        keys = ", ".join(by)
        shown = {row[:-1]: row[-1] for row in store.ask(f"SELECT {keys}, minute_end, gross FROM {line}")[2]}
        said = sorted(store.ask(f"SELECT {keys}, minute_end, gross FROM {raw}")[2])
        said = [row for row in said if not str(row[1]).startswith("(")]
        newest: dict[tuple[Any, ...], Any] = {}
        known = sorted((*key, gross) for key, gross in shown.items())
        at = 0
        for row in said:
            while at < len(known) and known[at][:-1] <= row[:-1]:
                newest[known[at][:-2]] = known[at][-1]
                at += 1
            assert newest.get(row[:-2], 0) == row[-1], (line, row)


def the_same_ladder_of_each(store: Asked, campaign: str) -> None:
    influencers = store.ask(f"SELECT influencer_id FROM shown_influencers(campaign = '{campaign}')")[2]
    assert influencers
    for (influencer,) in influencers[:20]:
        whose = f"campaign_id = '{campaign}' AND influencer_id = '{influencer}'"
        ladder = asked(store, LADDER, "share_to_gift_ladder", whose)
        assert ladder
        of_one = f"(campaign = '{campaign}', influencer = '{influencer}')"
        assert asked(store, LADDER, f"shown_influencer_ladder{of_one}") == ladder


def test_each_influencers_links_come_as_far_as_raw_rows_say(store: Asked) -> None:
    the_same_ladder_of_each(store, campaign_of(store))


def test_each_influencers_gifts_and_links_are_those_of_raw_rows(store: Asked) -> None:
    columns = "referral_id, channel, owner_tie, first_share_at, reach, clicks, donations, gross"
    gift = "occurred_at, event_id, kind, amount, currency, referral_id, channel, tie, minutes_since_share"
    campaign = campaign_of(store)
    influencers = store.ask(f"SELECT influencer_id FROM shown_influencers(campaign = '{campaign}')")[2]
    assert influencers
    for (influencer,) in influencers[:20]:
        whose = f"campaign_id = '{campaign}' AND influencer_id = '{influencer}'"
        of_one = f"(campaign = '{campaign}', influencer = '{influencer}')"
        assert asked(store, columns, f"shown_referrals{of_one}") == asked(store, columns, "referral_totals", whose)
        newest = f"(SELECT * FROM donations_explained WHERE {whose} ORDER BY occurred_at DESC, event_id LIMIT 200)"
        assert asked(store, gift, f"shown_gifts{of_one}") == asked(store, gift, newest)


def test_throughput_is_every_record_once_however_often_it_was_inserted(
    hostile_store: Asked, hostile_rows: dict[str, bytes]
) -> None:
    came = Counter(
        (topic, datetime.fromisoformat(row["record_time"]).replace(second=0, microsecond=0, tzinfo=None))
        for topic, row in records_of(hostile_rows)
    )
    shown = hostile_store.ask(
        "SELECT topic, minute_end - INTERVAL 1 MINUTE, records FROM shown_throughput "
        "WHERE records > 0 AND topic != 'dead-letters'"
    )[2]
    assert {(topic, minute): records for topic, minute, records in shown} == came


def test_a_campaign_whose_file_says_something_else_is_summed_anew(
    clickhouse: Store, hostile_rows: dict[str, bytes]
) -> None:
    store = new_store(clickhouse, "changed_of_dashboards")
    store.insert(hostile_rows)
    door = CAMPAIGNS[CAMPAIGN]
    shorter = msgspec.structs.replace(
        door, end=door.start + (door.end - door.start) / 3, windows=tuple(w for w in door.windows if w.name != "48h")
    )
    load_campaigns(store.client, [shorter])
    for name in ("pace", "funnel", "ties", "groups", "leaderboard", "ladder", "celebrities", "hours"):
        the_same_of_both(store, name)
    the_same_ladder_of_each(store, CAMPAIGN)
    unaligned = msgspec.structs.replace(shorter, windows=(Window("7m", 7 * 60, 7 * 60), *shorter.windows[2:]))
    unaligned = msgspec.structs.replace(unaligned, end=unaligned.end.replace(second=30))
    load_campaigns(store.client, [unaligned])
    assert store.ask("SELECT cuts FROM chains WHERE campaign_id = 'door'")[2] == [(0,)]
    for name in ("pace", "hours", "ties"):
        the_same_of_both(store, name)
    store.drop()
