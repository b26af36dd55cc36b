"""Agreements signed on paper or elsewhere: recorded with their file by one person, approved by another, never sealed.

What the paper says is proposed as facts together with the SHA-256 of the kept file; approving writes the agreement.
Where an offer here was answered on paper, the recording ends the offer. A rejection keeps its reason; a new proposal
may follow.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any, Literal, get_args

from sqlalchemy import Table, insert, select
from sqlalchemy.orm import Session

from agreements import files, offered, products, steps
from agreements.billing_details import Details, Place
from agreements.billing_details import faults as billing_faults
from agreements.connections import AGREEMENTS
from agreements.lifecycle import Kind
from agreements.models import RecordedAgreement
from agreements.offered import Offer
from agreements.steps import About, Next, Step
from authorities import register
from foundation import append_only, proposals, wording
from foundation.audit import Trail, canonical
from foundation.errors import Conflict, Refused, RowFault, RowsRefused
from foundation.intake import Rows
from foundation.language import Text, joined, same
from foundation.proposals import Proposal

RECORDED: Table = RecordedAgreement.__table__  # type: ignore[assignment]

Route = Literal["paper", "elsewhere"]
ROUTES: tuple[Route, ...] = get_args(Route)

_KIND: proposals.Kind = "recorded_agreement"
_BILLING = tuple(field.name for field in fields(Details))


class FactsRefused(Refused):
    """What the paper is said to say cannot be; `faults` tells what, by field."""

    def __init__(self, faults: Mapping[str, Text]) -> None:
        super().__init__(joined([same(f"{name}: ") + fault for name, fault in faults.items()], by="\n"))
        self.faults = faults


class RecordedAlready(Conflict):
    """The authority has an agreement on the product signed that day."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the paper says, as kept in the proposal; `reference` is that of the offer it answers, where there is one."""

    cvr: str
    product: str
    kind: str
    signed_on: date
    countersigned_on: date | None
    in_force_from: date
    route: Route = "paper"
    reference: str = ""
    notice_given_on: date | None = None
    terminated_to: date | None = None
    endpoint: str | None = None
    gln: str | None = None
    person_reference: str | None = None
    order_reference: str | None = None
    accounting_cost: str | None = None
    format: str | None = None
    note: str = ""

    @property
    def subject(self) -> str:
        """What names it among proposals."""
        return f"{self.cvr} {self.product} {self.signed_on}"


_DAYS = ("signed_on", "countersigned_on", "in_force_from", "notice_given_on", "terminated_to")


# --- questions


def of_agreement(session: Session, agreement_id: int) -> Any | None:
    """Give how an agreement was recorded, or None: it was signed here, or imported."""
    return session.execute(select(RECORDED).where(RECORDED.c.agreement_id == agreement_id)).first()


def proposed(proposal: Proposal) -> tuple[Facts, str]:
    """Give the facts a proposal holds, and the SHA-256 of its file."""
    held = json.loads(proposal.content)
    days = {name: date.fromisoformat(held["facts"][name]) for name in _DAYS if held["facts"][name]}
    return Facts(**(held["facts"] | days)), held["sha256"]


def faults(session: Session, facts: Facts, today: date) -> dict[str, Text]:
    """Tell what is wrong with facts, by field; nothing where they are right."""
    return dict(_faults(session, facts, today))


def _faults(session: Session, facts: Facts, today: date) -> Iterator[tuple[str, Text]]:
    if facts.cvr not in register.ids_by_cvr(session):
        yield "cvr", register.unknown_cvr(facts.cvr)
    if facts.product not in products.ids_by_name(session):
        yield "product", Text("ukendt produkt", "unknown product")
    if facts.kind not in [kind.value for kind in Kind]:
        yield "kind", Text("vælg active eller passive", "choose active or passive")
    if facts.route not in ROUTES:
        yield "route", Text("vælg paper eller elsewhere", "choose paper or elsewhere")
    if fault := wording.fault(facts.note):
        yield "note", fault
    yield from _day_faults(facts, today)
    yield from billing_faults(Place("agreement", 0), _details(facts)).items()


def _day_faults(facts: Facts, today: date) -> Iterator[tuple[str, Text]]:
    """Hold the days against the order of the permitted steps; what was signed was signed by today."""
    order = (("signed_on", "countersigned_on"), ("in_force_from", "terminated_to"), ("signed_on", "notice_given_on"),
             ("notice_given_on", "terminated_to"))  # fmt: skip
    for earlier, later in order:
        first, last = getattr(facts, earlier), getattr(facts, later)
        if first is not None and last is not None and last < first:
            yield later, Text(f"ligger før {earlier}", f"lies before {earlier}")
    for name in ("signed_on", "countersigned_on", "notice_given_on"):
        given = getattr(facts, name)
        if given is not None and given > today:
            yield name, Text("ligger i fremtiden", "lies in the future")
    if (facts.notice_given_on is None) != (facts.terminated_to is None):
        yield "notice_given_on", Text("opsigelse og sidste dag hører sammen", "notice and last day belong together")


def _details(facts: Facts) -> Details:
    return Details(**{name: getattr(facts, name) or None for name in _BILLING})


# --- acts; each needs the writer's lock, and the caller commits


def propose(session: Session, facts: Facts, file: tuple[str, bytes], trail: Trail, address: str = "") -> Proposal:
    """Propose to record an agreement with its file (name, bytes); it takes the place of one proposed for the same.

    `address` is where it was done from, as the browser's connection tells it; the trail keeps it.

    Raises FactsRefused with every fault by field, files.FileRefused, RecordedAlready, steps.NotPermitted.
    """
    if found := faults(session, facts, offered.local_day(trail.at)):
        raise FactsRefused(found)
    _refuse_known(session, facts)
    _answered(session, facts)
    kept = files.keep(session, *file, trail)
    content = canonical({"facts": asdict(facts), "sha256": kept.sha256})
    return proposals.propose_newest(session, _KIND, facts.subject, content, trail, from_address(address))


def from_address(address: str) -> dict[str, str]:
    """Give what the trail keeps of where somebody acted from; nothing of a command line."""
    return {"address": address} if address else {}


def _refuse_known(session: Session, facts: Facts) -> None:
    authority, product = register.ids_by_cvr(session)[facts.cvr], products.ids_by_name(session)[facts.product]
    known = select(AGREEMENTS.c.id).where(
        AGREEMENTS.c.authority_id == authority, AGREEMENTS.c.product_id == product,
        AGREEMENTS.c.signed_on == facts.signed_on,
    )  # fmt: skip
    if session.execute(known).first() is not None:
        raise RecordedAlready(
            Text(
                f"aftalen om {facts.product} underskrevet {facts.signed_on} står allerede i registret",
                f"the agreement on {facts.product} signed on {facts.signed_on} is in the register already",
            )
        )


def _answered(session: Session, facts: Facts) -> Offer | None:
    """Give the offer that the paper answers. Raises FactsRefused where it is another's, or steps.NotPermitted."""
    if not facts.reference:
        return None
    found = offered.newest(session, facts.reference)
    if facts.countersigned_on is None:
        missing = Text("mangler: tilbuddet er først besvaret, når begge har underskrevet",
                       "is missing: the offer is answered once both have signed")  # fmt: skip
        raise FactsRefused({"countersigned_on": missing})
    steps.check(found.steps, len(found.signatories), Step.RECORDED)
    said = found.document
    if (said.authority.cvr, said.subject.product, found.kind) != (facts.cvr, facts.product, facts.kind):
        other = Text("tilbuddet er til en anden, om et andet produkt eller af en anden slags",
                     "the offer is another's, on another product or of another kind")  # fmt: skip
        raise FactsRefused({"reference": other})
    return found


def approve(session: Session, id_: int, trail: Trail, address: str = "") -> int:
    """Record what was proposed, another person than who proposed it; give the agreement's number.

    Raises RecordedAlready, steps.NotPermitted, and what `proposals.decide` raises; the caller then rolls back.
    """
    proposal = proposals.approve(session, id_, _KIND, trail, from_address(address))
    facts, digest = proposed(proposal)
    _refuse_known(session, facts)
    offer = _answered(session, facts)
    values = _values(session, facts, None if offer is None else offer.id)
    agreement_id = int(session.execute(insert(AGREEMENTS).values(values).returning(AGREEMENTS.c.id)).scalar_one())
    row = {
        "id": append_only.next_id(session, RECORDED), "agreement_id": agreement_id, "proposal_id": id_,
        "file_id": files.by_sha256(session, digest).id, "route": facts.route, "recorded_by": proposal.proposed_by,
        "approved_by": trail.actor, "at": trail.at,
    }  # fmt: skip
    append_only.add(session, RECORDED, [row])
    told = {"agreement": agreement_id, "sha256": digest, "route": facts.route, "added": [values]}
    trail.record("agreement.kept", facts.subject, told, rows=[(RECORDED, row)])
    if offer is not None:
        about = About(data={"route": facts.route, "file_sha256": digest, "signed_on": facts.signed_on})
        steps.take(session, [Next(offer, offer.steps, Step.RECORDED, about)], trail)
    return agreement_id


def _values(session: Session, facts: Facts, offer_id: int | None) -> dict[str, Any]:
    given = asdict(facts)
    named = ("kind", *_DAYS, *_BILLING)
    nothing = {column.name: None for column in AGREEMENTS.columns if column.name != "id"}
    return nothing | {name: given[name] or None for name in named} | {
        "authority_id": register.ids_by_cvr(session)[facts.cvr],
        "product_id": products.ids_by_name(session)[facts.product], "rebate_ore": 0, "offer_id": offer_id,
    }  # fmt: skip


# --- many at once


def propose_all(
    session: Session, rows: Rows, found: Mapping[str, bytes], trail: Trail, address: str = ""
) -> list[Proposal]:
    """Propose a file's rows, all or none; each names its PDF in `file`, which is among those found.

    Raises RowsRefused with every wrong row.
    """
    wrong: list[RowFault] = list(rows.faults)
    seen: dict[str, int] = {}
    made: list[tuple[Facts, str]] = []
    today = offered.local_day(trail.at)
    for row in rows:
        facts = Facts(**{name: value for name, value in row.cells.items() if name != "file" and value is not None})
        named = faults(session, facts, today) | _file_faults(row["file"], found)
        if not named:
            named = _row_faults(session, facts)
        if (first := seen.setdefault(facts.subject, row.number)) != row.number:
            named["cvr"] = Text(f"samme nøgle som række {first}", f"the same key as row {first}")
        wrong += [RowFault(row.number, name, fault) for name, fault in named.items()]
        made.append((facts, row["file"]))
    if wrong:
        raise RowsRefused(rows.source, sorted(wrong, key=lambda fault: (fault.row, fault.column)), rows.untold)
    return [propose(session, facts, (name, found[name]), trail, address) for facts, name in made]


def _file_faults(name: str, found: Mapping[str, bytes]) -> dict[str, Text]:
    if name not in found:
        return {"file": Text("filen er ikke med", "the file is not among those given")}
    try:
        files.check(found[name])
    except files.FileRefused as refused:
        return {"file": refused.text}
    return {}


def _row_faults(session: Session, facts: Facts) -> dict[str, Text]:
    try:
        _refuse_known(session, facts)
        _answered(session, facts)
    except FactsRefused as refused:
        return dict(refused.faults)
    except Conflict as refused:
        return {"signed_on": refused.text}
    return {}
