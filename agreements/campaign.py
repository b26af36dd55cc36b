"""A new version of a template and who has it: the re-sign campaign, agreement by agreement, read from the facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from agreements import conclusion, lifecycle, offered, steps
from agreements.connections import AGREEMENTS
from agreements.ending import facts
from agreements.lifecycle import Status
from agreements.models import AgreementTemplate
from agreements.offered import Offer
from agreements.products import PRODUCTS
from agreements.steps import OFFERS, Stand, Step
from authorities.membership import MEMBERSHIPS
from authorities.register import AUTHORITIES

State = Literal["has", "offered", "signed", "has_not"]

_RUNNING = (Status.COUNTERSIGNED, Status.IN_FORCE)


@dataclass(frozen=True, slots=True)
class Place:
    """One agreement in force, and where it stands with the version: `version` is what it has (None: not signed here).

    `offer` is the offer of the new version that is on its way. A membership has no product, and no agreement's number.
    """

    agreement_id: int | None
    authority: str
    cvr: str
    product: str
    version: int | None
    state: State
    offer: Offer | None

    @property
    def offered_on(self) -> date | None:
        """When the new version was offered; None where it is not on its way."""
        at = None if self.offer is None else self.offer.offered_at
        return None if at is None else offered.local_day(at)

    @property
    def reminded_on(self) -> date | None:
        """When its signatories were reminded last."""
        steps_taken = self.offer.steps if self.offer else ()
        return max((offered.local_day(each.at) for each in steps_taken if each.step is Step.REMINDED), default=None)


def standing(session: Session, template_id: int, on: date, product: str | None = None) -> list[Place]:
    """Tell for every agreement in force, not under notice, whether it has a version of the template.

    A version of the membership's template is told of for every membership.
    """
    ways = {(each.authority_id, each.product_id): each for each in _under_way(session, template_id, on)}
    templates = {row.id: row for row in session.execute(select(AgreementTemplate.__table__))}
    if template_id in templates and templates[template_id].name == "membership":
        return list(_members(session, templates, template_id, ways))
    versions = {id_: row.version for id_, row in templates.items()}
    places = []
    for row in session.execute(_agreements(product)):
        if row.countersigned_on is None or lifecycle.status(facts(row), on) not in _RUNNING:
            continue
        offer = ways.get((row.authority_id, row.product_id))
        state = "has" if row.template_id == template_id else _state(offer)
        version = versions.get(row.template_id)
        places.append(Place(row.id, row.authority, row.cvr, row.product, version, state, offer))
    return places


def _members(
    session: Session, templates: Mapping[int, Any], template_id: int, ways: Mapping[Any, Offer]
) -> Iterator[Place]:
    members = MEMBERSHIPS.c
    rows = session.execute(
        select(AUTHORITIES.c.id, AUTHORITIES.c.name, AUTHORITIES.c.cvr)
        .join(MEMBERSHIPS, members.authority_id == AUTHORITIES.c.id)
        .where(members.left_on.is_(None))
        .order_by(AUTHORITIES.c.name)
    ).all()
    came_from = conclusion.partnerships(session, [row.id for row in rows])
    of_members = select(OFFERS.c.id, OFFERS.c.template_id).where(OFFERS.c.product_id.is_(None))
    signed = {row.id: templates[row.template_id] for row in session.execute(of_members)}
    for row in rows:
        has, offer = signed.get(came_from.get(row.id, 0)), ways.get((row.id, None))
        state = "has" if has is not None and has.id == template_id else _state(offer)
        yield Place(None, row.name, row.cvr, "", has.version if has is not None else None, state, offer)


def _agreements(product: str | None) -> Select[Any]:
    wanted = (
        select(AGREEMENTS, AUTHORITIES.c.name.label("authority"), AUTHORITIES.c.cvr, PRODUCTS.c.name.label("product"),
               OFFERS.c.template_id)
        .join(AUTHORITIES, AGREEMENTS.c.authority_id == AUTHORITIES.c.id)
        .join(PRODUCTS, AGREEMENTS.c.product_id == PRODUCTS.c.id)
        .outerjoin(OFFERS, AGREEMENTS.c.offer_id == OFFERS.c.id)
        .order_by(PRODUCTS.c.name, AUTHORITIES.c.name, AGREEMENTS.c.id)
    )  # fmt: skip
    return wanted if product is None else wanted.where(PRODUCTS.c.name == product)


def _under_way(session: Session, template_id: int, on: date) -> list[Offer]:
    ids = session.execute(select(OFFERS.c.id).where(OFFERS.c.template_id == template_id)).scalars()
    return [each for each in offered.many(session, ids) if each.stand_on(on) in steps.OPEN | {Stand.SIGNED}]


def _state(offer: Offer | None) -> State:
    if offer is None:
        return "has_not"
    return "signed" if offer.stand is Stand.SIGNED else "offered"
