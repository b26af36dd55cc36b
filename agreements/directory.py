"""Who the authorities are on a day, as one query: inhabitants, size band, membership, and how many products they use.

The band is the one that decides the fees of the day's year: by the inhabitants of 1 January the year before, else by
the newest placement on 1 January, as in `billing.case.size_of`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from agreements.connections import AGREEMENTS
from agreements.products import PRODUCTS
from authorities.membership import MEMBERSHIPS
from authorities.population import PLACEMENTS, POPULATION
from authorities.register import AUTHORITIES
from fee_tables import catalogue
from fee_tables.catalogue import ADOPTED
from fee_tables.size_key import SizeBand, SizeKey
from foundation import periods
from foundation.errors import NotFound
from foundation.language import Text
from foundation.sorting import alphabetical

#: A day's query is the same for everybody who asks, and making it takes longer than asking it.
DAYS_KEPT = 8


class NoSuchAuthority(NotFound):
    """No authority has that CVR number, or it is not for who asks."""


@dataclass(frozen=True, slots=True, eq=False)
class Directory:
    """The authorities on a day: the columns of `statement`, to sort and to filter by. The same day's is the same."""

    on: date
    statement: Select[Any]  # id, cvr, name, type, code, inhabitants, band, is_member, products
    inhabitants: ColumnElement[Any]
    band: ColumnElement[Any]
    rank: ColumnElement[Any]  # of the band, smallest first
    is_member: ColumnElement[bool]
    products: ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class Choices:
    """What there is to choose from on a day."""

    key: SizeKey | None  # decides the fees of the day's year
    kinds: tuple[str, ...]  # of authorities
    products: tuple[str, ...]  # their names


@lru_cache(DAYS_KEPT)
def on(day: date, key: SizeKey | None, *, counted: int | None = None) -> Directory:
    """Describe the authorities on a day, by the size key in force at its New Year.

    `counted` is the year of the inhabitants where those that will decide are not known yet.
    """
    inhabitants = POPULATION.c.inhabitants
    band = _band(key, inhabitants, periods.new_year(day.year))
    member, used = _is_member(day), _products(day)
    columns = (AUTHORITIES.c[name] for name in ("id", "cvr", "name", "type", "code"))
    statement = select(
        *columns, inhabitants, band.label("band"), member.label("is_member"), used.label("products")
    ).select_from(AUTHORITIES.outerjoin(POPULATION, counted_in(counted or day.year - 1)))
    return Directory(day, statement, inhabitants, band, _rank(key, band), member, used)


def counted_in(year: int) -> ColumnElement[bool]:
    """Join `population` to `authority`: the inhabitants of a year."""
    return and_(POPULATION.c.authority_id == AUTHORITIES.c.id, POPULATION.c.year == year)


def _band(key: SizeKey | None, inhabitants: ColumnElement[Any], key_day: date) -> ColumnElement[Any]:
    placed = (
        select(PLACEMENTS.c.band)
        .where(PLACEMENTS.c.authority_id == AUTHORITIES.c.id, PLACEMENTS.c.valid_from <= key_day)
        .order_by(PLACEMENTS.c.valid_from.desc())
        .limit(1)
        .correlate(AUTHORITIES)
        .scalar_subquery()
    )
    if key is None:
        return null()
    return case(*((_lies_in(band, inhabitants), literal(band.name)) for band in key.bands), else_=placed)


def _lies_in(band: SizeBand, inhabitants: ColumnElement[Any]) -> ColumnElement[bool]:
    if band.most is None:
        return inhabitants >= band.least
    return inhabitants.between(band.least, band.most)


def _rank(key: SizeKey | None, band: ColumnElement[Any]) -> ColumnElement[Any]:
    if key is None:
        return null()
    return case({name: nth for nth, name in enumerate(key.band_names)}, value=band, else_=len(key.bands))


def _is_member(day: date) -> ColumnElement[bool]:
    membership = MEMBERSHIPS.c
    return exists().where(
        membership.authority_id == AUTHORITIES.c.id,
        membership.joined_on <= day,
        or_(membership.left_on.is_(None), membership.left_on > day),
    )


def in_force(day: date) -> ColumnElement[bool]:
    """Tell, of a row of `agreement`, whether both have signed and it is in force on a day."""
    facts = AGREEMENTS.c
    return and_(
        facts.countersigned_on <= day,
        facts.in_force_from <= day,
        or_(facts.terminated_to.is_(None), facts.terminated_to >= day),
    )


def _products(day: date) -> ScalarSelect[Any]:
    return (
        select(func.count(AGREEMENTS.c.product_id.distinct()))
        .where(AGREEMENTS.c.authority_id == AUTHORITIES.c.id, in_force(day))
        .correlate(AUTHORITIES)
        .scalar_subquery()
    )


def uses(product: str, day: date) -> ColumnElement[bool]:
    """Tell, of a row of `authority`, whether it has an agreement on a product in force on a day."""
    return exists().where(
        AGREEMENTS.c.authority_id == AUTHORITIES.c.id,
        AGREEMENTS.c.product_id == PRODUCTS.c.id,
        PRODUCTS.c.name == product,
        in_force(day),
    )


def size_key(session: Session, day: date) -> SizeKey | None:
    """Give the size key that decides the fees of a day's year, in one query."""
    return _key_of(list(session.execute(_newest_key(periods.new_year(day.year))).scalars()))


def product_names(session: Session) -> list[str]:
    """Give the names of all products, in order."""
    return list(session.execute(select(PRODUCTS.c.name).order_by(PRODUCTS.c.name)).scalars())


def choices(session: Session, day: date) -> Choices:
    """Give what there is to choose from on a day, in one query."""
    found: dict[str, list[str]] = {"key": [], "kind": [], "product": []}
    for what, words in session.execute(_CHOICES, {"new_year": periods.new_year(day.year)}):
        found[what].append(words)
    kinds, products = (tuple(sorted(found[what], key=alphabetical)) for what in ("kind", "product"))
    return Choices(_key_of(found["key"]), kinds, products)


def _key_of(texts: list[str]) -> SizeKey | None:
    key = catalogue.adopted(texts[0]) if texts else None
    return key if isinstance(key, SizeKey) else None


def _newest_key(new_year: date | ColumnElement[date]) -> Select[Any]:
    return (
        select(ADOPTED.c.text)
        .where(ADOPTED.c.kind == "size_key", ADOPTED.c.valid_from <= new_year)
        .order_by(ADOPTED.c.valid_from.desc())
        .limit(1)
    )


_CHOICES = union_all(
    select(literal("kind"), AUTHORITIES.c.type).distinct(),
    select(literal("product"), PRODUCTS.c.name),
    select(literal("key"), _newest_key(bindparam("new_year", type_=Date())).subquery().c.text),
)


def not_there() -> NoSuchAuthority:
    """Give the refusal for an authority that is not there, or not for who asks."""
    return NoSuchAuthority(
        Text(
            "Der er ingen myndighed med det CVR-nummer, eller du har ikke adgang til den",
            "There is no authority with that CVR number, or it is not for you to see",
        )
    )
