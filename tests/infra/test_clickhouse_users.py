"""What the reader can never do, and what even the writer may not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from endpoint_client import ask, credentials
from ground import ROOT, Store

from infra.embedded.clickhouse.statements import judge
from infra.embedded.clickhouse.users import READ_LIMITS, READER, WRITER, User, clamp

REFUSED_TO_ALL = [
    "SELECT file('/etc/passwd')",
    "SELECT /* a comment */ `fi\\x6ce`/**/('/etc/passwd')",
    "SELECT \"file\"('/etc/passwd')",
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT * FROM FILE('/etc/passwd', 'LineAsString')",
    "DESCRIBE file('/etc/passwd')",
    "EXPLAIN SELECT file('/etc/passwd')",
    "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    "SELECT * FROM s3('http://127.0.0.1:1/bucket/key', 'CSV', 'a Int8')",
    "SELECT * FROM remote('127.0.0.1:1', 'system.one')",
    "SELECT * FROM executable('id', 'TSV', 'a String')",
    "SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
    "SELECT * FROM sqlite('/tmp/x.db', 't')",
    "SELECT * FROM Python(engine)",
    "SELECT * FROM eval('SELECT 1')",
    "SELECT 1 INTO OUTFILE '{folder}/stolen'",
    "SELECT 1 INTO /**/ OUTFILE '{folder}/stolen' TRUNCATE FORMAT CSV",
    "SELECT 1; DROP TABLE kept",
]

REFUSED_TO_THE_READER = [
    "INSERT INTO kept VALUES (1)",
    'INSERT INTO kept FORMAT JSONEachRow {"a": 1}',
    "INSERT INTO kept SELECT 1",
    "INSERT INTO FUNCTION file('{folder}/stolen', 'CSV', 'a Int8') SELECT 1",
    "CREATE TABLE other (a Int8) ENGINE = Memory",
    "CREATE TEMPORARY TABLE other (a Int8)",
    "CREATE VIEW other AS SELECT 1",
    "CREATE FUNCTION twice AS (x) -> 2 * x",
    "ALTER TABLE kept DELETE WHERE 1",
    "DELETE FROM kept WHERE 1",
    "TRUNCATE TABLE kept",
    "DROP TABLE kept",
    "DETACH TABLE kept",
    "RENAME TABLE kept TO lost",
    "OPTIMIZE TABLE kept FINAL",
    "SYSTEM STOP MERGES",
    "SYSTEM FLUSH LOGS",
    "KILL QUERY WHERE 1",
    "SET readonly = 0",
    "SET max_execution_time = 0",
    "USE system",
    "SELECT 1 SETTINGS readonly = 0",
    "SELECT 1 SETTINGS max_execution_time = 0",
    "DROP DATABASE groundswell",
    "BACKUP TABLE kept TO File('{folder}/stolen')",
    "GRANT ALL ON *.* TO reader",
]

ALLOWED_TO_THE_READER = [
    "SELECT count() FROM kept",
    "SELECT sum(a) FROM kept FINAL",
    "WITH 1 AS one SELECT one",
    "(SELECT 1) UNION ALL (SELECT 2)",
    "SHOW TABLES",
    "DESCRIBE TABLE kept",
    "EXISTS TABLE kept",
    "EXPLAIN SELECT * FROM kept",
    "SELECT 'file(1) INTO OUTFILE ENGINE = Kafka'",
    "SELECT url FROM (SELECT 'x' AS url) WHERE url IN ('x')",
    "SELECT * FROM numbers(3) -- a comment\n;",
    "SELECT domain('http://a.example/'), filename FROM (SELECT 1 AS filename)",
    "SELECT * FROM view(SELECT 1)",
    "SELECT formatDateTime(now(), '%F'), format('{}', 'x')",
]

REFUSED_TO_THE_WRITER = [
    "CREATE TABLE queue (a Int8) ENGINE = Kafka('127.0.0.1:1', 'a', 'b', 'JSONEachRow')",
    "create table queue (a Int8) engine/**/=/**/`Kafka`('127.0.0.1:1', 'a', 'b', 'JSONEachRow')",
    "CREATE TABLE queue (a Int8) ENGINE Kafka SETTINGS kafka_broker_list = '127.0.0.1:1'",
    "CREATE OR REPLACE TABLE queue (a Int8) ENGINE = Kafka('127.0.0.1:1', 'a', 'b', 'JSONEachRow')",
    "CREATE MATERIALIZED VIEW queue ENGINE = Kafka('127.0.0.1:1', 'a', 'b', 'JSONEachRow') AS SELECT 1",
    "CREATE TABLE queue (a Int8) ENGINE = File(CSV, '/etc/passwd')",
    "CREATE TABLE queue (a Int8) ENGINE = URL('http://127.0.0.1:1/', 'CSV')",
    "CREATE DATABASE outside ENGINE = Filesystem('/etc')",
    "INSERT INTO kept FROM INFILE '/etc/passwd' FORMAT CSV",
    "SYSTEM SHUTDOWN",
    "SYSTEM KILL",
    "SET max_threads = 1",
]

ALLOWED_TO_THE_WRITER = [
    "INSERT INTO kept SELECT a + 100 FROM kept",
    "CREATE TABLE more (a UInt64) ENGINE = ReplacingMergeTree ORDER BY a",
    "CREATE VIEW seen AS SELECT a FROM kept FINAL",
    "ALTER TABLE kept ADD COLUMN b Nullable(String)",
    "SYSTEM STOP MERGES",
    "SYSTEM START MERGES",
    "OPTIMIZE TABLE kept FINAL",
    "DELETE FROM kept WHERE a = 2",
    "TRUNCATE TABLE kept",
    "DROP TABLE kept",
]


@pytest.fixture
def kept(database: Store) -> Store:
    assert ask(database, body=b"CREATE TABLE kept (a UInt64) ENGINE = ReplacingMergeTree ORDER BY a")[0] == 200
    assert ask(database, body=b"INSERT INTO kept VALUES (7)")[0] == 200
    return database


def by_reader(store: Store, sql: str, **more: str) -> tuple[int, bytes]:
    user, password, _ = credentials(store.reader_store)
    status, body, _ = ask(store, body=sql.encode(), user=user, password=password, **more)
    return status, body


@pytest.mark.parametrize("sql", REFUSED_TO_ALL + REFUSED_TO_THE_READER)
def test_the_reader_only_reads_the_store(kept: Store, sql: str, tmp_path: Path) -> None:
    status, body = by_reader(kept, sql.replace("{folder}", str(tmp_path)))
    assert status in (400, 403, 404, 500), body
    assert body.startswith(b"Code: ")
    assert b"root:" not in body
    assert ask(kept, "SELECT groupArray(a) FROM kept")[1] == b"[7]\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sql", ALLOWED_TO_THE_READER)
def test_the_reader_reads(kept: Store, sql: str) -> None:
    status, body = by_reader(kept, sql)
    assert (status, body != b"") == (200, True), body


@pytest.mark.parametrize("sql", REFUSED_TO_ALL + REFUSED_TO_THE_WRITER)
def test_the_writer_stays_inside_the_store(kept: Store, sql: str, tmp_path: Path) -> None:
    status, body, _ = ask(kept, body=sql.replace("{folder}", str(tmp_path)).encode())
    assert status in (400, 403), body
    assert list(tmp_path.iterdir()) == []
    assert ask(kept, "SELECT count() FROM kept")[1] == b"1\n"


@pytest.mark.parametrize("sql", ALLOWED_TO_THE_WRITER)
def test_the_writer_migrates_and_inserts(kept: Store, sql: str) -> None:
    status, body, _ = ask(kept, body=sql.encode())
    assert status == 200, body


def test_a_reader_may_ask_for_less_but_not_for_more() -> None:
    asked = {"max_execution_time": "5", "max_result_rows": "0", "max_result_bytes": "999999999999", "final": "1"}
    assert clamp(asked) == {
        "max_execution_time": "5",
        "max_memory_usage": str(READ_LIMITS["max_memory_usage"]),
        "max_result_bytes": str(READ_LIMITS["max_result_bytes"]),
        "max_result_rows": str(READ_LIMITS["max_result_rows"]),
        "max_threads": str(READ_LIMITS["max_threads"]),
        "final": "1",
    }
    assert clamp({"max_execution_time": "-1"})["max_execution_time"] == str(READ_LIMITS["max_execution_time"])


def test_what_a_reader_asks_is_not_compiled(kept: Store) -> None:
    for name in ("compile_expressions", "compile_aggregate_expressions"):
        assert by_reader(kept, f"SELECT value FROM system.settings WHERE name = '{name}' FORMAT TSV") == (200, b"0\n")


@pytest.mark.parametrize("setting", ["readonly", "allow_ddl", "allow_introspection_functions", "file_like_engine_flag"])
@pytest.mark.parametrize("value", ["0", "1", "2"])
def test_a_reader_cannot_ask_for_other_settings_in_the_address(kept: Store, setting: str, value: str) -> None:
    for sql in ("SELECT 1", "INSERT INTO kept VALUES (2)"):
        status, body = by_reader(kept, sql, **{setting: value})
        assert status == 404
        assert b"unknown here or not for reader" in body
    assert ask(kept, "SELECT count() FROM kept")[1] == b"1\n"


def test_a_reader_who_asks_for_all_memory_still_reads_only(kept: Store) -> None:
    status, body = by_reader(kept, "INSERT INTO kept VALUES (2)", max_memory_usage="0")
    assert status in (400, 403), body
    assert by_reader(kept, "SELECT getSetting('readonly')", max_memory_usage="0")[1] == b"1\n"


def test_a_reader_is_stopped_at_a_million_rows(kept: Store) -> None:
    status, body = by_reader(kept, "SELECT number FROM numbers(1000001)", max_result_rows="0")
    assert status == 500
    assert b"Code: 396" in body


def test_a_reader_is_stopped_when_its_time_is_over(kept: Store) -> None:
    status, body = by_reader(kept, "SELECT sum(cityHash64(number)) FROM numbers(100000000000)", max_execution_time="1")
    assert status == 408
    assert b"Code: 159" in body


def test_statements_that_the_parser_writes_are_judged_token_by_token() -> None:
    functions = frozenset({"url", "numbers"})
    assert judge("SELECT 'it\\'s url(1)', `url (`, numbers(1)", User(READER, False), functions) is None
    assert judge("SELECT 1 FROM `url`('x')", User(WRITER, True), functions) is not None
    assert judge("", User(WRITER, True), functions) is not None


def test_a_directory_survives_an_attempt_at_a_kafka_table(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from infra.embedded.clickhouse.engine import Engine, Refused
from infra.embedded.clickhouse.users import User
engine = Engine(Path(sys.argv[1]))
try:
    sql = "CREATE TABLE q (a Int8) ENGINE = Kafka('a', 'b', 'c', 'CSV')"
    engine.run(sql, "TSV", User("groundswell", True), "groundswell", {}, {}, False)
except Refused:
    print("refused")
engine.close()
"""
    for _ in range(2):
        command = [sys.executable, "-c", script, str(tmp_path / "data")]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
        assert (done.stdout, done.returncode) == ("refused\n", 0), done.stderr
