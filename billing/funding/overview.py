"""All funds beside each other, quarter by quarter, for a board; in a number of statements that never grows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from agreements import products
from billing import ledger
from billing.funding import budgets, funds, publications, reporting
from billing.funding.budgets import Budget
from billing.funding.funds import Conservation, Moved
from billing.funding.reporting import Chart
from foundation.money import ZERO, Money, total
from foundation.periods import Period


@dataclass(frozen=True, slots=True)
class Row:
    """One fund in one period, seen from the fund. `version` is the newest published report of it, if there is one.

    `budget` is what the adopted budget lets it spend; None where none is adopted.
    """

    product: str | None
    period: Period
    opening: Money
    earned: Money
    spent: Money
    transfers: Money
    receivables: Money
    version: int | None
    budget: Money | None

    @property
    def deviation(self) -> Money | None:
        """Give what is left of the budget's costs; below zero where more was spent. None without a budget."""
        return None if self.budget is None else self.budget - self.spent

    @property
    def result(self) -> Money:
        """Give income less costs."""
        return self.earned - self.spent

    @property
    def closing(self) -> Money:
        """Give what the fund has in the end."""
        return self.opening + self.result + self.transfers


@dataclass(frozen=True, slots=True)
class Whole:
    """All funds together in one period, and whether every øre of its invoices came to one of them."""

    period: Period
    opening: Money
    earned: Money
    spent: Money
    transfers: Money
    closing: Money
    receivables: Money
    conservation: Conservation


def rows(session: Session, periods: Sequence[Period], of: Iterable[str] | None = None) -> list[Row]:
    """Give every fund in every period; those of some products where they are named."""
    names: list[str | None] = [None, *products.ids_by_name(session)] if of is None else [*sorted(of)]
    chart = reporting.chart(session)
    published = {(each.product, each.period): each.version for each in publications.listed(session)}
    return [row for period in periods for row in _of_period(session, period, names, (chart, published))]


def _of_period(
    session: Session,
    period: Period,
    names: Sequence[str | None],
    known: tuple[Chart, Mapping[tuple[str | None, Period], int]],
) -> Iterable[Row]:
    chart, published = known
    opening, moved = funds.balance(session, period.start), defaultdict[str | None, list[Moved]](list)
    for each in funds.moved(session, period):
        moved[each.product].append(each)
    held = budgets.of_all(session, period)
    owed = reporting.receivables(session, period.last_day) if period.last_day else {}
    for name in names:
        yield Row(
            name, period, opening.get(name, ZERO),
            total(each.amount for each in moved[name] if chart.is_income(each.account)),
            -total(each.amount for each in moved[name] if chart.is_cost(each.account)),
            total(each.amount for each in moved[name] if each.account == ledger.FUND),
            owed.get(name, ZERO), published.get((name, period)), _budgeted(held.get(name), chart),
        )  # fmt: skip


def _budgeted(held: Budget | None, chart: Chart) -> Money | None:
    if held is None:
        return None
    return total(amount for account, amount in held.amounts.items() if chart.is_cost(account))


def whole(session: Session, periods: Sequence[Period], found: Sequence[Row]) -> list[Whole]:
    """Add the rows of all funds up, period by period, and hold them against the invoices."""
    return [_whole(session, period, [row for row in found if row.period == period]) for period in periods]


def _whole(session: Session, period: Period, found: Sequence[Row]) -> Whole:
    def sum_of(name: str) -> Money:
        return total(getattr(row, name) for row in found)

    return Whole(
        period, sum_of("opening"), sum_of("earned"), sum_of("spent"), sum_of("transfers"), sum_of("closing"),
        sum_of("receivables"), funds.conservation(session, period),
    )  # fmt: skip
