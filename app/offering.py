"""An offer from what somebody wishes: the template, the parties and the fees of today, for commands and pages alike.

The rooms below know nothing of each other's matters: fees come from `billing`, the life of an offer from `agreements`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements import composing, conclusion, correspondence, offered, offers, products, rights, steps, templates
from agreements.clauses import TemplateName
from agreements.composing import Terms
from agreements.document import AgreementDocument, AgreementKind, Billing, FeeAnnex, Grants, Party, Signatory, Subject
from agreements.offered import Offer
from agreements.offers import Build, Order
from agreements.products import PRODUCTS
from agreements.signing import Fresh
from authorities.register import AUTHORITIES
from billing import fee_annex
from billing.fee_annex import Renewing
from billing.seller import Seller
from foundation.audit import Trail
from foundation.errors import Conflict, NotFound, Refused
from foundation.language import Text

#: Opens a transaction that commits at the end, with the trail of what it does.
Writing = Callable[[], AbstractContextManager[tuple[Session, Trail]]]


class Unknown(NotFound):
    """No such authority or product."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be offered: to whom, on which product (empty: membership), from when, signed by whom."""

    authority_id: int
    product: str
    effective_on: date
    signatories: tuple[offered.Signatory, ...]
    billing: Billing
    kind: AgreementKind = "active"
    in_order: bool = True
    valid_days: int | None = None  # None: as the association has settled
    grants: Grants = field(default_factory=Grants)
    template_version: int | None = None  # None: the newest


@dataclass(frozen=True, slots=True)
class Prepared:
    """A wish ready to be drafted and offered."""

    order: Order
    build: Build
    annex: FeeAnnex


# --- preparing


def prepare(session: Session, wish: Wish, seller: Seller, on: date) -> Prepared:
    """Look up what a wish needs. Raises Unknown, templates.NoSuchTemplate, composing.TermsRefused when it is built, or
    what `fee_annex.make` raises.
    """
    product_id = _product_id(session, wish.product)
    name: TemplateName = "connection" if wish.product else "membership"
    adopted = templates.find(session, name, wish.template_version)
    signatories = offers.checked_signatories(wish.signatories)
    days = correspondence.current(session).valid_days if wish.valid_days is None else wish.valid_days
    order = Order(wish.authority_id, product_id, adopted.id, signatories, wish.in_order, days)
    annex = fees(session, wish.authority_id, wish.product, wish.kind, wish.effective_on, wish.grants, on)
    terms = Terms(
        reference="",
        version=0,
        authority=_authority(session, wish.authority_id),
        association=_association(seller),
        subject=_subject(session, wish.product),
        kind=wish.kind,
        effective_on=wish.effective_on,
        signatories=tuple(Signatory(each.position, each.name, each.title, each.mail) for each in signatories),
        in_order=wish.in_order,
        countersignatory=_chair(session, on),
        grants=wish.grants,
        billing=wish.billing,
        annex=annex,
        notices=_notices(seller),
    )
    return Prepared(order, lambda reference, version: _composed(adopted, terms, reference, version), annex)


def _composed(adopted: templates.Adopted, terms: Terms, reference: str, version: int) -> AgreementDocument:
    return composing.compose(adopted, replace(terms, reference=reference, version=version))


def fees(
    session: Session,
    authority_id: int,
    product: str,
    kind: AgreementKind,
    effective_on: date,
    grants: Grants,
    on: date,
) -> FeeAnnex:
    """Give the fees of an agreement signed on a day; one in force already is renewed, and pays nothing twice."""
    running = conclusion.running(session, authority_id, _product_id(session, product), effective_on)
    return fee_annex.make(
        session, authority_id, product, kind, on,
        effective_on=effective_on, grants=grants, replacing=() if running is None else Renewing(running.id),
    )  # fmt: skip


def fees_today(session: Session, offer: Offer, on: date) -> FeeAnnex:
    """Give the fees of an offer as they are today: what offering and signing compare with its document."""
    said = offer.document
    return fees(session, offer.authority_id, said.subject.product, said.kind, said.effective_on, said.grants, on)


def revised(session: Session, offer: Offer, change: Callable[[Terms], Terms], on: date) -> Fresh:
    """Give what makes an offer's next version: its terms, changed, with the fees of today by the same template.

    For `signing.choose` and `signing.pass_on`, and for a new version by the secretariat.
    """
    adopted = templates.get(session, offer.template_id)
    terms = change(composing.terms_of(offer.document))
    annex = fees(
        session, offer.authority_id, terms.subject.product, terms.kind, terms.effective_on, terms.grants, on
    )  # fmt: skip
    terms = replace(terms, annex=annex)
    return Fresh(lambda reference, version: _composed(adopted, terms, reference, version), annex)


def _product_id(session: Session, product: str) -> int | None:
    if not product:
        return None
    found = session.execute(select(PRODUCTS.c.id).where(PRODUCTS.c.name == product)).scalar()
    if found is None:
        raise Unknown(Text(f"ukendt produkt {product!r}", f"unknown product {product!r}"))
    return int(found)


def _authority(session: Session, authority_id: int) -> Party:
    row = session.execute(select(AUTHORITIES).where(AUTHORITIES.c.id == authority_id)).first()
    if row is None:
        raise Unknown(Text("myndigheden findes ikke", "there is no such authority"))
    return Party(row.name, row.cvr, row.address or "", row.postcode or "", row.city or "")


def _association(seller: Seller) -> Party:
    own = seller.party
    return Party(own.name, own.cvr, own.address, own.postcode, own.city, own.gln)


def _subject(session: Session, product: str) -> Subject:
    if not product:
        return Subject("", Text("Medlemskab af foreningen", "Membership of the association"))
    if (described := products.description(session, product)) is not None:
        return Subject(product, described)
    level = session.execute(select(PRODUCTS.c.level).where(PRODUCTS.c.name == product)).scalar()
    told = Text("Et fælles digitalt produkt i OS2", "A shared digital product of OS2")
    return Subject(product, told + Text(f", niveau {level}", f", level {level}") if level else told)


def _chair(session: Session, on: date) -> Signatory:
    """Give who is to countersign: the one with the association's right, or the chair by title alone."""
    found = rights.who_may(session, None, on)
    if len(found) == 1:
        person = found[0].person
        return Signatory(1, person.name, person.title, person.mail)
    return Signatory(1, "", "Bestyrelsesformand", "")


def _notices(seller: Seller) -> tuple[Text, ...]:
    if not seller.made_up:
        return ()
    return (Text("Opdigtede oplysninger: kun til afprøvning", "Made-up details: for trying out only"),)


# --- acting


@contextmanager
def attempting(writing: Writing, about: str, step: steps.Step | str) -> Iterator[tuple[Session, Trail]]:
    """Open a transaction for a step of an agreement; where it is refused, record that in another.

    `about` is the offer's or agreement's name. Nothing of the step itself is left behind.
    """
    try:
        with writing() as (session, trail):
            yield session, trail
    except (Conflict, Refused) as refused:
        with writing() as (_, trail):
            steps.record_refusal(trail, about, step, refused)
        raise
