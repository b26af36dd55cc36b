"""Approving a plan by its digest, and telling what differs when the facts have moved on since."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, Table, func, select
from sqlalchemy.orm import Session

from agreements import sealed, steps
from billing import annual_run, preparation
from billing.annual_run import Proposal
from billing.gathering import Book
from billing.models import ApprovedInvoice, Invoice, PlanApproval, PreparedInvoice
from billing.preparation import Faulty, Prepared
from billing.seller import Seller
from foundation import append_only, audit, proposals
from foundation.audit import Trail
from foundation.errors import Conflict
from foundation.language import Text, joined, kroner, same
from foundation.money import Money

APPROVALS: Table = PlanApproval.__table__  # type: ignore[assignment]
APPROVED: Table = ApprovedInvoice.__table__  # type: ignore[assignment]
PREPARED: Table = PreparedInvoice.__table__  # type: ignore[assignment]
INVOICES: Table = Invoice.__table__  # type: ignore[assignment]

#: What an approval, and what issuing, leave in the audit trail; neither decides what is owed.
APPROVED_ACTION = "plan.approved"
ISSUED_ACTION = "invoice.issued"
BATCH_ACTION = "batch.issued"  # its subject is that of the approval
HARMLESS = (
    APPROVED_ACTION, "plan.invoices", ISSUED_ACTION, BATCH_ACTION, "documents.rendered", "documents.validated",
    *proposals.ACTIONS, *steps.HARMLESS_ACTIONS, *sealed.ACTIONS, "export.made",
    "user.invited", "user.accepted", "user.ended", "role.granted", "role.ended", "seat.given", "seat.ended",
    "token.made", "token.ended",
)  # fmt: skip

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
    warnings: tuple[Text, ...] = ()


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

    Raises PlanChanged where today's plan has another digest, and Faulty where invoices fail our own checks; the caller
    then rolls back.
    """
    known = latest(session, year, book)
    if known is not None and known.digest == digest and _is_prepared(session, known):
        return known
    id_ = append_only.next_id(session, APPROVALS)
    storing = _Storing(session, id_, trail)
    made = annual_run.plan(session, year, seller, book=book, each=lambda proposal: storing.add(proposal, year, seller))
    storing.finish()
    if made.digest != digest:
        raise changed(year, made.digest)
    invoices, net = made.totals.invoices, made.totals.net
    if not invoices:
        return Approval(0, made.digest, 0, net, trail.actor, seller.digest)
    row = {
        "id": id_, "year": year, "book": book, "digest": made.digest, "invoices": invoices, "net_ore": net.ore,
        "seller_digest": seller.digest, "approved_by": trail.actor, "approved_at": trail.at,
    }  # fmt: skip
    append_only.add(session, APPROVALS, [row])
    trail.record(APPROVED_ACTION, subject(year, book), {"digest": made.digest}, rows=[(APPROVALS, row)])
    told = tuple(storing.warnings)
    return Approval(id_, made.digest, invoices, net, trail.actor, seller.digest, is_new=True, warnings=told)


def changed(year: int, digest: str) -> PlanChanged:
    """Give the refusal of a plan that is not what somebody read."""
    return PlanChanged(
        Text(
            f"planen for {year} har nu en anden kontrolsum: {digest}. Læs den igen, og godkend den",
            f"the plan for {year} has another digest now: {digest}. Read it again, and approve that",
        )
    )


def _is_prepared(session: Session, approval: Approval) -> bool:
    """Tell whether its invoices were prepared; an older version of this service prepared nothing."""
    lacking = (
        select(APPROVED.c.id)
        .outerjoin(PREPARED, PREPARED.c.approved_invoice_id == APPROVED.c.id)
        .where(APPROVED.c.approval_id == approval.id, PREPARED.c.id.is_(None))
    )
    return session.execute(lacking.limit(1)).first() is None


class _Storing:
    """Keeps the invoices of a plan while it is made, some at a time."""

    def __init__(self, session: Session, approval_id: int, trail: Trail) -> None:
        self._session, self._approval_id, self._trail = session, approval_id, trail
        self._next = {table.name: append_only.next_id(session, table) for table in (APPROVED, PREPARED)}
        self._position = 0
        self._approved: list[dict[str, Any]] = []
        self._prepared: list[dict[str, Any]] = []
        self._faulty: list[Text] = []
        self.warnings: list[Text] = []

    def add(self, proposal: Proposal, year: int, seller: Seller) -> None:
        """Take the next invoice."""
        try:
            prepared = preparation.prepare(proposal.draft, year, seller)
        except Faulty as faulty:
            self._faulty.append(faulty.text)
            return
        self.warnings += prepared.warnings
        self._position += 1
        approved = {
            "id": self._next_id(APPROVED),
            "approval_id": self._approval_id,
            "position": self._position,
            "authority_id": proposal.draft.payer.id,
            "digest": proposal.digest,
            "content": proposal.content,
        }
        self._approved.append(approved)
        self._prepared.append(
            {
                "id": self._next_id(PREPARED),
                "approved_invoice_id": approved["id"],
                "lines": prepared.lines,
                "body": prepared.body,
            }
        )
        if len(self._approved) >= _ROWS_AT_A_TIME:
            self._write()

    def finish(self) -> None:
        """Write what is left. Raises Faulty, naming every invoice that fails our own checks."""
        if self._faulty:
            raise Faulty(joined(first_few(self._faulty), by="\n  "))
        self._write()

    def _next_id(self, table: Table) -> int:
        self._next[table.name] += 1
        return self._next[table.name] - 1

    def _write(self) -> None:
        if not self._approved:
            return
        rows = [(APPROVED, row) for row in self._approved] + [(PREPARED, row) for row in self._prepared]
        append_only.add(self._session, APPROVED, self._approved)
        append_only.add(self._session, PREPARED, self._prepared)
        positions = f"{self._approved[0]['position']}-{self._approved[-1]['position']}"
        self._trail.record("plan.invoices", positions, rows=rows)
        self._approved, self._prepared = [], []


def first_few(listed: Sequence[Text]) -> list[Text]:
    """Give the first few of a long list, and how many more there are."""
    shown, more = list(listed[:_DIFFERENCES_SHOWN]), len(listed) - _DIFFERENCES_SHOWN
    return [*shown, Text(f"… og {more} mere", f"… and {more} more")] if more > 0 else shown


def subject(year: int, book: Book) -> str:
    """Name a plan in the audit trail."""
    return f"{year} {book}"


def is_undisturbed(session: Session, year: int, book: Book) -> bool:
    """Tell from the audit trail whether nothing that decides a plan was written since its newest approval.

    Every register, table and setting leaves an entry when it changes, so a plan need not be made again just to find it
    unchanged. What another year of the book issued may have taken a joining fee out of this one's plan. Reads the index
    of actions, not the entries.
    """
    entries, own = audit.ENTRIES.c, subject(year, book)
    approved_at = session.execute(
        select(func.max(entries.position)).where(entries.action == APPROVED_ACTION, entries.subject == own)
    ).scalar()
    if approved_at is None:
        return False
    others = select(entries.subject).where(entries.action == BATCH_ACTION, entries.position > approved_at)
    if any(other != own and other.endswith(f" {book}") for other in session.execute(others).scalars()):
        return False
    last = session.execute(select(entries.action, func.max(entries.position)).group_by(entries.action))
    return all(position <= approved_at for action, position in last if action not in HARMLESS)


def count_outstanding(session: Session, approval: Approval) -> int:
    """Count the approved invoices without a number."""
    return session.execute(_outstanding(approval, func.count())).scalar() or 0


def outstanding(session: Session, approval: Approval, *, at_most: int | None = None) -> list[Outstanding]:
    """Give the approved invoices without a number, in order; all of a payer's or none."""
    columns = [APPROVED.c[name] for name in ("id", "position", "authority_id", "digest")]
    found = _outstanding(approval, *columns).order_by(APPROVED.c.position)
    rows = session.execute(found.limit(at_most)).all()
    if at_most is not None and len(rows) == at_most:
        last = rows[-1]
        more = found.where(APPROVED.c.authority_id == last.authority_id, APPROVED.c.position > last.position)
        rows = [*rows, *session.execute(more)]
    return [Outstanding(row.id, row.position, row.authority_id, row.digest) for row in rows]


def _outstanding(approval: Approval, *columns: Any) -> Select[Any]:
    issued = select(INVOICES.c.id).where(INVOICES.c.approved_invoice_id == APPROVED.c.id)
    return select(*columns).where(APPROVED.c.approval_id == approval.id, ~issued.exists())


def prepared(session: Session, approved: Sequence[Outstanding]) -> list[Prepared]:
    """Give what was prepared of some approved invoices, in their order.

    Raises PlanChanged where one was approved by a version of this service that prepared nothing.
    """
    columns = PREPARED.c
    ids = [invoice.id for invoice in approved]
    rows = session.execute(
        select(columns.approved_invoice_id, columns.lines, columns.body).where(columns.approved_invoice_id.in_(ids))
    )
    found = {row.approved_invoice_id: Prepared(row.lines, row.body) for row in rows}
    if len(found) < len(ids):
        raise PlanChanged(
            Text(
                "planen er godkendt med en ældre version af os2tilslut; læs den igen og godkend den",
                "the plan was approved with an older version of os2tilslut; read it again and approve it",
            )
        )
    return [found[id_] for id_ in ids]


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
    return joined([head, *first_few(differences)], by="\n  ")


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
