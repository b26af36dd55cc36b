"""What reminders charge and is not paid yet, by the invoice that was reminded of. Read from reminders and matches."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from sqlalchemy import Table, func, select
from sqlalchemy.orm import Session

from billing import ledger
from billing.gathering import INVOICES
from billing.payment_models import PaymentMatch
from billing.reminder_models import Reminder
from foundation.money import Money

REMINDERS: Table = Reminder.__table__  # type: ignore[assignment]
MATCHES: Table = PaymentMatch.__table__  # type: ignore[assignment]


class Charged(NamedTuple):
    """What the reminders of one invoice charge, and what of it was paid by a day."""

    invoice_id: int
    number: str  # of the invoice
    authority_id: int
    charged: Money
    paid: Money

    @property
    def outstanding(self) -> Money:
        """What is still owed of it."""
        return self.charged - self.paid


def charged(session: Session, on: date, *, authority_id: int | None = None) -> dict[int, Charged]:
    """Give what reminders had charged by a day, by invoice; of one authority where named. In one query."""
    columns = REMINDERS.c
    costs = columns.fee_ore + columns.compensation_ore + columns.interest_ore
    asked = (
        select(columns.invoice_id, func.sum(costs).label("ore"))
        .where(columns.issued_on <= on)
        .group_by(columns.invoice_id)
        .subquery("asked")
    )
    paid = (
        select(MATCHES.c.invoice_id, func.sum(MATCHES.c.amount_ore).label("ore"))
        .where(MATCHES.c.account == ledger.CHARGES_OWED, MATCHES.c.invoice_id.is_not(None), MATCHES.c.matched_on <= on)
        .group_by(MATCHES.c.invoice_id)
        .subquery("paid")
    )
    came = func.coalesce(paid.c.ore, 0)
    found = (
        select(INVOICES.c.id, INVOICES.c.number, INVOICES.c.authority_id, asked.c.ore, came.label("paid"))
        .join(asked, asked.c.invoice_id == INVOICES.c.id)
        .outerjoin(paid, paid.c.invoice_id == INVOICES.c.id)
        .where((asked.c.ore != 0) | (came != 0))
        .order_by(INVOICES.c.id)
    )
    if authority_id is not None:
        found = found.where(INVOICES.c.authority_id == authority_id)
    return {
        row.id: Charged(row.id, row.number, row.authority_id, Money(int(row.ore)), Money(int(row.paid)))
        for row in session.execute(found)
    }


def still_owed(session: Session, on: date) -> dict[int, Money]:
    """Give what is still owed of reminders' charges, by invoice, in one query."""
    return {id_: each.outstanding for id_, each in charged(session, on).items() if each.outstanding}
