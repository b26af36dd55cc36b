"""Issuing: an approved invoice gets its number, its document, its ledger entry and its outbox row, all at once.

A batch commits whole or not at all. What is left to do is read from what is missing, so an interrupted run goes on
where it was, and a second process finds nothing left.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Table, insert, select, update
from sqlalchemy.orm import Session

from agreements import products
from agreements.connections import AGREEMENTS, Invoiced, Key
from authorities.membership import MEMBERSHIPS
from authorities.register import AUTHORITIES
from billing import annual_run, approvals, explanation, gathering, ledger, payment_id
from billing.annual_run import Proposal
from billing.approvals import Approval, NotApproved, Outstanding, PlanChanged
from billing.charges import Draft, DraftLine
from billing.document import DocumentLine, InvoiceDocument, Party, PaymentWays, VatTotal, to_json
from billing.gathering import INVOICES, LINES, Book
from billing.ledger import Earned
from billing.models import InvoiceSeries, OutboxMessage
from billing.seller import Seller
from fee_tables.calculation import Kind, reason_json
from foundation import append_only
from foundation.audit import Trail, canonical, sha256
from foundation.errors import Conflict, Refused
from foundation.language import Text, day, joined, same

SERIES: Table = InvoiceSeries.__table__  # type: ignore[assignment]
OUTBOX: Table = OutboxMessage.__table__  # type: ignore[assignment]

INVOICES_AT_A_TIME = 500
NUMBER_DIGITS = 4


class Faulty(Refused):
    """An invoice that fails our own checks never gets a number."""


class OutOfOrder(Conflict):
    """The numbers of a series rise with the date; an earlier date is refused."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What an issue rests on besides the plan: its date, the seller, and notices for the documents' top."""

    year: int
    book: Book
    on: date
    seller: Seller
    notices: tuple[Text, ...] = ()


def series_name(year: int, book: Book) -> str:
    """Give the name of a year's series; a rehearsal has its own."""
    return f"R-{year}" if book == "rehearsal" else str(year)


def number(series: str, sequence: int) -> str:
    """Give the number as printed: 2027-0001."""
    return f"{series}-{sequence:0{NUMBER_DIGITS}d}"


def check(session: Session, terms: Terms) -> int:
    """Hold the whole plan against its approval; give how many approved invoices have no number yet.

    Raises NotApproved, or PlanChanged naming what differs. What is issued already is not compared again.
    """
    approval = approvals.latest(session, terms.year, terms.book)
    run = gathering.begin(session, terms.year, terms.book)
    proposals = _proposals(session, run, run.groups, terms)
    if approval is None:
        _refuse_unapproved(terms, proposals)
        return 0
    left = approvals.outstanding(session, approval)
    if left:
        _same_seller(approval, terms)
    if not approvals.is_undisturbed(session, terms.year, terms.book):
        approvals.compare(session, left, proposals)
    return len(left)


def issue_batch(session: Session, terms: Terms, trail: Trail, *, at_most: int = INVOICES_AT_A_TIME) -> tuple[str, ...]:
    """Issue the next approved invoices and give their numbers, none when all are issued; the caller commits.

    Needs the writer's lock. The payers of the batch are planned anew and compared with what was approved.
    Raises PlanChanged (naming what differs) or OutOfOrder; nothing is issued then.
    """
    approval = approvals.latest(session, terms.year, terms.book)
    left = [] if approval is None else approvals.outstanding(session, approval, limit=at_most)
    if approval is None or not left:
        return ()
    _same_seller(approval, terms)
    payers = {invoice.authority_id for invoice in left}
    run = gathering.begin(session, terms.year, terms.book)
    groups = [group for group in run.groups if group.payer in payers]
    proposals = list(_proposals(session, run, groups, terms))
    approvals.compare(session, left, proposals)
    return _write(session, terms, trail, list(_matched(left, proposals)))


def _refuse_unapproved(terms: Terms, proposals: Iterator[Proposal]) -> None:
    if next(proposals, None) is None:
        return
    raise NotApproved(
        Text(
            f"planen for {terms.year} er ikke godkendt: læs den (billing plan {terms.year}) og godkend den "
            f"(billing approve {terms.year} --digest …)",
            f"the plan for {terms.year} is not approved: read it (billing plan {terms.year}) and approve it "
            f"(billing approve {terms.year} --digest …)",
        )
    )


def _same_seller(approval: Approval, terms: Terms) -> None:
    if approval.seller_digest != terms.seller.digest:
        raise PlanChanged(
            Text(
                "foreningens indstillinger (sælger, konti, betalingsfrist) er ændret efter godkendelsen; godkend igen",
                "the association's settings (seller, accounts, payment days) changed after the approval; approve again",
            )
        )


def _proposals(
    session: Session, run: gathering.Run, groups: Sequence[gathering.Group], terms: Terms
) -> Iterator[Proposal]:
    for billable in gathering.gather(session, run, groups):
        yield from annual_run.plan_payer(run, billable, terms.seller).proposals


def _matched(left: Sequence[Outstanding], proposals: Sequence[Proposal]) -> Iterator[tuple[Outstanding, Proposal]]:
    """Pair what was approved with what is proposed, in the approved order; `compare` made sure that all match."""
    by_digest: dict[tuple[int, str], list[Proposal]] = defaultdict(list)
    for proposal in proposals:
        by_digest[proposal.draft.payer.id, proposal.digest].append(proposal)
    for invoice in left:
        yield invoice, by_digest[invoice.authority_id, invoice.digest].pop()


# --- writing a batch


@dataclass
class _Rows:
    """The rows of a batch, table by table, and the first free id of each."""

    next_id: dict[str, int]
    rows: dict[str, list[dict[str, Any]]]

    def add(self, table: Table, row: dict[str, Any]) -> dict[str, Any]:
        row["id"] = self.next_id[table.name]
        self.next_id[table.name] += 1
        self.rows[table.name].append(row)
        return row


_WRITTEN: tuple[Table, ...] = (INVOICES, LINES, ledger.ENTRIES, ledger.POSTINGS, OUTBOX)


def _write(
    session: Session, terms: Terms, trail: Trail, matched: Sequence[tuple[Outstanding, Proposal]]
) -> tuple[str, ...]:
    if not matched:
        return ()
    series = series_name(terms.year, terms.book)
    sequence = _draw(session, series, len(matched), terms.on)
    accounts = products.accounts_by_name(session)
    batch = _Rows({t.name: append_only.next_id(session, t) for t in _WRITTEN}, {t.name: [] for t in _WRITTEN})
    numbers = []
    for at, (approved, proposal) in enumerate(matched, start=sequence):
        document = _checked(_document(proposal.draft, terms, series, at))
        rows = _invoice_rows(batch, terms, trail, (approved, proposal.draft, document, at), accounts)
        trail.record(approvals.ISSUED_ACTION, document.number, {"gross_ore": document.gross.ore}, rows=rows)
        numbers.append(document.number)
    for table in _WRITTEN:
        append_only.add(session, table, batch.rows[table.name])
    return tuple(numbers)


def _checked(document: InvoiceDocument) -> InvoiceDocument:
    from billing.einvoice import checks  # late: a plan does not wait for lxml

    errors = checks.errors(checks.check(document))
    if errors:
        who = same(f"{document.number}, {document.buyer.name}: ")
        raise Faulty(who + joined([finding.message for finding in errors], by="; "))
    return document


def _draw(session: Session, series: str, count: int, on: date) -> int:
    """Take the next numbers of a series and give the first. Raises OutOfOrder for a date before the last one's."""
    row = session.execute(select(SERIES).where(SERIES.c.name == series).with_for_update()).first()
    if row is None:
        session.execute(insert(SERIES), [{"name": series, "last_number": count, "last_on": on}])
        return 1
    if on < row.last_on:
        last, given = day(row.last_on), day(on)
        raise OutOfOrder(
            Text(
                f"serien {series} er nået til {last.da}; en faktura kan ikke dateres {given.da}, før sin forgænger",
                f"the series {series} has reached {last.en}; "
                f"an invoice cannot be dated {given.en}, before its predecessor",
            )
        )
    session.execute(
        update(SERIES).where(SERIES.c.name == series).values(last_number=row.last_number + count, last_on=on)
    )
    return int(row.last_number) + 1


def _invoice_rows(
    batch: _Rows,
    terms: Terms,
    trail: Trail,
    issued: tuple[Outstanding, Draft, InvoiceDocument, int],
    accounts: Mapping[str, str | None],
) -> list[tuple[Table, dict[str, Any]]]:
    approved, draft, document, sequence = issued
    text = to_json(document)
    invoice = batch.add(
        INVOICES,
        {
            "book": terms.book,
            "series": series_name(terms.year, terms.book),
            "sequence": sequence,
            "number": document.number,
            "year": terms.year,
            "authority_id": draft.payer.id,
            "issued_on": document.issued_on,
            "due_on": document.due_on,
            "net_ore": document.net.ore,
            "vat_ore": document.vat.ore,
            "gross_ore": document.gross.ore,
            "document": text,
            "document_sha256": sha256(text),
            "approved_invoice_id": approved.id,
            "issued_at": trail.at,
            "issued_by": trail.actor,
        },
    )
    rows = [(INVOICES, invoice)]
    for at, line in enumerate(draft.lines, start=1):
        rows.append((LINES, batch.add(LINES, _line_row(invoice, at, line))))
    entry = batch.add(
        ledger.ENTRIES,
        {
            "book": terms.book,
            "posted_on": document.issued_on,
            "authority_id": draft.payer.id,
            "invoice_id": invoice["id"],
            "text": f"Faktura {document.number}",
        },
    )
    rows.append((ledger.ENTRIES, entry))
    earned = [Earned(line.charge.kind, line.charge.product, line.charge.parts) for line in draft.lines]
    for at, amount in enumerate(ledger.invoice_amounts(earned, document.vat, accounts), start=1):
        posting = {
            "entry_id": entry["id"],
            "position": at,
            "account": amount.account,
            "product": amount.product,
            "amount_ore": amount.money.ore,
        }
        rows.append((ledger.POSTINGS, batch.add(ledger.POSTINGS, posting)))
    message = {"invoice_id": invoice["id"], "kind": "deliver", "created_at": trail.at}
    return [*rows, (OUTBOX, batch.add(OUTBOX, message))]


def _line_row(invoice: Mapping[str, Any], position: int, line: DraftLine) -> dict[str, Any]:
    charge = line.charge
    return {
        "invoice_id": invoice["id"],
        "position": position,
        "book": invoice["book"],
        "key": charge.key,
        "kind": charge.kind.value,
        "year": invoice["year"],
        "authority_id": invoice["authority_id"],
        "agreement_id": charge.agreement_id,
        "membership_id": charge.membership_id,
        "product": charge.product,
        "net_ore": charge.parts.net.ore,
        "product_ore": charge.parts.product.ore,
        "association_ore": charge.parts.association.ore,
        "vat_ore": line.vat.ore,
        "reason": canonical(reason_json(charge.reason)),
    }


# --- the document


def _document(draft: Draft, terms: Terms, series: str, sequence: int) -> InvoiceDocument:
    payer, details, seller = draft.payer, draft.details, terms.seller
    return InvoiceDocument(
        number=number(series, sequence),
        year=terms.year,
        issued_on=terms.on,
        due_on=terms.on + timedelta(days=seller.payment_days),
        seller=seller.party,
        seller_vat_registered=seller.vat_registered,
        buyer=Party(payer.name, payer.cvr, payer.address, payer.postcode, payer.city, details.gln),
        references=details,
        lines=tuple(_document_lines(draft, terms)),
        vat_totals=tuple(VatTotal(s.category, s.rate, s.exemption, s.net, s.vat) for s in draft.vat_shares),
        net=draft.net,
        vat=draft.vat,
        gross=draft.gross,
        payment=PaymentWays(
            fik_creditor=seller.fik_creditor,
            fik_id=payment_id.for_invoice(terms.year, sequence, rehearsal=terms.book == "rehearsal"),
            registration=seller.registration,
            account=seller.account,
            iban=seller.iban,
        ),
        notices=terms.notices,
    )


def _document_lines(draft: Draft, terms: Terms) -> Iterator[DocumentLine]:
    for at, line in enumerate(draft.lines, start=1):
        charge = line.charge
        yield DocumentLine(
            position=at,
            kind=charge.kind.value,
            product=charge.product or "",
            text=explanation.title(charge.kind, charge.product, terms.year),
            why=explanation.why(charge.kind, charge.reason, charge.parts),
            first_day=charge.first_day,
            last_day=charge.last_day,
            net=charge.parts.net,
            vat_category=line.category,
            vat_rate=line.rate,
            vat=line.vat,
        )


# --- what issued lines rest on, for the registers


@dataclass(frozen=True, slots=True)
class Resting:
    """Facts of the registers that issued lines rest on, each with an invoice's number."""

    last_year: dict[str, tuple[int, str]]  # by CVR number of who pays
    succeeded: dict[str, str]  # by CVR number of an authority whose lines its successor pays
    years: dict[str, list[tuple[int, str]]]  # by CVR number: years priced by membership
    counted: dict[tuple[str, date], str]  # by CVR number and day
    placed: dict[tuple[str, date], str]  # by CVR number and first day
    agreements: dict[Key, list[Invoiced]]
    products: dict[str, str]  # by name


def resting(session: Session) -> Resting:
    """Read what the real book's issued lines rest on, in one query over them; a rehearsal binds nobody."""
    signer, payer, member = (AUTHORITIES.alias(name) for name in ("signer", "payer", "member"))
    lines = LINES.c
    rows = session.execute(
        select(
            lines.kind, lines.year, lines.product, lines.reason, INVOICES.c.number,
            payer.c.cvr.label("payer"), signer.c.cvr.label("signer"), member.c.cvr.label("member"),
            AGREEMENTS.c.signed_on,
        )
        .join(INVOICES, lines.invoice_id == INVOICES.c.id)
        .join(payer, lines.authority_id == payer.c.id)
        .outerjoin(AGREEMENTS, lines.agreement_id == AGREEMENTS.c.id)
        .outerjoin(signer, AGREEMENTS.c.authority_id == signer.c.id)
        .outerjoin(MEMBERSHIPS, lines.membership_id == MEMBERSHIPS.c.id)
        .outerjoin(member, MEMBERSHIPS.c.authority_id == member.c.id)
        .where(lines.book == "real")
        .order_by(INVOICES.c.year, INVOICES.c.sequence)
    )  # fmt: skip
    found = Resting({}, {}, defaultdict(list), {}, {}, defaultdict(list), {})
    for row in rows:
        _note(found, row)
    return found


def _note(found: Resting, row: Any) -> None:
    is_annual = row.kind == Kind.ANNUAL_FEE
    if is_annual or row.kind == Kind.MEMBERSHIP_DUES:
        found.years[row.payer].append((row.year, row.number))
    found.last_year[row.payer] = (row.year, row.number)
    if (row.signer or row.member) != row.payer:
        found.succeeded[row.signer or row.member] = row.number
    if row.product is None:
        return
    found.products[row.product] = row.number
    found.agreements[row.signer, row.product, row.signed_on].append(
        Invoiced(row.number, row.year if is_annual else None)
    )
    reason = json.loads(row.reason)
    sized = row.payer if is_annual else row.signer
    if "inhabitants_on" in reason:
        found.counted[sized, date.fromisoformat(reason["inhabitants_on"])] = row.number
    if "placement" in reason:
        found.placed[sized, date.fromisoformat(reason["placement"]["valid_from"])] = row.number
