"""Offers: an agreement's text with its fees, drafted, offered, and what becomes of it until somebody signs.

A draft and an offer are the same row; offering freezes it. A changed text or fee is a new version of the same
reference, and the old one dies when the new one is offered. An offer that ran out, was declined or withdrawn is
followed by one with a new reference. Where an offer stands is read from its steps (`agreements.steps`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agreements import conclusion, offered, rights, steps, templates
from agreements.document import AgreementDocument, FeeAnnex
from agreements.offered import SIGNATORIES, NoSuchOffer, Offer, Signatory
from agreements.rights import Person
from agreements.steps import OFFERS, About, Next, Stand, Step
from authorities.register import AUTHORITIES
from foundation import append_only, wording
from foundation.audit import Trail
from foundation.errors import Conflict, Refused, RowFault, RowsRefused
from foundation.language import Text, day, joined, same

#: So many may sign for one authority.
MOST_SIGNATORIES = 6
#: For so many days an offer may stand at most.
MOST_DAYS = 365

_REFERENCE = re.compile(r"A-([0-9]{4})-([0-9]{5,})\Z")


class OfferRefused(Refused):
    """What was to be offered is malformed; `faults` tells what, by field."""

    def __init__(self, faults: Mapping[str, Text]) -> None:
        super().__init__(joined([same(f"{name}: ") + fault for name, fault in faults.items()], by="\n"))
        self.faults = faults


class DocumentDiffers(Conflict):
    """The document is not of this reference, version, kind or signatories."""


class NoFeeAnnex(Conflict):
    """A draft without the price sheet in force cannot be offered."""


class FeesMoved(Conflict):
    """By today's price sheets and figures the fees are others than the document says."""


class OfferedAlready(Conflict):
    """The authority has another offer on the same that is not decided."""


class RanOut(Conflict):
    """The offer's last day has passed."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to draft: for whom, on what (None: membership of the association), by which template, signed by whom."""

    authority_id: int
    product_id: int | None
    template_id: int
    signatories: tuple[Signatory, ...]
    in_order: bool = True
    valid_days: int = 30


#: Makes the document once its reference and version are known.
Build = Callable[[str, int], AgreementDocument]


# --- drafting; each act needs the writer's lock, and the caller commits


def draft(session: Session, order: Order, build: Build, trail: Trail, *, replaces: int | None = None) -> Offer:
    """Draft an offer; `replaces` is the version it changes, or the dead offer it follows.

    Raises OfferRefused, RowsRefused with every wrong signatory, DocumentDiffers, NoSuchOffer or steps.NotPermitted.
    """
    signatories = checked_signatories(order.signatories)
    if not 1 <= order.valid_days <= MOST_DAYS:
        raise OfferRefused({"valid_days": Text(f"mellem 1 og {MOST_DAYS}", f"between 1 and {MOST_DAYS}")})
    _refuse_ended(session, order.authority_id, offered.local_day(trail.at))
    old = None if replaces is None else offered.get(session, replaces, [order.authority_id])
    reference, version = _next_name(session, old, offered.local_day(trail.at))
    made = build(reference, version)
    _refuse_other(made, reference, version, replace(order, signatories=signatories))
    _refuse_template(session, made, order)
    offer = _store(session, order, signatories, made, trail, replaces)
    if old is not None and old.stand is Stand.DRAFT:
        replaced = Next(old, old.steps, Step.REPLACED, About(data={"by": offer.name}))
        steps.take(session, [replaced], trail)
    return offer


def checked_signatories(given: Sequence[Signatory]) -> tuple[Signatory, ...]:
    """Give signatories as they are kept, places counted from 1. Raises RowsRefused with every wrong one."""
    clean = [
        Signatory(at, _clean(each.name), _clean(each.title), _clean(each.mail), each.right_id)
        for at, each in enumerate(given, start=1)
    ]
    faults = list(_signatory_faults(clean))
    if faults:
        raise RowsRefused("underskrivere", faults)
    return tuple(clean)


def _clean(words: str) -> str:
    return wording.composed(words).strip()


def _signatory_faults(given: Sequence[Signatory]) -> Iterator[RowFault]:
    if not given:
        yield RowFault(1, "", Text("mindst én skal underskrive", "at least one must sign"))
    seen: dict[object, int] = {}
    for each in given:
        for field, fault in rights.people_faults(Person(each.name, each.mail, each.title)).items():
            yield RowFault(each.position, field, fault)
        for key in (("right", each.right_id or -each.position), ("person", wording.looks(each.name + each.mail))):
            if (first := seen.setdefault(key, each.position)) != each.position:
                twice = Text(f"er den samme som nr. {first}", f"is the same as number {first}")
                yield RowFault(each.position, "name", twice)
                break
        if each.position > MOST_SIGNATORIES:
            most = Text(f"højst {MOST_SIGNATORIES} kan underskrive", f"{MOST_SIGNATORIES} can sign at most")
            yield RowFault(each.position, "", most)


def _refuse_ended(session: Session, authority_id: int, on: date) -> None:
    row = session.execute(
        select(AUTHORITIES.c.name, AUTHORITIES.c.valid_to).where(AUTHORITIES.c.id == authority_id)
    ).first()
    if row is None:
        raise NoSuchOffer(Text("myndigheden findes ikke", "there is no such authority"))
    if row.valid_to is not None and row.valid_to < on:
        ended = Text(f"{row.name} er ophørt", f"{row.name} has ended")
        raise OfferRefused({"authority": ended})


def _next_name(session: Session, old: Offer | None, on: date) -> tuple[str, int]:
    """Give reference and version: the next version where the old one lives, else a new reference."""
    if old is not None and old.stand_on(on) not in steps.DEAD:
        steps.check(old.steps, len(old.signatories), Step.REPLACED)
        if old.stand in (Stand.AGREED, Stand.UNDER_NOTICE):
            raise steps.NotPermitted(
                Text("aftalen er indgået; tilbyd en ny", "the agreement is concluded; offer another one")
            )
        highest = select(func.max(OFFERS.c.version)).where(OFFERS.c.reference == old.reference)
        return old.reference, int(session.execute(highest).scalar_one()) + 1
    year = on.year
    references = session.execute(select(OFFERS.c.reference).where(OFFERS.c.reference.like(f"A-{year}-%"))).scalars()
    used = [int(found[2]) for each in references if (found := _REFERENCE.match(each))]
    return f"A-{year}-{max(used, default=0) + 1:05}", 1


def _refuse_other(made: AgreementDocument, reference: str, version: int, order: Order) -> None:
    people = [(each.position, each.name, each.title, each.mail) for each in order.signatories]
    said = [(each.position, each.name, each.title, each.mail) for each in made.signatories]
    right = (made.reference, made.version, said, made.in_order) == (reference, version, people, order.in_order)
    if right and bool(made.subject.product) == (order.product_id is not None):
        return
    raise DocumentDiffers(
        Text(
            f"dokumentet er ikke {reference} v{version} med de samme underskrivere og det samme produkt",
            f"the document is not {reference} v{version} with the same signatories and product",
        )
    )


def _refuse_template(session: Session, made: AgreementDocument, order: Order) -> None:
    adopted, said = templates.get(session, order.template_id), made.template
    if (said.name, said.version, said.digest) != (adopted.name, adopted.version, adopted.digest):
        raise DocumentDiffers(
            Text("dokumentet er ikke lavet af den skabelon", "the document was not made of that template")
        )


def _store(
    session: Session,
    order: Order,
    signatories: Sequence[Signatory],
    made: AgreementDocument,
    trail: Trail,
    replaces: int | None,
) -> Offer:
    row: dict[str, Any] = {
        "id": append_only.next_id(session, OFFERS), "reference": made.reference, "version": made.version,
        "replaces_id": replaces, "authority_id": order.authority_id, "product_id": order.product_id,
        "template_id": order.template_id, "kind": made.kind, "document": made.canonical(), "digest": made.digest(),
        "signatories_in_order": int(order.in_order), "valid_days": order.valid_days, "drafted_by": trail.actor,
        "drafted_at": trail.at,
    }  # fmt: skip
    append_only.add(session, OFFERS, [row])
    first = append_only.next_id(session, SIGNATORIES)
    people = [
        {"id": first + at, "offer_id": row["id"], "position": each.position, "name": each.name, "title": each.title,
         "mail": each.mail, "right_id": each.right_id} for at, each in enumerate(signatories)
    ]  # fmt: skip
    append_only.add(session, SIGNATORIES, people)
    data = {"offer": row["id"], "digest": row["digest"], "replaces": replaces}
    written = [(OFFERS, row), *((SIGNATORIES, person) for person in people)]
    trail.record("agreement.written", f"{made.reference} v{made.version}", data, rows=written)
    session.flush()
    steps.take(session, [Next(offered.get(session, row["id"]), (), Step.DRAFTED)], trail)
    return offered.get(session, row["id"])


# --- offering


def offer(session: Session, offer_id: int, fees_today: FeeAnnex, trail: Trail) -> Offer:
    """Offer a draft: from now on its text, its fees and their digest are frozen, and the version before is dead.

    `fees_today` is the fee annex made now. Raises steps.NotPermitted, NoFeeAnnex, FeesMoved, OfferedAlready, or what
    `conclusion.refuse_clash` raises.
    """
    found = offered.get(session, offer_id)
    steps.check(found.steps, len(found.signatories), Step.OFFERED)
    refuse_moved_fees(found, fees_today)
    conclusion.refuse_clash(session, found)
    today = offered.local_day(trail.at)
    over = [_over(old, found, today) for old in _undecided(session, found, today)]
    last = today + timedelta(days=found.valid_days)
    now = Next(found, found.steps, Step.OFFERED, About(data={"expires_on": last}))
    steps.take(session, [*over, now], trail)
    return offered.get(session, offer_id)


def refuse_moved_fees(found: Offer, fees_today: FeeAnnex) -> None:
    """Refuse where the document's fees are not those of today, whatever the day. Raises NoFeeAnnex, FeesMoved."""
    annex = found.document.annex
    if not annex.sheets:
        raise NoFeeAnnex(
            Text(
                "udkastet har intet takstblad som bilag; lav det igen",
                "the draft has no price sheet as an annex; draft it again",
            )
        )
    if _figures(fees_today) != _figures(annex):
        raise FeesMoved(
            Text(
                f"takster eller tal er ændret siden {day(annex.on).da}; der skal laves en ny version",
                f"fees or figures have changed since {day(annex.on).en}; a new version must be made",
            )
        )


def _figures(annex: FeeAnnex) -> tuple[object, ...]:
    """Give what of the fees binds: the sheets and the amounts, without the words and days around them."""
    lines = [[(line.kind, line.amount_ore) for line in of] for of in (annex.lines, annex.later)]
    sheets = sorted(sheet.digest for sheet in annex.sheets)
    return annex.year, sheets, annex.band, annex.inhabitants, annex.member, lines, annex.total_ore


def _undecided(session: Session, found: Offer, on: date) -> Iterator[Offer]:
    """Give the version that dies by this one, and what ran out. Raises OfferedAlready where another offer waits."""
    same_matter = OFFERS.c.product_id.is_(None) if found.product_id is None else OFFERS.c.product_id == found.product_id
    undecided = offered.having([Step.OFFERED], [Step.DECLINED, Step.WITHDRAWN, Step.EXPIRED, Step.REPLACED])
    ids = session.execute(undecided.where(OFFERS.c.authority_id == found.authority_id, same_matter)).scalars()
    for other in offered.many(session, ids):
        if other.stand in steps.OPEN and (other.reference == found.reference or other.has_run_out(on)):
            yield other
        elif other.stand in steps.OPEN | {Stand.SIGNED}:
            raise OfferedAlready(
                Text(
                    f"{other.name} er {steps.STANDS[other.stand].da} og ikke afgjort; træk det tilbage først",
                    f"{other.name} is {steps.STANDS[other.stand].en} and undecided; withdraw it first",
                )
            )


def _over(old: Offer, by: Offer, on: date) -> Next:
    """Give the step by which an offer is over: it ran out, or another version takes its place."""
    if old.has_run_out(on):
        return _expired(old)
    steps.check(old.steps, len(old.signatories), Step.REPLACED)
    signed = [each.mail for each in old.signatories if each.position in old.signed]
    return Next(old, old.steps, Step.REPLACED, About(data={"by": by.name, "told": signed}))


def withdraw(session: Session, offer_id: int, reason: str, trail: Trail) -> Offer:
    """Take a draft or an offer back, also a signed one that is not countersigned: its agreement then never begins.

    Raises steps.NotPermitted or OfferRefused.
    """
    found = offered.get(session, offer_id)
    steps.check(found.steps, len(found.signatories), Step.WITHDRAWN)
    told = reason_given(reason)
    registers = conclusion.taken_back(session, found) if found.stand is Stand.SIGNED else None
    about = About(
        data={"reason": told, "told": [each.mail for each in found.signatories if each.position in found.signed]}
    )
    steps.take(session, [Next(found, found.steps, Step.WITHDRAWN, about, registers)], trail)
    return offered.get(session, offer_id)


def reason_given(reason: str) -> str:
    """Give a reason as it is kept. Raises OfferRefused."""
    told = wording.composed(reason).strip()
    fault = wording.fault(told) if told else Text("giv en grund", "give a reason")
    if fault:
        raise OfferRefused({"reason": fault})
    return told


# --- time


def expire_due(session: Session, trail: Trail) -> list[Offer]:
    """Let the offers run out whose last day has passed; give them. Doing it twice is safe."""
    due = running_out(session, offered.local_day(trail.at))
    steps.take(session, [_expired(each) for each in due], trail)
    return offered.many(session, [each.id for each in due])


def _expired(found: Offer) -> Next:
    return Next(found, found.steps, Step.EXPIRED, About(data={"expires_on": found.expires_on}))


def running_out(session: Session, on: date) -> list[Offer]:
    """Give the offers that have run out by a day, and of which that is not recorded yet."""
    return [each for each in offered.open_ones(session) if each.has_run_out(on)]


def refuse_run_out(found: Offer, on: date) -> None:
    """Refuse an offer whose last day has passed, whether or not that is recorded yet. Raises RanOut."""
    if found.stand in steps.OPEN and found.expires_on is not None and found.has_run_out(on):
        last = day(found.expires_on)
        raise RanOut(
            Text(
                f"tilbuddet udløb {last.da}; bed sekretariatet om et nyt",
                f"the offer ran out on {last.en}; ask the secretariat for a new one",
            )
        )


def reminders_due(session: Session, on: date, every: int) -> list[Offer]:
    """Give the offers whose signatories have heard nothing for `every` days and that have not run out."""
    return [
        each
        for each in offered.open_ones(session)
        if not each.has_run_out(on) and _last_heard(each) + timedelta(days=every) <= on
    ]


def _last_heard(found: Offer) -> date:
    heard = (Step.OFFERED, Step.REMINDED, Step.SIGNED)
    return max(offered.local_day(each.at) for each in found.steps if each.step in heard)


def remind_due(session: Session, after: Sequence[int], trail: Trail) -> list[Offer]:
    """Record that those were reminded whose day has come, so many days after they were asked; give their offers.

    Doing it twice is safe. Where several of the days have passed, one reminder makes up for them.
    """
    due = to_remind(session, after, offered.local_day(trail.at))
    told = [About(data={"told": [one.mail for one in each.waiting]}) for each in due]
    wanted = [Next(each, each.steps, Step.REMINDED, about) for each, about in zip(due, told, strict=True)]
    steps.take(session, wanted, trail)
    return offered.many(session, [each.id for each in due])


def to_remind(session: Session, after: Sequence[int], on: date) -> list[Offer]:
    """Give the offers of which somebody is to be reminded on a day."""
    return [each for each in offered.open_ones(session) if not each.has_run_out(on) and _is_due(each, after, on)]


def _is_due(found: Offer, after: Sequence[int], today: date) -> bool:
    asked = max(offered.local_day(each.at) for each in found.steps if each.step in (Step.OFFERED, Step.SIGNED))
    passed = [asked + timedelta(days=days) for days in after if asked + timedelta(days=days) <= today]
    return bool(passed) and _last_heard(found) < passed[-1]


def remind(session: Session, offer_id: int, trail: Trail) -> tuple[Offer, tuple[Signatory, ...]]:
    """Record that those were reminded who may sign now; give them. Raises steps.NotPermitted or RanOut."""
    found = offered.get(session, offer_id)
    steps.check(found.steps, len(found.signatories), Step.REMINDED)
    refuse_run_out(found, offered.local_day(trail.at))
    about = About(data={"told": [each.mail for each in found.waiting]})
    steps.take(session, [Next(found, found.steps, Step.REMINDED, about)], trail)
    return offered.get(session, offer_id), found.waiting
