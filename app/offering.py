"""From a filled-in form to an offer: the registers' facts, the fees of today and the adopted text become one document.

Pages and command line ask here, so that an agreement says the same whoever drafts it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from agreements import composing, conclusion, offered, offers, rights, templates
from agreements.clauses import TemplateName
from agreements.composing import Terms
from agreements.connections import AGREEMENTS
from agreements.document import AgreementDocument, AgreementKind, Billing, FeeAnnex, Grants, Party, Subject
from agreements.document import Signatory as Named
from agreements.offered import Offer, Signatory
from agreements.offers import Order
from agreements.products import PRODUCTS
from agreements.signing import Fresh
from agreements.templates import Adopted
from app import association
from app.config import Config
from authorities.register import AUTHORITIES
from billing import fee_annex
from foundation.audit import Trail
from foundation.errors import NotFound
from foundation.language import Text

_MADE_UP = Text("Opdigtede data: denne aftale gælder ikke", "Made-up data: this agreement does not count")
_CHAIR = Text("Formand for bestyrelsen", "Chair of the board")


class NoSuchParty(NotFound):
    """No authority or product by that number or name."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the secretariat asks to have drafted. `product` empty: membership of the association."""

    cvr: str
    product: str
    kind: AgreementKind
    effective_on: date
    signatories: tuple[Signatory, ...]
    in_order: bool
    valid_days: int
    grants: Grants
    billing: Billing


# --- acts; each needs the writer's lock, and the caller commits


def draft(session: Session, wish: Wish, trail: Trail, config: Config, *, replaces: int | None = None) -> Offer:
    """Draft what is wished, or a new version of what it replaces. Raises what composing, fees and offers raise."""
    authority, product_id = _authority(session, wish.cvr), _product_id(session, wish.product)
    name: TemplateName = "connection" if wish.product else "membership"
    adopted = templates.find(session, name)
    on = offered.local_day(trail.at)
    annex = _annex(session, wish, authority.id, product_id, on)
    order = Order(authority.id, product_id, adopted.id, wish.signatories, wish.in_order, wish.valid_days)

    def build(reference: str, version: int) -> AgreementDocument:
        people = offers.checked_signatories(wish.signatories)
        terms = Terms(
            reference=reference, version=version, authority=_party(authority),
            association=_association(session, config), subject=_subject(wish.product), kind=wish.kind,
            effective_on=wish.effective_on, signatories=tuple(map(_named, people)), in_order=wish.in_order,
            countersignatory=_countersignatory(session, on), grants=wish.grants, billing=wish.billing, annex=annex,
            notices=() if config.is_production else (_MADE_UP,),
        )  # fmt: skip
        return composing.compose(adopted, terms)

    return offers.draft(session, order, build, trail, replaces=replaces)


def offer(session: Session, offer_id: int, trail: Trail) -> Offer:
    """Offer a draft, with the fees as they are today."""
    found = offered_with_fees(session, offer_id, offered.local_day(trail.at))
    return offers.offer(session, offer_id, found[1], trail)


# --- fees and further versions


def offered_with_fees(session: Session, offer_id: int, on: date) -> tuple[Offer, FeeAnnex]:
    """Give an offer with its fees as they are on a day."""
    found = offered.get(session, offer_id)
    return found, fees(session, found, on)


def fees(session: Session, offer: Offer, on: date) -> FeeAnnex:
    """Give the fees of an offer by the rules and figures of a day. Raises what `fee_annex.make` raises."""
    said = offer.document
    return fee_annex.make(
        session, offer.authority_id, said.subject.product, said.kind, on,
        effective_on=said.effective_on, grants=said.grants, replacing=_renewed(session, offer),
    )  # fmt: skip


def _renewed(session: Session, offer: Offer) -> tuple[int, ...]:
    if offer.product_id is None:
        return ()
    own = conclusion.of_offer(session, offer.id)
    old = conclusion.renewed(session, offer)
    return tuple(row.id for row in (own, old) if row is not None)


def next_version(
    session: Session,
    offer: Offer,
    on: date,
    *,
    kind: AgreementKind | None = None,
    effective_on: date | None = None,
    billing: Billing | None = None,
    signatories: Sequence[Signatory] | None = None,
) -> Fresh:
    """Say how the next version of an offer is made: the same terms but for what is given, and the fees of a day."""
    said, adopted = offer.document, templates.get(session, offer.template_id)
    changed = replace(said, kind=kind or said.kind, effective_on=effective_on or said.effective_on)
    annex = fee_annex.make(
        session, offer.authority_id, said.subject.product, changed.kind, on, effective_on=changed.effective_on,
        grants=said.grants, replacing=_renewed(session, offer),
    )  # fmt: skip
    people = said.signatories if signatories is None else tuple(map(_named, signatories))

    def build(reference: str, version: int) -> AgreementDocument:
        terms = replace(
            composing.terms_of(changed), reference=reference, version=version, annex=annex, signatories=people,
            billing=billing or said.billing,
        )  # fmt: skip
        return composing.compose(adopted, terms)

    return Fresh(build, annex)


# --- the registers' facts


def _annex(session: Session, wish: Wish, authority_id: int, product_id: int | None, on: date) -> FeeAnnex:
    replacing = _standing(session, authority_id, product_id, wish.effective_on)
    return fee_annex.make(
        session, authority_id, wish.product, wish.kind, on, effective_on=wish.effective_on, grants=wish.grants,
        replacing=replacing,
    )  # fmt: skip


def _standing(session: Session, authority_id: int, product_id: int | None, on: date) -> Collection[int]:
    """Give the agreements the wished one renews: those on the product that have not ended by its first day."""
    facts = AGREEMENTS.c
    goes_on = facts.terminated_to.is_(None) | (facts.terminated_to >= on)
    found = select(facts.id).where(facts.authority_id == authority_id, facts.product_id == product_id, goes_on)
    return () if product_id is None else list(session.execute(found).scalars())


def _authority(session: Session, cvr: str) -> Row[tuple[object, ...]]:
    row = session.execute(select(AUTHORITIES).where(AUTHORITIES.c.cvr == cvr)).first()
    if row is None:
        raise NoSuchParty(Text("Der er ingen myndighed med det CVR-nummer", "No authority has that CVR number"))
    return row


def _product_id(session: Session, name: str) -> int | None:
    if not name:
        return None
    found = session.execute(select(PRODUCTS.c.id).where(PRODUCTS.c.name == name)).scalar()
    if found is None:
        raise NoSuchParty(Text("Der er intet produkt med det navn", "No product has that name"))
    return int(found)


def _party(row: Row[tuple[object, ...]]) -> Party:
    return Party(row.name, row.cvr, row.address or "", row.postcode or "", row.city or "")


def _association(session: Session, config: Config) -> Party:
    own = association.seller(session, config).party
    return Party(own.name, own.cvr, own.address, own.postcode, own.city, own.gln)


def _subject(product: str) -> Subject:
    if not product:
        return Subject("", Text("Medlemskab af foreningen OS2", "Membership of the association OS2"))
    return Subject(
        product,
        Text(
            f"{product} er et fælles digitalt produkt, som OS2 udvikler og forvalter sammen med de tilsluttede",
            f"{product} is a common digital product, which OS2 develops and looks after with those who have joined",
        ),
    )


def _named(person: Signatory) -> Named:
    return Named(person.position, person.name, person.title, person.mail)


def _countersignatory(session: Session, on: date) -> Named:
    """Give who countersigns as the document names it: the office holder of the day, else the office alone."""
    held = rights.who_may(session, None, on)
    if not held:
        return Named(1, "", _CHAIR.da, "")
    return Named(1, held[0].person.name, held[0].person.title, held[0].person.mail)


def adopted_of(session: Session, offer: Offer) -> Adopted:
    """Give the template an offer was made from."""
    return templates.get(session, offer.template_id)
