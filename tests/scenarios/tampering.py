"""What someone with the database's password can do to a year: change any column, swap, remove and add rows, hash anew.

Everything happens in a transaction that is rolled back, on one issued year, so that hundreds of changes take seconds:

with Vault(line) as vault:
    with vault.opened() as session:              guards and foreign keys are off
        session.execute(text("UPDATE …"))
        vault.verified(session)                  the guards stand again; the verdict
"""

from __future__ import annotations

import json
import re
import sqlite3
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from sqlalchemy import (
    Column,
    Connection,
    Date,
    Engine,
    Integer,
    LargeBinary,
    NullPool,
    Table,
    Text,
    create_engine,
    event,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.adapters import work
from billing import verification
from billing.verification import Verdict
from foundation import append_only, audit
from foundation.audit import ENTRIES
from foundation.audit_head import Head
from foundation.base import Base, Instant
from tests import reminding, sealed_files, spending
from tests.agreements import signed
from tests.command_line import CommandLine
from tests.scenarios import database, files, stories

#: Every guarded table and column, read from the models: a new one is tampered with by itself.
TABLES: dict[str, Table] = {table.name: table for table in append_only.tables(Base.metadata)}
COLUMNS = [f"{table.name}.{column.name}" for table in TABLES.values() for column in table.columns]


def issue_everything(line: CommandLine, monkeypatch: Any) -> None:
    """Issue a year with every kind of line, after a rehearsal with credit notes, with settings and documents."""
    monkeypatch.setattr(work, "WORTH_SPREADING", 10**6)
    stories.everything(line)
    database.adopt_templates(line)
    signed.sign_everything(line, files.by_name("Læsø").cvr, database.AT)
    sealed_files.seal_everything(line, files.by_name("Læsø").cvr, database.AT)
    line.done("settings", "import", line.write("seller.toml", files.SELLER))
    line.approve(2027, "--rehearsal")
    line.done("billing", "issue", 2027, "--rehearsal")
    two = ("--reason", "Forkert størrelse", "--by", "En Forbereder", "--approved-by", "En Godkender")
    line.done("billing", "credit", "R-2027-0001", *two)
    line.done("billing", "credit", "R-2027-0002", *two, "--then-reissue")
    for days in (20, 25):
        line.done("settings", "import", line.write("seller.toml", files.SELLER.replace("= 30", f"= {days}")))
    line.issue(2027)
    database.judge(line)
    database.propose(line)
    database.close_periods(line)
    database.publish_reports(line)
    database.keep_payments(line)
    database.keep_forecasts(line)
    spending.keep(line)
    reminding.keep(line)
    database.settle(line)
    database.deliver(line)
    database.write_letters(line)


class Vault:
    """One database, opened by force again and again; whatever was done inside is undone."""

    def __init__(self, line: CommandLine) -> None:
        self.is_sqlite = line.url.startswith("sqlite")
        self._engine: Engine = create_engine(line.url, poolclass=NullPool)
        if self.is_sqlite:  # foreign keys stay off, as they are in SQLite unless someone asks for them
            event.listen(self._engine, "connect", lambda raw, _: setattr(raw, "isolation_level", None))
            event.listen(self._engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        self._connection: Connection
        self._triggers: dict[str, tuple[str, str]] = {}

    def __enter__(self) -> Self:
        self._connection = self._engine.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._engine.dispose()

    @contextmanager
    def opened(self, *tables: str) -> Iterator[Session]:
        """Open the database without guards on `tables` (of SQLite; PostgreSQL lets all go), and undo all in the end."""
        with Session(self._connection) as session:
            self._take_guards_off(session, tables)
            yield session
            session.rollback()

    def _take_guards_off(self, session: Session, tables: tuple[str, ...]) -> None:
        if not self.is_sqlite:
            session.execute(text("SET LOCAL session_replication_role = replica"))
            return
        rows = session.execute(text("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
        self._triggers = {row.name: (row.tbl_name, row.sql) for row in rows if row.tbl_name in tables}
        for name in self._triggers:
            session.execute(text(f'DROP TRIGGER "{name}"'))

    def close_up(self, session: Session) -> None:
        """Put the guards back as they were."""
        if not self.is_sqlite:
            session.execute(text("SET LOCAL session_replication_role = origin"))
        for _, create in self._triggers.values():
            session.connection().exec_driver_sql(create)
        self._triggers = {}

    def verified(self, session: Session, *heads: Head) -> Verdict:
        """Put the guards back and verify."""
        self.close_up(session)
        return verification.verify(session, heads=heads)

    def first(self, session: Session) -> str:
        """Put the guards back, and give what verifying names first."""
        self.close_up(session)
        found = verification.verify(session, only_first=True).violations
        return found[0].subject if found else "nothing"


# --- rows


def key(table: Table) -> str:
    """Give the name of a table's key."""
    return str(next(iter(table.primary_key)).name)


def keys(session: Session, table: Table) -> list[int]:
    """Give the keys of a table, rising."""
    column = table.c[key(table)]
    return list(session.execute(select(column).order_by(column)).scalars())


def spread(found: list[int]) -> list[int]:
    """Give the first, the middle and the last, each once."""
    return list(dict.fromkeys((found[0], found[len(found) // 2], found[-1])))


def raw(session: Session, column: Column[Any], id_: int) -> Any:
    """Give a value as the driver knows it, before SQLAlchemy makes a type of it."""
    table = column.table
    return session.execute(
        text(f'SELECT "{column.name}" FROM {table} WHERE {key(TABLES[str(table)])} = {id_}')
    ).scalar()


def put(session: Session, column: Column[Any], id_: int, value: Any) -> bool:
    """Set one column of one row; tell whether the database let it happen."""
    table = TABLES[str(column.table)]
    statement = f'UPDATE {table.name} SET "{column.name}" = {_slot(value)} WHERE {key(table)} = {id_}'
    bound = value.parameter if isinstance(value, Expression) else value
    try:
        with session.begin_nested():
            done: Any = session.execute(text(statement), {"value": bound})
    except DBAPIError:
        return False
    return bool(done.rowcount == 1)


@dataclass(frozen=True)
class Expression:
    """A value that only SQL can write: `:value` in it is the parameter."""

    sql: str
    parameter: Any = None


def _slot(value: Any) -> str:
    return value.sql if isinstance(value, Expression) else ":value"


def move(session: Session, table: Table, was: int, now: int) -> None:
    """Give a row another key."""
    session.execute(text(f"UPDATE {table.name} SET {key(table)} = {now} WHERE {key(table)} = {was}"))


def swap(session: Session, table: Table, one: int, other: int) -> None:
    """Let two rows change places: the same as swapping all they hold."""
    for was, now in ((one, -99), (other, one), (-99, other)):
        move(session, table, was, now)


def exchange(session: Session, column: Column[Any], one: tuple[int, Any], other: tuple[int, Any]) -> bool:
    """Let two rows swap one value; tell whether the database let it happen."""
    (one_id, was), (other_id, now) = one, other
    return put(session, column, one_id, now) and put(session, column, other_id, was)


def remove(session: Session, table: Table, *ids: int) -> None:
    """Delete rows."""
    for id_ in ids:
        session.execute(text(f"DELETE FROM {table.name} WHERE {key(table)} = {id_}"))


def slip_in(session: Session, table: Table, like: int, id_: int) -> None:
    """Add a row like another, changed only where the database wants it to be one of a kind."""
    row = dict(session.execute(select(table).where(table.c[key(table)] == like)).one()._mapping)
    for constraint in append_only._keys(table):
        column = table.c[constraint[-1]]
        row[column.name] = _another(column, row[column.name])
    append_only.add(session, table, [row | {key(table): id_}])


def _another(column: Column[Any], value: Any) -> Any:
    if value is None:
        return None
    if isinstance(column.type, Date):
        return value + timedelta(days=4_000)
    return value + (9_000 if isinstance(column.type, Integer) else "x")


def covered(session: Session, *positions: int) -> list[str]:
    """Name the rows that entries cover."""
    entries = select(ENTRIES.c.covers).where(ENTRIES.c.position.in_(positions))
    links = [link for covers in session.execute(entries).scalars() for link in json.loads(covers)]
    return [f"{table} {id_}" for table, id_, _ in links]


# --- guards


def attacks_on_guards(*, sqlite: bool) -> Iterator[tuple[str, str, list[str]]]:
    """Give ways to weaken each table's guards: table, the guard to be named, statements."""
    for name, table in TABLES.items():
        if sqlite:
            for trigger, create in append_only._sqlite_triggers(table).items():
                gone = f'DROP TRIGGER "{trigger}"'
                yield name, trigger, [gone]
                yield name, trigger, [gone, re.sub(r"RAISE\(.*'\)", "1", create)]
                yield name, trigger, [gone, create.replace(" BEGIN ", " BEGIN SELECT 1; ")]
                yield name, trigger, [gone, create.replace(f'ON "{name}"', "ON authority")]
            continue
        for trigger, create in append_only._postgresql_triggers(table).items():
            yield name, trigger, [f"DROP TRIGGER {trigger} ON {name}"]
            yield name, trigger, [f"ALTER TABLE {name} DISABLE TRIGGER {trigger}"]
            yield name, trigger, [f"ALTER TABLE {name} ENABLE REPLICA TRIGGER {trigger}"]
            yield name, trigger, [f"DROP TRIGGER {trigger} ON {name}", create.replace("BEFORE", "AFTER")]
            yield name, trigger, [f"DROP TRIGGER {trigger} ON {name}", create.replace(f"ON {name}", "ON authority")]
    if not sqlite:
        hollow = "CREATE OR REPLACE FUNCTION append_only_refusal() RETURNS trigger LANGUAGE plpgsql AS "
        yield "all", f"{next(iter(TABLES))}_no_change", [f"{hollow}$$BEGIN RETURN COALESCE(NEW, OLD); END$$"]


# --- changes of one value


def changes(column: Column[Any], value: Any, *, sqlite: bool) -> dict[str, Any]:
    """Give other values for a column by a name for each, from the plausible to the hostile."""
    if value is None:
        found = _for_null(column)
    else:
        found = next(make for kind, make in _MAKERS.items() if isinstance(column.type, kind))(value)
        found |= {"nothing": None}
        found |= _only_sqlite(column, value) if sqlite else _only_postgresql(column)
    return {name: changed for name, changed in found.items() if changed != value or type(changed) is not type(value)}


def _for_null(column: Column[Any]) -> dict[str, Any]:
    if isinstance(column.type, Text):
        return {"empty": "", "something": "x"}
    if isinstance(column.type, Date):
        return {"far": "2999-12-31"}
    return {"zero": 0, "one": 1}


def _numbers(value: int) -> dict[str, Any]:
    return {
        "one more": value + 1, "one less": value - 1, "negated": -value, "zero": 0, "far": value + 1_000_003,
        "largest": 2**63 - 1, "smallest": -(2**63),
    }  # fmt: skip


def _texts(value: str) -> dict[str, Any]:
    return {
        "a bit": chr(ord(value[0]) ^ 1) + value[1:] if value else "\x01",
        "trailing space": value + " ",
        "leading space": " " + value,
        "other case": value.swapcase(),
        "look-alike": value.translate(_LOOK_ALIKE),
        "decomposed": unicodedata.normalize("NFD", value),
        "zero width": value + "\u200b",
        "empty": "",
        "one less": value[:-1],
        "other": "noget andet",
        "json null": "null",
        "json list": "[]",
        "json of another form": '[[1,2],["x","y",{}],{"net":1e999}]',
        "json too deep": "[" * 100_000,
        "json too large": f'[["posting",{2**80},"x"]]',
    }


_LOOK_ALIKE = {ord(latin): cyrillic for latin, cyrillic in zip("aeopcxA0", "аеорсхА०", strict=True)}


def _days(value: date | str) -> dict[str, Any]:
    day = date.fromisoformat(value) if isinstance(value, str) else value
    days = {"next": day + timedelta(days=1), "before": day - timedelta(days=1), "another year": date(1999, 12, 31)}
    return {name: str(day) if isinstance(value, str) else day for name, day in days.items()}


def _instants(value: datetime | str) -> dict[str, Any]:
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    moved = {
        "a microsecond": at + timedelta(microseconds=1), "an hour": at + timedelta(hours=1),
        "whole second": at.replace(microsecond=0) - timedelta(seconds=1),
    }  # fmt: skip
    return {name: f"{at:%Y-%m-%d %H:%M:%S.%f}" if isinstance(value, str) else at for name, at in moved.items()}


def _bytes(value: bytes) -> dict[str, Any]:
    middle = len(value) // 2
    flipped = bytes([value[middle] ^ 1])
    return {
        "a bit": value[:middle] + flipped + value[middle + 1 :], "cut": value[:-1], "longer": value + b"\0",
        "empty": b"",
    }  # fmt: skip


_MAKERS: Mapping[type, Any] = {Integer: _numbers, Text: _texts, Date: _days, Instant: _instants, LargeBinary: _bytes}


def _only_sqlite(column: Column[Any], value: Any) -> dict[str, Any]:
    """Give what a loosely typed database takes: other types, and other ways to write the same."""
    if isinstance(column.type, Integer):
        return {"a text": "x", "a fraction": 0.5, "bytes": b"1"}
    if isinstance(column.type, LargeBinary):
        return {"its digest as text": audit.sha256(value), "a number": 5, "a large number": 10**15, "as text": "pdf"}
    if isinstance(column.type, Date):
        week = "{}-W{:02}-{}".format(*date.fromisoformat(value).isocalendar())
        return {
            "its week": week,
            "a number": 20270115,
            "words": "i går",
            "behind a NUL": f"{value}\0x",
            "day 31": value[:5] + "02-31",
        }
    if isinstance(column.type, Instant):
        return {
            "with a T": value.replace(" ", "T"), "with its zone": f"{value}+00:00", "a number": 1, "words": "nu",
            "without fraction": f"{value[:19]}.0", "behind a NUL": f"{value}\0x",
            "24 o'clock": f"{value[:10]} 24:00:00.000000",
        }  # fmt: skip
    return {"bytes": value.encode(), "a NUL": f"{value}\0", "no UTF-8": Expression("CAST(:value AS TEXT)", b"\xff\xfe")}


def _only_postgresql(column: Column[Any]) -> dict[str, Any]:
    if isinstance(column.type, Date | Instant):
        kind = "date" if isinstance(column.type, Date) else "timestamptz"
        far = ("infinity", "-infinity", "0044-03-15 BC", "12027-01-01")
        return {day: Expression(f"CAST('{day}' AS {kind})") for day in far}
    return {}


# --- the chain


def refit(session: Session, table: Table, id_: int, was: str) -> int:
    """Make the entry that covers a row fit what it holds now, and hash the chain anew behind it; give its position."""
    row = session.execute(select(table).where(table.c[key(table)] == id_)).one()
    now = audit.row_digest(table, dict(row._mapping))
    entry = session.execute(select(ENTRIES).where(ENTRIES.c.covers.contains(was))).one()
    _set(session, entry.position, {"covers": entry.covers.replace(was, now)})
    hash_anew(session, entry.position)
    return int(entry.position)


def digest_of(session: Session, table: Table, id_: int) -> str:
    """Give a row's digest as it stands."""
    return audit.row_digest(table, dict(session.execute(select(table).where(table.c.id == id_)).one()._mapping))


def hash_anew(session: Session, start: int, end: int = 2**62) -> None:
    """Link every entry from a position on to the one before it, as if nothing had been."""
    previous = session.execute(select(ENTRIES.c.hash).where(ENTRIES.c.position == start - 1)).scalar() or audit.GENESIS
    found = select(ENTRIES).where(ENTRIES.c.position.between(start, end)).order_by(ENTRIES.c.position)
    for row in session.execute(found).all():
        entry = dict(row._mapping) | {"previous_hash": previous}
        previous = audit.entry_hash(entry)
        _set(session, row.position, {"previous_hash": entry["previous_hash"], "hash": previous})


def without_rows(session: Session) -> int:
    """Give the position of an entry that covers nothing, not the last one."""
    found = select(ENTRIES.c.position).where(ENTRIES.c.covers == "[]").order_by(ENTRIES.c.position.desc())
    return int(session.execute(found.limit(1)).scalar_one())


def close_gap(session: Session, position: int) -> None:
    """Let the entries behind a removed one move up, and hash them anew."""
    for was in keys(session, ENTRIES)[position - 1 :]:
        move(session, ENTRIES, was, was - 1)
    hash_anew(session, position)


def cut_last_invoice(session: Session) -> int:
    """Remove all that came with and after the last invoice, as if it had never been; give the entries left."""
    issued = select(ENTRIES.c.position).where(ENTRIES.c.action == "invoice.issued")
    last = int(session.execute(issued.order_by(ENTRIES.c.position.desc()).limit(1)).scalar_one())
    tail = [position for position in keys(session, ENTRIES) if position >= last]
    for name in covered(session, *tail):
        remove(session, TABLES[name.split()[0]], int(name.split()[1]))
    remove(session, ENTRIES, *tail)
    session.execute(text("UPDATE invoice_series SET last_number = last_number - 1 WHERE name = '2027'"))
    session.execute(text("DELETE FROM invoice_series WHERE name = 'RY-2027'"))  # reminders came after it
    return last - 1


def _set(session: Session, position: int, values: dict[str, str]) -> None:
    session.execute(ENTRIES.update().where(ENTRIES.c.position == position).values(values))


# --- copies


def set_up(url: str, folder: Path) -> CommandLine:
    """Give the command line on a database that is set up and empty."""
    line = CommandLine(url, folder)
    line.done("db", "upgrade")
    return line


def vacuumed_and_reloaded(file: Path) -> list[CommandLine]:
    """Give a SQLite database packed anew, and written as SQL and read again."""
    packed, reloaded = file.with_name("packed.sqlite"), file.with_name("reloaded.sqlite")
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(reloaded)) as target:
        source.execute("VACUUM INTO ?", [str(packed)])
        target.executescript("\n".join(source.iterdump()))
    return [CommandLine(f"sqlite:///{copy}", file.parent) for copy in (packed, reloaded)]
