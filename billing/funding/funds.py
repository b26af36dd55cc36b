"""Funds: what each product has, and the association. A fund is no table: it is postings of the one ledger.

A product's fund is what is booked with its name; the association's what is booked without one on the accounts of the
result, and on the account for moves between funds. What is booked as income, credit, stands below zero in the ledger
and above it here. Balances are kept when a period is closed, so that what a day's balance costs does not grow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Table, func, or_, select, union_all
from sqlalchemy.orm import Session

from billing import ledger, vouchers
from billing.funding import stretches
from billing.funding.models import FundBalance
from billing.gathering import INVOICES, LINES
from foundation import append_only, periods
from foundation.audit import Trail
from foundation.language import Text
from foundation.money import ZERO, Money
from foundation.periods import Period

KEPT: Table = FundBalance.__table__  # type: ignore[assignment]

KEPT_ACTION = "fund.balances_kept"

#: How long the numbers of the public chart are, and the first of its balance sheet; below it stands the result.
_STANDARD_LENGTH = 4
_BALANCE_SHEET = "5000"


class Moved(NamedTuple):
    """What came to a fund by one account and kind of entry in a period, seen from the fund: income above zero."""

    product: str | None
    account: str
    kind: str  # of the voucher; `invoice` for invoices and credit notes
    amount: Money


@dataclass(frozen=True, slots=True)
class Conservation:
    """Where every øre of a period's invoices went: lines less credits are what funds and association got."""

    invoiced: Money  # the lines of invoices, without VAT
    credited: Money  # those of credit notes, above zero
    products: dict[str, Money]  # what each product's fund got of them
    association: Money

    @property
    def funds(self) -> Money:
        """Give what the products' funds got together."""
        return Money(sum(amount.ore for amount in self.products.values()))

    @property
    def drift(self) -> Money:
        """Give what is missing: zero where nothing was lost on the way."""
        return self.invoiced - self.credited - self.funds - self.association


def is_of_fund(account: Any) -> ColumnElement[bool]:
    """Tell of an account's column whether it is in the funds: those of the result, and the one for moves."""
    result = or_(func.length(account) != _STANDARD_LENGTH, account < _BALANCE_SHEET)
    return or_(result, account == ledger.FUND)


# --- questions


def balance(session: Session, on: date) -> dict[str | None, Money]:
    """Give what each fund has when a day begins, by product; None is the association. In two statements.

    It costs O(postings since the last closing before the day).
    """
    since = session.execute(select(func.max(KEPT.c.last_on)).where(KEPT.c.last_on < on)).scalar()
    first = date.min if since is None else since + timedelta(days=1)
    entry = vouchers.entries(Period(first, on)).subquery("entry")
    kept = select(KEPT.c.product, KEPT.c.amount_ore.label("ore")).where(KEPT.c.last_on == since)
    later = select(entry.c.product, (-entry.c.amount_ore).label("ore")).where(
        entry.c.book == "real", is_of_fund(entry.c.account)
    )
    whole = union_all(kept, later).subquery("whole")
    rows = session.execute(select(whole.c.product, func.sum(whole.c.ore).label("ore")).group_by(whole.c.product))
    return {None: ZERO} | {row.product: Money(int(row.ore)) for row in rows}


def moved(session: Session, period: Period, product: str | None = None, *, of_all: bool = True) -> list[Moved]:
    """Give what came to funds in a period by product, account and kind, in one statement: O(postings of the period).

    With `of_all` unset it is that of `product` alone, where None is the association.
    """
    entry = vouchers.entries(period).subquery("entry")
    found = (
        select(entry.c.product, entry.c.account, entry.c.kind, func.sum(entry.c.amount_ore).label("ore"))
        .where(entry.c.book == "real", is_of_fund(entry.c.account))
        .group_by(entry.c.product, entry.c.account, entry.c.kind)
        .order_by(entry.c.product, entry.c.account, entry.c.kind)
    )
    if not of_all:
        found = found.where(entry.c.product.is_(None) if product is None else entry.c.product == product)
    return [Moved(row.product, row.account, row.kind, Money(-int(row.ore))) for row in session.execute(found)]


def moved_between(session: Session, days: Sequence[date]) -> list[list[Moved]]:
    """Give what came to funds from each day to the next, in one statement: O(postings between first and last)."""
    whole = Period(days[0], days[-1])
    rows = session.execute(union_all(*(_moved_in(half, days) for half in vouchers.halves(whole)))).all()
    found: list[list[Moved]] = [[] for _ in days[1:]]
    for stretch, product, account, kind, ore in rows:
        found[stretch].append(Moved(product, account, kind, Money(-int(ore))))
    return found


def _moved_in(half: Select[Any], days: Sequence[date]) -> Select[Any]:
    entry = half.subquery("entry")
    return (
        select(stretches.of(entry.c.posted_on, days).label("stretch"), entry.c.product, entry.c.account, entry.c.kind,
               func.sum(entry.c.amount_ore).label("ore"))
        .where(entry.c.book == "real", is_of_fund(entry.c.account))
        .group_by("stretch", entry.c.product, entry.c.account, entry.c.kind)
    )  # fmt: skip


def conservation(session: Session, period: Period) -> Conservation:
    """Hold what a period's lines came to against what the funds and the association got of them, in two statements."""
    days = [period.start, period.end or date.max]
    return conservations(session, days, [moved(session, period)])[0]


def conservations(session: Session, days: Sequence[date], found: Sequence[Sequence[Moved]]) -> list[Conservation]:
    """Do the same from each day to the next, with what moved there, in one statement: O(lines between them)."""
    is_credit = INVOICES.c.series.like("%K-%")
    issued = select(INVOICES.c.id).where(
        INVOICES.c.book == "real", INVOICES.c.issued_on >= days[0], INVOICES.c.issued_on < days[-1]
    )
    rows = session.execute(
        select(stretches.of(INVOICES.c.issued_on, days).label("stretch"), is_credit.label("is_credit"),
               func.sum(LINES.c.net_ore).label("ore"))
        .join(LINES, LINES.c.invoice_id == INVOICES.c.id)
        .where(LINES.c.invoice_id.in_(issued))
        .group_by("stretch", "is_credit")
    )  # fmt: skip
    lines = {(row.stretch, bool(row.is_credit)): int(row.ore) for row in rows}
    return [
        _conserved(lines.get((at, False), 0), -lines.get((at, True), 0), of_stretch)
        for at, of_stretch in enumerate(found)
    ]


def _conserved(invoiced: int, credited: int, found: Iterable[Moved]) -> Conservation:
    got: Counter[str | None] = Counter()
    for each in found:
        if each.kind == "invoice":
            got[each.product] += each.amount.ore
    association = Money(got.pop(None, 0))
    products = {product: Money(ore) for product, ore in got.items() if product is not None}
    return Conservation(Money(invoiced), Money(credited), products, association)


# --- keeping balances


def keep(session: Session, last_on: date, trail: Trail) -> None:
    """Keep what each fund has at the end of a day that is being closed; the writer's lock is held."""
    found = balance(session, last_on + timedelta(days=1))
    first = append_only.next_id(session, KEPT)
    ordered = sorted(found.items(), key=lambda each: each[0] or "")
    rows = [
        {"id": id_, "last_on": last_on, "product": product, "amount_ore": amount.ore}
        for id_, (product, amount) in enumerate(ordered, start=first)
    ]
    append_only.add(session, KEPT, rows)
    told = {"balances": [[row["product"], row["amount_ore"]] for row in rows]}
    trail.record(KEPT_ACTION, f"{last_on}", told, rows=[(KEPT, row) for row in rows])


# --- verifying


class Fault(NamedTuple):
    """What is wrong with the funds."""

    subject: str
    what: Text


def faults(session: Session) -> Iterator[Fault]:
    """Recompute every kept balance from all postings, and hold each quarter's lines against the funds."""
    yield from _drifted(session)
    yield from _lost(session)


def _drifted(session: Session) -> Iterator[Fault]:
    kept: dict[date, dict[str | None, int]] = {}
    for row in session.execute(select(KEPT).order_by(KEPT.c.last_on, KEPT.c.id)):
        kept.setdefault(row.last_on, {})[row.product] = row.amount_ore
    standing: Counter[str | None] = Counter()
    previous = date.min
    for last_on, said in kept.items():
        for product, ore in _added(session, previous, last_on):
            standing[product] += ore
        previous = last_on
        for product in sorted({*standing, *said}, key=lambda name: name or ""):
            if (drift := said.get(product, 0) - standing[product]) != 0:
                subject = f"{product or 'OS2'} {last_on}"
                told = f"{said.get(product, 0)} øre, {standing[product]} øre, {drift:+d}"
                yield Fault(
                    subject,
                    Text(f"den gemte saldo er ikke posteringernes: {told}",
                         f"the kept balance is not that of the postings: {told}"),
                )  # fmt: skip


def _added(session: Session, after: date, last_on: date) -> list[tuple[str | None, int]]:
    first = after if after == date.min else after + timedelta(days=1)
    entry = vouchers.entries(periods.through(first, last_on)).subquery("entry")
    rows = session.execute(
        select(entry.c.product, func.sum(entry.c.amount_ore).label("ore"))
        .where(entry.c.book == "real", is_of_fund(entry.c.account))
        .group_by(entry.c.product)
    )
    return [(row.product, -int(row.ore)) for row in rows]


def _lost(session: Session) -> Iterator[Fault]:
    """Σ lines − credits = Σ funds + association, month by month; the sums are made in two statements."""
    lines: Counter[tuple[int, int]] = Counter()
    rows = session.execute(
        select(INVOICES.c.issued_on, func.sum(LINES.c.net_ore).label("ore"))
        .join(INVOICES, LINES.c.invoice_id == INVOICES.c.id)
        .where(INVOICES.c.book == "real")
        .group_by(INVOICES.c.issued_on)
    )
    for row in rows:
        lines[row.issued_on.year, row.issued_on.month] += int(row.ore)
    entry = vouchers.entries().subquery("entry")
    rows = session.execute(
        select(entry.c.posted_on, func.sum(entry.c.amount_ore).label("ore"))
        .where(entry.c.book == "real", entry.c.kind == "invoice", is_of_fund(entry.c.account))
        .group_by(entry.c.posted_on)
    )
    for row in rows:
        lines[row.posted_on.year, row.posted_on.month] += int(row.ore)
    for (year, month), ore in sorted(lines.items()):
        if ore:
            yield Fault(
                f"{year}-{month:02d}",
                Text(f"fonde og linjer stemmer ikke: {ore:+d} øre", f"funds and lines do not agree: {ore:+d} øre"),
            )
