"""Made-up journeys for the demonstration: municipalities at different steps of the road."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements.connections import AGREEMENTS
from agreements.products import PRODUCTS
from agreements.road import guide, journeys, showings
from agreements.road.journeys import Change, Status, Trial
from authorities.register import AUTHORITIES
from foundation.audit import Trail

#: Product, and how many steps are behind who is on the way to it.
_WAYS = (("OS2valghalla", 1), ("OS2mo", 3), ("OS2forms", 0), ("OS2kitos", 4))
_OWNER = "Opdigtet: digitaliseringschefen"
_MADE_UP = "Opdigtet til demonstration"


def make(session: Session, trail: Trail) -> int:
    """Publish the road's text, and let one municipality a product be on its way; give how many there are."""
    guide.publish(session, guide.shipped(), trail)
    for product, behind in _WAYS:
        authority_id = _without(session, product)
        number = journeys.open_(session, authority_id, product, trail)
        _walk(session, number, behind, trail)
        _show(session, product, trail)
    return len(_WAYS)


def _show(session: Session, product: str, trail: Trail) -> None:
    """Let a municipality that uses a product be willing to show it, where there is one, and a supplier."""
    on, columns = trail.at.date(), AGREEMENTS.c
    users = (
        select(columns.authority_id)
        .join(PRODUCTS, columns.product_id == PRODUCTS.c.id)
        .where(
            PRODUCTS.c.name == product, columns.countersigned_on <= on, columns.in_force_from <= on,
            columns.terminated_to.is_(None),
        )
        .order_by(columns.authority_id)
        .limit(1)
    )  # fmt: skip
    for authority_id in (session.execute(users).scalar(), None):
        supplier = "" if authority_id else "Opdigtet leverandør"
        if authority_id or product == _WAYS[0][0]:
            offer = showings.Offer(product, authority_id, supplier, _MADE_UP, "Opdigtet: fællespostkassen", on)
            showings.offer(session, offer, trail, on=on)


def _without(session: Session, product: str) -> int:
    """Give a municipality that has never had the product and is not on its way to anything."""
    connected = (
        select(AGREEMENTS.c.authority_id)
        .join(PRODUCTS, AGREEMENTS.c.product_id == PRODUCTS.c.id)
        .where(PRODUCTS.c.name == product)
    )
    found = (
        select(AUTHORITIES.c.id)
        .where(
            AUTHORITIES.c.type == "kommune",
            AUTHORITIES.c.id.not_in(connected),
            AUTHORITIES.c.id.not_in(select(journeys.JOURNEYS.c.authority_id)),
        )
        .order_by(AUTHORITIES.c.code)
        .limit(1)
    )
    return int(session.execute(found).scalar_one())


def _walk(session: Session, number: int, behind: int, trail: Trail) -> None:
    """Settle the steps behind, and begin the next."""
    journey = journeys.get(session, journeys.listing(), number)
    for step in journey.steps[:behind]:
        for task in step.tasks:
            journeys.write(session, journey, task, Change(Status.DONE, _OWNER, note=_MADE_UP), trail)
    if behind > 1:
        trial = Trial("supplier", _MADE_UP, "Opdigtet leverandør", "Det virkede", "Opdigtet: valgkontoret", "worth_it")
        journeys.try_(session, journey, trial, trail)
    on = trail.at.date()
    under_way = Change(Status.UNDER_WAY, _OWNER, on - timedelta(days=7), on + timedelta(days=21), _MADE_UP)
    journeys.write(session, journey, journey.steps[behind].tasks[0], under_way, trail)
