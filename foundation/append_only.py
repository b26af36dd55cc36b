"""What was issued stays: the database itself refuses to change or delete rows of the tables marked `APPEND_ONLY`.

A trigger on each such table refuses UPDATE and DELETE (on PostgreSQL also TRUNCATE, on SQLite also the silent
delete inside INSERT OR REPLACE). A correction is a new row that points back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import orjson
from sqlalchemy import (
    Connection,
    Insert,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
    bindparam,
    cast,
    column,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from foundation import base
from foundation.base import Instant
from foundation.language import Text

_FUNCTION = "append_only_refusal"
_FUNCTION_BODY = (
    "BEGIN RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP "
    "USING ERRCODE = 'restrict_violation'; END"
)


def tables(metadata: MetaData) -> list[Table]:
    """Give the append-only tables, by name."""
    return list(_tables(metadata, len(metadata.tables)))


@cache
def _tables(metadata: MetaData, count: int) -> tuple[Table, ...]:
    """Give them as long as no table has come: sorting a hundred tables takes longer than most questions to them."""
    return tuple(table for table in metadata.sorted_tables if table.info.get("append_only"))


def next_id(session: Session, table: Table) -> int:
    """Give the first free id. Safe only under the writer's lock, which every writing transaction takes first."""
    highest = session.execute(select(func.max(table.c.id))).scalar()
    return (highest or 0) + 1


def add(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows in one statement; every row names every column."""
    if not rows:
        return
    if session.get_bind().dialect.name == "postgresql" and _is_text(table):
        for name in _instants(table):
            for row in rows:
                base.refuse_zoneless(row[name])
        session.execute(_from_json(table), {"rows": orjson.dumps(rows).decode()})
    else:
        session.execute(insert(table), list(rows))


@cache
def _from_json(table: Table) -> Insert:
    """Insert rows given as one JSON text: PostgreSQL takes them all at once, not one message a row."""
    given = func.json_to_recordset(cast(bindparam("rows"), postgresql.JSON))
    rows = given.table_valued(*(column(c.name, c.type) for c in table.columns), name="given")
    return insert(table).from_select([c.name for c in table.columns], select(rows.render_derived(with_types=True)))


@cache
def _is_text(table: Table) -> bool:
    """Tell whether rows can be written as JSON; bytes would grow by half."""
    return not any(isinstance(column.type, LargeBinary) for column in table.columns)


@cache
def _instants(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.columns if isinstance(column.type, Instant))


def statements(table: Table, dialect: str) -> list[str]:
    """Give the DDL that guards one table, for `sqlite` or `postgresql`."""
    if dialect == "sqlite":
        return list(_sqlite_triggers(table).values())
    return [
        f"CREATE OR REPLACE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $${_FUNCTION_BODY}$$",
        *_postgresql_triggers(table).values(),
    ]


def _sqlite_triggers(table: Table) -> dict[str, str]:
    name = table.name
    same_key = " OR ".join(
        "(" + " AND ".join(f'"{column}" = NEW."{column}"' for column in key) + ")" for key in _keys(table)
    )
    refusals = {
        f"{name}_no_update": ("UPDATE", "", "UPDATE"),
        f"{name}_no_delete": ("DELETE", "", "DELETE"),
        f"{name}_no_replace": ("INSERT", f' WHEN EXISTS (SELECT 1 FROM "{name}" WHERE {same_key})', "a second row"),
    }
    return {
        trigger: f'CREATE TRIGGER "{trigger}" BEFORE {event} ON "{name}"{condition} '
        f"BEGIN SELECT RAISE(ABORT, '{name} is append-only: {refused} refused'); END"
        for trigger, (event, condition, refused) in refusals.items()
    }


def _postgresql_triggers(table: Table) -> dict[str, str]:
    name = table.name
    return {
        f"{name}_no_change": f"CREATE TRIGGER {name}_no_change BEFORE DELETE OR UPDATE ON {name} "
        f"FOR EACH ROW EXECUTE FUNCTION {_FUNCTION}()",
        f"{name}_no_truncate": f"CREATE TRIGGER {name}_no_truncate BEFORE TRUNCATE ON {name} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {_FUNCTION}()",
    }


def _keys(table: Table) -> list[list[str]]:
    uniques = [c for c in table.constraints if isinstance(c, UniqueConstraint)]
    keys = [[column.name for column in table.primary_key], *([column.name for column in c.columns] for c in uniques)]
    return sorted(keys)


def faults(connection: Connection, metadata: MetaData) -> Iterator[tuple[str, Text]]:
    """Give each guard that is missing, changed or switched off, as (trigger, what is wrong)."""
    standing = _standing(connection)
    for table in tables(metadata):
        expected = _sqlite_triggers(table) if connection.dialect.name == "sqlite" else _postgresql_triggers(table)
        for trigger, wanted in expected.items():
            yield from _compare(trigger, wanted, standing.get(trigger))


def _compare(trigger: str, wanted: str, found: str | None) -> Iterator[tuple[str, Text]]:
    if found is None:
        yield trigger, Text("udløseren mangler eller er slået fra", "the trigger is missing or switched off")
    elif _folded(found) != _folded(wanted):
        yield trigger, Text("udløseren er ændret", "the trigger was changed")


def _folded(sql: str) -> str:
    return " ".join(sql.replace('"', "").replace("public.", "").split())


def _standing(connection: Connection) -> dict[str, str]:
    if connection.dialect.name == "sqlite":
        rows: Iterable[Any] = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
        return {row.name: row.sql for row in rows}
    rows = connection.execute(
        text(
            "SELECT t.tgname AS name, pg_get_triggerdef(t.oid) AS sql "
            "FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid "
            # In the role of a replica ordinary triggers sleep; a database can be set to it for everybody.
            "WHERE CAST(t.tgenabled AS text) IN "
            "('A', CASE current_setting('session_replication_role') WHEN 'replica' THEN 'R' ELSE 'O' END) "
            "AND p.proname = :function AND p.prosrc = :body"
        ),
        {"function": _FUNCTION, "body": _FUNCTION_BODY},
    )
    return {row.name: row.sql for row in rows}
