"""How long the road keeps what was written on it, as numbers that a process is given."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Terms:
    """So many months are kept after the end, and so many may pass without a sign of life."""

    kept_months: int = 24
    quiet_months: int = 12

    def kept_until(self, ended_on: date) -> date:
        """Give the day on which what ended then is let go."""
        return later(ended_on, self.kept_months)

    def quiet_from(self, lived_on: date) -> date:
        """Give the day from which a journey counts as quiet."""
        return later(lived_on, self.quiet_months)


def later(on: date, months: int) -> date:
    """Give the day so many months later; the last of a month that is shorter."""
    year, month = divmod(on.year * 12 + on.month - 1 + months, 12)
    return date(year, month + 1, min(on.day, calendar.monthrange(year, month + 1)[1]))
