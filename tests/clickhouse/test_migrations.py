"""Tables: once, in order, never changed.  Views: as their files say now."""

from __future__ import annotations

import re
import shutil
from datetime import UTC
from decimal import Decimal
from pathlib import Path

import pytest

from infra.clickhouse.campaigns import FILLED_BY_CAMPAIGN
from infra.clickhouse.definition import read_definition
from infra.clickhouse.landing import LANDED_AS, fields_of
from infra.clickhouse.migrate import FOLDER, VIEWS, migrate, read_migrations, refuse_another_version
from infra.clickhouse.statements import statements_of
from schemas.campaign import load_campaigns
from schemas.errors import Fault

CAMPAIGNS = load_campaigns(Path(__file__).parents[2] / "infra" / "campaigns")


@pytest.fixture
def copied(tmp_path):
    """The files, to be changed."""
    shutil.copytree(FOLDER / "tables", tmp_path / "tables")
    shutil.copytree(FOLDER / "views", tmp_path / "views")
    shutil.copy(FOLDER / "functions.sql", tmp_path)
    return tmp_path


def test_a_second_migration_has_nothing_to_do(bare):
    names = [file.name for file in read_migrations(FOLDER)]
    assert migrate(bare.client, CAMPAIGNS) == [*names, VIEWS]
    assert migrate(bare.client, CAMPAIGNS) == []
    assert [row["name"] for row in bare.rows("SELECT name FROM migrations FINAL ORDER BY name")] == names


def test_campaigns_are_as_their_files_say(bare):
    migrate(bare.client, CAMPAIGNS)
    migrate(bare.client, CAMPAIGNS)
    [door] = bare.rows("SELECT * FROM campaigns FINAL WHERE id = 'door'")
    assert door["goal"] == Decimal("5000")
    assert door["start"].replace(tzinfo=UTC) == CAMPAIGNS["door"].start
    assert door["end"].replace(tzinfo=UTC) == CAMPAIGNS["door"].end


def test_an_applied_file_that_has_changed_is_refused(bare, copied):
    migrate(bare.client, CAMPAIGNS, copied)
    with (copied / "tables" / "0001_baseline.sql").open("a") as file:
        file.write("-- an afterthought\n")
    with pytest.raises(Fault, match=r"0001_baseline.sql has changed.*Restore that file"):
        migrate(bare.client, CAMPAIGNS, copied)


def test_a_database_of_a_newer_program_is_refused(bare, copied):
    (copied / "tables" / "0099_later.sql").write_text("SELECT 1;\n")
    migrate(bare.client, CAMPAIGNS, copied)
    with pytest.raises(Fault, match=r"0099_later.sql, which this program does not know"):
        migrate(bare.client, CAMPAIGNS)


def test_a_file_that_failed_in_the_middle_is_applied_whole_next_time(bare, copied):
    later = copied / "tables" / "0099_later.sql"
    first = "CREATE TABLE IF NOT EXISTS extra (a UInt8) ENGINE = MergeTree ORDER BY a;\n"
    later.write_text(first + "CREATE OR REPLACE VIEW broken AS SELECT b FROM extra;\n")
    with pytest.raises(Exception, match="UNKNOWN_IDENTIFIER"):
        migrate(bare.client, CAMPAIGNS, copied)
    later.write_text(first + "CREATE OR REPLACE VIEW mended AS SELECT a FROM extra;\n")
    assert migrate(bare.client, CAMPAIGNS, copied) == ["0099_later.sql", VIEWS]
    assert bare.rows("SELECT * FROM mended") == []


def test_a_database_that_was_made_step_by_step_is_to_be_made_anew(bare):
    migrate(bare.client, {})
    bare.client.command("INSERT INTO migrations VALUES ('0001_raw_tables.sql', 'abc', now64(3))")
    for refused in (lambda: migrate(bare.client, {}), lambda: refuse_another_version(bare.client)):
        with pytest.raises(Fault, match=r"steps are no longer known.*Make it anew.*groundswell migrate"):
            refused()


def view_file(folder, name, body):
    path = folder / "views" / "trust" / f"{name}.sql"
    path.write_text(f"CREATE OR REPLACE VIEW {name} AS\n{body}\nCOMMENT 'Which?';\n")
    return path


def test_views_are_as_their_files_say_now(bare, copied):
    first = view_file(copied, "mine_first", "SELECT 1 AS one")
    view_file(copied, "mine_before", "SELECT one + 1 AS two FROM mine_first")  # by name it would come too early
    migrate(bare.client, {}, copied)
    assert bare.one("SELECT * FROM mine_before") == {"two": 2}
    first.write_text(first.read_text().replace("1 AS one", "10 AS one"))
    with pytest.raises(Fault, match="views of this database are not those of this program"):
        refuse_another_version(bare.client, copied)
    assert migrate(bare.client, {}, copied) == [VIEWS]
    assert bare.one("SELECT * FROM mine_before") == {"two": 11}
    refuse_another_version(bare.client, copied)


def test_a_formula_that_changes_changes_what_is_read(bare, copied):
    functions = copied / "functions.sql"
    before = functions.read_text()
    functions.write_text(before + "CREATE OR REPLACE FUNCTION gs_of_a_test AS (x) -> x + 1;\n")
    view_file(copied, "mine", "SELECT gs_of_a_test(1) AS two")
    migrate(bare.client, {}, copied)
    functions.write_text(before + "CREATE OR REPLACE FUNCTION gs_of_a_test AS (x) -> x + 2;\n")
    migrate(bare.client, {}, copied)
    assert bare.one("SELECT * FROM mine") == {"two": 3}
    bare.client.command("DROP FUNCTION gs_of_a_test")


def test_a_view_that_is_no_longer_declared_is_dropped_and_those_of_others_stay(bare, copied):
    gone = view_file(copied, "gone", "SELECT 1 AS one")
    migrate(bare.client, {}, copied)
    bare.client.command("CREATE VIEW theirs AS SELECT 1 AS one")
    gone.unlink()
    assert migrate(bare.client, {}, copied) == [VIEWS]
    assert "gone" not in bare.views()
    assert "theirs" in bare.views()
    assert migrate(bare.client, {}, copied) == []


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("CREATE OR REPLACE VIEW other AS\nSELECT 1;\n", "does not hold one view of that name"),
        ("CREATE OR REPLACE VIEW mine AS\nSELECT 1;\nSELECT 2;\n", "does not hold one view of that name"),
        ("CREATE OR REPLACE VIEW mine AS\nSELECT * FROM freshness;\n", "views read each other"),
    ],
)
def test_a_file_of_views_that_cannot_be_applied_is_refused(copied, body, why):
    (copied / "views" / "trust" / "mine.sql").write_text(body)
    freshness = copied / "views" / "trust" / "freshness.sql"
    freshness.write_text(freshness.read_text().replace("FROM slices_progress", "FROM mine"))
    with pytest.raises(Fault, match=why):
        read_definition(copied)


def test_a_field_without_a_column_is_refused(bare, copied):
    baseline = copied / "tables" / "0001_baseline.sql"
    baseline.write_text(baseline.read_text().replace("    visitor_id Nullable(String),\n", "", 1))
    with pytest.raises(Fault, match=r"clicks has no column for visitor_id.*ALTER TABLE clicks ADD COLUMN"):
        migrate(bare.client, {}, copied)


@pytest.mark.parametrize("table", LANDED_AS)
def test_every_field_that_lands_has_a_column_of_its_name(store, table):
    sql = f"SELECT name FROM system.columns WHERE database = currentDatabase() AND table = '{table}'"
    assert fields_of(table) <= {row["name"] for row in store.rows(sql)}


def test_what_a_campaigns_file_decides_is_filled_again_when_it_changes(store):
    sql = "SELECT name, as_select FROM system.tables WHERE database = currentDatabase() AND engine = 'MaterializedView'"
    by_campaign = {row["name"] for row in store.rows(sql) if re.search(r"\.(campaigns|chains)\b", row["as_select"])}
    assert by_campaign == set(FILLED_BY_CAMPAIGN)


def test_every_statement_can_be_run_again():
    once_more = (
        r"CREATE (TABLE|MATERIALIZED VIEW) IF NOT EXISTS|CREATE OR REPLACE VIEW"
        r"|ALTER TABLE \w+ ADD COLUMN IF NOT EXISTS"
    )
    for file in read_migrations(FOLDER):
        for statement in statements_of(file.text):
            assert re.match(once_more, statement), file.name
    assert all(function.startswith("CREATE OR REPLACE FUNCTION gs_") for function in read_definition(FOLDER).functions)


def test_what_a_materialized_view_fills_is_no_more_when_a_row_comes_again():
    text = "\n".join(file.text for file in read_migrations(FOLDER))
    filled = set(re.findall(r"CREATE MATERIALIZED VIEW IF NOT EXISTS \w+ TO (\w+)", text))
    assert len(filled) >= 8
    for table in filled:
        [made] = re.findall(rf"CREATE TABLE IF NOT EXISTS {table}\n(.*?);\n", text, re.DOTALL)
        kept = re.findall(r"(?:SimpleAggregateFunction|AggregateFunction)\((\w+)", made)
        assert "SummingMergeTree" not in made
        assert set(kept) <= {"max", "min", "groupBitmap"}, table


def test_what_is_acknowledged_is_on_the_disk_unless_somebody_chose_otherwise(bare):
    migrate(bare.client, {})
    sql = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
    synced = "position(create_table_query, 'fsync_after_insert = 1, fsync_part_directory = 1') > 0"
    tables = bare.client.query(sql).result_rows
    assert len(tables) > 15
    assert bare.client.query(f"{sql} AND {synced}").result_rows == tables
    bare.client.command("ALTER TABLE clicks MODIFY SETTING fsync_after_insert = 0")
    migrate(bare.client, {})
    assert bare.client.query(f"{sql} AND NOT {synced}").result_rows == [("clicks",)]


def test_a_store_of_another_version_is_refused(bare, copied):
    migrate(bare.client, {})
    refuse_another_version(bare.client)
    later = copied / "tables" / "0099_later.sql"
    later.write_text("CREATE TABLE IF NOT EXISTS later (a UInt8) ENGINE = MergeTree ORDER BY a;\n")
    with pytest.raises(Fault, match=r"has not applied 0099_later.sql.*groundswell migrate"):
        refuse_another_version(bare.client, copied)
    migrate(bare.client, {}, copied)
    with pytest.raises(Fault, match=r"has applied 0099_later.sql, which this program does not know"):
        refuse_another_version(bare.client)


def test_every_view_says_the_question_that_it_answers(store):
    for row in store.rows("SELECT name, comment FROM system.tables WHERE database = currentDatabase()"):
        assert row["comment"], row["name"]
    tables = [statement for file in read_migrations(FOLDER) for statement in statements_of(file.text)]
    for statement in (*tables, *read_definition(FOLDER).views.values()):
        if "VIEW" in statement.split("\n")[0]:
            assert "?" in statement.rpartition("COMMENT '")[2], statement.split("\n")[0]


def test_views_of_an_empty_store_have_no_rows_and_no_errors(bare):
    migrate(bare.client, {})
    for view, source in bare.views().items():
        rows = bare.rows(f"SELECT * FROM {source}")
        assert rows == [] or view == "landing", view


def test_views_of_a_campaign_without_events_hold_zeros_and_nulls(store):
    row = store.one("SELECT * FROM appeal_figures WHERE campaign_id = 'appeal'")
    assert (row["shares"], row["donations"], row["gross_total"], row["net"]) == (0, 0, 0, 0)
    assert (row["conversion"], row["conversion_low"], row["conversion_high"]) == (None, None, None)
    assert store.one("SELECT * FROM complete_up_to WHERE campaign_id = 'appeal'")["complete_up_to"] is None
    assert store.rows("SELECT * FROM leaderboard(campaign = 'appeal')") == []
