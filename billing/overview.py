"""What needs doing now, and how each year stands: read from the facts, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agreements.connections import AGREEMENTS
from agreements.products import PRODUCTS
from authorities.population import POPULATION
from billing import invoice_register, years
from billing.approvals import APPROVALS, APPROVED
from billing.gathering import INVOICES
from billing.invoice_register import INVALID, MISSING, WAITING
from billing.years import Year
from fee_tables import catalogue, expiry
from fee_tables.catalogue import Catalogue
from fee_tables.expiry import Expiry
from foundation import periods, proposals
from foundation.proposals import KINDS, Kind, Proposal

Lack = Literal["size_key", "association", "fee_table", "population"]


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that the next plan needs and nobody has brought yet; a fee table's product."""

    what: Lack
    product: str = ""


@dataclass(frozen=True, slots=True)
class YearState(Year):
    """A year, and what is left to do of it.

    `outstanding` are approved invoices without a number; `waiting`, `invalid` and `unmade` count documents in the
    receivers' formats that the rules have not judged, have refused, or that are not made. `handed_over` is the plan
    that waits for its approval.
    """

    outstanding: int = 0
    waiting: int = 0
    invalid: int = 0
    unmade: int = 0
    handed_over: Proposal | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """What the start page tells. `plan_year` is the year that is to be planned next; years newest first.

    `expiring` ends in the months to come; of the `used` products, `unchanged` have the prices of an earlier year.
    """

    proposals: Mapping[Kind, Sequence[Proposal]]
    plan_year: int
    missing: tuple[Missing, ...]
    expiring: tuple[Expiry, ...]
    used: int
    unchanged: int
    years: tuple[YearState, ...]


def of(session: Session, on: date) -> Overview:
    """Read what needs doing on a day, in seven queries."""
    waiting = proposals.open(session)
    sums, outstanding, documents = years.issued(session), _outstanding(session), _documents(session, on.year - 1)
    handed = {proposal.subject: proposal for proposal in waiting if proposal.kind == "plan"}
    plan_year = on.year + 1 if sums.get(on.year, {}).get("invoices") else on.year
    tables, used = catalogue.read(session), _used(session, periods.new_year(plan_year))
    known = sorted({*sums, *outstanding, plan_year}, reverse=True)
    return Overview(
        proposals={kind: [each for each in waiting if each.kind == kind] for kind in KINDS},
        plan_year=plan_year,
        missing=tuple(_missing(session, tables, used, plan_year)),
        expiring=tuple(expiry.soon(tables, on)),
        used=len(used),
        unchanged=sum(_is_unchanged(tables, product, plan_year) for product in used),
        years=tuple(
            YearState(
                year, **sums.get(year, {}), outstanding=outstanding.get(year, 0),
                handed_over=handed.get(f"{year} real"), **documents.get(year, {}),
            )
            for year in known
        ),
    )  # fmt: skip


def plan_year(session: Session, on: date) -> int:
    """Give the year that is to be planned next: this one until something of it is issued."""
    issued = select(INVOICES.c.id).where(INVOICES.c.book == "real", INVOICES.c.year == on.year).limit(1)
    return on.year if session.execute(issued).first() is None else on.year + 1


def _outstanding(session: Session) -> dict[int, int]:
    """Count the invoices of each year's newest approval that have no number."""
    newest = select(func.max(APPROVALS.c.id)).where(APPROVALS.c.book == "real").group_by(APPROVALS.c.year)
    issued = select(INVOICES.c.id).where(INVOICES.c.approved_invoice_id == APPROVED.c.id)
    rows = session.execute(
        select(APPROVALS.c.year, func.count().label("outstanding"))
        .select_from(APPROVED.join(APPROVALS, APPROVED.c.approval_id == APPROVALS.c.id))
        .where(APPROVALS.c.id.in_(newest), ~issued.exists())
        .group_by(APPROVALS.c.year)
    )
    return {row.year: row.outstanding for row in rows}


def _documents(session: Session, first_year: int) -> dict[int, dict[str, Any]]:
    """Count the documents in receivers' formats that are not valid, of recent years, which are still to be sent."""
    stands = (
        select(INVOICES.c.year, invoice_register.validation().label("validation"))
        .where(INVOICES.c.book == "real", INVOICES.c.year >= first_year)
        .subquery()
    )
    rows = session.execute(
        select(stands.c.year, stands.c.validation, func.count()).group_by(stands.c.year, stands.c.validation)
    )
    names = {WAITING: "waiting", INVALID: "invalid", MISSING: "unmade"}
    found: dict[int, dict[str, Any]] = {}
    for year, validation, count in rows:
        if validation in names:
            found.setdefault(year, {})[names[validation]] = count
    return found


def _missing(session: Session, known: Catalogue, used: Sequence[str], year: int) -> list[Missing]:
    """Name what the plan of a year needs and has not: decisions in force, tables of products in use, inhabitants."""
    day = periods.new_year(year)
    found = [] if known.size_key(day) else [Missing("size_key")]
    found += [] if known.association_table(day) else [Missing("association")]
    counted = session.execute(select(POPULATION.c.id).where(POPULATION.c.year == year - 1).limit(1)).first()
    found += [] if counted else [Missing("population")]
    return [*found, *(Missing("fee_table", name) for name in used if not known.annual_table(name, day))]


def _used(session: Session, day: date) -> Sequence[str]:
    """Give the products with an agreement in force on a day."""
    in_force = AGREEMENTS.c.in_force_from <= day
    goes_on = AGREEMENTS.c.terminated_to.is_(None) | (AGREEMENTS.c.terminated_to >= day)
    used = select(PRODUCTS.c.name).join(AGREEMENTS, AGREEMENTS.c.product_id == PRODUCTS.c.id).where(in_force, goes_on)
    return session.execute(used.distinct().order_by(PRODUCTS.c.name)).scalars().all()


def _is_unchanged(known: Catalogue, product: str, year: int) -> bool:
    table = known.annual_table(product, periods.new_year(year))
    return table is not None and table.reference.valid_from.year < year
