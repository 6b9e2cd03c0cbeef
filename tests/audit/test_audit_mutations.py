"""A faultless set of rows, one thing changed in it: the audit names it.  On the real engine."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from audit_landing import Tables, landed
from audit_store import Store
from audit_story import Log

from schemas.slices import COUNTS
from streams.audit import compare


def _window(tables: Tables, member: str = "alice", window: str = "15m", **values: Any) -> dict[str, Any]:
    """The first landed row of a member and window that has these values."""
    for row in tables["conversions"]:
        if (row["member"], row["window"]) == (member, window) and values.items() <= row.items():
            return row
    raise AssertionError("no such row")


def _a_cent(tables: Tables) -> None:
    _window(tables, gross="12.50")["gross"] = "12.51"


def _a_missing_window(tables: Tables) -> None:
    tables["conversions"].remove(_window(tables, clicks=3))


def _a_missing_zero_row(tables: Tables) -> None:
    rows_of_bob = [row for row in tables["conversions"] if (row["member"], row["window"]) == ("bob", "15m")]
    [zero] = [row for row in rows_of_bob if not any(row[name] for name in COUNTS)]
    tables["conversions"].remove(zero)


def _a_missing_entity(tables: Tables) -> None:
    gone = ("influencer", "(direct)")
    tables["conversions"] = [row for row in tables["conversions"] if (row["dimension"], row["member"]) != gone]


def _an_entity_that_nobody_knows(tables: Tables) -> None:
    tables["conversions"].append({**_window(tables, clicks=3), "member": "eve"})


def _a_window_that_nobody_asked_for(tables: Tables) -> None:
    tables["conversions"].append({**_window(tables, clicks=3), "window": "2h"})


def _a_window_off_its_slide(tables: Tables) -> None:
    row = _window(tables, window="6h")
    tables["conversions"].append({**row, "window_end": str(int(row["window_end"]) + 60)})


def _a_campaign_that_nobody_knows(tables: Tables) -> None:
    tables["conversions"].append({**_window(tables), "campaign_id": "attic"})


def _a_count(tables: Tables) -> None:
    row = _window(tables, clicks=3)
    row["clicks"] = 4


def _a_rate_of_zero_for_none(tables: Tables) -> None:
    _window(tables, member="(direct)", donations=1)["conversion"] = 0.0


def _another_currency_added(tables: Tables) -> None:
    row = _window(tables, member="bob", donations=1)
    row["gross"], row["net"], row["other_currencies"] = "30", "30", {}


def _a_forgotten_refund(tables: Tables) -> None:
    row = _window(tables, refunds=1)
    row["refunded"], row["net"] = "0", "11.84"


def _a_final_window_left_provisional(tables: Tables) -> None:
    _window(tables, clicks=3)["final"] = 0


def _a_window_final_too_early(tables: Tables) -> None:
    row = max(tables["conversions"], key=lambda row: int(row["window_end"]))
    assert row["final"] == 0
    row["final"] = 1


def _a_missing_event(tables: Tables) -> None:
    tables["clicks"].pop(3)


def _an_event_that_nobody_sent(tables: Tables) -> None:
    row = {**tables["clicks"][3], "event_id": "00000000-0000-4000-8000-000000000000"}
    tables["clicks"].append(row)


def _a_later_copy(tables: Tables) -> None:
    tables["clicks"][3]["source_offset"] += 100
    tables["clicks"][3]["precedence"] -= 100


def _a_changed_field(tables: Tables) -> None:
    tables["shares"][1]["parent_referral_id"] = None


def _a_refused_share_left_out(tables: Tables) -> None:
    tables["shares"] = [row for row in tables["shares"] if row["influencer_id"] != "mallory"]


def _a_rounded_fee(tables: Tables) -> None:
    row = next(row for row in tables["donations"] if row["fee"])
    row["fee"] = "0.7"


def _an_unmarked_late_event(tables: Tables) -> None:
    row = next(row for row in tables["clicks"] if row["late"])
    row["late"] = 0


def _a_wrong_reason(tables: Tables) -> None:
    row = next(row for row in tables["dead_letters"] if row["reason"] == "bad_json")
    row["reason"] = "wrong_type"


def _a_cut_payload(tables: Tables) -> None:
    row = next(row for row in tables["dead_letters"] if row["reason"] == "bad_json")
    assert base64.b64decode(row["payload"]) == b"{"
    row["payload"] = ""


def _a_missing_dead_letter(tables: Tables) -> None:
    tables["dead_letters"].pop()


def _a_dead_letter_too_many(tables: Tables) -> None:
    tables["dead_letters"].append({**tables["dead_letters"][0], "source_offset": 0, "topic": "clicks"})


def _a_doubled_count(tables: Tables) -> None:
    for row in tables["watermarks"]:
        row["accepted"] = {topic: 2 * number for topic, number in row["accepted"].items()}


def _a_late_count(tables: Tables) -> None:
    for row in tables["watermarks"]:
        row["late"] = dict.fromkeys(row["late"], 0)


def _a_record_in_flight(tables: Tables) -> None:
    for row in tables["watermarks"]:
        row["positions"] = {topic: max(0, number - 1) for topic, number in row["positions"].items()}


def _a_log_thought_shorter(tables: Tables) -> None:
    for row in tables["watermarks"]:
        row["ends"] = {**row["ends"], "clicks": max(0, row["ends"]["clicks"] - 1)}


def _a_silent_partition(tables: Tables) -> None:
    tables["watermarks"] = [row for row in tables["watermarks"] if row["source_partition"] != 2]


def _a_clock_held_back(tables: Tables) -> None:
    for row in tables["watermarks"]:
        row["clock"] = "2026-03-12T18:00:00.000Z"


MUTATIONS: dict[Callable[[Tables], None], tuple[str, ...]] = {
    _a_cent: ("conversions: campaign door, influencer alice, 15m", "gross is 12.5100, the log says 12.50"),
    _a_missing_window: (
        "influencer alice, 15m ending 2026-03-12T18:03:00.000Z",
        "did not land: shares 1, impressions_estimated 1000, clicks 3",
    ),
    _a_missing_zero_row: ("influencer bob", "did not land: the zero row after its last event"),
    _a_missing_entity: ("influencer (direct)", "did not land: donations 1"),
    _an_entity_that_nobody_knows: ("influencer eve", "clicks is 3, the log says 0"),
    _a_window_that_nobody_asked_for: ("'2h' ending", "the campaign has no such window"),
    _a_window_off_its_slide: ("'6h' ending", "the campaign has no such window"),
    _a_campaign_that_nobody_knows: ("campaign attic", "no campaign or dimension known here"),
    _a_count: ("clicks is 4, the log says 3",),
    _a_rate_of_zero_for_none: ("conversion is 0.0, the log says nothing",),
    _another_currency_added: ("gross is 30.0000, the log says 0", "other_currencies is {}", "EUR: (30"),
    _a_forgotten_refund: ("refunded is 0.0000, the log says 5.00", "net is 11.8400"),
    _a_final_window_left_provisional: ("it is provisional, but everything is complete up to",),
    _a_window_final_too_early: ("it is called final, but its own watermark is",),
    _a_missing_event: ("clicks: event", "did not land"),
    _an_event_that_nobody_sent: ("event 00000000-0000-4000-8000-000000000000", "is no event of the log"),
    _a_later_copy: ("clicks: event", "source_offset is 10"),
    _a_changed_field: ("claimed by bob: parent_referral_id is nothing, the log says 'r1'",),
    _a_refused_share_left_out: ("claimed by mallory", "did not land"),
    _a_rounded_fee: ("fee is 0.7000, the log says 0.66",),
    _an_unmarked_late_event: ("late is 0, the log says 1",),
    _a_wrong_reason: ("dead_letters: clicks", "reason is 'wrong_type', the log says 'bad_json'"),
    _a_cut_payload: ("payload is '', the log says",),
    _a_missing_dead_letter: ("is 'referral_taken' and did not land",),
    _a_dead_letter_too_many: ("is no dead letter",),
    _a_doubled_count: ("accounting: clicks, partition", "is not accepted + duplicates + dead-lettered"),
    _a_late_count: ("late is 0, the log says 1",),
    _a_record_in_flight: ("are in flight",),
    _a_log_thought_shorter: ("accounting: clicks", "ends is"),
    _a_silent_partition: ("watermarks has no row of source partition 2",),
    _a_clock_held_back: ("the clock of source partition",),
}


@pytest.mark.parametrize("mutate", MUTATIONS, ids=lambda mutate: mutate.__name__[1:])
def test_audit_names(store: Store, appeal: Log, mutate: Callable[[Tables], None]) -> None:
    tables = landed(appeal)
    mutate(tables)
    store.land(tables)
    result = compare(store.client, appeal.oracle(), appeal.logs())
    assert not result.equal
    told = "\n".join(result.differences)
    for words in MUTATIONS[mutate]:
        assert words in told
