"""A product's page, for everybody: what it is, what it costs, who coordinates it, who uses it where that is decided."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from agreements import directory, products
from agreements.connections import AGREEMENTS
from agreements.products import PRODUCTS, NoSuchProduct
from app import access, database
from app.web import calculator, fee_tables, layout
from authorities.register import AUTHORITIES
from fee_tables import catalogue
from foundation.language import Text
from foundation.sorting import alphabetical

blueprint = Blueprint("products", __name__)


@blueprint.get("/products/<name>")
@access.public
def page(name: str) -> ResponseReturnValue:
    """Show a product to whoever may want it."""
    with database.reading() as session:
        today, known = layout.today(), catalogue.read(session)
        row = session.execute(select(PRODUCTS).where(PRODUCTS.c.name == name)).first()
        if row is None:
            raise NoSuchProduct(Text("Intet produkt hedder det", "No product has that name"))
        table = known.annual_table(name, today)
        return render_template(
            "products/one.html",
            product=row,
            description=products.told(row),
            users=_users(session, row, today),
            table=table,
            choices=calculator.authorities_by_kind(session, today),
            **fee_tables.prices_of(table, known),
        )


def _users(session: Session, product: Row[Any], on: date) -> Sequence[str] | None:
    """Give the names of those connected on a day; None where it is not decided that the public sees them."""
    if product.users_shown != "yes":
        return None
    names = session.scalars(
        select(AUTHORITIES.c.name)
        .join(AGREEMENTS, AGREEMENTS.c.authority_id == AUTHORITIES.c.id)
        .where(AGREEMENTS.c.product_id == product.id, directory.in_force(on))
        .distinct()
    )
    return sorted(names, key=alphabetical)
