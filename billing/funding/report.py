"""The funding report of a product and a period, as a value. Page, PDF, spreadsheet and JSON are made from it.

All amounts are seen from the fund: income, opening and closing are above zero where the fund has money; costs are above
zero as spent. `opening + result + transfers == closing`, to the øre.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from typing import Any, get_args, get_origin, get_type_hints

from foundation.audit import canonical
from foundation.language import Text
from foundation.money import ZERO, Money, total
from foundation.periods import Period


@dataclass(frozen=True, slots=True)
class Income:
    """What one income account brought in the period: as invoiced less credited, and of that what was paid in it."""

    account: str
    name: Text
    invoiced: Money
    paid: Money
    budget: Money | None  # None where no budget is adopted
    remark: str = ""

    @property
    def deviation(self) -> Money | None:
        """Give how much more came than the budget has; below zero where less did. None without a budget."""
        return None if self.budget is None else self.invoiced - self.budget


@dataclass(frozen=True, slots=True)
class Payer:
    """What one authority brought. `outstanding` is what it owes this fund at the period's end."""

    cvr: str
    name: str
    band: int | None  # of the size key; None where its size decides nothing
    is_member: bool  # on the period's last day
    invoiced: Money
    paid: Money
    outstanding: Money


@dataclass(frozen=True, slots=True)
class Band:
    """What the authorities of one band of the size key brought together; None is those without a band."""

    band: int | None
    authorities: int
    invoiced: Money
    paid: Money


@dataclass(frozen=True, slots=True)
class Membership:
    """What members of the association brought, or those who are not."""

    authorities: int
    invoiced: Money
    paid: Money


@dataclass(frozen=True, slots=True)
class Cost:
    """What one cost account took, beside what the adopted budget gave it for the period, and the group's remark."""

    account: str
    name: Text
    spent: Money
    budget: Money | None
    remark: str

    @property
    def deviation(self) -> Money | None:
        """Give what is left of the budget; below zero where more was spent. None without a budget."""
        return None if self.budget is None else self.budget - self.spent


@dataclass(frozen=True, slots=True)
class Connected:
    """How many authorities were connected at the end of a day."""

    on: date
    authorities: int


@dataclass(frozen=True, slots=True)
class Change:
    """An authority that joined, left or gave notice: when it did, and the last day where it ends."""

    cvr: str
    name: str
    on: date
    ends_on: date | None


@dataclass(frozen=True, slots=True)
class FundingReport:
    """All that a steering group decides on. `product` is None for the association's own fund.

    `passed_on` is the contribution that the association got of what members and others paid for the product; it is in
    no fund of a product. `budget` names the adopted version, empty where there is none.
    """

    product: str | None
    period: Period
    opening: Money
    income: tuple[Income, ...]
    payers: tuple[Payer, ...]  # those who brought most first
    bands: tuple[Band, ...]
    members: Membership
    others: Membership
    passed_on: Money
    costs: tuple[Cost, ...]
    transfers: Money  # in less out, and what was opened with in the period
    closing: Money
    receivables: Money  # what is owed to the fund at the period's end
    connected: tuple[Connected, ...]  # at the period's beginning and at the end of each of its quarters
    joined: tuple[Change, ...]
    left: tuple[Change, ...]
    under_notice: tuple[Change, ...]
    budget: str
    ledger_head: str  # the digest of the postings that the figures are made of
    remark: str = ""  # on the report as a whole, in lines

    @property
    def earned(self) -> Money:
        """Give all income of the period, as invoiced."""
        return total(income.invoiced for income in self.income)

    @property
    def spent(self) -> Money:
        """Give all costs of the period."""
        return total(cost.spent for cost in self.costs)

    @property
    def paid(self) -> Money:
        """Give what was paid of the income, by account."""
        return total(income.paid for income in self.income)

    @property
    def given(self) -> Money | None:
        """Give what the adopted budget gave all costs; None where there is none."""
        given = [cost.budget for cost in self.costs if cost.budget is not None]
        return total(given) if given else None

    @property
    def deviation(self) -> Money | None:
        """Give what is left of that; below zero where more was spent."""
        return None if self.given is None else self.given - self.spent

    @property
    def result(self) -> Money:
        """Give income less costs."""
        return self.earned - self.spent

    def top_share(self, payers: int) -> int:
        """Give the share of the income that the largest payers brought, in whole per mille; 0 without income."""
        brought = total(payer.invoiced for payer in self.payers)
        top = total(payer.invoiced for payer in self.payers[:payers])
        return 0 if brought <= ZERO else top.ore * 1000 // brought.ore


def to_json(report: FundingReport) -> str:
    """Write a report as canonical JSON, which its digest is taken of: amounts in øre, days as ISO.

    A remark that nobody wrote is left out where reports once had none, so that what they said keeps its digest.
    """
    return canonical(_plain(report))


def from_json(text: str) -> FundingReport:
    """Read what `to_json` wrote."""
    value = _read(FundingReport, json.loads(text))
    assert isinstance(value, FundingReport)
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Money):
        return value.ore
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if is_dataclass(value):
        found = {field.name: getattr(value, field.name) for field in fields(value)}
        left_out = {field.name for field in fields(value) if found[field.name] == field.default}
        return {name: _plain(one) for name, one in found.items() if name not in left_out}
    return value


def _read(kind: Any, value: Any) -> Any:
    if get_origin(kind) is tuple:
        return tuple(_read(get_args(kind)[0], one) for one in value)
    if value is None or kind is None:
        return None
    options = [one for one in get_args(kind) if one is not type(None)]
    if options:
        return _read(options[0], value)
    if kind is Money:
        return Money(value)
    if kind is date:
        return date.fromisoformat(value)
    if is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        return kind(**{name: _read(hints[name], one) for name, one in value.items()})
    return value
