"""Work that goes on by itself: who started it, whether its process lives, and how it ended.

There is one run at a time for a year and book, which the database enforces. A process that was not heard of for half a
minute counts as interrupted, and the work may be continued by another: it goes on from what is missing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Row, Table, insert, select, update
from sqlalchemy.orm import Session

from billing.gathering import Book
from billing.models import WorkRun
from foundation.errors import Conflict, NotFound
from foundation.language import Text

RUNS: Table = WorkRun.__table__  # type: ignore[assignment]

#: How long a process may be silent before its run counts as interrupted.
PATIENCE = timedelta(seconds=30)

Outcome = Literal["done", "failed", "interrupted"]
State = Literal["running", "done", "failed", "interrupted"]


class AlreadyRunning(Conflict):
    """The work is being done."""


class NoSuchRun(NotFound):
    """There is no such run of work."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run of work as it stands at an instant."""

    id: int
    year: int
    book: Book
    dated: date
    started_by: str
    started_at: datetime
    state: State
    ended_at: datetime | None
    message: Text | None


def latest(session: Session, year: int, book: Book, *, at: datetime) -> Run | None:
    """Give the newest run of a year in a book, as it stands at an instant."""
    found = select(RUNS).where(RUNS.c.year == year, RUNS.c.book == book).order_by(RUNS.c.id.desc()).limit(1)
    row = session.execute(found).first()
    return None if row is None else _run(row, at)


def get(session: Session, id_: int, *, at: datetime) -> Run:
    """Give a run. Raises NoSuchRun."""
    row = session.execute(select(RUNS).where(RUNS.c.id == id_)).first()
    if row is None:
        raise NoSuchRun(Text(f"ingen kørsel har nummer {id_}", f"no run has the number {id_}"))
    return _run(row, at)


def _run(row: Row[Any], at: datetime) -> Run:
    state: State = "running"
    if row.ended_at is not None:
        state = row.outcome
    elif at - row.seen_at > PATIENCE:
        state = "interrupted"
    message = None if row.message is None else Text(**json.loads(row.message))
    return Run(
        row.id, row.year, row.book, row.dated, row.started_by, row.started_at, state, row.ended_at, message
    )  # fmt: skip


def start(session: Session, year: int, book: Book, dated: date, actor: str, *, at: datetime) -> int:
    """Note that a run starts; one that was interrupted is closed. Needs the writer's lock. Raises AlreadyRunning."""
    known = latest(session, year, book, at=at)
    if known is not None and known.state == "running":
        raise AlreadyRunning(
            Text(
                f"{year} er ved at blive udstedt, startet af {known.started_by}; vent, til det er færdigt",
                f"{year} is being issued, started by {known.started_by}; wait until it is done",
            )
        )
    if known is not None and known.ended_at is None:
        end(session, known.id, "interrupted", None, at=at)
    row = {
        "kind": "issue", "year": year, "book": book, "dated": dated, "started_by": actor, "started_at": at,
        "seen_at": at,
    }  # fmt: skip
    return int(session.execute(insert(RUNS).values(row).returning(RUNS.c.id)).scalar_one())


def seen(session: Session, id_: int, *, at: datetime) -> bool:
    """Note that a run's process lives; tell whether the run is still its own, and not closed by another."""
    alive = update(RUNS).where(RUNS.c.id == id_, RUNS.c.ended_at.is_(None)).values(seen_at=at)
    return bool(session.execute(alive.returning(RUNS.c.id)).first())


def end(session: Session, id_: int, outcome: Outcome, message: Text | None, *, at: datetime) -> None:
    """Note how a run ended; one that has ended stays as it is."""
    told = None if message is None else json.dumps({"da": message.da, "en": message.en}, ensure_ascii=False)
    values = {"ended_at": at, "outcome": outcome, "message": told}
    session.execute(update(RUNS).where(RUNS.c.id == id_, RUNS.c.ended_at.is_(None)).values(values))
