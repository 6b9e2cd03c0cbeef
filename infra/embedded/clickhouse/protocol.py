"""What clients of ClickHouse's HTTP interface send, read into one record.

Seen from clickhouse-connect, curl, clickhouse-go and the JavaScript client: the statement is the parameter `query`,
a newline and the body; settings and `param_*` are parameters of the URL or fields of a form; the user comes in
headers, as basic authentication or as parameters.
"""

from __future__ import annotations

import base64
import binascii
import re
import uuid
import zlib
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass

import anyio
import lz4.frame
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest

MAX_BODY = 256 << 20
"""Bytes of a body, decompressed: the sink's largest batch is a few MiB."""

BODY_SECONDS = 120
"""How long a body may take to come: the largest does at 18 Mbit/s."""

READER_BODY = 4 << 20
READER_BODY_SECONDS = 10
"""The same for a reader, who sends statements and their parameters: the engine parses 256 KiB at most."""

FORM_FIELDS = 1000

TRANSPORT = frozenset(
    {
        "buffer_size",
        "client_protocol_version",
        "close_session",
        "compress",
        "database",
        "decompress",
        "default_format",
        "enable_http_compression",
        "http_headers_progress_interval_ms",
        "password",
        "query",
        "query_id",
        "quota_key",
        "role",
        "send_progress_in_http_headers",
        "session_check",
        "session_id",
        "session_timeout",
        "stacktrace",
        "user",
        "wait_end_of_query",
    }
)
"""Parameters of the transport; every other name is a setting or a `param_*`."""

_IDENTIFIER = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_QUERY_ID = re.compile(r"[!-~]{1,256}")
"""What can stand in a header of the reply."""


class Malformed(Exception):
    """A request that cannot be read. `code` and `name` are ClickHouse's own, `status` is HTTP's."""

    def __init__(self, status: int, code: int, name: str, what: str) -> None:
        super().__init__(what)
        self.status, self.code, self.name, self.what = status, code, name, what


@dataclass(frozen=True, slots=True)
class Request:
    """One request, authentication aside."""

    statement: bytes
    format: str
    database: str
    query_id: str
    settings: Mapping[str, str]
    parameters: Mapping[str, str]
    readonly: bool
    gzip: bool
    versioned: bool


def credentials(http: HttpRequest) -> tuple[str, str]:
    """Name and password, wherever the client put them; empty texts where it gave none."""
    scheme, _, encoded = http.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, password = base64.b64decode(encoded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return name, password
    name = http.headers.get("x-clickhouse-user") or http.query_params.get("user", "")
    return name, http.headers.get("x-clickhouse-key") or http.query_params.get("password", "")


async def read(http: HttpRequest, database: str, most: int = MAX_BODY, seconds: float = BODY_SECONDS) -> Request:
    """Read a request whose user is known.

    Args:
        database: where the request names none.
        most: bytes of its body, decompressed.
        seconds: that its body may take to come.

    Raises:
        Malformed: too large, too slow, an unknown compression, a database name that is none, a query id that no header
            can carry.
    """
    if _declared(http) > most:
        raise _too_large(most)
    try:
        with anyio.fail_after(seconds):
            return await _read(http, database, most)
    except TimeoutError:
        raise Malformed(408, 159, "TIMEOUT_EXCEEDED", f"the body did not come within {seconds:.0f} s") from None
    except ClientDisconnect:
        raise Malformed(400, 210, "NETWORK_ERROR", "the client has gone") from None


def text_of(statement: bytes) -> str:
    """A statement, or the head of one, as text.

    Raises:
        Malformed: it is not UTF-8.
    """
    try:
        return statement.decode()
    except UnicodeDecodeError as error:
        what = f"the statement is not UTF-8 (byte {error.start}); write other bytes as '\\xFF' or as a parameter"
        raise Malformed(400, 36, "BAD_ARGUMENTS", what) from None


def _declared(http: HttpRequest) -> int:
    """Bytes that the client says will come; 0 where it does not say."""
    length = http.headers.get("content-length", "")
    return int(length) if length.isdecimal() else 0


async def _read(http: HttpRequest, database: str, most: int) -> Request:
    fields = dict(http.query_params)
    if http.headers.get("content-type", "").startswith("multipart/form-data"):
        # clickhouse-connect sends long bound parameters as a form.
        fields |= await _form(http, most)
        body = b""
    else:
        body = decompress(await _body(http, most), http.headers.get("content-encoding", ""), most)
    query = fields.get("query", "").encode()
    name = fields.get("database") or http.headers.get("x-clickhouse-database") or database
    if not _IDENTIFIER.fullmatch(name):
        raise Malformed(404, 81, "UNKNOWN_DATABASE", f"{name!a} is no name of a database")
    query_id = fields.get("query_id") or str(uuid.uuid4())
    if not _QUERY_ID.fullmatch(query_id):
        raise Malformed(400, 36, "BAD_ARGUMENTS", "a query_id has at most 256 visible ASCII characters")
    accepts_gzip = "gzip" in http.headers.get("accept-encoding", "")
    return Request(
        statement=query + b"\n" + body if query and body else query or body,
        format=http.headers.get("x-clickhouse-format") or fields.get("default_format") or "TabSeparated",
        database=name,
        query_id=query_id,
        settings={k: v for k, v in fields.items() if k not in TRANSPORT and not k.startswith("param_")},
        parameters={k.removeprefix("param_"): v for k, v in fields.items() if k.startswith("param_")},
        # As on a ClickHouse server: a GET never changes anything.
        readonly=http.method == "GET",
        gzip=accepts_gzip and fields.get("enable_http_compression") == "1",
        versioned=fields.get("client_protocol_version", "0") != "0",
    )


async def _form(http: HttpRequest, most: int) -> dict[str, str]:
    """Fields of a form; its limit is on each part, ours on all of them."""
    parser = MultiPartParser(
        http.headers, _bounded(http, most), max_files=0, max_fields=FORM_FIELDS, max_part_size=most
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise Malformed(400, 36, "BAD_ARGUMENTS", f"the form cannot be read: {error.message}") from None
    return {name: value for name, value in form.items() if isinstance(value, str)}


async def _body(http: HttpRequest, most: int) -> bytes:
    collected = bytearray()
    async for chunk in _bounded(http, most):
        collected += chunk
    return bytes(collected)


async def _bounded(http: HttpRequest, most: int) -> AsyncGenerator[bytes]:
    """The body as it comes, and no more of it than `most`."""
    number = 0
    async for chunk in http.stream():
        number += len(chunk)
        if number > most:
            raise _too_large(most)
        yield chunk


def decompress(body: bytes, encoding: str, most: int = MAX_BODY) -> bytes:
    """The body as it was before it was compressed.

    Raises:
        Malformed: broken, of an unknown compression, or larger than `most`.
    """
    if encoding in ("", "identity"):
        return body
    try:
        if encoding in ("gzip", "deflate"):
            return _inflate(body, most)
        if encoding == "lz4":
            return _unframe(body, most)
    except (zlib.error, RuntimeError, EOFError) as error:
        raise Malformed(400, 271, "CANNOT_DECOMPRESS", f"the body is not {encoding}: {error}") from None
    raise Malformed(415, 89, "UNKNOWN_COMPRESSION_METHOD", f"{encoding!a}: use gzip, deflate, lz4 or none")


def _inflate(body: bytes, most: int) -> bytes:
    plain = bytearray()
    while body:
        # 32 + 15: gzip or zlib, told by the header; a gzip body may have several members.
        inflater = zlib.decompressobj(32 + zlib.MAX_WBITS)
        plain += inflater.decompress(body, most + 1 - len(plain))
        if len(plain) > most or inflater.unconsumed_tail:
            raise _too_large(most)
        if not inflater.eof:
            raise EOFError("it ends too early")
        body = inflater.unused_data
    return bytes(plain)


def _unframe(body: bytes, most: int) -> bytes:
    unframer = lz4.frame.LZ4FrameDecompressor()
    plain: bytes = unframer.decompress(body, max_length=most + 1)
    if len(plain) > most:
        raise _too_large(most)
    if not unframer.eof:
        raise EOFError("it ends too early")
    return plain


def _too_large(most: int) -> Malformed:
    return Malformed(413, 307, "TOO_MANY_BYTES", f"the body is larger than {most >> 20} MiB")
