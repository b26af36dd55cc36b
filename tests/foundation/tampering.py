"""What someone with the keys to the database could do: take a table's guards away and change its rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Table, text
from sqlalchemy.orm import Session


@contextmanager
def unguarded(session: Session, table: Table) -> Iterator[None]:
    """Take the guards of a table away, and put the very same ones back."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"ALTER TABLE {table.name} DISABLE TRIGGER USER"))
        yield
        session.execute(text(f"ALTER TABLE {table.name} ENABLE TRIGGER USER"))
        return
    rows = session.execute(
        text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table"), {"table": table.name}
    ).all()
    for row in rows:
        session.execute(text(f'DROP TRIGGER "{row.name}"'))
    yield
    for row in rows:
        session.connection().exec_driver_sql(row.sql)


def tamper(session: Session, table: Table, statement: str) -> None:
    """Change a table behind the guards' back."""
    with unguarded(session, table):
        session.connection().exec_driver_sql(statement)
