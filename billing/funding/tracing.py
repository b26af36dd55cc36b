"""The krone's way: from a figure down to the postings it is made of, and from an invoice's line up to what it paid.

Nothing is summed beside the ledger: what is listed is what the report adds up.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from authorities.register import AUTHORITIES
from billing import vouchers
from billing.funding import budgets, funds, reporting
from billing.gathering import INVOICES, LINES
from foundation import periods
from foundation.errors import NotFound
from foundation.language import Text
from foundation.money import ZERO, Money, total
from foundation.periods import Period

ENTRY: Any = vouchers.entries().subquery("entry")

KINDS = {
    "invoice": Text("Faktura eller kreditnota", "Invoice or credit note"),
    "cost": Text("Omkostning", "Cost"),
    "accrual": Text("Periodisering", "Accrual"),
    "opening": Text("Åbningssaldo", "Opening balance"),
    "transfer": Text("Overførsel", "Transfer"),
    "reminder": Text("Rykkergebyr", "Reminder fee"),
    "interest": Text("Rente", "Interest"),
    "write_off": Text("Afskrivning", "Write-off"),
    "write_off_back": Text("Indgået på afskrevet", "Recovered after write-off"),
    "charge_waived": Text("Frafaldet gebyr eller rente", "Waived charge"),
    "paid": Text("Betaling", "Payment"),
    "owed": Text("Udestående", "Outstanding"),
}


class NoSuchLine(NotFound):
    """No invoice has that line."""


@dataclass(frozen=True, slots=True)
class Share:
    """What a fund spent on one account of a year beside its budget, and that account's share of a line's money."""

    account: str
    name: Text
    spent: Money
    budget: Money | None  # None where none is adopted
    share: Fraction


@dataclass(frozen=True, slots=True)
class Upward:
    """Where the money of an invoice's line went: to a fund, which spent its year's money so. It is not ear-marked.

    `product` is None where the fund is the association's: of dues. `contribution` is what of a fee's line went to the
    association besides; nothing of dues, which are its own altogether.
    """

    number: str
    authority_id: int
    product: str | None
    year: int
    amount: Money
    contribution: Money
    shares: tuple[Share, ...]

    @property
    def spent(self) -> Money:
        """Give all that the fund spent in the year."""
        return total(each.spent for each in self.shares)


def postings(product: str | None, period: Period) -> Select[Any]:
    """Select what a fund's figures of a period are made of, seen from the fund: income above zero."""
    number, is_voucher = INVOICES.c.number.label("number"), ENTRY.c.kind != "invoice"
    return (
        select(
            ENTRY.c.kind, ENTRY.c.subject_id, ENTRY.c.position, ENTRY.c.posted_on, ENTRY.c.account, ENTRY.c.text,
            ENTRY.c.invoice_id, AUTHORITIES.c.cvr, AUTHORITIES.c.name, number, vouchers.VOUCHERS.c.subject,
            (-ENTRY.c.amount_ore).label("ore"),
        )
        .outerjoin(AUTHORITIES, AUTHORITIES.c.id == ENTRY.c.authority_id)
        .outerjoin(INVOICES, INVOICES.c.id == ENTRY.c.invoice_id)
        .outerjoin(vouchers.VOUCHERS, is_voucher & (vouchers.VOUCHERS.c.id == ENTRY.c.subject_id))
        .where(*within(product, period))
    )  # fmt: skip


def whole(session: Session, product: str | None, period: Period, *narrowed: ColumnElement[bool]) -> Money:
    """Give the sum of what `postings` lists, narrowed the same way, in one query."""
    found = (
        select(func.coalesce(func.sum(-ENTRY.c.amount_ore), 0))
        .select_from(ENTRY.outerjoin(AUTHORITIES, AUTHORITIES.c.id == ENTRY.c.authority_id))
        .where(*within(product, period), *narrowed)
    )
    return Money(int(session.execute(found).scalar_one()))


def within(product: str | None, period: Period) -> list[ColumnElement[bool]]:
    """Tell of postings whether they are of a fund and a period."""
    of_fund = ENTRY.c.product.is_(None) if product is None else ENTRY.c.product == product
    until = [ENTRY.c.posted_on < period.end] if period.end else []
    return [ENTRY.c.book == "real", of_fund, funds.is_of_fund(ENTRY.c.account), ENTRY.c.posted_on >= period.start,
            *until]  # fmt: skip


def upward(session: Session, number: str, position: int) -> Upward:
    """Tell which fund a line of an invoice brought money, and what that fund spent its year's money on.

    `position` counts the invoice's lines from 1. In a fixed number of queries. Raises NoSuchLine.
    """
    line = session.execute(
        select(
            LINES.c.product, LINES.c.product_ore, LINES.c.association_ore, LINES.c.authority_id, INVOICES.c.issued_on
        )
        .join(INVOICES, INVOICES.c.id == LINES.c.invoice_id)
        .where(INVOICES.c.number == number, INVOICES.c.book == "real")
        .order_by(LINES.c.id)
        .offset(position - 1)
        .limit(1)
    ).first()
    if line is None:
        raise NoSuchLine(Text("fakturaen har ikke den linje", "the invoice has no such line"))
    year = periods.year(line.issued_on.year)
    of_product, of_association = Money(line.product_ore), Money(line.association_ore)
    amount, contribution = (of_association, ZERO) if line.product is None else (of_product, of_association)
    shares = _shares(session, line.product, year)
    return Upward(number, line.authority_id, line.product, line.issued_on.year, amount, contribution, shares)


def _shares(session: Session, product: str | None, year: Period) -> tuple[Share, ...]:
    known, budget = reporting.chart(session), budgets.for_report(session, product, year)
    spent: dict[str, int] = {account: 0 for account in (budget.amounts if budget else ()) if known.is_cost(account)}
    for each in funds.moved(session, year, product, of_all=False):
        if known.is_cost(each.account):
            spent[each.account] = spent.get(each.account, 0) - each.amount.ore
    all_of = sum(spent.values())
    return tuple(
        Share(account, known.named(account), Money(ore), budget.amounts.get(account, ZERO) if budget else None,
              Fraction(ore, all_of) if all_of else Fraction(0))
        for account, ore in sorted(spent.items())
    )  # fmt: skip
