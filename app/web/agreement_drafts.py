"""The secretariat's side: a draft is written and looked at before it is offered; a new version; a version for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements import campaign as campaigning
from agreements import correspondence, offered, offers, rights, templates
from agreements.composing import TermsRefused
from agreements.document import Billing, Grants
from agreements.offered import Offer, Signatory
from agreements.offers import OfferRefused
from agreements.products import PRODUCTS
from agreements.steps import Step
from app import access, association, database, offering
from app.offering import Wish
from app.schemas import draft_order
from app.web import agreement_acts, agreements, campaign_list, forms, layout, memory_list
from app.web.forms import Sent
from app.web.memory_list import NotAnAmount
from authorities.register import AUTHORITIES
from billing.fee_annex import NoAnnex
from foundation.errors import Refused, RowsRefused
from foundation.language import Text
from foundation.money import Money

blueprint = Blueprint("agreement_drafts", __name__)

PLACES = 3  # signatories a form has room for
_BILLING = ("endpoint", "gln", "format", "person_reference", "order_reference", "accounting_cost", "contact_name",
            "contact_mail")  # fmt: skip

LABELS = {
    "cvr": Text("Myndighedens CVR", "The authority's CVR"),
    "product": Text("Om", "On"),
    "kind": Text("Aktiv eller passiv", "Active or passive"),
    "effective_on": Text("Aftalens første dag", "The agreement's first day"),
    "valid_days": Text("Dage, tilbuddet gælder", "Days the offer stands"),
    "rebate": Text("Rabat på tilslutningsafgiften, kr.", "Rebate on the joining fee, DKK"),
    "rebate_reason": Text("Grund til rabatten", "Reason for the rebate"),
    "exempt_reason": Text("Grund til fritagelse for tilslutningsafgiften", "Reason for exemption from the joining fee"),
    "endpoint": Text("Fakturaer sendes til", "Invoices are sent to"),
    "gln": Text("EAN/GLN-nummer", "EAN/GLN number"),
    "format": Text("Format", "Format"),
    "person_reference": Text("Personreference", "Person reference"),
    "order_reference": Text("Ordrenummer", "Order number"),
    "accounting_cost": Text("Kontostreng", "Accounting string"),
    "contact_name": Text("Kontaktperson", "Contact"),
    "contact_mail": Text("Kontaktens mail", "The contact's mail"),
    "signatories": Text("Underskrivere", "Signatories"),
}
_WHEN_NEW = {"kind": "active", "endpoint": "gln", "format": "oioubl", "in_order": "on"}


class _Faults(Refused):
    """What was filled in cannot be; `faults` tells what, by field."""

    def __init__(self, faults: Mapping[str, Text]) -> None:
        super().__init__(next(iter(faults.values())))
        self.faults = dict(faults)


# --- drafting


@blueprint.get("/agreements/new")
@access.needs("agreement.draft")
def form() -> ResponseReturnValue:
    """Show the form for a draft, empty or as an earlier offer has it."""
    with database.reading() as session:
        old = _old(session, request.args.get("replaces", ""))
        given = _given_of(old) if old is not None else _when_new(session) | _asked()
        return _form(session, given, {}, old)


@blueprint.post("/agreements/new")
@access.needs("agreement.draft")
def draft() -> ResponseReturnValue:
    """Write a draft, and show it as it would be offered."""
    sent = forms.read(draft_order(PLACES))
    if sent.errors:
        return _again(sent, sent.errors)
    try:
        with agreement_acts.acting_on(sent["replaces"] or "new", Step.DRAFTED) as (session, trail):
            old = _old(session, sent["replaces"])
            seller = association.seller(session, layout.config())
            ready = offering.prepare(session, _wish(session, sent.values), seller, offered.local_day(trail.at))
            made = offers.draft(session, ready.order, ready.build, trail, replaces=None if old is None else old.id)
    except (_Faults, TermsRefused, OfferRefused, RowsRefused, NoAnnex) as refused:
        return _again(sent, forms.in_order(draft_order(PLACES), _named(refused), signatories="in_order"))
    layout.done(Text("Udkastet er skrevet. Læs det, og tilbyd det så", "The draft is written. Read it, then offer it"))
    return redirect(f"/agreements/{made.reference}", 303)


def _again(sent: Sent, errors: Mapping[str, Text]) -> ResponseReturnValue:
    """Show the form again with its faults."""
    with database.reading() as session:
        return _form(session, sent.typed, errors, _old(session, sent.typed.get("replaces", ""))), 422


def _when_new(session: Session) -> dict[str, str]:
    return {**_WHEN_NEW, "valid_days": str(correspondence.current(session).valid_days)}


def _asked() -> dict[str, str]:
    """Take authority and product from the address, as links elsewhere give them."""
    return {name: request.args[name] for name in ("cvr", "product") if name in request.args}


def _old(session: Session, reference: str) -> Offer | None:
    return agreements.seen(session, reference, "agreement.draft") if reference else None


def _form(session: Session, given: Mapping[str, str], errors: Mapping[str, Text], old: Offer | None) -> str:
    cvr = given.get("cvr", "")
    authority = session.execute(select(AUTHORITIES).where(AUTHORITIES.c.cvr == cvr)).first() if cvr else None
    holders = rights.who_may(session, authority.id, layout.today()) if authority is not None else []
    return render_template(
        "agreements/new.html", given=given, errors=errors, old=old, labels=LABELS, slots=range(1, PLACES + 1),
        products=list(session.scalars(select(PRODUCTS.c.name).order_by(PRODUCTS.c.name))), authority=authority,
        holders=holders,
    )  # fmt: skip


def _named(refused: Refused) -> dict[str, Text]:
    """Give faults by the fields of the form; what is of no field stands at the signatories or on top."""
    if isinstance(refused, RowsRefused):
        return {"signatories": refused.text}
    if isinstance(refused, NoAnnex):
        return {"effective_on": refused.text}
    faults: Mapping[str, Text] = getattr(refused, "faults", {})
    named = {name.rpartition(".")[2] if name.startswith("billing.") else name: fault for name, fault in faults.items()}
    return {("signatories" if name.startswith("signatories") else name): fault for name, fault in named.items()}


# --- reading the form


def _wish(session: Session, given: Mapping[str, Any]) -> Wish:
    """Give what the form asks for. Raises _Faults with every wrong field."""
    faults = dict(_field_faults(session, given))
    if faults:
        raise _Faults(faults)
    return Wish(
        authority_id=_authority_id(session, given),
        product=given["product"], kind=given["kind"],
        effective_on=given["effective_on"], signatories=_signatories(session, given),
        in_order=given["in_order"], valid_days=given["valid_days"], grants=_grants(given),
        billing=_billing(given),
    )  # fmt: skip


def _field_faults(session: Session, given: Mapping[str, Any]) -> Any:
    cvr = given["cvr"].strip()
    known = session.execute(select(AUTHORITIES.c.id).where(AUTHORITIES.c.cvr == cvr)).first()
    if known is None:
        yield "cvr", Text("ingen myndighed har det CVR-nummer", "no authority has that CVR number")
    if (
        given["product"]
        and session.execute(select(PRODUCTS.c.id).where(PRODUCTS.c.name == given["product"])).first() is None
    ):
        yield "product", Text("vælg et produkt", "choose a product")
    try:
        memory_list.amount(given["rebate"], layout.spoken())
    except NotAnAmount as refused:
        yield "rebate", refused.text


def _authority_id(session: Session, given: Mapping[str, Any]) -> int:
    found = select(AUTHORITIES.c.id).where(AUTHORITIES.c.cvr == given["cvr"].strip())
    return int(session.execute(found).scalar_one())


def _grants(given: Mapping[str, Any]) -> Grants:
    rebate = memory_list.amount(given["rebate"], layout.spoken()) or Money(0)
    return Grants(rebate.ore, given["rebate_reason"].strip(), given["exempt_reason"].strip())


def _billing(given: Mapping[str, Any]) -> Billing:
    words = {name: given[name].strip() for name in _BILLING if name not in ("endpoint", "format")}
    return Billing(endpoint=given["endpoint"], format=given["format"], **words)


def _signatories(session: Session, given: Mapping[str, Any]) -> tuple[Signatory, ...]:
    """Give the people of the form in their order, each with the right that names the same person."""
    authority_id = _authority_id(session, given)
    holders = {
        right.person.mail.casefold(): right.id for right in rights.who_may(session, authority_id, layout.today())
    }
    people: list[Signatory] = []
    for at in range(1, PLACES + 1):
        name, title, mail = (given[f"{part}_{at}"].strip() for part in ("name", "title", "mail"))
        if name or title or mail:
            people.append(Signatory(len(people) + 1, name, title, mail, holders.get(mail.casefold())))
    return tuple(people)


def _given_of(offer: Offer) -> dict[str, str]:
    said, billing, grants = offer.document, offer.document.billing, offer.document.grants
    parts = ("name", "title", "mail")
    people = {f"{part}_{each.position}": getattr(each, part) for each in said.signatories for part in parts}
    return {
        "cvr": said.authority.cvr, "product": said.subject.product, "kind": said.kind,
        "effective_on": said.effective_on.isoformat(), "valid_days": str(offer.valid_days),
        "rebate": str(grants.rebate_ore // 100) if grants.rebate_ore else "", "rebate_reason": grants.rebate_reason,
        "exempt_reason": grants.exempt_reason, "in_order": "on" if said.in_order else "",
    } | {name: getattr(billing, name) for name in _BILLING} | people  # fmt: skip


# --- a new template version for all


@blueprint.get("/agreements/campaign")
@access.needs("agreement.draft")
def campaign() -> ResponseReturnValue:
    """Show, for the newest adopted text, who has signed it, who was offered it, and who has neither."""
    name = "membership" if request.args.get("template") == "membership" else "connection"
    with database.reading() as session:
        versions = [each for each in templates.listed(session) if each.name == name]
        newest = versions[0] if versions else None
        places = campaigning.standing(session, newest.id, layout.today()) if newest is not None else []
    listing = campaign_list.listing(places)
    listed = memory_list.page(listing, campaign_list.chosen(places, listing, request.args), request.args)
    return render_template(
        "agreements/campaign.html", name=name, newest=newest, page=listed, states=campaign_list.STATES,
        counts=Counter(each.state for each in places),
    )  # fmt: skip
