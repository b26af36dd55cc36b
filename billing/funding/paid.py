"""Income on paid basis: what was matched to invoices, shared over what their lines brought.

What is paid of an invoice by a day is shared over its income by the amounts of its lines, credit notes issued by that
day taken off, to the øre. A period has what was paid by its end less what was paid by its beginning, so that periods
add up, and a match that is undone is taken back where it was undone. What is booked as income beside invoices is paid
as it is booked; what reminders charge, when it is paid.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Select, case, func, select, union
from sqlalchemy.orm import Session

from billing import ledger
from billing.balances import MATCHES
from billing.gathering import CREDIT_NOTES, INVOICES
from foundation import money
from foundation.money import Money
from foundation.periods import Period

_VAT = (ledger.OUTPUT_VAT, None)

#: An account and whose fund it is of.
Place = tuple[str, str | None]


class Share(NamedTuple):
    """What a payment brought one income account in a period; below zero where it was taken back."""

    invoice_id: int
    authority_id: int
    account: str
    product: str | None
    amount: Money


@dataclass(slots=True)
class _Invoice:
    authority_id: int = 0
    paid: list[int] = field(default_factory=lambda: [0, 0])  # by the beginning, by the end
    income: dict[Place, list[int]] = field(default_factory=dict)  # by the beginning, by the end


def shares(session: Session, period: Period, product: str | None = None, *, of_all: bool = True) -> list[Share]:
    """Give what payments of invoices brought in a period, in two statements; VAT is left out.

    With `of_all` unset it is that of `product` alone, where None is the association.
    """
    found: dict[int, _Invoice] = defaultdict(_Invoice)
    for row in session.execute(_paid(period)):
        found[row.invoice_id].paid = [int(row.before), int(row.after)]
    for row in session.execute(_income(period)):
        invoice = found[row.of_id]
        invoice.authority_id = row.authority_id
        sums = invoice.income.setdefault((row.account, row.product), [0, 0])
        sums[1] -= row.amount_ore
        if row.issued_on < period.start:
            sums[0] -= row.amount_ore
    return [
        share
        for id_, invoice in sorted(found.items())
        for share in _shared(id_, invoice)
        if of_all or share.product == product
    ]


def _shared(id_: int, invoice: _Invoice) -> list[Share]:
    places = list(invoice.income)
    before, after = (_split(invoice, at) for at in (0, 1))
    return [
        Share(id_, invoice.authority_id, *place, Money(gained))
        for at, place in enumerate(places)
        if place != _VAT and (gained := after[at] - before[at])
    ]


def _split(invoice: _Invoice, at: int) -> list[int]:
    """Share what was paid over what the invoice brought; where it is credited whole, over what it asked for at last."""
    weights = [sums[at] for sums in invoice.income.values()]
    paid, over = Money(invoice.paid[at]), sum(weights)
    if over <= 0:
        weights = [max(sums[0], sums[1], 0) for sums in invoice.income.values()]
        over = sum(weights)
    if not paid or over <= 0:
        return [0] * len(weights)
    return [part.ore for part in money.apportion(paid, [paid.ore * weight for weight in weights], over)]


def _paid(period: Period) -> Select[Any]:
    """Ask what was matched to each invoice that a period touches, by its beginning and by its end."""
    columns = MATCHES.c
    return (
        select(columns.invoice_id,
               func.sum(case((columns.matched_on < period.start, columns.amount_ore), else_=0)).label("before"),
               func.sum(columns.amount_ore).label("after"))
        .where(columns.account.is_(None), columns.invoice_id.in_(_touched(period)), *_until(columns.matched_on, period))
        .group_by(columns.invoice_id)
    )  # fmt: skip


def _income(period: Period) -> Select[Any]:
    """Ask what each such invoice and its credit notes booked as income and VAT, up to the period's end."""
    of_id, touched = func.coalesce(CREDIT_NOTES.c.credited_invoice_id, INVOICES.c.id), _touched(period)
    credits_ = select(CREDIT_NOTES.c.invoice_id).where(CREDIT_NOTES.c.credited_invoice_id.in_(touched))
    return (
        select(of_id.label("of_id"), INVOICES.c.authority_id, INVOICES.c.issued_on, ledger.POSTINGS.c.account,
               ledger.POSTINGS.c.product, ledger.POSTINGS.c.amount_ore)
        .select_from(ledger.POSTINGS)
        .join(ledger.ENTRIES, ledger.POSTINGS.c.entry_id == ledger.ENTRIES.c.id)
        .join(INVOICES, ledger.ENTRIES.c.invoice_id == INVOICES.c.id)
        .outerjoin(CREDIT_NOTES, CREDIT_NOTES.c.invoice_id == INVOICES.c.id)
        .where(INVOICES.c.id.in_(touched) | INVOICES.c.id.in_(credits_),
               ledger.POSTINGS.c.account != ledger.RECEIVABLES, *_until(INVOICES.c.issued_on, period))
        .order_by(INVOICES.c.id, ledger.POSTINGS.c.position)
    )  # fmt: skip


def _touched(period: Period) -> Any:
    """Ask for the real invoices that something was matched to, or credited of, in a period."""
    matched = select(MATCHES.c.invoice_id).where(
        MATCHES.c.invoice_id.is_not(None), MATCHES.c.account.is_(None), *_within(MATCHES.c.matched_on, period)
    )
    credited = (
        select(CREDIT_NOTES.c.credited_invoice_id)
        .join(INVOICES, CREDIT_NOTES.c.invoice_id == INVOICES.c.id)
        .where(INVOICES.c.book == "real", *_within(INVOICES.c.issued_on, period))
    )
    return select(union(matched, credited).subquery("touched"))


def charges(session: Session, period: Period) -> Money:
    """Give what was paid of what reminders charge in a period, which is the association's, in one statement."""
    found = select(func.sum(MATCHES.c.amount_ore)).where(*of_charges(period))
    return Money(int(session.execute(found).scalar() or 0))


def of_charges(period: Period) -> list[Any]:
    """Tell of matches which were for what reminders charge, in a period."""
    return [MATCHES.c.account == ledger.CHARGES_OWED, *_within(MATCHES.c.matched_on, period)]


def _within(column: Any, period: Period) -> list[Any]:
    return [column >= period.start, *_until(column, period)]


def _until(column: Any, period: Period) -> list[Any]:
    return [column < (period.end or date.max)]
