"""Approving a plan by its digest, and telling what differs when the facts have moved on since."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, func, select
from sqlalchemy.orm import Session

from billing import annual_run, gathering
from billing.annual_run import Digest, Proposal
from billing.gathering import Book
from billing.models import ApprovedInvoice, Invoice, PlanApproval
from billing.seller import Seller
from foundation import append_only, audit
from foundation.audit import Trail
from foundation.errors import Conflict
from foundation.language import Text, joined, kroner, same
from foundation.money import Money

APPROVALS: Table = PlanApproval.__table__  # type: ignore[assignment]
APPROVED: Table = ApprovedInvoice.__table__  # type: ignore[assignment]
INVOICES: Table = Invoice.__table__  # type: ignore[assignment]

#: What an approval, and what issuing, leave in the audit trail; neither decides what is owed.
APPROVED_ACTION = "plan.approved"
ISSUED_ACTION = "invoice.issued"
_HARMLESS = (APPROVED_ACTION, "plan.invoices", ISSUED_ACTION, "documents.rendered")

_ROWS_AT_A_TIME = 500
_DIFFERENCES_SHOWN = 20


class PlanChanged(Conflict):
    """What would be invoiced now is not what was approved."""


class NotApproved(Conflict):
    """There is no approval to issue by."""


@dataclass(frozen=True, slots=True)
class Approval:
    """An approved plan. `is_new` tells whether it was recorded now."""

    id: int
    digest: str
    invoices: int
    net: Money
    approved_by: str
    seller_digest: str
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Outstanding:
    """An approved invoice that has no number yet."""

    id: int
    position: int
    authority_id: int
    digest: str


def latest(session: Session, year: int, book: Book) -> Approval | None:
    """Give the newest approval of a year in a book."""
    row = session.execute(
        select(APPROVALS)
        .where(APPROVALS.c.year == year, APPROVALS.c.book == book)
        .order_by(APPROVALS.c.id.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    return Approval(row.id, row.digest, row.invoices, Money(row.net_ore), row.approved_by, row.seller_digest)


def approve(session: Session, year: int, digest: str, seller: Seller, trail: Trail, *, book: Book = "real") -> Approval:
    """Approve the plan of a year, if it still has that digest. The same approval twice is one.

    Raises PlanChanged where today's plan has another digest; the caller then rolls back.
    """
    known = latest(session, year, book)
    if known is not None and known.digest == digest:
        return known
    id_ = append_only.next_id(session, APPROVALS)
    made, invoices, net = _store_invoices(session, year, seller, book, id_, trail)
    if made != digest:
        raise PlanChanged(
            Text(
                f"planen for {year} har nu en anden kontrolsum: {made}. "
                f"Læs den igen (billing plan {year}) og godkend den",
                f"the plan for {year} has another digest now: {made}. "
                f"Read it again (billing plan {year}) and approve that",
            )
        )
    if not invoices:
        return Approval(0, digest, 0, net, trail.actor, seller.digest)
    row = {
        "id": id_, "year": year, "book": book, "digest": digest, "invoices": invoices, "net_ore": net.ore,
        "seller_digest": seller.digest, "approved_by": trail.actor, "approved_at": trail.at,
    }  # fmt: skip
    append_only.add(session, APPROVALS, [row])
    trail.record(APPROVED_ACTION, f"{year} {book}", {"digest": digest}, rows=[(APPROVALS, row)])
    return Approval(id_, digest, invoices, net, trail.actor, seller.digest, is_new=True)


def _store_invoices(
    session: Session, year: int, seller: Seller, book: Book, approval_id: int, trail: Trail
) -> tuple[str, int, Money]:
    digest, invoices, net = Digest(year, book, seller), 0, 0
    next_id = append_only.next_id(session, APPROVED)
    pending: list[dict[str, Any]] = []
    for payer in annual_run.payer_plans(session, gathering.begin(session, year, book), seller):
        for proposal in payer.proposals:
            invoices, net = invoices + 1, net + proposal.draft.net.ore
            digest.add(proposal.digest)
            pending.append(_row(next_id, approval_id, invoices, proposal))
            next_id += 1
        if len(pending) >= _ROWS_AT_A_TIME:
            _write(session, pending, trail)
    _write(session, pending, trail)
    return digest.hexdigest(), invoices, Money(net)


def _row(id_: int, approval_id: int, position: int, proposal: Proposal) -> dict[str, Any]:
    return {
        "id": id_,
        "approval_id": approval_id,
        "position": position,
        "authority_id": proposal.draft.payer.id,
        "digest": proposal.digest,
        "content": proposal.content,
    }


def _write(session: Session, pending: list[dict[str, Any]], trail: Trail) -> None:
    append_only.add(session, APPROVED, pending)
    if pending:
        subject = f"{pending[0]['position']}-{pending[-1]['position']}"
        trail.record("plan.invoices", subject, rows=[(APPROVED, row) for row in pending])
    pending.clear()


def is_undisturbed(session: Session, year: int, book: Book) -> bool:
    """Tell from the audit trail whether nothing that decides a plan was written since its newest approval.

    Every register, table and setting leaves an entry when it changes. So a whole plan need not be made again just to
    find it unchanged; each batch still compares the payers it issues to.
    """
    entries = audit.ENTRIES.c
    approved_at = session.execute(
        select(func.max(entries.position)).where(entries.action == APPROVED_ACTION, entries.subject == f"{year} {book}")
    ).scalar()
    if approved_at is None:
        return False
    disturbing = select(entries.position).where(entries.position > approved_at, entries.action.not_in(_HARMLESS))
    return session.execute(disturbing.limit(1)).first() is None


def outstanding(session: Session, approval: Approval, *, limit: int | None = None) -> list[Outstanding]:
    """Give the approved invoices without a number, in order; all of a payer's or none."""
    columns = (APPROVED.c.id, APPROVED.c.position, APPROVED.c.authority_id, APPROVED.c.digest)
    issued = select(INVOICES.c.approved_invoice_id)
    found = select(*columns).where(APPROVED.c.approval_id == approval.id, APPROVED.c.id.not_in(issued))
    rows = session.execute(found.order_by(APPROVED.c.position).limit(limit)).all()
    if limit is not None and len(rows) == limit:
        last = rows[-1].authority_id
        more = found.where(APPROVED.c.authority_id == last, APPROVED.c.position > rows[-1].position)
        rows = [*rows, *session.execute(more.order_by(APPROVED.c.position))]
    return [Outstanding(row.id, row.position, row.authority_id, row.digest) for row in rows]


def compare(session: Session, approved: Sequence[Outstanding], proposed: Iterable[Proposal]) -> None:
    """Hold what would be invoiced now against what was approved. Raises PlanChanged naming what differs."""
    left: dict[int, list[Outstanding]] = defaultdict(list)
    for invoice in approved:
        left[invoice.authority_id].append(invoice)
    unapproved: list[Proposal] = []
    for proposal in proposed:
        same_digest = [o for o in left[proposal.draft.payer.id] if o.digest == proposal.digest]
        if same_digest:
            left[proposal.draft.payer.id].remove(same_digest[0])
        else:
            unapproved.append(proposal)
    gone = [invoice for listed in left.values() for invoice in listed]
    if unapproved or gone:
        raise PlanChanged(_told(list(_differences(session, gone, unapproved))))


def _told(differences: list[Text]) -> Text:
    head = Text(
        "det, der ville blive faktureret, er ikke længere det godkendte; intet er udstedt i denne omgang. "
        "Læs planen igen og godkend den. Forskelle:",
        "what would be invoiced is no longer what was approved; nothing was issued in this round. "
        "Read the plan again and approve it. Differences:",
    )
    shown = differences[:_DIFFERENCES_SHOWN]
    if len(differences) > len(shown):
        more = len(differences) - len(shown)
        shown.append(Text(f"… og {more} mere", f"… and {more} more"))
    return joined([head, *shown], by="\n  ")


def _differences(session: Session, gone: Sequence[Outstanding], new: Sequence[Proposal]) -> Iterator[Text]:
    contents = {
        row.id: json.loads(row.content)
        for row in session.execute(
            select(APPROVED.c.id, APPROVED.c.content).where(APPROVED.c.id.in_([g.id for g in gone]))
        )
    }
    was = _lines(contents[invoice.id] for invoice in gone)
    now = _lines(json.loads(proposal.content) for proposal in new)
    for place in sorted({*was, *now}):
        before, after = was.get(place), now.get(place)
        if before != after:
            yield same(f"{place[0]}, {place[1]}: ") + _change(before, after)


def _lines(contents: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    found = {}
    for content in contents:
        shared = {"payer": content["payer"], "details": content["details"]}
        for line in content["lines"]:
            found[content["payer"][1], f"{line['product'] or 'OS2'} {line['kind']}"] = {**shared, **line}
    return found


def _change(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Text:
    if before is None or after is None:
        amount = kroner(_net(before or after or {}))
        if before is None:
            return Text(f"ny linje, {amount.da}", f"a new line, {amount.en}")
        return Text(f"{amount.da} bortfalder", f"{amount.en} falls away")
    was, now = kroner(_net(before)), kroner(_net(after))
    facts = ", ".join(_changed_facts(before, after))
    return Text(f"godkendt {was.da}, nu {now.da} ({facts})", f"approved {was.en}, now {now.en} ({facts})")


def _net(line: Mapping[str, Any]) -> Money:
    return Money(line["product_ore"] + line["association_ore"])


def _changed_facts(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    flat_before, flat_after = (dict(_flat(line)) for line in (before, after))
    for fact in sorted({*flat_before, *flat_after}):
        if flat_before.get(fact) != flat_after.get(fact) and not fact.endswith("_ore"):
            yield f"{fact.removeprefix('reason.')}: {flat_before.get(fact)} → {flat_after.get(fact)}"


def _flat(line: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in line.items():
        if isinstance(value, Mapping):
            yield from _flat(value, prefix=f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
