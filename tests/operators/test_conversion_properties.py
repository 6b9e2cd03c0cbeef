"""What lands is what the oracle says, however the slices come and however often conversion starts anew."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from lives import Lives, Rules
from random_logs import CODEC, random_logs, tried
from readers import Readers, delivered
from wiring import PARTITIONS, Logs, differences

from schemas.slices import Slice
from streams.audit.oracle import Oracle
from streams.operators.windowing.sliding import align_up, newest_end


def converted(logs: Logs, seed: int, lives: int, restarts: int) -> Readers:
    random = Random(seed)
    partitions = [Lives(logs, partition, random, Rules()) for partition in range(PARTITIONS)]
    for partition in partitions:
        partition.play(lives)
    slices = [partition.slices for partition in partitions]
    repeats, compaction = random.choice(((0.0, 0.5), (0.2, 0.0)))
    readers = Readers(delivered(slices, random, repeats), random, compaction)
    readers.play(restarts)
    return readers


@tried(250)
@given(random_logs(), st.integers(0, 2**32), st.integers(1, 3), st.integers(0, 3))
def test_every_landed_row_is_the_oracle_s_and_all_that_is_due_has_landed(
    logs: Logs, seed: int, lives: int, restarts: int
) -> None:
    readers = converted(logs, seed, lives, restarts)
    assert set(readers.state.watermarks) == set(CODEC.campaigns)
    assert list(differences(readers.landed, Oracle(logs.sources(), CODEC), readers.state.watermarks)) == []


@tried(250)
@given(random_logs(), st.integers(0, 2**32), st.integers(1, 3), st.integers(0, 3))
def test_the_first_window_of_every_minute_has_landed_once_it_has_begun(
    logs: Logs, seed: int, lives: int, restarts: int
) -> None:
    readers = converted(logs, seed, lives, restarts)
    state = readers.state
    due = {
        (entity, window.name, first)
        for entity, timeline in state.timelines.items()
        for window in CODEC.campaigns[entity.campaign_id].windows
        for end in timeline.ends
        if (first := align_up(end, window.slide)) <= newest_end(state.clock, window)
    }
    assert due - set(readers.landed.rows) == set()


@tried(100)
@given(random_logs(), st.integers(0, 2**32))
def test_a_second_flush_says_nothing(logs: Logs, seed: int) -> None:
    readers = converted(logs, seed, 1, 0)
    assert readers.windower.flush(readers.state, 0) == ([], True)


@tried(60)
@given(random_logs(), st.integers(0, 2**32))
def test_a_restart_at_the_newest_mark_lands_nothing_anew(logs: Logs, seed: int) -> None:
    readers = converted(logs, seed, 2, 1)
    before = dict(readers.landed.rows)
    readers.restart_at_newest_mark()
    results, _ = readers.windower.flush(readers.state, 0)
    readers.landed.add(results)
    assert [key for key, row in readers.landed.rows.items() if key not in before] == []


def test_random_logs_hold_what_the_properties_speak_of() -> None:
    """Duplicates, taken referrals, orphans, late events and several currencies are there, else nothing is shown."""
    seen: set[str] = set()

    @tried(100)
    @given(random_logs(), st.integers(0, 2**32))
    def look(logs: Logs, seed: int) -> None:
        verdicts = Oracle(logs.sources(), CODEC).verdicts
        seen.update(str(dead.rejection.reason) for dead in verdicts.dead_letters)
        seen.update("duplicate " + topic for topic, found in verdicts.duplicates.items() if found)
        seen.update("late " + topic for topic, found in verdicts.accepted.items() if any(valid.late for valid in found))
        lives = Lives(logs, 0, Random(seed), Rules())
        lives.play(3)
        said = [record for record in lives.slices if isinstance(record, Slice)]
        seen.update(f"lives {record.incarnation}" for record in said)
        seen.update(record.member for record in said)
        seen.update(code for record in said for code in record.money)

    look()
    assert seen >= {"referral_taken", "beyond_horizon", "bad_time", "bad_json", "unknown_campaign"}
    assert seen >= {"duplicate shares", "duplicate clicks", "duplicate donations", "late shares", "late clicks"}
    assert seen >= {"(unattributed)", "(direct)", "USD", "JPY", "KWD", "lives life1", "lives life2", "lives life3"}
