"""Log lines for people (or JSON for machines), on stderr.

A broker that is unavailable makes the clients beneath us complain many times a second.  What they log about
connections is dropped (`streams.kafka.connectivity` logs it once; a password that goes in the clear is for
`groundswell doctor`), every other line of theirs is printed once a minute.
"""

from __future__ import annotations

import json
import logging
import re
import time
from pathlib import Path
from typing import Any, Final

from schemas.errors import Fault, without_values

QUIET_SECONDS: Final = 60.0
OURS: Final = "groundswell"
# Of these the text says where and why, and is made without looking into a record.
PLAIN_SPOKEN: Final = (OSError, RuntimeError, Fault)
_CONNECTION = re.compile(
    r"Unable (?:to )?connect|Unable to (?:update|request) metadata|Failed fetch messages|NodeNotReady|ConnectionError|"
    r"in the clear|"
    r"[Cc]oordinator|Heartbeat|Topic \S+ not found in cluster metadata|OffsetCommit failed|Got error produce response"
)


class Once(logging.Filter):
    """Lets a library's sentence pass once a minute, its first line only; ours always pass."""

    def __init__(self) -> None:
        super().__init__()
        self._passed: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith(OURS):
            return True
        if record.name.startswith("aiokafka") and _CONNECTION.search(record.getMessage()):
            return False
        sentence = (record.name, str(record.msg)[:80])
        now = time.monotonic()
        if now - self._passed.get(sentence, -QUIET_SECONDS) < QUIET_SECONDS:
            return False
        self._passed[sentence] = now
        record.msg, record.args = record.getMessage().partition("\n")[0], None
        record.exc_info = None
        return True


class Description(str):
    """An error in words; it looks the same however a line is formatted."""

    def __repr__(self) -> str:
        return str(self)


class NoPayload(logging.Filter):
    """Puts words in the place of errors, and of stack traces: those end with the error's own text."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_without_payload(value) for value in record.args)
        if record.exc_info and record.exc_info[1] is not None and record.name.startswith(OURS):
            record.msg, record.args = f"{record.getMessage()}: {describe(record.exc_info[1])}", None
            record.exc_info = None
        return True


def _without_payload(value: Any) -> Any:
    return describe(value) if isinstance(value, BaseException) else value


def describe(error: BaseException) -> Description:
    """What went wrong and where in the program, without what a parser quoted."""
    said = str(error) if isinstance(error, PLAIN_SPOKEN) else without_values(str(error))
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" ({Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno})" if trace is not None else ""
    return Description(f"{type(error).__name__}{': ' if said else ''}{said}{where}")


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        return json.dumps(line)


def configure(style: str, level: int = logging.INFO) -> None:
    """Send all log lines to stderr.

    Args:
        style: "text" or "json".
    """
    handler = logging.StreamHandler()
    handler.addFilter(NoPayload())
    handler.addFilter(Once())
    plain = logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")
    handler.setFormatter(JsonLines() if style == "json" else plain)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(OURS).setLevel(level)
    # They log what they also raise, and we log that in one line.
    for name in ("clickhouse_connect", "urllib3", "kafka"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
