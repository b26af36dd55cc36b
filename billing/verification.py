"""Recomputing every promise that can be recomputed, from the database alone. Finds, never mends.

Each check has a name, a count of what it looked at, and names what is broken by invoice, row or account.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from itertools import chain
from typing import Any, cast

from sqlalchemy import ColumnElement, Row, Select, Table, func, select, union_all
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from agreements import conclusion, products, sealed, steps, templates
from agreements.connections import AGREEMENTS
from billing import (
    bookkeeping,
    closed_periods,
    credits,
    deliveries,
    ledger,
    line_keys,
    payment_checks,
    preparation,
    reminder_verification,
    seller,
    verdicts,
    vouchers,
)
from billing import document as documents
from billing.approvals import APPROVALS, APPROVED, PREPARED
from billing.document import InvoiceDocument
from billing.funding import checks as funding_checks
from billing.funding import publications
from billing.gathering import CREDIT_NOTES, CREDITED_LINES, INVOICES, LINES, REISSUE
from billing.invoices import OUTBOX, SERIES, number
from billing.ledger import Earned
from billing.preparation import PreparedLine
from billing.reminder_plan import REMINDERS
from billing.renderings import RENDERINGS
from fee_tables import calculation
from fee_tables.calculation import Kind, Parts
from fee_tables.catalogue import ADOPTED
from foundation import append_only, audit, audit_head, stored_forms, wording
from foundation.audit import Broken, sha256
from foundation.audit_head import Head
from foundation.base import Base
from foundation.language import Text, kroner
from foundation.money import Money, total

_AT_A_TIME = 500

_HALF = 2**32

#: What reading a document or a reason raises where someone wrote something else there.
_UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)

Check = Callable[[Session, Counter[str]], Iterator[Broken]]


@dataclass
class Verdict:
    """What was looked at, and what is broken."""

    checked: Counter[str] = field(default_factory=Counter)
    violations: list[Broken] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Tell whether no promise is broken."""
        return not self.violations


def verify(
    session: Session,
    progress: Callable[[str], None] = lambda check: None,
    *,
    heads: Sequence[Head] = (),
    only_first: bool = False,
) -> Verdict:
    """Check every promise, in an order that names causes before consequences. `progress` hears each check's name.

    The chain is also held against `heads` that were exported before. What cannot be read is named, and ends it: from
    there on nothing can be recomputed. `only_first` ends behind the first check that finds something.
    """
    verdict = Verdict()
    checks = _CHECKS | {"head": lambda session, checked: _heads(session, checked, heads)}
    verdict.checked.update(dict.fromkeys(checks, 0))
    for name, check in checks.items():
        progress(name)
        found, readable = _found(session, check, verdict.checked)
        verdict.violations += found
        if not readable or (found and (only_first or name == "forms")):
            break
    return verdict


def _found(session: Session, check: Check, checked: Counter[str]) -> tuple[list[Broken], bool]:
    """Give what a check finds, and whether everything could be read."""
    try:
        return list(check(session, checked)), True
    except OperationalError as error:
        if "Could not decode to UTF-8" not in str(error.orig):
            raise
    return list(stored_forms.undecodable(session, Base.metadata)), False


def head(session: Session, *, at: datetime) -> Head:
    """Give the head of the chain and of every series, to be kept outside the database."""
    return audit_head.of(session, _counters(session), at=at)


def _broken(check: str, subject: str, da: str, en: str) -> Broken:
    return Broken(check, subject, Text(da, en))


# --- the ground: triggers, chain, rows


def _triggers(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    checked["triggers"] += len(append_only.tables(Base.metadata))
    connection = session.connection()
    for trigger, fault in chain(append_only.faults(connection, Base.metadata), closed_periods.guard_faults(connection)):
        yield Broken("triggers", trigger, fault)


def _forms(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    checked["forms"] += len(Base.metadata.sorted_tables)
    yield from stored_forms.faults(session, Base.metadata)


def _chain(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    checked["audit_chain"] += _count(session, audit.ENTRIES)
    yield from audit.chain_faults(session)


def _heads(session: Session, checked: Counter[str], heads: Sequence[Head] = ()) -> Iterator[Broken]:
    for kept in heads:
        checked["head"] += 1
        yield from audit_head.departures(session, kept)
        counters = _counters(session)
        for name, then in sorted(kept.series.items()):
            if (now := counters.get(name, 0)) < then:
                first, last = number(name, now + 1), number(name, then)
                yield _broken("head", name, f"{first} til {last} mangler", f"{first} to {last} are missing")


def _counters(session: Session) -> dict[str, int]:
    return {row.name: row.last_number for row in session.execute(select(SERIES))}


def _rows(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    checked["rows"] += sum(session.execute(_counting(tuple(append_only.tables(Base.metadata)))).one())
    yield from audit.row_faults(session, Base.metadata)


def _count(session: Session, table: Table) -> int:
    counted: int = session.execute(_counting((table,))).scalar_one()
    return counted


@cache
def _counting(tables: tuple[Table, ...]) -> Select[Any]:
    """Count the rows of each table, in one statement."""
    return select(*(select(func.count()).select_from(table).scalar_subquery() for table in tables))


# --- tables and approvals


def _tables(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    for row in session.execute(select(ADOPTED)):
        checked["tables"] += 1
        if sha256(row.text) != row.digest:
            subject = f"{row.product or row.kind} {row.valid_from}"
            yield _broken("tables", subject, "teksten har en anden kontrolsum", "the text has another digest")


def _templates(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    checked["templates"] += session.execute(select(func.count()).select_from(templates.TEMPLATES)).scalar_one()
    for subject, fault in templates.faults(session):
        yield Broken("templates", subject, fault)


def _approvals(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    for row in session.execute(select(APPROVED).execution_options(yield_per=_AT_A_TIME)):
        checked["approvals"] += 1
        if sha256(row.content) != row.digest:
            subject = f"approved_invoice {row.id}"
            yield _broken("approvals", subject, "indholdet har en anden kontrolsum", "the content has another digest")


# --- numbers


def _numbers(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    counters = {row.name: row for row in session.execute(select(SERIES))}
    names = ("series", "sequence", "number", "issued_on")
    numbered = union_all(*(select(*(table.c[name] for name in names)) for table in (INVOICES, REMINDERS))).subquery()
    last: dict[str, Any] = {}
    for row in session.execute(select(numbered).order_by(numbered.c.series, numbered.c.sequence)):
        checked["numbers"] += 1
        previous = last.get(row.series)
        if row.sequence != (previous.sequence + 1 if previous else 1):
            yield _broken("numbers", row.number, "der er et hul før nummeret", "there is a gap before the number")
        if row.number != number(row.series, row.sequence):
            yield _broken(
                "numbers", row.number, "nummeret passer ikke til serien", "the number does not fit its series"
            )
        if previous and row.issued_on < previous.issued_on:
            yield _broken("numbers", row.number, "er dateret før sin forgænger", "is dated before its predecessor")
        last[row.series] = row
    for name in sorted({*last, *counters}):
        counted = counters[name].last_number if name in counters else 0
        if counted != (last[name].sequence if name in last else 0):
            yield _broken("numbers", name, f"tælleren står på {counted}", f"the counter stands at {counted}")


# --- invoices: document, lines, ledger, bytes


@dataclass(frozen=True, slots=True)
class _Invoice:
    """An invoice with everything that must agree with it."""

    row: Row[Any]
    lines: list[Row[Any]]
    entries: list[Row[Any]]
    postings: list[Row[Any]]
    prepared: list[Row[Any]]  # none where it was approved before there were any
    is_credit_note: bool

    @property
    def sign(self) -> int:
        """What its rows are multiplied by to give its document: a credit note says what is given back."""
        return -1 if self.is_credit_note else 1


def _invoices(session: Session) -> Iterator[_Invoice]:
    after = 0
    while True:
        found = select(INVOICES).where(INVOICES.c.id > after).order_by(INVOICES.c.id).limit(_AT_A_TIME)
        rows = session.execute(found).all()
        if not rows:
            return
        low, after = rows[0].id, rows[-1].id
        lines = _grouped(
            session, select(LINES).where(LINES.c.invoice_id.between(low, after)).order_by(LINES.c.position)
        )
        entries = _grouped(session, select(ledger.ENTRIES).where(ledger.ENTRIES.c.invoice_id.between(low, after)))
        of_entries = (
            select(ledger.POSTINGS, ledger.ENTRIES.c.invoice_id)
            .join(ledger.ENTRIES, ledger.POSTINGS.c.entry_id == ledger.ENTRIES.c.id)
            .where(ledger.ENTRIES.c.invoice_id.between(low, after))
            .order_by(ledger.POSTINGS.c.position)
        )
        postings = _grouped(session, of_entries)
        of_approved = (
            select(PREPARED.c.lines, PREPARED.c.body, INVOICES.c.id.label("invoice_id"))
            .join(INVOICES, INVOICES.c.approved_invoice_id == PREPARED.c.approved_invoice_id)
            .where(INVOICES.c.id.between(low, after))
        )
        prepared = _grouped(session, of_approved)
        notes = set(
            session.execute(
                select(CREDIT_NOTES.c.invoice_id).where(CREDIT_NOTES.c.invoice_id.between(low, after))
            ).scalars()
        )
        for row in rows:
            yield _Invoice(row, lines[row.id], entries[row.id], postings[row.id], prepared[row.id], row.id in notes)


def _grouped(session: Session, found: Any) -> dict[int, list[Row[Any]]]:
    by_invoice: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in session.execute(found):
        by_invoice[row.invoice_id].append(row)
    return by_invoice


def _documents(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    adopted = set(session.execute(select(ADOPTED.c.digest)).scalars())
    countersigned = AGREEMENTS.c.countersigned_on.is_not(None)
    agreed = set(session.execute(select(AGREEMENTS.c.id).where(countersigned)).scalars())
    taken_back = set(session.execute(select(CREDITED_LINES.c.line_id)).scalars())
    for invoice in _invoices(session):
        checked["invoices"] += 1
        checked["lines"] += len(invoice.lines)
        try:
            yield from _one_invoice(invoice, adopted, agreed, taken_back)
        except _UNREADABLE as error:
            kind = type(error).__name__
            yield _broken("invoices", invoice.row.number, f"kan ikke læses: {kind}", f"cannot be read: {kind}")


def _one_invoice(invoice: _Invoice, adopted: set[str], agreed: set[int], taken_back: set[int]) -> Iterator[Broken]:
    row = invoice.row
    if sha256(row.document) != row.document_sha256:
        yield _broken("documents", row.number, "dokumentets kontrolsum passer ikke", "the document's digest differs")
    document = documents.from_json(row.document)
    yield from _document_equals_invoice(invoice, document)
    yield from _document_equals_lines(invoice, document)
    yield from _issued_as_approved(invoice)
    yield from _vat_adds_up(row.number, document)
    for line in invoice.lines:
        yield from _line(invoice, line, adopted)
        if not (invoice.is_credit_note or line.id in taken_back):
            yield from _agreed(row.number, line, agreed)
    yield from _ledger(invoice)


def _document_equals_invoice(invoice: _Invoice, document: InvoiceDocument) -> Iterator[Broken]:
    row, sign = invoice.row, invoice.sign
    amounts = (sign * row.net_ore, sign * row.vat_ore, sign * row.gross_ore)
    stands = ("credit_note" if invoice.is_credit_note else "invoice", row.number, row.issued_on, row.due_on, *amounts)
    says = (
        document.kind,
        document.number,
        document.issued_on,
        document.due_on,
        document.net.ore,
        document.vat.ore,
        document.gross.ore,
    )
    if stands != says:
        yield _broken("documents", row.number, "dokumentet siger noget andet", "the document says something else")


def _document_equals_lines(invoice: _Invoice, document: InvoiceDocument) -> Iterator[Broken]:
    sign = invoice.sign
    stand = [
        (line.position, line.kind, line.product or "", sign * line.net_ore, sign * line.vat_ore)
        for line in invoice.lines
    ]
    says = [(line.position, line.kind, line.product, line.net.ore, line.vat.ore) for line in document.lines]
    if stand != says:
        yield _broken("documents", document.number, "linjerne passer ikke til dokumentet", "the lines differ")
    sums = (sum(line.net_ore for line in invoice.lines), sum(line.vat_ore for line in invoice.lines))
    if sums != (invoice.row.net_ore, invoice.row.vat_ore) or sum(sums) != invoice.row.gross_ore:
        yield _broken("sums", document.number, "linjerne giver ikke summen", "the lines do not add up to the sum")


def _issued_as_approved(invoice: _Invoice) -> Iterator[Broken]:
    """What was approved is what was issued: the document's body letter for letter, the lines fact for fact."""
    for prepared in invoice.prepared:
        same_lines = [tuple(line) for line in preparation.lines(prepared.lines)] == [
            tuple(getattr(line, name) for name in PreparedLine._fields) for line in invoice.lines
        ]
        if not (same_lines and documents.is_completed(invoice.row.document, prepared.body)):
            yield _broken(
                "approvals", invoice.row.number, "er ikke udstedt, som den blev godkendt", "is not as it was approved"
            )


def _vat_adds_up(subject: str, document: InvoiceDocument) -> Iterator[Broken]:
    for share in document.vat_totals:
        rate = (share.category, share.rate)
        lines = [line for line in document.lines if (line.vat_category, line.vat_rate) == rate]
        net = total(line.net for line in lines)
        # A credit note gives back its lines' shares of the invoice's VAT, which was rounded there.
        due = share.vat if document.kind == "credit_note" else net.scaled(share.rate)
        if (net, due, total(line.vat for line in lines)) != (share.net, share.vat, share.vat):
            yield _broken("sums", subject, "momsen passer ikke til linjerne", "the VAT does not fit the lines")
    if total(share.vat for share in document.vat_totals) != document.vat:
        yield _broken("sums", subject, "momsen lægger ikke sammen", "the VAT does not add up")


def _line(invoice: _Invoice, line: Row[Any], adopted: set[str]) -> Iterator[Broken]:
    subject = f"{invoice.row.number}/{line.position}"
    reason = calculation.reason_from_json(json.loads(line.reason))
    parts = Parts(Money(line.product_ore), Money(line.association_ore))
    due = calculation.parts_of(Kind(line.kind), reason)
    again = Parts(-due.product, -due.association) if invoice.is_credit_note else due
    if parts != again or parts.net.ore != line.net_ore:
        was, now = kroner(Money(line.net_ore)), kroner(again.net)
        yield _broken(
            "reasons", subject, f"er {was.da}, grunden giver {now.da}", f"is {was.en}, the reason gives {now.en}"
        )
    if reason.table.digest not in adopted:
        yield _broken("reasons", subject, "takstbladet er ikke vedtaget", "the fee table is not adopted")
    if (line.agreement_id is None) == (line.membership_id is None):
        yield _broken("reasons", subject, "hviler ikke på netop én aftale", "does not rest on exactly one agreement")


def _agreed(number: str, line: Row[Any], agreed: set[int]) -> Iterator[Broken]:
    if line.book == "real" and line.agreement_id is not None and line.agreement_id not in agreed:
        subject = f"{number}/{line.position}"
        yield _broken("reasons", subject, "aftalen er ikke kontrasigneret", "the agreement is not countersigned")


def _ledger(invoice: _Invoice) -> Iterator[Broken]:
    subject = invoice.row.number
    if len(invoice.entries) != 1 or invoice.entries[0].posted_on != invoice.row.issued_on:
        yield _broken("ledger", subject, "har ikke netop ét bilag på dagen", "has not exactly one entry on its day")
        return
    if sum(posting.amount_ore for posting in invoice.postings):
        yield _broken("ledger", subject, "bilaget går ikke op", "the entry does not balance")
    stands = Counter[tuple[str, str]]()
    for posting in invoice.postings:
        stands[_place(posting.account, posting.product)] += posting.amount_ore
    should = Counter[tuple[str, str]]()
    for amount in ledger.invoice_amounts(cast(list[Earned], invoice.lines), Money(invoice.row.vat_ore), {}):
        should[_place(amount.account, amount.product)] += amount.money.ore
    if stands != should:
        yield _broken("ledger", subject, "posteringerne passer ikke til linjerne", "the postings do not fit the lines")


def _place(account: str, product: str | None) -> tuple[str, str]:
    """Give where money stands, by fund and kind: a product's account number may have come later than the posting."""
    return (product or "", account.rpartition("-")[2] if product else account)


def _double_billing(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    """An authority pays for a product, and its dues, at most once a year; what was taken back is not paid for."""
    columns = (LINES.c.book, LINES.c.year, LINES.c.authority_id, LINES.c.product, LINES.c.kind)
    yearly = (Kind.ANNUAL_FEE.value, Kind.MEMBERSHIP_DUES.value)
    stand = (LINES.c.id.not_in(select(CREDITED_LINES.c[name])) for name in ("line_id", "credit_line_id"))
    found = select(*columns, func.count().label("times")).where(LINES.c.kind.in_(yearly), *stand).group_by(*columns)
    for row in session.execute(found):
        checked["double_billing"] += 1
        if row.times > 1:
            subject = f"authority {row.authority_id}, {row.product or 'OS2'} {row.year}"
            yield _broken(
                "double_billing", subject, f"er faktureret {row.times} gange", f"is invoiced {row.times} times"
            )


# --- credit notes


def _credits(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    """A credit note stands in its own series, names its invoice, and takes its lines back once, øre for øre."""
    yield from _credit_notes(session, checked)
    yield from _credited_lines(session)
    yield from _followed_lines(session)


def _credit_notes(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    of = INVOICES.alias("of")
    rows = session.execute(
        select(INVOICES, CREDIT_NOTES.c.reason, CREDIT_NOTES.c.prepared_by, CREDIT_NOTES.c.approved_by,
               CREDIT_NOTES.c.id.label("note_id"), of.c.number.label("of_number"), of.c.issued_on.label("of_day"),
               of.c.book.label("of_book"), of.c.year.label("of_year"), of.c.authority_id.label("of_authority"),
               CREDIT_NOTES.c.credited_invoice_id, APPROVALS.c.seller_digest, APPROVALS.c.approved_by.label("says_yes"))
        .outerjoin(CREDIT_NOTES, CREDIT_NOTES.c.invoice_id == INVOICES.c.id)
        .outerjoin(of, CREDIT_NOTES.c.credited_invoice_id == of.c.id)
        .outerjoin(APPROVED, INVOICES.c.approved_invoice_id == APPROVED.c.id)
        .outerjoin(APPROVALS, APPROVED.c.approval_id == APPROVALS.c.id)
        .where(CREDIT_NOTES.c.id.is_not(None) | INVOICES.c.series.like("%K-%"))
        .order_by(INVOICES.c.id)
        .execution_options(yield_per=_AT_A_TIME)
    )  # fmt: skip
    limits = seller.credit_limits(session)
    given_back: Counter[int] = Counter()  # øre, by the invoice: all its credits count together
    for row in rows:
        checked["credits"] += 1
        given_back[row.credited_invoice_id] -= row.gross_ore
        try:
            yield from _credit_note(row)
            yield from _stood_behind(row, given_back[row.credited_invoice_id], limits.get(row.seller_digest))
        except _UNREADABLE as error:
            kind = type(error).__name__
            yield _broken("credits", row.number, f"kan ikke læses: {kind}", f"cannot be read: {kind}")


def _credit_note(row: Row[Any]) -> Iterator[Broken]:
    if row.note_id is None or row.series != credits.series_name(row.year, row.book):
        yield _broken("credits", row.number, "står ikke i kreditnotaernes serie", "is not in the credit notes' series")
        return
    says = documents.from_json(row.document).credited
    if says is None or (says.number, says.issued_on, says.reason) != (row.of_number, row.of_day, row.reason):
        yield _broken("credits", row.number, "nævner ikke sin faktura", "does not name its invoice")
    if (row.book, row.year, row.authority_id) != (row.of_book, row.of_year, row.of_authority):
        yield _broken("credits", row.number, "hører ikke til sin faktura", "does not belong to its invoice")
    if row.issued_on < row.of_day:
        yield _broken("credits", row.number, "er dateret før sin faktura", "is dated before its invoice")


def _stood_behind(row: Row[Any], given_back: int, limit: Money | None) -> Iterator[Broken]:
    """Two people stand behind what is above the limit of the settings it was approved by; those are never changed."""
    if row.note_id is None:
        return
    if row.approved_by and wording.folded(row.approved_by) == wording.folded(row.prepared_by):
        yield _broken(
            "credits", row.number, "er godkendt af den, der forberedte den", "was approved by who prepared it"
        )
    if row.says_yes != (row.approved_by or row.prepared_by):
        yield _broken("credits", row.number, "er godkendt af en anden, end den siger", "was approved by another")
    if limit is None:
        yield _broken("credits", row.number, "hviler på ukendte indstillinger", "rests on unknown settings")
    elif given_back > limit.ore and not row.approved_by:
        yield _broken(
            "credits", row.number, f"er over grænsen på {kroner(limit).da}, men kun én står bag",
            f"is above the limit of {kroner(limit).en}, but one person alone stands behind it",
        )  # fmt: skip


def _credited_lines(session: Session) -> Iterator[Broken]:
    """Hold every line of every credit note against the one it takes back."""
    back, was = LINES.alias("back"), LINES.alias("was")
    own = INVOICES.alias("own")
    rows = session.execute(
        select(own.c.number, back.c.position, CREDITED_LINES.c.id,
               *(back.c[name].label(f"back_{name}") for name in _TAKEN_BACK),
               *(was.c[name].label(f"was_{name}") for name in _TAKEN_BACK),
               back.c.invoice_id.label("own_id"), was.c.invoice_id.label("of_id"),
               CREDIT_NOTES.c.invoice_id.label("note_own"), CREDIT_NOTES.c.credited_invoice_id.label("note_of"))
        .join(own, back.c.invoice_id == own.c.id)
        .outerjoin(CREDITED_LINES, CREDITED_LINES.c.credit_line_id == back.c.id)
        .outerjoin(CREDIT_NOTES, CREDITED_LINES.c.credit_note_id == CREDIT_NOTES.c.id)
        .outerjoin(was, CREDITED_LINES.c.line_id == was.c.id)
        .where(
            back.c.invoice_id.in_(select(CREDIT_NOTES.c.invoice_id)) | CREDITED_LINES.c.id.is_not(None)
        )
        .execution_options(yield_per=_AT_A_TIME)
    )  # fmt: skip
    for row in rows:
        is_opposite = row.id is not None and all(
            getattr(row, f"back_{name}") == opposite(getattr(row, f"was_{name}"))
            for name, opposite in _TAKEN_BACK.items()
        )
        if not is_opposite or (row.own_id, row.of_id) != (row.note_own, row.note_of):
            subject = f"{row.number}/{row.position}"
            yield _broken(
                "credits", subject, "tager ikke netop én linje tilbage", "does not take exactly one line back"
            )


def _negative(ore: int | None) -> int | None:
    return None if ore is None else -ore


def _same(value: Any) -> Any:
    return value


#: What a line that takes another back has of it, and how.
_TAKEN_BACK: dict[str, Callable[[Any], Any]] = {
    "key": lambda key: None if key is None else line_keys.credit_of(key),
    **dict.fromkeys(("net_ore", "product_ore", "association_ore", "vat_ore"), _negative),
    **dict.fromkeys(
        ("position", "book", "kind", "year", "authority_id", "agreement_id", "membership_id", "product", "reason"),
        _same,
    ),
}


def _followed_lines(session: Session) -> Iterator[Broken]:
    """A line is invoiced again only where the one before it was taken back for that."""
    free = (
        select(LINES.c.book, LINES.c.key)
        .join(CREDITED_LINES, CREDITED_LINES.c.line_id == LINES.c.id)
        .join(CREDIT_NOTES, CREDITED_LINES.c.credit_note_id == CREDIT_NOTES.c.id)
        .where(CREDIT_NOTES.c.afterwards == REISSUE)
    )
    freed = {(row.book, row.key) for row in session.execute(free)}
    rows = session.execute(
        select(LINES.c.book, LINES.c.key, LINES.c.position, INVOICES.c.number)
        .join(INVOICES, LINES.c.invoice_id == INVOICES.c.id)
        .where(LINES.c.key.like("%~%"), LINES.c.id.not_in(select(CREDITED_LINES.c.credit_line_id)))
    )
    for row in rows:
        previous = line_keys.previous_of(row.key)
        if previous is not None and (row.book, previous) not in freed:
            subject = f"{row.number}/{row.position}"
            yield _broken("credits", subject, "følger ingen krediteret linje", "follows no credited line")


# --- the whole


def _conservation(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    """Σ lines − credits = Σ product funds + association, and the trial balance is zero, for each year and book.

    A credit note's lines and postings stand below zero, so each sum is with the credits taken off.
    """
    lines = session.execute(
        select(LINES.c.book, LINES.c.year, *_sum(LINES.c.net_ore)).group_by(LINES.c.book, LINES.c.year)
    )
    posted = (
        select(ledger.POSTINGS.c.amount_ore, ledger.POSTINGS.c.account, INVOICES.c.book, INVOICES.c.year)
        .join(ledger.ENTRIES, ledger.POSTINGS.c.entry_id == ledger.ENTRIES.c.id)
        .join(INVOICES, ledger.ENTRIES.c.invoice_id == INVOICES.c.id)
        .subquery()
    )
    sums: Counter[tuple[str, int, bool]] = Counter()
    rows = session.execute(
        select(posted.c.book, posted.c.year, posted.c.account, *_sum(posted.c.amount_ore)).group_by(
            posted.c.book, posted.c.year, posted.c.account
        )
    )
    for row in rows:
        sums[row.book, row.year, row.account in (ledger.RECEIVABLES, ledger.OUTPUT_VAT)] += _summed(row)
    for line in lines:
        checked["conservation"] += 1
        subject = f"{line.book} {line.year}"
        income, rest = sums[line.book, line.year, False], sums[line.book, line.year, True]
        if _summed(line) != -income:
            yield _broken("conservation", subject, "linjer og fonde stemmer ikke", "lines and funds do not agree")
        if income + rest:
            yield _broken("conservation", subject, "råbalancen er ikke nul", "the trial balance is not zero")


def _trial_balance(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    """The whole ledger is zero, in each book."""
    entry = vouchers.entries().subquery()
    for row in session.execute(select(entry.c.book, *_sum(entry.c.amount_ore)).group_by(entry.c.book)):
        checked["trial_balance"] += 1
        if _summed(row):
            yield _broken("trial_balance", row.book, "råbalancen er ikke nul", "the trial balance is not zero")


def _closed_periods(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    checked["closed_periods"] += _count(session, closed_periods.CLOSED)
    try:
        for subject, fault in bookkeeping.faults(session):
            yield Broken("closed_periods", subject, fault)
    except _UNREADABLE as error:
        kind = type(error).__name__
        yield _broken("closed_periods", "", f"kan ikke læses: {kind}", f"cannot be read: {kind}")


def _published_reports(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    checked["published_reports"] += _count(session, publications.REPORTS)
    try:
        for subject, fault in publications.faults(session):
            yield Broken("published_reports", subject, fault)
    except _UNREADABLE as error:
        kind = type(error).__name__
        yield _broken("published_reports", "", f"kan ikke læses: {kind}", f"cannot be read: {kind}")


def _sum(ore: ColumnElement[int]) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """Sum in two halves: SQLite gives up where a sum leaves 64 bits, as a forged amount may."""
    return func.sum(ore // _HALF).label("high"), func.sum(ore % _HALF).label("low")


def _summed(row: Row[Any]) -> int:
    return int(row.high) * _HALF + int(row.low)


def _renderings(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    columns = (RENDERINGS.c.id, RENDERINGS.c.format, RENDERINGS.c.sha256, RENDERINGS.c.content, INVOICES.c.number)
    rows = select(*columns).join(INVOICES, RENDERINGS.c.invoice_id == INVOICES.c.id)
    for row in session.execute(rows.execution_options(yield_per=_AT_A_TIME)):
        checked["renderings"] += 1
        if sha256(row.content) != row.sha256:
            subject = f"{row.number}.{row.format}"
            yield _broken("renderings", subject, "filens kontrolsum passer ikke", "the file's digest differs")


def _verdicts(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    """A verdict is on a kept XML, by a pack of its format, and says what the rules it names say."""
    columns = (verdicts.VERDICTS, RENDERINGS.c.format, INVOICES.c.number)
    rows = (
        select(*columns)
        .join(RENDERINGS, verdicts.VERDICTS.c.rendering_id == RENDERINGS.c.id, isouter=True)
        .join(INVOICES, RENDERINGS.c.invoice_id == INVOICES.c.id, isouter=True)
    )
    for row in session.execute(rows.execution_options(yield_per=_AT_A_TIME)):
        checked["verdicts"] += 1
        subject = f"verdict {row.id}, {row.number}.{row.format}"
        if row.format is None or not row.pack.startswith(row.format):
            yield _broken("verdicts", subject, "er ikke afsagt over et XML af sin art", "is not on an XML of its kind")
        try:
            failures = verdicts.read(row.failures)
        except _UNREADABLE as error:
            kind = type(error).__name__
            yield _broken("verdicts", subject, f"kan ikke læses: {kind}", f"cannot be read: {kind}")
            continue
        if row.outcome != verdicts.outcome(failures):
            yield _broken("verdicts", subject, "siger andet end reglerne", "says something else than its rules")


def _outbox(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    messages = Counter(session.execute(select(OUTBOX.c.invoice_id).where(OUTBOX.c.kind == "deliver")).scalars())
    for row in session.execute(select(INVOICES.c.id, INVOICES.c.number)):
        checked["outbox"] += 1
        if messages[row.id] != 1:
            yield _broken("outbox", row.number, "har ikke netop én afsendelse", "has not exactly one delivery")


def _deliveries(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    checked["deliveries"] += deliveries.count(session)
    for subject, fault in deliveries.faults(session):
        yield Broken("deliveries", subject, fault)


def _agreements(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    checked["agreements"] += _count(session, steps.STEPS)
    yield from steps.faults(session)
    yield from conclusion.faults(session)
    yield from products.faults(session)


def _reminders(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    checked["reminders"] += _count(session, REMINDERS)
    for subject, fault in reminder_verification.faults(session):
        yield Broken("reminders", subject, fault)


def _seals(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    checked["seals"] += sealed.count(session)
    yield from sealed.faults(session)


_CHECKS: dict[str, Check] = {
    "triggers": _triggers,
    "forms": _forms,
    "audit_chain": _chain,
    "head": _heads,
    "rows": _rows,
    "tables": _tables,
    "templates": _templates,
    "approvals": _approvals,
    "numbers": _numbers,
    "invoices": _documents,
    "agreements": _agreements,
    "double_billing": _double_billing,
    "credits": _credits,
    "conservation": _conservation,
    "trial_balance": _trial_balance,
    "closed_periods": _closed_periods,
    "published_reports": _published_reports,
    "renderings": _renderings,
    "verdicts": _verdicts,
    "outbox": _outbox,
    **payment_checks.CHECKS,
    **funding_checks.CHECKS,
    "deliveries": _deliveries,
    "seals": _seals,
    "reminders": _reminders,
}
