"""Which fund a command names: a product as the register has it, or the association."""

from __future__ import annotations

from sqlalchemy.orm import Session

from agreements import products
from billing.funding import naming
from foundation.errors import NotFound
from foundation.language import Text


class NoSuchFund(NotFound):
    """No product has that name."""


def product(session: Session, given: str) -> str | None:
    """Give the product, None for the association. Raises NoSuchFund."""
    found = naming.product(given)
    if found is not None and found not in products.ids_by_name(session):
        raise NoSuchFund(Text(f"intet produkt hedder {given!r}", f"no product is called {given!r}"))
    return found
