"""The registers that rows are taken into, the same for the command line and the API: layout, and one call below."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy.orm import Session

from agreements import connections, products
from app.adapters import csv_files
from app.adapters.csv_files import Layout
from authorities import membership, population, register
from billing.invoices import Resting, resting
from fee_tables import catalogue
from fee_tables.size_key import STANDARD_BANDS
from foundation.audit import Trail
from foundation.intake import Rows, Taken


@dataclass(frozen=True, slots=True)
class Intake:
    """Rows on their way into a register: where they go, what issued lines rest on, the day, who did it."""

    session: Session
    rows: Rows
    trail: Trail
    resting: Resting
    on: date
    forced: Mapping[str, str] = field(default_factory=dict)  # why a CVR number failing its check is taken all the same


@dataclass(frozen=True, slots=True)
class Register:
    """A register: what a row of it looks like, and the call that takes rows in."""

    layout: Layout
    take: Callable[[Intake], Taken]


def _authorities(given: Intake) -> Taken:
    return register.take_in(
        given.session, given.rows, given.trail, forced=given.forced, invoiced=given.resting.last_year,
        succeeded=given.resting.succeeded,
    )  # fmt: skip


def _population(given: Intake) -> Taken:
    return population.take_in_population(given.session, given.rows, given.trail, counted=given.resting.counted)


def _placements(given: Intake) -> Taken:
    return population.take_in_placements(
        given.session, given.rows, given.trail, bands=_bands(given.session), placed=given.resting.placed
    )


def _bands(session: Session) -> list[str]:
    named = [name for key in catalogue.read(session).size_keys for name in key.band_names]
    return list(dict.fromkeys(named)) or list(STANDARD_BANDS)


def _products(given: Intake) -> Taken:
    return products.take_in(given.session, given.rows, given.trail, posted=given.resting.products)


def _members(given: Intake) -> Taken:
    return membership.take_in(given.session, given.rows, given.trail, invoiced=given.resting.years)


def _agreements(given: Intake) -> Taken:
    return connections.take_in(given.session, given.rows, given.trail, invoiced=given.resting.agreements, on=given.on)


AUTHORITIES = Register(csv_files.AUTHORITIES, _authorities)
POPULATION = Register(csv_files.POPULATION, _population)
PLACEMENTS = Register(csv_files.PLACEMENTS, _placements)
PRODUCTS = Register(csv_files.PRODUCTS, _products)
MEMBERS = Register(csv_files.MEMBERS, _members)
AGREEMENTS = Register(csv_files.AGREEMENTS, _agreements)


def take(
    into: Register, session: Session, rows: Rows, trail: Trail, on: date, forced: Mapping[str, str] | None = None
) -> Taken:
    """Take rows into a register, all or none. Raises RowsRefused with every wrong row."""
    return into.take(Intake(session, rows, trail, resting(session), on, forced or {}))
