"""How membership of the association ends: notice by either side, and its withdrawal.

A membership that was signed here takes a step in its chain; one that was imported leaves an entry in the audit trail
alone. What issued lines rest on is refused, as where the register is taken in.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from agreements import ending, offered, offers, steps
from agreements.clauses import NoticeTerms
from agreements.ending import Notice, NotInForce, Rests
from agreements.offered import Offer
from agreements.steps import OFFERS, About, Next, Step
from authorities import membership, register
from authorities.membership import MEMBERSHIPS, InvoicedYears
from authorities.register import AUTHORITIES
from foundation import periods
from foundation.audit import Trail
from foundation.language import Text
from foundation.periods import Period

_ENDED = (Step.DECLINED, Step.WITHDRAWN, Step.EXPIRED, Step.REPLACED)


# --- questions


def running(session: Session, authority_id: int, on: date) -> Row[Any] | None:
    """Give an authority's membership that has not ended by a day, with its CVR number and name; None without one."""
    columns = MEMBERSHIPS.c
    return session.execute(
        select(MEMBERSHIPS, AUTHORITIES.c.cvr, AUTHORITIES.c.name)
        .join(AUTHORITIES, AUTHORITIES.c.id == columns.authority_id)
        .where(columns.authority_id == authority_id, columns.left_on.is_(None) | (columns.left_on > on))
        .order_by(columns.joined_on)
        .limit(1)
    ).first()


def terms_of(session: Session, authority_id: int) -> NoticeTerms:
    """Give the terms of notice of a membership: its document's, else the usual ones."""
    offer = _offer(session, authority_id)
    return ending.USUAL_TERMS if offer is None else offer.document.notice


def _offer(session: Session, authority_id: int) -> Offer | None:
    """Give the offer a membership came from, or None where it was imported."""
    agreed = offered.having([Step.COUNTERSIGNED, Step.RECORDED], _ENDED)
    ids = session.execute(agreed.where(OFFERS.c.authority_id == authority_id, OFFERS.c.product_id.is_(None)))
    found = offered.many(session, ids.scalars())
    return found[-1] if found else None


def last_day(session: Session, row: Row[Any], on: date) -> date:
    """Give the last day of a membership of which notice is given on a day."""
    return ending.last_day(terms_of(session, row.authority_id), max(on, row.joined_on))


# --- acts; each needs the writer's lock, and the caller commits


def give_notice(session: Session, authority_id: int, notice: Notice, invoiced: InvoicedYears, trail: Trail) -> date:
    """Give notice of a membership; give its last day. `invoiced` as for `membership.take_in`.

    Raises NotInForce, Rests, steps.NotPermitted, offers.OfferRefused, or what signing raises of a person who may not.
    """
    row = _standing(session, authority_id, trail, Step.NOTICE_GIVEN)
    if row.left_on is not None:
        raise _not_now(row, Step.NOTICE_GIVEN)
    reason = offers.reason_given(notice.reason)
    last = last_day(session, row, offered.local_day(trail.at))
    data = {"by": notice.by, "reason": reason, "last_day": last} | ending.who_gave(session, row, notice, trail)
    _leave(session, row, last + timedelta(days=1), invoiced, (Step.NOTICE_GIVEN, data), trail)
    return last


def withdraw_notice(session: Session, authority_id: int, reason: str, invoiced: InvoicedYears, trail: Trail) -> None:
    """Take a notice back before the last day has passed. Raises NotInForce, Rests, offers.OfferRefused."""
    row = _standing(session, authority_id, trail, Step.NOTICE_WITHDRAWN)
    if row.left_on is None:
        raise _not_now(row, Step.NOTICE_WITHDRAWN)
    data = {"reason": offers.reason_given(reason)}
    _leave(session, row, None, invoiced, (Step.NOTICE_WITHDRAWN, data), trail)


def _standing(session: Session, authority_id: int, trail: Trail, step: Step) -> Row[Any]:
    row = running(session, authority_id, offered.local_day(trail.at))
    if row is None:
        raise NotInForce(
            Text(f"myndigheden er ikke medlem; medlemskabet kan ikke {steps.ACTS[step].da}",
                 f"the authority is no member; the membership cannot {steps.ACTS[step].en}")
        )  # fmt: skip
    return row


def _not_now(row: Row[Any], step: Step) -> NotInForce:
    return NotInForce(
        Text(f"medlemskabet for {row.name} kan ikke {steps.ACTS[step].da} nu",
             f"the membership of {row.name} cannot {steps.ACTS[step].en} now")
    )  # fmt: skip


def _leave(
    session: Session,
    row: Row[Any],
    left_on: date | None,
    invoiced: InvoicedYears,
    told: tuple[Step, Mapping[str, Any]],
    trail: Trail,
) -> None:
    """Change the first day without membership, and say so where it belongs."""
    _refuse_resting(session, row, left_on, invoiced)
    session.execute(update(MEMBERSHIPS).where(MEMBERSHIPS.c.id == row.id).values(left_on=left_on))
    changed = {"changed": [{"id": row.id, "left_on": [row.left_on, left_on]}]}
    (step, data), offer = told, _offer(session, row.authority_id)
    if offer is None:
        trail.record(f"membership.{step}", f"{row.cvr} {row.joined_on}", dict(data) | changed)
        return
    steps.check(offer.steps, len(offer.signatories), step)
    steps.take(session, [Next(offer, offer.steps, step, About(data=data), changed)], trail)


def _refuse_resting(session: Session, row: Row[Any], left_on: date | None, invoiced: InvoicedYears) -> None:
    before, after = Period(row.joined_on, row.left_on), Period(row.joined_on, left_on)
    for year, number in membership.resting(session, row.authority_id, invoiced):
        if (periods.new_year(year) in before) != (periods.new_year(year) in after):
            raise Rests(register.rests(number))
