"""What reminders charge and is not paid yet, by the invoice that was reminded of. Read from reminders and matches."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Table, func, select
from sqlalchemy.orm import Session

from billing import ledger
from billing.gathering import INVOICES
from billing.payment_models import ChargeWaiver, PaymentMatch
from billing.reminder_models import Reminder
from foundation.money import Money

REMINDERS: Table = Reminder.__table__  # type: ignore[assignment]
MATCHES: Table = PaymentMatch.__table__  # type: ignore[assignment]
WAIVERS: Table = ChargeWaiver.__table__  # type: ignore[assignment]


class Charged(NamedTuple):
    """What the reminders of one invoice charge, and what of it was paid or let go of by a day."""

    invoice_id: int
    number: str  # of the invoice
    authority_id: int
    charged: Money
    paid: Money
    waived: Money

    @property
    def outstanding(self) -> Money:
        """What is still owed of it."""
        return self.charged - self.paid - self.waived


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
    let_go = (
        select(WAIVERS.c.invoice_id, func.sum(WAIVERS.c.amount_ore).label("ore"))
        .where(WAIVERS.c.decided_on <= on)
        .group_by(WAIVERS.c.invoice_id)
        .subquery("let_go")
    )
    came, waived = func.coalesce(paid.c.ore, 0), func.coalesce(let_go.c.ore, 0)
    found = (
        select(INVOICES.c.id, INVOICES.c.number, INVOICES.c.authority_id, asked.c.ore, came.label("paid"),
               waived.label("waived"))
        .join(asked, asked.c.invoice_id == INVOICES.c.id)
        .outerjoin(paid, paid.c.invoice_id == INVOICES.c.id)
        .outerjoin(let_go, let_go.c.invoice_id == INVOICES.c.id)
        .where((asked.c.ore != 0) | (came != 0))
        .order_by(INVOICES.c.id)
    )  # fmt: skip
    if authority_id is not None:
        found = found.where(INVOICES.c.authority_id == authority_id)
    return {row.id: _charged(row) for row in session.execute(found)}


def _charged(row: Any) -> Charged:
    sums = (Money(int(ore)) for ore in (row.ore, row.paid, row.waived))
    return Charged(row.id, row.number, row.authority_id, *sums)


def still_owed(session: Session, on: date) -> dict[int, Money]:
    """Give what is still owed of reminders' charges, by invoice, in one query."""
    return {id_: each.outstanding for id_, each in charged(session, on).items() if each.outstanding}
