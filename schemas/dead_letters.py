"""A dead letter: processor, failure (field, value, expectation), payload and attempts, kept whole.

It can be replayed by someone who was asleep when it happened: the original key, bytes and headers are in it.  One that
its topic would not take is cut: it says how long the payload is and its digest, so that the record can be fetched from
the source topic and told from another one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from schemas.codec import Rejection
from schemas.reasons import Reason
from schemas.times import rfc3339
from schemas.topics import SOURCE_MESSAGE_BYTES

ATTEMPTS_HEADER: Final = "groundswell-attempts"
Headers = Sequence[tuple[str, bytes | None]]  # Kafka lets a header have no content

# A record that was not compressed has at most `SOURCE_MESSAGE_BYTES` and stays whole; in base64 (4/3 of it) it fits
# into `DEAD_LETTER_MESSAGE_BYTES` with room for everything else.
WHOLE_BYTES: Final = SOURCE_MESSAGE_BYTES
# Of a cut one: what a person looks at, and what the codec would have read of it.
CUT_PAYLOAD_BYTES: Final = 64 * 1024
CUT_KEY_BYTES: Final = 1024
CUT_HEADERS_BYTES: Final = 16 * 1024
_HEADER_BYTES: Final = 64  # of JSON around each, and more of ClickHouse's
# A control character takes six bytes in JSON, and of a name that is no UTF-8 each byte takes five.
_NAME_FACTOR: Final = 6

_ESCAPED: Final = re.compile(r"\\\\|\\x([0-9a-f]{2})")


class DeadLetter(Struct, frozen=True):
    """JSON on the topic `dead-letters`; bytes are base64.  `attempts` counts how often it was sent so far.

    Where key, payload or headers are cut, `digest` is the SHA-256 of the whole payload and `full_length` its bytes; of
    one that is whole they are empty.  The name of a header is as `written_name` writes it.
    """

    processor: str
    processor_version: str
    topic: str
    source_partition: int
    source_offset: int
    record_time: str
    reason: Reason
    field: str
    value: str
    expectation: str
    key: bytes | None
    payload: bytes
    headers: list[tuple[str, bytes | None]]
    attempts: int
    full_length: int = 0
    digest: str = ""

    @property
    def is_cut(self) -> bool:
        """Whether there is more in the source topic than here."""
        return bool(self.digest)


def dead_letter(
    rejection: Rejection,
    *,
    processor: tuple[str, str],
    source: tuple[str, int, int],
    record_time_ms: int,
    key: bytes | None,
    payload: bytes | None,
    headers: Headers,
) -> DeadLetter:
    """The envelope of a rejected record.

    Args:
        processor: name and version of who refused it.
        source: topic (without a prefix), partition and offset.
    """
    topic, partition, offset = source
    whole = payload or b""
    named = [(written_name(name), content) for name, content in headers]
    is_cut = _weight(key, whole, headers) > WHOLE_BYTES
    return DeadLetter(
        processor=processor[0],
        processor_version=processor[1],
        topic=topic,
        source_partition=partition,
        source_offset=offset,
        record_time=rfc3339(record_time_ms),
        reason=rejection.reason,
        field=rejection.field,
        value=rejection.value,
        expectation=rejection.expectation,
        key=key[:CUT_KEY_BYTES] if key and is_cut else key,
        payload=whole[:CUT_PAYLOAD_BYTES] if is_cut else bytes(whole),
        headers=_first_headers(named) if is_cut else named,
        attempts=attempts_of(headers) + 1,
        full_length=len(whole) if is_cut else 0,
        digest=hashlib.sha256(whole).hexdigest() if is_cut else "",
    )


def _weight(key: bytes | None, payload: bytes, headers: Headers) -> int:
    """Bytes of a record, those counted more often that become more in a letter."""
    names = sum(_NAME_FACTOR * len(name.encode("utf-8", "surrogateescape")) for name, _ in headers)
    contents = sum(len(content or b"") + _HEADER_BYTES for _, content in headers)
    return len(key or b"") + len(payload) + names + contents


def _first_headers(named: list[tuple[str, bytes | None]]) -> list[tuple[str, bytes | None]]:
    """As many of the headers, whole, as may stay in a letter that is cut."""
    left, kept = CUT_HEADERS_BYTES, []
    for name, content in named:
        left -= _weight(None, content or b"", [(name, None)])
        if left < 0:
            break
        kept.append((name, content))
    return kept


def written_name(name: str) -> str:
    """A header's name as text that JSON can hold: `\\xff` for a byte that is no UTF-8, `\\\\` for a backslash."""
    if name.isascii() and "\\" not in name:
        return name
    content = name.replace("\\", "\\\\").encode("utf-8", "surrogateescape")
    return content.decode("utf-8", "backslashreplace")


def name_bytes(written: str) -> bytes:
    """The bytes of a name that `written_name` wrote."""
    name = _ESCAPED.sub(lambda found: chr(0xDC00 + int(found[1], 16)) if found[1] else "\\", written)
    return name.encode("utf-8", "surrogateescape")


def attempts_of(headers: Headers) -> int:
    """How often this record has been replayed before; 0 for a first try or an unreadable header."""
    for name, content in headers:
        if name == ATTEMPTS_HEADER and content and content.isascii() and content.isdigit() and len(content) < 5:
            return int(content)
    return 0
