"""The base that every view stands on, results and sets, says what the raw rows say.

On the sample appeal, a show, and an unkind appeal, whole and while it flows.

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
from raw_rows import COUNTS, ENTITIES, LINKS, PEOPLE, REFERRALS, TIES, UNKNOWN
from stores import new_store

from infra.clickhouse.campaigns import load_campaigns
from schemas.campaign import Window


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


def campaigns_of(store: Asked) -> list[str]:
    return [row[0] for row in store.ask("SELECT id FROM campaigns FINAL")[2]]


def entities_are_equal(store: Asked) -> None:
    """Sums of windows against sums of rows; who has nothing is no row of either."""
    columns = f"campaign_id, dimension, member, {', '.join(COUNTS)}"
    expected = [row for row in asked(store, columns, f"({ENTITIES})") if any(row[3:])]
    seen = asked(store, columns, "group_sums")
    for campaign in campaigns_of(store):
        told = f"'{campaign}' AS campaign_id, 'influencer' AS dimension, influencer_id AS member"
        seen += asked(store, f"{told}, {', '.join(COUNTS)}", f"influencer_sums(campaign = '{campaign}')")
    assert sorted(row for row in seen if any(row[3:])) == sorted(expected)
    assert {row[1] for row in expected} == {"campaign", "channel", "tie", "influencer"}


def links_are_equal(store: Asked) -> None:
    columns = "campaign_id, referral_id, influencer_id, channel, owner_tie, reach, first_share_at"
    expected = asked(store, columns, f"({LINKS})")
    assert asked(store, columns.replace("channel", "toString(channel)"), "owners") == expected
    heights = """(
        SELECT campaign_id, referral_id, gs_height(max(l.seen), max(l.clicked), max(l.gave)) AS height
        FROM owners AS o LEFT JOIN (SELECT * FROM links FINAL) AS l USING (campaign_id, referral_id)
        GROUP BY campaign_id, referral_id
    )"""
    came = "campaign_id, referral_id, height"
    assert asked(store, came, heights) == asked(store, came, f"({LINKS})")
    assert expected


def hours_are_equal(store: Asked) -> None:
    columns = (
        "campaign_id, hour_end, shares, impressions_measured, impressions_sampled, impressions_estimated, clicks, "
        "donations, gross, net"
    )
    seen = asked(store, columns, "hours")
    assert [row for row in seen if any(row[2:])] == [row for row in asked(store, columns, "raw_hours") if any(row[2:])]
    clocks = dict(store.ask("SELECT campaign_id, toUInt32(floor(hours_in)) FROM campaign_clock WHERE hours_in > 0")[2])
    for campaign, whole in clocks.items():
        assert len([row for row in seen if row[0] == campaign]) >= min(whole, 2400)


def phases_are_equal(store: Asked) -> None:
    columns = "campaign_id, donations_48h, donations_late, gross_early, gross_48h, gross_late"
    expected = asked(store, columns, "raw_phases")
    assert [row for row in asked(store, columns, "appeal_phases") if any(row[1:])] == expected
    assert expected


def ties_are_equal(store: Asked) -> None:
    for campaign in campaigns_of(store):
        expected = asked(store, "tie, donors", f"({TIES})", f"campaign_id = '{campaign}'")
        assert asked(store, "tie, donors", f"donor_ties(campaign = '{campaign}')") == expected
        assert store.rows(f"SELECT donors_48h FROM appeal_figures WHERE campaign_id = '{campaign}'") == [
            {"donors_48h": sum(row[1] for row in expected)}
        ]


EQUAL = {
    "entities": entities_are_equal,
    "links": links_are_equal,
    "hours": hours_are_equal,
    "phases": phases_are_equal,
    "ties": ties_are_equal,
}


@pytest.mark.parametrize("part", EQUAL)
def test_the_base_says_what_raw_rows_say(store: Asked, part: str) -> None:
    EQUAL[part](store)


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
    known = asked(store, "sharers, never_gave, not_within_48h", f"({PEOPLE})", f"campaign_id = '{campaign}'")
    people = known[0] if known else (0, 0, 0)
    assert known or store.ask("SELECT count() FROM shares WHERE sharer_id IS NOT NULL")[2] == [(0,)]
    [unknown] = store.ask(UNKNOWN.format(campaign=campaign))[2]
    columns = "sharers, never_gave, not_within_48h, shares_without_sharer, donations_without_donor, lowest, highest"
    bounds = (max(people[1] - unknown[1], 0), people[1] + unknown[0])
    assert asked(store, columns, f"sharers_not_donors(campaign = '{campaign}')") == [(*people, *unknown, *bounds)]


def test_money_stands_where_raw_rows_have_it_at_every_point(store: Asked) -> None:
    for line, raw, by in (
        ("money_over_time", "raw_money", ("campaign_id",)),
        ("influencer_money", "raw_influencer_money", ("campaign_id", "influencer_id")),
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


def ladders_are_equal(store: Asked, campaign: str) -> None:
    """The ladder of the whole and those of some are what the heights of their links say."""
    heights: dict[str, list[int]] = {}
    for whose, height in store.ask(f"SELECT influencer_id, height FROM ({LINKS}) WHERE campaign_id = '{campaign}'")[2]:
        heights.setdefault(whose, []).append(height)
    assert heights
    ladders = {f"ladder(campaign = '{campaign}')": [one for all_of in heights.values() for one in all_of]}
    for whose in sorted(heights)[:20]:
        ladders[f"influencer_ladder(campaign = '{campaign}', influencer = '{whose}')"] = heights[whose]
    for source, known in ladders.items():
        rungs = store.ask(f"SELECT step, referrals FROM {source} ORDER BY step")[2]
        assert rungs == [(step, sum(height >= step for height in known)) for step, _ in rungs], source
        assert [step for step, _ in rungs] in ([1, 2, 3, 4], [1, 2, 4])


def test_links_come_as_far_as_raw_rows_say(store: Asked) -> None:
    ladders_are_equal(store, campaign_of(store))


def test_each_influencers_gifts_and_links_are_those_of_raw_rows(store: Asked) -> None:
    columns = "referral_id, channel, owner_tie, first_share_at, reach, clicks, donations, gross"
    gift = "occurred_at, event_id, kind, amount, currency, referral_id, channel, tie, minutes_since_share"
    campaign = campaign_of(store)
    influencers = store.ask(f"SELECT influencer_id FROM influencers(campaign = '{campaign}')")[2]
    assert influencers
    for (influencer,) in influencers[:20]:
        whose = f"campaign_id = '{campaign}' AND influencer_id = '{influencer}'"
        of_one = f"(campaign = '{campaign}', influencer = '{influencer}')"
        expected = asked(store, columns, f"({REFERRALS})", whose)
        assert asked(store, columns, f"influencer_referrals{of_one}") == expected
        minutes = "dateDiff('second', shared_at, occurred_at) / 60 AS minutes_since_share"
        ordered = f"WHERE {whose} ORDER BY occurred_at DESC, event_id LIMIT 200"
        newest = f"(SELECT *, {minutes} FROM attributed_donations {ordered})"
        assert asked(store, gift, f"influencer_gifts{of_one}") == asked(store, gift, newest)


def test_throughput_is_every_record_once_however_often_it_was_inserted(
    hostile_store: Asked, hostile_rows: dict[str, bytes]
) -> None:
    came = Counter(
        (topic, datetime.fromisoformat(row["record_time"]).replace(second=0, microsecond=0, tzinfo=None))
        for topic, row in records_of(hostile_rows)
    )
    shown = hostile_store.ask(
        "SELECT topic, minute_end - INTERVAL 1 MINUTE, records FROM throughput "
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
    for are_equal in EQUAL.values():
        are_equal(store)
    ladders_are_equal(store, CAMPAIGN)
    unaligned = msgspec.structs.replace(shorter, windows=(Window("7m", 7 * 60, 7 * 60), *shorter.windows[2:]))
    unaligned = msgspec.structs.replace(unaligned, end=unaligned.end.replace(second=30))
    load_campaigns(store.client, [unaligned])
    assert store.ask("SELECT cuts FROM chains WHERE campaign_id = 'door'")[2] == [(0,)]
    for are_equal in (phases_are_equal, hours_are_equal, ties_are_equal):
        are_equal(store)
    store.drop()
