"""What ends soon: a table that another takes over from, a step of a joining fee by the day of signing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from fee_tables import catalogue
from fee_tables.catalogue import Catalogue, Line
from fee_tables.table import DatedFee
from fee_tables.text import Decision
from foundation.money import Money

#: So many days ahead are told of.
AHEAD = timedelta(days=92)


@dataclass(frozen=True, slots=True)
class Expiry:
    """What counts up to and including a day; `becomes` is the joining fee from the day after, for a step of one."""

    line: Line
    last_day: date
    becomes: Money | None = None


def soon(known: Catalogue, on: date, ahead: timedelta = AHEAD) -> list[Expiry]:
    """Give what ends in the days ahead, the first to end first."""
    listed: list[Sequence[Decision]] = [known.size_keys, known.association, *known.fee_tables.values()]
    found = [expiry for decisions in listed for expiry in _replaced(decisions)]
    found += [expiry for product in known.fee_tables for expiry in _steps(known, product, on)]
    return sorted((one for one in found if on <= one.last_day <= on + ahead), key=lambda one: (one.last_day, one.line))


def _replaced(decisions: Sequence[Decision]) -> Iterator[Expiry]:
    """Give the last day of each decision that another follows; the first of its kind takes over from nothing."""
    for newer in decisions[:-1]:
        yield Expiry(catalogue.line_of(newer), catalogue.first_day_of(newer) - timedelta(days=1))


def _steps(known: Catalogue, product: str, on: date) -> Iterator[Expiry]:
    table = known.joining_table(product, on)
    if table is None or not isinstance(table.joining_fee, DatedFee):
        return
    steps = table.joining_fee.steps
    for (until, _), (_, becomes) in pairwise(steps):
        if until is not None:
            yield Expiry(("fee_table", product), until, becomes)
