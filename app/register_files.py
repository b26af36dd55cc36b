"""The registers that come as files: how each is read and taken in, by the command line, the pages and the API alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from agreements import connections, products
from app.adapters import csv_files
from app.adapters.csv_files import Layout
from authorities import membership, population, register
from billing import invoices
from billing.invoices import Resting
from fee_tables import catalogue
from fee_tables.size_key import STANDARD_BANDS
from foundation.audit import Trail
from foundation.intake import Rows, Taken
from foundation.language import Text


@dataclass(frozen=True, slots=True)
class Context:
    """What an intake needs beside the rows: who writes, what issued lines rest on, today, and reasons for odd CVRs."""

    session: Session
    trail: Trail
    resting: Resting
    today: date
    forced: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Register:
    """One register: what it is called, the columns of its file, and the one call that takes the rows in."""

    title: Text
    layout: Layout
    key: str  # the columns that name a row
    take: Callable[[Rows, Context], Taken]


def take_in(
    session: Session, into: Register, rows: Rows, trail: Trail, *, today: date, forced: Mapping[str, str] | None = None
) -> Taken:
    """Take a file's rows into a register, all or none. Raises RowsRefused with every wrong row."""
    context = Context(session, trail, invoices.resting(session), today, forced or {})
    return into.take(rows, context)


def _authorities(rows: Rows, given: Context) -> Taken:
    return register.take_in(
        given.session, rows, given.trail,
        forced=given.forced, invoiced=given.resting.last_year, succeeded=given.resting.succeeded,
    )  # fmt: skip


def _population(rows: Rows, given: Context) -> Taken:
    return population.take_in_population(given.session, rows, given.trail, counted=given.resting.counted)


def _placements(rows: Rows, given: Context) -> Taken:
    bands = _bands(given.session)
    return population.take_in_placements(given.session, rows, given.trail, bands=bands, placed=given.resting.placed)


def _bands(session: Session) -> list[str]:
    named = [name for key in catalogue.read(session).size_keys for name in key.band_names]
    return list(dict.fromkeys(named)) or list(STANDARD_BANDS)


def _products(rows: Rows, given: Context) -> Taken:
    return products.take_in(given.session, rows, given.trail, posted=given.resting.products)


def _members(rows: Rows, given: Context) -> Taken:
    return membership.take_in(given.session, rows, given.trail, invoiced=given.resting.years)


def _agreements(rows: Rows, given: Context) -> Taken:
    return connections.take_in(
        given.session, rows, given.trail, invoiced=given.resting.agreements, on=given.today
    )  # fmt: skip


REGISTERS: Mapping[str, Register] = {
    "authorities": Register(Text("Myndigheder", "Authorities"), csv_files.AUTHORITIES, "cvr", _authorities),
    "population": Register(
        Text("Indbyggertal", "Inhabitants"), csv_files.POPULATION, "kommunekode, year", _population
    ),
    "placements": Register(Text("Indplaceringer", "Placements"), csv_files.PLACEMENTS, "cvr, valid_from", _placements),
    "products": Register(Text("Produkter", "Products"), csv_files.PRODUCTS, "product", _products),
    "members": Register(Text("Medlemskaber", "Memberships"), csv_files.MEMBERS, "cvr, joined_on", _members),
    "agreements": Register(
        Text("Tilslutningsaftaler", "Connection agreements"), csv_files.AGREEMENTS, "cvr, product, signed_on",
        _agreements,
    ),
}  # fmt: skip
