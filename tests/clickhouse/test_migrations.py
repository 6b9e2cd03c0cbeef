"""Migrations: once, in order, never changed."""

from __future__ import annotations

import re
import shutil
from datetime import UTC
from decimal import Decimal
from pathlib import Path

import pytest

from infra.clickhouse.migrate import FOLDER, migrate, read_migrations, refuse_another_version, statements_of
from schemas.campaign import load_campaigns
from schemas.errors import Fault

CAMPAIGNS = load_campaigns(Path(__file__).parents[2] / "infra" / "campaigns")


def test_a_second_migration_has_nothing_to_do(bare):
    names = [file.name for file in read_migrations(FOLDER)]
    assert migrate(bare.client, CAMPAIGNS) == names
    assert migrate(bare.client, CAMPAIGNS) == []
    assert [row["name"] for row in bare.rows("SELECT name FROM migrations FINAL ORDER BY name")] == names


def test_campaigns_are_as_their_files_say(bare):
    migrate(bare.client, CAMPAIGNS)
    migrate(bare.client, CAMPAIGNS)
    [door] = bare.rows("SELECT * FROM campaigns FINAL WHERE id = 'door'")
    assert door["goal"] == Decimal("5000")
    assert door["start"].replace(tzinfo=UTC) == CAMPAIGNS["door"].start
    assert door["end"].replace(tzinfo=UTC) == CAMPAIGNS["door"].end


def test_an_applied_file_that_has_changed_is_refused(bare, tmp_path):
    folder = shutil.copytree(FOLDER, tmp_path / "ddl")
    migrate(bare.client, CAMPAIGNS, folder)
    with (folder / "0003_campaigns.sql").open("a") as file:
        file.write("-- an afterthought\n")
    with pytest.raises(Fault, match=r"0003_campaigns.sql has changed.*Restore that file"):
        migrate(bare.client, CAMPAIGNS, folder)


def test_a_database_of_a_newer_program_is_refused(bare, tmp_path):
    folder = shutil.copytree(FOLDER, tmp_path / "ddl")
    (folder / "0099_later.sql").write_text("SELECT 1;\n")
    migrate(bare.client, CAMPAIGNS, folder)
    with pytest.raises(Fault, match=r"0099_later.sql, which this program does not know"):
        migrate(bare.client, CAMPAIGNS)


def test_a_file_that_failed_in_the_middle_is_applied_whole_next_time(bare, tmp_path):
    folder = shutil.copytree(FOLDER, tmp_path / "ddl")
    later = folder / "0099_later.sql"
    first = "CREATE TABLE IF NOT EXISTS extra (a UInt8) ENGINE = MergeTree ORDER BY a;\n"
    later.write_text(first + "CREATE OR REPLACE VIEW broken AS SELECT b FROM extra;\n")
    with pytest.raises(Exception, match="UNKNOWN_IDENTIFIER"):
        migrate(bare.client, CAMPAIGNS, folder)
    later.write_text(first + "CREATE OR REPLACE VIEW mended AS SELECT a FROM extra;\n")
    assert migrate(bare.client, CAMPAIGNS, folder) == ["0099_later.sql"]
    assert bare.rows("SELECT * FROM mended") == []


ALL_TEXT = "\n".join(file.text for file in read_migrations(FOLDER))


def test_every_statement_can_be_run_again():
    for file in read_migrations(FOLDER):
        for statement in statements_of(file.text):
            once_more = (
                r"CREATE (TABLE|MATERIALIZED VIEW) IF NOT EXISTS|CREATE OR REPLACE VIEW"
                r"|ALTER TABLE \w+ ADD COLUMN IF NOT EXISTS"
            )
            assert re.match(once_more, statement) or fills_what_a_copy_adds_nothing_to(statement), file.name


def fills_what_a_copy_adds_nothing_to(statement: str) -> bool:
    filled = re.match(r"INSERT INTO (\w+)", statement)
    if filled is None:
        return False
    [made] = re.findall(rf"CREATE TABLE IF NOT EXISTS {filled[1]}\n(.*?);\n", ALL_TEXT, re.DOTALL)
    kept = re.findall(r"(?:SimpleAggregateFunction|AggregateFunction)\((\w+)", made)
    return "MergeTree" in made and "SummingMergeTree" not in made and set(kept) <= {"max", "min", "groupBitmap"}


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


def test_a_store_of_another_version_is_refused(bare, tmp_path):
    migrate(bare.client, {})
    refuse_another_version(bare.client)
    for file in read_migrations(FOLDER):
        (tmp_path / file.name).write_text(file.text)
    later = tmp_path / "0099_later.sql"
    later.write_text("CREATE TABLE IF NOT EXISTS later (a UInt8) ENGINE = MergeTree ORDER BY a;\n")
    with pytest.raises(Fault, match=r"has not applied 0099_later.sql.*groundswell migrate"):
        refuse_another_version(bare.client, tmp_path)
    migrate(bare.client, {}, tmp_path)
    with pytest.raises(Fault, match=r"has applied 0099_later.sql, which this program does not know"):
        refuse_another_version(bare.client)


def test_every_view_says_the_question_that_it_answers(store):
    for row in store.rows("SELECT name, comment FROM system.tables WHERE database = currentDatabase()"):
        assert row["comment"], row["name"]
    for file in read_migrations(FOLDER):
        for statement in statements_of(file.text):
            if "VIEW" in statement.split("\n")[0]:
                assert "?" in statement.rpartition("COMMENT '")[2], statement.split("\n")[0]


def test_views_of_an_empty_store_have_no_rows_and_no_errors(bare):
    migrate(bare.client, {})
    for view in bare.views():
        rows = bare.rows(f"SELECT * FROM {view}")
        assert rows == [] or view in ("landed", "landing"), view


def test_views_of_a_campaign_without_events_hold_zeros_and_nulls(store):
    row = store.one("SELECT * FROM appeal_figures WHERE campaign_id = 'appeal'")
    assert (row["shares"], row["donations"], row["gross_total"], row["net"]) == (0, 0, 0, 0)
    assert (row["conversion"], row["conversion_low"], row["conversion_high"]) == (None, None, None)
    assert store.one("SELECT * FROM complete_up_to WHERE campaign_id = 'appeal'")["complete_up_to"] is None
    assert store.rows("SELECT * FROM leaderboard") == []
