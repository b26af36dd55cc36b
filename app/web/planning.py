"""The plan of a year for pages: made once, kept for all requests of this process while it is the plan."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import request
from sqlalchemy.orm import Session

from app import association, database
from app.schemas import FIRST_YEAR, LAST_YEAR
from app.web import layout
from billing.gathering import Book
from billing.plan_snapshot import Kept, Snapshot
from billing.seller import Seller
from foundation.errors import NotFound
from foundation.language import Text

#: The plans made lately, for all requests of this process.
_kept = Kept()


class NoSuchYear(NotFound):
    """A year or a book that there is not."""


def checked(year: int) -> int:
    """Give a year that may be planned. Raises NoSuchYear."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise NoSuchYear(Text(f"Året er {FIRST_YEAR} til {LAST_YEAR}", f"The year is {FIRST_YEAR} to {LAST_YEAR}"))
    return year


def book() -> Book:
    """Give the book that the request asks for. Raises NoSuchYear."""
    given = request.values.get("book", "real")
    if given == "real":
        return "real"
    if given == "rehearsal":
        return "rehearsal"
    raise NoSuchYear(Text("Regnskabet er real eller rehearsal", "The book is real or rehearsal"))


@contextmanager
def planned(year: int) -> Iterator[tuple[Session, Snapshot]]:
    """Read the plan of a year in the book that the request asks for."""
    asked = book()
    with database.reading() as session:
        yield session, _kept.of(session, checked(year), seller(session), asked)


def at_hand(session: Session, year: int) -> Snapshot | None:
    """Give the real plan of a year where it need not be made for that."""
    found = association.found(session, layout.config())
    return _kept.at_hand(session, year, found) if found else None


def seller(session: Session) -> Seller:
    """Give the association as it invoices here. Raises SettingsMissing."""
    return association.seller(session, layout.config())
