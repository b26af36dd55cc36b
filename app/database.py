"""The database: one metadata for the domain and Flask, how a transaction begins, and who may write.

Writers take one lock first, in both databases: `BEGIN IMMEDIATE` on SQLite, an exclusive lock on the counters' table
on PostgreSQL. So there is one writer at a time, no deadlock, and the chain and the numbers have one order. Readers see
one snapshot and wait for nobody.

What was committed stays, whatever happens to process or machine: every SQLite connection shows that it keeps a
write-ahead log and syncs it at each commit, or is not used; on PostgreSQL a writer waits for its log to be on disk.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

from flask_sqlalchemy import SQLAlchemy
from psycopg import IsolationLevel
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import DBAPIError, InvalidRequestError, OperationalError
from sqlalchemy.orm import Session

from agreements import models as agreement_models
from agreements import sealed_models
from agreements.road import models as road_models
from app.identity import models as identity_models
from authorities import models as authority_models
from billing import bank_models, bookkeeping_models, delivery_models, payment_models, reminder_models, voucher_models
from billing import models as billing_models
from billing.funding import budget_models, forecast_models, publication_models
from billing.funding import models as funding_models
from fee_tables import models as table_models
from foundation import audit, letter_models, proposals
from foundation.base import Base
from foundation.errors import NotNow
from foundation.language import Text

#: Every module with models: once imported, their tables stand in the metadata.
MODELS = (
    audit,
    proposals,
    letter_models,
    authority_models,
    table_models,
    agreement_models,
    sealed_models,
    road_models,
    billing_models,
    voucher_models,
    bank_models,
    delivery_models,
    payment_models,
    reminder_models,
    bookkeeping_models,
    budget_models,
    funding_models,
    publication_models,
    forecast_models,
    identity_models,
)

db = SQLAlchemy(metadata=Base.metadata)

#: How long a writer waits for another, in seconds.
WRITER_PATIENCE = 60

_WRITES = "os2tilslut_writes"
_ASIDE = "os2tilslut_aside"
_READS = "os2tilslut_reads"
_ALONE = "os2tilslut_alone"

# KiB: a batch of 500 invoices fits, so that no page of it is written to the log twice.
_CACHE = "cache_size = -16000"

#: What every SQLite connection must be: the PRAGMA, what is asked for, and what it must say when read back.
_DURABLE = (("journal_mode", "WAL", "wal"), ("synchronous", "FULL", 2))


class NotDurable(NotNow):
    """The database cannot be opened so that what is committed survives a power cut."""


class OutcomeUnknown(NotNow):
    """The commit was asked for, and no answer came: it is done wholly or not at all, and only a second look tells."""

    def __init__(self) -> None:
        super().__init__(
            Text(
                "databasen svarede ikke på, om det blev gemt: det er gemt helt eller slet ikke. "
                "Kør samme kommando igen: den ser selv efter, og intet bliver gjort to gange",
                "the database did not answer whether it was stored: it is stored wholly or not at all. "
                "Run the same command again: it looks for itself, and nothing is done twice",
            )
        )


def prepare(engine: Engine) -> None:
    """Make an engine's connections safe: snapshots, durable commits, foreign keys, and the writer's lock."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _connect_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "connect", _connect_postgresql)
        event.listen(engine, "begin", _begin_postgresql)


def _connect_sqlite(connection: Any, record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    try:
        patience = f"busy_timeout = {WRITER_PATIENCE * 1000}"  # milliseconds; first, for the next may have to wait
        for pragma in (patience, _CACHE, "foreign_keys = ON", "recursive_triggers = ON"):
            connection.execute(f"PRAGMA {pragma}")
        _make_durable(connection)
    except BaseException:
        connection.close()  # the pool does not know of it yet
        raise


def _make_durable(connection: Any) -> None:
    """Let commits survive a power cut, and read back that they do. Raises NotDurable."""
    for pragma, wanted, expected in _DURABLE:
        try:
            connection.execute(f"PRAGMA {pragma} = {wanted}")
        except sqlite3.OperationalError as error:
            if _family(error) != sqlite3.SQLITE_READONLY:
                raise
        (found,) = connection.execute(f"PRAGMA {pragma}").fetchone()
        if found != expected and not (found == "memory" and _is_in_memory(connection)):
            raise NotDurable(
                Text(
                    f"databasefilen kan ikke bruges sikkert: {pragma} er {found}, ikke {expected}. "
                    "Læg den på en lokal disk, hvor den må skrives, og prøv igen",
                    f"the database file cannot be used safely: {pragma} is {found}, not {expected}. "
                    "Put it on a local disk where it may be written, and try again",
                )
            )


def _is_in_memory(connection: Any) -> bool:
    """Tell whether there is no file at all: what ends with the process needs no log."""
    return not any(file for _, _, file in connection.execute("PRAGMA database_list"))


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get(_ALONE):
        return
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get(_WRITES) or options.get(_ASIDE) else "BEGIN")


def _connect_postgresql(connection: Any, record: object) -> None:
    """Let each BEGIN ask for one snapshot by itself, instead of a statement of its own behind it."""
    connection.isolation_level = IsolationLevel.REPEATABLE_READ


def _begin_postgresql(connection: Connection) -> None:
    driver: Any = connection.connection.driver_connection
    driver.read_only = connection.get_execution_options().get(_READS)  # said by its BEGIN, which is not sent yet
    if connection.get_execution_options().get(_ASIDE):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
    if connection.get_execution_options().get(_WRITES):
        # Before the snapshot is taken (LOCK takes none), so that a writer who waited sees what the other wrote.
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{WRITER_PATIENCE}s'")
        connection.exec_driver_sql("LOCK TABLE invoice_series IN EXCLUSIVE MODE")
        # A server set to answer a COMMIT before it is on disk is told to wait; a stricter setting stays.
        connection.exec_driver_sql(
            "SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'"
        )


@contextmanager
def writing() -> Iterator[Session]:
    """Open a writing transaction on the session; commit at the end, roll back on any error.

    Raises OutcomeUnknown where the answer to the commit was lost: whoever reports success does so behind the block.
    """
    with _transaction(_WRITES) as session:
        yield session


@contextmanager
def marking() -> Iterator[Session]:
    """Open a short transaction on rows that are no facts, as signs of life; on PostgreSQL it waits for no writer."""
    with _transaction(_ASIDE) as session:
        yield session


@contextmanager
def _transaction(kind: str) -> Iterator[Session]:
    session = db.session()
    session.rollback()
    try:
        session.connection(execution_options={kind: True})
        yield session
        session.flush()  # what fails here is known not to be stored
        commit(session)
    except BaseException:
        with suppress(InvalidRequestError):  # a signal came between the commit's answer and its end: it is done
            session.rollback()
        raise
    finally:
        session.close()


@contextmanager
def reading() -> Iterator[Session]:
    """Open a session on one snapshot, and leave nothing behind; PostgreSQL refuses whoever would write in it."""
    session = db.session()
    session.rollback()
    try:
        is_kept = session.connection(execution_options={_READS: True}).dialect.name == "postgresql"
        yield session
        if is_kept:
            session.commit()  # of nothing: after a rollback psycopg has every statement planned anew
    finally:
        session.rollback()
        session.close()


@contextmanager
def glancing() -> Iterator[Connection]:
    """Open a connection for one reading statement: it is a snapshot in itself, so no transaction is begun around it."""
    with db.engine.connect().execution_options(**{_ALONE: True}) as connection:
        driver: Any = connection.connection.driver_connection
        with _committing_itself(driver) if connection.dialect.name == "postgresql" else nullcontext():
            yield connection


@contextmanager
def _committing_itself(driver: Any) -> Iterator[None]:
    """Let psycopg begin nothing meanwhile; SQLite never begins by itself here."""
    driver.autocommit = True
    try:
        yield
    finally:
        if not driver.closed:
            driver.autocommit = False


@contextmanager
def aside() -> Iterator[Connection]:
    """Open a short transaction of its own beside the session's, without the writer's lock; commit at the end.

    For single statements that are right in any order, such as counting or noting when somebody was seen: nobody waits
    on PostgreSQL for a batch that is being issued. SQLite has one writer at a time whatever is written.
    """
    with db.engine.connect().execution_options(**{_ASIDE: True}) as connection, connection.begin():
        yield connection


def commit(owner: Session | Connection) -> None:
    """Commit. Raises OutcomeUnknown where nobody can tell from here whether it was done."""
    try:
        owner.commit()
    except DBAPIError as error:
        if error.connection_invalidated or _family(error.orig) == sqlite3.SQLITE_IOERR:
            raise OutcomeUnknown from error
        raise


def _family(error: BaseException | None) -> int | None:
    """Give the first part of SQLite's error code; None where it is no error of SQLite's."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def explained(error: DBAPIError) -> NotNow:
    """Say in words why the database could not do it; nothing of what it was doing is stored."""
    reason = str(error.orig).strip().splitlines()[0] if error.orig else type(error).__name__
    for is_so, words in _EXPLANATIONS:
        if is_so(error, reason):
            return NotNow(words)
    return NotNow(Text(f"databasen kan ikke nu: {reason}", f"the database cannot do it now: {reason}"))


def _is_not_set_up(error: DBAPIError, reason: str) -> bool:
    return "no such table" in reason or ("relation" in reason and "does not exist" in reason)


def _is_busy(error: DBAPIError, reason: str) -> bool:
    return isinstance(error, OperationalError) and ("locked" in reason or "lock timeout" in reason)


def _is_full(error: DBAPIError, reason: str) -> bool:
    return _family(error.orig) == sqlite3.SQLITE_FULL or getattr(error.orig, "sqlstate", None) == "53100"


def _is_failing(error: DBAPIError, reason: str) -> bool:
    return _family(error.orig) == sqlite3.SQLITE_IOERR


def _is_closed(error: DBAPIError, reason: str) -> bool:
    return _family(error.orig) == sqlite3.SQLITE_CANTOPEN


def _is_lost(error: DBAPIError, reason: str) -> bool:
    return error.connection_invalidated


_EXPLANATIONS: tuple[tuple[Callable[[DBAPIError, str], bool], Text], ...] = (
    (
        _is_not_set_up,
        Text(
            "databasen er ikke sat op: kør os2tilslut db upgrade",
            "the database is not set up: run os2tilslut db upgrade",
        ),
    ),
    (
        _is_busy,
        Text(
            "en anden skriver i databasen: prøv igen om lidt",
            "someone else is writing to the database: try again soon",
        ),
    ),
    (
        _is_full,
        Text(
            "databasens disk er fuld; intet er gjort halvt. Skaf plads, og kør samme kommando igen",
            "the database's disk is full; nothing was half done. Make room, and run the same command again",
        ),
    ),
    (
        _is_failing,
        Text(
            "databasens disk er fuld eller fejler; intet er gjort halvt. Se efter disken, og kør samme kommando igen",
            "the database's disk is full or failing; nothing was half done. "
            "Look after the disk, and run the same command again",
        ),
    ),
    (
        _is_closed,
        Text(
            "databasefilen kan ikke åbnes: findes mappen, er der plads på disken, og må der skrives i den?",
            "the database file cannot be opened: is the folder there, has the disk room, and may it be written?",
        ),
    ),
    (
        _is_lost,
        Text(
            "forbindelsen til databasen blev brudt; intet er gjort halvt. "
            "Kør samme kommando igen, når databasen svarer",
            "the connection to the database was lost; nothing was half done. "
            "Run the same command again when the database answers",
        ),
    ),
)


def ping(session: Session) -> None:
    """Ask the database for a sign of life and for its tables. Raises what the driver raises."""
    session.execute(text("SELECT 1 FROM invoice_series LIMIT 1"))
