"""The database: one metadata for the domain and Flask, how a transaction begins, and who may write.

Writers take one lock first, in both databases: `BEGIN IMMEDIATE` on SQLite, an exclusive lock on the counters' table
on PostgreSQL. So there is one writer at a time, no deadlock, and the chain and the numbers have one order. Readers see
one snapshot and wait for nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from agreements import models as agreement_models
from authorities import models as authority_models
from billing import models as billing_models
from fee_tables import models as table_models
from foundation import audit
from foundation.base import Base
from foundation.errors import NotNow
from foundation.language import Text

#: Every module with models: once imported, their tables stand in the metadata.
MODELS = (audit, authority_models, table_models, agreement_models, billing_models)

db = SQLAlchemy(metadata=Base.metadata)

#: How long a writer waits for another, in seconds.
WRITER_PATIENCE = 60

_WRITES = "os2tilslut_writes"


def prepare(engine: Engine) -> None:
    """Make an engine's connections safe: snapshots, durable commits, foreign keys, and the writer's lock."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _connect_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "begin", _begin_postgresql)


def _connect_sqlite(connection: Any, record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    patience = f"busy_timeout = {WRITER_PATIENCE * 1000}"  # milliseconds; first, for the next may have to wait
    safety = (
        "cache_size = -16000",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "recursive_triggers = ON",
    )
    for pragma in (patience, *safety):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _begin_postgresql(connection: Connection) -> None:
    connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    if connection.get_execution_options().get(_WRITES):
        # Before the snapshot is taken (LOCK takes none), so that a writer who waited sees what the other wrote.
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{WRITER_PATIENCE}s'")
        connection.exec_driver_sql("LOCK TABLE invoice_series IN EXCLUSIVE MODE")


@contextmanager
def writing() -> Iterator[Session]:
    """Open a writing transaction on the session; commit at the end, roll back on any error."""
    session = db.session()
    session.rollback()
    try:
        session.connection(execution_options={_WRITES: True})
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.close()


@contextmanager
def reading() -> Iterator[Session]:
    """Open a session on one snapshot, and leave nothing behind."""
    session = db.session()
    session.rollback()
    try:
        yield session
    finally:
        session.rollback()
        session.close()


def explained(error: DBAPIError) -> NotNow:
    """Say in words why the database could not do it."""
    reason = str(error.orig).strip().splitlines()[0] if error.orig else type(error).__name__
    if "no such table" in reason or ("relation" in reason and "does not exist" in reason):
        return NotNow(
            Text(
                "databasen er ikke sat op: kør os2tilslut db upgrade",
                "the database is not set up: run os2tilslut db upgrade",
            )
        )
    if isinstance(error, OperationalError) and ("locked" in reason or "lock timeout" in reason):
        return NotNow(
            Text(
                "en anden skriver i databasen: prøv igen om lidt",
                "someone else is writing to the database: try again soon",
            )
        )
    return NotNow(Text(f"databasen kan ikke nu: {reason}", f"the database cannot do it now: {reason}"))


def ping(session: Session) -> None:
    """Ask the database for a sign of life and for its tables. Raises what the driver raises."""
    session.execute(text("SELECT 1 FROM invoice_series LIMIT 1"))
