"""What was issued stays: the database itself refuses, for every append-only table, on both databases."""

from __future__ import annotations

import importlib
import itertools
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import Column, Date, Integer, LargeBinary, MetaData, Table, Text, insert, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

import fee_tables.models  # noqa: F401 - every model stands in the metadata
import foundation.letter_models
import foundation.proposals  # noqa: F401
from foundation import append_only
from foundation.base import Base, Instant
from tests.foundation.tampering import tamper

for room in ("authorities", "fee_tables", "agreements", "billing"):
    importlib.import_module(f"{room}.models")

TABLES = append_only.tables(Base.metadata)
of_every_table = pytest.mark.parametrize("table", TABLES, ids=[table.name for table in TABLES])

EXPECTED = {
    "adopted_table", "approved_invoice", "audit_entry", "invoice", "invoice_line", "ledger_entry", "outbox_message",
    "letter", "letter_attempt",
    "agreement_file", "agreement_step", "offer", "offer_signatory", "plan_approval", "posting", "prepared_invoice",
    "proposal", "proposal_decision", "recorded_agreement", "rendering", "right_to_sign", "right_to_sign_end",
    "seller_settings", "verdict",
}  # fmt: skip


def any_value(column: Column[Any]) -> Any:
    """Some value of a column's type."""
    kind = column.type
    if isinstance(kind, Date):
        return date(2027, 1, 1)
    if isinstance(kind, Instant):
        return datetime(2027, 1, 1, tzinfo=UTC)
    if isinstance(kind, LargeBinary):
        return b"x"
    if isinstance(kind, Integer):
        return 1
    assert isinstance(kind, Text), f"{column}: {kind!r}"
    return "x"


def fill(session: Session) -> None:
    """Put one row into every table; each key is 1, so they hang together."""
    for table in Base.metadata.sorted_tables:
        session.execute(insert(table), [{column.name: any_value(column) for column in table.columns}])
    if not is_sqlite(session):
        session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


def is_sqlite(session: Session) -> bool:
    """Tell which database this is."""
    return session.get_bind().dialect.name == "sqlite"


def refused(session: Session, statement: str) -> None:
    """See to it that the database refuses a statement and says why."""
    with pytest.raises(DBAPIError, match="append-only"), session.begin_nested():
        session.connection().exec_driver_sql(statement)


def standing(session: Session, table: Table) -> list[Any]:
    """The rows of a table."""
    return list(session.execute(table.select()).all())


def faults(session: Session) -> list[tuple[str, str]]:
    """What is wrong with the guards: trigger and message."""
    found = append_only.faults(session.connection(), Base.metadata)
    return [(trigger, message.en) for trigger, message in found]


def test_what_is_issued_posted_adopted_and_audited_is_append_only() -> None:
    assert {table.name for table in TABLES} >= EXPECTED


@of_every_table
def test_the_database_refuses_to_change_delete_or_replace_a_row(session: Session, table: Table) -> None:
    fill(session)
    before = standing(session, table)
    columns = ", ".join(f'"{column.name}"' for column in table.columns)

    for column in table.columns:
        refused(session, f'UPDATE {table.name} SET "{column.name}" = "{column.name}"')
    refused(session, f"DELETE FROM {table.name}")
    if is_sqlite(session):
        refused(session, f"INSERT OR REPLACE INTO {table.name} SELECT * FROM {table.name}")
        refused(session, f"REPLACE INTO {table.name} ({columns}) SELECT {columns} FROM {table.name}")
    else:
        refused(session, f"TRUNCATE {table.name} CASCADE")
        key = next(iter(table.primary_key)).name
        refused(
            session,
            f"INSERT INTO {table.name} SELECT * FROM {table.name} ON CONFLICT ({key}) DO UPDATE SET {key} = 2",
        )

    assert standing(session, table) == before


@pytest.mark.parametrize("kind", ["sqlite"])
@of_every_table
def test_sqlite_refuses_a_replacement_by_any_unique_key_also_from_a_bare_connection(
    session: Session, table: Table
) -> None:
    fill(session)
    session.connection().exec_driver_sql("PRAGMA recursive_triggers = OFF")
    key = next(iter(table.primary_key)).name
    columns = [column.name for column in table.columns]
    values = ", ".join("2" if name == key else f'"{name}"' for name in columns)

    has_another_key = len([c for c in table.constraints if type(c).__name__ == "UniqueConstraint"]) > 0

    if has_another_key:
        refused(session, f"INSERT OR REPLACE INTO {table.name} SELECT {values} FROM {table.name}")
    assert len(standing(session, table)) == 1


def test_every_guard_of_a_migrated_database_stands(session: Session) -> None:
    assert faults(session) == []


@of_every_table
def test_a_guard_that_was_dropped_is_named(session: Session, table: Table) -> None:
    name = table.name
    kinds = ("no_update", "no_delete", "no_replace") if is_sqlite(session) else ("no_change", "no_truncate")
    for kind in kinds:
        session.execute(text(f"DROP TRIGGER {name}_{kind}" + ("" if is_sqlite(session) else f" ON {name}")))

    assert faults(session) == [(f"{name}_{kind}", "the trigger is missing or switched off") for kind in kinds]


def test_a_guard_that_was_changed_is_named(session: Session) -> None:
    if is_sqlite(session):
        name = "invoice_no_update"
        session.execute(text(f"DROP TRIGGER {name}"))
        session.execute(
            text(
                f"CREATE TRIGGER {name} BEFORE UPDATE ON invoice WHEN OLD.id > 5 "
                "BEGIN SELECT RAISE(ABORT, 'invoice is append-only: UPDATE refused'); END"
            )
        )
    else:
        name = "invoice_no_change"
        session.execute(text(f"DROP TRIGGER {name} ON invoice"))
        session.execute(
            text(
                f"CREATE TRIGGER {name} BEFORE DELETE OR UPDATE ON invoice FOR EACH ROW WHEN (OLD.id > 5) "
                "EXECUTE FUNCTION append_only_refusal()"
            )
        )

    assert faults(session) == [(name, "the trigger was changed")]


@pytest.mark.parametrize("kind", ["sqlite"])
def test_a_guard_moved_to_another_table_is_named(session: Session) -> None:
    session.execute(text("DROP TRIGGER posting_no_delete"))
    session.execute(
        text("CREATE TRIGGER posting_no_delete BEFORE DELETE ON authority BEGIN SELECT RAISE(ABORT, 'no'); END")
    )

    assert faults(session) == [("posting_no_delete", "the trigger was changed")]


@pytest.mark.parametrize("kind", ["postgresql"])
def test_guards_switched_off_on_postgresql_are_named(session: Session) -> None:
    session.execute(text("ALTER TABLE posting DISABLE TRIGGER posting_no_change"))
    session.execute(text("ALTER TABLE invoice ENABLE REPLICA TRIGGER invoice_no_truncate"))

    assert faults(session) == [
        ("invoice_no_truncate", "the trigger is missing or switched off"),
        ("posting_no_change", "the trigger is missing or switched off"),
    ]


@pytest.mark.parametrize("kind", ["postgresql"])
def test_a_role_or_database_that_passes_every_guard_by_on_postgresql_is_found(session: Session) -> None:
    """As after ALTER DATABASE … SET session_replication_role = replica."""
    session.execute(text("SET LOCAL session_replication_role = replica"))

    assert len(faults(session)) == 2 * len(append_only.tables(Base.metadata))


@pytest.mark.parametrize("kind", ["postgresql"])
def test_a_function_that_refuses_nothing_any_more_is_found_on_postgresql(session: Session) -> None:
    session.execute(
        text(
            "CREATE OR REPLACE FUNCTION append_only_refusal() RETURNS trigger LANGUAGE plpgsql "
            "AS $$BEGIN RETURN COALESCE(NEW, OLD); END$$"
        )
    )

    assert len(faults(session)) == 2 * len(append_only.tables(Base.metadata))


def test_guards_put_back_as_they_were_stand_again(session: Session) -> None:
    fill(session)

    tamper(session, Base.metadata.tables["posting"], "DELETE FROM posting")

    assert faults(session) == []


def test_every_guarded_table_of_a_metadata_is_found_and_no_other() -> None:
    metadata = MetaData()
    Table("kept", metadata, Column("id", Integer, primary_key=True), info={"append_only": True})
    Table("changing", metadata, Column("id", Integer, primary_key=True))

    found = append_only.tables(metadata)

    assert [table.name for table in found] == ["kept"]


def test_the_next_id_follows_the_highest_and_adding_nothing_does_nothing(session: Session) -> None:
    table = Base.metadata.tables["seller_settings"]
    first = append_only.next_id(session, table)
    append_only.add(session, table, [])
    row = {column.name: any_value(column) for column in table.columns}
    append_only.add(session, table, [row | {"id": first + at} for at in range(3)])

    assert append_only.next_id(session, table) == first + 3


def test_every_kind_of_column_has_a_value_in_these_tests() -> None:
    columns = itertools.chain.from_iterable(table.columns for table in Base.metadata.sorted_tables)

    assert all(any_value(column) is not None for column in columns)
