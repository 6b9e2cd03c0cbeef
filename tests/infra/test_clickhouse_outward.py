"""No way out of the embedded store: by a statement, a setting, a parameter, a format or a header of `reader`."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from endpoint_client import ask, credentials
from ground import ROOT, Store

from infra.embedded.clickhouse.protocol import TRANSPORT
from infra.embedded.clickhouse.users import READ_SETTINGS, WRITE_SETTINGS

FUZZED = 1_000
MARKER = "tide-marker-7d1f"


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    file = tmp_path / "held.txt"
    file.write_text(MARKER + "\n")
    return file


def by_reader(store: Store, sql: str, **more: str) -> tuple[int, bytes]:
    user, password, _ = credentials(store.reader_store)
    status, body, headers = ask(store, body=sql.encode(), user=user, password=password, **more)
    return status, body + str(headers).encode()


def stays_inside(status: int, answer: bytes) -> None:
    assert MARKER.encode() not in answer
    assert MARKER.encode().hex().upper().encode() not in answer.upper()
    assert status in (200, 400, 403, 404, 408, 500), answer
    assert b"Internal Server Error" not in answer


def leaking_statements(file: Path) -> list[str]:
    return [
        f"SELECT arrayMap(file, ['{file}'])",
        f"SELECT arrayFilter(x -> throwIf(1, x), arrayMap(`file`, ['{file}']))",
        f"SELECT * APPLY(file) FROM (SELECT '{file}' AS x)",
        f"SELECT COLUMNS('x') APPLY file FROM (SELECT '{file}' AS x)",
        f"SELECT * FROM `default`.`{file}`",
        f"SELECT * FROM merge('default', '{file}')",
        f"SELECT * FROM view(SELECT * FROM `default`.`{file}`)",
    ]


@pytest.mark.parametrize("at", range(7))
def test_a_statement_reads_no_file(database: Store, secret_file: Path, at: int) -> None:
    status, answer = by_reader(database, leaking_statements(secret_file)[at])
    stays_inside(status, answer)
    assert status != 200


@pytest.mark.parametrize("sql", ["SELECT * FROM {t:Identifier}", "SELECT * FROM {d:Identifier}.{t:Identifier}"])
def test_a_parameter_that_becomes_a_name_is_no_path(database: Store, secret_file: Path, sql: str) -> None:
    status, answer = by_reader(database, sql, param_t=str(secret_file), param_d="default")
    stays_inside(status, answer)
    assert status == 403


def test_a_parameter_that_becomes_a_name_names_what_is_in_the_store(database: Store) -> None:
    assert ask(database, body=b"CREATE TABLE kept (a UInt8) ENGINE = Memory")[0] == 200
    status, answer = by_reader(database, "SELECT count() FROM {t:Identifier}", param_t="kept")
    assert (status, answer[:2]) == (200, b"0\n")


def test_a_filter_in_a_setting_reads_no_file(database: Store, secret_file: Path) -> None:
    for name in ("additional_table_filters", "additional_result_filter", "parallel_replicas_custom_key", "filter"):
        for value in (
            f"{{'system.one':'throwIf(1, hex(file(\\'{secret_file}\\')))'}}",
            f"throwIf(1, file('{secret_file}'))",
        ):
            status, answer = by_reader(database, "SELECT dummy FROM system.one", **{name: value})
            stays_inside(status, answer)
            assert status == 404, name


def test_a_filter_in_the_writers_statement_is_judged_too(database: Store, secret_file: Path) -> None:
    inner = f"throwIf(1, hex(file(\\'{secret_file}\\')))"
    sql = f"SELECT dummy FROM system.one SETTINGS additional_table_filters = {{'system.one': '{inner}'}}"
    status, answer, _ = ask(database, body=sql.encode())
    stays_inside(status, answer)
    assert status == 403
    status, answer, _ = ask(
        database, body=b"SELECT dummy FROM system.one SETTINGS additional_table_filters = {'system.one': 'dummy = 1'}"
    )
    assert (status, answer) == (200, b"")


def test_no_setting_that_may_be_sent_takes_sql(database: Store) -> None:
    names = "', '".join(sorted(WRITE_SETTINGS))
    sql = f"SELECT name, type FROM system.settings WHERE name IN ('{names}') FORMAT JSONCompactEachRow"
    kinds = dict(json.loads(line) for line in ask(database, body=sql.encode())[1].splitlines())
    assert kinds.keys() == WRITE_SETTINGS
    texts = {name for name, kind in kinds.items() if kind in ("String", "Map")}
    # Rows are known by it, nothing is parsed from it, and it is the writer's alone.
    assert texts == {"insert_deduplication_token"}
    assert "insert_deduplication_token" not in READ_SETTINGS


def test_a_value_that_could_be_sql_is_refused_whatever_the_setting(database: Store) -> None:
    for name in sorted(READ_SETTINGS):
        assert by_reader(database, "SELECT 1", **{name: "1) OR file('x"})[0] == 404, name


def test_the_engine_itself_has_no_way_to_files_and_addresses(database: Store, secret_file: Path) -> None:
    grants = ask(database, "SHOW GRANTS")[1].decode()
    words = set(grants.replace(",", " ").split())
    assert not words & {"FILE", "URL", "REMOTE", "S3", "KAFKA", "SOURCES", "INTROSPECTION", "COLLECTION", "MYSQL"}, (
        grants
    )
    assert "SELECT" in words


def test_the_engine_refuses_files_where_no_judge_stands_before_it(tmp_path: Path, secret_file: Path) -> None:
    script = f"""
import sys
from pathlib import Path
from infra.embedded.clickhouse.engine import Engine
engine = Engine(Path(sys.argv[1]))
for sql in ("SELECT * FROM file('{secret_file}', LineAsString)", "SELECT * FROM `default`.`{secret_file}`",
            "CREATE TABLE q (a Int8) ENGINE = Kafka('a:1', 'b', 'c', 'CSV')",
            "SELECT * FROM url('http://127.0.0.1:1/', CSV, 'a Int8')"):
    try:
        print(engine._owner.query(sql, "TSV").bytes())
    except RuntimeError as error:
        print("ACCESS_DENIED" if "ACCESS_DENIED" in str(error) else error)
engine.close()
"""
    command = [sys.executable, "-c", script, str(tmp_path / "data")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout == "ACCESS_DENIED\n" * 4, done.stdout + done.stderr


@pytest.mark.parametrize("format", ["dataframe", "arrowtable", "Nope", "TSV; SELECT 1", "я", "../x"])
def test_a_format_that_is_none_is_refused_in_one_line(database: Store, format: str) -> None:
    status, answer = by_reader(database, "SELECT 1", default_format=format)
    assert (status, answer[:9]) == (400, b"Code: 73.")


def test_bytes_that_are_no_text_are_answered(database: Store) -> None:
    assert ask(database, body=rb"SELECT hex('\xff')")[:2] == (200, b"FF\n")
    assert ask(database, body=rb"SELECT '\xff'")[:2] == (200, b"\xff\n")
    status, body, _ = ask(database, body=b"SELECT '\xff'")
    assert status == 400
    assert body.startswith(b"Code: 36.")
    assert b"not UTF-8 (byte 8)" in body
    status, body, _ = ask(database, body=rb"SELECT throwIf(1, '\xff')")
    assert status == 500
    assert b"Code: 395" in body


@pytest.mark.parametrize("query_id", ["заявка", "a b", "a\r\nSet-Cookie: x", "x" * 257, "\x00"])
def test_a_query_id_that_no_header_can_carry_is_refused(database: Store, query_id: str) -> None:
    status, body, headers = ask(database, "SELECT 1", query_id=query_id)
    assert (status, body[:9]) == (400, b"Code: 36.")
    assert "Set-Cookie" not in headers


def test_a_reader_does_not_look_into_the_process(database: Store) -> None:
    assert by_reader(database, "SELECT getSetting('allow_introspection_functions')")[1][:5] == b"false"
    for sql in ("SELECT count() FROM system.stack_trace", "SELECT demangle(addressToSymbol(1))"):
        assert by_reader(database, sql)[0] != 200, sql


def test_nothing_that_is_sent_at_random_comes_out_or_breaks_the_endpoint(database: Store, secret_file: Path) -> None:
    """Every setting of the engine, and statements, parameters and formats put together by chance."""
    dice = random.Random(26)
    named = ask(database, body=b"SELECT name FROM system.settings FORMAT TSV")[1].decode().split()
    assert len(named) > 1000
    pieces = [
        "SELECT", "*", "FROM", "system.one", "file", f"'{secret_file}'", "(", ")", ",", "{t:Identifier}", "{s:String}",
        "APPLY", "arrayMap", "SETTINGS", "=", "'", "`", "\\xff", "FORMAT", "TSV", "INTO OUTFILE", "WITH", "AS", "x",
        "->", "UNION ALL", "--", "/*", "1", "url", "WHERE", "throwIf", "[", "]", "null", "é", "\\0", "viewExplain",
    ]  # fmt: skip
    values = [f"throwIf(1, file('{secret_file}'))", f"{{'system.one':'file(\\'{secret_file}\\')'}}", "1", "", "\\", "'"]
    values += [str(secret_file), "я", "-1", "file", "9" * 30]
    for number in range(FUZZED):
        sql = "SELECT " + " ".join(dice.choices(pieces, k=dice.randrange(1, 14)))
        sql = dice.choice((sql, f"SELECT dummy, {{s:String}} FROM system.one WHERE '{number}' != ''"))
        more = {"param_t": dice.choice(values), "param_s": dice.choice(values)}
        # Mostly names that may not be sent: that is what must hold for each of them.
        for name in dice.sample(named, 2) if dice.random() < 0.7 else dice.sample(sorted(READ_SETTINGS), 2):
            more[name] = dice.choice(values)
        if dice.random() < 0.3:
            more[dice.choice(("default_format", "database", "query_id", "role", "session_id"))] = dice.choice(values)
        stays_inside(*by_reader(database, sql, **more))
    assert by_reader(database, "SELECT 1")[1][:2] == b"1\n"


def test_every_setting_of_the_engine_that_a_reader_may_not_send_is_refused(database: Store) -> None:
    named = ask(database, body=b"SELECT name FROM system.settings FORMAT TSV")[1].decode().split()
    refused = [name for name in named if name not in READ_SETTINGS | TRANSPORT]
    for begin in range(0, len(refused), 100):
        some = dict.fromkeys(refused[begin : begin + 100], "1")
        status, answer = by_reader(database, "SELECT 1", **some)
        assert status == 404
        assert all(f"'{name}'".encode() in answer for name in some)
