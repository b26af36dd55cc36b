"""Bars of a report: as long as their amounts, from zero to either side, and never outside their picture."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as any_of

from app.web import report_charts
from app.web.report_charts import Row
from foundation.language import Text
from foundation.money import Money
from tests.billing.funding import reports

_NAME = Text("Konto", "Account")


def test_what_is_below_zero_lies_to_the_left_of_it_and_what_is_above_to_the_right() -> None:
    chart = report_charts.accounts(reports.credited())

    assert chart is not None
    below = [bar for bar in chart.bars if "-" in bar.told.da]
    above = [bar for bar in chart.bars if "-" not in bar.told.da]
    assert len(below) == 2
    assert all(bar.x + bar.wide == chart.zero for bar in below)
    assert above and all(bar.x == chart.zero for bar in above)


def test_where_nothing_is_below_zero_bars_begin_at_the_left() -> None:
    chart = report_charts.accounts(reports.usual())

    assert chart is not None
    assert {bar.x for bar in chart.bars} == {chart.zero} == {1}


@given(any_of.lists(any_of.integers(-(10**12), 10**12), min_size=1, max_size=30))
def test_whatever_the_amounts_the_bars_stay_in_their_room_and_keep_their_proportions(amounts: list[int]) -> None:
    rows: list[Row] = [(_NAME, Money(ore), "filled") for ore in amounts]

    chart = report_charts.bars(rows)

    assert chart is not None
    assert all(0 < bar.x <= bar.x + bar.wide <= report_charts.WIDTH for bar in chart.bars)
    by_length = sorted(zip((abs(ore) for ore in amounts), (bar.wide for bar in chart.bars), strict=True))
    assert [wide for _, wide in by_length] == sorted(wide for _, wide in by_length)
