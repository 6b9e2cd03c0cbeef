"""Whose is each event, in SQL."""

from __future__ import annotations

from decimal import Decimal


def test_the_first_share_in_the_log_owns_the_referral_though_it_is_stored_last(store, story):
    story.share("r1", "ana", at=5, offset=3, audience=900, tie="weak")
    story.share("r1", "bob", at=1, offset=8)
    first, second = story.rows["shares"]
    store.insert("shares", [second])
    store.insert("shares", [first])
    owner = store.one("SELECT * FROM referrals")
    assert (owner["influencer_id"], owner["audience"], owner["tie"]) == ("ana", 900, "weak")


def test_a_copy_of_the_first_share_with_a_higher_offset_changes_nothing(store, story):
    known = story.share("r1", "ana", offset=3, sharer_id=None)
    story.share("r1", "ana", offset=9, event=known, audience=7, sharer_id="somebody")
    story.tell(store)
    owner = store.one("SELECT * FROM referrals")
    assert (owner["audience"], owner["sharer_id"]) == (100, None)
    assert store.one("SELECT count() AS n FROM accepted_shares")["n"] == 1


def test_a_refused_share_is_in_no_figure(store, story):
    story.share("r1", "ana", sharer_id="p1")
    story.share("r1", "thief", audience=5_000_000, sharer_id="p2", channel="blog")
    story.share("r1", "ana", channel="email", sharer_id="p1")
    story.tell(store)
    assert store.one("SELECT shares FROM appeal_figures WHERE campaign_id = 'appeal'")["shares"] == 2
    assert [row["influencer_id"] for row in store.rows("SELECT * FROM influencers(campaign = 'appeal')")] == ["ana"]
    assert store.rows("SELECT * FROM celebrities(campaign = 'appeal')") == []
    assert store.one("SELECT sum(shares) AS n FROM hours")["n"] == 2
    assert {
        row["channel"]: row["shares"]
        for row in store.rows("SELECT member AS channel, shares FROM group_sums WHERE dimension = 'channel'")
    } == {
        "twitter": 1,
        "email": 1,
    }
    assert store.one("SELECT * FROM sharers_not_donors(campaign = 'appeal')")["never_gave"] == 1


def test_an_orphan_is_unattributed_until_its_share_comes(store, story):
    story.click("r1", times=3)
    story.donation("r1", "10.00", "p1")
    story.donation(None, "5.00", "p2")
    story.tell(store)
    sql = "SELECT influencer_id, clicks, gross FROM influencer_sums(campaign = 'appeal') ORDER BY influencer_id"
    before = [tuple(row.values()) for row in store.rows(sql)]
    assert before == [("(direct)", 0, Decimal(5)), ("(unattributed)", 3, Decimal(10))]

    story.rows.clear()
    story.share("r1", "ana", at=30)
    story.tell(store)
    after = [tuple(row.values()) for row in store.rows(sql)]
    assert after == [("(direct)", 0, Decimal(5)), ("(unattributed)", 0, 0), ("ana", 3, Decimal(10))]


def test_the_same_referral_in_two_campaigns_has_two_owners(store, story):
    story.share("r1", "ana")
    story.share("r1", "bob", campaign="other")
    story.click("r1")
    story.click("r1", times=2, campaign="other")
    story.tell(store)
    for campaign, expected in (("appeal", ("ana", 1)), ("other", ("bob", 2))):
        row = store.one(f"SELECT influencer_id, clicks FROM influencers(campaign = '{campaign}')")
        assert tuple(row.values()) == expected


def test_joins_hold_when_a_person_asks_with_join_use_nulls(store, story):
    story.click("r1")
    story.donation("r1", "10.00", "p1")
    story.tell(store)
    for view, source in store.views().items():
        plain = store.reader.query(f"SELECT * FROM {source} ORDER BY ALL").result_rows
        with_nulls = store.reader.query(f"SELECT * FROM {source} ORDER BY ALL", settings={"join_use_nulls": 1})
        assert with_nulls.result_rows == plain, view
