"""The audit: an independent batch oracle, and the comparison of every landed row with it.

Law: this room shares no code with what it checks, beyond the contracts.  It reads and never writes: no group, no
commit, no row.
"""

from streams.audit.compare import audit, compare
from streams.audit.logs import read_logs
from streams.audit.oracle import Oracle, WindowValue
from streams.audit.records import LogRecord, Logs, Place, Span
from streams.audit.report import AuditResult

__all__ = [
    "AuditResult",
    "LogRecord",
    "Logs",
    "Oracle",
    "Place",
    "Span",
    "WindowValue",
    "audit",
    "compare",
    "read_logs",
]
