"""What a signed offer becomes: the row that the annual run reads, written by the last signature of the authority.

Nothing is owed before the association has countersigned. Where the authority has the product already, the new text
renews that agreement: its signing day, and with it its joining fee, stays. A membership's row is written by the
countersignature; where the authority is a member already, the new text renews that membership.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, bindparam, insert, select, update
from sqlalchemy.orm import Session

from agreements import offered
from agreements.connections import AGREEMENTS
from agreements.document import AgreementDocument
from agreements.lifecycle import Kind
from agreements.offered import Offer
from agreements.steps import OFFERS, STEPS, Step
from authorities.membership import MEMBERSHIPS
from foundation.audit import Broken
from foundation.errors import Conflict
from foundation.language import Text, day

Registers = Mapping[str, Any]

_AT_A_TIME = 500


class Clashes(Conflict):
    """The authority has an agreement that the offer does not fit with."""


# --- questions


@dataclass(frozen=True, slots=True)
class Ground:
    """What authorities have already, read once for all offers that are held against it."""

    own: Mapping[int, Row[Any]]  # the agreements that the offers became, by the offer
    agreements: Mapping[tuple[int, int], Sequence[Row[Any]]]  # by authority and product, the last signed first
    memberships: Mapping[int, Sequence[Row[Any]]]  # by authority, the first joined first
    partnerships: Mapping[int, int]  # the offers that memberships came from, by authority


def ground(session: Session, offers: Sequence[Offer]) -> Ground:
    """Read what the authorities of offers have, in four queries for every 500."""
    connecting = sorted({each.authority_id for each in offers if each.product_id is not None})
    joining = sorted({each.authority_id for each in offers if each.product_id is None})
    own = of_offers(session, [each.id for each in offers])
    agreements: dict[tuple[int, int], list[Row[Any]]] = defaultdict(list)
    for row in _of_authorities(session, AGREEMENTS, AGREEMENTS.c.signed_on.desc(), connecting):
        agreements[row.authority_id, row.product_id].append(row)
    memberships: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in _of_authorities(session, MEMBERSHIPS, MEMBERSHIPS.c.joined_on, joining):
        memberships[row.authority_id].append(row)
    return Ground(own, agreements, memberships, partnerships(session, joining))


def partnerships(session: Session, authority_ids: Sequence[int]) -> dict[int, int]:
    """Give the offers that memberships of authorities came from, by authority: those agreed on and not replaced."""
    found: dict[int, int] = {}
    agreed = offered.having([Step.COUNTERSIGNED, Step.RECORDED], [Step.REPLACED]).where(OFFERS.c.product_id.is_(None))
    for start in range(0, len(authority_ids), _AT_A_TIME):
        some = OFFERS.c.authority_id.in_(authority_ids[start : start + _AT_A_TIME])
        rows = session.execute(agreed.add_columns(OFFERS.c.authority_id).where(some).order_by(OFFERS.c.id))
        found |= {row.authority_id: row.id for row in rows}
    return found


def _of_authorities(
    session: Session, table: Table, order: ColumnElement[Any], authority_ids: Sequence[int]
) -> Iterator[Row[Any]]:
    for start in range(0, len(authority_ids), _AT_A_TIME):
        some = table.c.authority_id.in_(authority_ids[start : start + _AT_A_TIME])
        yield from session.execute(select(table).where(some).order_by(order))


def refuse_clash(session: Session, offer: Offer) -> None:
    """Refuse what does not fit with what the authority has already. Raises Clashes."""
    _refuse_clash(ground(session, [offer]), offer)


def _refuse_clash(stands: Ground, offer: Offer) -> None:
    if offer.product_id is None:
        _refuse_leaving(stands, offer)
        return
    for row in _standing(stands, offer):
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


def _refuse_leaving(stands: Ground, offer: Offer) -> None:
    """Refuse a new text for a membership that has a last day."""
    member = _member(stands, offer)
    if member is not None and member.left_on is not None:
        since = day(member.joined_on)
        raise Clashes(
            Text(
                f"medlemskabet siden {since.da} er opsagt; træk opsigelsen tilbage, eller begynd senere",
                f"the membership since {since.en} is under notice; withdraw the notice, or begin later",
            )
        )


def _member(stands: Ground, offer: Offer) -> Row[Any] | None:
    """Give the membership that an offer renews, or None where it begins one."""
    rows, on = stands.memberships.get(offer.authority_id, ()), offer.document.effective_on
    return next((row for row in rows if row.left_on is None or row.left_on > on), None)


def running(session: Session, authority_id: int, product_id: int | None, on: date) -> Row[Any] | None:
    """Give the countersigned agreement of an authority on a product that has not ended by a day, or None."""
    facts = AGREEMENTS.c
    rows = session.execute(
        select(AGREEMENTS)
        .where(facts.authority_id == authority_id, facts.product_id == product_id)
        .order_by(facts.signed_on.desc())
    )
    return next((row for row in rows if row.countersigned_on is not None and not _has_ended(row, on)), None)


def _renewed(stands: Ground, offer: Offer) -> Row[Any] | None:
    """Give the agreement in force that the offer renews, or None where it begins one."""
    return next(iter(_standing(stands, offer)), None)


def _standing(stands: Ground, offer: Offer) -> list[Row[Any]]:
    """Give the authority's agreements on the product that have not ended by the offer's day, its own apart."""
    rows = stands.agreements.get((offer.authority_id, offer.product_id or 0), ())
    return [row for row in rows if row.offer_id != offer.id and not _has_ended(row, offer.document.effective_on)]


def _has_ended(row: Row[Any], on: date) -> bool:
    return row.terminated_to is not None and row.terminated_to < max(on, row.signed_on)


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
    stands = ground(session, [offer])
    _refuse_clash(stands, offer)
    if offer.product_id is None or _renewed(stands, offer) is not None:
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


@dataclass(frozen=True, slots=True)
class Concluded:
    """What the countersignature of an offer does to the registers, written by `conclude`."""

    offer: Offer
    registers: Registers
    own: int | None = None  # the agreement it became, which is dated
    renewed: tuple[int, Mapping[str, Any]] | None = None  # the agreement it renews, and what changes of it
    replaced: int | None = None  # the offer that the renewed agreement or membership came from
    joined: Mapping[str, Any] | None = None  # the membership that begins
    member: tuple[int, Mapping[str, Any]] | None = None  # the membership it renews, and its billing details


def countersigned(stands: Ground, offer: Offer, on: date) -> Concluded:
    """Tell what puts an agreement in force from its day: the annual run takes it from there. Raises Clashes."""
    if offer.product_id is None:
        return _joining(stands, offer)
    if (own := stands.own.get(offer.id)) is not None:
        return Concluded(offer, {"changed": [_told(own, {"countersigned_on": on})]}, own=own.id)
    _refuse_clash(stands, offer)
    old = _renewed(stands, offer)
    if old is None:  # what it was to renew has ended meanwhile
        raise Clashes(
            Text(
                "aftalen, den skulle forny, er ophørt; tilbyd en ny",
                "the agreement it was to renew has ended; offer anew",
            )
        )
    becomes_active = offer.kind == Kind.ACTIVE and not _is_active(old)
    active_from = offer.document.effective_on if becomes_active else old.active_from
    values = _billing(offer.document) | {"offer_id": offer.id, "active_from": active_from}
    registers = {"changed": [_told(old, values)], "renewed": old.offer_id}
    return Concluded(offer, registers, renewed=(old.id, values), replaced=old.offer_id)


def _joining(stands: Ground, offer: Offer) -> Concluded:
    """Tell what begins a membership, or renews the one that stands: its first day, and with it its dues, stays."""
    _refuse_leaving(stands, offer)
    billing = {fact: value for fact, value in _billing(offer.document).items() if fact in MEMBERSHIPS.c}
    member = _member(stands, offer)
    if member is None:
        values = {"authority_id": offer.authority_id, "joined_on": offer.document.effective_on, "left_on": None}
        return Concluded(offer, {"joined": values | billing}, joined=values | billing)
    before = stands.partnerships.get(offer.authority_id)
    registers = {"member": _told(member, billing), "renewed": before}
    return Concluded(offer, registers, member=(member.id, billing), replaced=before)


def conclude(session: Session, listed: Sequence[Concluded], on: date) -> None:
    """Write to the registers what countersignatures do: a statement of each kind for every 500."""
    own, ids = [each.own for each in listed if each.own is not None], AGREEMENTS.c.id
    for start in range(0, len(own), _AT_A_TIME):
        some = own[start : start + _AT_A_TIME]
        session.execute(update(AGREEMENTS).where(ids.in_(some)).values(countersigned_on=on))
    _change_each(session, AGREEMENTS, [each.renewed for each in listed if each.renewed])
    _change_each(session, MEMBERSHIPS, [each.member for each in listed if each.member])
    if joined := [dict(each.joined) for each in listed if each.joined]:
        session.execute(insert(MEMBERSHIPS), joined)


def _change_each(session: Session, table: Table, changes: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
    """Write the same facts of rows by their ids, each its own, in one statement."""
    if not changes:
        return
    changed: dict[str, Any] = {name: bindparam(name) for name in changes[0][1]}
    statement = update(table).where(table.c.id == bindparam("row_id")).values(changed)
    session.connection().execute(statement, [{"row_id": id_} | dict(values) for id_, values in changes])


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
