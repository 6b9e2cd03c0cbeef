"""Figures of the appeal: counted once, exact to the cent, whatever is doubled."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from stories import migrated

from infra.clickhouse.figures import figures, leaderboard_rows
from schemas.errors import Fault

APPEAL = "WHERE campaign_id = 'appeal'"


NOT_IN_THIS_STORY = {
    "freshness",
    "feed_ages",
    "current_annotations",
    "feeds",
    "stall_states",
    "stall_changes",
    "stall_incidents",
    "accounting",
    "counted_records",
    "rows_here",
    "landed_records",
    "current_dead_letters",
    "dead_letter_reasons",
    "source_progress",
    "slices_progress",
}


def tell_of_everything(story):
    """A small appeal with each kind of trouble in it."""
    story.share("r1", "ana", sharer_id="p1", audience=150_000)
    story.share("r2", "bob", sharer_id="p2", tie="weak", channel="email")
    story.share("r2", "thief", sharer_id="p9")
    story.share("r3", "bob", at=1, sharer_id=None)
    story.impression("r1", 3_000_000, "estimated")
    story.impression("r1", 500, "measured")
    story.impression("r2", 40, "sampled")
    story.click("r1", times=30)
    story.click("r2", times=50)
    story.click("orphan", times=4)
    story.donation("r2", "10.10", "p2", fee="0.33")
    story.donation("r2", "0.20", "p3", tie="weak", at=3)
    story.donation("r1", "25.00", "p4", tie="weak")
    story.donation("r2", "7.00", "p3", tie="strong", at=47.9)
    story.donation(None, "100.00", None)
    story.donation("r2", "900", "p5", currency="JPY")
    story.donation("r2", "50.00", "p1", at=48)
    story.donation("r2", "10.10", "p2", kind="refund", at=60)


def test_figures_are_read_off_the_views(store, story):
    tell_of_everything(story)
    story.tell(store)
    seen = figures(store.reader, "appeal")
    json.dumps(seen)
    assert (seen["shares"], seen["donations"], seen["donations_48h"], seen["refunds"]) == (3, 7, 6, 1)
    assert seen["donors_48h"] == 4
    assert (seen["gross_48h"], seen["gross_late"], seen["gross_total"]) == ("142.30", "50.00", "192.30")
    assert (seen["refunded"], seen["fee"], seen["net"]) == ("10.10", "0.33", "181.87")
    assert seen["ties"] == {"strong": 3, "weak": 1}
    assert seen["celebrities"]["donations"] == 1
    assert seen["celebrities"]["impressions_estimated"] == 3_000_000
    assert seen["impressions"] == {"measured": 500, "sampled": 40, "estimated": 3_000_000}
    assert seen["sharers_not_donors"] == {
        "naive": None, "true": 0, "true_48h": 1, "lowest": 0, "highest": 1,
        "shares_without_sharer": 1, "donations_without_donor": 1,
    }  # fmt: skip


def test_figures_of_an_unknown_campaign_are_a_fault(store):
    with pytest.raises(Fault, match="no campaign 'nobody'"):
        figures(store.reader, "nobody")


def test_every_view_says_the_same_when_every_row_is_stored_twice(store, bare, story):
    tell_of_everything(story)
    story.tell(store)
    doubled = migrated(bare)
    story.tell(doubled)
    for topic, rows in story.rows.items():
        half = len(rows) // 2
        doubled.insert(topic, rows[half:])
        doubled.insert(topic, list(reversed(rows[:half])))
    story.tell_results(doubled)
    migrated(doubled)
    assert doubled.one("SELECT count() AS n FROM clicks")["n"] == 2 * 84
    for view, source in store.views().items():
        once = store.reader.query(f"SELECT * FROM {source} ORDER BY ALL").result_rows
        twice = doubled.reader.query(f"SELECT * FROM {source} ORDER BY ALL").result_rows
        assert twice == once, view
        assert once or view in NOT_IN_THIS_STORY, view


def test_money_is_exact_where_floats_are_not(store, story):
    for _ in range(1000):
        story.donation(None, "0.10", fee="0.01")
    story.donation(None, "999999999999.99")
    story.tell(store)
    row = store.one(f"SELECT gross_total, net FROM appeal_figures {APPEAL}")
    assert row["gross_total"] == Decimal("1000000000099.99")
    assert row["net"] == Decimal("1000000000089.99")


def test_a_currency_of_three_digits_keeps_them(store, story):
    story.donation(None, "0.125", campaign="other", currency="KWD")
    story.tell(store)
    assert figures(store.reader, "other")["gross_48h"] == "0.125"


def test_currencies_are_never_added(store, story):
    story.donation(None, "10.00")
    story.donation(None, "900", currency="JPY", fee="9")
    story.tell(store)
    rows = store.rows(f"SELECT currency, donations, gross, net FROM money_totals {APPEAL} ORDER BY currency")
    assert [tuple(row.values()) for row in rows] == [
        ("JPY", 1, Decimal(900), Decimal(891)),
        ("USD", 1, Decimal(10), Decimal(10)),
    ]
    row = store.one(f"SELECT gross_total, donations FROM appeal_figures {APPEAL}")
    assert tuple(row.values()) == (Decimal(10), 2)


def test_the_48_hours_are_half_open(store, story):
    hour = 3600
    story.donation(None, "1.00", at=-1 / hour)
    story.donation(None, "2.00", at=0)
    story.donation(None, "4.00", at=48 - 1 / hour)
    story.donation(None, "8.00", at=48)
    story.tell(store)
    row = store.one(f"SELECT gross_early, gross_48h, gross_late, gross_total FROM appeal_figures {APPEAL}")
    assert tuple(row.values()) == (1, 6, 8, 15)


def test_a_donor_has_one_tie_the_last_that_is_known(store, story):
    story.donation(None, "1.00", "p1", tie="weak", at=1)
    story.donation(None, "1.00", "p1", tie="strong", at=2)
    story.donation(None, "1.00", "p1", tie="unknown", at=3)
    story.donation(None, "1.00", "p1", tie="weak", at=50)
    story.tell(store)
    rows = store.rows("SELECT tie, donors FROM donor_ties(campaign = 'appeal')")
    assert [tuple(row.values()) for row in rows] == [("strong", 1)]
    assert store.one(f"SELECT gifts, gifts_48h FROM donors {APPEAL}") == {"gifts": 4, "gifts_48h": 3}


def test_hours_are_named_by_their_end_and_add_up(store, story):
    tell_of_everything(story)
    story.tell(store)
    hours = store.rows(f"SELECT * FROM hours {APPEAL} ORDER BY hour_end")
    assert hours[0]["hour_end"].hour == 19
    assert hours[0]["shares"] == 2
    whole = store.one(f"SELECT shares, clicks, donations, gross_total, net FROM appeal_figures {APPEAL}")
    added = [sum(hour[name] for hour in hours) for name in ("shares", "clicks", "donations", "gross", "net")]
    assert added == list(whole.values())


def test_influencers_and_channels_add_up_to_the_appeal(store, story):
    tell_of_everything(story)
    story.tell(store)
    whole = store.one(f"SELECT shares, clicks, donations, gross_total, net FROM appeal_figures {APPEAL}")
    for view in ("influencer_sums(campaign = 'appeal')", f"group_sums {APPEAL} AND dimension = 'channel'"):
        sums = "sum(shares), sum(clicks), sum(donations), sum(gross), sum(net)"
        [added] = store.reader.query(f"SELECT {sums} FROM {view}").result_rows
        assert list(added) == list(whole.values()), view


def test_no_rung_of_the_ladder_is_longer_than_the_one_below(store, story):
    tell_of_everything(story)
    story.tell(store)

    def ladder(source):
        rows = store.rows(f"SELECT * FROM {source} ORDER BY step")
        assert [row["step"] for row in rows if row["part_of_rung_below"] is None] == [1]
        return {row["rung"]: (row["referrals"], row["events"]) for row in rows}

    whole = {"shared": (3, 3), "seen": (2, None), "clicked": (2, 80), "gave": (2, 6)}
    assert ladder("ladder(campaign = 'appeal')") == whole
    assert list(ladder("ladder(campaign = 'appeal')")) == list(whole)
    assert ladder("influencer_ladder(campaign = 'appeal', influencer = 'bob')")["gave"] == (1, 5)
    assert ladder("influencer_ladder(campaign = 'appeal', influencer = 'ana')")["seen"] == (1, None)


def test_time_to_gift_counts_from_the_share(store, story):
    story.share("r1", "ana", at=1)
    story.donation("r1", "1.00", at=3)
    story.donation("r1", "1.00", at=49.5)
    story.donation("none", "1.00", at=3)
    story.tell(store)
    sql = (
        f"SELECT seconds_since_share, seconds_since_start, within_48h_of_share FROM time_to_gift {APPEAL} ORDER BY ALL"
    )
    assert [tuple(row.values()) for row in store.rows(sql)] == [
        (7200, 10_800, 1),
        (174_600, 178_200, 0),
        (None, 10_800, None),
    ]


def test_leaderboard_rows_come_ranked_first(store, story):
    tell_of_everything(story)
    story.tell(store)
    rows = leaderboard_rows(store.reader, "appeal")
    assert [(row["influencer_id"], row["position"], row["standing"]) for row in rows] == [
        ("bob", 1, "ranked"),
        ("ana", None, "too early to rank"),
    ]
