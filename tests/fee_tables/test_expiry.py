"""What ends soon: tables that another follows, steps of a joining fee; what goes on, or is past, is not told."""

from __future__ import annotations

from datetime import date

from fee_tables import expiry, text
from fee_tables.catalogue import catalogue
from fee_tables.expiry import Expiry
from foundation.money import kroner
from tests import builders

ON = date(2027, 1, 20)
STEPS = """product = "OS2x"
valid_from = 2026-01-01
decided_on = 2025-11-01
decided_by = "styregruppen"
joining_fee = [{ until = 2026-12-31, fee = 10 }, { until = 2027-03-31, fee = 20 }, { fee = 30 }]
"""


def test_a_table_counts_until_the_day_before_the_next() -> None:
    tables = [
        builders.flat("OS2x", 1, valid_from=date(2026, 1, 1)),
        builders.flat("OS2x", 2, valid_from=date(2027, 2, 1)),
    ]

    assert expiry.soon(catalogue(tables), ON) == [Expiry(("fee_table", "OS2x"), date(2027, 1, 31))]


def test_a_table_that_nothing_follows_or_that_was_followed_before_does_not_end() -> None:
    tables = [builders.flat("OS2x", 1, valid_from=date(year, 1, 1)) for year in (2024, 2025)]

    assert expiry.soon(catalogue(tables), ON) == []


def test_what_ends_later_than_three_months_ahead_is_not_told_yet() -> None:
    tables = [
        builders.flat("OS2x", 1, valid_from=date(2026, 1, 1)),
        builders.flat("OS2x", 2, valid_from=date(2028, 1, 1)),
    ]

    assert expiry.soon(catalogue(tables), ON) == []
    assert len(expiry.soon(catalogue(tables), date(2027, 11, 1))) == 1


def test_a_step_of_a_joining_fee_ends_on_its_last_day_and_tells_what_comes() -> None:
    found = expiry.soon(catalogue([text.read(STEPS)]), ON)

    assert found == [Expiry(("fee_table", "OS2x"), date(2027, 3, 31), kroner(30))]
