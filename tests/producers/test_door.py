"""The sample appeal: its golden figures, counted from the records alone."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from door_fold import Folded, codec, fold

from schemas.codec import Rejection
from schemas.partitioning import partition_of
from schemas.reasons import GUARD_REASONS, Reason
from streams.producers.door import CAMPAIGN_ID, END_MS, START_MS, TAIL_END_MS, records
from streams.producers.door.calendar import HOUR
from streams.producers.door.malformed import malformed
from streams.producers.door.personas import CELEBRITIES, LONE_ID
from streams.producers.door.posts import BELATED_REFERRAL
from streams.producers.door.rng import Rng
from streams.producers.door.visits import ORPHAN_REFERRALS
from streams.producers.outgoing import Outgoing

ROOT = Path(__file__).parents[2]
DIGEST = "e9d1cf5e70f14a7b0c35c687722910333c80a7b26827ca6017125383d2dc70bf"
DIGEST_PROGRAM = """
import hashlib
from streams.producers.door import records
digest = hashlib.sha256()
for record in records():
    fields = record.topic, record.partition, record.key, record.value, record.record_time_ms
    digest.update(repr(fields).encode())
print(digest.hexdigest())
"""


@pytest.fixture(scope="module")
def sent() -> list[Outgoing]:
    return list(records())


@pytest.fixture(scope="module")
def appeal(sent: list[Outgoing]) -> Folded:
    return fold(sent)


def test_every_run_gives_the_same_bytes(sent: list[Outgoing]) -> None:
    digest = hashlib.sha256()
    for record in sent:
        fields = record.topic, record.partition, record.key, record.value, record.record_time_ms
        digest.update(repr(fields).encode())
    assert digest.hexdigest() == DIGEST


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_bytes_do_not_depend_on_python_hashes(hash_seed: str) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    told = subprocess.run(
        [sys.executable, "-c", DIGEST_PROGRAM], env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == DIGEST


def test_records_come_by_record_time_within_the_appeal_and_its_tail(sent: list[Outgoing]) -> None:
    times = [record.record_time_ms for record in sent]
    assert times == sorted(times)
    assert times[0] >= START_MS
    assert times[-1] < TAIL_END_MS


def test_446_shares_are_accepted_all_within_the_48_hours(appeal: Folded) -> None:
    assert len(appeal.accepted["shares"]) == 446
    assert len(appeal.between("shares", START_MS, END_MS)) == 446


def test_92_donors_gave_4352_dollars_within_the_48_hours(appeal: Folded) -> None:
    donations = appeal.between("donations", START_MS, END_MS)
    assert len(donations) == 92
    assert len({donation.donor_id for donation in donations}) == 92
    assert sum(Decimal(donation.amount) for donation in donations) == Decimal("4352.00")


def test_62_of_the_donors_are_strong_ties_and_30_weak(appeal: Folded) -> None:
    donations = appeal.between("donations", START_MS, END_MS)
    assert Counter(donation.tie for donation in donations) == {"strong": 62, "weak": 30}


def test_1548_dollars_came_late(appeal: Folded) -> None:
    late = appeal.between("donations", END_MS, TAIL_END_MS)
    everything = [donation for _, donation in appeal.accepted["donations"]]
    assert sum(Decimal(donation.amount) for donation in late) == Decimal("1548.00")
    assert sum(Decimal(donation.amount) for donation in everything) == Decimal("5900.00")
    assert {donation.kind for donation in everything} == {"donation"}


def test_celebrities_have_three_million_estimated_impressions_and_one_donation(appeal: Folded) -> None:
    celebrities = {celebrity.id for celebrity in CELEBRITIES}
    estimated = [view for _, view in appeal.accepted["impressions"] if view.basis == "estimated"]
    donations = [gift for _, gift in appeal.accepted["donations"]]
    audiences = {share.influencer_id: share.audience for _, share in appeal.accepted["shares"]}
    reach = sum(view.count for view in estimated)
    assert {appeal.owners[view.referral_id] for view in estimated} == celebrities
    assert reach == 3_002_400
    assert sum(appeal.owners.get(gift.referral_id) in celebrities for gift in donations) == 1
    assert sorted(audiences[name] for name in celebrities) == [118_000, 531_000]
    # The exact Poisson interval of one: -ln 0.975 and half of chi-square(0.975, 4).
    assert round(0.0253178 / reach * 1e6, 3) == 0.008
    assert round(5.5716434 / reach * 1e6, 2) == 1.86


def test_the_three_kinds_of_impressions_are_apart(appeal: Folded) -> None:
    sums = Counter()
    for _, view in appeal.accepted["impressions"]:
        sums[view.basis] += view.count
    assert sums == {"measured": 18_619, "sampled": 105_125, "estimated": 3_002_400}


def test_5400_clicks_come_within_the_48_hours_and_few_of_them_at_night(appeal: Folded) -> None:
    clicks = appeal.accepted["clicks"]
    by_hour = Counter((at_ms - START_MS) // HOUR for at_ms, _ in clicks)
    assert sum(by_hour[hour] for hour in range(48)) == 5_400
    second_evening = sum(by_hour[hour] for hour in range(24, 32))
    second_night = sum(by_hour[hour] for hour in range(34, 42))
    assert second_evening > 10 * second_night


def test_the_results_post_brings_a_second_wave(appeal: Folded) -> None:
    by_hour = Counter((at_ms - START_MS) // HOUR for at_ms, _ in appeal.accepted["clicks"])
    assert sum(by_hour[hour] for hour in range(95, 101)) > 10 * sum(by_hour[hour] for hour in range(89, 95))


def test_some_gifts_are_direct_and_some_cost_a_fee(appeal: Folded) -> None:
    donations = appeal.between("donations", START_MS, END_MS)
    assert sum(donation.referral_id is None for donation in donations) == 5
    assert sum(donation.fee is not None for donation in donations) == 41
    assert all(Decimal(donation.fee or "0") < Decimal(donation.amount) for donation in donations)


def test_some_sharers_are_known_and_some_of_them_gave(appeal: Folded) -> None:
    sharers = [share.sharer_id for _, share in appeal.accepted["shares"]]
    donors = {donation.donor_id for donation in appeal.between("donations", START_MS, END_MS)}
    assert sharers.count(None) == 140
    assert len(set(sharers) - {None}) == 256
    assert len(set(sharers) & donors) == 30


def test_each_referred_gift_follows_a_click_of_the_same_person(appeal: Folded) -> None:
    clicks = {(click.visitor_id, click.referral_id, at_ms) for at_ms, click in appeal.accepted["clicks"]}
    first: dict[tuple[str, str], int] = {}
    for visitor, referral, at_ms in clicks:
        first[visitor, referral] = min(at_ms, first.get((visitor, referral), at_ms))
    for at_ms, gift in appeal.accepted["donations"]:
        if gift.referral_id is not None:
            assert first[gift.donor_id, gift.referral_id] < at_ms


def test_one_share_arrives_a_day_after_its_clicks_and_gift(sent: list[Outgoing]) -> None:
    of_it = [record for record in sent if record.key == BELATED_REFERRAL.encode()]
    [share] = [record for record in of_it if record.topic == "shares"]
    others = {record.topic for record in of_it if record.record_time_ms < share.record_time_ms}
    assert others == {"clicks", "donations"} or others == {"clicks", "donations", "impressions"}


def test_orphans_never_get_a_share_and_brought_a_gift(appeal: Folded) -> None:
    assert not set(ORPHAN_REFERRALS) & set(appeal.owners)
    orphans = [click for _, click in appeal.accepted["clicks"] if click.referral_id not in appeal.owners]
    gifts = [gift for _, gift in appeal.accepted["donations"] if gift.referral_id in ORPHAN_REFERRALS]
    assert (len(orphans), len(gifts)) == (42, 1)


def test_somebody_has_one_click_and_one_gift(appeal: Folded) -> None:
    clicks = [click for _, click in appeal.accepted["clicks"] if appeal.owners.get(click.referral_id) == LONE_ID]
    gifts = [gift for _, gift in appeal.accepted["donations"] if appeal.owners.get(gift.referral_id) == LONE_ID]
    assert (len(clicks), len(gifts)) == (1, 1)


def test_duplicates_and_late_events_are_counted(appeal: Folded) -> None:
    accepted = sum(len(events) for events in appeal.accepted.values())
    assert appeal.duplicates == {"clicks": 61, "impressions": 23, "shares": 6, "donations": 2}
    assert 0.025 < sum(appeal.late.values()) / accepted < 0.035


def test_copies_are_sent_byte_for_byte_some_of_them_a_day_later(sent: list[Outgoing]) -> None:
    first: dict[tuple, int] = {}
    pauses = []
    for record in sent:
        same = (record.topic, record.key, record.value)
        if record.value and same in first:
            pauses.append(record.record_time_ms - first[same])
        first.setdefault(same, record.record_time_ms)
    assert sum(pause > 24 * HOUR for pause in pauses) >= 5


def test_two_claims_of_somebody_elses_link_are_refused(appeal: Folded) -> None:
    assert appeal.refused["referral_taken"] == 2


def test_each_malformed_message_is_refused_for_its_reason() -> None:
    judge = codec().validate
    for reason, record in malformed(Rng(1), 4):
        partition = partition_of(record.key, 4) if record.partition is None else record.partition
        verdict = judge(record.topic, partition, record.key, record.value, record.record_time_ms)
        assert isinstance(verdict, Rejection)
        assert verdict.reason == reason


def test_malformed_messages_cover_every_reason(appeal: Folded) -> None:
    assert set(appeal.refused) == {str(reason) for reason in set(Reason) - GUARD_REASONS}
    assert sum(appeal.refused.values()) == 31


def test_with_one_partition_none_is_wrong() -> None:
    assert all(not record.partition for record in records(partitions=1))


def test_everything_belongs_to_the_campaign_of_its_file(appeal: Folded) -> None:
    events = [event for accepted in appeal.accepted.values() for _, event in accepted]
    campaign = codec().campaigns[CAMPAIGN_ID]
    assert {event.campaign_id for event in events} == {CAMPAIGN_ID}
    assert campaign.start.timestamp() * 1000 == START_MS
    assert campaign.end.timestamp() * 1000 == END_MS
