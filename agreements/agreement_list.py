"""All agreements as one list: those offered here, by their newest version, and those the registers brought.

Where an offer stands is read from its steps, as `agreements.steps` does for one; an agreement's state from its days, as
`agreements.lifecycle` does. Here both are said in SQL, so that the database sorts, filters and pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, case, cast, exists, func, literal, null, or_, select
from sqlalchemy.orm import aliased

from agreements.connections import AGREEMENTS
from agreements.models import AgreementStep, OfferSignatory
from agreements.products import PRODUCTS
from agreements.steps import OFFERS, STEPS, Stand, Step
from authorities.membership import MEMBERSHIPS
from authorities.register import AUTHORITIES
from foundation.language import Text

#: Where an agreement stands, in the order of its life: as an offer, then by its days.
STATES: dict[str, Text] = {
    Stand.DRAFT: Text("Udkast", "Draft"),
    Stand.OFFERED: Text("Tilbudt", "Offered"),
    Stand.OPENED: Text("Åbnet", "Opened"),
    Stand.PARTLY_SIGNED: Text("Underskrevet af nogle", "Signed by some"),
    Stand.SIGNED: Text("Venter på OS2's underskrift", "Waits for OS2's signature"),
    "countersigned": Text("Indgået, ikke i kraft", "Concluded, not in force"),
    "in_force": Text("I kraft", "In force"),
    Stand.UNDER_NOTICE: Text("Opsagt", "Under notice"),
    "ended": Text("Ophørt", "Ended"),
    Stand.DECLINED: Text("Afslået", "Declined"),
    Stand.WITHDRAWN: Text("Trukket tilbage", "Withdrawn"),
    Stand.EXPIRED: Text("Udløbet", "Expired"),
    Stand.REPLACED: Text("Erstattet", "Replaced"),
}

MEMBERSHIP = "OS2"

#: Where the last day stands in what a step of offering holds, as canonical JSON: from which character, how many.
_LAST_DAY = (len('{"expires_on":"') + 1, len("2026-12-31"))

_DEAD = (Step.DECLINED, Step.WITHDRAWN, Step.EXPIRED, Step.REPLACED)
_AGREED = (Step.COUNTERSIGNED, Step.RECORDED, Step.NOTICE_GIVEN, Step.NOTICE_WITHDRAWN)


@dataclass(frozen=True, slots=True)
class AgreementList:
    """The agreements on a day: `statement` and its columns, to sort and to filter by."""

    statement: Select[Any]
    columns: (
        Any  # reference, authority_id, authority, cvr, product, kind, state, offer_id; signed_on, from_on, until_on
    )


def on(day: date, *, drafts: bool = True) -> AgreementList:
    """Describe the agreements on a day; without drafts for whom nothing is offered by them yet."""
    rows = _offered(day, drafts=drafts).union_all(_registered(day)).subquery("agreements_listed")
    return AgreementList(select(rows), rows.c)


def _offered(day: date, *, drafts: bool) -> Select[Any]:
    newest = select(func.max(OFFERS.c.id)).group_by(OFFERS.c.reference)
    if not drafts:
        newest = newest.where(was_offered())
    product = func.coalesce(PRODUCTS.c.name, literal(MEMBERSHIP))
    return (
        select(
            OFFERS.c.reference.label("reference"), OFFERS.c.authority_id.label("authority_id"),
            AUTHORITIES.c.name.label("authority"), AUTHORITIES.c.cvr.label("cvr"), product.label("product"),
            OFFERS.c.kind.label("kind"), _state(day).label("state"), AGREEMENTS.c.signed_on.label("signed_on"),
            AGREEMENTS.c.in_force_from.label("from_on"), AGREEMENTS.c.terminated_to.label("until_on"),
            OFFERS.c.id.label("offer_id"),
        )
        .select_from(OFFERS)
        .join(AUTHORITIES, AUTHORITIES.c.id == OFFERS.c.authority_id)
        .outerjoin(PRODUCTS, PRODUCTS.c.id == OFFERS.c.product_id)
        .outerjoin(AGREEMENTS, AGREEMENTS.c.offer_id == OFFERS.c.id)
        .where(OFFERS.c.id.in_(newest))
    )  # fmt: skip


def _registered(day: date) -> Select[Any]:
    """Give the agreements that no offer here led to; their reference is their number."""
    facts = AGREEMENTS.c
    return (
        select(
            cast(facts.id, String).label("reference"), facts.authority_id.label("authority_id"),
            AUTHORITIES.c.name.label("authority"), AUTHORITIES.c.cvr.label("cvr"), PRODUCTS.c.name.label("product"),
            facts.kind.label("kind"), _by_days(day).label("state"), facts.signed_on.label("signed_on"),
            facts.in_force_from.label("from_on"), facts.terminated_to.label("until_on"), null().label("offer_id"),
        )
        .select_from(AGREEMENTS)
        .join(AUTHORITIES, AUTHORITIES.c.id == facts.authority_id)
        .join(PRODUCTS, PRODUCTS.c.id == facts.product_id)
        .where(facts.offer_id.is_(None))
    )  # fmt: skip


def _state(day: date) -> ColumnElement[str]:
    """Tell where a row of `offer` stands: by the step that decides, and once it is agreed by its days."""
    last = (
        select(STEPS.c.step)
        .where(STEPS.c.offer_id == OFFERS.c.id, STEPS.c.step.in_([*_DEAD, *_AGREED]))
        .order_by(STEPS.c.number.desc())
        .limit(1)
        .correlate(OFFERS)
        .scalar_subquery()
    )
    ends = [(last == step.value, literal(Stand(step.value).value)) for step in _DEAD]
    by_days = case((OFFERS.c.product_id.is_(None), _membership(day)), else_=_by_days(day))
    return case(*ends, (last.in_([step.value for step in _AGREED]), by_days), else_=_open_state(day))


def _membership(day: date) -> ColumnElement[str]:
    """Tell where a membership stands: it has no row of `agreement`, but one of `membership`."""
    of = MEMBERSHIPS.c.authority_id == OFFERS.c.authority_id
    endless = exists().where(of, MEMBERSHIPS.c.left_on.is_(None)).correlate(OFFERS)
    left_on = select(func.max(MEMBERSHIPS.c.left_on)).where(of).correlate(OFFERS).scalar_subquery()
    return case(
        (endless, literal("in_force")), (left_on <= day, literal("ended")), else_=literal(Stand.UNDER_NOTICE.value)
    )


def _open_state(day: date) -> ColumnElement[str]:
    """Tell where a row of `offer` stands that nothing has decided: run out once its last day lies before the day."""
    signed, places = aliased(AgreementStep), aliased(OfferSignatory)
    given = (
        select(func.count()).select_from(signed).where(signed.offer_id == OFFERS.c.id, signed.step == Step.SIGNED.value)
    ).correlate(OFFERS).scalar_subquery()  # fmt: skip
    wanted = (
        select(func.count()).select_from(places).where(places.offer_id == OFFERS.c.id)
    ).correlate(OFFERS).scalar_subquery()  # fmt: skip
    last_day = (
        select(func.substr(STEPS.c.data, *_LAST_DAY))
        .where(STEPS.c.offer_id == OFFERS.c.id, STEPS.c.step == Step.OFFERED.value)
    ).correlate(OFFERS).scalar_subquery()  # fmt: skip
    return case(
        (and_(given > 0, given >= wanted), literal(Stand.SIGNED.value)),
        (last_day < day.isoformat(), literal(Stand.EXPIRED.value)),
        (given > 0, literal(Stand.PARTLY_SIGNED.value)),
        (_took(Step.OPENED), literal(Stand.OPENED.value)),
        (_took(Step.OFFERED), literal(Stand.OFFERED.value)),
        else_=literal(Stand.DRAFT.value),
    )


def was_offered() -> ColumnElement[bool]:
    """Tell of a row of `offer` whether it ever was more than a draft."""
    return OFFERS.c.id.in_(select(STEPS.c.offer_id).where(STEPS.c.step == Step.OFFERED.value))


def _took(step: Step) -> ColumnElement[bool]:
    return exists().where(STEPS.c.offer_id == OFFERS.c.id, STEPS.c.step == step.value).correlate(OFFERS)


def _by_days(day: date) -> ColumnElement[str]:
    """Say `lifecycle.status` in SQL."""
    facts = AGREEMENTS.c
    return case(
        (facts.terminated_to < day, literal("ended")),
        (or_(facts.countersigned_on.is_(None), facts.countersigned_on > day), literal(Stand.SIGNED.value)),
        (or_(facts.in_force_from.is_(None), facts.in_force_from > day), literal("countersigned")),
        (
            and_(facts.notice_given_on <= day, facts.terminated_to.is_not(None)),
            literal(Stand.UNDER_NOTICE.value),
        ),
        else_=literal("in_force"),
    )
