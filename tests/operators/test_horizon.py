"""What is beyond the horizon is refused by the log alone, and nothing that was forgotten is said anew."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from looking import counters_of
from random_logs import tried
from wiring import (
    PROCESSOR,
    START_MS,
    Landed,
    Logs,
    begun,
    campaign_of,
    differences,
    differences_of_tallies,
    drained,
    event_fields,
    fold_all,
    said,
)

from schemas.campaign import Window
from schemas.codec import Codec
from schemas.slices import Entity, decode, encode
from schemas.times import DAY_MS, MINUTE_MS, parse_ms
from schemas.topics import ATTRIBUTION_INPUTS, CLICKS, DONATIONS, IMPRESSIONS, SHARES, SOURCES
from streams.audit.oracle import Oracle
from streams.operators.attribution.fold import AttributionOperator
from streams.operators.attribution.horizon import FIRST_RECORDS, STEP_MS, HorizonClock
from streams.operators.attribution.snapshot import fingerprint_of, from_bytes, to_bytes
from streams.operators.attribution.state import Attribution, forget
from streams.operators.windowing.state import Conversion
from streams.operators.windowing.windower import Windower

WINDOWS = (Window("3m", 180, 60), Window("1h", 3600, 1800))
CODEC = Codec({"door": campaign_of("door", "USD", WINDOWS)}, 1, horizon_days=1)
FINGERPRINT = fingerprint_of(CODEC)
DAYS = 4
# Less than what is remembered for the sake of the rarest topic: two horizons and a day.
OLDEST = int(2.9 * DAY_MS)
GIFT = {"kind": "donation", "amount": "10.00", "currency": "USD", "donation_id": "gift", "tie": "weak"}
SHARE = {"channel": "blog", "kind": "original", "audience": 10, "tie": "weak"}

# ---- the clock of a topic --------------------------------------------------------------------------------


def passed(*times: int, clock: HorizonClock | None = None) -> tuple[HorizonClock, list[int]]:
    clock = clock or HorizonClock()
    return clock, clock.pass_by(np.array(times, np.int64)).tolist()


def test_one_record_of_a_fast_machine_makes_nobody_too_old() -> None:
    steady = [START_MS + second * 1000 for second in range(FIRST_RECORDS)]
    clock, _ = passed(*steady, START_MS + 10_000 * DAY_MS, *steady)
    assert clock.clock <= steady[-1] + STEP_MS
    assert passed(START_MS + 10_000 * DAY_MS, *steady)[0].clock < START_MS + DAY_MS


def test_a_minority_of_fast_records_never_carries_the_clock_away() -> None:
    clock = HorizonClock()
    for minute in range(3000):
        now = START_MS + minute * MINUTE_MS
        passed(now, now + 365 * DAY_MS, now + 1, clock=clock)
    assert clock.clock <= START_MS + 3000 * MINUTE_MS + 2 * STEP_MS


@tried(100)
@given(st.lists(st.integers(0, 3 * STEP_MS), max_size=60), st.integers(0, 60))
def test_it_is_the_same_however_the_log_is_cut_into_batches(gaps: list[int], cut: int) -> None:
    times = [START_MS + gap * (1 + place // 7) for place, gap in enumerate(gaps)]
    whole, befores = passed(*times)
    parts, first = passed(*times[:cut])
    _, second = passed(*times[cut:], clock=parts)
    one_by_one = HorizonClock()
    singly = [passed(time, clock=one_by_one)[1][0] for time in times]
    assert (parts, first + second) == (whole, befores) == (one_by_one, singly)


# ---- late records, and what they must not touch ------------------------------------------------------------


class Live:
    """One partition in live use: a worker that forgets, and conversion behind it."""

    def __init__(self, logs: Logs) -> None:
        self.logs = logs
        self.folder = AttributionOperator(CODEC, PROCESSOR)
        self.state = begun(0)
        self.windower, self.conversion, self.landed = Windower(CODEC.campaigns, 1), Conversion(0), Landed()
        self.letters: list[Any] = []

    def settle(self, now_ms: int) -> None:
        """All is read, forgotten where it may be, said and taken in."""
        fold_all(self.folder, self.state, self.logs)
        self.tidy(now_ms)
        self.emit("live", now_ms)

    def tidy(self, now_ms: int) -> None:
        forget(self.state, CODEC.horizon_ms, now_ms)

    def emit(self, incarnation: str, now_ms: int) -> None:
        emission = drained(self.state, self.logs, incarnation, now_ms)
        self.letters += emission.letters
        for record in said(emission):
            self.windower.apply(self.conversion, decode(encode(record)), now_ms=now_ms, catching_up=True)
            self.conversion.position += 1
        self.windower.forget(self.conversion)
        self.landed.add(self.windower.flush(self.conversion, now_ms)[0])


def busy(logs: Logs, topic: str, start: int, days: float, every_ms: int = 5 * MINUTE_MS, **fields: Any) -> None:
    first = sum(map(len, logs.records.values()))
    for number in range(int(days * DAY_MS / every_ms)):
        at = start + number * every_ms
        logs.event(topic, event_fields(first + number, at, "door", "r1", **fields), at + 1000)


def test_a_late_record_does_not_wipe_a_minute_that_was_forgotten() -> None:
    logs = Logs(1)
    for number in range(101):
        logs.event(DONATIONS, event_fields(9000 + number, START_MS + number, "door", None, **GIFT), START_MS + 500)
    live = Live(logs)
    live.settle(START_MS + MINUTE_MS)
    busy(logs, CLICKS, START_MS, DAYS)
    now = START_MS + DAYS * DAY_MS
    live.settle(now)
    assert live.state.forgotten > START_MS // 1000 + 60
    logs.event(DONATIONS, event_fields(9999, START_MS + 30_000, "door", None, **GIFT), START_MS + 31_000)
    live.settle(now + 1000)
    assert live.landed.rows[Entity("door", "campaign", "door"), "3m", START_MS // 1000 + 60].donations == 101
    assert [(letter.topic, letter.reason) for letter in live.letters] == [(DONATIONS, "beyond_horizon")]


def test_a_late_record_of_a_rare_topic_is_added_to_its_minute_while_that_is_remembered() -> None:
    logs = Logs(1)
    logs.event(DONATIONS, event_fields(9000, START_MS, "door", None, **GIFT), START_MS + 500)
    live = Live(logs)
    live.settle(START_MS + MINUTE_MS)
    busy(logs, CLICKS, START_MS, 2.6)
    now = START_MS + int(2.6 * DAY_MS)
    live.settle(now)
    logs.event(DONATIONS, event_fields(9999, START_MS + 30_000, "door", None, **GIFT), START_MS + 31_000)
    live.settle(now + 1000)
    assert live.landed.rows[Entity("door", "campaign", "door"), "3m", START_MS // 1000 + 60].donations == 2
    assert list(differences(live.landed, Oracle(logs.sources(), CODEC), {})) == []


def test_a_busy_topic_refuses_by_its_own_records_whether_anything_was_forgotten_or_not() -> None:
    logs = Logs(1)
    busy(logs, CLICKS, START_MS, 2)
    logs.event(CLICKS, event_fields(9999, START_MS + MINUTE_MS, "door", "r1"), START_MS + 2 * MINUTE_MS)
    refolded = begun(0)
    fold_all(AttributionOperator(CODEC, PROCESSOR), refolded, logs)
    assert refolded.tallies[CLICKS].dead_lettered == 1
    assert list(differences_of_tallies([refolded], Oracle(logs.sources(), CODEC))) == []


def test_a_history_that_is_played_refuses_nothing_beside_newer_records() -> None:
    played = Codec(CODEC.campaigns, 1, horizon_days=1, forgets=False)
    logs, state = Logs(1), begun(0)
    busy(logs, CLICKS, START_MS, 2)
    busy(logs, CLICKS, START_MS - 300 * DAY_MS, 1)
    fold_all(AttributionOperator(played, PROCESSOR), state, logs)
    assert state.tallies[CLICKS].dead_lettered == 0
    assert list(differences_of_tallies([state], Oracle(logs.sources(), played))) == []
    assert fingerprint_of(played) != FINGERPRINT


def test_a_share_that_comes_more_than_the_horizon_after_its_clicks_leaves_them_nobodys_on_every_way() -> None:
    logs = Logs(1)
    logs.event(CLICKS, event_fields(1, START_MS, "door", "lost"), START_MS)
    busy(logs, SHARES, START_MS, 2, influencer_id="ann", **SHARE)
    late = START_MS + 2 * DAY_MS
    logs.event(SHARES, event_fields(2, late, "door", "lost", influencer_id="bob", **SHARE), late)
    logs.event(CLICKS, event_fields(3, late, "door", "lost"), late)
    oracle = Oracle(logs.sources(), CODEC)
    for topics in (ATTRIBUTION_INPUTS, tuple(reversed(ATTRIBUTION_INPUTS))):
        state, folder = begun(0), AttributionOperator(CODEC, PROCESSOR)
        for topic in topics:
            folder.step(state, topic, logs.records[topic, 0], len(logs.records[topic, 0]))
        rows = {
            key: counters.counts for key, counters in counters_of(state.slice_table).items() if not counters.is_zero()
        }
        assert rows == {
            (entity, end): tally.counts for entity, by_end in oracle.slices.items() for end, tally in by_end.items()
        }
        assert rows[Entity("door", "influencer", "(unattributed)"), START_MS // 1000 + 60][4] == 1


# ---- every way through a live log that forgets -------------------------------------------------------------


def live_log(random: Random) -> list[tuple[str, dict[str, Any], int]]:
    """Events in the order in which they are sent, with a few that bring an old record time or come again."""
    weights = [random.choice((0.2, 1, 4)) for _ in SOURCES]
    sent: list[tuple[str, dict[str, Any], int]] = []
    now = START_MS
    while now < START_MS + DAYS * DAY_MS:
        now += random.randint(0, 7 * MINUTE_MS)
        topic = random.choices(SOURCES, weights)[0]
        share = {"influencer_id": random.choice(("ann", "ann", "bob")), **SHARE}
        more = {SHARES: share, DONATIONS: GIFT, IMPRESSIONS: {"count": 2, "basis": "measured"}}.get(topic, {})
        age = random.choice((0, 0, 0, 0, random.randint(0, OLDEST)))
        occurred = now - age
        stamped = random.choice((now, occurred + 1000, occurred + DAY_MS // 2))
        referral = random.choice(("r1", "r2", f"r{len(sent) // 100}", f"r{len(sent) // 100 + 5}"))
        sent.append((topic, event_fields(len(sent), occurred, "door", referral, **more), min(now, stamped)))
        if random.random() < 0.1:
            again = random.choice(sent[-400:])
            if parse_ms(again[1]["occurred_at"]) > now - OLDEST:
                sent.append(again)
    return sent


@pytest.mark.slow
@tried(3)
@given(st.integers(0, 2**32))
def test_a_worker_that_forgets_lands_what_the_oracle_says_whatever_comes_late(seed: int) -> None:
    random, logs = Random(seed), Logs(1)
    live = Live(logs)
    saved: list[bytes] = []
    for number, event in enumerate(live_log(random)):
        logs.event(*event)
        now = max(event[2], START_MS)
        if random.random() < 0.01:
            live.state = restarted(random, saved)
            order = random.sample(ATTRIBUTION_INPUTS, len(ATTRIBUTION_INPUTS))
            for topic in order:
                log = logs.records[topic, 0]
                live.folder.step(live.state, topic, log[live.state.positions[topic] :], len(log))
        if random.random() < 0.02:
            fold_all(live.folder, live.state, logs)
            live.tidy(START_MS + DAYS * DAY_MS)
            live.emit(f"life{number}", now)
            saved.append(to_bytes(live.state, FINGERPRINT))
    live.settle(START_MS + DAYS * DAY_MS)
    oracle = Oracle(logs.sources(), CODEC)
    assert list(differences_of_tallies([live.state], oracle)) == []
    assert list(differences(live.landed, oracle, {})) == []
    assert live.state.forgotten > 0


def restarted(random: Random, saved: list[bytes]) -> Attribution:
    """A successor's state: from what was saved last, before that, or from nothing."""
    choice = random.choice([*saved[-1:] * 2, *saved[-3:], None])
    return begun(0) if choice is None else from_bytes(choice, 0, FINGERPRINT)


@pytest.mark.parametrize("topic", SOURCES)
def test_the_state_of_a_topics_clock_is_saved(topic: str) -> None:
    state = begun(0)
    state.horizons[topic] = HorizonClock(20, START_MS, START_MS + 1)
    state.forgotten = 60
    back = from_bytes(to_bytes(state, FINGERPRINT), 0, FINGERPRINT)
    assert (back.horizons, back.forgotten) == (state.horizons, 60)
