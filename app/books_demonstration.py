"""Who of the demonstration is reminded, and the period whose books it closes; made up, and every text says so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy.orm import Session

from billing import bookkeeping, deliveries, holds, reminder_terms, reminders
from foundation.audit import Trail
from foundation.periods import Period

MADE_UP = "Opdigtet"
_FEE = 100  # kroner, as much as the law lets a reminder cost


def reminded(session: Session, trail: Trail, other: Trail, on: date) -> None:
    """Decide on a fee, enter a dispute, and approve that all others whose time it is are reminded, by two people."""
    terms = reminder_terms.propose(session, _terms(), trail)
    trail.write()
    reminder_terms.approve(session, terms.id, other)
    other.write()
    first = reminders.plan(session, on).items[0]
    why = f"{MADE_UP}: kommunen mener, at beløbet er betalt af en anden forvaltning"
    holds.hold(session, first.owed.number, "disputed", why, trail, on=on, until=None)
    made = reminders.hand_over(session, trail, on=on)
    trail.write()
    reminders.approve(session, made.id, other)
    other.write()


def left(session: Session, numbers: Sequence[str], trail: Trail) -> None:
    """Note of reminders that people sent them, so that their days run."""
    for number in numbers:
        deliveries.by_hand(session, number, trail, now=trail.at, why=f"{MADE_UP}: i Digital Post")


def _terms() -> str:
    """Give the mild terms with a fee that somebody made up has decided."""
    decided = {"fee": f"{_FEE}", "decided_on": '"2025-11-01"', "decided_by": f'"bestyrelsen ({MADE_UP.lower()})"'}
    mild = [line for line in reminder_terms.EXAMPLE.splitlines() if line.partition(" ")[0] not in decided]
    return "\n".join([*mild, *(f"{key} = {value}" for key, value in decided.items())]) + "\n"


def closed(session: Session, trail: Trail, other: Trail, period: Period, on: date) -> None:
    """Close a period for ever, by two people."""
    made = bookkeeping.propose_closing(session, period, trail, on=on)
    trail.write()
    bookkeeping.approve_closing(session, made.id, other, on=on)
    other.write()
