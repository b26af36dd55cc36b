"""Authorities: the list, and the page of one."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app import access, database
from app.web import lists
from app.web.lists import Choice, Column, Filter, Listing
from authorities.models import Authority
from foundation.language import Text
from foundation.sorting import Alphabetical

blueprint = Blueprint("authorities", __name__)

_KINDS = (
    Choice("kommune", Text("Kommune", "Municipality")),
    Choice("region", Text("Region", "Region")),
    Choice("stat", Text("Statslig myndighed", "State body")),
)


@blueprint.get("/authorities")
@access.needs("authority.read")
def page() -> ResponseReturnValue:
    """List the authorities."""
    with database.reading() as session:
        return render_template("authorities/list.html", page=lists.page(session, _listing()))


@blueprint.get("/authorities.<form>")
@access.needs("authority.read")
def export(form: str) -> Response:
    """Give the list as a file."""
    with database.reading() as session:
        return lists.export(session, _listing(), form)


def _listing() -> Listing:
    columns = Authority.__table__.c
    statement: Any = access.authorities(select(columns.id, columns.cvr, columns.name, columns.type, columns.code))
    return Listing(
        name="authorities",
        caption=Text("Myndigheder", "Authorities"),
        statement=statement,
        columns=(
            Column("name", Text("Navn", "Name"), lambda row: row.name, Alphabetical(columns.name)),
            Column("cvr", Text("CVR", "CVR"), lambda row: row.cvr, columns.cvr),
        ),
        filters=(
            Filter("q", Text("Søg i navn", "Search in names"), lambda words: lists.contains(columns.name, words)),
            Filter("kind", Text("Slags", "Kind"), lambda kind: columns.type == kind, _KINDS),
        ),
        sort="name",
        tie=(columns.id,),
        empty=Text("Ingen myndigheder er indlæst endnu", "No authorities were taken in yet"),
    )
