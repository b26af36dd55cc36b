"""What `verify` recomputes of reminders: levels, law, amounts, interest, approval, documents, bytes and booking."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator
from datetime import date, timedelta
from email import message_from_bytes, policy
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from billing import closed_periods, interest, reminder_document, reminder_terms, reminders, verdicts
from billing.gathering import INVOICES
from billing.interest import RATES, SURCHARGE, Piece
from billing.reminder_document import ReminderDocument
from billing.reminder_files import LETTER, RENDERINGS, VERDICTS
from billing.reminder_plan import REMINDERS
from billing.reminder_terms import COMPENSATION, HIGHEST_FEE, LEAST_DAYS_APART, MOST_REMINDERS
from billing.reminders import MESSAGES
from billing.vouchers import POSTINGS, VOUCHERS, Order
from foundation import plain, proposals
from foundation.audit import sha256
from foundation.language import Text, kroner
from foundation.letters import LETTERS
from foundation.money import Money
from foundation.proposals import DECISIONS, PROPOSALS

Fault = tuple[str, Text]

_AT_A_TIME = 500

#: What reading a document or a piece of interest raises where someone wrote something else there.
_UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def faults(session: Session) -> Iterator[Fault]:
    """Name everything about reminders that does not hold; about ten queries."""
    yield from _each(session)
    yield from _levels(session)
    yield from _booked(session)
    yield from _bytes(session)
    yield from _judged(session)
    yield from _sent(session)


# --- each by itself


def _each(session: Session) -> Iterator[Fault]:
    messages = Counter(session.execute(select(MESSAGES.c.reminder_id)).scalars())
    rates = {(row.valid_from, row.hundredths) for row in session.execute(select(RATES))}
    rows = session.execute(
        select(REMINDERS, INVOICES.c.number.label("of_number"), INVOICES.c.due_on.label("was_due_on"),
               INVOICES.c.authority_id.label("of_authority"), INVOICES.c.book, PROPOSALS.c.kind, PROPOSALS.c.content,
               PROPOSALS.c.proposed_by, DECISIONS.c.outcome, DECISIONS.c.decided_by)
        .join(INVOICES, REMINDERS.c.invoice_id == INVOICES.c.id)
        .outerjoin(PROPOSALS, REMINDERS.c.proposal_id == PROPOSALS.c.id)
        .outerjoin(DECISIONS, DECISIONS.c.proposal_id == PROPOSALS.c.id)
        .order_by(REMINDERS.c.id)
        .execution_options(yield_per=_AT_A_TIME)
    )  # fmt: skip
    for row in rows:
        if messages[row.id] != 1:
            yield row.number, Text("har ikke netop én afsendelse", "has not exactly one delivery")
        try:
            yield from _document(row)
            yield from _law(row)
            yield from _interest(row, rates)
            yield from _approved(row)
        except _UNREADABLE as error:
            kind = type(error).__name__
            yield row.number, Text(f"kan ikke læses: {kind}", f"cannot be read: {kind}")


def _document(row: Row[Any]) -> Iterator[Fault]:
    if sha256(row.document) != row.document_sha256:
        yield row.number, Text("dokumentets kontrolsum passer ikke", "the document's digest differs")
    says = reminder_document.from_json(row.document)
    stands = (row.number, row.level, row.issued_on, row.due_on, row.outstanding_ore, row.to_pay_ore, row.of_number)
    if stands != _said(says):
        yield row.number, Text("dokumentet siger noget andet", "the document says something else")
    charged = Counter[str]({charge.kind: charge.amount.ore for charge in says.charges})
    costs = {"fee": row.fee_ore, "compensation": row.compensation_ore, "interest": row.interest_ore}
    if any(charged[kind] != ore for kind, ore in costs.items()):
        yield (
            row.number,
            Text("gebyr eller rente passer ikke til dokumentet", "fee or interest is another there"),
        )
    if row.outstanding_ore + sum(costs.values()) + charged["earlier"] != row.to_pay_ore:
        yield row.number, Text("beløbene lægger ikke sammen", "the amounts do not add up")
    if row.authority_id != row.of_authority or row.book != "real":
        yield row.number, Text("hører ikke til sin faktura", "does not belong to its invoice")


def _said(says: ReminderDocument) -> tuple[Any, ...]:
    (invoice,) = says.invoices
    return (
        says.number, says.sequence, says.issued_on, says.due_on, says.outstanding.ore, says.to_pay.ore, invoice.number
    )  # fmt: skip


def _law(row: Row[Any]) -> Iterator[Fault]:
    if row.was_due_on >= row.issued_on:
        yield row.number, Text("rykker for en faktura, der ikke er forfalden", "reminds of an invoice that is not due")
    if not 0 <= row.fee_ore <= HIGHEST_FEE.ore:
        fee = kroner(Money(row.fee_ore))
        yield row.number, Text(f"gebyret på {fee.da} er over loven", f"the fee of {fee.en} is above the law")
    if row.compensation_ore not in (0, COMPENSATION.ore) or (row.compensation_ore and row.level > 1):
        yield row.number, Text("kompensationen er ikke 310 kr. én gang", "the compensation is not 310 kr. once")


def _interest(row: Row[Any], rates: set[tuple[Any, int]]) -> Iterator[Fault]:
    pieces = [plain.read(Piece, piece) for piece in json.loads(row.interest)]
    again = interest.amount(Money(row.outstanding_ore), pieces)
    if again.ore != row.interest_ore:
        was, now = kroner(Money(row.interest_ore)), kroner(again)
        yield (
            row.number,
            Text(f"renten er {was.da}, dagene giver {now.da}", f"interest is {was.en}, days give {now.en}"),
        )
    for piece in pieces:
        if (interest.half_year(piece.first), piece.hundredths - SURCHARGE) not in rates:
            yield row.number, Text("renten hviler på en ukendt sats", "the interest rests on an unknown rate")


def _approved(row: Row[Any]) -> Iterator[Fault]:
    """It rests on a plan that names it, or on a standing rule, that another person approved."""
    if row.outcome != "approved" or proposals.is_same_person(row.proposed_by, row.decided_by):
        yield row.number, Text("er ikke godkendt af en anden", "was not approved by another person")
        return
    if row.kind == "reminder_terms":
        is_named = reminder_terms.read(row.content).automatic
    else:
        item = reminders.read(row.content).items.get((row.of_number, row.level)) if row.kind == "reminders" else None
        amounts = [row.outstanding_ore, row.fee_ore, row.compensation_ore, row.interest_ore]
        earlier = row.to_pay_ore - sum(amounts)
        amounts += [earlier] if earlier else []
        is_named = item is not None and item[2:] == amounts
    if not is_named:
        yield row.number, Text("er ikke udstedt, som den blev godkendt", "is not as it was approved")


# --- all of an invoice


def _levels(session: Session) -> Iterator[Fault]:
    """Levels rise by one, at most three, at least ten days apart; none asks for more than the earlier ones charged."""
    columns = REMINDERS.c
    costs = columns.fee_ore + columns.compensation_ore + columns.interest_ore
    before: Any = None
    asked = 0
    for row in session.execute(
        select(columns.number, columns.invoice_id, columns.level, columns.issued_on, costs.label("costs"),
               (columns.to_pay_ore - columns.outstanding_ore - costs).label("earlier"))
        .order_by(columns.invoice_id, columns.level)
    ):  # fmt: skip
        last = before if before is not None and before.invoice_id == row.invoice_id else None
        if row.level != (last.level + 1 if last else 1) or row.level > MOST_REMINDERS:
            yield row.number, Text(f"er rykker nr. {row.level} uden den før", f"is reminder no. {row.level} with none "
                                   "before")  # fmt: skip
        if last and row.issued_on < last.issued_on + timedelta(days=LEAST_DAYS_APART):
            yield row.number, Text("følger inden ti dage efter den før", "follows in less than ten days")  # fmt: skip
        asked = asked if last else 0
        if not 0 <= row.earlier <= asked:
            yield (
                row.number,
                Text("kræver mere, end de tidligere rykkere kostede", "asks for more than earlier ones"),
            )
        asked += row.costs
        before = row


# --- booking


def _booked(session: Session) -> Iterator[Fault]:
    """A reminder books exactly what it costs, and nothing else is booked as one."""
    stands: dict[tuple[str, str], Counter[Any]] = {}
    closed = closed_periods.last_days(session)
    rows = session.execute(
        select(VOUCHERS.c.kind, VOUCHERS.c.subject, VOUCHERS.c.posted_on, POSTINGS)
        .join(POSTINGS, POSTINGS.c.voucher_id == VOUCHERS.c.id)
        .where(VOUCHERS.c.kind.in_(("reminder", "interest")), VOUCHERS.c.book == "real")
    )
    for row in rows:
        place = (row.posted_on, row.account, row.authority_id, row.invoice_id)
        stands.setdefault((row.kind, row.subject), Counter())[place] += row.amount_ore
    for row in session.execute(select(REMINDERS).order_by(REMINDERS.c.id).execution_options(yield_per=_AT_A_TIME)):
        should = {(order.kind, order.subject): order for order in reminders.orders(dict(row._mapping))}
        for kind in ("reminder", "interest"):
            is_booked, order = stands.pop((kind, row.number), Counter()), should.get((kind, row.number))
            day = next(iter(is_booked), (None,))[0]
            wanted = Counter(
                {(_day_of(order, day, closed), entry.account, entry.authority_id, entry.invoice_id): entry.amount.ore
                 for entry in order.entries}
            ) if order else Counter()  # fmt: skip
            if is_booked != wanted:
                yield row.number, Text("er ikke bogført, som den koster", "is not booked as it costs")
    for _, subject in sorted(stands):
        yield subject, Text("er bogført uden en rykker", "is booked without a reminder")


def _day_of(order: Order, posted_on: date | None, closed: Collection[date]) -> date:
    """Give the day on which a reminder should be booked: its own, or the first open one after its own was closed."""
    is_right = posted_on is not None and closed_periods.is_day_of(closed, order.on, posted_on)
    return posted_on if posted_on is not None and is_right else order.on


# --- bytes and verdicts


def _bytes(session: Session) -> Iterator[Fault]:
    columns = (RENDERINGS.c.format, RENDERINGS.c.sha256, RENDERINGS.c.content, REMINDERS.c.number)
    rows = select(*columns).join(REMINDERS, RENDERINGS.c.reminder_id == REMINDERS.c.id)
    for row in session.execute(rows.execution_options(yield_per=_AT_A_TIME)):
        if sha256(row.content) != row.sha256:
            yield f"{row.number}.{row.format}", Text("filens kontrolsum passer ikke", "the file's digest differs")


def _judged(session: Session) -> Iterator[Fault]:
    rows = session.execute(
        select(VERDICTS, RENDERINGS.c.format, REMINDERS.c.number)
        .outerjoin(RENDERINGS, VERDICTS.c.rendering_id == RENDERINGS.c.id)
        .outerjoin(REMINDERS, RENDERINGS.c.reminder_id == REMINDERS.c.id)
    )
    for row in rows:
        subject = f"verdict {row.id}, {row.number}"
        if row.format != "oioubl" or not row.pack.startswith("oioubl"):
            yield subject, Text("er ikke afsagt over en rykkers XML", "is not on the XML of a reminder")
        try:
            outcome = verdicts.outcome(verdicts.read(row.failures))
        except _UNREADABLE as error:
            kind = type(error).__name__
            yield subject, Text(f"kan ikke læses: {kind}", f"cannot be read: {kind}")
            continue
        if row.outcome != outcome:
            yield subject, Text("siger andet end reglerne", "says something else than its rules")


# --- letters


def _sent(session: Session) -> Iterator[Fault]:
    """A letter that carries a reminder carries the bytes that are kept of it, and of no other."""
    kept: dict[str, set[str]] = {}
    found = select(REMINDERS.c.number, RENDERINGS.c.sha256).join(REMINDERS, RENDERINGS.c.reminder_id == REMINDERS.c.id)
    for reminder in session.execute(found):
        kept.setdefault(reminder.number, set()).add(reminder.sha256)
    columns = (LETTERS.c.id, LETTERS.c.subject, LETTERS.c.content)
    sent = select(*columns).where(LETTERS.c.kind == LETTER).order_by(LETTERS.c.id)
    for row in session.execute(sent.execution_options(yield_per=50)):
        if _enclosed(bytes(row.content)) != kept.get(row.subject, set()) or row.subject not in kept:
            yield (
                f"letter {row.id}, {row.subject}",
                Text("bærer ikke rykkerens gemte filer", "does not carry the reminder's kept files"),
            )


def _enclosed(content: bytes) -> set[str]:
    mail = message_from_bytes(content, policy=policy.default)
    return {sha256(part.get_payload(decode=True) or b"") for part in mail.walk() if part.get_filename()}  # type: ignore[arg-type]
