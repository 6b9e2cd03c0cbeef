"""Results and errors, as ClickHouse's HTTP interface words them."""

from __future__ import annotations

import gzip
import json
import re

from infra.embedded.clickhouse.engine import Result
from infra.serving.replies import InPieces

STATUS = {
    36: 400,
    41: 400,
    46: 404,
    47: 404,
    53: 400,
    60: 404,
    62: 400,
    81: 404,
    115: 404,
    73: 400,
    159: 408,
    164: 403,
    202: 503,
    241: 500,
    497: 403,
    516: 401,
}
"""HTTP status of ClickHouse's error codes; 500 for all others."""

BINARY = ("Arrow", "Native", "Parquet", "RowBinary", "ORC")

_CODE = re.compile(r"Code: (\d+)")


def result(answer: Result, format: str, query_id: str, compress: bool) -> InPieces:
    """A result; gzip where the client asked and it is worth it."""
    did = "written" if answer.wrote else "read"
    summary = {
        f"{did}_rows": str(answer.rows),
        f"{did}_bytes": str(answer.bytes),
        "elapsed_ns": str(int(answer.seconds * 1e9)),
    }
    reply = InPieces(answer.body, media_type=_media_type(format))
    if compress and len(answer.body) > 1024:
        reply = InPieces(gzip.compress(answer.body, 1), media_type=_media_type(format))
        reply.headers["Content-Encoding"] = "gzip"
    return _headed(reply, format, query_id, {"X-ClickHouse-Summary": json.dumps(summary)})


def error(code: int, text: str, query_id: str = "", status: int | None = None) -> InPieces:
    """An error; `text` without "Code: N. DB::Exception: "."""
    body = f"Code: {code}. DB::Exception: {text}\n"
    # What the engine quotes of a statement need not be UTF-8.
    reply = InPieces(
        body.encode(errors="backslashreplace"), status or STATUS.get(code, 500), media_type="text/plain; charset=utf-8"
    )
    return _headed(reply, "TabSeparated", query_id, {"X-ClickHouse-Exception-Code": str(code)})


def engine_error(text: str, version: str, query_id: str) -> InPieces:
    """The engine's own error, whatever chDB wrapped around it."""
    start = max(text.find("Code: "), 0)
    found = _CODE.match(text, start)
    code = int(found[1]) if found else 1002
    words = text[start:].partition("DB::Exception: ")[2] or text
    return error(code, words if "(version" in words else f"{words} (version {version})", query_id)


def hello(version: str) -> bytes:
    """clickhouse-go's first answer, a Native block of its own revision.

    The revision 0 in it makes every later block plain Native, the only one that chDB writes.
    """
    block_info = b"\x01\x00\x02" + (-1).to_bytes(4, "little", signed=True) + b"\x00"
    columns = (
        _column("displayName()", "String", _text("chdb")),
        _column("version()", "String", _text(version)),
        _column("revision()", "UInt32", (0).to_bytes(4, "little")),
        _column("timezone()", "String", _text("UTC")),
    )
    return block_info + bytes([len(columns), 1]) + b"".join(columns)


def _column(name: str, kind: str, value: bytes) -> bytes:
    return _text(name) + _text(kind) + b"\x00" + value


def _text(value: str) -> bytes:
    return bytes([len(value)]) + value.encode()


def _media_type(format: str) -> str:
    return "application/octet-stream" if format.startswith(BINARY) else "text/plain; charset=utf-8"


def _headed(reply: InPieces, format: str, query_id: str, more: dict[str, str]) -> InPieces:
    reply.headers.update(
        {
            "X-ClickHouse-Server-Display-Name": "chdb",
            "X-ClickHouse-Query-Id": query_id,
            "X-ClickHouse-Timezone": "UTC",
            "X-ClickHouse-Format": format,
            **more,
        }
    )
    return reply
