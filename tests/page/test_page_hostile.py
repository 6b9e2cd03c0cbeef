"""What nobody may do through the page: write, read files, reach out, ask from another site or under another name."""

from __future__ import annotations

import base64
import http.client
import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from asking import Asked
from ground import ROOT
from page_ground import serve

from infra.processes.stack import Stack

JSON = {"Content-Type": "application/json"}

HOSTILE_SQL = [
    "INSERT INTO clicks (campaign_id) VALUES ('x')",
    "INSERT INTO clicks SELECT * FROM clicks",
    "INSERT INTO FUNCTION file('{folder}/stolen', 'CSV', 'a Int8') SELECT 1",
    "INSERT INTO clicks FROM INFILE '/etc/passwd' FORMAT CSV",
    "CREATE TABLE other (a Int8) ENGINE = Memory",
    "CREATE TEMPORARY TABLE other (a Int8)",
    "CREATE OR REPLACE VIEW leaderboard AS SELECT 1",
    "CREATE FUNCTION twice AS (x) -> 2 * x",
    "CREATE USER somebody",
    "ALTER TABLE clicks DELETE WHERE 1",
    "ALTER TABLE clicks UPDATE late = 1 WHERE 1",
    "DELETE FROM clicks WHERE 1",
    "TRUNCATE TABLE clicks",
    "DROP TABLE clicks",
    "DROP VIEW leaderboard",
    "DROP DATABASE groundswell",
    "RENAME TABLE clicks TO lost",
    "EXCHANGE TABLES clicks AND shares",
    "DETACH TABLE clicks",
    "OPTIMIZE TABLE clicks FINAL",
    "SYSTEM STOP MERGES",
    "SYSTEM SHUTDOWN",
    "KILL QUERY WHERE 1",
    "GRANT ALL ON *.* TO reader",
    "BACKUP TABLE clicks TO File('{folder}/stolen')",
    "SET readonly = 0",
    "SELECT 1 SETTINGS readonly = 0",
    "SELECT 1 SETTINGS max_execution_time = 0",
    "SELECT 1 SETTINGS max_memory_usage = 0, readonly = 2",
    "SELECT 1; DROP TABLE clicks",
    "SELECT 1 INTO OUTFILE '{folder}/stolen'",
    "SELECT file('/etc/passwd')",
    "SELECT \"file\"('/etc/passwd')",
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    "SELECT * FROM s3('http://127.0.0.1:1/bucket/key', 'CSV', 'a Int8')",
    "SELECT * FROM remote('127.0.0.1:1', 'system.one')",
    "SELECT * FROM executable('id', 'TSV', 'a String')",
    "SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
    "SELECT * FROM sqlite('/tmp/x.db', 't')",
    "EXPLAIN SELECT file('/etc/passwd')",
]

QUESTION = json.dumps({"sql": "SELECT 1"}).encode()

HOSTILE_REQUESTS = [
    ("another site's page", "POST", "/api/sql", {**JSON, "Origin": "http://evil.example"}, QUESTION, 403),
    ("a page of no site", "POST", "/api/sql", {**JSON, "Origin": "null"}, QUESTION, 403),
    ("a page at another port", "POST", "/api/sql", {**JSON, "Origin": "http://127.0.0.1:1"}, QUESTION, 403),
    ("cross-site", "POST", "/api/sql", {**JSON, "Sec-Fetch-Site": "cross-site"}, QUESTION, 403),
    ("same-site", "POST", "/api/sql", {**JSON, "Sec-Fetch-Site": "same-site"}, QUESTION, 403),
    ("a name that leads here", "POST", "/api/sql", {**JSON, "Host": "evil.example"}, QUESTION, 421),
    ("a name like ours", "POST", "/api/sql", {**JSON, "Host": "localhost.evil.example"}, QUESTION, 421),
    ("no name", "POST", "/api/sql", {**JSON, "Host": ""}, QUESTION, 421),
    ("figures for another site", "GET", "/api/choices", {"Sec-Fetch-Site": "cross-site"}, b"", 403),
    ("figures under another name", "GET", "/api/choices", {"Host": "evil.example"}, b"", 421),
    ("the document under another name", "GET", "/", {"Host": "evil.example"}, b"", 421),
    ("a form", "POST", "/api/sql", {"Content-Type": "text/plain"}, QUESTION, 415),
    ("no type", "POST", "/api/sql", {}, QUESTION, 415),
    ("no JSON", "POST", "/api/sql", JSON, b"SELECT 1", 400),
    ("no text", "POST", "/api/sql", JSON, b'{"sql": 1}', 400),
    ("nothing", "POST", "/api/sql", JSON, b'{"sql": " "}', 400),
    ("too much", "POST", "/api/sql", JSON, b'{"sql": "SELECT ' + b" " * 70_000 + b'1"}', 413),
    ("by GET", "GET", "/api/sql?sql=SELECT+1", {}, b"", 405),
    ("a file above", "GET", "/static/../app.py", {}, b"", 404),
    ("a file above, written otherwise", "GET", "/static/%2e%2e/app.py", {}, b"", 404),
    ("an unknown board", "GET", "/api/board/x", {}, b"", 404),
    ("a change of a board", "DELETE", "/api/board/groundswell-appeal", {}, b"", 405),
]


def send(
    address: str, method: str, path: str, headers: dict[str, str], body: bytes = b""
) -> tuple[int, bytes, dict[str, str]]:
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=40)
    connection.putrequest(method, path, skip_host="Host" in headers)
    for name, value in {**headers, "Content-Length": str(len(body))}.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    reply = connection.getresponse()
    answer = reply.status, reply.read(), {name.lower(): value for name, value in reply.getheaders()}
    connection.close()
    return answer


def ask(address: str, sql: str, **headers: str) -> tuple[int, dict[str, object]]:
    status, body, _ = send(address, "POST", "/api/sql", {**JSON, **headers}, json.dumps({"sql": sql}).encode())
    return status, json.loads(body)


def fingerprint(store: Asked) -> object:
    """What is in the store: objects and how they are made, and rows."""
    made = store.client.query(
        "SELECT groupArray(x) FROM (SELECT (name, create_table_query) AS x FROM system.tables"
        " WHERE database = currentDatabase() ORDER BY name)"
    ).result_rows
    rows = store.client.query("SELECT count(), sum(late) FROM clicks").result_rows
    return made, rows


@pytest.mark.parametrize("sql", HOSTILE_SQL)
def test_a_question_only_reads_the_store(page_address: str, watched: Asked, sql: str, tmp_path: Path) -> None:
    before = fingerprint(watched)
    status, answer = ask(page_address, sql.replace("{folder}", str(tmp_path)))
    assert status == 400, answer
    assert answer["error"]
    assert "root:" not in str(answer)
    assert fingerprint(watched) == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("who", "method", "path", "headers", "body", "status"), HOSTILE_REQUESTS)
def test_a_request_that_is_not_from_our_page_is_refused(
    page_address: str, who: str, method: str, path: str, headers: dict[str, str], body: bytes, status: int
) -> None:
    found, answer, _ = send(page_address, method, path, headers, body)
    assert found == status, (who, answer)
    assert b"def make_app" not in answer


def test_our_own_page_may_ask(page_address: str) -> None:
    status, answer = ask(page_address, "SELECT 1 AS one", **{"Origin": page_address, "Sec-Fetch-Site": "same-origin"})
    assert (status, answer["columns"], answer["rows"]) == (200, ["one"], [[1]])


def test_an_answer_has_a_thousand_rows_at_most_and_says_so(page_address: str) -> None:
    status, answer = ask(page_address, "SELECT number FROM numbers(5000)")
    assert (status, len(list(answer["rows"])), answer["cut"]) == (200, 1000, True)  # type: ignore[call-overload]


def test_a_format_of_ones_own_is_shown_as_text(page_address: str) -> None:
    status, answer = ask(page_address, "SELECT 1, 2 FORMAT CSV")
    assert (status, answer["rows"]) == (200, [["1,2"]])


def test_a_question_is_stopped_when_its_time_is_over(page_address: str) -> None:
    status, answer = ask(page_address, "SELECT sum(cityHash64(number)) FROM numbers(1000000000000)")
    assert status == 400
    assert "Timeout exceeded" in str(answer["error"])


def test_every_answer_tells_browsers_to_run_our_scripts_alone(page_address: str) -> None:
    for path in ("/", "/sql", "/static/main.js", "/api/boards", "/nothing"):
        _, body, headers = send(page_address, "GET", path, {})
        assert "script-src 'self';" in headers["content-security-policy"], path
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers
    assert b"<script>" not in body


def test_a_name_with_quotes_stays_a_name(page_address: str) -> None:
    path = "/api/board/groundswell-influencer?campaign=door&influencer=a%27)%20OR%201=1--%5C&span=all"
    status, body, _ = send(page_address, "GET", path, {})
    panels = json.loads(body)["panels"]
    assert status == 200
    assert [panel.get("error") for panel in panels.values()] == [None] * len(panels)
    # Nothing of anybody's: at most the time up to which it is known.
    for panel in panels.values():
        assert all(name == "complete_up_to" for row in panel["rows"] for name in panel["columns"] if row), panel


@pytest.fixture(scope="module")
def guarded(ground: Stack, watched: Asked) -> str:
    """A page with a password, over a user that may write."""
    return serve(ground, "guarded-page", watched.place.store, GROUNDSWELL_PAGE_PASSWORD="s3cret: ü")


def test_a_password_is_asked_for_everything(guarded: str) -> None:
    right = base64.b64encode("x:s3cret: ü".encode()).decode()
    for path in ("/", "/static/main.js", "/api/boards"):
        assert send(guarded, "GET", path, {})[0] == 401
        assert send(guarded, "GET", path, {"Authorization": "Basic eDp3cm9uZw=="})[0] == 401
        assert send(guarded, "GET", path, {"Authorization": "Basic %"})[0] == 401
        assert send(guarded, "GET", path, {"Authorization": f"Basic {right}", "Host": "page.example"})[0] == 200


def test_the_box_is_closed_where_the_user_may_write(guarded: str, ground: Stack) -> None:
    right = base64.b64encode("x:s3cret: ü".encode()).decode()
    status, answer = ask(guarded, "SELECT 1", Authorization=f"Basic {right}")
    assert status == 403
    assert "may write" in str(answer["error"])
    assert "may write" in ground.log_of("guarded-page").read_text()


def test_another_address_than_loopback_needs_a_password() -> None:
    import os
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "streams.commands", "page", "--host", "0.0.0.0"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("GROUNDSWELL_")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "GROUNDSWELL_PAGE_PASSWORD" in done.stderr
