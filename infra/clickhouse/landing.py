"""Has every field that lands a column?  The sink skips unknown fields, so one without a column would be lost unseen."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

from schemas.annotations import Annotation
from schemas.dead_letters import DeadLetter
from schemas.errors import Fault
from schemas.events import EVENTS
from schemas.results import Watermark, WindowResult
from schemas.stalls import Stall

# What lands in a table, field for field; of heartbeats the newest is kept under other names.
LANDED_AS: Final = MappingProxyType(
    {
        **EVENTS,
        "conversions": WindowResult,
        "watermarks": Watermark,
        "dead_letters": DeadLetter,
        "stalls": Stall,
        "annotations": Annotation,
    }
)

# What is for the detector alone.
NOT_LANDED: Final = MappingProxyType({"stalls": frozenset({"schema", "incarnation", "watch"})})


def refuse_fields_without_a_column(client: Any) -> None:
    """Whether each table has a column for every field of what lands in it.

    Raises:
        Fault: it has not.
    """
    sql = "SELECT table, groupArray(name) FROM system.columns WHERE database = currentDatabase() GROUP BY table"
    columns = dict(client.query(sql).result_rows)
    for table in LANDED_AS:
        if missing := sorted(fields_of(table) - set(columns.get(table, ()))):
            raise Fault(
                "groundswell",
                f"the table {table} has no column for {', '.join(missing)}: what such a field holds would be lost",
                "Add it in a new file of infra/clickhouse/tables: "
                f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {missing[0]} ...;",
            )


def fields_of(table: str) -> set[str]:
    """The fields of the struct whose values land in that table."""
    return set(LANDED_AS[table].__struct_fields__) - NOT_LANDED.get(table, frozenset())
