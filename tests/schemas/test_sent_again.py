"""A dead letter that is sent again is as late as it was, and what is beyond the horizon is not sent unasked."""

from __future__ import annotations

from contract_examples import DOOR, PARTITIONS, golden, record_of

from schemas.codec import Codec, Rejection
from schemas.dead_letters import DeadLetter, dead_letter
from schemas.reasons import Reason
from schemas.times import DAY_MS, parse_ms
from streams.producers.replay_dead_letter import again, still_wrong

HORIZON_DAYS = 14
LIVE = Codec({"door": DOOR}, PARTITIONS, horizon_days=HORIZON_DAYS, forgets=True)
PLAYED = Codec({"door": DOOR}, PARTITIONS, horizon_days=HORIZON_DAYS, forgets=False)
CLICK = golden("clicks")[1]
SENT_MS = parse_ms(CLICK["occurred_at"])
HORIZON_MS = HORIZON_DAYS * DAY_MS


def letter() -> DeadLetter:
    record = record_of("clicks", CLICK)
    return dead_letter(
        Rejection(Reason.UNKNOWN_CAMPAIGN, "campaign_id", "door", "a campaign that is known"),
        processor=("attribution", "0.2.0"),
        source=("clicks", record.partition, 41),
        record_time_ms=SENT_MS,
        key=record.key,
        payload=record.value,
        headers=(),
    )


def test_a_letter_within_the_horizon_is_sent_under_its_own_time() -> None:
    record = again(letter(), PARTITIONS)
    assert record.record_time_ms == SENT_MS
    assert still_wrong(record, LIVE, SENT_MS + HORIZON_MS) is None


def test_a_letter_older_than_the_horizon_is_refused_with_the_way_out() -> None:
    wrong = still_wrong(again(letter(), PARTITIONS), LIVE, SENT_MS + HORIZON_MS + 1)
    assert wrong is not None
    assert wrong.reason is Reason.BEYOND_HORIZON
    assert "--now stamps it anew" in wrong.expectation


def test_stamped_anew_it_is_refused_only_where_its_event_is_older_than_the_horizon() -> None:
    for late_ms, refused in ((HORIZON_MS, False), (HORIZON_MS + 1, True)):
        now_ms = SENT_MS + late_ms
        wrong = still_wrong(again(letter(), PARTITIONS, record_time_ms=now_ms), LIVE, now_ms)
        assert (wrong is not None and wrong.reason is Reason.BEYOND_HORIZON) is refused


def test_a_log_that_is_played_has_no_clock_that_a_letter_could_be_late_by() -> None:
    assert still_wrong(again(letter(), PARTITIONS), PLAYED, SENT_MS + 100 * HORIZON_MS) is None
