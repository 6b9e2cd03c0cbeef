"""chDB, opened once and asked through one handle a request.

Law: a handle carries `USE` and `SET` of one request and is thrown away, so no request can see another's settings;
`readonly = 1` comes last, because nothing can be changed after it.
"""

from __future__ import annotations

import contextlib
import functools
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import chdb

from infra.embedded.clickhouse.directory import claim
from infra.embedded.clickhouse.statements import Refusal, format_of, judge
from infra.embedded.clickhouse.users import READ_DEFAULTS, WRITE_SETTINGS, User, clamp
from schemas.errors import Fault

DATABASE = "groundswell"

CONFIG = Path(__file__).parent / "engine.xml"
USERS = Path(__file__).parent / "engine_users.xml"
"""What the engine may take, and what its one user may do."""

CANONICAL_CACHE = 256
CANONICAL_LENGTH = 16_384
"""Statements whose canonical text is remembered: how many, of how many characters at most."""

INSERT_PREFIX = "insert-"
"""Rows on their way in lie in a file of this name in the directory; what a crash leaves is removed at start."""

SETTINGS_PROBE = "SELECT name, value, readonly"
"""How clickhouse-connect asks, at connect, which settings it may send."""


class Refused(Exception):
    """A statement that is not run."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.what)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Result:
    """Bytes in the format that was asked for; rows and bytes read or written; seconds."""

    body: bytes
    rows: int
    bytes: int
    seconds: float
    wrote: bool = False


class Engine:
    """The one opening of a data directory.

    Raises:
        Fault: another process has the directory open, or it cannot be opened at all.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        claim(path)
        try:
            self._owner = chdb.connect(f"{path}?config-file={CONFIG}&users_config={USERS}")
        except Exception as error:
            reason = str(error).replace("\n", " ")
            raise Fault(
                "clickhouse", f"{path} cannot be opened ({reason})", "Give an empty directory with --data"
            ) from error
        for leftover in path.glob(f"{INSERT_PREFIX}*"):
            leftover.unlink()
        self._owner.query(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
        self.version = self._owner.query("SELECT version()", "TSVRaw").bytes().decode().strip()
        names = self._owner.query("SELECT lower(name) FROM system.table_functions", "TSVRaw").bytes().decode()
        self._table_functions = frozenset(names.split())
        formats = self._owner.query("SELECT lower(name) FROM system.formats WHERE is_output", "TSVRaw").bytes().decode()
        self._formats = frozenset(formats.split())
        # Pages and workers ask the same statements again and again; parsing one takes as long as running it.
        self._remembered = functools.lru_cache(CANONICAL_CACHE)(self._parsed)

    def close(self) -> None:
        """Release the directory."""
        self._owner.close()

    def canonical(self, sql: str) -> str:
        """The statement as the engine's parser writes it.

        Raises:
            RuntimeError: not one valid statement.
        """
        return self._remembered(sql) if len(sql) <= CANONICAL_LENGTH else self._parsed(sql)

    def _parsed(self, sql: str) -> str:
        with self._handle() as handle:
            try:
                text = handle.query("SELECT formatQuerySingleLine({q:String})", "TSVRaw", params={"q": _escaped(sql)})
            except RuntimeError as error:
                raise RuntimeError(str(error).partition(": In scope SELECT formatQuery")[0]) from None
            # '\xff' in a statement is written back as that byte: it is judged as it is, whatever it says.
            return str(text.bytes().decode(errors="surrogateescape")).rstrip("\n")

    def run(
        self,
        sql: str,
        format: str,
        user: User,
        database: str,
        settings: Mapping[str, str],
        parameters: Mapping[str, str],
        readonly: bool,
    ) -> tuple[str, Result]:
        """Run one statement that carries no data; gives the format of the answer too.

        Raises:
            Refused: this user may not.
            RuntimeError: the engine's own error text.
        """
        canonical = self.canonical(sql)
        self._admit(canonical, user, parameters)
        # chDB has formats of its own, such as "dataframe", whose results are no bytes.
        if format.lower() not in self._formats:
            raise Refused(Refusal(73, "UNKNOWN_FORMAT", f"{format!a} is no format of answers"))
        with self._handle() as handle:
            kept = dict(settings) if user.writes else {**READ_DEFAULTS, **clamp(settings)}
            if readonly or not user.writes:
                kept["readonly"] = "1"
            self._prepare(handle, database, kept)
            if canonical.startswith(SETTINGS_PROBE) and "system.settings" in canonical:
                sql = _answerable_probe(sql, user)
            answer = handle.query(sql, format, params=dict(parameters))
            body = bytes(answer.bytes() or b"")
            return format_of(canonical) or format, Result(
                body, answer.rows_read(), answer.bytes_read(), answer.elapsed()
            )

    def insert(
        self, head: str, format: str, data: bytes, user: User, database: str, settings: Mapping[str, str]
    ) -> Result:
        """Insert `data`; when this returns the rows are in the directory, whatever happens to this process.

        Raises:
            Refused: this user may not.
            RuntimeError: the engine's own error text; no row of `data` has landed (of up to a million rows: more
                are inserted as several blocks).
        """
        self._admit(self.canonical(f"{head} FORMAT {format}"), user)
        # A file and not the handle's own insert stream: that one swallows what the storage says (a breached
        # constraint, too many partitions) and reports rows that are not there.
        with self._handle() as handle, tempfile.NamedTemporaryFile(prefix=INSERT_PREFIX, dir=self.path) as file:
            file.write(data)
            file.flush()
            self._prepare(handle, database, settings)
            done = handle.query(
                f"{head} FROM INFILE '{_escaped(file.name, quote=True)}' FORMAT {format}", "TabSeparated"
            )
            return Result(b"", done.rows_read(), done.bytes_read(), done.elapsed(), wrote=True)

    def _admit(self, canonical: str, user: User, parameters: Mapping[str, str] | None = None) -> None:
        refusal = judge(canonical, user, self._table_functions, parameters)
        if refusal is not None:
            raise Refused(refusal)

    def _prepare(self, handle: Any, database: str, settings: Mapping[str, str]) -> None:
        handle.query(f"USE `{database}`")
        # An asynchronous insert is acknowledged by a buffer; ours are batched by the sink already.
        pairs = {"async_insert": "0", **{k: v for k, v in settings.items() if k != "async_insert"}}
        handle.query("SET " + ", ".join(f"{name} = '{_escaped(value, quote=True)}'" for name, value in pairs.items()))

    @contextlib.contextmanager
    def _handle(self) -> Iterator[Any]:
        handle = chdb.connect(str(self.path))
        try:
            yield handle
        except UnicodeDecodeError as error:  # the engine's error quotes bytes that are no text
            raise RuntimeError(bytes(error.object).decode(errors="backslashreplace")) from None
        finally:
            handle.close()


def _answerable_probe(sql: str, user: User) -> str:
    allowed = "', '".join(sorted(user.settings & WRITE_SETTINGS))
    return sql.replace("readonly", f"toUInt8(name NOT IN ('{allowed}')) AS readonly", 1)


def _escaped(text: str, quote: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
    return text.replace("'", "\\'") if quote else text
