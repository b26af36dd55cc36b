"""Days and periods: half-open, leap years, and the shares of a year by months and by days."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation import periods
from foundation.money import Money, kroner
from foundation.periods import Period

days = st.dates(date(1990, 1, 1), date(2090, 12, 31))
lengths = st.integers(1, 2000)


def test_a_period_ends_before_its_end() -> None:
    january = Period(date(2027, 1, 1), date(2027, 2, 1))

    assert date(2026, 12, 31) not in january
    assert date(2027, 1, 1) in january
    assert date(2027, 1, 31) in january
    assert date(2027, 2, 1) not in january
    assert january.last_day == date(2027, 1, 31)


def test_a_period_without_an_end_goes_on() -> None:
    period = Period(date(2027, 1, 1))

    assert date.max in period
    assert period.last_day is None


def test_through_takes_the_last_day_in() -> None:
    period = periods.through(date(2027, 1, 1), date(2027, 12, 31))

    assert period == periods.year(2027)
    assert period.last_day == date(2027, 12, 31)
    assert periods.through(date(2027, 1, 1), None) == Period(date(2027, 1, 1))


@given(days, lengths, days, lengths)
def test_two_periods_overlap_exactly_where_they_share_a_day(a: date, n: int, b: date, m: int) -> None:
    one, other = Period(a, a + timedelta(days=n)), Period(b, b + timedelta(days=m))

    shared = max(a, b) in one and max(a, b) in other
    assert one.overlaps(other) is shared
    assert other.overlaps(one) is shared


@given(days, days, lengths)
def test_a_period_that_goes_on_overlaps_whatever_ends_behind_its_start(a: date, b: date, m: int) -> None:
    other = Period(b, b + timedelta(days=m))

    assert Period(a).overlaps(other) is (b + timedelta(days=m) > a)
    assert Period(a).overlaps(Period(b))


def test_periods_that_meet_do_not_overlap() -> None:
    assert not periods.year(2026).overlaps(periods.year(2027))


def test_pv_042_a_first_year_by_months_counts_the_started_ones() -> None:
    fee = kroner(100)

    assert fee.scaled(periods.share_by_months(date(2017, 7, 1))) == kroner(50)
    assert fee.scaled(periods.share_by_months(date(2017, 4, 1))) == kroner(75)
    assert fee.scaled(periods.share_by_months(date(2017, 1, 1))) == kroner(100)


@pytest.mark.parametrize(
    ("first", "twelfths"), [("2027-01-31", 12), ("2027-02-01", 11), ("2027-07-31", 6), ("2027-12-31", 1)]
)
def test_a_started_month_counts_whole(first: str, twelfths: int) -> None:
    assert periods.share_by_months(date.fromisoformat(first)) == Fraction(twelfths, 12)


def test_pv_043_a_first_year_by_days_keeps_its_whole_factor() -> None:
    share = periods.share_by_days(date(2027, 5, 10))

    assert share == Fraction(236, 365)
    assert kroner(100).scaled(share) == Money(6466)


@pytest.mark.parametrize(
    ("first", "share"),
    [
        ("2027-01-01", "1"), ("2028-01-01", "1"), ("2027-12-31", "1/365"), ("2028-12-31", "1/366"),
        ("2028-02-29", "307/366"), ("2028-03-01", "306/366"), ("2027-03-01", "306/365"), ("2100-03-01", "306/365"),
    ],
)  # fmt: skip
def test_the_share_by_days_knows_leap_years(first: str, share: str) -> None:
    assert periods.share_by_days(date.fromisoformat(first)) == Fraction(share)


@given(days)
def test_pv_049_a_share_of_a_year_is_above_zero_and_at_most_one(first: date) -> None:
    assert 0 < periods.share_by_months(first) <= 1
    assert 0 < periods.share_by_days(first) <= 1


@given(days)
def test_a_later_day_never_has_a_larger_share(first: date) -> None:
    later = first + timedelta(days=1)

    if later.year == first.year:
        assert periods.share_by_months(later) <= periods.share_by_months(first)
        assert periods.share_by_days(later) < periods.share_by_days(first)


@pytest.mark.parametrize(
    ("words", "first", "last"),
    [
        ("2027", (2027, 1, 1), (2027, 12, 31)), ("2027-Q1", (2027, 1, 1), (2027, 3, 31)),
        ("2027k4", (2027, 10, 1), (2027, 12, 31)), ("2028-02", (2028, 2, 1), (2028, 2, 29)),
        ("2027-12", (2027, 12, 1), (2027, 12, 31)), ("2027-01-15..2028-02-29", (2027, 1, 15), (2028, 2, 29)),
        ("2027-05-05..2027-05-05", (2027, 5, 5), (2027, 5, 5)),
        ("2027-H1", (2027, 1, 1), (2027, 6, 30)), ("2027h2", (2027, 7, 1), (2027, 12, 31)),
    ],
)  # fmt: skip
def test_a_period_is_read_from_the_words_people_use(words: str, first: tuple[int, ...], last: tuple[int, ...]) -> None:
    found = periods.named(words)

    assert (found.start, found.last_day) == (date(*first), date(*last))


@pytest.mark.parametrize(
    "words",
    ["", " 2027", "27", "1899", "3000", "2027-Q0", "2027-Q5", "2027-13", "2027-00", "2027-02-30..2027-03-01", "٢٠٢٧",
     "2027-H0", "2027-H3", "2027-03-01..2027-02-28", "2027-01-01..", "2027\n", "2999-12-31..3000-01-01",
     "2027-01-01...2027-02-01"],
)  # fmt: skip
def test_words_that_name_no_period_are_refused(words: str) -> None:
    with pytest.raises(periods.NotAPeriod):
        periods.named(words)


@given(days, lengths)
def test_a_period_has_the_shortest_name_that_is_read_as_it(start: date, length: int) -> None:
    for period in (Period(start, start + timedelta(days=length)), periods.quarter_of(start), periods.year(start.year),
                   periods.months(start.year, start.month, 1), periods.half_year(start.year, 2)):  # fmt: skip
        assert periods.named(periods.name(period)) == period
        assert periods.has_name(period)
        assert periods.before(period).end == period.start
        assert periods.after(period).start == period.end
        assert start in periods.quarter_of(start)


def test_a_period_is_told_in_words() -> None:
    named = ("2027", "2027-H2", "2027-Q1", "2027-03", "2027-01-01..2027-01-31")
    told = [periods.told(periods.named(words)) for words in named]

    assert [text.da for text in told] == ["2027", "2. halvår 2027", "1. kvartal 2027", "marts 2027", "januar 2027"]
    assert periods.told(periods.named("2027-01-02..2027-02-01")).en == "2 January 2027 – 1 February 2027"
    with pytest.raises(ValueError, match="goes on"):
        periods.name(Period(date(2027, 1, 1)))


@pytest.mark.parametrize(
    ("words", "before", "after"),
    [
        ("2027", "2026", "2028"), ("2027-H1", "2026-H2", "2027-H2"), ("2027-Q4", "2027-Q3", "2028-Q1"),
        ("2027-01", "2026-12", "2027-02"),
        ("2027-01-15..2027-01-16", "2027-01-13..2027-01-14", "2027-01-17..2027-01-18"),
    ],
)  # fmt: skip
def test_beside_a_period_stand_those_of_its_kind(words: str, before: str, after: str) -> None:
    period = periods.named(words)

    assert periods.name(periods.before(period)) == before
    assert periods.name(periods.after(period)) == after


def test_beside_a_period_that_goes_on_stands_none_and_it_has_no_name() -> None:
    assert not periods.has_name(Period(date(2027, 1, 1)))
    assert not periods.has_name(periods.before(periods.named("1900-Q1")))
    with pytest.raises(ValueError, match="goes on"):
        periods.after(Period(date(2027, 1, 1)))
