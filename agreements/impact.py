"""What another price means: how many authorities it concerns on a key day, and what they pay by either table in a year.

A whole year's annual fee of the agreements in force on the key day, without VAT; the shares of a first year, joining
fees and what is withheld are the plan's to tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from agreements import directory
from agreements.connections import AGREEMENTS
from agreements.lifecycle import Kind
from agreements.products import PRODUCTS
from authorities.population import POPULATION
from authorities.register import AUTHORITIES
from fee_tables import prices
from fee_tables.catalogue import Catalogue
from fee_tables.table import AssociationTable, BandFee, FeeTable, FlatFee
from foundation.money import ZERO, Money


@dataclass(frozen=True, slots=True)
class Impact:
    """The year's sum before and after; `authorities` are concerned, `unpriced` of them have no known size.

    `counted` is the newest year whose inhabitants are known and may decide: an estimate, where it is not the last.
    """

    on: date
    counted: int
    authorities: int
    unpriced: int
    before: Money | None  # None: the fee is shared or there is none
    after: Money | None


def connected(session: Session, on: date) -> Mapping[str, int]:
    """Give how many authorities have an agreement in force on a day, by product, in one query."""
    rows = session.execute(
        select(PRODUCTS.c.name, func.count(AGREEMENTS.c.authority_id.distinct()).label("authorities"))
        .join(AGREEMENTS)
        .where(directory.in_force(on))
        .group_by(PRODUCTS.c.name)
    )
    return {row.name: row.authorities for row in rows}


def of(session: Session, known: Catalogue, before: FeeTable | None, after: FeeTable) -> Impact:
    """Tell what a table that comes after another means on its first key day, in two queries."""
    on = prices.key_day(after)
    counted = _counted(session, on)
    groups = _groups(session, known, after.reference.product, on, counted)
    association = known.association_table(on)
    return Impact(
        on,
        counted,
        sum(group.authorities for group in groups),
        sum(group.authorities for group in groups if group.band is None) if _by_band(before, after) else 0,
        _sum(before, association, groups),
        _sum(after, association, groups),
    )


def _by_band(*tables: FeeTable | None) -> bool:
    return any(table is not None and isinstance(table.annual_fee, BandFee) for table in tables)


def _counted(session: Session, on: date) -> int:
    newest = select(func.max(POPULATION.c.year)).where(POPULATION.c.year < on.year)
    return session.execute(newest).scalar() or on.year - 1


def _groups(session: Session, known: Catalogue, product: str, on: date, counted: int) -> Sequence[Row[Any]]:
    """Count the authorities with an agreement in force, by band, membership and whether it is active."""
    found = directory.on(on, known.size_key(on), counted=counted)
    active = (AGREEMENTS.c.kind == Kind.ACTIVE.value) | func.coalesce(AGREEMENTS.c.active_from <= on, False)
    each = (
        select(AUTHORITIES.c.id, found.band.label("band"), found.is_member.label("member"), active.label("active"))
        .select_from(AUTHORITIES.join(AGREEMENTS).join(PRODUCTS))
        .outerjoin(POPULATION, directory.counted_in(counted))
        .where(PRODUCTS.c.name == product, directory.in_force(on))
        .distinct()
        .subquery()
    )
    by = (each.c.band, each.c.member, each.c.active)
    return session.execute(select(*by, func.count().label("authorities")).group_by(*by)).all()


def _sum(table: FeeTable | None, association: AssociationTable | None, groups: Sequence[Row[Any]]) -> Money | None:
    if table is None or not isinstance(table.annual_fee, FlatFee | BandFee):
        return None
    total = ZERO
    for group in groups:
        base = _base(table.annual_fee, group.band)
        if base is not None:
            one = prices.price(table, association, base, member=bool(group.member), passive=not group.active)
            total += Money(one.ore * group.authorities)
    return total


def _base(fee: FlatFee | BandFee, band: str | None) -> Money | None:
    return fee.amount if isinstance(fee, FlatFee) else fee.amounts.get(band or "")
