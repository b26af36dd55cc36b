"""What a signed offer becomes: the row that the annual run reads, written by the last signature of the authority.

Nothing is owed before the association has countersigned. Where the authority has the product already, the new text
renews that agreement: its signing day, and with it its joining fee, stays. A membership's row is written by the
countersignature.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.orm import Session

from agreements.connections import AGREEMENTS
from agreements.document import AgreementDocument
from agreements.lifecycle import Kind
from agreements.offered import Offer
from agreements.steps import STEPS, Step
from authorities.membership import MEMBERSHIPS
from foundation.audit import Broken
from foundation.errors import Conflict
from foundation.language import Text, day

Registers = Mapping[str, Any]

_AT_A_TIME = 500


class Clashes(Conflict):
    """The authority has an agreement that the offer does not fit with."""


# --- questions


def refuse_clash(session: Session, offer: Offer) -> None:
    """Refuse what does not fit with what the authority has already. Raises Clashes."""
    if offer.product_id is None:
        _refuse_member(session, offer)
        return
    effective = offer.document.effective_on
    for row in _standing(session, offer, effective):
        since = day(row.signed_on)
        if row.countersigned_on is None:
            raise Clashes(
                Text(
                    f"aftalen underskrevet {since.da} venter på OS2's underskrift",
                    f"the agreement signed on {since.en} waits for the signature of OS2",
                )
            )
        if row.notice_given_on is not None:
            raise Clashes(
                Text(
                    f"aftalen underskrevet {since.da} er opsagt; træk opsigelsen tilbage, eller begynd senere",
                    f"the agreement signed on {since.en} is under notice; withdraw the notice, or begin later",
                )
            )
        if offer.kind == Kind.PASSIVE and _is_active(row):
            raise Clashes(
                Text(
                    "en aktiv tilslutning kan ikke blive passiv; den kan opsiges",
                    "an active connection cannot become passive; it can be given notice",
                )
            )


def _refuse_member(session: Session, offer: Offer) -> None:
    effective, columns = offer.document.effective_on, MEMBERSHIPS.c
    member = session.execute(
        select(columns.joined_on).where(
            columns.authority_id == offer.authority_id, columns.left_on.is_(None) | (columns.left_on > effective)
        )
    ).scalar()
    if member is not None:
        since = day(member)
        raise Clashes(Text(f"myndigheden er medlem siden {since.da}", f"the authority is a member since {since.en}"))


def renewed(session: Session, offer: Offer) -> Row[Any] | None:
    """Give the agreement in force that the offer renews, or None where it begins one."""
    return next(iter(_standing(session, offer, offer.document.effective_on)), None)


def running(session: Session, authority_id: int, product_id: int | None, on: date) -> Row[Any] | None:
    """Give the countersigned agreement of an authority on a product that has not ended by a day, or None."""
    found = _unended(session, authority_id, product_id, on)
    return next((row for row in found if row.countersigned_on is not None), None)


def _standing(session: Session, offer: Offer, on: date) -> list[Row[Any]]:
    """Give the authority's agreements on the product that have not ended by a day, this offer's own apart."""
    found = _unended(session, offer.authority_id, offer.product_id, on)
    return [row for row in found if row.offer_id != offer.id]


def _unended(session: Session, authority_id: int, product_id: int | None, on: date) -> list[Row[Any]]:
    facts = AGREEMENTS.c
    rows = session.execute(
        select(AGREEMENTS)
        .where(facts.authority_id == authority_id, facts.product_id == product_id)
        .order_by(facts.signed_on.desc())
    )
    return [row for row in rows if row.terminated_to is None or row.terminated_to >= max(on, row.signed_on)]


def _is_active(row: Row[Any]) -> bool:
    return bool(row.kind == Kind.ACTIVE or row.active_from is not None)


def of_offer(session: Session, offer_id: int) -> Row[Any] | None:
    """Give the agreement an offer became, or None."""
    return session.execute(select(AGREEMENTS).where(AGREEMENTS.c.offer_id == offer_id)).first()


def of_offers(session: Session, offer_ids: Sequence[int]) -> dict[int, Row[Any]]:
    """Give the agreements that offers became, by the offer, in one query for every 500."""
    found: dict[int, Row[Any]] = {}
    for start in range(0, len(offer_ids), _AT_A_TIME):
        some = offer_ids[start : start + _AT_A_TIME]
        rows = session.execute(select(AGREEMENTS).where(AGREEMENTS.c.offer_id.in_(some)))
        found |= {row.offer_id: row for row in rows}
    return found


def faults(session: Session) -> Iterator[Broken]:
    """Name each agreement from an offer that is countersigned in the register and not by a step, or the reverse."""
    facts, agreeing = AGREEMENTS.c, [Step.COUNTERSIGNED.value, Step.RECORDED.value]
    agreed_on = set(session.execute(select(STEPS.c.offer_id).where(STEPS.c.step.in_(agreeing))).scalars())
    found = select(facts.id, facts.offer_id, facts.countersigned_on).where(facts.offer_id.is_not(None))
    for row in session.execute(found.order_by(facts.id)):
        agreed = row.offer_id in agreed_on
        if agreed != (row.countersigned_on is not None):
            told = Text(
                "registret siger andet end underskrifterne", "the register says something else than the signatures"
            )
            yield Broken("agreements", f"agreement {row.id}", told)


# --- acts; each gives what it did to the registers, as the audit trail tells it


def signed(session: Session, offer: Offer, on: date) -> Registers:
    """Write the agreement all signatories have signed; not yet countersigned, so nothing is owed. Raises Clashes."""
    refuse_clash(session, offer)
    if offer.product_id is None or renewed(session, offer) is not None:
        return {}
    values = _values(offer, on)
    key = (AGREEMENTS.c.authority_id == offer.authority_id, AGREEMENTS.c.product_id == offer.product_id,
           AGREEMENTS.c.signed_on == on)  # fmt: skip
    known = session.execute(select(AGREEMENTS).where(*key)).first()
    if known is None:
        session.execute(insert(AGREEMENTS).values(values))
        return {"added": [values]}
    return {"changed": [_change(session, known, values)]}  # signed and taken back on the same day


def _values(offer: Offer, on: date) -> dict[str, Any]:
    said = offer.document
    nothing = {column.name: None for column in AGREEMENTS.columns if column.name != "id"}
    return nothing | _billing(said) | {
        "authority_id": offer.authority_id, "product_id": offer.product_id, "kind": said.kind, "signed_on": on,
        "in_force_from": said.effective_on, "offer_id": offer.id, "rebate_ore": said.grants.rebate_ore,
        "rebate_reason": said.grants.rebate_reason or None,
        "joining_fee_exempt_reason": said.grants.exempt_reason or None,
    }  # fmt: skip


def _billing(said: AgreementDocument) -> dict[str, Any]:
    facts = ("endpoint", "gln", "person_reference", "order_reference", "accounting_cost", "format")
    return {fact: getattr(said.billing, fact) or None for fact in facts}


def countersigned(session: Session, offer: Offer, own: Row[Any] | None, on: date) -> Registers:
    """Put an agreement in force from its day: the annual run takes it from here. Raises Clashes.

    `own` is the agreement the offer became, which `date_all` dates with all others of the act.
    """
    if offer.product_id is None:
        return _join(session, offer)
    if own is not None:
        return {"changed": [_told(own, {"countersigned_on": on})]}
    refuse_clash(session, offer)
    old = renewed(session, offer)
    if old is None:  # what it was to renew has ended meanwhile
        raise Clashes(
            Text(
                "aftalen, den skulle forny, er ophørt; tilbyd en ny",
                "the agreement it was to renew has ended; offer anew",
            )
        )
    values = _billing(offer.document) | {"offer_id": offer.id}
    if offer.kind == Kind.ACTIVE and not _is_active(old):
        values["active_from"] = offer.document.effective_on
    return {"changed": [_change(session, old, values)], "renewed": old.offer_id}


def date_all(session: Session, offer_ids: Sequence[int], on: date) -> None:
    """Date the agreements that offers became as countersigned, in one statement for every 500."""
    for start in range(0, len(offer_ids), _AT_A_TIME):
        some = offer_ids[start : start + _AT_A_TIME]
        session.execute(update(AGREEMENTS).where(AGREEMENTS.c.offer_id.in_(some)).values(countersigned_on=on))


def _join(session: Session, offer: Offer) -> Registers:
    _refuse_member(session, offer)
    values = {"authority_id": offer.authority_id, "joined_on": offer.document.effective_on, "left_on": None}
    values |= {fact: value for fact, value in _billing(offer.document).items() if fact in MEMBERSHIPS.c}
    session.execute(insert(MEMBERSHIPS).values(values))
    return {"joined": values}


def taken_back(session: Session, offer: Offer) -> Registers:
    """End an agreement the day before it was signed: it was never countersigned, and concerns no year."""
    own = of_offer(session, offer.id)
    if own is None:
        return {}
    return {"changed": [_change(session, own, {"terminated_to": own.signed_on - timedelta(days=1)})]}


def change(session: Session, agreement_id: int, values: Mapping[str, Any]) -> dict[str, Any]:
    """Change facts of an agreement; give what changed, from what to what."""
    known = session.execute(select(AGREEMENTS).where(AGREEMENTS.c.id == agreement_id)).one()
    return _change(session, known, values)


def _change(session: Session, known: Row[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    session.execute(update(AGREEMENTS).where(AGREEMENTS.c.id == known.id).values(dict(values)))
    return _told(known, values)


def _told(known: Row[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Give what changes of an agreement, from what to what."""
    was = known._mapping
    return {"id": known.id} | {name: [was[name], now] for name, now in values.items() if was[name] != now}
