"""What is owed on any day: each invoice's outstanding amount and state, each authority's credit and account.

Nothing of it is stored. It is read from invoices, credit notes, matches and write-offs dated up to that day, in a
number of queries that does not depend on how many invoices there are.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, Row, Select, Table, bindparam, case, func, select, union_all
from sqlalchemy.orm import Session

from billing import ledger, reminder_charges, vouchers
from billing.bank_models import BankTransaction
from billing.gathering import CREDIT_NOTES, INVOICES
from billing.payment_models import FundContribution, PaymentMatch, Refund, WriteOff, WriteOffReversal
from billing.reminder_charges import Charged
from foundation.language import Text, same
from foundation.money import ZERO, Money, total

MATCHES: Table = PaymentMatch.__table__  # type: ignore[assignment]
CONTRIBUTIONS: Table = FundContribution.__table__  # type: ignore[assignment]
REFUNDS: Table = Refund.__table__  # type: ignore[assignment]
WRITE_OFFS: Table = WriteOff.__table__  # type: ignore[assignment]
REVERSALS: Table = WriteOffReversal.__table__  # type: ignore[assignment]
TRANSACTIONS: Table = BankTransaction.__table__  # type: ignore[assignment]

#: How long after its due day a claim can be pursued (the Danish act on limitation, section 3).
LIMITATION_YEARS = 3

_IDS_AT_A_TIME = 500

_DAYS_KEPT = 8  # questions of days: ever, today and those around it


class State(StrEnum):
    """How an invoice stands on a day."""

    OPEN = "open"
    OVERDUE = "overdue"
    PARTLY_PAID = "partly_paid"
    SETTLED = "settled"
    CREDITED = "credited"
    WRITTEN_OFF = "written_off"


STATES: Mapping[State, Text] = {
    State.OPEN: Text("Åben", "Open"),
    State.OVERDUE: Text("Forfalden", "Overdue"),
    State.PARTLY_PAID: Text("Delvist betalt", "Partly paid"),
    State.SETTLED: Text("Betalt", "Settled"),
    State.CREDITED: Text("Krediteret", "Credited"),
    State.WRITTEN_OFF: Text("Afskrevet", "Written off"),
}


class Owed(NamedTuple):
    """What one invoice came to by a day. `outstanding` is below zero where more was paid than it asks for."""

    invoice_id: int
    number: str
    authority_id: int
    issued_on: date
    due_on: date
    gross: Money
    credited: Money
    paid: Money
    written_off: Money
    outstanding: Money
    last_paid_on: date | None


def state(owed: Owed, on: date) -> State:
    """Tell how an invoice stands on a day: what is overdue says so, also where some of it is paid."""
    if owed.outstanding.ore <= 0:
        if owed.written_off:
            return State.WRITTEN_OFF
        return State.CREDITED if owed.credited == owed.gross else State.SETTLED
    if owed.due_on < on:
        return State.OVERDUE
    return State.PARTLY_PAID if owed.paid or owed.credited or owed.written_off else State.OPEN


def stands(owed: Owed, on: date) -> Text:
    """Say how an invoice stands on a day; what only a credit note or a write-off made smaller is not paid in part."""
    found = state(owed, on)
    if found is State.PARTLY_PAID and not owed.paid:
        return _CREDITED_IN_PART if owed.credited else _WRITTEN_OFF_IN_PART
    return STATES[found]


_CREDITED_IN_PART = Text("Delvist krediteret", "Partly credited")
_WRITTEN_OFF_IN_PART = Text("Delvist afskrevet", "Partly written off")


def is_barred(due_on: date, on: date) -> bool:
    """Tell whether a claim can no longer be pursued: three years after its due day have passed."""
    return limitation_day(due_on) < on


def limitation_day(due_on: date) -> date:
    """Give the last day a claim can be pursued; one due on 29 February ends with the month."""
    year = due_on.year + LIMITATION_YEARS
    is_leap_day = (due_on.month, due_on.day) == (2, 29)
    return date(year, 2, 28) if is_leap_day else due_on.replace(year=year)


# --- invoices


def outstanding(
    session: Session, on: date, *, authority_id: int | None = None, invoice_ids: Collection[int] | None = None
) -> dict[int, Owed]:
    """Give what each real invoice came to by a day, by its id in order; of one authority or some invoices where named.

    One query, and one for every 500 invoices where they are named.
    """
    found = _statement(on)[0].order_by(INVOICES.c.id)
    if authority_id is not None:
        found = found.where(INVOICES.c.authority_id == authority_id)
    if invoice_ids is None:
        return _read(session, found)
    listed = sorted(invoice_ids)
    owed: dict[int, Owed] = {}
    for at in range(0, len(listed), _IDS_AT_A_TIME):
        owed |= _read(session, found.where(INVOICES.c.id.in_(listed[at : at + _IDS_AT_A_TIME])))
    return owed


def still_open(session: Session, on: date) -> dict[int, Owed]:
    """Give the invoices that owe something on a day, or are paid too much, in one query."""
    statement, left = _statement(on)
    return _read(session, statement.where(left != 0).order_by(INVOICES.c.id))


class Lacking(NamedTuple):
    """What an authority owes of one invoice."""

    authority_id: int
    outstanding: Money


def lacking(session: Session, days: Sequence[date]) -> Iterator[dict[int, Lacking]]:
    """Give the invoices that owe something at the end of each of some days, in their order, by id.

    It costs O(invoices) for the first day, and for the others O(what happened to invoices since); two statements.
    """
    opened = still_open(session, days[0])
    left = Counter({id_: each.outstanding.ore for id_, each in opened.items()})
    whose = {id_: each.authority_id for id_, each in opened.items()}
    moved = session.execute(_moved(days[0], days[-1])).all() if len(days) > 1 else []
    at = 0
    for day in days:
        while at < len(moved) and moved[at].on <= day:
            left[moved[at].invoice_id] += moved[at].ore
            whose[moved[at].invoice_id] = moved[at].authority_id
            at += 1
        yield {id_: Lacking(whose[id_], Money(ore)) for id_, ore in sorted(left.items()) if ore > 0}


def open_ids(on: date) -> Select[Any]:
    """Ask for the ids of the invoices that owe something on a day, to narrow a list by."""
    statement, left = _statement(on)
    return statement.where(left > 0).with_only_columns(INVOICES.c.id)


def one(session: Session, on: date, invoice_id: int) -> Owed | None:
    """Give what one invoice came to by a day; None for a credit note, and for a rehearsal's."""
    row = session.execute(_of_one(on), {"invoice_id": invoice_id}).first()
    return None if row is None else _one(row)


def _read(session: Session, found: Select[Any]) -> dict[int, Owed]:
    return {row.id: _one(row) for row in session.execute(found)}


def _one(row: Row[Any]) -> Owed:
    credited, paid, written_off = int(row.credited), int(row.paid), int(row.written_off)
    return Owed(
        row.id, row.number, row.authority_id, row.issued_on, row.due_on, Money(row.gross_ore), Money(credited),
        Money(paid), Money(written_off), Money(row.gross_ore - credited - paid - written_off), row.last_paid_on,
    )  # fmt: skip


@lru_cache(_DAYS_KEPT)
def _of_one(on: date) -> Select[Any]:
    """Ask for one invoice, named when it is asked: its own sums are added up, not those of all invoices."""
    named = bindparam("invoice_id", type_=INVOICES.c.id.type)
    return _written(on, named)[0].where(INVOICES.c.id == named)


@lru_cache(_DAYS_KEPT)
def _statement(on: date) -> tuple[Select[Any], ColumnElement[int]]:
    """Ask for real invoices with what came off them by a day; give that, and the expression of what is left.

    Writing the question takes longer than asking it of the database, so it is kept.
    """
    return _written(on)


def _written(on: date, named: BindParameter[int] | None = None) -> tuple[Select[Any], ColumnElement[int]]:
    columns = INVOICES.c
    back, paid, lost = (_only(each, named).subquery(name) for name, each in _off(on).items())
    sums = [func.coalesce(each.c.ore, 0) for each in (back, paid, lost)]
    wanted = (columns.id, columns.number, columns.authority_id, columns.issued_on, columns.due_on, columns.gross_ore)
    statement = (
        select(*wanted, sums[0].label("credited"), sums[1].label("paid"), sums[2].label("written_off"),
               paid.c.last_paid_on)
        .select_from(INVOICES)
        .outerjoin(back, back.c.invoice_id == columns.id)
        .outerjoin(paid, paid.c.invoice_id == columns.id)
        .outerjoin(lost, lost.c.invoice_id == columns.id)
        .where(columns.book == "real", columns.issued_on <= on, columns.id.not_in(select(CREDIT_NOTES.c.invoice_id)))
    )  # fmt: skip
    return statement, columns.gross_ore - sums[0] - sums[1] - sums[2]


def _off(on: date) -> dict[str, Select[Any]]:
    """Give what comes off invoices, each by `invoice_id`."""
    return {"credited": _credited(on), "paid": _paid(on), "written_off": _written_off(on)}


def _only(statement: Select[Any], named: BindParameter[int] | None) -> Select[Any]:
    return statement if named is None else statement.where(statement.selected_columns.invoice_id == named)


def _credited(on: date) -> Select[Any]:
    back = INVOICES.alias("back")
    return (
        select(CREDIT_NOTES.c.credited_invoice_id.label("invoice_id"), (-func.sum(back.c.gross_ore)).label("ore"))
        .join(back, CREDIT_NOTES.c.invoice_id == back.c.id)
        .where(back.c.issued_on <= on)
        .group_by(CREDIT_NOTES.c.credited_invoice_id)
    )


def _paid(on: date) -> Select[Any]:
    columns = MATCHES.c
    undone = select(columns.undoes).where(columns.undoes.is_not(None), columns.matched_on <= on)
    stands = columns.undoes.is_(None) & columns.id.not_in(undone)
    return (
        select(columns.invoice_id, func.sum(columns.amount_ore).label("ore"),
               func.max(case((stands, TRANSACTIONS.c.booked_on))).label("last_paid_on"))
        .outerjoin(TRANSACTIONS, columns.transaction_id == TRANSACTIONS.c.id)
        .where(columns.invoice_id.is_not(None), columns.account.is_(None), columns.matched_on <= on)
        .group_by(columns.invoice_id)
    )  # fmt: skip


def _written_off(on: date) -> Select[Any]:
    """Sum what was written off, less what came of it later."""
    lost, back = WRITE_OFFS.c, REVERSALS.c
    given_up = select(lost.invoice_id, lost.amount_ore.label("ore")).where(lost.decided_on <= on)
    came = select(lost.invoice_id, (-back.amount_ore).label("ore")).join(WRITE_OFFS, back.write_off_id == lost.id)
    both = union_all(given_up, came.where(back.reversed_on <= on)).subquery("lost_and_back")
    return select(both.c.invoice_id, func.sum(both.c.ore).label("ore")).group_by(both.c.invoice_id)


def _moved(after: date, last: date) -> Select[Any]:
    """Ask for all that moved what real invoices owe after a day, up to another, day by day."""
    back, lost, came, match = INVOICES.alias("back"), WRITE_OFFS.c, REVERSALS.c, MATCHES.c
    own = INVOICES.c.id.not_in(select(CREDIT_NOTES.c.invoice_id))
    each = union_all(
        select(INVOICES.c.id.label("invoice_id"), INVOICES.c.issued_on.label("on"), INVOICES.c.gross_ore.label("ore"))
        .where(own),
        select(CREDIT_NOTES.c.credited_invoice_id, back.c.issued_on, back.c.gross_ore)
        .join(back, CREDIT_NOTES.c.invoice_id == back.c.id),
        select(match.invoice_id, match.matched_on, -match.amount_ore)
        .where(match.invoice_id.is_not(None), match.account.is_(None)),
        select(lost.invoice_id, lost.decided_on, -lost.amount_ore),
        select(lost.invoice_id, came.reversed_on, came.amount_ore).join(WRITE_OFFS, came.write_off_id == lost.id),
    ).subquery("moved")  # fmt: skip
    return (
        select(each.c.invoice_id, INVOICES.c.authority_id, each.c.on, each.c.ore)
        .join(INVOICES, INVOICES.c.id == each.c.invoice_id)
        .where(INVOICES.c.book == "real", each.c.on > after, each.c.on <= last)
        .order_by(each.c.on)
    )


# --- authorities


def credits_of(session: Session, on: date, *, authority_id: int | None = None) -> dict[int, Money]:
    """Give what stands to authorities' credit on a day: paid, not used, not given back. In one query, by id."""
    posting, voucher = vouchers.POSTINGS.c, vouchers.VOUCHERS.c
    found = (
        select(posting.authority_id, func.sum(posting.amount_ore).label("ore"))
        .join(vouchers.VOUCHERS, posting.voucher_id == voucher.id)
        .where(posting.account == ledger.CREDIT, voucher.book == "real", voucher.posted_on <= on)
        .group_by(posting.authority_id)
    )
    if authority_id is not None:
        found = found.where(posting.authority_id == authority_id)
    return {row.authority_id: Money(-int(row.ore)) for row in session.execute(found) if row.ore}


class Movement(NamedTuple):
    """One line of a statement of account. `balance` is what the authority owed after it, its credit taken off."""

    on: date
    kind: str  # of the voucher; `invoice` for invoices and credit notes
    invoice: str  # the number of the invoice or credit note it is about; empty where it is about none
    text: str  # as it was booked
    words: Text  # the same for readers of either language
    amount: Money
    balance: Money


#: What each kind of movement is called.
MOVEMENTS: Mapping[str, Text] = {
    "invoice": Text("Faktura eller kreditnota", "Invoice or credit note"),
    "match": Text("Betaling", "Payment"),
    "unmatch": Text("Betaling ophævet", "Payment undone"),
    "credit_used": Text("Tilgodehavende flyttet", "Credit moved"),
    "refund": Text("Tilbagebetaling", "Refund"),
    "write_off": Text("Afskrivning", "Write-off"),
    "write_off_back": Text("Afskrivning ført tilbage", "Write-off reversed"),
    "charge_waived": Text("Gebyr og rente eftergivet", "Fee and interest waived"),
    "reminder": Text("Rykker", "Reminder"),
    "interest": Text("Rente", "Interest"),
}


@dataclass(frozen=True, slots=True)
class Statement:
    """An authority's account on a day: what moved, what invoices and reminders still ask for, what is its credit."""

    authority_id: int
    on: date
    movements: tuple[Movement, ...]
    owed: tuple[Owed, ...]
    charges: tuple[Charged, ...]  # of reminders, by invoice
    credit: Money

    @property
    def balance(self) -> Money:
        """Give what the authority owes in all, its credit taken off; below zero where it is owed money."""
        return self.movements[-1].balance if self.movements else ZERO

    @property
    def charged(self) -> Money:
        """Give what is owed of what reminders charge."""
        return total(each.outstanding for each in self.charges)

    @property
    def barred(self) -> Money:
        """Give how much of what is owed can no longer be pursued."""
        return total(owed.outstanding for owed in self.owed if is_barred(owed.due_on, self.on))


def statement(session: Session, authority_id: int, on: date) -> Statement:
    """Give an authority's account on a day, from the ledger, in four queries."""
    owed = outstanding(session, on, authority_id=authority_id).values()
    credit = credits_of(session, on, authority_id=authority_id).get(authority_id, ZERO)
    left = tuple(each for each in owed if each.outstanding)
    asked = reminder_charges.charged(session, on, authority_id=authority_id).values()
    charges = tuple(each for each in asked if each.outstanding)
    return Statement(authority_id, on, tuple(_movements(session, authority_id, on)), left, charges, credit)


def _movements(session: Session, authority_id: int, on: date) -> Iterator[Movement]:
    ledger_ = vouchers.entries().subquery("ledger_entries")
    columns = ledger_.c
    matched = (MATCHES.c.voucher_id == columns.subject_id) & columns.kind.in_(_OF_MATCHES)
    rows = session.execute(
        select(columns.posted_on, columns.kind, columns.subject_id, columns.text,
               func.sum(columns.amount_ore).label("ore"), func.max(INVOICES.c.number).label("number"),
               func.max(MATCHES.c.explanation).label("explanation"))
        .select_from(ledger_.outerjoin(INVOICES, columns.invoice_id == INVOICES.c.id).outerjoin(MATCHES, matched))
        .where(columns.account.in_((ledger.RECEIVABLES, ledger.CREDIT, ledger.CHARGES_OWED)), columns.book == "real",
               columns.authority_id == authority_id, columns.posted_on <= on)
        .group_by(columns.posted_on, columns.kind, columns.subject_id, columns.text)
        .order_by(columns.posted_on, case((columns.kind == "invoice", 0), else_=1), columns.subject_id)
    )  # fmt: skip
    balance = ZERO
    for row in rows:
        balance += Money(int(row.ore))
        yield Movement(row.posted_on, row.kind, row.number or "", row.text, _words(row), Money(int(row.ore)), balance)


#: Movements that a match of a payment booked, whose explanation is kept in both languages.
_OF_MATCHES = ("match", "unmatch", "credit_used")


def _words(row: Any) -> Text:
    if row.explanation is not None:
        told = json.loads(row.explanation)
        return Text(told["da"], told["en"])
    if row.kind == "invoice":
        return Text(row.text, f"{'Credit note' if row.ore < 0 else 'Invoice'} {row.number}")
    return same(row.text)


# --- the age of debts

#: Days past due at which a debt enters the next band of age.
AGES = (0, 30, 60, 90, 365)


def by_age(owed: Iterable[Owed], on: date) -> list[tuple[Text, Money]]:
    """Sum what is owed by how long it is overdue; what can no longer be pursued stands last, on its own."""
    sums = [0] * (len(AGES) + 2)
    for each in owed:
        sums[_band(each, on)] += each.outstanding.ore
    return [(title, Money(ore)) for title, ore in zip(_AGE_TITLES, sums, strict=True)]


def _band(owed: Owed, on: date) -> int:
    if is_barred(owed.due_on, on):
        return len(AGES) + 1
    overdue = (on - owed.due_on).days
    return sum(overdue > days for days in AGES)


_AGE_TITLES = (
    Text("Ikke forfalden", "Not due"),
    Text("1-30 dage", "1-30 days"),
    Text("31-60 dage", "31-60 days"),
    Text("61-90 dage", "61-90 days"),
    Text("91–365 dage", "91–365 days"),
    Text("Over et år", "More than a year"),
    Text("Forældet (over tre år)", "Barred (more than three years)"),
)
