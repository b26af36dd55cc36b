"""Credit notes: taking an invoice, or chosen lines of it, back. What was issued stays; a credit note stands against it.

A credit note is a row of `invoice` in a series of its own (K-2027-0001), whose lines are those of the invoice with the
opposite sign, øre for øre: so ledger, funds and sums come out by themselves. A line is taken back as a whole and at
most once, which the database enforces; so the credits of an invoice never exceed it, and all of them together are
exactly it, its VAT included. On paper and in XML the amounts are what is given back, above zero.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Row, Table, bindparam, func, or_, select
from sqlalchemy.orm import Session

from agreements import products
from billing import balances, closed_periods, invoices, ledger, line_keys, payments
from billing import document as documents
from billing.approvals import APPROVALS, APPROVED, PREPARED
from billing.document import Credited, DocumentLine, InvoiceDocument, VatTotal
from billing.gathering import CREDIT_NOTES, CREDITED_LINES, INVOICES, LINES, REISSUE, Book
from billing.invoices import OUTBOX, Batch
from billing.preparation import PreparedLine
from billing.seller import Seller
from fee_tables.calculation import Kind
from foundation import append_only, proposals, wording
from foundation.audit import Trail, canonical, sha256
from foundation.errors import Conflict, NotFound, Refused
from foundation.language import Text, day, joined, kroner, same
from foundation.money import Money, total

ACTION = "invoice.credited"
NOTHING = "nothing"

#: A joining fee and what is taken off it go together: alone, the fee would be more than was paid.
_TOGETHER = (Kind.JOINING_FEE.value, Kind.REBATE.value, Kind.EXEMPTION.value)


class NoSuchLine(NotFound):
    """The invoice, or a line of it, is not there."""


class NotCreditable(Refused):
    """What was asked for cannot be a credit note."""


class AlreadyCredited(Conflict):
    """It was taken back before; nothing is taken back twice."""


class NeedsApproval(Refused):
    """Above the limit, one person alone may not give money back."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be taken back, why, and who says so. No `lines` are all that is left of the invoice."""

    number: str
    reason: str
    prepared_by: str
    on: date
    lines: tuple[int, ...] = ()
    approved_by: str = ""
    then_reissue: bool = False


@dataclass(frozen=True, slots=True)
class Issued:
    """A credit note that was issued."""

    number: str
    credits: str
    positions: tuple[int, ...]
    gross: Money
    year: int
    book: Book


def series_name(year: int, book: Book) -> str:
    """Give the series of a year's credit notes; a rehearsal has its own."""
    return f"R-K-{year}" if book == "rehearsal" else f"K-{year}"


# --- taking back


def credit(session: Session, order: Order, seller: Seller, trail: Trail) -> Issued:
    """Issue a credit note; the caller commits. Needs the writer's lock.

    Raises NoSuchLine, NotCreditable, AlreadyCredited, NeedsApproval, PeriodClosed, or OutOfOrder; nothing is issued
    then.
    """
    taken = _check(session, order)
    _refuse_alone(order, taken.credited, seller)
    issued = _issue(session, trail, order, (taken.invoice, taken.lines), seller)
    payments.settle_overpaid(session, order.on, trail, [taken.invoice.id])
    return issued


@dataclass(frozen=True, slots=True)
class _Taken:
    """What an order comes to: the invoice, the lines meant, and what is given back, now and with all before."""

    invoice: Row[Any]
    lines: Sequence[Row[Any]]
    gross: Money
    credited: Money

    def needs_two(self, seller: Seller) -> bool:
        return self.credited > seller.credit_limit


@dataclass(frozen=True, slots=True)
class Checked:
    """An order that could be issued now: the lines it means, by their positions, and whether it needs two people."""

    order: Order
    gross: Money
    needs_approval: bool


def check(session: Session, order: Order, seller: Seller) -> Checked:
    """Hold an order against what stands, and issue nothing; its lines are given one by one, whatever it named.

    Raises NoSuchLine, NotCreditable or AlreadyCredited, as issuing would.
    """
    taken = _check(session, order)
    positions = tuple(line.position for line in taken.lines)
    number = invoices.number(series_name(taken.invoice.year, taken.invoice.book), 1)
    _refuse_faulty(_document(order, documents.from_json(taken.invoice.document), number, taken.lines))
    return Checked(replace(order, lines=positions), taken.gross, taken.needs_two(seller))


def _check(session: Session, order: Order) -> _Taken:
    _refuse_unreadable(order)
    invoice = _invoice(session, order.number)
    if order.on < invoice.issued_on:
        raise NotCreditable(
            Text(
                f"{order.number} er dateret {day(invoice.issued_on).da}; en kreditnota kan ikke dateres før den: "
                "kreditér den dag, eller senere",
                f"{order.number} is dated {day(invoice.issued_on).en}; a credit note cannot be dated before it: "
                "credit it on that day, or later",
            )
        )
    lines = session.execute(select(LINES).where(LINES.c.invoice_id == invoice.id).order_by(LINES.c.position)).all()
    before = _taken_back(session, invoice.id)
    chosen = _chosen(order, lines, before)
    gross = Money(sum(line.net_ore + line.vat_ore for line in chosen))
    if gross.ore <= 0:
        raise NotCreditable(
            Text("linjerne giver tilsammen intet at kreditere", "the lines come to nothing that could be given back")
        )
    _refuse_without_vat(
        documents.from_json(invoice.document),
        {line.position for line in chosen},
        {line.position for line in lines if line.id not in before},
    )
    so_far = total(Money(line.net_ore + line.vat_ore) for line in lines if line.id in before)
    _refuse_written_off(session, invoice, so_far + gross)
    return _Taken(invoice, chosen, gross, so_far + gross)


def _refuse_written_off(session: Session, invoice: Row[Any], credited: Money) -> None:
    """Refuse to give back what was written off: nobody has paid it."""
    owed = balances.one(session, payments.EVER, invoice.id)
    if owed is not None and owed.written_off and owed.written_off + credited > owed.gross:
        lost = kroner(owed.written_off)
        raise NotCreditable(
            Text(
                f"{invoice.number}: {lost.da} er afskrevet, og det kan ikke også krediteres",
                f"{invoice.number}: {lost.en} was written off, and cannot be credited as well",
            )
        )


def _refuse_unreadable(order: Order) -> None:
    texts = ((order.reason, wording.LONGEST_TEXT), (order.prepared_by, wording.LONGEST_NAME))
    for words, longest in (*texts, (order.approved_by or "-", wording.LONGEST_NAME)):
        if not words.strip():
            raise NotCreditable(Text("giv en grund og et navn", "give a reason and a name"))
        if fault := wording.fault(wording.composed(words), longest):
            raise NotCreditable(same(f"{wording.quoted(words)}: ") + fault)


def _invoice(session: Session, number: str) -> Row[Any]:
    row = session.execute(select(INVOICES).where(INVOICES.c.number == number)).first()
    if row is None:
        raise NoSuchLine(
            Text(f"ingen faktura har nummer {wording.quoted(number)}", f"no invoice is {wording.quoted(number)}")
        )
    if session.execute(select(CREDIT_NOTES.c.id).where(CREDIT_NOTES.c.invoice_id == row.id)).first():
        raise NotCreditable(
            Text(f"{number} er en kreditnota og kan ikke krediteres", f"{number} is a credit note; none is taken back")
        )
    return row


def _taken_back(session: Session, invoice_id: int) -> dict[int, str]:
    """Give the lines of an invoice that were taken back, with the credit note's number."""
    rows = session.execute(
        select(CREDITED_LINES.c.line_id, INVOICES.c.number)
        .join(CREDIT_NOTES, CREDITED_LINES.c.credit_note_id == CREDIT_NOTES.c.id)
        .join(INVOICES, CREDIT_NOTES.c.invoice_id == INVOICES.c.id)
        .where(CREDIT_NOTES.c.credited_invoice_id == invoice_id)
    )
    return {row.line_id: row.number for row in rows}


def _chosen(order: Order, lines: Sequence[Row[Any]], before: Mapping[int, str]) -> list[Row[Any]]:
    """Give the lines that are meant, in their order. Raises NoSuchLine, AlreadyCredited or NotCreditable."""
    unknown = sorted(set(order.lines) - {line.position for line in lines})
    if unknown:
        listed = ", ".join(map(str, unknown))
        raise NoSuchLine(Text(f"{order.number} har ingen linje {listed}", f"{order.number} has no line {listed}"))
    if order.lines:
        chosen = [line for line in lines if line.position in order.lines]
    else:
        chosen = [line for line in lines if line.id not in before]
    gone = [line for line in chosen or lines if line.id in before]
    if gone:
        da = ", ".join(f"linje {line.position} ved {before[line.id]}" for line in gone)
        en = ", ".join(f"line {line.position} by {before[line.id]}" for line in gone)
        raise AlreadyCredited(
            Text(f"{order.number} er krediteret i forvejen: {da}", f"{order.number} was credited before: {en}")
        )
    _refuse_torn(order, lines, chosen)
    return chosen


def _refuse_torn(order: Order, lines: Sequence[Row[Any]], chosen: Sequence[Row[Any]]) -> None:
    """Refuse a joining fee without what was taken off it, or that without the fee."""
    positions = {line.position for line in chosen}
    agreements = {line.agreement_id for line in chosen if line.kind in _TOGETHER}
    missing = [
        line.position
        for line in lines
        if line.kind in _TOGETHER and line.agreement_id in agreements and line.position not in positions
    ]
    if missing:
        listed = " ".join(f"--line {position}" for position in missing)
        raise NotCreditable(
            Text(
                f"en tilslutningsafgift og det, der er trukket fra den, krediteres sammen: tilføj {listed}",
                f"a joining fee and what was taken off it are credited together: add {listed}",
            )
        )


def _refuse_without_vat(invoice: InvoiceDocument, chosen: set[int], standing: set[int]) -> None:
    """Refuse a few øre whose VAT was rounded on to other lines, also where they would be what is left of the invoice.

    What stands of an invoice is never such a part, for this is asked of each credit: so it can always be credited.
    """
    if _has_vat(invoice, chosen) and _has_vat(invoice, standing - chosen):
        return
    more = (chosen | {position} for position in sorted(standing - chosen))
    enough = next((one for one in more if _has_vat(invoice, one) and _has_vat(invoice, standing - one)), standing)
    listed = " ".join(f"--line {position}" for position in sorted(enough - chosen))
    raise NotCreditable(
        Text(
            f"momsen af de få øre er rundet over på en anden linje, og uden moms afvises de: tilføj {listed}",
            f"the VAT of so few øre was rounded on to another line, and without VAT they are refused: add {listed}",
        )
    )


def _has_vat(invoice: InvoiceDocument, positions: Collection[int]) -> bool:
    kept = [line for line in invoice.lines if line.position in positions]
    rows = [_vat_total(row, kept) for row in invoice.vat_totals]
    return not any(row is not None and row.has_lost_its_vat for row in rows)


def _refuse_alone(order: Order, credited: Money, seller: Seller) -> None:
    """Refuse one person above the limit. All credits of an invoice count together, so that no one slips below it."""
    if order.approved_by and proposals.is_same_person(order.approved_by, order.prepared_by):
        raise NeedsApproval(
            Text("den, der forbereder, kan ikke selv godkende", "who prepares it cannot be who approves it")
        )
    if credited > seller.credit_limit and not order.approved_by:
        amount, limit = kroner(credited), kroner(seller.credit_limit)
        raise NeedsApproval(
            Text(
                f"{order.number}: {amount.da} krediteret i alt er over grænsen på {limit.da}; en anden skal godkende",
                f"{order.number}: {amount.en} credited in all is above the limit of {limit.en}; "
                "somebody else must approve",
            )
        )


# --- writing


_WRITTEN: tuple[Table, ...] = (
    APPROVED, PREPARED, APPROVALS, INVOICES, LINES, CREDIT_NOTES, CREDITED_LINES, ledger.ENTRIES, ledger.POSTINGS,
    OUTBOX,
)  # fmt: skip


def _issue(
    session: Session, trail: Trail, order: Order, taken: tuple[Row[Any], Sequence[Row[Any]]], seller: Seller
) -> Issued:
    invoice, lines = taken
    closed_periods.refuse(session, order.on, invoice.book)
    series = series_name(invoice.year, invoice.book)
    sequence = invoices.draw(session, series, 1, order.on)
    document = _document(order, documents.from_json(invoice.document), invoices.number(series, sequence), lines)
    _refuse_faulty(document)
    batch = Batch(session, _WRITTEN)
    approved = _approval(batch, trail, order, (invoice, lines, document), seller)
    own = batch.add(
        INVOICES,
        {
            "book": invoice.book, "series": series, "sequence": sequence, "number": document.number,
            "year": invoice.year, "authority_id": invoice.authority_id, "issued_on": order.on, "due_on": order.on,
            "net_ore": -document.net.ore, "vat_ore": -document.vat.ore, "gross_ore": -document.gross.ore,
            "document": documents.to_json(document), "document_sha256": sha256(documents.to_json(document)),
            "approved_invoice_id": approved["id"], "issued_at": trail.at, "issued_by": trail.actor,
        },
    )  # fmt: skip
    _lines(batch, order, own, (invoice, lines))
    _post(session, batch, own, invoice)
    batch.add(OUTBOX, {"invoice_id": own["id"], "kind": "deliver", "created_at": trail.at})
    trail.record(
        ACTION, document.number,
        {"credits": invoice.number, "gross_ore": document.gross.ore, "approved_by": order.approved_by or None},
        rows=[(table, row) for table in _WRITTEN for row in batch.rows[table]],
    )  # fmt: skip
    for table, rows in batch.rows.items():
        append_only.add(session, table, rows)
    positions = tuple(line.position for line in lines)
    return Issued(document.number, invoice.number, positions, document.gross, invoice.year, invoice.book)


def _document(order: Order, invoice: InvoiceDocument, number: str, lines: Collection[Row[Any]]) -> InvoiceDocument:
    """Give the credit note as a value: seller, buyer and lines as they stood on the invoice, numbered as there."""
    positions = {line.position for line in lines}
    kept = tuple(line for line in invoice.lines if line.position in positions)
    totals = tuple(made for row in invoice.vat_totals if (made := _vat_total(row, kept)))
    net, vat = total(line.net for line in kept), total(line.vat for line in kept)
    return replace(
        invoice, number=number, issued_on=order.on, due_on=order.on, lines=kept, vat_totals=totals, net=net, vat=vat,
        gross=net + vat, kind="credit_note",
        credited=Credited(invoice.number, invoice.issued_on, wording.composed(order.reason).strip()),
    )  # fmt: skip


def _vat_total(row: VatTotal, lines: Sequence[DocumentLine]) -> VatTotal | None:
    """Sum one rate: the lines' own shares of the invoice's VAT, so that all credits give back exactly that."""
    of_rate = [line for line in lines if (line.vat_category, line.vat_rate) == (row.category, row.rate)]
    if not of_rate:
        return None
    return replace(row, net=total(line.net for line in of_rate), vat=total(line.vat for line in of_rate))


def _refuse_faulty(document: InvoiceDocument) -> None:
    from billing.einvoice import checks  # late: other commands do not wait for lxml

    errors = checks.errors(checks.check(document))
    if errors:
        raise NotCreditable(joined([finding.message for finding in errors], by="; "))


def _approval(
    batch: Batch,
    trail: Trail,
    order: Order,
    taken: tuple[Row[Any], Sequence[Row[Any]], InvoiceDocument],
    seller: Seller,
) -> dict[str, Any]:
    """Keep what was approved, as for an invoice: a plan of one, in a book that no annual plan has."""
    invoice, lines, document = taken
    content = canonical(
        {
            "credits": invoice.number, "lines": [line.position for line in lines], "reason": order.reason,
            "afterwards": _afterwards(order), "gross_ore": document.gross.ore,
        }
    )  # fmt: skip
    approval = batch.add(
        APPROVALS,
        {
            "year": invoice.year, "book": f"{invoice.book} credit", "digest": sha256(content), "invoices": 1,
            "net_ore": -document.net.ore, "seller_digest": seller.digest,
            "approved_by": order.approved_by or order.prepared_by, "approved_at": trail.at,
        },
    )  # fmt: skip
    approved = batch.add(
        APPROVED,
        {
            "approval_id": approval["id"], "position": 1, "authority_id": invoice.authority_id,
            "digest": sha256(content), "content": content,
        },
    )  # fmt: skip
    batch.add(
        PREPARED,
        {
            "approved_invoice_id": approved["id"],
            "lines": canonical([tuple(_opposite(line)) for line in lines]),
            "body": documents.body_json(document),
        },
    )
    return approved


def _afterwards(order: Order) -> str:
    return REISSUE if order.then_reissue else NOTHING


def _opposite(line: Row[Any]) -> PreparedLine:
    """Give the line that takes a line back: all its amounts with the opposite sign."""
    return PreparedLine(
        line_keys.credit_of(line.key), line.kind, line.product, line.agreement_id, line.membership_id, -line.net_ore,
        -line.product_ore, -line.association_ore, -line.vat_ore, line.reason,
    )  # fmt: skip


def _lines(batch: Batch, order: Order, own: Mapping[str, Any], taken: tuple[Row[Any], Sequence[Row[Any]]]) -> None:
    invoice, lines = taken
    note = batch.add(
        CREDIT_NOTES,
        {
            "invoice_id": own["id"], "credited_invoice_id": invoice.id,
            "reason": wording.composed(order.reason).strip(), "afterwards": _afterwards(order),
            "prepared_by": order.prepared_by, "approved_by": order.approved_by or None,
        },
    )  # fmt: skip
    shared = {"book": invoice.book, "year": invoice.year, "authority_id": invoice.authority_id}
    for line in lines:
        back = batch.add(
            LINES, {**_opposite(line)._asdict(), **shared, "invoice_id": own["id"], "position": line.position}
        )
        batch.add(CREDITED_LINES, {"credit_note_id": note["id"], "line_id": line.id, "credit_line_id": back["id"]})


def _post(session: Session, batch: Batch, own: Mapping[str, Any], invoice: Row[Any]) -> None:
    entry = batch.add(
        ledger.ENTRIES,
        {
            "book": own["book"], "posted_on": own["issued_on"], "authority_id": own["authority_id"],
            "invoice_id": own["id"], "text": f"Kreditnota {own['number']} til {invoice.number}",
        },
    )  # fmt: skip
    lines = [PreparedLine(*(row[name] for name in PreparedLine._fields)) for row in batch.rows[LINES]]
    amounts = ledger.invoice_amounts(lines, Money(own["vat_ore"]), _accounts(session, invoice.id))
    for at, amount in enumerate(amounts, start=1):
        batch.add(
            ledger.POSTINGS,
            {
                "entry_id": entry["id"], "position": at, "account": amount.account, "product": amount.product,
                "amount_ore": amount.money.ore,
            },
        )  # fmt: skip


def _accounts(session: Session, invoice_id: int) -> dict[str, str | None]:
    """Give each product's account as the invoice was posted: a number that came later must not split the two."""
    postings = ledger.POSTINGS.c
    rows = session.execute(
        select(postings.product, postings.account)
        .join(ledger.ENTRIES, postings.entry_id == ledger.ENTRIES.c.id)
        .where(ledger.ENTRIES.c.invoice_id == invoice_id, postings.product.is_not(None))
    )
    return products.accounts_by_name(session) | {row.product: row.account.rpartition("-")[0] for row in rows}


# --- what is told of them


@dataclass(frozen=True, slots=True)
class Told:
    """What a credit note takes back, for who asks why."""

    number: str
    credits: str
    reason: str
    prepared_by: str
    approved_by: str | None
    positions: tuple[int, ...]
    then_reissue: bool


def concerning(session: Session, number: str) -> list[Told]:
    """Give the credit note of that number, or those of the invoice of that number, in order."""
    rows = session.execute(_CONCERNING, {"number": number}).all()
    positions: dict[int, list[int]] = {}
    for row in rows:
        positions.setdefault(row.id, []).append(row.position)
    return [
        Told(
            row.number, row.of_number, row.reason, row.prepared_by, row.approved_by, tuple(positions[row.id]),
            row.afterwards == REISSUE,
        )
        for row in {row.id: row for row in rows}.values()
    ]  # fmt: skip


_OWN, _OF = INVOICES.alias("own"), INVOICES.alias("of")
_CONCERNING = (
    select(CREDIT_NOTES, _OWN.c.number, _OF.c.number.label("of_number"), LINES.c.position)
    .join(_OWN, CREDIT_NOTES.c.invoice_id == _OWN.c.id)
    .join(_OF, CREDIT_NOTES.c.credited_invoice_id == _OF.c.id)
    .join(CREDITED_LINES, CREDITED_LINES.c.credit_note_id == CREDIT_NOTES.c.id)
    .join(LINES, CREDITED_LINES.c.line_id == LINES.c.id)
    .where(or_(_OWN.c.number == bindparam("number"), _OF.c.number == bindparam("number")))
    .order_by(CREDIT_NOTES.c.id, LINES.c.position)
)


@dataclass(frozen=True, slots=True)
class Corrections:
    """Which invoices bring lines anew that were credited for it: those that this one corrects, and that correct it.

    A credit note corrects none; it is told what corrects the lines it took back.
    """

    of: tuple[str, ...] = ()
    by: tuple[str, ...] = ()


def corrections(session: Session, lines: Collection[Row[Any]], told: Sequence[Told]) -> Corrections:
    """Give what the lines of one invoice or credit note follow, and what follows them; `told` are its credits."""
    again = {position for one in told if one.then_reissue for position in one.positions}
    before, after, book = set(), set(), ""
    for line in lines:
        taken_back, book = line_keys.taken_back_by(line.key), line.book
        if taken_back is None and (previous := line_keys.previous_of(line.key)):
            before.add(previous)
        if line.position in again:
            after.add(line_keys.next_of(taken_back or line.key))
    if not before | after:
        return Corrections()
    rows = session.execute(
        select(INVOICES.c.number, LINES.c.key)
        .join(LINES, LINES.c.invoice_id == INVOICES.c.id)
        .where(LINES.c.book == book, LINES.c.key.in_(before | after))
        .order_by(INVOICES.c.id)
    ).all()
    of, by = (tuple(dict.fromkeys(row.number for row in rows if row.key in keys)) for keys in (before, after))
    return Corrections(of, by)


def count(session: Session, year: int, book: Book) -> int:
    """Count the credit notes of a year."""
    found = select(func.count()).select_from(CREDIT_NOTES.join(INVOICES, CREDIT_NOTES.c.invoice_id == INVOICES.c.id))
    return session.execute(found.where(INVOICES.c.year == year, INVOICES.c.book == book)).scalar() or 0


def first_with(session: Session, year: int, kind: Kind) -> tuple[str, int] | None:
    """Give the first invoice of a year that has a line of a kind, and where that stands."""
    row = session.execute(
        select(INVOICES.c.number, LINES.c.position)
        .join(LINES, LINES.c.invoice_id == INVOICES.c.id)
        .where(INVOICES.c.year == year, INVOICES.c.book == "real", LINES.c.kind == kind.value, LINES.c.net_ore > 0)
        .order_by(INVOICES.c.id, LINES.c.position)
        .limit(1)
    ).first()
    return None if row is None else (row.number, row.position)
