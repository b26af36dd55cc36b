"""Days and the periods between them. A period is half-open: it ends before its end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

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
