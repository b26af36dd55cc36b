"""What was committed stays, also when the power goes: every connection shows that it keeps it, or is not used."""

from __future__ import annotations

import re
import sqlite3
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError

from app import create_app, database
from app.config import read
from tests.command_line import CommandLine
from tests.scenarios import database as rows
from tests.scenarios import files, programs, tracing

#: SQLite's promises are SQLite's alone.
ON_SQLITE = pytest.mark.parametrize("kind", ["sqlite"])


def members(line: CommandLine) -> Path:
    """Write a file of members to import."""
    listed = [files.member(known.cvr) for known in files.starter()[:40]]
    return line.write("members.csv", files.text(files.MEMBERS, listed))


@ON_SQLITE
def test_every_connection_of_the_web_applications_pool_keeps_a_synced_log(empty: CommandLine) -> None:
    app = create_app(read(empty.environment))

    with app.app_context(), ExitStack() as open_at_once:
        engine = database.db.engine
        connections = [open_at_once.enter_context(engine.connect()) for _ in range(4)]
        found = [
            tuple(each.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous"))
            for each in connections
        ]

    assert found == [("wal", 2)] * 4


@ON_SQLITE
def test_a_disk_that_cannot_share_memory_is_refused_and_nothing_is_made(empty: CommandLine, tmp_path: Path) -> None:
    # This way of SQLite to reach files knows no shared memory, as on some network disks.
    line = replace(empty, url=f"sqlite:///file:{tmp_path / 'new.sqlite'}?vfs=unix-none&uri=true")

    result = line.run("db", "upgrade")

    assert (result.code, result.out) == (3, "")
    assert "journal_mode er delete, ikke wal" in result.err
    assert not (tmp_path / "new.sqlite").exists() or (tmp_path / "new.sqlite").stat().st_size == 0


@ON_SQLITE
def test_a_file_of_another_journal_that_may_not_be_written_is_refused(empty: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "old.sqlite"
    with sqlite3.connect(file) as old:
        old.execute("CREATE TABLE anything (x)")
    old.close()

    result = replace(empty, url=f"sqlite:///file:{file}?mode=ro&uri=true").run("verify")

    assert (result.code, result.out) == (3, "")
    assert "journal_mode er delete, ikke wal" in result.err


@ON_SQLITE
def test_a_database_that_may_only_be_read_is_read_and_refuses_to_store(starter: CommandLine) -> None:
    file = members(starter)
    readable = replace(starter, url=f"{starter.url.replace('sqlite:///', 'sqlite:///file:')}?mode=ro&uri=true")

    read_ = readable.run("verify")
    written = readable.run("members", "import", file)

    assert read_.code == 0, read_
    assert (written.code, written.out) == (3, ""), written


def test_a_connection_that_does_not_sync_is_refused() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.set_authorizer(
        lambda action, name, value, *_: (
            sqlite3.SQLITE_IGNORE
            if (action, name) == (sqlite3.SQLITE_PRAGMA, "synchronous") and value is not None
            else sqlite3.SQLITE_OK
        )
    )

    with pytest.raises(database.NotDurable, match="synchronous is 1, not 2"):
        database._connect_sqlite(connection, None)

    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")


def test_a_database_that_ends_with_the_process_needs_no_log() -> None:
    engine = create_engine("sqlite://")
    database.prepare(engine)

    with engine.connect() as connection:
        found = connection.execute(text("PRAGMA journal_mode")).scalar()

    assert found == "memory"


@ON_SQLITE
def test_an_unsafe_database_is_not_ready(empty: CommandLine, tmp_path: Path) -> None:
    url = f"sqlite:///file:{tmp_path / 'new.sqlite'}?vfs=unix-none&uri=true"
    app = create_app(read(replace(empty, url=url).environment))

    answer = app.test_client().get("/readyz")

    assert answer.status_code == 503


@pytest.mark.parametrize("kind", ["postgresql"])
def test_a_writer_waits_for_its_log_and_a_stricter_setting_stays(starter: CommandLine) -> None:
    engine = create_engine(starter.url)
    database.prepare(engine)
    found = []

    for given in ("off", "local", "remote_apply"):
        with engine.connect().execution_options(**{database._WRITES: True}) as connection:
            connection.exec_driver_sql(f"SET SESSION synchronous_commit = {given}")
            connection.commit()
            found.append(connection.exec_driver_sql("SHOW synchronous_commit").scalar())
    engine.dispose()

    assert found == ["on", "local", "remote_apply"]


# --- what reaches the disk, and when


@ON_SQLITE
def test_success_is_told_only_after_the_log_is_synced(starter: CommandLine) -> None:
    tracing.skip_where_refused()
    trace = starter.folder / "trace"

    result = programs.run(
        starter, "members", "import", members(starter), under=tracing.strace(trace, "pwrite64", "fdatasync", "write")
    )

    assert result.code == 0, result
    calls = tracing.calls_of_first_process(trace)
    told = next(at for at, (name, rest) in enumerate(calls) if name == "write" and re.match(r"1<", rest))
    logged = [at for at, (name, rest) in enumerate(calls) if name == "pwrite64" and "sqlite-wal>" in rest and at < told]
    synced = [at for at, (name, rest) in enumerate(calls) if name == "fdatasync" and "sqlite-wal>" in rest]
    assert logged and any(logged[-1] < at < told for at in synced)


@ON_SQLITE
def test_a_log_that_cannot_be_synced_is_no_success_and_the_same_command_looks_the_outcome_up(
    starter: CommandLine,
) -> None:
    tracing.skip_where_refused()
    file, before = members(starter), rows.dump(starter)
    failing = tracing.strace(starter.folder / "trace", "fdatasync", inject="error=EIO")

    result = programs.run(starter, "members", "import", file, under=failing)

    assert (result.code, result.out) == (3, ""), result
    assert "helt eller slet ikke" in result.err and "Traceback" not in result.err
    assert rows.dump(starter) == before  # what was not synced was not stored this time
    starter.done("members", "import", file)
    assert rows.count(starter, "membership") == 40
    starter.done("verify")


@ON_SQLITE
def test_a_write_that_finds_no_room_says_so_and_stores_nothing(starter: CommandLine) -> None:
    tracing.skip_where_refused()
    file, before = members(starter), rows.dump(starter)
    failing = tracing.strace(starter.folder / "trace", "pwrite64", inject="error=ENOSPC:when=9+")

    result = programs.run(starter, "members", "import", file, under=failing)

    assert (result.code, result.out) == (3, ""), result
    assert "disk er fuld" in result.err and "samme kommando igen" in result.err
    assert rows.dump(starter) == before
    starter.done("members", "import", file)
    starter.done("verify")


def is_in_transaction(connection: Connection) -> bool:
    """Ask the driver whether a transaction is open."""
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        return bool(driver.in_transaction)
    return bool(driver.info.transaction_status != TransactionStatus.IDLE)


def test_a_glance_begins_nothing_and_what_comes_after_it_reads_one_snapshot(empty: CommandLine) -> None:
    found = []

    with create_app(read(empty.environment)).app_context():
        for _ in range(2):
            with database.glancing() as connection:
                connection.execute(text("SELECT 1 FROM invoice_series"))
                found.append(is_in_transaction(connection))
            with database.reading() as session:
                session.execute(text("SELECT 1 FROM invoice_series"))
                found.append(is_in_transaction(session.connection()))
        database.db.engine.dispose()

    assert found == [False, True, False, True]


@pytest.mark.parametrize("kind", ["postgresql"])
def test_readers_and_writers_on_postgresql_see_one_snapshot_and_what_is_noted_aside_does_not(
    empty: CommandLine,
) -> None:
    asked = text("SHOW transaction_isolation")

    with create_app(read(empty.environment)).app_context():
        with database.aside() as connection:
            found = [connection.execute(asked).scalar()]
        for opened in (database.reading, database.writing):
            with opened() as session:
                found.append(session.execute(asked).scalar())
        database.db.engine.dispose()

    assert found == ["read committed", "repeatable read", "repeatable read"]


@pytest.mark.parametrize("kind", ["postgresql"])
def test_a_reader_on_postgresql_cannot_write_and_the_writer_after_it_can(empty: CommandLine) -> None:
    write = text("UPDATE invoice_series SET last_number = last_number")

    with create_app(read(empty.environment)).app_context():
        with pytest.raises(DBAPIError, match="read-only transaction"), database.reading() as session:
            session.execute(write)
        with database.writing() as session:
            session.execute(write)
        with database.aside() as connection:
            connection.execute(write)
        database.db.engine.dispose()


@pytest.mark.parametrize("kind", ["postgresql"])
def test_what_readers_on_postgresql_ask_again_is_planned_once(empty: CommandLine) -> None:
    prepared = text("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%invoice_series%LIMIT%'")

    with create_app(read(empty.environment)).app_context():
        for _ in range(10):
            with database.reading() as session:
                database.ping(session)
        with database.glancing() as connection:
            found = connection.execute(prepared).scalar()
        database.db.engine.dispose()

    assert found == 1
