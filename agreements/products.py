"""The products of OS2 and their accounts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import Table, insert, select
from sqlalchemy.orm import Session

from agreements.models import Product
from authorities import register
from foundation import wording
from foundation.audit import Broken, Trail
from foundation.errors import NotFound, Refused
from foundation.intake import Intake, Row, Rows, Taken
from foundation.language import Text, same


class NoSuchProduct(NotFound):
    """No product of that name is registered."""


class LooksLikeAnother(Refused):
    """A product's name that a reader would take for another's."""


PRODUCTS: Table = Product.__table__  # type: ignore[assignment]

_DESCRIBED = ("description_da", "description_en")
_TOLD = (*_DESCRIBED, "coordinator", "users_shown")


def ids_by_name(session: Session) -> dict[str, int]:
    """Give every product's id by its name, in one query."""
    return {row.name: row.id for row in session.execute(select(PRODUCTS.c.name, PRODUCTS.c.id))}


def accounts_by_name(session: Session) -> dict[str, str | None]:
    """Give every product's account number by its name, in one query; None where it has none yet."""
    return {row.name: row.account for row in session.execute(select(PRODUCTS.c.name, PRODUCTS.c.account))}


def register_unknown(session: Session, names: Collection[str], trail: Trail) -> list[str]:
    """Register the products that are not known, without an account; give their names. Raises LooksLikeAnother."""
    known = ids_by_name(session)
    unknown = sorted(set(names) - known.keys())
    alike = {wording.looks(name): name for name in known}
    for name in unknown:
        if (other := alike.setdefault(wording.looks(name), name)) != name:
            raise LooksLikeAnother(same(f"{name}: ") + _alike(other))
    if unknown:
        session.execute(insert(PRODUCTS), [{"name": name, "account": None, "level": None} for name in unknown])
        trail.record("products.registered", "fee tables", {"added": unknown})
    return unknown


def take_in(session: Session, file: Rows, trail: Trail, *, posted: Mapping[str, str]) -> Taken:
    """Take a file of products in, by name; `posted` names an invoice posted on a product's account.

    Raises RowsRefused with every wrong row.
    """
    intake = Intake(session, PRODUCTS, ("name",), file)
    alike = {wording.looks(known["name"]): known["name"] for known in intake.existing.values()}
    owner = {known["account"]: known["name"] for known in intake.existing.values() if known["account"]}
    for row in file:
        name, account = row["product"], row.get("account")
        if account is not None and owner.setdefault(account, name) != name:
            taken = owner[account]
            intake.fault(row, "account", Text(f"kontoen hører til {taken}", f"the account belongs to {taken}"))
        known = intake.known({"name": name})
        if (other := alike.setdefault(wording.looks(name), name)) != name and known is None:
            intake.fault(row, "product", _alike(other))
        if known is not None and known["account"] not in (None, account) and name in posted:
            intake.fault(row, "account", register.rests(posted[name]))
        _check_description(intake, row, known)
        intake.offer(row, {"name": name, **row.only("account", "level", *_TOLD)}, key_column="product")
    return intake.finish(trail, "products.imported")


def _check_description(intake: Intake, row: Row, known: Mapping[str, object] | None) -> None:
    """Fault a description that would stand in one language alone."""
    after = {**(known or {}), **row.only(*_DESCRIBED)}
    for column, other in (_DESCRIBED, _DESCRIBED[::-1]):
        if not after.get(column) and after.get(other):
            intake.fault(row, column, Text(f"mangler, når {other} er udfyldt", f"is missing where {other} is given"))


def description(session: Session, name: str) -> Text | None:
    """Give what a product is, or None where the register does not say."""
    columns = PRODUCTS.c
    row = session.execute(select(columns.description_da, columns.description_en).where(columns.name == name)).first()
    return told(row) if row is not None else None


def told(row: Any) -> Text | None:
    """Give what the product of a row of the register is, or None where it does not say."""
    return Text(row.description_da, row.description_en) if row.description_da else None


def faults(session: Session) -> Iterator[Broken]:
    """Name each product that is described in one language alone, or in signs that paper does not have."""
    columns = PRODUCTS.c
    for row in session.execute(select(PRODUCTS).order_by(columns.id)):
        told = (row.description_da, row.description_en)
        if (told[0] is None) != (told[1] is None) or any(wording.fault(words) for words in told if words is not None):
            yield Broken(
                "agreements", f"product {row.name}",
                Text("beskrivelsen er ikke læsbar på begge sprog", "the description is not readable in both languages"),
            )  # fmt: skip


def _alike(other: str) -> Text:
    return Text(
        f"navnet ligner {other}; skriv det ens, hvis det er samme produkt",
        f"the name looks like {other}; write it the same way if it is the same product",
    )
