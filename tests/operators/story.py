"""Stories in data, played through attribution and conversion with no broker.

A file holds stories; each begins with `story:` and a sentence.  A time is `18:05`, `18:05:10`, or `2/18:05` two days
after the first; an event is sent a second after it happened unless it says `sent=`.

    share r1 ann 18:00 channel=blog      click r1 18:05      impression r1 40 measured 18:05
    donation r1 25.00 18:06 fee=1.00     refund r1 5.00 18:07     (`-` instead of r1: a direct gift)
    again [label] [field=value]          the event (`as=label`, else the last one) is sent once more
    raw clicks 18:05 r1 {"not": "one"    bytes under a key
    beat 1 18:30                         a heartbeat in partition 1
    wall 18:30                           from now on the wall clock counts, and stands there
    behind 1 | idle 1 | missing 1        what is known of partition 1 (at first all are idle: read to their end)
    pack | restart                       attribution packs; both roles start anew
    flush                                everything that came is folded, emitted, taken in and flushed

What is expected, of the last flush or of the table:

    > influencer:ann 15m 18:06 clicks=1 final=1     was emitted, with these columns (`zero`: with nothing in it)
    ! influencer:ann 15m 18:07                      was not emitted
    = influencer:ann 15m 18:06 clicks=1             stands in the table
    ~ influencer:ann 15m 18:07                      stands not in the table
    rows 12 | rows < 12                             rows of the last flush
    tally clicks accepted=1 duplicates=1            numbers of records, of all partitions
    letter shares referral_taken influencer_id bob  the newest dead letter
    watermark 18:01                                 of the campaign `door` (`none`: withheld)

At the end of every story the table is compared with the oracle.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import wiring
from looking import drain
from wiring import Landed, Logs

from schemas.dead_letters import DeadLetter
from schemas.results import WindowResult
from schemas.slices import Entity, SliceRecord, decode, encode
from schemas.times import DAY_MS
from schemas.topics import SOURCES
from streams.audit.oracle import Oracle
from streams.operators.attribution.emission import LogEnds
from streams.operators.attribution.fold import AttributionOperator
from streams.operators.attribution.snapshot import fingerprint_of, from_bytes, to_bytes
from streams.operators.attribution.state import compact
from streams.operators.windowing.state import Conversion
from streams.operators.windowing.windower import Windower

MIDNIGHT = wiring.START.replace(hour=0)
CAMPAIGNS = (wiring.campaign_of("door", "USD"), wiring.campaign_of("yen", "JPY"))
TOPIC_OF = {"share": "shares", "click": "clicks", "impression": "impressions", "donation": "donations"}
TOPIC_OF["refund"] = "donations"


class Told(NamedTuple):
    """A story: its sentence, and its lines with their numbers."""

    sentence: str
    lines: list[tuple[int, str]]


class Wrong(AssertionError):
    """What happened is not what the story says."""


def stories_of(path: Path) -> list[Told]:
    stories: list[Told] = []
    for number, raw in enumerate(path.read_text().splitlines(), start=1):
        line = raw.split("  #")[0].strip()
        if line.startswith("story:"):
            stories.append(Told(line.removeprefix("story:").strip(), []))
        elif line and not line.startswith("#"):
            stories[-1].lines.append((number, line))
    return stories


def play(told: Told) -> None:
    """Play a story.

    Raises:
        Wrong: an expectation does not hold; the message names the line.
    """
    world = World()
    for number, line in told.lines:
        verb, *words = line.split()
        try:
            if verb in TOPIC_OF:
                world.tell(verb, words)
            else:
                getattr(world, VERBS[verb])(words)
        except Wrong as wrong:
            raise Wrong(f"line {number}: {line}\n{wrong}") from None
    world.compare_with_the_oracle()


VERBS = {
    **{verb: verb for verb in ("again", "raw", "beat", "wall", "behind", "idle", "missing")},
    "pack": "compact",
    **{verb: verb for verb in ("restart", "flush")},
    **{verb: verb for verb in ("rows", "tally", "letter", "watermark")},
    ">": "emitted",
    "!": "not_emitted",
    "=": "stands",
    "~": "stands_not",
}


class World:
    """Everything there is in a story, and a method for each verb."""

    def __init__(self) -> None:
        self.codec = wiring.codec_of(CAMPAIGNS)
        self.folder = AttributionOperator(self.codec, wiring.PROCESSOR)
        self.logs = Logs()
        self.states = [wiring.begun(partition) for partition in range(wiring.PARTITIONS)]
        self.known = ["idle"] * wiring.PARTITIONS
        self.windower = Windower(self.codec.campaigns, wiring.PARTITIONS)
        self.conversion = Conversion(0)
        self.slices: list[SliceRecord] = []
        self.marked: tuple[int, int, dict[str, int]] = (0, 0, {})
        self.lives = 0
        self.now_ms: int | None = None
        self.last: list[WindowResult] = []
        self.landed = Landed()
        self.letters: list[DeadLetter] = []
        self.events: dict[str, tuple[str, dict[str, Any], int]] = {}

    # ---- what happens ------------------------------------------------------------------------------------

    def tell(self, verb: str, words: list[str]) -> None:
        """Write an event."""
        plain, named = _split(words)
        label = named.pop("as", "")
        occurred_ms = time_of(plain[-1])
        sent_ms = time_of(named.pop("sent")) if "sent" in named else occurred_ms + 1000
        campaign = named.pop("in", "door")
        referral = None if plain[0] == "-" else plain[0]
        more = {**_own_fields(verb, plain), **named}
        fields = wiring.event_fields(len(self.events), occurred_ms, campaign, referral, **more)
        self.events[label or f"#{len(self.events)}"] = told = (TOPIC_OF[verb], fields, sent_ms)
        self.events["last"] = told
        self.logs.event(*told)

    def again(self, words: list[str]) -> None:
        plain, changes = _split(words)
        topic, fields, sent_ms = self.events[plain[0] if plain else "last"]
        if "sent" in changes:
            sent_ms = time_of(changes.pop("sent"))
        self.logs.event(topic, {**fields, **changes}, sent_ms)

    def raw(self, words: list[str]) -> None:
        topic, at, key, *rest = words
        self.logs.append(topic, key.encode(), " ".join(rest).encode(), time_of(at))

    def beat(self, words: list[str]) -> None:
        wiring.heartbeat(self.logs, int(words[0]), time_of(words[1]))

    def wall(self, words: list[str]) -> None:
        self.now_ms = time_of(words[0])

    def behind(self, words: list[str]) -> None:
        self.known[int(words[0])] = "behind"

    def idle(self, words: list[str]) -> None:
        self.known[int(words[0])] = "idle"

    def missing(self, words: list[str]) -> None:
        self.known[int(words[0])] = "missing"

    def compact(self, words: list[str]) -> None:
        for state in self.states:
            compact(state, state.clock // 1000 + 86_400)

    def restart(self, words: list[str]) -> None:
        """Attribution from what it saved, conversion from the beginning of its log, marked at its last flush."""
        self.lives += 1
        fingerprint = fingerprint_of(self.codec)
        self.states = [from_bytes(to_bytes(state, fingerprint), state.partition, fingerprint) for state in self.states]
        self.conversion = Conversion(0)
        for offset, record in enumerate(self.slices):
            if offset == self.marked[0]:
                self.windower.resume(self.conversion, *self.marked[1:])
            self.windower.apply(self.conversion, record, emitted=offset < self.marked[0], catching_up=True)
        if self.marked[0] == len(self.slices):
            self.windower.resume(self.conversion, *self.marked[1:])
        self.conversion.position = len(self.slices)

    def flush(self, words: list[str]) -> None:
        for state, known in zip(self.states, self.known, strict=True):
            if known != "missing":
                wiring.fold_all(self.folder, state, self.logs)
                self._take(state, known == "idle")
        self.last = self._flush_windows()

    def _take(self, state: Any, idle: bool) -> None:
        ends = {topic: len(self.logs.records[topic, state.partition]) for topic in SOURCES}
        emission = drain(state, f"life{self.lives}", LogEnds(ends, idle), self.now_ms)
        self.letters += emission.letters
        for record in wiring.said(emission):
            self.slices.append(decode(encode(record)))
            self.windower.apply(self.conversion, self.slices[-1])
        self.conversion.position = len(self.slices)

    def _flush_windows(self) -> list[WindowResult]:
        results, said_all = self.windower.flush(self.conversion, wiring.START_MS)
        assert said_all
        self.marked = (self.conversion.position, self.conversion.clock, dict(self.conversion.watermarks))
        return self.landed.add(results)

    # ---- what is expected --------------------------------------------------------------------------------

    def emitted(self, words: list[str]) -> None:
        key, columns = _row_of(words)
        rows = [row for row in self.last if wiring.key_of_row(row) == key]
        if len(rows) != 1:
            raise Wrong(f"the last flush emitted it {len(rows)} times")
        _compare(rows[0], columns)

    def not_emitted(self, words: list[str]) -> None:
        key, _ = _row_of(words)
        if any(wiring.key_of_row(row) == key for row in self.last):
            raise Wrong("the last flush emitted it")

    def stands(self, words: list[str]) -> None:
        key, columns = _row_of(words)
        if key not in self.landed.rows:
            raise Wrong("the table has no such row")
        _compare(self.landed.rows[key], columns)

    def stands_not(self, words: list[str]) -> None:
        key, _ = _row_of(words)
        if key in self.landed.rows:
            raise Wrong(f"the table has {self.landed.rows[key]}")

    def rows(self, words: list[str]) -> None:
        number = len(self.last)
        holds = number < int(words[1]) if words[0] == "<" else number == int(words[0])
        if not holds:
            raise Wrong(f"the last flush emitted {number} rows")

    def tally(self, words: list[str]) -> None:
        (topic,), columns = _split(words)
        for column, text in columns.items():
            number = sum(getattr(state.tallies[topic], column) for state in self.states)
            if number != int(text):
                raise Wrong(f"{column} is {number}")

    def letter(self, words: list[str]) -> None:
        letter = self.letters[-1] if self.letters else None
        if letter is None or [letter.topic, letter.reason, letter.field, letter.value][: len(words)] != words:
            raise Wrong(f"the newest dead letter is {letter}")

    def watermark(self, words: list[str]) -> None:
        watermark_ms = self.conversion.watermarks.get("door")
        if watermark_ms != (None if words == ["none"] else time_of(words[0])):
            raise Wrong(f"it is {watermark_ms and MIDNIGHT + timedelta(milliseconds=watermark_ms - _MIDNIGHT_MS)}")

    def compare_with_the_oracle(self) -> None:
        if "missing" in self.known:
            return
        oracle = Oracle(self.logs.sources(), self.codec)
        found = [
            *wiring.differences(self.landed, oracle, self.conversion.watermarks),
            *wiring.differences_of_tallies(self.states, oracle),
        ]
        if found:
            raise Wrong("at the end the table is not what the log says:\n" + "\n".join(found[:5]))


_MIDNIGHT_MS = int(MIDNIGHT.timestamp() * 1000)


def time_of(text: str) -> int:
    """Epoch milliseconds of `18:05`, `18:05:10`, `2/18:05`."""
    day, _, clock = text.rpartition("/")
    hours, minutes, *seconds = clock.split(":")
    within = int(hours) * 3_600_000 + int(minutes) * 60_000 + round(float(seconds[0]) * 1000 if seconds else 0)
    return _MIDNIGHT_MS + int(day or 0) * DAY_MS + within


def _own_fields(verb: str, plain: list[str]) -> dict[str, Any]:
    match verb:
        case "share":
            return {"influencer_id": plain[1], "channel": "blog", "kind": "original", "audience": 100, "tie": "strong"}
        case "impression":
            return {"count": int(plain[1]), "basis": plain[2]}
        case "donation" | "refund":
            money = {"amount": plain[1], "currency": "USD"}
            return {**money, "donation_id": "gift", "kind": verb, "tie": "unknown"}
    return {}


def _split(words: list[str]) -> tuple[list[str], dict[str, Any]]:
    """The plain words, and the named ones."""
    named = dict(word.split("=", 1) for word in words if "=" in word)
    return [word for word in words if "=" not in word], named


def _row_of(words: list[str]) -> tuple[tuple[Entity, str, int], dict[str, str]]:
    columns = {name: text for word in words[3:] for name, _, text in [word.partition("=")]}
    campaign, _, entity = words[0].rpartition("/")
    dimension, _, member = entity.partition(":")
    return (Entity(campaign or "door", dimension, member), words[1], time_of(words[2]) // 1000), columns


_COUNTS = ("shares", "clicks", "donations", "refunds")
_COUNTS += ("impressions_measured", "impressions_sampled", "impressions_estimated")


def _compare(row: WindowResult, columns: dict[str, str]) -> None:
    shown = {name: _text(value) for name, value in msgspec.structs.asdict(row).items()}
    for name, text in columns.items():
        if name == "zero":
            if any(getattr(row, count) for count in _COUNTS) or float(row.net):
                raise Wrong(f"it holds something: {row}")
        elif shown[name] != text:
            raise Wrong(f"{name} is {shown[name]}")


def _text(value: Any) -> str:
    """A column as a story writes it; money in other currencies as `JPY:500:0:0,KWD:1.250:0.000:0.000`."""
    if isinstance(value, dict):
        parts = [":".join((code, money.gross, money.fee, money.refunded)) for code, money in sorted(value.items())]
        return ",".join(parts) or "none"
    return "null" if value is None else str(value)
