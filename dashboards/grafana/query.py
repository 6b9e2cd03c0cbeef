"""A query of Grafana's ClickHouse plugin, for the foundation SDK, which ships none."""

from __future__ import annotations

from typing import Any, Final, Literal, Self

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.cog.runtime import DataqueryConfig, register_dataquery_variant
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import DataSourceRef

PLUGIN: Final = "grafana-clickhouse-datasource"
PLUGIN_VERSION: Final = "4.20.0"
CLICKHOUSE: Final = DataSourceRef(type_val=PLUGIN, uid="clickhouse")

QueryType = Literal["timeseries", "table"]
FORMATS: Final[dict[QueryType, int]] = {"timeseries": 0, "table": 1}


class Query(Dataquery):
    """SQL, and whether its rows are lines (a column `time`, ascending) or a table."""

    def __init__(self, sql: str, query_type: QueryType, ref_id: str = "A", source: DataSourceRef | None = None) -> None:
        self.sql = sql
        self.query_type = query_type
        self.ref_id = ref_id
        self.source = source

    def to_json(self) -> dict[str, object]:
        query: dict[str, object] = {
            "refId": self.ref_id,
            "editorType": "sql",  # without it the editor opens as a builder and drops the SQL
            "rawSql": self.sql,
            "queryType": self.query_type,
            "format": FORMATS[self.query_type],
            "pluginVersion": PLUGIN_VERSION,
        }
        return query if self.source is None else {**query, "datasource": self.source}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        source = data.get("datasource")
        return cls(
            data["rawSql"], data["queryType"], data["refId"], DataSourceRef.from_json(source) if source else None
        )


class QueryBuilder(Builder[Query]):
    """What the SDK's panels take."""

    def __init__(self, sql: str, query_type: QueryType, ref_id: str = "A") -> None:
        self._query = Query(sql.strip(), query_type, ref_id, CLICKHOUSE)

    def build(self) -> Query:
        return self._query


def register() -> None:
    """Lets the SDK read back what it wrote."""
    register_default_plugins()
    register_dataquery_variant(DataqueryConfig(identifier=PLUGIN, from_json_hook=Query.from_json))
