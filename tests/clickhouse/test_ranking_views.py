"""Intervals and ranking against closed forms and against Python, not against themselves."""

from __future__ import annotations

import math

import pytest
from stories import migrated

# Exact 95 % Poisson intervals: chi-square quantiles, as printed in tables since Garwood (1936).
GARWOOD = {0: (0, 3.688879), 1: (0.025318, 5.571643), 5: (1.623486, 11.668332), 50: (37.110964, 65.918767)}


def gamma_below(shape, x):
    """The chance that a Gamma(shape, 1) is below x: the power series of the incomplete gamma function."""
    term = total = 1 / shape
    for k in range(1, 5000):
        term *= x / (shape + k)
        total += term
        if term < total * 1e-16:
            break
    return total * math.exp(shape * math.log(x) - x - math.lgamma(shape))


def gamma_quantile(shape, chance):
    low, high = 0.0, shape * 4 + 40
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if gamma_below(shape, middle) < chance else (low, middle)
    return low


def fitted(members, prior_conversion=0.018):
    """The prior of notes and paper, in plain Python: pooled rate, posterior maximum on a grid, robust mean."""
    donations = sum(d for d, _ in members)
    clicks = sum(n for _, n in members)
    p = min(max(donations, 0.5) / clicks if clicks else prior_conversion, 0.95)

    def likelihood(k):
        lg = math.lgamma
        fit = sum(
            lg(d + k * p) - lg(k * p) + lg(n - d + k * (1 - p)) - lg(k * (1 - p)) - lg(n + k) + lg(k)
            for d, n in members
        )
        return fit - 0.5 * (math.log(k * p / 2.8) / 0.7) ** 2

    grid = [math.exp(math.log(20) + i * (math.log(200000) - math.log(20)) / 39) for i in range(40)]
    kappa = min(max(max(grid, key=likelihood) * p, 0.1), 10) / p
    weighted_d = sum(d * kappa / (n + kappa) for d, n in members)
    weighted_n = sum(n * kappa / (n + kappa) for _, n in members)
    mean = (weighted_d + 1) / (weighted_n + 1 / p)
    a0 = 1 / (1 / (kappa * p) + 1 / (weighted_n * mean + 1))
    return a0, a0 / mean


def tell(story, members):
    for name, (donations, clicks) in members.items():
        story.share(f"link-{name}", name)
        story.click(f"link-{name}", times=clicks)
        for _ in range(donations):
            story.donation(f"link-{name}", "1.00")


@pytest.mark.parametrize("donations", sorted(GARWOOD))
def test_the_rate_of_celebrities_has_the_exact_poisson_interval(store, story, donations):
    story.share("r1", "star", audience=500_001)
    story.impression("r1", 1_000_000, "estimated")
    story.impression("r1", 77, "measured")
    for _ in range(donations):
        story.donation("r1", "1.00")
    story.tell(store)
    row = store.one("SELECT * FROM celebrities(campaign = 'appeal')")
    assert row["per_million"] == donations
    assert (row["per_million_low"], row["per_million_high"]) == pytest.approx(GARWOOD[donations], abs=1e-6)


def test_many_donations_pass_to_the_closed_form_without_a_step(store, story):
    story.share("r1", "star", audience=500_001)
    story.impression("r1", 1_000_000, "estimated")
    for _ in range(1001):
        story.donation("r1", "1.00")
    story.tell(store)
    row = store.one("SELECT * FROM celebrities(campaign = 'appeal')")
    exact = gamma_quantile(1001, 0.025), gamma_quantile(1002, 0.975)
    assert (row["per_million_low"], row["per_million_high"]) == pytest.approx(exact, rel=1e-5)


def test_one_gift_for_three_million_estimated_views_is_almost_anything(store, story):
    story.share("r1", "star", audience=500_001)
    story.impression("r1", 3_020_000, "estimated")
    story.donation("r1", "1.00")
    story.tell(store)
    row = store.one("SELECT * FROM celebrities(campaign = 'appeal')")
    assert row["per_million_low"] == pytest.approx(0.008, abs=0.001)
    assert row["per_million_high"] == pytest.approx(1.85, abs=0.02)


def test_without_estimated_views_there_is_no_rate(store, story):
    story.share("r1", "star", audience=500_001)
    story.impression("r1", 77, "measured")
    story.tell(store)
    row = store.one("SELECT * FROM celebrities(campaign = 'appeal')")
    assert (row["per_million"], row["per_million_low"], row["per_million_high"]) == (None, None, None)


@pytest.mark.parametrize(
    "members",
    [
        {"lucky": (1, 1), "ana": (8, 300), "bob": (0, 40), "cid": (20, 1500), "own": (10, 12), "new": (0, 0)},
        {"only": (1, 1)},
        {"none": (0, 5)},
        {"idle": (0, 0)},
        {"lost-clicks": (3, 1)},
        {"lost-clicks": (3, 1), "ana": (8, 300), "bob": (2, 100)},
    ],
)
def test_the_leaderboard_is_the_fit_of_the_reference(store, story, members):
    tell(story, members)
    story.tell(store)
    a0, b0 = fitted([(d, n) for d, n in members.values() if d <= n])
    for row in store.rows("SELECT * FROM leaderboard(campaign = 'appeal')"):
        d, n = members[row["influencer_id"]]
        a, b = d + a0, n + b0
        centre, spread = 1 - 1 / (9 * a), 1 / (3 * math.sqrt(a))
        low, score = (a / b * max(centre - z * spread, 0) ** 3 for z in (2.2414, 1.2816))
        high = min(a / b * (centre + 2.2414 * spread) ** 3, 1)
        seen = [row[name] for name in ("conversion", "conversion_low", "conversion_high", "rank_score")]
        assert seen == ([None] * 4 if d > n else pytest.approx([a / b, low, high, score], rel=1e-9))


def test_intervals_with_the_prior_fixed_are_those_of_the_exact_distribution(bare, story):
    store = migrated(bare)
    tell(story, {"lucky": (1, 1), "quiet": (0, 40), "solid": (8, 300)})
    story.tell(store)
    store.client.command("RENAME TABLE conversion_priors TO fitted_priors")
    store.client.command(
        "CREATE VIEW conversion_priors AS SELECT exposure, members, 0.0184 AS pooled,"
        " 2.8 AS prior_donations, 2.8 / 0.0184 AS prior_clicks FROM fitted_priors(campaign = {campaign:String})"
    )
    rows = {row["influencer_id"]: row for row in store.rows("SELECT * FROM leaderboard(campaign = 'appeal')")}
    printed = {"lucky": (0.0065, 0.055), "quiet": (0.003, 0.036), "solid": (0.012, 0.040)}
    for name, (low, high) in printed.items():
        a, b = rows[name]["posterior_donations"], rows[name]["posterior_clicks"]
        assert gamma_quantile(a, 0.025) / b == pytest.approx(low, rel=0.08)
        assert gamma_quantile(a, 0.975) / b == pytest.approx(high, rel=0.04)
        # z = 2.2414 leaves 1.25 % on either side.
        assert rows[name]["conversion_low"] == pytest.approx(gamma_quantile(a, 0.0125) / b, rel=0.06)
        assert rows[name]["conversion_high"] == pytest.approx(gamma_quantile(a, 0.9875) / b, rel=0.02)


def test_one_gift_of_one_click_does_not_lead(store, story):
    tell(story, {"lucky": (1, 1), "ana": (8, 300), "bob": (2, 400), "cid": (0, 900)})
    story.tell(store)
    rows = {row["influencer_id"]: row for row in store.rows("SELECT * FROM leaderboard(campaign = 'appeal')")}
    assert {name: row["position"] for name, row in rows.items()} == {"ana": 1, "bob": 2, "lucky": None, "cid": None}
    assert rows["lucky"]["raw_conversion"] is None
    assert rows["ana"]["raw_conversion"] == pytest.approx(8 / 300)


def test_more_gifts_than_clicks_is_no_conversion(store, story):
    tell(story, {"lost": (9, 2), "ana": (2, 100)})
    story.tell(store)
    rows = {row["influencer_id"]: row for row in store.rows("SELECT * FROM leaderboard(campaign = 'appeal')")}
    assert (rows["lost"]["position"], rows["lost"]["standing"]) == (None, "clicks are missing")
    assert (rows["lost"]["suspicious"], rows["lost"]["raw_conversion"]) == (0, None)
    assert rows["ana"]["position"] == 1


def test_a_self_donor_is_flagged_and_not_hidden(store, story):
    tell(story, {"own": (30, 32), "ana": (8, 900), "bob": (7, 900), "cid": (5, 900)})
    story.tell(store)
    rows = {
        row["influencer_id"]: row["suspicious"] for row in store.rows("SELECT * FROM leaderboard(campaign = 'appeal')")
    }
    assert rows == {"own": 1, "ana": 0, "bob": 0, "cid": 0}


def test_positions_are_of_each_campaign(store, story):
    tell(story, {"ana": (8, 300), "bob": (2, 400)})
    for campaign_story in ("zoe", "yan"):
        story.share(f"x-{campaign_story}", campaign_story, campaign="other")
        story.click(f"x-{campaign_story}", times=50, campaign="other")
    for name, times in (("zoe", 4), ("yan", 2)):
        for _ in range(times):
            story.donation(f"x-{name}", "1.000", campaign="other", currency="KWD")
    story.tell(store)
    for campaign, expected in (("appeal", [("ana", 1), ("bob", 2)]), ("other", [("zoe", 1), ("yan", 2)])):
        rows = store.rows(f"SELECT influencer_id, position FROM leaderboard(campaign = '{campaign}') ORDER BY position")
        assert [tuple(row.values()) for row in rows] == expected


def test_the_overall_conversion_has_wilsons_interval(store, story):
    tell(story, {"ana": (8, 300)})
    story.tell(store)
    row = store.one("SELECT * FROM appeal_figures WHERE campaign_id = 'appeal'")
    assert (row["conversion_low"], row["conversion_high"]) == pytest.approx((0.01357, 0.05172), abs=1e-4)
