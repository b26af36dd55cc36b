"""Agreements: the list, and the page of one with its text, its steps, its documents and what can be done now.

An agreement that no offer here led to is shown by its facts alone; its reference is its number in the register.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from agreements import agreement_list, conclusion, document_pdf, evidence, files, offered, offers, paper, sealed, steps
from agreements.agreement_list import STATES
from agreements.connections import AGREEMENTS
from agreements.offered import Offer
from agreements.products import PRODUCTS
from agreements.steps import OFFERS, Step, Taken
from app import access, database
from app.schemas import Offering, Reasoned
from app.web import agreement_acts, forms, layout, lists, titles
from app.web.forms import Sent
from app.web.letters import STATES as LETTER_STATES
from app.web.lists import Choice, Column, Filter, Listing
from authorities.register import AUTHORITIES
from foundation import letters
from foundation.language import Text, same

blueprint = Blueprint("agreements", __name__)

KINDS = {"active": Text("Aktiv", "Active"), "passive": Text("Passiv", "Passive")}

#: What a step is called once it was taken.
TAKEN = {
    Step.DRAFTED: Text("Udkast skrevet", "Drafted"), Step.OFFERED: Text("Tilbudt", "Offered"),
    Step.REMINDED: Text("Mindet om", "Reminded"), Step.OPENED: Text("Åbnet", "Opened"),
    Step.ACCEPTED: Text("Læst og godtaget", "Read and accepted"), Step.SIGNED: Text("Underskrevet", "Signed"),
    Step.DECLINED: Text("Afslået", "Declined"), Step.WITHDRAWN: Text("Trukket tilbage", "Withdrawn"),
    Step.EXPIRED: Text("Udløbet", "Expired"), Step.REPLACED: Text("Erstattet", "Replaced"),
    Step.RECORDED: Text("Registreret fra papir", "Recorded from paper"),
    Step.COUNTERSIGNED: Text("Underskrevet af OS2", "Signed by OS2"), Step.SEALED: Text("Forseglet", "Sealed"),
    Step.ACTIVATED: Text("Gjort aktiv", "Made active"), Step.NOTICE_GIVEN: Text("Opsagt", "Notice given"),
    Step.NOTICE_WITHDRAWN: Text("Opsigelse trukket tilbage", "Notice withdrawn"),
}  # fmt: skip


# --- the list


@blueprint.get("/agreements")
@access.needs("agreement.read")
def page() -> ResponseReturnValue:
    """List the agreements."""
    with database.reading() as session:
        return render_template("agreements/list.html", page=lists.page(session, _listing(session)))


@blueprint.get("/agreements.<form>")
@access.needs("agreement.read")
def export(form: str) -> Response:
    """Give the list as a file."""
    with database.reading() as session:
        return lists.export(session, _listing(session), form)


def _listing(session: Session) -> Listing:
    found = agreement_list.on(layout.today(), drafts=_sees_drafts())
    columns = found.columns
    return Listing(
        name="agreements",
        caption=Text("Tilslutningsaftaler", "Connection agreements"),
        statement=access.of_products(found.statement, columns.authority_id, columns.product),
        columns=(
            Column("reference", Text("Aftale", "Agreement"), lambda row: row.reference, columns.reference,
                   lambda row: f"/agreements/{row.reference}"),
            Column("authority", Text("Myndighed", "Authority"), lambda row: row.authority, columns.authority),
            Column("product", Text("Produkt", "Product"), lambda row: row.product, columns.product),
            Column("kind", Text("Slags", "Kind"), lambda row: KINDS[row.kind], columns.kind),
            Column("state", Text("Tilstand", "State"), lambda row: STATES[row.state], columns.state),
            Column("signed", Text("Underskrevet", "Signed"), lambda row: row.signed_on, columns.signed_on),
            Column("from", Text("I kraft fra", "In force from"), lambda row: row.from_on, columns.from_on),
            Column("until", Text("Sidste dag", "Last day"), lambda row: row.until_on, columns.until_on),
        ),
        filters=(
            Filter("q", Text("Aftale, myndighed eller CVR", "Agreement, authority or CVR"),
                   lambda words: lists.contains(columns.reference, words) | lists.contains(columns.authority, words)
                   | (columns.cvr == words)),
            Filter("state", Text("Tilstand", "State"), lambda state: columns.state == state,
                   [Choice(state, title) for state, title in STATES.items()]),
            Filter("product", Text("Produkt", "Product"), lambda product: columns.product == product,
                   [Choice(name, same(name)) for name in _products(session)]),
            Filter("kind", Text("Slags", "Kind"), lambda kind: columns.kind == kind,
                   [Choice(kind, title) for kind, title in KINDS.items()]),
        ),
        sort="authority",
        tie=(columns.product, columns.reference),
        empty=Text(
            "Ingen aftaler endnu. Et tilbud begynder med et udkast, eller aftaler fra papir indlæses",
            "No agreements yet. An offer begins with a draft, or agreements from paper are taken in",
        ),
    )  # fmt: skip


def _products(session: Session) -> list[str]:
    names = session.scalars(select(PRODUCTS.c.name).order_by(PRODUCTS.c.name))
    return [agreement_list.MEMBERSHIP, *names]


def _sees_drafts() -> bool:
    return access.scope("agreement.read").everything


# --- the page of one


@blueprint.get("/agreements/<reference>")
@access.needs("agreement.read")
def one(reference: str) -> ResponseReturnValue:
    """Show an agreement: its text where the person may read it, its steps, its documents, what can be done."""
    with database.reading() as session:
        if reference.isascii() and reference.isdigit():
            return render_template("agreements/registered.html", **_registered(session, reference))
        return _page(session, seen(session, reference))


def _page(session: Session, offer: Offer, sent: Sent = forms.UNSENT) -> str:
    return render_template("agreements/page.html", sent=sent, **_told(session, offer))


def seen(session: Session, reference: str, permission: str = "agreement.read") -> Offer:
    """Give an offer within the person's scope, in the version the address asks for or the newest.

    Raises NoSuchOffer.
    """
    found = _narrowed(select(OFFERS.c.id), permission).where(OFFERS.c.reference == reference)
    version = request.args.get("version", "")
    if version:
        is_number = version.isascii() and version.isdigit() and len(version) < 6
        found = found.where(OFFERS.c.version == (int(version) if is_number else 0))
    id_ = session.execute(found.order_by(OFFERS.c.version.desc()).limit(1)).scalar()
    if id_ is None:
        raise no_such()
    return offered.get(session, id_)


def no_such() -> offered.NoSuchOffer:
    """Give the refusal for an agreement that is not there, or not for who asks."""
    return offered.NoSuchOffer(
        Text(
            "Der er ingen aftale med den reference, eller du har ikke adgang til den",
            "There is no agreement with that reference, or it is not for you to see",
        )
    )


def _narrowed(statement: Select[Any], permission: str) -> Select[Any]:
    joined = statement.select_from(OFFERS).outerjoin(PRODUCTS, PRODUCTS.c.id == OFFERS.c.product_id)
    if not access.scope(permission).everything:
        joined = joined.where(agreement_list.was_offered())
    return access.of_products(joined, OFFERS.c.authority_id, PRODUCTS.c.name, permission)


def whole(session: Session, reference: str) -> Offer:
    """Give an offer whose text the person may read. Raises NoSuchOffer."""
    return seen(session, reference, "agreement.whole")


@dataclass(frozen=True, slots=True)
class Shown:
    """One step as the page shows it; who and what only where the person reads the agreement whole."""

    title: Text
    at: Any
    by: str
    about: str


def _told(session: Session, offer: Offer) -> dict[str, Any]:
    reads = access.reaches("agreement.whole", offer.authority_id)
    row = conclusion.of_offer(session, offer.id)
    return {
        "offer": offer,
        "document": offer.document if reads else None,
        "said": offer.document,
        "state": _state(session, offer),
        "history": [_shown(each, offer, reads=reads) for each in offer.steps],
        "versions": _versions(session, offer),
        "agreement": row,
        "sealed": _is_sealed(session, offer.id),
        "acts": agreement_acts.permitted(session, offer, row),
        "kinds": KINDS,
        "letters": letters.about(session, offer.name) if access.current().may("letter.read") else [],
        "letter_states": LETTER_STATES,
    }


def _is_sealed(session: Session, offer_id: int) -> bool:
    return session.execute(select(sealed.SEALED.c.id).where(sealed.SEALED.c.offer_id == offer_id)).first() is not None


def _state(session: Session, offer: Offer) -> Text:
    """Say where an offer stands: the newest version by the list, an older one by its own steps."""
    found = agreement_list.on(layout.today(), drafts=_sees_drafts())
    state = session.execute(
        found.statement.with_only_columns(found.columns.state).where(found.columns.offer_id == offer.id)
    ).scalar()
    stand = offer.stand_on(layout.today())
    return STATES[state] if state is not None else STATES.get(stand, steps.STANDS[stand])


def _shown(taken: Taken, offer: Offer, *, reads: bool) -> Shown:
    if not reads:
        return Shown(TAKEN[taken.step], taken.at, "", "")
    return Shown(TAKEN[taken.step], taken.at, _who(taken, offer), str(taken.data.get("reason") or ""))


def _who(taken: Taken, offer: Offer) -> str:
    place = next((each for each in offer.signatories if each.position == taken.position), None)
    return taken.by if place is None else f"{place.name}, {place.title}"


def _versions(session: Session, offer: Offer) -> list[int]:
    found = _narrowed(select(OFFERS.c.version), "agreement.read").where(OFFERS.c.reference == offer.reference)
    return list(session.execute(found.order_by(OFFERS.c.version)).scalars())


# --- an agreement of the register alone


def registered(session: Session, number: str, permission: str = "agreement.read") -> Any:
    """Give an agreement of the register within the person's scope, by its number. Raises NoSuchOffer."""
    id_ = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0
    found = (
        select(AGREEMENTS, AUTHORITIES.c.name.label("authority"), AUTHORITIES.c.cvr, PRODUCTS.c.name.label("product"))
        .join(AUTHORITIES, AUTHORITIES.c.id == AGREEMENTS.c.authority_id)
        .join(PRODUCTS, PRODUCTS.c.id == AGREEMENTS.c.product_id)
        .where(AGREEMENTS.c.id == id_)
    )
    row = session.execute(access.of_products(found, AGREEMENTS.c.authority_id, PRODUCTS.c.name, permission)).first()
    if row is None:
        raise no_such()
    return row


def _registered(session: Session, number: str) -> dict[str, Any]:
    row = registered(session, number)
    found = agreement_list.on(layout.today())
    state = session.execute(
        found.statement.with_only_columns(found.columns.state).where(found.columns.reference == number)
    ).scalar()
    return {
        "agreement": row,
        "state": STATES[state] if state is not None else None,
        "recorded": paper.of_agreement(session, row.id),
        "reads": access.reaches("agreement.whole", row.authority_id),
        "acts": agreement_acts.of_agreement(session, row),
        "kinds": KINDS,
        "titles": titles.FACTS,
    }


@blueprint.get("/agreements/<reference>/recorded.pdf")
@access.needs("agreement.whole")
def recorded(reference: str) -> ResponseReturnValue:
    """Give the file of an agreement that was signed on paper or elsewhere."""
    with database.reading() as session:
        row = registered(session, reference, "agreement.whole")
        kept = paper.of_agreement(session, row.id)
        if kept is None:
            raise files.NoSuchFile(Text("aftalen har ingen fil", "the agreement has no file"))
        _, content = files.name_and_content(session, kept.file_id)
    return _file(content, "application/pdf", f"aftale-{reference}.pdf")


# --- documents


@blueprint.get("/agreements/<reference>/agreement.pdf")
@access.needs("agreement.whole")
def pdf(reference: str) -> ResponseReturnValue:
    """Give the agreement as PDF: the same value as the page, and the same digest."""
    with database.reading() as session:
        offer = whole(session, reference)
    return _file(document_pdf.render(offer.document), "application/pdf", f"{reference}-v{offer.version}.pdf")


@blueprint.get("/agreements/<reference>/sealed.pdf")
@access.needs("agreement.whole")
def sealed_pdf(reference: str) -> ResponseReturnValue:
    """Give the sealed PDF, byte for byte as it is kept."""
    with database.reading() as session:
        kept = sealed.of_offer(session, whole(session, reference).id)
    return _file(kept.content, "application/pdf", f"{reference}-forseglet.pdf")


@blueprint.get("/agreements/<reference>/evidence.json")
@access.needs("agreement.evidence")
def proof(reference: str) -> ResponseReturnValue:
    """Give the evidence record, as anybody can recompute it."""
    with database.reading() as session:
        offer = seen(session, reference, "agreement.evidence")
        told = evidence.text(session, offer.id)
    return _file(told.encode(), "application/json", f"{reference}-bevis.json")


def _file(content: bytes, kind: str, name: str) -> Response:
    response = Response(content, content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


# --- offering and taking back


@blueprint.post("/agreements/<reference>/offer")
@access.needs("agreement.draft")
def offer_it(reference: str) -> ResponseReturnValue:
    """Offer a draft: from now on nothing of it changes."""
    with agreement_acts.acting_on(reference, Step.OFFERED) as (session, trail):
        found = seen(session, reference, "agreement.draft")
        agreement_acts.refuse_other(found, forms.taken(Offering)["digest"])
        agreement_acts.offer(session, found, trail)
    layout.done(Text("Aftalen er tilbudt", "The agreement is offered"))
    return redirect(f"/agreements/{reference}", 303)


@blueprint.post("/agreements/<reference>/withdraw")
@access.needs("agreement.draft")
def withdraw(reference: str) -> ResponseReturnValue:
    """Take a draft or an offer back, with a reason."""
    sent = forms.read(Reasoned)
    if sent.errors:
        with database.reading() as session:
            return _page(session, seen(session, reference, "agreement.draft"), sent), 422
    with agreement_acts.acting_on(reference, Step.WITHDRAWN) as (session, trail):
        found = seen(session, reference, "agreement.draft")
        offers.withdraw(session, found.id, sent["reason"], trail)
    layout.done(Text("Trukket tilbage", "Withdrawn"))
    return redirect(f"/agreements/{reference}", 303)
