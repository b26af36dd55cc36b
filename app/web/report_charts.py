"""The pictures of a report as whole-number coordinates; a Jinja macro draws them, each with its table beside it.

Bars are told apart without colour: filled, striped, framed. Words stand above what they name and amounts at the right
edge, with room for letters that are as large on a phone as beside it (style.css, .chart-label).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from billing.funding import summary
from billing.funding.forecast import Forecast
from billing.funding.report import FundingReport
from foundation.language import Text, joined, same, whole_number
from foundation.language import kroner as in_kroner
from foundation.money import ZERO, Money

WIDTH = 640
_LONGEST, _BAR = 410, 18  # the longest bar, and how high each is
_WORDS, _APART, _TOGETHER, _TOP = 24, 10, 4, 30
_MEANINGS_APART = 220
_COLUMNS_HIGH, _FOOT = 150, 190
_SIDE, _WIDEST, _LABELS_APART = 60, 60, 130

Look = Literal["filled", "striped", "framed"]


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar that lies: what it is called (nothing where it belongs to the one above), where and how long it is."""

    label: Text | None
    told: Text
    x: int
    y: int
    wide: int
    look: Look

    @property
    def label_y(self) -> int:
        """Give the line its name stands on."""
        return self.y - 7

    @property
    def text_y(self) -> int:
        """Give the line its amount stands on."""
        return self.y + _BAR - 3


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars below each other, with what the looks mean."""

    bars: Sequence[Bar]
    legend: Sequence[tuple[int, Look, Text]]  # where it stands
    high: int
    zero: int  # where amounts begin; those below zero lie to the left of it
    bar_high: int = _BAR

    @property
    def tick(self) -> int:
        """Give how far the mark at zero stands out of a bar: where bars lie on both sides of it."""
        return 2 if self.zero > 1 else 0


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
    high: int = _FOOT + 30


#: What a bar is called, how much it is, and how it looks.
Row = tuple[Text | None, Money, Look]


def accounts(report: FundingReport) -> Bars | None:
    """Lay out what each account brought and took; None where there is nothing."""
    rows: list[Row] = [(each.name, each.invoiced, "filled") for each in report.income if each.invoiced]
    rows += [(each.name, each.spent, "striped") for each in report.costs if each.spent]
    return bars(rows, (("filled", Text("Indtægter", "Income")), ("striped", Text("Omkostninger", "Costs"))))


def budget(report: FundingReport) -> Bars | None:
    """Lay out what each cost account took beside its budget; None where no budget is adopted."""
    if all(each.budget is None for each in report.costs):
        return None
    rows: list[Row] = []
    for each in report.costs:
        rows += [(each.name, each.spent, "striped"), (None, each.budget or ZERO, "framed")]
    return bars(rows, (("striped", Text("Brugt", "Spent")), ("framed", Text("Budget", "Budget"))))


def bars(rows: Sequence[Row], meanings: Sequence[tuple[Look, Text]] = ()) -> Bars | None:
    """Lay bars out, as wide as there is room together, those below zero to the left of it. None without rows."""
    if not rows:
        return None
    least = min(0, *(amount.ore for _, amount, _ in rows))
    span = max(1, *(amount.ore for _, amount, _ in rows)) - least
    zero = 1 - least * _LONGEST // span
    found, y = [], (_TOP if meanings else 0) - _APART
    for label, amount, look in rows:
        y += _APART + _WORDS if label is not None else _TOGETHER
        wide = abs(amount.ore) * _LONGEST // span
        found.append(Bar(label, in_kroner(amount), zero - wide if amount < ZERO else zero, y, wide, look))
        y += _BAR
    legend = [(at * _MEANINGS_APART, look, title) for at, (look, title) in enumerate(meanings)]
    return Bars(found, legend, y + 2, zero)


def connected(report: FundingReport) -> Columns | None:
    """Lay out how many authorities were connected; None where none ever was."""
    points = report.connected
    if not any(each.authorities for each in points):
        return None
    most, room = max(each.authorities for each in points), WIDTH - 2 * _SIDE
    middles = [_SIDE + (2 * at + 1) * room // (2 * len(points)) for at in range(len(points))]
    step = max(1, room // len(points))
    wide, every = min(_WIDEST, max(1, step * 3 // 5)), -(-_LABELS_APART // step)
    columns = []
    for at, (each, middle) in enumerate(zip(points, middles, strict=True)):
        tall = each.authorities * _COLUMNS_HIGH // most
        labelled = (len(points) - 1 - at) % every == 0
        columns.append(Column(middle - wide // 2, _FOOT - tall, wide, tall, middle, whole_number(each.authorities),
                              same(f"{each.on:%d.%m.%Y}"), labelled))  # fmt: skip
    return Columns(columns)


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures of a report, what each shows in words, and what a reader should see in it."""

    accounts: Bars | None
    budget: Bars | None
    connected: Columns | None
    told_accounts: Text
    told_budget: Text
    told_connected: Text
    short_accounts: Text | None
    short_budget: Text | None
    short_connected: Text | None


def of(report: FundingReport) -> Pictures:
    """Lay the pictures of a report out."""
    return Pictures(
        accounts(report), budget(report), connected(report), summary.accounts(report), summary.budget(report),
        summary.connected(report), summary.accounts_in_short(report), summary.budget_in_short(report),
        summary.connected_in_short(report),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture, what it shows in words, and what a reader should see in it."""

    bars: Bars | None
    told: Text
    short: Text


def of_forecast(made: Forecast) -> Picture:
    """Lay out the year before beside the range."""
    year = made.year - 1
    rows: list[tuple[Text, Money, Look]] = [
        (Text(f"Aftaler i {year}", f"Agreements in {year}"), made.before, "framed"),
        (Text("Lavt", "Low"), made.low, "striped"), (Text("Ventet", "Expected"), made.expected, "filled"),
        (Text("Højt", "High"), made.high, "striped"),
    ]  # fmt: skip
    told = joined([title + same(": ") + in_kroner(amount) for title, amount, _ in rows], by=", ")
    return Picture(bars(rows), told, _short(made))


def _short(made: Forecast) -> Text:
    moved, year = made.expected - made.before, made.year - 1
    if not moved:
        return Text(f"Der ventes det samme, som aftalerne giver i {year}.",
                    f"The same is expected as the agreements bring in {year}.")  # fmt: skip
    by = in_kroner(-moved if moved < ZERO else moved)
    more, plus = ("mere", "more") if moved > ZERO else ("mindre", "less")
    return Text(f"Der ventes {by.da} {more}, end aftalerne giver i {year}.",
                f"{by.en} {plus} is expected than the agreements bring in {year}.")  # fmt: skip
