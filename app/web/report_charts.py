"""The pictures of a report as whole-number coordinates; a Jinja macro draws them, each with its table beside it.

Bars are told apart without colour: filled, striped, framed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from billing.funding import summary
from billing.funding.report import FundingReport
from foundation.language import Text, day, whole_number
from foundation.language import kroner as in_kroner
from foundation.money import ZERO, Money

WIDTH = 640
_LABELS, _LONGEST, _BAR = 190, 310, 16
_APART, _TOGETHER, _TOP = 10, 3, 34
_COLUMNS_HIGH, _FOOT = 150, 186
_WIDEST, _LABELS_APART = 60, 96

Look = Literal["filled", "striped", "framed"]


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar that lies: what it is called (nothing where it belongs to the one above), where and how long it is."""

    label: Text | None
    told: Text
    y: int
    wide: int
    look: Look

    @property
    def text_y(self) -> int:
        """Give the line its words stand on."""
        return self.y + _BAR - 4


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars below each other, with what the looks mean."""

    bars: Sequence[Bar]
    legend: Sequence[tuple[int, Look, Text]]  # where it stands
    high: int
    x: int = _LABELS
    bar_high: int = _BAR


@dataclass(frozen=True, slots=True)
class Column:
    """A column that stands: the day it is of, how many, and whether there is room for its words."""

    x: int
    y: int
    wide: int
    high: int
    middle: int
    count: Text
    on: Text
    is_labelled: bool


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns beside each other."""

    columns: Sequence[Column]
    foot: int = _FOOT
    high: int = _FOOT + 26


_Row = tuple[Text | None, Money, Look]


def accounts(report: FundingReport) -> Bars | None:
    """Lay out what each account brought and took; None where there is nothing."""
    rows: list[_Row] = [(each.name, each.invoiced, "filled") for each in report.income if each.invoiced]
    rows += [(each.name, each.spent, "striped") for each in report.costs if each.spent]
    return _bars(rows, (("filled", Text("Indtægter", "Income")), ("striped", Text("Omkostninger", "Costs"))))


def budget(report: FundingReport) -> Bars | None:
    """Lay out what each cost account took beside its budget; None where no budget is adopted."""
    if all(each.budget is None for each in report.costs):
        return None
    rows: list[_Row] = []
    for each in report.costs:
        rows += [(each.name, each.spent, "striped"), (None, each.budget or ZERO, "framed")]
    return _bars(rows, (("striped", Text("Brugt", "Spent")), ("framed", Text("Budget", "Budget"))))


def _bars(rows: Sequence[_Row], meanings: Sequence[tuple[Look, Text]]) -> Bars | None:
    if not rows:
        return None
    longest = max(1, *(amount.ore for _, amount, _ in rows))
    bars, y = [], _TOP - _APART
    for label, amount, look in rows:
        y += _APART if label is not None else _TOGETHER
        bars.append(Bar(label, in_kroner(amount), y, max(amount.ore, 0) * _LONGEST // longest, look))
        y += _BAR
    legend = [(_LABELS + at * 130, look, title) for at, (look, title) in enumerate(meanings)]
    return Bars(bars, legend, y + _APART)


def connected(report: FundingReport) -> Columns | None:
    """Lay out how many authorities were connected; None where none ever was."""
    points = report.connected
    if not any(each.authorities for each in points):
        return None
    most, step = max(each.authorities for each in points), WIDTH // len(points)
    wide, every = min(_WIDEST, max(2, step * 3 // 5)), -(-_LABELS_APART // max(step, 1))
    columns = []
    for at, each in enumerate(points):
        tall, left = each.authorities * _COLUMNS_HIGH // most, at * step + (step - wide) // 2
        labelled = (len(points) - 1 - at) % every == 0
        columns.append(Column(left, _FOOT - tall, wide, tall, left + wide // 2, whole_number(each.authorities),
                              day(each.on), labelled))  # fmt: skip
    return Columns(columns)


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures of a report, and what each shows in words."""

    accounts: Bars | None
    budget: Bars | None
    connected: Columns | None
    told_accounts: Text
    told_budget: Text
    told_connected: Text


def of(report: FundingReport) -> Pictures:
    """Lay the pictures of a report out."""
    return Pictures(
        accounts(report), budget(report), connected(report), summary.accounts(report), summary.budget(report),
        summary.connected(report),
    )  # fmt: skip
