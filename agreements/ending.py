"""How an agreement changes and ends: passive becomes active, notice and its withdrawal, replacement after a merger.

An agreement that came from an offer here takes a step in its chain; one that was imported leaves an entry in the audit
trail alone. What issued lines rest on is refused, as where the register is taken in.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from agreements import conclusion, lifecycle, offered, offers, signing, steps
from agreements.clauses import NoticeTerms
from agreements.connections import AGREEMENTS, Invoiced, Key
from agreements.lifecycle import Facts, Kind, Status
from agreements.products import PRODUCTS
from agreements.signing import Signer
from agreements.steps import About, Next, Step
from authorities import register, succession
from authorities.register import AUTHORITIES
from foundation import periods
from foundation.audit import Trail
from foundation.errors import Conflict, NotFound
from foundation.language import Text, day

#: What holds where an agreement says nothing of its own: six months, to the end of a calendar year.
USUAL_TERMS = NoticeTerms(6, "year")

#: Issued lines by the agreement they rest on, as `billing.invoices.resting` gives them.
Resting = Mapping[Key, Sequence[Invoiced]]

_MONTHS = 12


class NoSuchAgreement(NotFound):
    """No agreement has that number, or it is another authority's."""


class NotInForce(Conflict):
    """The act does not follow from where the agreement stands."""


class Rests(Conflict):
    """An issued line rests on what would change."""


class NoSuccessor(Conflict):
    """The agreements are not those of an authority and of those it follows, on the same product."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Who gives notice, and why. `signer` is None where the secretariat acts: for OS2, or on a letter it received."""

    by: Literal["authority", "association"]
    reason: str
    signer: Signer | None = None


# --- questions


def last_day(terms: NoticeTerms, on: date) -> date:
    """Give the last day of an agreement of which notice is given on a day."""
    earliest = _later(on, terms.months)
    if terms.ends == "day":
        return earliest
    if terms.ends == "month":
        return earliest.replace(day=calendar.monthrange(earliest.year, earliest.month)[1])
    return date(earliest.year, 12, 31)


def _later(on: date, months: int) -> date:
    year, month = divmod(on.month - 1 + months, _MONTHS)
    year, month = on.year + year, month + 1
    return date(year, month, min(on.day, calendar.monthrange(year, month)[1]))


def terms_of(session: Session, agreement_id: int) -> NoticeTerms:
    """Give the terms of notice of an agreement: its document's, else the usual ones."""
    row = _get(session, agreement_id)
    return USUAL_TERMS if row.offer_id is None else offered.get(session, row.offer_id).document.notice


def _get(session: Session, agreement_id: int) -> Row[Any]:
    row = session.execute(
        select(AGREEMENTS, AUTHORITIES.c.cvr, PRODUCTS.c.name.label("product"))
        .join(AUTHORITIES, AGREEMENTS.c.authority_id == AUTHORITIES.c.id)
        .join(PRODUCTS, AGREEMENTS.c.product_id == PRODUCTS.c.id)
        .where(AGREEMENTS.c.id == agreement_id)
    ).first()
    if row is None:
        raise NoSuchAgreement(
            Text(f"ingen aftale har nummer {agreement_id}", f"no agreement has the number {agreement_id}")
        )
    return row


def facts(row: Row[Any]) -> Facts:
    """Give the dated facts of an agreement's row."""
    return Facts(
        Kind(row.kind), row.signed_on, row.countersigned_on, row.in_force_from, row.terminated_to,
        row.notice_given_on, row.active_from,
    )  # fmt: skip


def replaceable(session: Session, agreement_id: int) -> list[Row[Any]]:
    """Give the agreements that one may take the place of: of the authorities it follows, on its product, not ended."""
    new, lives = _get(session, agreement_id), register.lives(session)
    followed = [id_ for id_ in lives if id_ != new.authority_id and new.authority_id in succession.line(lives, id_)]
    if not followed or new.in_force_from is None:
        return []
    facts = AGREEMENTS.c
    return list(session.execute(
        select(AGREEMENTS, AUTHORITIES.c.cvr, AUTHORITIES.c.name.label("authority"))
        .join(AUTHORITIES, facts.authority_id == AUTHORITIES.c.id)
        .where(
            facts.authority_id.in_(followed), facts.product_id == new.product_id, facts.countersigned_on.is_not(None),
            facts.terminated_to.is_(None) | (facts.terminated_to >= new.in_force_from),
        )
        .order_by(AUTHORITIES.c.name, facts.signed_on)
    ))  # fmt: skip


# --- acts; each needs the writer's lock, and the caller commits


def give_notice(session: Session, agreement_id: int, notice: Notice, trail: Trail) -> date:
    """Give notice of an agreement; give its last day. Raises NotInForce, steps.NotPermitted, offers.OfferRefused, or
    what signing raises of a person who may not.
    """
    row, today = _get(session, agreement_id), offered.local_day(trail.at)
    _refuse_unless(row.notice_given_on is None, row, Step.NOTICE_GIVEN)
    _refuse_status(row, today, (Status.COUNTERSIGNED, Status.IN_FORCE), Step.NOTICE_GIVEN)
    reason = offers.reason_given(notice.reason)
    last = last_day(terms_of(session, agreement_id), today)
    data = {"by": notice.by, "reason": reason, "last_day": last} | who_gave(session, row, notice, trail)
    changed = conclusion.change(session, agreement_id, {"notice_given_on": today, "terminated_to": last})
    _record(session, row, Step.NOTICE_GIVEN, data, changed, trail)
    return last


def who_gave(session: Session, row: Row[Any], notice: Notice, trail: Trail) -> dict[str, Any]:
    """Give what is kept of who gave notice of a row of an authority. Raises what signing raises of who may not."""
    if notice.by == "association" or notice.signer is None:
        return {"method": "recorded"}
    right = signing.admit_for(session, row.authority_id, row.cvr, notice.signer, trail.at)
    return signing.evidence_of(notice.signer, right_id=right.id)


def withdraw_notice(session: Session, agreement_id: int, reason: str, trail: Trail) -> None:
    """Take a notice back before the last day has passed. Raises NotInForce, offers.OfferRefused."""
    row = _get(session, agreement_id)
    _refuse_unless(row.notice_given_on is not None, row, Step.NOTICE_WITHDRAWN)
    standing = (Status.COUNTERSIGNED, Status.UNDER_NOTICE)  # notice may be given before the first day
    _refuse_status(row, offered.local_day(trail.at), standing, Step.NOTICE_WITHDRAWN)
    told = offers.reason_given(reason)
    changed = conclusion.change(session, agreement_id, {"notice_given_on": None, "terminated_to": None})
    _record(session, row, Step.NOTICE_WITHDRAWN, {"reason": told}, changed, trail)


def activate(session: Session, agreement_id: int, on: date, resting: Resting, trail: Trail) -> None:
    """Let a passive connection become active on a day: its joining fee falls due then, at the level of its signing day.

    Raises NotInForce, or Rests where the annual fee of a year was invoiced as passive on or after that day.
    """
    row, today = _get(session, agreement_id), offered.local_day(trail.at)
    _refuse_status(row, max(on, today), (Status.COUNTERSIGNED, Status.IN_FORCE, Status.UNDER_NOTICE), Step.ACTIVATED)
    if lifecycle.is_active(facts(row), date.max) or on < max(row.in_force_from or on, row.signed_on):
        raise NotInForce(
            Text("kun en passiv tilslutning kan blive aktiv, tidligst når den er i kraft",
                 "only a passive connection can become active, not before it is in force")
        )  # fmt: skip
    for line in resting.get((row.cvr, row.product, row.signed_on), ()):
        if line.year is not None and on <= periods.new_year(line.year):
            raise Rests(register.rests(line.number))
    changed = conclusion.change(session, agreement_id, {"active_from": on})
    _record(session, row, Step.ACTIVATED, {"active_from": on}, changed, trail)


def _refuse_status(row: Row[Any], on: date, permitted: tuple[Status, ...], step: Step) -> None:
    fits = row.countersigned_on is not None and lifecycle.status(facts(row), on) in permitted
    _refuse_unless(fits, row, step)


def _refuse_unless(fits: bool, row: Row[Any], step: Step) -> None:
    if fits:
        return
    signed = day(row.signed_on)
    raise NotInForce(
        Text(
            f"aftalen om {row.product} underskrevet {signed.da} kan ikke {steps.ACTS[step].da} nu",
            f"the agreement on {row.product} signed on {signed.en} cannot {steps.ACTS[step].en} now",
        )
    )


def _record(
    session: Session, row: Row[Any], step: Step, data: Mapping[str, Any], changed: Mapping[str, Any], trail: Trail
) -> None:
    registers = {"changed": [dict(changed)]}
    if row.offer_id is None:
        subject = f"{row.cvr} {row.product} {row.signed_on}"
        trail.record(f"agreement.{step}", subject, {"agreement": row.id} | dict(data) | registers)
        return
    offer = offered.get(session, row.offer_id)
    steps.check(offer.steps, len(offer.signatories), step)
    steps.take(session, [Next(offer, offer.steps, step, About(data=data), registers)], trail)


# --- merger


def replace_after_merger(
    session: Session, agreement_id: int, old_ids: Sequence[int], reason: str, resting: Resting, trail: Trail
) -> None:
    """Let a successor's agreement take the place of those of the authorities it follows.

    The old ones end the day before the new one is in force. Where one of them was active, the successor owes no joining
    fee again. Raises NoSuccessor, NotInForce or Rests; nothing is done then, and the caller rolls back.
    """
    new, told = _get(session, agreement_id), offers.reason_given(reason)
    _refuse_status(new, offered.local_day(trail.at), (Status.COUNTERSIGNED, Status.IN_FORCE), Step.REPLACED)
    olds = [_get(session, id_) for id_ in old_ids]
    _refuse_strangers(session, new, olds)
    last = new.in_force_from - timedelta(days=1)
    for old in olds:
        _end(session, old, last, {"by": f"{new.cvr} {new.signed_on}", "reason": told}, resting, trail)
    _carry_joining_fee(session, new, olds, resting, trail)


def _refuse_strangers(session: Session, new: Row[Any], olds: Sequence[Row[Any]]) -> None:
    lives = register.lives(session)
    for old in olds:
        follows = new.authority_id in set(succession.line(lives, old.authority_id)) and old.id != new.id
        if old.product_id == new.product_id and follows:
            continue
        raise NoSuccessor(
            Text(
                f"CVR {new.cvr} er ikke registreret som efterfølger for CVR {old.cvr}, eller produktet er et andet",
                f"CVR {new.cvr} is not registered as successor of CVR {old.cvr}, or the product is another",
            )
        )
    if not olds or new.in_force_from is None:
        raise NoSuccessor(Text("ingen aftale at erstatte", "no agreement to replace"))


def _end(session: Session, old: Row[Any], last: date, data: Mapping[str, Any], resting: Resting, trail: Trail) -> None:
    for line in resting.get((old.cvr, old.product, old.signed_on), ()):
        if line.year is not None and last < periods.new_year(line.year):
            raise Rests(register.rests(line.number))
    if old.terminated_to is not None and old.terminated_to <= last:
        return
    changed = conclusion.change(session, old.id, {"terminated_to": last})
    _record(session, old, Step.REPLACED, data, changed, trail)


def _carry_joining_fee(
    session: Session, new: Row[Any], olds: Sequence[Row[Any]], resting: Resting, trail: Trail
) -> None:
    """Say that the successor's joining fee was settled by the first who joined, unless it is invoiced already."""
    active = [old.signed_on for old in olds if lifecycle.is_active(facts(old), date.max)]
    if not active or new.joining_fee_invoiced_on is not None:
        return
    for line in resting.get((new.cvr, new.product, new.signed_on), ()):
        if line.year is None:
            raise Rests(register.rests(line.number))
    changed = conclusion.change(session, new.id, {"joining_fee_invoiced_on": min(active)})
    trail.record("agreement.succeeded", f"{new.cvr} {new.product} {new.signed_on}", {"changed": [changed]})
