"""All funds beside each other, quarter by quarter, for a board.

What it costs grows with the postings of the periods, and not with the history before them; the number of statements is
always the same.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import pairwise

from sqlalchemy.orm import Session

from agreements import products
from billing import ledger
from billing.funding import budgets, funds, publications, reporting
from billing.funding.budgets import Budget
from billing.funding.funds import Conservation, Moved
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


@dataclass(frozen=True, slots=True)
class Overview:
    """Every fund in every period; and all together in each, where it is of all funds."""

    rows: list[Row]
    wholes: list[Whole]


@dataclass(slots=True)
class _Sums:
    """What moved in one fund and period, in øre."""

    earned: int = 0
    spent: int = 0
    transfers: int = 0


def read(session: Session, periods: Sequence[Period], of: Collection[str] | None = None) -> Overview:
    """Give every fund in every period, or some products' where they are named: O(postings between first and last day).

    The periods have last days and stand in their order. Raises ValueError where two overlap.
    """
    if any(one.overlaps(following) for one, following in pairwise(periods)):
        raise ValueError("periods that overlap cannot be read together")
    names: list[str | None] = [None, *products.ids_by_name(session)] if of is None else [*sorted(of)]
    lasts = [last for period in periods if (last := period.last_day) is not None]
    days = sorted({day for period, last in zip(periods, lasts, strict=True) for day in (period.start, _after(last))})
    chart = reporting.chart(session)
    published = {(each.product, each.period): each.version for each in publications.listed(session)}
    standing, moved = Counter(_in_ore(funds.balance(session, days[0]))), funds.moved_between(session, days)
    owed = dict(zip(lasts, reporting.receivables(session, lasts), strict=True))
    kept = funds.conservations(session, days, moved) if of is None else []
    held = dict(zip(periods, budgets.of_all(session, periods), strict=True))
    is_income, is_cost = cache(chart.is_income), cache(chart.is_cost)  # asked of few accounts, of each in every period
    rows, wholes = list[Row](), list[Whole]()
    for at, (first, after) in enumerate(pairwise(days)):
        sums, period = _summed(is_income, moved[at]), Period(first, after)
        if period in held:
            given, due = held[period], owed[after - _DAY]
            own = [
                Row(
                    name, period, Money(standing[name]), Money(sums[name].earned), Money(sums[name].spent),
                    Money(sums[name].transfers), due.get(name, ZERO), published.get((name, period)),
                    _budgeted(given.get(name), is_cost),
                )
                for name in names
            ]  # fmt: skip
            rows += own
            wholes += [_whole(period, own, kept[at])] if kept else []
        for name, each in sums.items():
            standing[name] += each.earned - each.spent + each.transfers
    return Overview(rows, wholes)


_DAY = timedelta(days=1)


def _after(last: date) -> date:
    return last + _DAY


def _in_ore(amounts: Mapping[str | None, Money]) -> dict[str | None, int]:
    return {name: amount.ore for name, amount in amounts.items()}


def _summed(is_income: Callable[[str], bool], moved: Iterable[Moved]) -> defaultdict[str | None, _Sums]:
    found: defaultdict[str | None, _Sums] = defaultdict(_Sums)
    for product, account, _, amount in moved:
        sums = found[product]
        if account == ledger.FUND:
            sums.transfers += amount.ore
        elif is_income(account):
            sums.earned += amount.ore
        else:
            sums.spent -= amount.ore
    return found


def _budgeted(held: Budget | None, is_cost: Callable[[str], bool]) -> Money | None:
    if held is None:
        return None
    return Money(sum(amount.ore for account, amount in held.amounts.items() if is_cost(account)))


def _whole(period: Period, found: Sequence[Row], kept: Conservation) -> Whole:
    """Add the rows of all funds up, and hold them against the invoices."""

    def sum_of(name: str) -> Money:
        return total(getattr(row, name) for row in found)

    return Whole(
        period, sum_of("opening"), sum_of("earned"), sum_of("spent"), sum_of("transfers"), sum_of("closing"),
        sum_of("receivables"), kept,
    )  # fmt: skip
