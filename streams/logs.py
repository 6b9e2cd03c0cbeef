"""Log lines for people (or JSON for machines), on stderr.

A broker that is away makes the clients beneath us complain many times a second.  What they say of connections is
dropped (`streams.reach` says it once; that a password goes in the clear, `groundswell doctor` says), every other
sentence of theirs is printed once a minute.
"""

from __future__ import annotations

import json
import logging
import re
import time
from typing import Final

QUIET_SECONDS: Final = 60.0
OURS: Final = "groundswell"
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


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line)


def configure(style: str, level: int = logging.INFO) -> None:
    """Send all log lines to stderr.

    Args:
        style: "text" or "json".
    """
    handler = logging.StreamHandler()
    handler.addFilter(Once())
    plain = logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")
    handler.setFormatter(JsonLines() if style == "json" else plain)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(OURS).setLevel(level)
    # They report what they also raise, and we say that in one line.
    for name in ("clickhouse_connect", "urllib3", "kafka"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
