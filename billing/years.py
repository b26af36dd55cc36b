"""The years there are: what was approved, issued and given back in each, for the list of years."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing.approvals import APPROVALS
from billing.gathering import CREDIT_NOTES, INVOICES
from foundation.money import ZERO, Money


@dataclass(frozen=True, slots=True)
class Year:
    """A year of the real book. Amounts are without VAT; what was credited stands below zero."""

    year: int
    is_approved: bool = False
    invoices: int = 0
    invoiced: Money = ZERO
    credit_notes: int = 0
    credited: Money = ZERO


def states(session: Session, on: date) -> list[Year]:
    """Give every year in which something was approved or issued, and this one and the next, newest first.

    Costs two queries.
    """
    is_note = INVOICES.c.id.in_(select(CREDIT_NOTES.c.invoice_id))
    issued = session.execute(
        select(INVOICES.c.year, is_note.label("is_note"), func.count(), func.sum(INVOICES.c.net_ore))
        .where(INVOICES.c.book == "real")
        .group_by(INVOICES.c.year, is_note)
    )
    sums = {(row[0], bool(row[1])): (row[2], Money(int(row[3]))) for row in issued}
    approved = set(session.execute(select(APPROVALS.c.year).where(APPROVALS.c.book == "real").distinct()).scalars())
    known = {on.year, on.year + 1} | approved | {year for year, _ in sums}
    return [
        Year(year, year in approved, *sums.get((year, False), (0, ZERO)), *sums.get((year, True), (0, ZERO)))
        for year in sorted(known, reverse=True)
    ]
