"""Days and the periods between them. A period is half-open: it ends before its end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from foundation.errors import Refused
from foundation.language import Text, day, month, same

BUSINESS_ZONE = ZoneInfo("Europe/Copenhagen")
MONTHS_IN_YEAR = 12


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `start` up to, but without, `end`; no end means it goes on."""

    start: date
    end: date | None = None

    def __contains__(self, day: date) -> bool:
        return self.start <= day and (self.end is None or day < self.end)

    def overlaps(self, other: Period) -> bool:
        """Tell whether any day lies in both."""
        return (self.end is None or other.start < self.end) and (other.end is None or self.start < other.end)

    @property
    def last_day(self) -> date | None:
        """The last day inside, or none where the period goes on."""
        return None if self.end is None else self.end - timedelta(days=1)


def year(number: int) -> Period:
    """Give a calendar year as a period."""
    return Period(new_year(number), new_year(number + 1))


def new_year(number: int) -> date:
    """Give 1 January of a year, the key day of most rules of price."""
    return date(number, 1, 1)


def through(first: date, last: date | None) -> Period:
    """Give the period of an inclusive last day, as agreements and registers write it."""
    return Period(first, None if last is None else last + timedelta(days=1))


def share_by_months(first: date) -> Fraction:
    """Give the share of its year that is left on a day, in started months of twelve (1 July: 6/12)."""
    return Fraction(MONTHS_IN_YEAR + 1 - first.month, MONTHS_IN_YEAR)


def share_by_days(first: date) -> Fraction:
    """Give the share of its year that is left on a day, in days of the year's days (the day itself counts)."""
    end, start = new_year(first.year + 1), new_year(first.year)
    return Fraction((end - first).days, (end - start).days)


# --- the periods that people name


MONTHS_IN_QUARTER = 3
_FIRST_YEAR, _LAST_YEAR = 1900, 2999
MONTHS_IN_HALF = 6
_KINDS = (1, MONTHS_IN_QUARTER, MONTHS_IN_HALF, MONTHS_IN_YEAR)
_NAMED = re.compile(r"([0-9]{4})(?:-?[QqKk]([1-4])|-?[Hh]([12])|-([0-9]{2}))?")
_RANGE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.\.([0-9]{4}-[0-9]{2}-[0-9]{2})")


class NotAPeriod(Refused):
    """The words name no period."""


def named(words: str) -> Period:
    """Read a period: 2027, 2027-Q1 (or 2027K1), 2027-H1, 2027-03, or 2027-01-15..2027-03-31. Raises NotAPeriod."""
    if found := _NAMED.fullmatch(words):
        if not _FIRST_YEAR <= int(found[1]) <= _LAST_YEAR:
            raise _no_period(words)
        return _of_year(words, int(found[1]), found[2] or "", found[3] or "", found[4] or "")
    if found := _RANGE.fullmatch(words):
        return _range(words, found[1], found[2])
    raise _no_period(words)


def _of_year(words: str, number: int, quarter: str, half: str, month: str) -> Period:
    if quarter:
        return months(number, MONTHS_IN_QUARTER * int(quarter) - 2, MONTHS_IN_QUARTER)
    if half:
        return half_year(number, int(half))
    if not month:
        return year(number)
    if not 1 <= int(month) <= MONTHS_IN_YEAR:
        raise _no_period(words)
    return months(number, int(month), 1)


def _range(words: str, first: str, last: str) -> Period:
    try:
        begins, ends = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        raise _no_period(words) from None
    if not new_year(_FIRST_YEAR) <= begins <= ends < new_year(_LAST_YEAR + 1):
        raise _no_period(words)
    return through(begins, ends)


def _no_period(words: str) -> NotAPeriod:
    shown = repr(words[:40])
    return NotAPeriod(
        Text(f"{shown} er ingen periode: skriv 2027, 2027-H1, 2027-Q1, 2027-03 eller 2027-01-15..2027-03-31",
             f"{shown} is no period: write 2027, 2027-H1, 2027-Q1, 2027-03 or 2027-01-15..2027-03-31")
    )  # fmt: skip


def months(number: int, first: int, count: int) -> Period:
    """Give so many months of a year as a period."""
    after = first + count
    end = date(number, after, 1) if after <= MONTHS_IN_YEAR else new_year(number + 1)
    return Period(date(number, first, 1), end)


def quarter_of(on: date) -> Period:
    """Give the quarter a day lies in."""
    return months(on.year, on.month - (on.month - 1) % MONTHS_IN_QUARTER, MONTHS_IN_QUARTER)


def half_year(number: int, half: int) -> Period:
    """Give the first or the second half of a year."""
    return months(number, 1 if half == 1 else 1 + MONTHS_IN_HALF, MONTHS_IN_HALF)


def before(period: Period) -> Period:
    """Give the period before one, of its kind: a year's is a year, a free period's as many days."""
    return _beside(period, -1)


def after(period: Period) -> Period:
    """Give the period after one, of its kind."""
    return _beside(period, 1)


def _beside(period: Period, step: int) -> Period:
    if period.end is None:
        raise ValueError("nothing stands beside a period that goes on")
    count = _whole_months(period)
    if count is None:
        days = step * (period.end - period.start)
        return Period(period.start + days, period.end + days)
    at = period.start.year * MONTHS_IN_YEAR + period.start.month - 1 + step * count
    return months(at // MONTHS_IN_YEAR, at % MONTHS_IN_YEAR + 1, count)


def _whole_months(period: Period) -> int | None:
    """Give how many months a month, a quarter, half a year or a year has; None for any other period."""
    start = period.start
    return next((count for count in _KINDS if (start.month - 1) % count == 0
                 and months(start.year, start.month, count) == period), None)  # fmt: skip


def has_name(period: Period) -> bool:
    """Tell whether a period ends and lies in the years that `named` reads."""
    last = period.last_day
    return last is not None and period.start.year >= _FIRST_YEAR and last.year <= _LAST_YEAR


def name(period: Period) -> str:
    """Give the name that `named` reads, the shortest there is. A period that goes on has none: ValueError."""
    if period.end is None:
        raise ValueError("a period that goes on has no name")
    start, last = period.start, period.end - timedelta(days=1)
    quarter, half = (start.month + 2) // MONTHS_IN_QUARTER, (start.month + 5) // MONTHS_IN_HALF
    candidates = (f"{start:%Y}", f"{start:%Y}-Q{quarter}", f"{start:%Y}-H{half}", f"{start:%Y-%m}")
    return next((each for each in candidates if named(each) == period), f"{start}..{last}")


def told(period: Period) -> Text:
    """Write a period in words: 2027, 1. halvår 2027, 1. kvartal 2027, marts 2027, or from day to day."""
    short = name(period)
    if ".." in short:
        return day(period.start) + same(" – ") + day((period.end or period.start) - timedelta(days=1))
    if "Q" in short:
        return Text(f"{short[-1]}. kvartal {short[:4]}", f"quarter {short[-1]} of {short[:4]}")
    if "H" in short:
        return Text(f"{short[-1]}. halvår {short[:4]}", f"half {short[-1]} of {short[:4]}")
    return month(period.start) if "-" in short else same(short)
