"""What those on the way would bring a fund, in the year they join and in the first whole one, by the run's rules."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from sqlalchemy.orm import Session

from agreements.products import PRODUCTS
from agreements.road import inquiries
from authorities.register import AUTHORITIES
from billing.funding import forecast, pipeline, prospect
from billing.funding.pipeline import OPEN, Case, Pipeline
from billing.funding.prospect import Joining, World
from foundation.money import Money, total

_HUNDRED = 100


@dataclass(frozen=True, slots=True)
class Prospect:
    """A case with what it would bring; None where that cannot be told, or nothing is to come any more.

    `asked` are its questions that wait.
    """

    case: Case
    first: Money | None  # in the year from which it is expected, the joining fee included
    full: Money | None  # in the year after, the first that is whole
    asked: int

    @property
    def counted(self) -> Money | None:
        """Give what of the first year counts by its probability."""
        return None if self.first is None else self._likely(self.first)

    @property
    def counted_full(self) -> Money | None:
        """Give what of the first whole year counts by its probability."""
        return None if self.full is None else self._likely(self.full)

    def _likely(self, whole: Money) -> Money:
        return whole.scaled(Fraction(self.case.percent, _HUNDRED))


@dataclass(frozen=True, slots=True)
class Outlook:
    """The pipeline with what it would bring, and the cases by hand that gave way."""

    prospects: tuple[Prospect, ...]
    pipeline: Pipeline


def read(session: Session, on: date, of: Collection[str] | None = None) -> Outlook:
    """Read the pipeline of some products or of all with what it would bring, in a number of queries that is fixed.

    Each year in which somebody is expected, and the one after it, adds its own.
    """
    found, came = pipeline.read(session, on, of), pipeline.came_by(session, on.year)
    still = {_place(case): case for case in found.cases if case.outcome == OPEN and _place(case) not in came}
    worlds = _worlds(session, still.values(), on)
    waiting = _waiting(session, still.values())
    made = (
        Prospect(case, *_both(worlds, case, on), waiting.get(place, 0))
        if (place := _place(case)) in still
        else Prospect(case, None, None, 0)
        for case in found.cases
    )
    return Outlook(tuple(made), found)


def _place(case: Case) -> tuple[int, str]:
    return case.authority_id, case.product


def _both(worlds: dict[int, World], case: Case, on: date) -> tuple[Money | None, Money | None]:
    first = first_year(case, on)
    return _brings(worlds, case, first), _brings(worlds, case, first + 1)


def first_year(case: Case, on: date) -> int:
    """Give the year in which a case would first bring money: not before today's."""
    return max(case.expected_from.year, on.year)


def _worlds(session: Session, cases: Collection[Case], on: date) -> dict[int, World]:
    """Read the years that are near enough to be forecast, each for those that are looked at in it."""
    wanted: dict[int, set[int]] = {}
    for case in cases:
        first = first_year(case, on)
        for year in (first, first + 1):
            if year <= on.year + forecast.FURTHEST:
                wanted.setdefault(year, set()).add(case.authority_id)
    return {year: prospect.of_authorities(session, year, ids) for year, ids in wanted.items()}


def _brings(worlds: dict[int, World], case: Case, year: int) -> Money | None:
    world = worlds.get(year)
    if world is None:
        return None
    found, problems = world.of_joining(Joining(case.authority_id, case.product, case.expected_from))
    return None if problems and not found else total(each.line.amount for each in found)


def _waiting(session: Session, cases: Collection[Case]) -> dict[tuple[int, str], int]:
    """Count the questions of those on the way about their product that wait for an answer."""
    found: dict[tuple[int, str], int] = {}
    asked = inquiries.listing().where(
        AUTHORITIES.c.id.in_({case.authority_id for case in cases}),
        PRODUCTS.c.name.in_({case.product for case in cases}),
    )
    for thread in inquiries.read(session, session.execute(asked).all()):
        if thread.waits and thread.product is not None:
            place = (thread.authority_id, thread.product)
            found[place] = found.get(place, 0) + 1
    return found
