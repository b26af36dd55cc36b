"""What reminding asks of payments: what is owed, up to when the bank has told, and what money waits for its place."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Table, case, func, select
from sqlalchemy.orm import Session

from billing import ledger, payment_id
from billing.bank_models import BankStatement, BankTransaction
from billing.gathering import CREDIT_NOTES, INVOICES
from billing.vouchers import POSTINGS, VOUCHERS
from foundation.language import Text, day, kroner
from foundation.money import Money

STATEMENTS: Table = BankStatement.__table__  # type: ignore[assignment]
TRANSACTIONS: Table = BankTransaction.__table__  # type: ignore[assignment]

_PAID = ("match", "unmatch", "credit_used")


class Owed(NamedTuple):
    """What one invoice came to by a day."""

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


def outstanding(
    session: Session, on: date, *, authority_id: int | None = None, invoice_ids: Collection[int] | None = None
) -> dict[int, Owed]:
    """Give what each real invoice came to by a day, by its id, in one query."""
    note, of = INVOICES.alias("note"), CREDIT_NOTES
    credits = (
        select(of.c.credited_invoice_id.label("id"), func.sum(-note.c.gross_ore).label("ore"))
        .join(note, of.c.invoice_id == note.c.id)
        .where(note.c.issued_on <= on)
        .group_by(of.c.credited_invoice_id)
        .subquery()
    )
    is_paid = VOUCHERS.c.kind.in_(_PAID)
    moved = (
        select(
            POSTINGS.c.invoice_id.label("id"),
            func.sum(case((is_paid, -POSTINGS.c.amount_ore), else_=0)).label("paid"),
            func.sum(case((VOUCHERS.c.kind == "write_off", -POSTINGS.c.amount_ore), else_=0)).label("written_off"),
            func.max(case((VOUCHERS.c.kind == "match", VOUCHERS.c.posted_on))).label("last"),
        )
        .join(VOUCHERS, POSTINGS.c.voucher_id == VOUCHERS.c.id)
        .where(VOUCHERS.c.posted_on <= on, POSTINGS.c.account == ledger.RECEIVABLES, VOUCHERS.c.book == "real")
        .group_by(POSTINGS.c.invoice_id)
        .subquery()
    )
    columns = INVOICES.c
    is_invoice = columns.id.not_in(select(CREDIT_NOTES.c.invoice_id))
    found = (
        select(columns.id, columns.number, columns.authority_id, columns.issued_on, columns.due_on, columns.gross_ore,
               func.coalesce(credits.c.ore, 0).label("credited"), func.coalesce(moved.c.paid, 0).label("paid"),
               func.coalesce(moved.c.written_off, 0).label("written_off"), moved.c.last)
        .outerjoin(credits, credits.c.id == columns.id)
        .outerjoin(moved, moved.c.id == columns.id)
        .where(columns.book == "real", columns.issued_on <= on, is_invoice)
        .order_by(columns.id)
    )  # fmt: skip
    if authority_id is not None:
        found = found.where(columns.authority_id == authority_id)
    if invoice_ids is not None:
        found = found.where(columns.id.in_(sorted(invoice_ids)))
    return {row.id: _owed(row) for row in session.execute(found)}


def _owed(row: Any) -> Owed:
    credited, paid, written_off = int(row.credited), int(row.paid), int(row.written_off)
    return Owed(
        row.id, row.number, row.authority_id, row.issued_on, row.due_on, Money(row.gross_ore), Money(credited),
        Money(paid), Money(written_off), Money(row.gross_ore - credited - paid - written_off), row.last,
    )  # fmt: skip


def latest_day(session: Session) -> date | None:
    """Give the last day that bank statements cover; None where there are none."""
    found: date | None = session.execute(select(func.max(STATEMENTS.c.closing_on))).scalar()
    return found


class _Waiting(NamedTuple):
    booked_on: date
    amount_ore: int
    fik_id: str
    words: str  # what the payer wrote, and who it says it is, in small letters


def payments_waiting(session: Session, owed: Mapping[int, Owed], names: Mapping[int, str]) -> dict[int, Text]:
    """Tell for which invoices money may have come that has no place yet: named by its id or number, or as much, or by
    the payer. `names` are the authorities' by id. One query.
    """
    waiting = _waiting(session)
    found: dict[int, Text] = {}
    for id_, each in owed.items():
        hit = next((one for one in waiting if _may_pay(one, each, names.get(each.authority_id, ""))), None)
        if hit is not None:
            amount, on = kroner(Money(hit.amount_ore)), day(hit.booked_on)
            found[id_] = Text(f"{amount.da} fra {on.da} er ikke placeret", f"{amount.en} of {on.en} has no place yet")
    return found


def _may_pay(waiting: _Waiting, owed: Owed, name: str) -> bool:
    year, _, sequence = owed.number.rpartition("-")
    fik = payment_id.for_invoice(int(year), int(sequence), rehearsal=False)
    return (
        waiting.fik_id == fik
        or owed.number in waiting.words
        or waiting.amount_ore == owed.outstanding.ore
        or bool(name and name.casefold() in waiting.words)
    )


def _waiting(session: Session) -> list[_Waiting]:
    columns = TRANSACTIONS.c
    placed = select(VOUCHERS.c.subject).where(VOUCHERS.c.kind == "match")
    rows = session.execute(select(TRANSACTIONS).where(columns.amount_ore > 0).order_by(columns.id))
    known = set(session.execute(placed).scalars())
    return [
        _Waiting(row.booked_on, row.amount_ore, row.fik_id, f"{row.message} {row.payer}".casefold())
        for row in rows
        if str(row.id) not in known
    ]
