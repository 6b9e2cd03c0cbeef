"""ClickHouse (chDB, one thread): the same values as one SELECT over raw tables that were filled before.

The time is the SELECT's alone.  It is no contestant: it would have to run anew for each new event.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition
from chdb.session import Session

from tests.benchmarks.rivals.programs import job

COLUMNS = {
    "shares": "influencer_id String",
    "clicks": "visitor_id String",
    "impressions": "count UInt64",
    "donations": "amount Decimal(18, 2)",
}
TABLE = """
CREATE TABLE {kind} (place UInt64, event_id UUID, referral_id String, occurred_at DateTime64(3, 'UTC'), {column})
ENGINE = MergeTree ORDER BY (referral_id, occurred_at, event_id)
"""
FILL = """
INSERT INTO {kind} SELECT * FROM file('{file}', JSONEachRow,
    'place UInt64, event_id UUID, referral_id String, occurred_at DateTime64(3, \\'UTC\\'), {column}')
SETTINGS input_format_skip_unknown_fields = 1, date_time_input_format = 'best_effort'
"""
ONCE = """
SELECT referral_id, toUInt32(intDiv(toUnixTimestamp(at), 60)) AS minute,
    {impressions} AS impressions, {clicks} AS clicks, {donations} AS donations, {cents} AS cents
FROM (SELECT any(referral_id) AS referral_id, any(occurred_at) AS at{more} FROM {kind} GROUP BY event_id)
"""
VALUES = """
WITH owners AS (SELECT referral_id, argMin(influencer_id, place) AS owner FROM shares GROUP BY referral_id)
SELECT concat(if(owner = '', '(unattributed)', owner), '|', toString(minute)) AS key,
    sum(impressions) AS impressions, sum(clicks) AS clicks, sum(donations) AS donations, sum(cents) AS cents
FROM ({events}) AS events LEFT JOIN owners USING (referral_id)
GROUP BY key
INTO OUTFILE '{file}' FORMAT JSONEachRow
SETTINGS max_threads = 1, output_format_json_quote_64bit_integers = 0
"""


def once(kind: str, more: str = "", **counts: str) -> str:
    zeros = {"impressions": "0", "clicks": "0", "donations": "0", "cents": "0"}
    return ONCE.format(kind=kind, more=more, **{**zeros, **counts})


async def download(folder: Path) -> None:
    """The log as one file of JSON lines a topic; `place` is where a record lies in its partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=job.BROKER, group_id=None, auto_offset_reset="earliest")
    await consumer.start()
    consumer.assign([TopicPartition(topic, number) for topic in job.TOPICS for number in range(job.PARTITIONS)])
    files = {topic: (folder / f"{topic.removeprefix(job.PREFIX)}.jsonl").open("wb") for topic in job.TOPICS}
    read = 0
    while read < job.EVENTS:
        for place, records in (await consumer.getmany(timeout_ms=200, max_records=5000)).items():
            read += len(records)
            files[place.topic].writelines(b'{"place":%d,%s\n' % (one.offset, one.value[1:]) for one in records)
    for file in files.values():
        file.close()
    await consumer.stop()


def main() -> None:
    asyncio.run(download(job.FOLDER))
    session = Session(str(job.FOLDER / "store"))
    session.query("CREATE DATABASE rival ENGINE = Atomic")
    session.query("USE rival")
    for kind, column in COLUMNS.items():
        session.query(TABLE.format(kind=kind, column=column))
        session.query(FILL.format(kind=kind, column=column, file=job.FOLDER / f"{kind}.jsonl"))
    events = " UNION ALL ".join(
        (
            once("impressions", ", any(count) AS number", impressions="number"),
            once("clicks", clicks="1"),
            once("donations", ", any(amount) AS paid", donations="1", cents="toUInt64(paid * 100)"),
        )
    )
    job.taken(job.EVENTS)
    session.query(VALUES.format(events=events, file=job.FOLDER / "values.jsonl"))
    job.finished()


if __name__ == "__main__":
    main()
