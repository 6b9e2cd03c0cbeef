"""Stories for the batch oracle: what was sent, and what must come out of it."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from audit_story import CAMPAIGNS, PARTITIONS, START_MS, WINDOWS, Log, seconds
from hypothesis import given
from hypothesis import strategies as st

from schemas.campaign import DEFAULT_WINDOWS, Window
from schemas.codec import Codec
from schemas.reasons import Reason
from schemas.slices import Entity
from streams.audit import Oracle
from streams.audit.running import runs

DOOR = Entity("door", "campaign", "door")


def _counts(log: Log) -> dict[str, int]:
    return {verdict: sum(counter.values()) for verdict, counter in log.oracle().verdicts.counts().items()}


def _reasons(log: Log) -> list[Reason]:
    return [dead.rejection.reason for dead in log.oracle().verdicts.dead_letters]


def test_an_event_counts_in_four_entities(log: Log) -> None:
    log.share("r1", "alice", channel="blog", tie="weak")
    log.click("r1", at=1)
    for entity in (("campaign", "door"), ("influencer", "alice"), ("channel", "blog"), ("tie", "weak")):
        value = log.value(*entity, "15m", 2)
        assert (value.shares, value.clicks) == (1, 1), entity


def test_a_share_that_comes_later_takes_its_events_from_the_unattributed(log: Log) -> None:
    log.click("r1", at=1)
    assert log.value("influencer", "(unattributed)", "15m", 2).clicks == 1
    log.share("r1", "alice", at=0, sent=86_000)
    assert log.value("influencer", "(unattributed)", "15m", 2).empty
    assert log.value("influencer", "alice", "15m", 2).clicks == 1
    assert log.value("campaign", "door", "15m", 2).clicks == 1


def test_the_order_of_topics_and_of_partitions_means_nothing(appeal: Log) -> None:
    truth = appeal.oracle()
    shuffled = list(appeal.records)
    random.Random(7).shuffle(shuffled)
    other = Oracle(shuffled, Codec(CAMPAIGNS, PARTITIONS))
    assert other.verdicts.counts() == truth.verdicts.counts()
    assert other.entities == truth.entities
    for entity in truth.entities:
        for window in DEFAULT_WINDOWS:
            for end in truth.due(entity, window, seconds(10_000)):
                assert other.window(entity, window, end) == truth.window(entity, window, end)


def test_the_referral_of_another_influencer_is_taken(log: Log) -> None:
    log.share("r1", "alice")
    log.share("r1", "bob", at=1)
    log.click("r1", at=2)
    assert _reasons(log) == [Reason.REFERRAL_TAKEN]
    assert log.oracle().verdicts.dead_letters[0].rejection.field == "influencer_id"
    assert log.value("influencer", "alice", "15m", 5).clicks == 1
    assert log.value("influencer", "bob", "15m", 5).empty


def test_the_first_share_in_the_log_owns_not_the_earliest_by_its_time(log: Log) -> None:
    log.share("r1", "alice", at=5)
    log.share("r1", "bob", at=0)
    assert log.value("influencer", "alice", "15m", 6).shares == 1


def test_a_second_share_by_the_owner_counts_under_its_own_channel(log: Log) -> None:
    log.share("r1", "alice", channel="twitter", tie="strong")
    log.share("r1", "alice", at=1, channel="email", tie="weak")
    log.click("r1", at=2)
    assert log.value("influencer", "alice", "15m", 5).shares == 2
    assert log.value("channel", "twitter", "15m", 5)[:5] == (1, 0, 0, 0, 1)
    assert log.value("channel", "email", "15m", 5)[:5] == (1, 0, 0, 0, 0)
    assert log.value("tie", "weak", "15m", 5).clicks == 0


def test_the_same_referral_in_two_campaigns_has_two_owners(log: Log) -> None:
    log.share("r1", "alice")
    log.share("r1", "bob", campaign_id="yen")
    assert _reasons(log) == []


@pytest.mark.parametrize("change", [{}, {"visitor_id": "other"}, {"event_id": "UPPER"}])
def test_a_second_copy_is_a_duplicate_whatever_its_other_fields_say(log: Log, change: dict[str, str]) -> None:
    event_id = log.click("r1")
    log.again(event_id=event_id.upper()) if "event_id" in change else log.again(**change)
    assert _counts(log) == {"accepted": 1, "duplicates": 1, "dead_lettered": 0, "late": 0}
    assert log.value("campaign", "door", "15m", 2).clicks == 1


@pytest.mark.parametrize("change", [{"occurred_at": "2026-03-12T18:01:00.001Z"}, {"campaign_id": "yen"}])
def test_another_time_or_campaign_is_another_event(log: Log, change: dict[str, str]) -> None:
    log.click("r1")
    log.again(**change)
    assert _counts(log)["accepted"] == 2


def test_the_same_time_in_another_offset_is_the_same_event(log: Log) -> None:
    log.click("r1", at=1)
    log.again(occurred_at="2026-03-12T20:01:00+02:00")
    assert _counts(log)["duplicates"] == 1


def test_the_same_id_in_another_topic_or_referral_is_another_event(log: Log) -> None:
    known = log.click("r1")
    log.click("r2", event_id=known)
    log.impression("r1", 1, "measured", event_id=known)
    assert _counts(log)["accepted"] == 3


def test_a_known_share_is_a_duplicate_before_anyone_asks_whose_it_is(log: Log) -> None:
    log.share("r1", "alice")
    log.again(influencer_id="bob")
    assert _counts(log) == {"accepted": 1, "duplicates": 1, "dead_lettered": 0, "late": 0}


def test_a_refused_share_that_is_mended_lands_under_its_id(log: Log) -> None:
    log.share("r1", "alice")
    log.share("r1", "bob", at=1)
    log.again(influencer_id="alice")
    log.again(influencer_id="alice")
    assert _counts(log) == {"accepted": 2, "duplicates": 1, "dead_lettered": 1, "late": 0}
    assert len(log.oracle().verdicts.first_copies["shares"]) == 3


def test_a_rejected_record_does_not_make_its_id_known(log: Log) -> None:
    log.donation("r1", "1.005")
    log.again(amount="1.01")
    assert _reasons(log) == [Reason.BAD_MONEY]
    assert _counts(log)["accepted"] == 1


@pytest.mark.parametrize(("sent", "late"), [(300, 0), (301, 1)])
def test_late_is_more_than_the_allowed_lateness(log: Log, sent: int, late: int) -> None:
    log.click("r1", sent=sent)
    assert _counts(log)["late"] == late


def test_a_late_share_that_is_refused_is_not_counted_late(log: Log) -> None:
    log.share("r1", "alice")
    log.share("r1", "bob", sent=9000)
    assert _counts(log)["late"] == 0


@pytest.mark.parametrize(
    ("at", "end", "clicks"),
    [
        (0, 0, 0),  # on the end of the window before: outside
        (0, 1, 1),
        (0, 15, 1),
        (0, 16, 0),  # the window [1, 16) begins after it
        (0.99999, 1, 1),
        (14.999, 15, 1),
        (15, 15, 0),
    ],
)
def test_a_window_holds_its_beginning_and_not_its_end(log: Log, at: float, end: float, clicks: int) -> None:
    log.click("r1", at=at)
    assert log.value("campaign", "door", "15m", end).clicks == clicks


def test_due_windows_are_those_with_an_event_and_the_first_empty_one(log: Log) -> None:
    log.click("r1", at=0)
    oracle = log.oracle()
    assert list(oracle.due(DOOR, WINDOWS["15m"], seconds(999))) == [seconds(end) for end in range(1, 17)]
    assert list(oracle.due(DOOR, WINDOWS["15m"], seconds(15))) == [seconds(end) for end in range(1, 16)]
    assert list(oracle.due(DOOR, WINDOWS["15m"], seconds(0))) == []
    assert oracle.window(DOOR, WINDOWS["15m"], seconds(16)).empty
    assert list(oracle.due(DOOR, WINDOWS["6h"], seconds(9999)))[-1] == seconds(365)


def test_a_pause_ends_with_an_empty_window_too(log: Log) -> None:
    log.click("r1", at=0)
    log.click("r1", at=100)
    oracle = log.oracle()
    assert list(oracle.pauses(DOOR, WINDOWS["15m"], seconds(999))) == [seconds(16)]
    assert list(oracle.due(DOOR, WINDOWS["15m"], seconds(999)))[-1] == seconds(116)


def test_money_is_exact_and_refunds_are_events_of_their_own(log: Log) -> None:
    for _ in range(10):
        log.donation("r1", "0.10", fee="0.01")
    log.donation("r1", "0.30", kind="refund", fee="0.05")
    value = log.value("campaign", "door", "15m", 5)
    assert (value.donations, value.refunds) == (10, 1)
    assert (value.gross, value.refunded, value.fee) == (Decimal("1.00"), Decimal("0.30"), Decimal("0.15"))
    assert value.net == Decimal("0.55")


def test_another_currency_is_counted_but_never_added(log: Log) -> None:
    log.donation("r1", "10", at=1)
    log.donation("r1", "7.50", at=1, currency="EUR", fee="0.50")
    log.donation("r1", "900", at=1, currency="JPY", kind="refund")
    value = log.value("campaign", "door", "15m", 5)
    assert (value.donations, value.refunds, value.gross, value.net) == (2, 1, 10, 10)
    assert value.other_currencies == {
        "EUR": (Decimal("7.5"), Decimal("0.5"), Decimal(0)),
        "JPY": (Decimal(0), Decimal(0), Decimal(900)),
    }
    assert log.value("campaign", "door", "15m", 17).other_currencies == {}


@pytest.mark.parametrize(
    ("campaign", "currency", "amount", "verdict"),
    [
        ("yen", "JPY", "1200", "accepted"),
        ("yen", "JPY", "1200.5", "dead_lettered"),
        ("dinar", "KWD", "1.234", "accepted"),
        ("dinar", "KWD", "1.2345", "dead_lettered"),
    ],
)
def test_a_currency_has_its_own_digits(log: Log, campaign: str, currency: str, amount: str, verdict: str) -> None:
    log.donation(None, amount, campaign_id=campaign, currency=currency)
    assert _counts(log)[verdict] == 1
    gross = Decimal(amount) if verdict == "accepted" else 0
    assert log.value("campaign", campaign, "15m", 5, campaign).gross == gross


def test_a_gift_without_a_referral_is_direct(log: Log) -> None:
    log.donation(None, "10")
    for dimension in ("influencer", "channel", "tie"):
        assert log.value(dimension, "(direct)", "15m", 5).gross == 10
    assert log.value("tie", "weak", "15m", 5).empty


def test_the_bases_of_impressions_are_never_added(log: Log) -> None:
    log.impression("r1", 5, "measured")
    log.impression("r1", 70, "sampled")
    log.impression("r1", 900, "estimated")
    assert log.value("campaign", "door", "15m", 5)[1:4] == (5, 70, 900)


def test_a_rate_without_a_denominator_is_nothing(log: Log) -> None:
    log.donation("r1", "1")
    log.impression("r1", 70, "sampled")
    value = log.value("campaign", "door", "15m", 5)
    assert (value.conversion, value.per_impression) == (None, None)
    log.click("r1")
    log.click("r1")
    log.click("r1")
    log.impression("r1", 4, "measured")
    value = log.value("campaign", "door", "15m", 5)
    assert (value.conversion, value.per_impression) == (1 / 3, 0.25)


def test_an_id_seen_at_two_times_is_told(log: Log) -> None:
    known = log.click("r1", at=1)
    log.again()
    assert log.oracle().verdicts.restamped() == {}
    log.click("r1", at=2, event_id=known)
    assert log.oracle().verdicts.restamped() == {("clicks", known): {START_MS + 60_000, START_MS + 120_000}}


@given(minutes=st.sets(st.integers(0, 300), min_size=1, max_size=12), data=st.data())
def test_runs_and_windows_are_what_their_definition_says(minutes: set[int], data: Any) -> None:
    window = data.draw(st.sampled_from([*DEFAULT_WINDOWS[:3], Window("odd", 600, 300)]))
    log = Log()
    for minute in minutes:
        log.click("r1", at=minute)
    oracle = Oracle(log.records, Codec({"door": _with(window)}, PARTITIONS))
    until = seconds(max(minutes) + 800)
    ends = range(seconds(0), until + 1, window.slide)
    defined = {end: sum(end - window.size <= seconds(minute) < end for minute in minutes) for end in ends}
    assert {end: oracle.window(DOOR, window, end).clicks for end in ends} == defined
    held = [end for end, clicks in defined.items() if clicks]
    assert list(oracle.due(DOOR, window, until)) == [*held, held[-1] + window.slide]
    found = [end for first, last in runs(_slice_ends(minutes), window) for end in range(first, last + 1, window.slide)]
    assert found == held


def _slice_ends(minutes: set[int]) -> list[int]:
    return sorted(seconds(minute + 1) for minute in minutes)


def _with(window: Window) -> Any:
    return msgspec.structs.replace(CAMPAIGNS["door"], windows=(window,))
