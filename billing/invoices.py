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
from billing import annual_run, approvals, closed_periods, gathering, ledger, payment_id, preparation
from billing.annual_run import Proposal
from billing.approvals import Approval, NotApproved, Outstanding, PlanChanged
from billing.document import PaymentWays, completed, from_json
from billing.gathering import CREDITED_LINES, INVOICES, LINES, Book
from billing.models import InvoiceSeries, OutboxMessage
from billing.preparation import Faulty, Prepared
from billing.seller import Seller
from fee_tables.calculation import Kind
from foundation import append_only
from foundation.audit import Trail, sha256
from foundation.errors import Conflict
from foundation.language import Text, day, joined, same
from foundation.money import Money

SERIES: Table = InvoiceSeries.__table__  # type: ignore[assignment]
OUTBOX: Table = OutboxMessage.__table__  # type: ignore[assignment]

INVOICES_AT_A_TIME = 500
NUMBER_DIGITS = 4


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

    Where the audit trail shows that nothing which decides a plan was written since, the plan is not made again.
    Raises NotApproved, or PlanChanged naming what differs. What is issued already is not compared again.
    """
    approval = approvals.latest(session, terms.year, terms.book)
    if approval is None:
        _refuse_unapproved(session, terms)
        return 0
    left = approvals.count_outstanding(session, approval)
    if left:
        _same_seller(approval, terms)
    if not approvals.is_undisturbed(session, terms.year, terms.book):
        run = gathering.begin(session, terms.year, terms.book)
        approvals.compare(session, approvals.outstanding(session, approval), _proposals(session, run, terms))
    return left


def issue_batch(session: Session, terms: Terms, trail: Trail, *, at_most: int = INVOICES_AT_A_TIME) -> tuple[str, ...]:
    """Issue the next approved invoices and give their numbers, none when all are issued; the caller commits.

    Needs the writer's lock. Where something that decides a plan was written since the approval, the payers of the
    batch are planned anew and compared with what was approved.
    Raises PlanChanged (naming what differs), PeriodClosed or OutOfOrder; nothing is issued then.
    """
    approval = approvals.latest(session, terms.year, terms.book)
    left = [] if approval is None else approvals.outstanding(session, approval, at_most=at_most)
    if approval is None or not left:
        return ()
    _same_seller(approval, terms)
    if not approvals.is_undisturbed(session, terms.year, terms.book):
        run = gathering.begin(session, terms.year, terms.book, payers={invoice.authority_id for invoice in left})
        approvals.compare(session, left, _proposals(session, run, terms))
    return _write(session, terms, trail, left)


def _refuse_unapproved(session: Session, terms: Terms) -> None:
    run = gathering.begin(session, terms.year, terms.book)
    if next(_proposals(session, run, terms), None) is None:
        return
    raise NotApproved(
        Text(
            f"planen for {terms.year} er ikke godkendt: læs den, og godkend den",
            f"the plan for {terms.year} is not approved: read it, and approve it",
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


def _proposals(session: Session, run: gathering.Run, terms: Terms) -> Iterator[Proposal]:
    for payer in annual_run.payer_plans(session, run, terms.seller):
        yield from payer.proposals


# --- writing a batch


class Batch:
    """The rows of a batch, table by table, with ids that follow what is there."""

    def __init__(self, session: Session, tables: Sequence[Table]) -> None:
        self.rows: dict[Table, list[dict[str, Any]]] = {table: [] for table in tables}
        self._next_id = {table: append_only.next_id(session, table) for table in tables}

    def add(self, table: Table, row: dict[str, Any]) -> dict[str, Any]:
        row["id"] = self._next_id[table]
        self._next_id[table] += 1
        self.rows[table].append(row)
        return row


_WRITTEN: tuple[Table, ...] = (INVOICES, LINES, ledger.ENTRIES, ledger.POSTINGS, OUTBOX)


def _write(session: Session, terms: Terms, trail: Trail, approved: Sequence[Outstanding]) -> tuple[str, ...]:
    closed_periods.refuse(session, terms.on, terms.book)
    series = series_name(terms.year, terms.book)
    first = draw(session, series, len(approved), terms.on)
    accounts = products.accounts_by_name(session)
    batch, numbers = Batch(session, _WRITTEN), []
    prepared = approvals.prepared(session, approved)
    for sequence, (invoice, ready) in enumerate(zip(approved, prepared, strict=True), start=first):
        text = completed(ready.body, _head(terms, series, sequence))
        if sequence == first:
            _refuse_faulty(text)  # the head is made alike for all; the body was checked when it was approved
        rows = _rows(batch, terms, trail, (invoice, ready, sequence, text), accounts)
        issued = rows[0][1]
        trail.record(approvals.ISSUED_ACTION, issued["number"], {"gross_ore": issued["gross_ore"]}, rows=rows)
        numbers.append(issued["number"])
    trail.record(approvals.BATCH_ACTION, approvals.subject(terms.year, terms.book), [numbers[0], numbers[-1]])
    for table, rows_of in batch.rows.items():
        append_only.add(session, table, rows_of)
    return tuple(numbers)


def _refuse_faulty(text: str) -> None:
    from billing.einvoice import checks  # late: a plan does not wait for lxml

    document = from_json(text)
    errors = checks.errors(checks.check(document))
    if errors:
        who = same(f"{document.number}, {document.buyer.name}: ")
        raise Faulty(who + joined([finding.message for finding in errors], by="; "))


def draw(session: Session, series: str, count: int, on: date) -> int:
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


def _head(terms: Terms, series: str, sequence: int) -> dict[str, Any]:
    """Give what an invoice gets with its number."""
    seller = terms.seller
    return {
        "number": number(series, sequence),
        "issued_on": terms.on,
        "due_on": terms.on + timedelta(days=seller.payment_days),
        "payment": PaymentWays(
            fik_creditor=seller.fik_creditor,
            fik_id=payment_id.for_invoice(terms.year, sequence, rehearsal=terms.book == "rehearsal"),
            registration=seller.registration,
            account=seller.account,
            iban=seller.iban,
        ),
        "notices": terms.notices,
    }


def _rows(
    batch: Batch,
    terms: Terms,
    trail: Trail,
    issued: tuple[Outstanding, Prepared, int, str],
    accounts: Mapping[str, str | None],
) -> list[tuple[Table, dict[str, Any]]]:
    """Make the rows of one invoice, the invoice's own first."""
    approved, prepared, sequence, text = issued
    lines = list(preparation.lines(prepared.lines))
    net, vat = sum(line.net_ore for line in lines), sum(line.vat_ore for line in lines)
    series = series_name(terms.year, terms.book)
    invoice = batch.add(
        INVOICES,
        {
            "book": terms.book,
            "series": series,
            "sequence": sequence,
            "number": number(series, sequence),
            "year": terms.year,
            "authority_id": approved.authority_id,
            "issued_on": terms.on,
            "due_on": terms.on + timedelta(days=terms.seller.payment_days),
            "net_ore": net,
            "vat_ore": vat,
            "gross_ore": net + vat,
            "document": text,
            "document_sha256": sha256(text),
            "approved_invoice_id": approved.id,
            "issued_at": trail.at,
            "issued_by": trail.actor,
        },
    )
    shared = {name: invoice[name] for name in ("book", "year", "authority_id")} | {"invoice_id": invoice["id"]}
    rows = [(INVOICES, invoice)]
    for at, line in enumerate(lines, start=1):
        rows.append((LINES, batch.add(LINES, {**line._asdict(), **shared, "position": at})))
    entry = {
        "book": terms.book,
        "posted_on": terms.on,
        "authority_id": approved.authority_id,
        "invoice_id": invoice["id"],
        "text": f"Faktura {invoice['number']}",
    }
    rows.append((ledger.ENTRIES, batch.add(ledger.ENTRIES, entry)))
    for at, amount in enumerate(ledger.invoice_amounts(lines, Money(vat), accounts), start=1):
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
    """Read what the real book's issued lines rest on, in one query over them; a rehearsal binds nobody.

    A line that was taken back binds only the product it is posted under: the rest is often what has to be mended.
    """
    signer, payer, member = (AUTHORITIES.alias(name) for name in ("signer", "payer", "member"))
    lines = LINES.c
    rows = session.execute(
        select(
            lines.kind, lines.year, lines.product, lines.reason, INVOICES.c.number,
            payer.c.cvr.label("payer"), signer.c.cvr.label("signer"), member.c.cvr.label("member"),
            AGREEMENTS.c.signed_on, CREDITED_LINES.c.id.label("credited"),
        )
        .outerjoin(CREDITED_LINES, lines.id == CREDITED_LINES.c.line_id)
        .join(INVOICES, lines.invoice_id == INVOICES.c.id)
        .join(payer, lines.authority_id == payer.c.id)
        .outerjoin(AGREEMENTS, lines.agreement_id == AGREEMENTS.c.id)
        .outerjoin(signer, AGREEMENTS.c.authority_id == signer.c.id)
        .outerjoin(MEMBERSHIPS, lines.membership_id == MEMBERSHIPS.c.id)
        .outerjoin(member, MEMBERSHIPS.c.authority_id == member.c.id)
        .where(lines.book == "real", lines.id.not_in(select(CREDITED_LINES.c.credit_line_id)))
        .order_by(INVOICES.c.year, INVOICES.c.sequence)
    )  # fmt: skip
    found = Resting({}, {}, defaultdict(list), {}, {}, defaultdict(list), {})
    for row in rows:
        _note(found, row)
    return found


def _note(found: Resting, row: Any) -> None:
    if row.credited is not None:
        if row.product is not None:
            found.products.setdefault(row.product, row.number)
        return
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
