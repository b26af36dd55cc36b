"""Closed periods: nothing is booked with a day in one any more, which the database refuses, too.

Periods are closed in order, so every day up to the last closed one is closed. A rehearsal is no bookkeeping: its book
is never closed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Table, func, select, text
from sqlalchemy.orm import Session

from billing.bookkeeping_models import ClosedPeriod
from billing.gathering import Book
from foundation import periods
from foundation.errors import Conflict
from foundation.language import Text, day
from foundation.periods import Period

CLOSED: Table = ClosedPeriod.__table__  # type: ignore[assignment]

#: The tables that book: each row has its day, and the book it belongs to.
GUARDED = ("ledger_entry", "voucher")


class PeriodClosed(Conflict):
    """The day lies in a period that is closed."""


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed period, with what stood in it."""

    id: int
    period: Period
    postings: int
    digest: str
    prepared_by: str
    closed_by: str
    closed_at: datetime


# --- questions


def listed(session: Session) -> list[Closed]:
    """Give the closed periods, newest first, in one query."""
    return [_closed(row) for row in session.execute(select(CLOSED).order_by(CLOSED.c.first_on.desc()))]


def of(session: Session, period: Period) -> Row[Any] | None:
    """Give the row of a closed period, in one query; None where exactly that period is not closed."""
    same = (CLOSED.c.first_on == period.start, CLOSED.c.last_on == period.last_day)
    return session.execute(select(CLOSED).where(*same)).first()


def last_day(session: Session) -> date | None:
    """Give the last day on which nothing can be booked any more; None where nothing is closed."""
    return session.execute(select(func.max(CLOSED.c.last_on))).scalar()


def first_open(session: Session) -> date:
    """Give the first day on which anything can be booked, in one query; the first of all days while none is closed."""
    last = last_day(session)
    return date.min if last is None else _after(last)


def last_days(session: Session) -> list[date]:
    """Give the last day of each closed period, in one query."""
    return list(session.execute(select(CLOSED.c.last_on)).scalars())


def is_day_of(lasts: Collection[date], on: date, posted_on: date) -> bool:
    """Tell whether what belongs to a day may be booked on another: its own, or the first open one after a closing."""
    return posted_on == on or any(on <= last and posted_on == _after(last) for last in lasts)


def _after(last: date) -> date:
    return last + timedelta(days=1)


def period_of(row: Row[Any]) -> Period:
    """Give the days of a row."""
    return periods.through(row.first_on, row.last_on)


def _closed(row: Row[Any]) -> Closed:
    return Closed(
        row.id, period_of(row), row.postings, row.digest, row.prepared_by, row.closed_by, row.closed_at
    )  # fmt: skip


def refuse(session: Session, on: date, book: Book) -> None:
    """Refuse to book on a day that is closed, in one query. Raises PeriodClosed, which names the first day there is."""
    if book != "real":
        return
    last = select(func.max(CLOSED.c.last_on)).scalar_subquery()
    within = select(CLOSED, last.label("after")).where(CLOSED.c.last_on >= on).order_by(CLOSED.c.last_on).limit(1)
    found = session.execute(within).first()
    if found is None:
        return
    closed, first, given = periods.told(period_of(found)), day(_after(found.after)), day(on)
    raise PeriodClosed(
        Text(
            f"{given.da} kan der ikke bogføres: regnskabet er lukket ({closed.da}); første mulige dag er {first.da}",
            f"nothing can be booked on {given.en}: the accounts are closed ({closed.en}); "
            f"the first possible day is {first.en}",
        )
    )


# --- the guards in the database


_FUNCTION = "closed_period_refusal"
_BODY = (
    "BEGIN IF NEW.book = 'real' AND EXISTS (SELECT 1 FROM closed_period WHERE last_on >= NEW.posted_on) THEN "
    "RAISE EXCEPTION '% lies in a closed period: % refused', NEW.posted_on, TG_TABLE_NAME "
    "USING ERRCODE = 'restrict_violation'; END IF; RETURN NEW; END"
)


def guards(dialect: str) -> list[str]:
    """Give the DDL that lets the database refuse to book in a closed period, for `sqlite` or `postgresql`."""
    if dialect == "sqlite":
        return [_sqlite_guard(table) for table in GUARDED]
    function = f"CREATE OR REPLACE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $${_BODY}$$"
    return [function, *(_postgresql_guard(table) for table in GUARDED)]


def _sqlite_guard(table: str) -> str:
    return (
        f'CREATE TRIGGER "{table}_not_closed" BEFORE INSERT ON "{table}" WHEN NEW.book = \'real\' AND EXISTS '
        "(SELECT 1 FROM closed_period WHERE last_on >= NEW.posted_on) "
        f"BEGIN SELECT RAISE(ABORT, 'the day lies in a closed period: {table} refused'); END"
    )


def _postgresql_guard(table: str) -> str:
    return f"CREATE TRIGGER {table}_not_closed BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {_FUNCTION}()"


def guard_faults(connection: Connection) -> Iterator[tuple[str, Text]]:
    """Give each of these guards that is missing, changed or switched off, as (trigger, what is wrong)."""
    is_sqlite = connection.dialect.name == "sqlite"
    standing = _standing(connection, is_sqlite=is_sqlite)
    for table in GUARDED:
        trigger = f"{table}_not_closed"
        wanted = _sqlite_guard(table) if is_sqlite else _postgresql_guard(table)
        if trigger not in standing:
            yield trigger, Text("udløseren mangler eller er slået fra", "the trigger is missing or switched off")
        elif _folded(standing[trigger]) != _folded(wanted):
            yield trigger, Text("udløseren er ændret", "the trigger was changed")


def _folded(sql: str) -> str:
    return " ".join(sql.replace('"', "").replace("public.", "").split())


def _standing(connection: Connection, *, is_sqlite: bool) -> dict[str, str]:
    if is_sqlite:
        rows: Any = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
        return {row.name: row.sql for row in rows}
    rows = connection.execute(
        text(
            "SELECT t.tgname AS name, pg_get_triggerdef(t.oid) AS sql "
            "FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid "
            "WHERE CAST(t.tgenabled AS text) IN "
            "('A', CASE current_setting('session_replication_role') WHEN 'replica' THEN 'R' ELSE 'O' END) "
            "AND p.proname = :function AND p.prosrc = :body"
        ),
        {"function": _FUNCTION, "body": _BODY},
    )
    return {row.name: row.sql for row in rows}
