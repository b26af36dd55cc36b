"""Which fund and period an address names, for whoever may see it; another's fund is not there."""

from __future__ import annotations

from urllib.parse import quote

from sqlalchemy.orm import Session

from agreements import products
from app import access
from billing.funding import naming
from billing.funding.comments import On
from billing.funding.publications import Edition
from foundation import periods
from foundation.errors import NotFound
from foundation.language import Text
from foundation.periods import NotAPeriod, Period


class NoSuchFund(NotFound):
    """No such fund, or not for this person; or no such period."""


def found(session: Session, fund: str, period: str, permission: str = "funding.read") -> tuple[str | None, Period]:
    """Give the product, None for the association, and the period. Raises NoSuchFund."""
    product, reach = naming.product(fund), access.funds(permission)
    if reach is not None and product not in reach:
        raise _no_such()
    if product is not None and product not in products.ids_by_name(session):
        raise _no_such()
    return product, of_period(period)


def of_period(words: str) -> Period:
    """Read a period. Raises NoSuchFund."""
    try:
        return periods.named(words)
    except NotAPeriod as wrong:
        raise NoSuchFund(wrong.text) from None


def refuse_beyond(product: str | None, permission: str = "funding.read") -> None:
    """Refuse a fund that a permission does not reach. Raises NoSuchFund."""
    reach = access.funds(permission)
    if reach is not None and product not in reach:
        raise _no_such()


def _no_such() -> NoSuchFund:
    return NoSuchFund(Text("Der er ingen sådan fond", "There is no such fund"))


def of_fund(product: str | None) -> str:
    """Give the address of a fund, at which its periods are chosen."""
    return f"/funds/{quote(naming.name(product), safe='')}"


def address(product: str | None, period: Period) -> str:
    """Give the address of a fund's period."""
    return f"{of_fund(product)}/{periods.name(period)}"


def public_address(product: str | None, period: Period) -> str:
    """Give the address at which everybody sees what is public of it."""
    return f"/public/reports/{quote(naming.name(product), safe='')}/{periods.name(period)}"


def of_edition(edition: Edition) -> str:
    """Give the address of a published version."""
    return f"{address(edition.product, edition.period)}/versions/{edition.version}"


def of_comment(on: On) -> str:
    """Give the address of what is said."""
    return f"{address(on.product, on.period)}/comments"


def trace(product: str | None, period: Period, figure: str = "") -> str:
    """Give the address at which a fund's period is taken apart, or one figure of its report."""
    whole = f"/funds/trace/{quote(naming.name(product), safe='')}/{periods.name(period)}"
    return f"{whole}/{quote(figure, safe=':')}" if figure else whole


def forecast(product: str, year: int, part: str = "", kept: int | None = None) -> str:
    """Give the address of a fund's forecast, or of one of its figures; of a forecast that was kept, by its number."""
    whole = f"/forecast/{quote(product, safe='')}/{year}"
    of = whole if kept is None else f"{whole}/kept/{kept}"
    return f"{of}/{quote(part, safe=':')}" if part else whole
