"""Where an authority's invoices go: changed by the secretariat; proposed by the authority, and approved by another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import partial
from typing import Any

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from agreements import billing_details
from agreements.billing_details import Details, NoSuchPlace, Place, Standing
from app import access, database
from app.schemas import Approval, BillingDetails
from app.web import authorities, deciding, forms, layout
from app.web.deciding import Find
from app.web.forms import Sent
from foundation import proposals
from foundation.language import Text, same
from foundation.proposals import NoSuchProposal, Proposal

blueprint = Blueprint("billing_details", __name__, url_prefix="/authorities/<cvr>/billing")

LABELS = {
    "endpoint": Text("Sendes til", "Sent to"),
    "gln": Text("EAN/GLN-nummer", "EAN/GLN number"),
    "person_reference": Text("Personreference", "Person reference"),
    "order_reference": Text("Ordrenummer", "Order number"),
    "accounting_cost": Text("Kontostreng", "Accounting string"),
    "format": Text("Format", "Format"),
    "contact_mail": Text("Mail til kopier", "Mail for copies"),
}
CHOICES = {
    "endpoint": {
        "": Text("GLN, hvis det er givet", "GLN where it is given"), "gln": same("GLN"), "cvr": same("CVR"),
    },
    "format": {"": Text("Det sædvanlige", "The usual one"), "oioubl": same("OIOUBL"), "peppol": same("Peppol BIS")},
}  # fmt: skip
_FACTS = tuple(each.name for each in fields(Details))


@blueprint.get("")
@access.needs("authority.read")
def page(cvr: str) -> ResponseReturnValue:
    """Show the billing details of an authority's membership and agreements."""
    with database.reading() as session:
        authority = authorities.load(session, cvr, wholly=True)
        return render_template(
            "billing_details/page.html",
            authority=authority,
            standings=billing_details.of(session, authority.id),
            waiting=proposals.open_for(session, "billing_details", cvr),
            labels=LABELS,
            choices=CHOICES,
        )


@blueprint.get("/<kind>/<int:number>")
@access.needs("authority.read")
def form(cvr: str, kind: str, number: int) -> ResponseReturnValue:
    """Show one place's details in a form."""
    with database.reading() as session:
        authority = authorities.load(session, cvr, wholly=True)
        place = _place(session, authority.id, kind, number)
        return _form(authority, place, _words(place.details), {})


@blueprint.post("/<kind>/<int:number>")
@access.needs("authority.change")
def change(cvr: str, kind: str, number: int) -> ResponseReturnValue:
    """Change one place's details."""
    with layout.acting() as (session, trail):
        authority = authorities.load(session, cvr, "authority.change")
        place = _place(session, authority.id, kind, number).place
        sent = forms.read(BillingDetails)
        given = _details(sent)
        if faults := sent.errors or billing_details.faults(place, given):
            return _refused(session, cvr, place, sent.typed, faults)
        changed = billing_details.change(session, authority.id, {place: given}, trail)
    stored, same_as_before = Text("Gemt", "Stored"), Text("Intet var ændret", "Nothing was changed")
    layout.done(stored if changed else same_as_before)
    return redirect(url_for("billing_details.page", cvr=cvr), 303)


@blueprint.post("/<kind>/<int:number>/propose")
@access.needs("authority.propose")
def propose(cvr: str, kind: str, number: int) -> ResponseReturnValue:
    """Propose other details of one place; they count when the association has approved them."""
    with layout.acting() as (session, trail):
        authority = authorities.load(session, cvr, "authority.propose")
        place = _place(session, authority.id, kind, number).place
        sent = forms.read(BillingDetails)
        given = _details(sent)
        if faults := sent.errors or billing_details.faults(place, given):
            return _refused(session, cvr, place, sent.typed, faults)
        billing_details.propose(session, authority.id, {place: given}, trail)
    layout.done(Text("Forslaget er sendt til OS2", "The proposal was sent to OS2"))
    return redirect(url_for("billing_details.page", cvr=cvr), 303)


def _details(sent: Sent) -> Details:
    return Details(**{fact: sent.get(fact) or None for fact in _FACTS})


def _place(session: Session, authority_id: int, kind: str, number: int) -> Standing:
    for standing in billing_details.of(session, authority_id):
        if (standing.place.kind, standing.place.id) == (kind, number):
            return standing
    raise NoSuchPlace(Text("Der er ingen sådan aftale eller medlemskab", "There is no such agreement or membership"))


def _words(details: Details) -> dict[str, str]:
    return {fact: getattr(details, fact) or "" for fact in _FACTS}


def _refused(
    session: Session, cvr: str, place: Place, typed: Mapping[str, Any], faults: Mapping[str, Text]
) -> ResponseReturnValue:
    authority = authorities.load(session, cvr)
    standing = _place(session, authority.id, place.kind, place.id)
    return _form(authority, standing, {**dict.fromkeys(_FACTS, ""), **typed}, faults), 422


def _form(authority: object, standing: Standing, values: Mapping[str, str], errors: Mapping[str, Text]) -> str:
    facts = _FACTS if standing.place.kind == "agreement" else tuple(fact for fact in _FACTS if fact != "endpoint")
    return render_template(
        "billing_details/form.html",
        authority=authority,
        standing=standing,
        values=values,
        errors=errors,
        facts=facts,
        labels=LABELS,
        choices=CHOICES,
    )


# --- proposals


@blueprint.get("/proposals/<int:number>")
@access.needs("authority.read")
def proposal(cvr: str, number: int) -> ResponseReturnValue:
    """Show what is proposed, beside what stands."""
    return _page(cvr, number)


def _page(cvr: str, number: int, sent: Sent = forms.UNSENT) -> str:
    with database.reading() as session:
        authority = authorities.load(session, cvr, wholly=True)
        found = _proposal(session, cvr, number)
        products = {standing.place: standing.product for standing in billing_details.of(session, authority.id)}
        return render_template(
            "billing_details/proposal.html",
            authority=authority,
            proposal=found,
            changes=billing_details.proposed_by(found),
            products=products,
            labels=LABELS,
            facts=_FACTS,
            own=proposals.is_same_person(found.proposed_by, access.current().actor),
            sent=sent,
        )


@blueprint.post("/proposals/<int:number>/approve")
@access.needs("authority.approve", fresh=True)
def approve(cvr: str, number: int) -> ResponseReturnValue:
    """Approve what is proposed, and change the details by it."""
    with layout.acting() as (session, trail):
        authorities.load(session, cvr, "authority.approve")
        found = _proposal(session, cvr, number)
        proposals.expect(session, found.id, forms.taken(Approval).get("digest"))
        billing_details.approve(session, found.id, trail)
    layout.done(Text("Godkendt: oplysningerne er ændret", "Approved: the details are changed"))
    return redirect(url_for("billing_details.page", cvr=cvr), 303)


@blueprint.post("/proposals/<int:number>/reject")
@access.needs("authority.approve")
def reject(cvr: str, number: int) -> ResponseReturnValue:
    """Reject what is proposed, with a reason."""
    told = Text("Forslaget er afvist", "The proposal is rejected")
    back = url_for("billing_details.page", cvr=cvr)
    return deciding.reject(_finding(cvr, number, "authority.approve"), partial(_page, cvr, number), told, back)


@blueprint.post("/proposals/<int:number>/withdraw")
@access.needs("authority.propose")
def withdraw(cvr: str, number: int) -> ResponseReturnValue:
    """Withdraw what one has proposed oneself."""
    told = Text("Forslaget er trukket tilbage", "The proposal is withdrawn")
    return deciding.withdraw(_finding(cvr, number, "authority.propose"), told, url_for("billing_details.page", cvr=cvr))


def _finding(cvr: str, number: int, permission: str) -> Find:
    """Give what finds a proposal of an authority that a permission reaches."""

    def find(session: Session) -> Proposal:
        authorities.load(session, cvr, permission)
        return _proposal(session, cvr, number)

    return find


def _proposal(session: Session, cvr: str, number: int) -> Proposal:
    """Give a proposal of an authority; another's is not there. Raises NoSuchProposal."""
    found = proposals.get(session, number)
    if found.kind != "billing_details" or found.subject != cvr:
        raise NoSuchProposal(Text("Der er intet sådant forslag", "There is no such proposal"))
    return found
