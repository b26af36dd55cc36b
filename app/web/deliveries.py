"""How documents are handed over: the list of all, what happened to each, and sending one again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, redirect, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import access, clock, database, delivery_words
from app.schemas import DeliveryAgain, DeliveryByHand
from app.web import forms, layout, lists
from app.web.lists import Choice, Column, Filter, Listing
from billing import deliveries, delivery_register
from billing.deliveries import CHANNELS, NotDeliverable, UnderWay
from billing.delivery_register import GIVEN_UP, LISTED, NOTABLE, REJECTED, STATES
from billing.gathering import INVOICES
from billing.papers import INVOICE, PAPERS, Papers
from billing.reasons import NoSuchInvoice
from foundation.language import Text, same

blueprint = Blueprint("deliveries", __name__)

_TO_MEND = "to_mend"
_LABELS = {"channel": Text("Vej", "Channel"), "address": Text("GLN eller CVR-nummer", "GLN or CVR number")}


# --- the list


@blueprint.get("/deliveries")
@access.needs("delivery.read")
def page() -> ResponseReturnValue:
    """List how every document's delivery stands."""
    with database.reading() as session:
        return render_template("deliveries/list.html", page=lists.page(session, _listing(session)))


@blueprint.get("/deliveries.<form>")
@access.needs("delivery.read")
def export(form: str) -> Response:
    """Give the list as a file."""
    with database.reading() as session:
        return lists.export(session, _listing(session), form)


def _listing(session: Session) -> Listing:
    return Listing(
        name="deliveries",
        caption=Text("Afleveringer", "Deliveries"),
        statement=access.papers(delivery_register.listing(), LISTED.c.authority_id, "delivery.read"),
        columns=_COLUMNS,
        filters=_filters(session),
        sort="-number",
        tie=(LISTED.c.id.desc(),),
        id=LISTED.c.id,
        empty=Text(
            "Intet er udstedt endnu. Fakturaer, kreditnotaer og rykkere kommer her, når de er udstedt",
            "Nothing was issued yet. Invoices, credit notes and reminders come here when they are issued",
        ),
        numbers=frozenset({"tries"}),
    )


_COLUMNS = (
    Column("number", Text("Nummer", "Number"), lambda row: row.number, LISTED.c.number,
           lambda row: f"/deliveries/{row.number}"),
    Column("state", Text("Står", "Stands"), lambda row: delivery_words.STATES[row.state], LISTED.c.state),
    Column("authority", Text("Myndighed", "Authority"), lambda row: row.authority, LISTED.c.authority),
    Column("place", Text("Sendes til", "Sent to"), delivery_words.place, LISTED.c.address),
    Column("why", Text("Hvorfor", "Why"), delivery_register.reason),
    Column("issued", Text("Udstedt", "Issued"), lambda row: row.issued_on, LISTED.c.issued_on),
    Column("tries", Text("Forsøg", "Tries"), lambda row: row.tries or None, LISTED.c.tries),
    Column("next", Text("Næste forsøg", "Next try"), delivery_register.next_at),
)  # fmt: skip


def _filters(session: Session) -> tuple[Filter, ...]:
    years = session.scalars(select(INVOICES.c.year).where(INVOICES.c.book == "real").distinct()).all()
    return (
        Filter("q", Text("Nummer, myndighed eller CVR", "Number, authority or CVR"), _matching),
        Filter("state", Text("Står", "Stands"), _standing, [
            Choice(_TO_MEND, Text("Kræver handling", "Needs action")),
            *(Choice(state, delivery_words.STATES[state]) for state in STATES),
        ]),
        Filter("paper", Text("Slags", "Kind"), lambda paper: LISTED.c.paper == paper,
               [Choice(paper, words) for paper, words in delivery_words.PAPERS.items()]),
        Filter("channel", Text("Vej", "Channel"), lambda channel: LISTED.c.channel == channel,
               [Choice(channel, words) for channel, words in delivery_words.CHANNELS.items()]),
        Filter("year", Text("År", "Year"), lambda year: LISTED.c.year == int(year),
               [Choice(str(year), same(str(year))) for year in sorted(years, reverse=True)]),
    )  # fmt: skip


def _matching(words: str) -> Any:
    in_number, in_name = lists.contains(LISTED.c.number, words), lists.contains(LISTED.c.authority, words)
    return in_number | in_name | (LISTED.c.cvr == words)


def _standing(state: str) -> Any:
    if state == _TO_MEND:
        return LISTED.c.state.in_((GIVEN_UP, REJECTED))
    return LISTED.c.state == state


# --- one document


@blueprint.get("/deliveries/<number>")
@access.needs("delivery.read")
def one(number: str) -> ResponseReturnValue:
    """Tell how a document's delivery stands and went."""
    with database.reading() as session:
        return _page(session, number, {}, {})


def _page(session: Session, number: str, given: Mapping[str, Any], errors: Mapping[str, Text]) -> str:
    of, id_ = seen(session, number)
    story = delivery_register.story(session, of, id_)
    return render_template(
        "deliveries/page.html", number=number, of=of.kind, story=story, given=given, errors=errors, labels=_LABELS,
        states=delivery_words.STATES, channels=delivery_words.CHANNELS, outcomes=delivery_words.OUTCOMES,
        address=delivery_words.address,
        choices=[each for each in CHANNELS if of is INVOICE or each != "peppol"],
        may_send=access.current().may("delivery.send"),
    )  # fmt: skip


def seen(session: Session, number: str) -> tuple[Papers, int]:
    """Give what is handed over under a number: its kind and id. Raises NoSuchInvoice, as for others'."""
    for of in PAPERS:
        wanted = select(of.issued.c.id).where(of.issued.c.number == number, of.goes())
        found = session.scalar(access.papers(wanted, of.issued.c.authority_id, "delivery.read"))
        if found is not None:
            return of, int(found)
    raise _no_such()


def _no_such() -> NoSuchInvoice:
    return NoSuchInvoice(Text("intet dokument her har det nummer", "no document here has that number"))


@blueprint.post("/deliveries/<number>/again")
@access.needs("delivery.send")
def again(number: str) -> ResponseReturnValue:
    """Send a document again, to the same place or another."""
    sent = forms.read(DeliveryAgain)
    errors: Mapping[str, Text] = sent.errors
    if not errors:
        try:
            with layout.acting() as (session, trail):
                seen(session, number)
                deliveries.send_again(
                    session, number, trail, now=clock.machine(), channel=sent.get("channel", ""),
                    address=sent.get("address", ""),
                )  # fmt: skip
        except (NotDeliverable, UnderWay) as refused:
            errors = {"address" if sent.get("address") else "channel": refused.text}
    if errors:
        with database.reading() as session:
            return _page(session, number, sent.typed, errors), 422
    layout.done(Text(f"{number} sendes igen i næste omgang.", f"{number} is sent again in the next round."))
    return redirect(f"/deliveries/{number}", 303)


@blueprint.post("/deliveries/<number>/by-hand")
@access.needs("delivery.send")
def by_hand(number: str) -> ResponseReturnValue:
    """Note that people have handed a document over outside the service, and how or why."""
    why = forms.taken(DeliveryByHand)["reason"]
    with layout.acting() as (session, trail):
        noted = access.papers(delivery_register.notable(number), NOTABLE.c.authority_id, "delivery.send")
        if session.execute(noted).first() is None:
            raise _no_such()
        deliveries.by_hand(session, number, trail, now=clock.machine(), why=why)
    layout.done(Text(f"{number} er noteret som afleveret uden om tjenesten.",
                     f"{number} is noted as handed over outside the service."))  # fmt: skip
    return redirect(f"/deliveries/{number}", 303)
