"""The embedded endpoint is a ClickHouse to the clients that people use."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import threading
import time
import urllib.parse
import zlib
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import clickhouse_connect
import lz4.frame
import pytest
from endpoint_client import ask, credentials
from ground import Store

from infra.embedded.clickhouse.protocol import Malformed, decompress

GIFTS = """CREATE TABLE gifts (id UInt64, amount Decimal(38, 4), at DateTime64(3, 'UTC'), note Nullable(String))
ENGINE = ReplacingMergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 100"""

ROW = {"id": 1, "amount": "12.50", "at": "2026-03-12T18:00:00.123Z", "note": "it's; --fine"}


@pytest.fixture
def gifts(database: Store) -> Store:
    status, body, _ = ask(database, body=GIFTS.encode())
    assert (status, body) == (200, b"")
    return database


def test_clickhouse_connect_reads_what_it_inserted(gifts: Store) -> None:
    client = clickhouse_connect.get_client(dsn=gifts.store, tz_mode="aware")
    at = datetime(2026, 3, 12, 18, 0, 0, 123000, tzinfo=UTC)
    rows = [[1, Decimal("12.5000"), at, None], [2, Decimal("0.0001"), at, "x" * 5000]]
    client.insert("gifts", rows, column_names=["id", "amount", "at", "note"])
    answer = client.query("SELECT * FROM gifts FINAL ORDER BY id")
    assert [list(row) for row in answer.result_rows] == rows


def test_clickhouse_connect_sends_ready_json_lines(gifts: Store) -> None:
    client = clickhouse_connect.get_client(dsn=gifts.store, compress=True)
    block = "\n".join(json.dumps(ROW | {"id": number}) for number in range(1000)).encode()
    settings = {"insert_deduplication_token": "gifts:0:0-999", "async_insert": 0}
    for _ in range(2):
        summary = client.raw_insert("gifts", insert_block=block, fmt="JSONEachRow", settings=settings)
    assert client.command("SELECT count() FROM gifts") == 1000
    assert summary.written_rows in (0, 1000)


def test_clickhouse_connect_binds_parameters_short_and_long(gifts: Store) -> None:
    client = clickhouse_connect.get_client(dsn=gifts.reader_store)
    for text in ("it's\na \\ 'test'\t", "x" * 200_000):
        assert client.query("SELECT {t:String}", parameters={"t": text}).result_rows == [(text,)]


def test_clickhouse_connect_names_the_table_that_is_missing(gifts: Store) -> None:
    client = clickhouse_connect.get_client(dsn=gifts.reader_store)
    with pytest.raises(clickhouse_connect.driver.exceptions.DatabaseError, match="UNKNOWN_TABLE"):
        client.query("SELECT * FROM missing")


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_curl_inserts_a_file_and_reads_it_back(gifts: Store) -> None:
    user, password, name = credentials(gifts.store)
    url = f"{gifts.url}?database={name}"

    def curl(*arguments: str, data: str | None = None) -> str:
        command = ["curl", "-sS", "-u", f"{user}:{password}", *arguments]
        return subprocess.run(command, input=data, capture_output=True, text=True, check=True).stdout

    insert = urllib.parse.quote("INSERT INTO gifts FORMAT JSONEachRow")
    assert curl(f"{url}&query={insert}", "--data-binary", "@-", data=json.dumps(ROW)) == ""
    assert curl(url, "--data-binary", "SELECT amount, note FROM gifts") == "12.5\tit\\'s; --fine\n"
    assert json.loads(curl(url, "--data-binary", "SELECT id FROM gifts FORMAT JSONEachRow")) == {"id": 1}
    assert "Code: 62" in curl(url, "--data-binary", "SELECT FROM WHERE")
    assert curl(f"{gifts.url}ping") == "Ok.\n"


def test_statement_and_data_may_share_the_body(gifts: Store) -> None:
    status, _, headers = ask(gifts, body=b"INSERT INTO gifts FORMAT JSONEachRow\n" + json.dumps(ROW).encode())
    assert status == 200
    assert json.loads(headers["X-ClickHouse-Summary"])["written_rows"] == "1"
    assert ask(gifts, body=b"INSERT INTO gifts (id, amount, at) VALUES (2, 1.5, '2026-03-12 18:00:00')")[0] == 200
    assert ask(gifts, "SELECT sum(amount) FROM gifts")[1] == b"14\n"


@pytest.mark.parametrize(
    ("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("lz4", lz4.frame.compress)]
)
def test_compressed_bodies_are_understood(gifts: Store, encoding: str, compress: Any) -> None:
    data = compress(json.dumps(ROW).encode())
    headers = {"Content-Encoding": encoding}
    assert ask(gifts, "INSERT INTO gifts FORMAT JSONEachRow", data, headers=headers)[0] == 200
    assert ask(gifts, "SELECT count() FROM gifts")[1] == b"1\n"


@pytest.mark.parametrize(
    ("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("lz4", lz4.frame.compress)]
)
def test_a_small_body_cannot_grow_without_bound(encoding: str, compress: Any) -> None:
    assert len(decompress(compress(bytes(1 << 20)), encoding, 1 << 20)) == 1 << 20
    with pytest.raises(Malformed, match="larger"):
        decompress(compress(bytes((1 << 20) + 1)), encoding, 1 << 20)
    with pytest.raises(Malformed, match="larger"):
        decompress(compress(bytes(1 << 25)), encoding, 1 << 20)


def test_gzip_of_several_members_is_one_body() -> None:
    assert decompress(gzip.compress(b"a\n") + gzip.compress(b"b\n"), "gzip") == b"a\nb\n"


@pytest.mark.parametrize("encoding", ["gzip", "lz4", "deflate", "br", "zstd"])
def test_a_body_that_is_not_what_it_says_is_a_clean_error(gifts: Store, encoding: str) -> None:
    headers = {"Content-Encoding": encoding}
    status, body, _ = ask(gifts, "INSERT INTO gifts FORMAT JSONEachRow", b"not compressed", headers=headers)
    assert status in (400, 415)
    assert body.startswith(b"Code: ")


def test_a_truncated_body_inserts_nothing(gifts: Store) -> None:
    for encoding, compress in (("gzip", gzip.compress), ("lz4", lz4.frame.compress)):
        whole = compress(b"\n".join(json.dumps(ROW).encode() for _ in range(1000)))
        headers = {"Content-Encoding": encoding}
        status, _, _ = ask(gifts, "INSERT INTO gifts FORMAT JSONEachRow", whole[: len(whole) // 2], headers=headers)
        assert status == 400
    assert ask(gifts, "SELECT count() FROM gifts")[1] == b"0\n"


def test_large_answers_are_gzipped_when_asked(gifts: Store) -> None:
    headers = {"Accept-Encoding": "gzip"}
    _, body, got = ask(gifts, "SELECT number FROM numbers(10000)", headers=headers, enable_http_compression="1")
    assert got["Content-Encoding"] == "gzip"
    assert gzip.decompress(body).count(b"\n") == 10_000


def test_clickhouse_go_is_greeted_with_revision_zero(gifts: Store) -> None:
    sql = "SELECT displayName(), version(), revision(), timezone()"
    _, body, headers = ask(gifts, body=sql.encode(), default_format="Native", client_protocol_version="54460")
    assert headers["X-ClickHouse-Format"] == "Native"
    assert body.startswith(b"\x01\x00\x02\xff\xff\xff\xff\x00\x04\x01\x0ddisplayName()\x06String\x00\x04chdb")
    assert b"\x0arevision()\x06UInt32\x00\x00\x00\x00\x00" in body


def test_the_format_of_the_statement_wins(gifts: Store) -> None:
    _, body, headers = ask(gifts, "SELECT 1 AS one FORMAT JSONEachRow", default_format="Native")
    assert (body, headers["X-ClickHouse-Format"]) == (b'{"one":1}\n', "JSONEachRow")


def test_errors_carry_clickhouses_code(gifts: Store) -> None:
    status, body, headers = ask(gifts, "SELECT missing FROM gifts")
    assert (status, headers["X-ClickHouse-Exception-Code"]) == (404, "47")
    assert body.startswith(b"Code: 47. DB::Exception: ")


def test_one_bad_row_fails_the_whole_insert(gifts: Store) -> None:
    data = json.dumps(ROW).encode() + b'\n{"id": "none"}\n'
    status, body, _ = ask(gifts, "INSERT INTO gifts FORMAT JSONEachRow", data)
    assert status >= 400
    assert b"Code: " in body
    assert ask(gifts, "SELECT count() FROM gifts")[1] == b"0\n"


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "guess"},
        {"user": "default", "password": ""},
        {"user": "", "password": ""},
        {"user": "reader", "password": "groundswell"},
        {"user": "grundschwelle", "password": "groundswell"},
    ],
)
def test_nobody_else_is_let_in(gifts: Store, wrong: dict[str, str]) -> None:
    status, body, _ = ask(gifts, "SELECT 1", **wrong)
    assert status == 401
    assert body.startswith(b"Code: 516.")


def test_broken_basic_authentication_is_refused(gifts: Store) -> None:
    status, _, _ = ask(gifts, "SELECT 1", headers={"Authorization": "Basic %%%"})
    assert status == 401


@pytest.mark.parametrize(
    "header",
    [{"Origin": "http://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "rebound.example"}],
)
def test_a_page_of_another_site_may_not_ask(gifts: Store, header: dict[str, str]) -> None:
    assert ask(gifts, "SELECT 1", headers=header)[0] == 403


def test_an_unknown_setting_is_named(gifts: Store) -> None:
    status, body, _ = ask(gifts, "SELECT 1", allow_everything="1")
    assert status == 404
    assert b"allow_everything" in body


@pytest.mark.parametrize("name", ["a b", "x`; DROP TABLE gifts", "../x"])
def test_a_strange_database_name_is_refused(gifts: Store, name: str) -> None:
    assert ask(gifts, "SELECT 1", database=name)[0] == 404


def test_a_get_never_changes_anything(gifts: Store) -> None:
    for sql in ("TRUNCATE TABLE gifts", "INSERT INTO gifts FORMAT JSONEachRow {}", "DROP TABLE gifts"):
        assert ask(gifts, sql, method="GET")[0] == 403
    assert ask(gifts, "SELECT count() FROM gifts", method="GET")[1] == b"0\n"


def test_slow_readers_do_not_keep_the_writer_waiting(gifts: Store) -> None:
    def read_slowly() -> None:
        user, password, _ = credentials(gifts.reader_store)
        ask(gifts, "SELECT sleep(2)", user=user, password=password)

    readers = [threading.Thread(target=read_slowly) for _ in range(6)]
    for reader in readers:
        reader.start()
    time.sleep(0.3)
    began = time.monotonic()
    assert ask(gifts, "INSERT INTO gifts FORMAT JSONEachRow", json.dumps(ROW).encode())[0] == 200
    took = time.monotonic() - began
    assert any(reader.is_alive() for reader in readers)
    assert took < 1.5
    for reader in readers:
        reader.join()


def test_settings_of_one_request_do_not_reach_the_next(gifts: Store) -> None:
    asked = "SELECT value FROM system.settings WHERE name = 'max_threads'"
    before = ask(gifts, asked)[1]
    assert ask(gifts, asked, max_threads="77")[1] == b"77\n"
    assert ask(gifts, asked)[1] == before


def test_an_insert_is_never_acknowledged_by_a_buffer(gifts: Store) -> None:
    asked = "SELECT value FROM system.settings WHERE name = 'async_insert'"
    assert ask(gifts, asked, async_insert="1")[1] == b"0\n"
