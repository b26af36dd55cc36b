"""Who is willing to show a product: an authority that uses it, in its production, or a supplier in a test environment.

It is opted in to, product by product, with a function to write to and no person, and taken back at any time; that it
was offered stays as a fact for a while.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Table, and_, exists, insert, or_, select
from sqlalchemy.orm import Session

from agreements.connections import AGREEMENTS
from agreements.products import PRODUCTS
from agreements.road.models import Showing as ShowingRow
from agreements.road.models import ShowingEnd
from authorities.register import AUTHORITIES
from foundation import wording
from foundation.audit import Trail
from foundation.errors import FieldsRefused, NotFound
from foundation.language import Text

SHOWINGS: Table = ShowingRow.__table__  # type: ignore[assignment]
ENDS: Table = ShowingEnd.__table__  # type: ignore[assignment]

LONGEST = 300


class NoSuchShowing(NotFound):
    """Nobody offers that, or it is not for who asks."""


class ShowingRefused(FieldsRefused):
    """What was offered was refused; each field that is wrong says why."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What somebody is willing to show. Without an authority it is a supplier's, by its name."""

    product: str
    authority_id: int | None
    supplier: str
    shows: str
    contact: str
    from_on: date
    until_on: date | None = None


# --- acts; each needs the writer's lock, and the caller commits


def offer(session: Session, given: Offer, trail: Trail, *, on: date) -> int:
    """Offer to show a product; give the offer's number. The same that stands already is that offer.

    Raises ShowingRefused.
    """
    product_id = session.execute(select(PRODUCTS.c.id).where(PRODUCTS.c.name == given.product)).scalar()
    said = {name: " ".join(getattr(given, name).split()) for name in ("supplier", "shows", "contact")}
    if faults := _faults(session, given, said, product_id, on):
        raise ShowingRefused(faults)
    values = {
        "product_id": product_id, "authority_id": given.authority_id, "from_on": given.from_on,
        "until_on": given.until_on, **said,
    }  # fmt: skip
    same = and_(*(SHOWINGS.c[name].is_not_distinct_from(value) for name, value in values.items()))
    if (known := session.execute(select(SHOWINGS.c.id).where(same, ~_ended())).scalar()) is not None:
        return int(known)
    made = insert(SHOWINGS).values(**values, offered_by=trail.actor, offered_at=trail.at).returning(SHOWINGS.c.id)
    number = int(session.execute(made).scalar_one())
    told = {"product": given.product, "authority": given.authority_id, "from": given.from_on, "until": given.until_on}
    trail.record("showing.offered", f"showing {number}", told)
    return number


def _faults(session: Session, given: Offer, said: dict[str, str], product_id: int | None, on: date) -> dict[str, Text]:
    faults: dict[str, Text] = {}
    if product_id is None:
        faults["product"] = Text("Vælg et produkt", "Choose a product")
    elif given.authority_id is not None and not _uses(session, given.authority_id, product_id, on):
        faults["product"] = Text("Myndigheden er ikke tilsluttet produktet i dag",
                                 "The authority is not connected to the product today")  # fmt: skip
    for name, words in said.items():
        if words and (fault := wording.fault(words, LONGEST)):
            faults[name] = fault
    if given.authority_id is None and not said["supplier"]:
        faults["supplier"] = Text("Skriv leverandøren", "Write the supplier")
    if not said["shows"]:
        faults["shows"] = Text("Skriv, hvad der kan ses", "Write what can be seen")
    if not said["contact"]:
        faults["contact"] = Text("Skriv en funktion, der kan skrives til", "Write a function that can be written to")
    if given.until_on is not None and given.until_on < max(on, given.from_on):
        faults["until_on"] = Text("Den sidste dag er forbi", "The last day has passed")
    return faults


def _uses(session: Session, authority_id: int, product_id: int, on: date) -> bool:
    """Tell whether an authority is connected to a product on a day."""
    columns = AGREEMENTS.c
    found = select(columns.id).where(
        columns.authority_id == authority_id, columns.product_id == product_id, columns.countersigned_on <= on,
        columns.in_force_from <= on, or_(columns.terminated_to.is_(None), columns.terminated_to >= on),
    )  # fmt: skip
    return session.execute(found.limit(1)).first() is not None


def end(session: Session, row: Row[Any], trail: Trail) -> bool:
    """Take an offer back; tell whether it still stood."""
    if row.ended_at is not None:
        return False
    session.execute(insert(ENDS).values(showing_id=row.id, ended_by=trail.actor, ended_at=trail.at))
    trail.record("showing.ended", f"showing {row.id}", {"product": row.product})
    return True


# --- reading


def listing() -> Select[Any]:
    """Give all offers with product, authority (None for a supplier's) and end, to narrow to what a person may see."""
    return (
        select(
            SHOWINGS, PRODUCTS.c.name.label("product"), AUTHORITIES.c.name.label("authority"), ENDS.c.ended_at,
        )
        .join(PRODUCTS, SHOWINGS.c.product_id == PRODUCTS.c.id)
        .outerjoin(AUTHORITIES, SHOWINGS.c.authority_id == AUTHORITIES.c.id)
        .outerjoin(ENDS, ENDS.c.showing_id == SHOWINGS.c.id)
    )  # fmt: skip


def stands(on: date) -> ColumnElement[bool]:
    """Tell in SQL whether an offer of `listing` stands on a day."""
    until = or_(SHOWINGS.c.until_on.is_(None), SHOWINGS.c.until_on >= on)
    return and_(ENDS.c.ended_at.is_(None), SHOWINGS.c.from_on <= on, until)


def of_product(session: Session, product: str, on: date) -> Sequence[Row[Any]]:
    """Give who shows a product on a day: authorities first, by name."""
    found = listing().where(PRODUCTS.c.name == product, stands(on))
    rows = session.execute(found).all()
    return sorted(rows, key=lambda row: (row.authority is None, who(row), row.id))


def who(row: Row[Any]) -> str:
    """Name who offers."""
    return str(row.authority or row.supplier)


def get(session: Session, narrowed: Select[Any], number: int) -> Row[Any]:
    """Read one offer of those that a person may see. Raises NoSuchShowing."""
    row = session.execute(narrowed.where(SHOWINGS.c.id == number)).first() if 0 < number < 2**63 else None
    if row is None:
        raise NoSuchShowing(Text("tilbuddet findes ikke", "there is no such offer"))
    return row


def _ended() -> ColumnElement[bool]:
    return exists().where(ENDS.c.showing_id == SHOWINGS.c.id)
