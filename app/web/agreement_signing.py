"""Signing for an authority: read, accept, sign, in two forms that both ask for a fresh sign-in. No link signs anything.

Who may not sign is told who can, and can pass the agreement on to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from flask import Blueprint, redirect, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from agreements import offered, offers, rights, signing, steps
from agreements.document import Billing, Signatory
from agreements.offered import Offer
from agreements.rights import Right
from agreements.signing import Consent, FormRefused
from agreements.steps import Step
from app import access, database, offering
from app.schemas import Choices, PassingOn, Reading, Reasoned, Signing
from app.web import agreement_acts, agreements, forms, layout
from app.web.forms import Sent
from foundation.errors import Refused
from foundation.language import Text

blueprint = Blueprint("agreement_signing", __name__, url_prefix="/agreements/<reference>")

LABELS = {
    "effective_on": Text("Aftalens første dag", "The agreement's first day"),
    "kind": Text("Aktiv eller passiv", "Active or passive"),
    "endpoint": Text("Fakturaer sendes til", "Invoices are sent to"),
    "gln": Text("EAN/GLN-nummer", "EAN/GLN number"),
    "person_reference": Text("Personreference", "Person reference"),
    "order_reference": Text("Ordrenummer", "Order number"),
    "accounting_cost": Text("Kontostreng", "Accounting string"),
    "format": Text("Format", "Format"),
    "contact_name": Text("Kontaktperson", "Contact"),
    "contact_mail": Text("Kontaktens mail", "The contact's mail"),
    "consent": Text("Samtykke", "Consent"),
    "name": Text("Navn", "Name"),
    "title": Text("Titel", "Title"),
    "reason": Text("Grund", "Reason"),
    "read": Text("Læst", "Read"),
}
_WORDS = ("gln", "person_reference", "order_reference", "accounting_cost", "contact_name", "contact_mail")


def _seen(session: Session, reference: str) -> Offer:
    """Give the newest version of an offer to one of the person's own authorities. Raises NoSuchOffer."""
    return agreements.seen(session, reference, "agreement.sign")


# --- the first step: read and accept


@blueprint.get("/sign")
@access.needs("agreement.sign", fresh=True)
def read(reference: str) -> ResponseReturnValue:
    """Show the whole agreement to who is to sign it, or say why this person cannot and who can."""
    with database.reading() as session:
        found = _seen(session, reference)
        return _read(session, found, {}, {})


def _read(session: Session, offer: Offer, given: Mapping[str, str], errors: Mapping[str, Text]) -> ResponseReturnValue:
    person, today = access.current(), layout.today()
    assert person.user_id is not None
    task = signing.task(session, offer, person.user_id, today)
    status = 422 if errors else 200
    if task.state != "incomplete" or not _own_turn(session, offer, person.user_id, today):
        return render_template("agreements/cannot.html", offer=offer, task=task, **_others(session, offer)), status
    place = signing.place_of(session, offer, person.user_id, today)
    return render_template(
        "agreements/sign.html", offer=offer, document=offer.document, place=place, errors=errors,
        given={**_choices_of(offer), **given}, labels=LABELS, may_choose=not offer.signed,
        cvr_matches=_matches(session, offer), is_assured=agreement_acts.signer(session).is_assured,
    ), status  # fmt: skip


def _own_turn(session: Session, offer: Offer, user_id: int, on: date) -> bool:
    return signing.place_of(session, offer, user_id, on) in offer.waiting


def _matches(session: Session, offer: Offer) -> bool:
    """Tell whether this sign-in is for the authority; a private one cannot sign for it."""
    return agreement_acts.signer(session).organisation_cvr == offer.document.authority.cvr


def _others(session: Session, offer: Offer) -> dict[str, Any]:
    """Give who can sign, and whether this person may hand the place on to one of them."""
    holders = rights.who_may(session, offer.authority_id, layout.today())
    is_open = offer.stand in steps.OPEN and not offer.has_run_out(layout.today())
    return {"holders": holders, "may_pass_on": is_open and not offer.signed, "is_open": is_open}


@blueprint.post("/sign/accept")
@access.needs("agreement.sign", fresh=True)
def accept(reference: str) -> ResponseReturnValue:
    """Take the first step: the agreement with this digest was read, and the person goes on to sign."""
    sent = forms.read(Reading)
    if sent.errors:
        with database.reading() as session:
            return _read(session, _seen(session, reference), {}, sent.errors)
    with agreement_acts.acting_on(reference, Step.ACCEPTED) as (session, trail):
        found, who = _seen(session, reference), agreement_acts.signer(session)
        signing.open_(session, found.id, who, trail)
        signing.accept(session, found.id, who, sent["digest"], trail)
    return redirect(f"/agreements/{reference}/sign/confirm", 303)


# --- the second step: consent and sign


@blueprint.get("/sign/confirm")
@access.needs("agreement.sign", fresh=True)
def confirm(reference: str) -> ResponseReturnValue:
    """Show the words that are agreed to, to who has accepted; others go back to the first step."""
    with database.reading() as session:
        return _confirm(session, _seen(session, reference), {}, {})


def _confirm(
    session: Session, offer: Offer, given: Mapping[str, str], errors: Mapping[str, Text]
) -> ResponseReturnValue:
    user_id = access.current().user_id
    assert user_id is not None
    place = signing.place_of(session, offer, user_id, layout.today())
    _refuse_unread(offer)
    return render_template(
        "agreements/confirm.html", offer=offer, place=place, words=signing.consent_words(offer, place), given=given,
        errors=errors, labels=LABELS,
    ), 422 if errors else 200  # fmt: skip


def _refuse_unread(offer: Offer) -> None:
    """Let nobody come to the second step of an open offer but by the first. Raises NotYet."""
    user_id = access.current().user_id
    is_read = any(each.step is Step.ACCEPTED and each.user_id == user_id for each in offer.steps)
    if offer.stand in steps.OPEN and not is_read:
        raise signing.NotYet(Text("Læs og godtag aftalen først", "Read and accept the agreement first"))


@blueprint.post("/sign/confirm")
@access.needs("agreement.sign", fresh=True)
def sign(reference: str) -> ResponseReturnValue:
    """Sign, by ticking the words shown and writing one's name and title."""
    sent = forms.read(Signing)
    if sent.errors:
        return _unsigned(reference, sent, sent.errors)
    try:
        with agreement_acts.acting_on(reference, Step.SIGNED) as (session, trail):
            found, who = _seen(session, reference), agreement_acts.signer(session)
            _refuse_unread(found)
            fees = offering.fees_today(session, found, offered.local_day(trail.at))
            signed = signing.sign(session, found.id, who, _consent(sent), fees, trail)
    except FormRefused as refused:
        return _unsigned(reference, sent, refused.faults)
    layout.done(_signed(signed))
    return redirect(f"/agreements/{reference}", 303)


def _consent(sent: Sent) -> Consent:
    return Consent(sent["digest"], sent["words"], sent["consent"], sent["name"], sent["title"])


def _unsigned(reference: str, sent: Sent, errors: Mapping[str, Text]) -> ResponseReturnValue:
    with database.reading() as session:
        return _confirm(session, _seen(session, reference), sent.typed, errors)


def _signed(signed: signing.Signed) -> Text:
    if signed.all_signed:
        return Text("Du har underskrevet. Aftalen venter nu på OS2's underskrift",
                    "You have signed. The agreement now waits for the signature of OS2")  # fmt: skip
    names = ", ".join(f"{each.name}, {each.title}" for each in signed.next)
    return Text(f"Du har underskrevet. Nu er det {names}", f"You have signed. Next comes {names}")


# --- choices before anybody has signed


@blueprint.post("/sign/choose")
@access.needs("agreement.sign", fresh=True)
def choose(reference: str) -> ResponseReturnValue:
    """Choose first day, active or passive, billing details and contact: a new version is offered at once."""
    sent = forms.read(Choices)
    if sent.errors:
        return _unchosen(reference, sent, sent.errors)
    try:
        with agreement_acts.acting_on(reference, Step.REPLACED) as (session, trail):
            found, who = _seen(session, reference), agreement_acts.signer(session)
            agreement_acts.refuse_other(found, sent["digest"])
            if _is_as_it_stands(found, sent.typed):
                return redirect(f"/agreements/{reference}/sign", 303)
            chosen = {"kind": sent["kind"], "effective_on": sent["effective_on"], "billing": _billing(sent.values)}
            fresh = offering.revised(
                session, found, lambda terms: replace(terms, **chosen), offered.local_day(trail.at)
            )
            new = signing.choose(session, found.id, who, fresh, trail)
    except Refused as refused:
        faults: Mapping[str, Text] | None = getattr(refused, "faults", None)
        if not isinstance(faults, Mapping):
            raise
        return _unchosen(reference, sent, forms.in_order(Choices, _known(faults)))
    layout.done(Text(f"Version {new.version} er lavet med jeres valg", f"Version {new.version} holds your choices"))
    return redirect(f"/agreements/{reference}/sign", 303)


def _unchosen(reference: str, sent: Sent, errors: Mapping[str, Text]) -> ResponseReturnValue:
    with database.reading() as session:
        return _read(session, _seen(session, reference), sent.typed, errors)


def _is_as_it_stands(offer: Offer, given: Mapping[str, str]) -> bool:
    """Tell whether nothing was chosen otherwise: no version is made of that, whoever presses the button."""
    return all(given[name].strip() == words for name, words in _choices_of(offer).items())


def _known(faults: Mapping[str, Text]) -> dict[str, Text]:
    """Name faults by the fields of the form; a document calls its billing details `billing.gln` and the like."""
    return {name.removeprefix("billing."): fault for name, fault in faults.items()}


def _billing(given: Mapping[str, Any]) -> Billing:
    return Billing(endpoint=given["endpoint"], format=given["format"], **{name: given[name].strip() for name in _WORDS})


def _choices_of(offer: Offer) -> dict[str, str]:
    said, billing = offer.document, offer.document.billing
    words = {name: getattr(billing, name) for name in ("endpoint", "format", *_WORDS)}
    return {"effective_on": said.effective_on.isoformat(), "kind": said.kind, **words}


# --- passing on, and declining


@blueprint.post("/sign/pass-on")
@access.needs("agreement.sign", fresh=True)
def pass_on(reference: str) -> ResponseReturnValue:
    """Let another who may sign take a place: a new version names them, and is offered at once."""
    with agreement_acts.acting_on(reference, Step.REPLACED) as (session, trail):
        found, sent = _seen(session, reference), forms.taken(PassingOn)
        right_id, position = sent["right"], sent["position"]
        agreement_acts.refuse_other(found, sent["digest"])
        on = offered.local_day(trail.at)
        taker: Right = rights.get(session, right_id, found.authority_id)
        people = tuple(
            _taken_by(each, taker) if each.position == position else each for each in found.document.signatories
        )
        fresh = offering.revised(session, found, lambda terms: replace(terms, signatories=people), on)
        signing.pass_on(session, found.id, position, right_id, fresh, trail)
    layout.done(Text(f"Aftalen er sendt videre til {taker.text}", f"The agreement was passed on to {taker.text}"))
    return redirect(f"/agreements/{reference}", 303)


def _taken_by(place: Signatory, taker: Right) -> Signatory:
    person = taker.person
    return Signatory(place.position, person.name, person.title, person.mail)


@blueprint.get("/decline")
@access.needs("agreement.sign", fresh=True)
def decline_form(reference: str) -> ResponseReturnValue:
    """Ask for the reason."""
    return _decline(reference, "", {})


def _decline(reference: str, reason: str, errors: Mapping[str, Text]) -> str:
    with database.reading() as session:
        found = _seen(session, reference)
    return render_template("agreements/decline.html", offer=found, errors=errors, reason=reason)


@blueprint.post("/decline")
@access.needs("agreement.sign", fresh=True)
def decline(reference: str) -> ResponseReturnValue:
    """Decline for the authority, with a reason that all who signed and the secretariat see."""
    sent = forms.read(Reasoned)
    if sent.errors:
        return _decline(reference, sent.typed.get("reason", ""), sent.errors), 422
    try:
        with agreement_acts.acting_on(reference, Step.DECLINED) as (session, trail):
            found, who = _seen(session, reference), agreement_acts.signer(session)
            signing.decline(session, found.id, who, sent["reason"], trail)
    except offers.OfferRefused as refused:
        return _decline(reference, sent["reason"], refused.faults), 422
    layout.done(Text("Aftalen er afslået. OS2 kan læse grunden", "The agreement is declined. OS2 can read the reason"))
    return redirect(f"/agreements/{reference}", 303)
