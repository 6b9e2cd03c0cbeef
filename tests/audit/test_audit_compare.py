"""What counts as equal and what does not.  On the real engine."""

from __future__ import annotations

import json

import pytest
from audit_landing import Tables, landed
from audit_store import Store
from audit_story import Log

from schemas.slices import COUNTS
from streams.audit import AuditResult, Logs, Place, Span, compare
from streams.audit.store import milliseconds, rows, seconds, text, uuid


def _audit(store: Store, log: Log, tables: Tables, logs: Logs | None = None) -> AuditResult:
    store.land(tables)
    return compare(store.client, log.oracle(), logs or log.logs())


def test_the_rows_of_a_faultless_pipeline_are_equal(store: Store, appeal: Log) -> None:
    tables = landed(appeal)
    result = _audit(store, appeal, tables)
    assert result.differences == []
    assert result.equal
    for table in ("shares", "clicks", "impressions", "donations", "dead_letters", "conversions"):
        assert result.compared[table] == len(tables[table]) > 0, table
    assert result.compared["records"] == len(appeal.records)
    assert result.compared["windows due"] > 1000
    assert result.compared["accounting"] == 16
    assert json.loads(result.to_json())["equal"] is True


def test_rows_landed_twice_are_equal(store: Store, appeal: Log) -> None:
    store.land(landed(appeal))
    store.client.command("SYSTEM STOP MERGES")
    for table, copies in landed(appeal).items():
        store.insert(table, copies)
    assert compare(store.client, appeal.oracle(), appeal.logs()).equal


def test_pages_of_any_size_give_the_same_rows(store: Store, appeal: Log) -> None:
    tables = landed(appeal)
    store.land(tables)
    key = [*map(text, ("campaign_id", "dimension", "member", "window")), seconds("window_end")]
    whole = list(rows(store.client, "conversions", key, ["clicks"]))
    assert len(whole) == len(tables["conversions"])
    assert list(rows(store.client, "conversions", key, ["clicks"], page_rows=37)) == whole
    for topic in ("clicks", "shares"):
        key = [text("campaign_id"), text("referral_id"), milliseconds("occurred_at"), uuid("event_id")]
        key += [text("influencer_id")] if topic == "shares" else []
        assert list(rows(store.client, topic, key, [], page_rows=1)) == list(rows(store.client, topic, key, []))


@pytest.mark.parametrize("table", ["conversions", "shares", "clicks", "dead_letters", "watermarks"])
def test_an_empty_table_is_a_difference(store: Store, appeal: Log, table: str) -> None:
    result = _audit(store, appeal, {**landed(appeal), table: []})
    assert not result.equal
    assert result.differences_total > 1


def test_events_without_any_landed_window_are_a_difference_however_early(store: Store, log: Log) -> None:
    log.click("r1")
    tables = landed(log)
    tables["conversions"] = []
    assert _audit(store, log, tables).differences == [
        "conversions: campaign door has events, and not one of its windows landed"
    ]


def test_an_empty_log_and_an_empty_store_are_not_equal(store: Store, log: Log) -> None:
    result = _audit(store, log, landed(log))
    assert result.differences == ["logs: the four source topics hold no record, so nothing was compared"]


def test_zero_rows_of_an_entity_that_lost_its_events_are_equal(store: Store, appeal: Log) -> None:
    tables = landed(appeal)
    zero = next(row for row in tables["conversions"] if not any(row[name] for name in COUNTS))
    tables["conversions"].append({**zero, "member": "was-unattributed-once"})
    assert _audit(store, appeal, tables).equal


@pytest.mark.parametrize("time_ms", [-1, 0, 7_258_118_400_000, 10**15, 2**62])
def test_a_dead_letter_of_any_record_time_is_compared(store: Store, log: Log, time_ms: int) -> None:
    log.click("r1")
    tables = landed(log)
    log.raw_at("clicks", b"{", time_ms)
    tables["dead_letters"] = landed(log)["dead_letters"]
    result = _audit(store, log, tables)
    assert not [sentence for sentence in result.differences if sentence.startswith("dead_letters")]
    assert result.compared["dead_letters"] == 1


def test_a_zero_row_that_nobody_asked_for_may_stay_provisional(store: Store, appeal: Log) -> None:
    tables = landed(appeal)
    zero = next(row for row in tables["conversions"] if row["final"] and not any(row[name] for name in COUNTS))
    tables["conversions"].append({**zero, "member": "was-unattributed-once", "final": 0})
    result = _audit(store, appeal, tables)
    assert result.equal
    assert result.compared["zero rows left provisional"] == 1


def test_a_pause_without_a_zero_row_is_a_note(store: Store, appeal: Log) -> None:
    tables = landed(appeal)
    result = _audit(store, appeal, tables)
    assert result.compared["pauses"] > 0
    assert [note for note in result.notes if "no zero row landed" in note]


def test_an_id_seen_at_two_times_is_a_note(store: Store, log: Log) -> None:
    known = log.click("r1", at=1)
    log.click("r1", at=2, event_id=known)
    result = _audit(store, log, landed(log))
    assert result.equal
    assert result.notes[0].startswith(f"clicks: event {known} was seen at 2 times")


def test_a_log_whose_beginning_is_gone_says_what_it_cannot_prove(store: Store, appeal: Log) -> None:
    tables = landed(appeal)
    first = next(record for record in appeal.records if record.topic == "clicks")
    place = Place("clicks", first.partition)
    logs = appeal.logs()
    kept = [record for record in logs.records if Place(*record[:2]) != place or record.offset > 0]
    logs = Logs(kept, {**logs.spans, place: Span(1, logs.spans[place].end)})
    log = Log()
    log.records = kept
    result = _audit(store, log, tables, logs)
    assert result.differences == []
    assert "conversions" not in result.compared
    told = "\n".join(result.unproven)
    assert "the log begins at 1" in told
    assert "no window was compared" in told
    assert "clicks: 1 rows come from records that the log no longer holds" in told


def test_all_differences_are_counted_and_the_first_of_each_kind_told(store: Store, appeal: Log) -> None:
    tables = {**landed(appeal), "clicks": [], "conversions": []}
    store.land(tables)
    result = compare(store.client, appeal.oracle(), appeal.logs(), shown=4)
    assert len(result.differences) == 4
    assert {sentence.partition(":")[0] for sentence in result.differences} == {"clicks", "conversions"}
    assert result.differences_total > 1000
