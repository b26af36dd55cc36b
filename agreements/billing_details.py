"""Where an authority's invoices go: the billing details of its memberships and agreements, their changes and history.

Who works for the authority may propose a change; the secretariat makes one, or approves a proposal. A proposal keeps
what stood when it was made, and is refused where that has changed since.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import Row, Table, select, update
from sqlalchemy.orm import Session

from agreements.connections import AGREEMENTS
from agreements.products import PRODUCTS
from authorities.membership import MEMBERSHIPS
from authorities.register import AUTHORITIES
from foundation import identifiers, letters, proposals, wording
from foundation.audit import ENTRIES, Trail, canonical
from foundation.errors import Conflict, NotFound, Refused
from foundation.language import Text, joined, same
from foundation.proposals import Proposal

PlaceKind = Literal["agreement", "membership"]

ACTION = "billing_details.changed"
FORMATS = ("oioubl", "peppol")
ENDPOINTS = ("gln", "cvr")

_IMPORTS: Mapping[str, PlaceKind] = {"agreements.imported": "agreement", "members.imported": "membership"}
_LONGEST_REFERENCE = 100  # characters, as in the files
_ENTRIES_READ = 1_000


class NoSuchPlace(NotFound):
    """The authority has no such agreement or membership."""


class DetailsRefused(Refused):
    """Billing details are not right; every fault is named."""


class NothingChanged(Refused):
    """The details are what they were."""


class DetailsMoved(Conflict):
    """The details were changed after the proposal was made."""


@dataclass(frozen=True, slots=True)
class Details:
    """Billing details as they are kept; None is not given. A membership has no `endpoint`."""

    endpoint: str | None = None
    gln: str | None = None
    person_reference: str | None = None
    order_reference: str | None = None
    accounting_cost: str | None = None
    format: str | None = None
    contact_mail: str | None = None  # who gets copies by mail, where the agreement that was signed names nobody


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """What billing details belong to: an agreement, or a membership of the association."""

    kind: PlaceKind
    id: int


@dataclass(frozen=True, slots=True)
class Standing:
    """The details of one place: its product (empty for a membership), since when, and until when (None: still)."""

    place: Place
    product: str
    since: date
    until: date | None
    details: Details


@dataclass(frozen=True, slots=True)
class Change:
    """One fact of the details that changed: who did it, when, from what to what."""

    at: datetime
    actor: str
    place: Place
    fact: str
    was: str | None
    now: str | None


_FACTS = tuple(field.name for field in fields(Details))
_TABLES: Mapping[PlaceKind, Table] = {"agreement": AGREEMENTS, "membership": MEMBERSHIPS}


# --- questions


def of(session: Session, authority_id: int) -> list[Standing]:
    """Give all places of an authority with their details, in two queries: memberships first, newest first."""
    members = session.execute(
        select(MEMBERSHIPS).where(MEMBERSHIPS.c.authority_id == authority_id).order_by(MEMBERSHIPS.c.joined_on.desc())
    )
    agreements = session.execute(
        select(AGREEMENTS, PRODUCTS.c.name)
        .join(PRODUCTS, AGREEMENTS.c.product_id == PRODUCTS.c.id)
        .where(AGREEMENTS.c.authority_id == authority_id)
        .order_by(PRODUCTS.c.name, AGREEMENTS.c.signed_on.desc())
    )
    found = [Standing(Place("membership", row.id), "", row.joined_on, row.left_on, _details(row)) for row in members]
    for row in agreements:
        found.append(Standing(Place("agreement", row.id), row.name, row.signed_on, row.terminated_to, _details(row)))
    return found


def _details(row: Row[Any]) -> Details:
    return Details(**{fact: row._mapping.get(fact) for fact in _FACTS})


def history(session: Session, authority_id: int) -> list[Change]:
    """Give every change of an authority's details that the audit trail tells, newest first, in four queries.

    Changes that came with an import are among them.
    """
    places = {standing.place for standing in of(session, authority_id)}
    cvr = session.execute(select(AUTHORITIES.c.cvr).where(AUTHORITIES.c.id == authority_id)).scalar()
    told = select(ENTRIES.c.position, ENTRIES.c.at, ENTRIES.c.actor, ENTRIES.c.action, ENTRIES.c.data).where(
        ((ENTRIES.c.action == ACTION) & (ENTRIES.c.subject == cvr)) | ENTRIES.c.action.in_(_IMPORTS)
    )
    rows = session.execute(told.order_by(ENTRIES.c.position.desc()).limit(_ENTRIES_READ))
    return [change for row in rows for change in _changes(row) if change.place in places]


def _changes(row: Any) -> Iterator[Change]:
    for one in json.loads(row.data)["changed"]:
        place = Place(_IMPORTS.get(row.action) or one["place"], one["id"])
        for fact in _FACTS:
            if fact in one:
                yield Change(row.at, row.actor, place, fact, *one[fact])


# --- acts; each needs the writer's lock, and the caller commits


def change(session: Session, authority_id: int, wanted: Mapping[Place, Details], trail: Trail) -> int:
    """Change details of an authority's places; give how many places changed. What is the same already is left.

    Raises NoSuchPlace, or DetailsRefused with every fault.
    """
    changes = _checked(session, authority_id, wanted)
    for place, (was, now) in changes.items():
        table, values = _TABLES[place.kind], _differing(was, now)
        session.execute(
            update(table).where(table.c.id == place.id).values({fact: new for fact, (_, new) in values.items()})
        )
    if changes:
        trail.record(ACTION, _cvr(session, authority_id), {"changed": [_told(*each) for each in changes.items()]})
    return len(changes)


def propose(session: Session, authority_id: int, wanted: Mapping[Place, Details], trail: Trail) -> Proposal:
    """Propose changes; they take the place of those proposed for the authority before.

    Raises NoSuchPlace, DetailsRefused with every fault, or NothingChanged.
    """
    changes = _checked(session, authority_id, wanted)
    if not changes:
        raise NothingChanged(Text("oplysningerne er, som de var", "the details are what they were"))
    content = canonical([{"kind": p.kind, "id": p.id, "was": asdict(was), "to": asdict(to)}
                         for p, (was, to) in sorted(changes.items())])  # fmt: skip
    return proposals.propose_newest(session, "billing_details", _cvr(session, authority_id), content, trail)


def approve(session: Session, id_: int, trail: Trail) -> int:
    """Approve proposed changes and make them, another person than who proposed them; give how many places changed.

    Raises DetailsMoved where the details were changed since, and what `proposals.decide` and `change` raise; the
    caller then rolls back.
    """
    proposal = proposals.approve(session, id_, "billing_details", trail)
    authority_id = session.execute(select(AUTHORITIES.c.id).where(AUTHORITIES.c.cvr == proposal.subject)).scalar_one()
    proposed = proposed_by(proposal)
    stands = {standing.place: standing.details for standing in of(session, authority_id)}
    if any(stands.get(place) != was for place, (was, _) in proposed.items()):
        raise DetailsMoved(
            Text(
                f"faktureringsoplysningerne er ændret, efter at forslag {id_} blev stillet; afvis det og bed om et nyt",
                f"the billing details were changed after proposal {id_} was made; reject it and ask for a new one",
            )
        )
    return change(session, authority_id, {place: to for place, (_, to) in proposed.items()}, trail)


def proposed_by(proposal: Proposal) -> dict[Place, tuple[Details, Details]]:
    """Read what a proposal would change: by place, from what to what."""
    found = json.loads(proposal.content)
    return {Place(one["kind"], one["id"]): (Details(**one["was"]), Details(**one["to"])) for one in found}


def _cvr(session: Session, authority_id: int) -> str:
    return str(session.execute(select(AUTHORITIES.c.cvr).where(AUTHORITIES.c.id == authority_id)).scalar_one())


def _told(place: Place, change: tuple[Details, Details]) -> dict[str, Any]:
    return {"place": place.kind, "id": place.id, **_differing(*change)}


def _differing(was: Details, now: Details) -> dict[str, list[str | None]]:
    return {
        fact: [getattr(was, fact), getattr(now, fact)] for fact in _FACTS if getattr(was, fact) != getattr(now, fact)
    }


# --- checking


def faults(place: Place, given: Details) -> dict[str, Text]:
    """Tell what is wrong with details, by fact; nothing where they are right."""
    return dict(_faults(place, _clean(given)))


def _checked(
    session: Session, authority_id: int, wanted: Mapping[Place, Details]
) -> dict[Place, tuple[Details, Details]]:
    """Give what would change, by place. Raises NoSuchPlace or DetailsRefused."""
    stands = {standing.place: standing.details for standing in of(session, authority_id)}
    changes: dict[Place, tuple[Details, Details]] = {}
    found: list[Text] = []
    for place, given in wanted.items():
        if place not in stands:
            raise NoSuchPlace(
                Text("aftalen eller medlemskabet findes ikke", "there is no such agreement or membership")
            )
        details = _clean(given)
        found += [same(f"{fact}: ") + reason for fact, reason in _faults(place, details)]
        if details != stands[place]:
            changes[place] = (stands[place], details)
    if found:
        raise DetailsRefused(joined(found, by="\n"))
    return changes


def _clean(given: Details) -> Details:
    words = {fact: wording.composed(value or "").strip() for fact, value in asdict(given).items()}
    return Details(**{fact: value or None for fact, value in words.items()})


def _faults(place: Place, details: Details) -> Iterator[tuple[str, Text]]:
    for name in ("person_reference", "order_reference", "accounting_cost"):
        if fault := wording.fault(getattr(details, name) or "", _LONGEST_REFERENCE):
            yield name, fault
    if details.gln is not None and (fault := identifiers.gln_fault(details.gln)):
        yield "gln", fault
    if details.contact_mail is not None and (fault := letters.address_fault(details.contact_mail)):
        yield "contact_mail", fault
    if details.format is not None and details.format not in FORMATS:
        yield "format", Text("vælg oioubl eller peppol", "choose oioubl or peppol")
    choices = ENDPOINTS if place.kind == "agreement" else ()
    if details.endpoint is not None and details.endpoint not in choices:
        yield "endpoint", Text("vælg gln eller cvr, kun for en aftale", "choose gln or cvr, for an agreement only")
