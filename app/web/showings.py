"""Who shows a product, in the browser: the list, opting in, taking back, asking to see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Select, not_, select
from sqlalchemy.orm import Session

from agreements.products import PRODUCTS
from agreements.road import inquiries, journeys, showings
from agreements.road.inquiries import Question
from agreements.road.journeys import Journey
from agreements.road.showings import SHOWINGS, Offer, ShowingRefused
from app import access, database, inquiry_letters
from app.schemas import Nothing, ShowingEntry, ShowingWish
from app.web import filling, forms, layout, lists
from app.web.forms import Sent
from app.web.lists import Choice, Column, Filter, Listing
from authorities.register import AUTHORITIES
from foundation.audit import Trail
from foundation.language import Text, same
from foundation.sorting import alphabetical

blueprint = Blueprint("showings", __name__)

#: What stands for a supplier where an authority is chosen.
SUPPLIER = "leverandør"

_LONGEST_SUBJECT = 200
_STATES = {"stands": Text("Gælder", "Stands"), "over": Text("Slut eller ikke begyndt", "Over or not begun")}
_EMPTY = Text("Ingen har tilbudt at vise et produkt endnu. Tilbyd det første.",
              "Nobody has offered to show a product yet. Offer the first.")  # fmt: skip


def _scoped(permission: str = "journey.read") -> Select[Any]:
    """Give the offers in the person's scope; a supplier's are its product's group's and the secretariat's."""
    return access.of_products(showings.listing(), SHOWINGS.c.authority_id, PRODUCTS.c.name, permission)


@blueprint.get("/showings")
@access.needs("journey.read")
def page() -> ResponseReturnValue:
    """List who shows what, of the person's own authorities and products."""
    with database.reading() as session:
        shown = lists.page(session, _listing(session))
    return render_template("road/showings.html", page=shown, may_offer=access.current().may("journey.update"))


@blueprint.get("/showings.<form>")
@access.needs("export.use")
def export(form: str) -> Response:
    """Give the list as a file."""
    with database.reading() as session:
        return lists.export(session, _listing(session), form)


def _listing(session: Session) -> Listing:
    stands = showings.stands(layout.today())
    names = sorted(session.scalars(_scoped().with_only_columns(PRODUCTS.c.name).distinct()), key=alphabetical)
    return Listing(
        name="showings",
        caption=Text("Hvem der viser hvad", "Who shows what"),
        statement=_scoped().add_columns(stands.label("stands")),
        columns=(
            Column("product", Text("Produkt", "Product"), lambda row: row.product, PRODUCTS.c.name,
                   lambda row: f"/showings/{row.id}"),
            Column("who", Text("Hvem", "Who"), showings.who, AUTHORITIES.c.name),
            Column("shows", Text("Hvad der kan ses", "What can be seen"), lambda row: row.shows),
            Column("contact", Text("Kontakt", "Contact"), lambda row: row.contact),
            Column("from_on", Text("Fra", "From"), lambda row: row.from_on, SHOWINGS.c.from_on),
            Column("until_on", Text("Til og med", "Until"), lambda row: row.until_on, SHOWINGS.c.until_on),
            Column("state", Text("Tilstand", "State"), lambda row: _STATES["stands" if row.stands else "over"]),
        ),
        filters=(
            Filter("product", Text("Produkt", "Product"), lambda given: PRODUCTS.c.name == given,
                   [Choice(name, same(name)) for name in names]),
            Filter("state", Text("Tilstand", "State"),
                   lambda given: stands if given == "stands" else not_(stands),
                   [Choice(key, title) for key, title in _STATES.items()]),
        ),
        sort="product",
        tie=(SHOWINGS.c.id,),
        empty=_EMPTY,
    )  # fmt: skip


# --- opting in


@blueprint.get("/showings/new")
@access.needs("journey.update")
def new() -> ResponseReturnValue:
    """Offer the form."""
    typed = {name: request.args[name] for name in ("cvr", "product") if name in request.args}
    with database.reading() as session:
        return _new(session, typed, {})


def _new(session: Session, typed: Mapping[str, Any], errors: Mapping[str, Text]) -> str:
    reach = access.scope("journey.update")
    rows = session.execute(select(AUTHORITIES.c.id, AUTHORITIES.c.cvr, AUTHORITIES.c.name)).all()
    own = sorted((row for row in rows if reach.everything or row.id in reach.authorities), key=_by_name)
    names = sorted(session.scalars(select(PRODUCTS.c.name)), key=alphabetical)
    return render_template(
        "road/show.html", typed=typed, errors=errors, today=layout.today(), supplier=SUPPLIER,
        authorities=[(row.cvr, row.name) for row in own], products=[(name, name) for name in names],
        may_supplier=access.current().may("road.edit"),
    )  # fmt: skip


def _by_name(row: Any) -> Any:
    return alphabetical(row.name)


@blueprint.post("/showings/new")
@access.needs("journey.update")
def offer() -> ResponseReturnValue:
    """Offer to show a product, for one's own authority; the secretariat for a supplier, too."""

    def act(session: Session, trail: Trail, sent: Sent) -> str:
        authority_id = _authority(session, sent["cvr"])
        given = Offer(
            sent["product"], authority_id, "" if authority_id else sent.get("supplier", ""), sent["shows"],
            sent["contact"], sent.get("from_on") or layout.today(), sent.get("until_on"),
        )  # fmt: skip
        return f"/showings/{showings.offer(session, given, trail, on=layout.today())}"

    told = Text("Tak. I står nu på listen", "Thank you. You stand on the list now")
    return filling.filled(ShowingEntry, act, lambda session, sent: _new(session, sent.typed, sent.errors), told)


def _authority(session: Session, cvr: str) -> int | None:
    """Give the authority that offers; None for a supplier. Raises ShowingRefused where that is not the person's."""
    if cvr == SUPPLIER and access.current().may("road.edit"):
        return None
    found = session.execute(select(AUTHORITIES.c.id).where(AUTHORITIES.c.cvr == cvr)).scalar()
    if found is None or not access.reaches("journey.update", found):
        raise ShowingRefused({"cvr": Text("Vælg en myndighed", "Choose an authority")})
    return int(found)


# --- one offer


@blueprint.get("/showings/<int:showing>")
@access.needs("journey.read")
def one(showing: int) -> ResponseReturnValue:
    """Show one offer, and let it be taken back."""
    with database.reading() as session:
        row = showings.get(session, _scoped(), showing)
    return render_template("road/showing.html", row=row, named=showings.who(row), may_end=_may_end(row))


def _may_end(row: Any) -> bool:
    reach = access.scope("journey.update")
    return row.ended_at is None and (reach.everything or row.authority_id in reach.authorities)


@blueprint.post("/showings/<int:showing>/end")
@access.needs("journey.update")
def end(showing: int) -> ResponseReturnValue:
    """Take an offer back; it leaves the list at once."""
    forms.taken(Nothing)
    with layout.acting() as (session, trail):
        showings.end(session, showings.get(session, _scoped("journey.update"), showing), trail)
    layout.done(Text("Tilbuddet er trukket tilbage", "The offer is taken back"))
    return redirect("/showings", 303)


# --- asking to see it


@blueprint.post("/showings/<int:showing>/ask")
@access.needs("journey.update")
def ask(showing: int) -> ResponseReturnValue:
    """Ask to see a product, as a question on the way to it; who offers it is told. A second click asks no more."""
    number = forms.taken(ShowingWish)["journey"]
    with layout.acting() as (session, trail):
        found = access.of_products(journeys.listing(), AUTHORITIES.c.id, PRODUCTS.c.name, "journey.update")
        journey = journeys.get(session, found, number)
        offered = showings.listing().where(PRODUCTS.c.name == journey.product, showings.stands(layout.today()))
        row = showings.get(session, offered, showing)
        thread = inquiries.ask(session, _wish(journey, row), access.current().user_id, trail)
        if trail.recorded(("inquiry.asked",)):
            asked = inquiries.get(session, inquiries.listing(), thread)
            inquiry_letters.asked(session, asked, trail, layout.config())
            inquiry_letters.wished(session, asked, row, trail, layout.config())
    layout.done(Text("Ønsket er sendt. Svaret kommer her", "The wish is sent. The answer comes here"))
    return redirect(f"/questions/{thread}", 303)


def _wish(journey: Journey, row: Any) -> Question:
    named = showings.who(row)
    subject = layout.t(f"Vi vil gerne se {journey.product} hos {named}",
                       f"We would like to see {journey.product} at {named}")  # fmt: skip
    words = layout.t(f"{subject}.\nKontakt: {row.contact}", f"{subject}.\nContact: {row.contact}")
    return Question(journey.authority_id, journey.product, "references", subject[:_LONGEST_SUBJECT], words)
