"""Agreements signed on paper or elsewhere: recorded with their file by one person, approved by another, never sealed.

What the paper says is proposed as facts together with the SHA-256 of the kept file; approving writes the agreement.
Where an offer here was answered on paper, the recording ends the offer. A rejection keeps its reason; a new proposal
may follow.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
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
from foundation.audit import Trail, canonical, sha256
from foundation.errors import Conflict, DomainError, FieldsRefused, NotFound, Refused, RowFault, RowsRefused
from foundation.intake import Row, Rows
from foundation.language import Text, joined, same
from foundation.proposals import Proposal

RECORDED: Table = RecordedAgreement.__table__  # type: ignore[assignment]

Route = Literal["paper", "elsewhere"]
ROUTES: tuple[Route, ...] = get_args(Route)

_KIND: proposals.Kind = "recorded_agreement"
_AT_A_TIME = 500


class FactsRefused(FieldsRefused):
    """What the paper is said to say cannot be; `faults` tells what, by field."""


class RecordedAlready(Conflict):
    """The authority has an agreement on the product signed that day."""


class OtherList(Conflict):
    """The list is not the one that was shown, or holds two papers of which only one can stand."""


class NothingToRecord(Refused):
    """None of what was chosen can be recorded."""


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
    contact_mail: str | None = None
    note: str = ""

    @property
    def subject(self) -> str:
        """What names it among proposals."""
        return f"{self.cvr} {self.product} {self.signed_on}"


_BILLING = tuple(field.name for field in fields(Details) if field.name in {fact.name for fact in fields(Facts)})
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


@dataclass(frozen=True, slots=True)
class _Ground:
    """What facts are held against, read once for all of them."""

    authorities: Mapping[str, int]  # by CVR number
    products: Mapping[str, int]
    known: frozenset[tuple[int, int, date]]  # authority, product, signing day of what is in the register
    offers: Mapping[str, Offer]  # those that papers answer, by reference


def _ground(session: Session, listed: Sequence[Facts]) -> _Ground:
    authorities, named = register.ids_by_cvr(session), products.ids_by_name(session)
    concerned = sorted({authorities[facts.cvr] for facts in listed if facts.cvr in authorities})
    answered = [facts.reference for facts in listed if facts.reference]
    known = frozenset(_known(session, concerned))
    return _Ground(authorities, named, known, offered.newest_by_reference(session, answered))


def _known(session: Session, authority_ids: Sequence[int]) -> Iterator[tuple[int, int, date]]:
    columns = AGREEMENTS.c
    for start in range(0, len(authority_ids), _AT_A_TIME):
        some = columns.authority_id.in_(authority_ids[start : start + _AT_A_TIME])
        rows = session.execute(select(columns.authority_id, columns.product_id, columns.signed_on).where(some))
        yield from (tuple(row) for row in rows)


def _faults(ground: _Ground, facts: Facts, today: date) -> Iterator[tuple[str, Text]]:
    """Tell what is wrong with facts, by field; nothing where they are right."""
    if facts.cvr not in ground.authorities:
        yield "cvr", register.unknown_cvr(facts.cvr)
    if facts.product not in ground.products:
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
    ground = _ground(session, [facts])
    if found := dict(_faults(ground, facts, offered.local_day(trail.at))):
        raise FactsRefused(found)
    _refuse_known(ground, facts)
    _answered(ground, facts)
    return _propose(session, [(facts, file)], trail, address)[0]


def _propose(
    session: Session, papers: Sequence[tuple[Facts, tuple[str, bytes]]], trail: Trail, address: str
) -> list[Proposal]:
    kept = files.keep_all(session, [file for _, file in papers], trail)
    wanted = [
        (facts.subject, canonical({"facts": asdict(facts), "sha256": file.sha256}))
        for (facts, _), file in zip(papers, kept, strict=True)
    ]
    return proposals.propose_newest_all(session, _KIND, wanted, trail, from_address(address))


def from_address(address: str) -> dict[str, str]:
    """Give what the trail keeps of where somebody acted from; nothing of a command line."""
    return {"address": address} if address else {}


def _key(ground: _Ground, facts: Facts) -> tuple[int, int, date]:
    return ground.authorities[facts.cvr], ground.products[facts.product], facts.signed_on


def _refuse_known(ground: _Ground, facts: Facts) -> None:
    if _key(ground, facts) in ground.known:
        raise RecordedAlready(
            Text(
                f"aftalen om {facts.product} underskrevet {facts.signed_on} står allerede i registret",
                f"the agreement on {facts.product} signed on {facts.signed_on} is in the register already",
            )
        )


def _answered(ground: _Ground, facts: Facts) -> Offer | None:
    """Give the offer that the paper answers. Raises FactsRefused where it is another's, or steps.NotPermitted."""
    if not facts.reference:
        return None
    found = ground.offers.get(facts.reference)
    if found is None:
        raise offered.no_such(facts.reference)
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
    return approve_every(session, [id_], None, trail, address)[id_]


def approve_every(
    session: Session, ids: Sequence[int], digest: str | None, trail: Trail, address: str = ""
) -> dict[int, int]:
    """Record what was proposed, all or none; give the agreements' numbers by the proposals'.

    Raises the refusal of the first that cannot be, and OtherList where a digest is given and is another list's.
    """
    listed, left_out, digest_now = _judged(session, ids, trail.actor)
    if missing := set(ids) - {each.proposal.id for each in listed} - {each.id for each, _ in left_out}:
        raise proposals.no_such(min(missing))
    _refuse_other_list(digest_now, digest)
    if left_out:
        raise left_out[0][1]
    made = _record(session, listed, trail, address)
    return {each.proposal.id: number for each, number in zip(listed, made, strict=True)}


def _judged(
    session: Session, ids: Sequence[int], actor: str
) -> tuple[list[_Approvable], list[tuple[Proposal, DomainError]], str]:
    """Tell which proposals can be recorded and which cannot, in a fixed number of queries; and the list's digest."""
    chosen = proposals.many(session, ids, _KIND)
    ground = _ground(session, [proposed(each)[0] for each in chosen])
    listed, left_out = list[_Approvable](), list[tuple[Proposal, DomainError]]()
    for each in chosen:
        try:
            approvable = _approvable(ground, each, actor)
            _refuse_second(listed, approvable)
            listed.append(approvable)
        except DomainError as refused:
            left_out.append((each, refused))
    return listed, left_out, list_digest(chosen)


def _refuse_other_list(stands: str, shown: str | None) -> None:
    if shown is not None and stands != shown:
        raise OtherList(Text("listen er en anden end den viste", "the list is another than the one shown"))


@dataclass(frozen=True, slots=True)
class _Approvable:
    """What can be recorded: the proposal with its facts and its file's SHA-256, and the offer that it answers."""

    proposal: Proposal
    facts: Facts
    sha256: str
    key: tuple[int, int, date]
    offer: Offer | None


def _approvable(ground: _Ground, proposal: Proposal, actor: str) -> _Approvable:
    proposals.refuse_undecidable(proposal, "approved", actor)
    facts, digest = proposed(proposal)
    _refuse_known(ground, facts)
    return _Approvable(proposal, facts, digest, _key(ground, facts), _answered(ground, facts))


def _record(session: Session, listed: Sequence[_Approvable], trail: Trail, address: str) -> list[int]:
    """Write the agreements, how they were recorded, and the steps that end the offers they answer."""
    proposals.decide_all(session, [each.proposal for each in listed], "approved", trail, about=from_address(address))
    values = [_values(each) for each in listed]
    ids = _insert(session, values)
    kept = files.by_digests(session, sorted({each.sha256 for each in listed}))
    first = append_only.next_id(session, RECORDED)
    rows = [
        {
            "id": first + at, "agreement_id": ids[each.key], "proposal_id": each.proposal.id,
            "file_id": kept[each.sha256].id, "route": each.facts.route, "recorded_by": each.proposal.proposed_by,
            "approved_by": trail.actor, "at": trail.at,
        }
        for at, each in enumerate(listed)
    ]  # fmt: skip
    append_only.add(session, RECORDED, rows)
    for each, row, added in zip(listed, rows, values, strict=True):
        told = {"agreement": row["agreement_id"], "sha256": each.sha256, "route": each.facts.route, "added": [added]}
        trail.record("agreement.kept", each.facts.subject, told, rows=[(RECORDED, row)])
    steps.take(session, [_ending(each, each.offer) for each in listed if each.offer is not None], trail)
    return [ids[each.key] for each in listed]


def _insert(session: Session, values: Sequence[Mapping[str, Any]]) -> dict[tuple[int, int, date], int]:
    """Write agreements in one statement; give their ids by authority, product and signing day."""
    columns = AGREEMENTS.c
    given = (columns.authority_id, columns.product_id, columns.signed_on, columns.id)
    rows = session.execute(insert(AGREEMENTS).returning(*given), list(values))
    return {(row.authority_id, row.product_id, row.signed_on): row.id for row in rows}


def _ending(done: _Approvable, offer: Offer) -> Next:
    about = {"route": done.facts.route, "file_sha256": done.sha256, "signed_on": done.facts.signed_on}
    return Next(offer, offer.steps, Step.RECORDED, About(data=about))


def _values(approvable: _Approvable) -> dict[str, Any]:
    given, (authority_id, product_id, _) = asdict(approvable.facts), approvable.key
    nothing = {column.name: None for column in AGREEMENTS.columns if column.name != "id"}
    return nothing | {name: given[name] or None for name in ("kind", *_DAYS, *_BILLING)} | {
        "authority_id": authority_id, "product_id": product_id, "rebate_ore": 0,
        "offer_id": None if approvable.offer is None else approvable.offer.id,
    }  # fmt: skip


# --- many at once


def list_digest(listed: Sequence[Proposal]) -> str:
    """Give the digest of a list of papers as it is shown to who approves it."""
    return sha256(canonical(sorted([each.id, each.digest] for each in listed)))


@dataclass(frozen=True, slots=True)
class Recorded:
    """What approving a list came to: the agreements' numbers, and what was left out and why."""

    agreement_ids: tuple[int, ...]
    left_out: tuple[tuple[Proposal, Text], ...]


def approve_all(session: Session, ids: Sequence[int], digest: str, trail: Trail, address: str = "") -> Recorded:
    """Record a list of papers in one act; what cannot be is left out and named.

    Raises OtherList where the list is not the one shown, NothingToRecord.
    """
    listed, left_out, digest_now = _judged(session, ids, trail.actor)
    _refuse_other_list(digest_now, digest)
    told = tuple((each, refused.text) for each, refused in left_out)
    if not listed:
        raise NothingToRecord(_nothing(told))
    return Recorded(tuple(_record(session, listed, trail, address)), told)


def _refuse_second(listed: Sequence[_Approvable], wanted: _Approvable) -> None:
    """Refuse a paper that answers the same offer as another of the list."""
    if wanted.offer is not None and any(each.facts.reference == wanted.facts.reference for each in listed):
        raise OtherList(Text("et andet papir på listen besvarer det samme tilbud",
                             "another paper of the list answers the same offer"))  # fmt: skip


def _nothing(left_out: Sequence[tuple[Proposal, Text]]) -> Text:
    nothing = Text("der er intet at registrere", "there is nothing to record")
    return joined([nothing, *(same(f"{each.subject}: ") + why for each, why in left_out)], by="\n  ")


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
    listed = [(row, Facts(**_told(row))) for row in rows]
    ground = _ground(session, [facts for _, facts in listed])
    for row, facts in listed:
        named = dict(_faults(ground, facts, today)) | _file_faults(row["file"], found)
        if not named:
            named = _row_faults(ground, facts)
        if (first := seen.setdefault(facts.subject, row.number)) != row.number:
            named["cvr"] = Text(f"samme nøgle som række {first}", f"the same key as row {first}")
        wrong += [RowFault(row.number, name, fault) for name, fault in named.items()]
        made.append((facts, row["file"]))
    if wrong:
        raise RowsRefused(rows.source, sorted(wrong, key=lambda fault: (fault.row, fault.column)), rows.untold)
    return _propose(session, [(facts, (name, found[name])) for facts, name in made], trail, address)


def _told(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.cells.items() if name != "file" and value is not None}


def _file_faults(name: str, found: Mapping[str, bytes]) -> dict[str, Text]:
    if name not in found:
        return {"file": Text("filen er ikke med", "the file is not among those given")}
    try:
        files.check(found[name])
    except files.FileRefused as refused:
        return {"file": refused.text}
    return {}


def _row_faults(ground: _Ground, facts: Facts) -> dict[str, Text]:
    try:
        _refuse_known(ground, facts)
        _answered(ground, facts)
    except FactsRefused as refused:
        return dict(refused.faults)
    except NotFound as refused:
        return {"reference": refused.text}
    except Conflict as refused:
        return {"signed_on": refused.text}
    return {}
