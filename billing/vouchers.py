"""Booking beside invoices: payments, refunds, write-offs, costs. With the invoices' own entries they are the ledger.

Invoices and credit notes keep their entries where the digests of issued rows cover them (`ledger_entry`); everything
else is a voucher. `entries` reads both as one ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import ColumnElement, Select, String, Table, literal, select, union_all
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal

from billing import closed_periods, ledger
from billing.gathering import Book
from billing.voucher_models import Voucher, VoucherPosting
from foundation import append_only
from foundation.audit import Trail
from foundation.money import Money, total
from foundation.periods import Period

VOUCHERS: Table = Voucher.__table__  # type: ignore[assignment]
POSTINGS: Table = VoucherPosting.__table__  # type: ignore[assignment]

#: What may be booked beside invoices. `bank`: money moved on the bank account; `match`: it was what an invoice asked
#: for; `unmatch`: it was not, after all. `write_off_back`: something came of what was written off.
Kind = Literal[
    "bank", "match", "unmatch", "credit_used", "refund", "write_off", "write_off_back", "charge_waived",
    "reminder", "interest", "cost", "accrual", "opening", "transfer",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)


class Entry(NamedTuple):
    """One posting to be: where and how much; whose fund, whose account and which invoice, where that applies."""

    account: str
    amount: Money
    product: str | None = None
    authority_id: int | None = None
    invoice_id: int | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be booked, once: `subject` is unique within its kind and book."""

    kind: Kind
    subject: str
    on: date
    text: str
    entries: tuple[Entry, ...]
    book: Book = "real"


def book(session: Session, orders: Sequence[Order], trail: Trail, action: str = "voucher.booked") -> list[int]:
    """Book vouchers, in one statement a table, each with its entry in the trail; give their ids.

    Needs the writer's lock. Raises PeriodClosed for a day that is closed, and ValueError for one that does not balance,
    or is empty: a fault of ours, no person's.
    """
    _refuse_closed(session, orders)
    vouchers: list[dict[str, Any]] = []
    postings: list[dict[str, Any]] = []
    first, next_posting = append_only.next_id(session, VOUCHERS), append_only.next_id(session, POSTINGS)
    for id_, order in enumerate(orders, start=first):
        if not order.entries or total(entry.amount for entry in order.entries):
            raise ValueError(f"{order.kind} {order.subject} does not balance")
        voucher = {
            "id": id_, "book": order.book, "kind": order.kind, "subject": order.subject, "posted_on": order.on,
            "text": order.text, "booked_by": trail.actor, "booked_at": trail.at,
        }  # fmt: skip
        rows = [
            {
                "id": next_posting + at, "voucher_id": id_, "position": at + 1, "account": entry.account,
                "product": entry.product, "authority_id": entry.authority_id, "invoice_id": entry.invoice_id,
                "amount_ore": entry.amount.ore,
            }
            for at, entry in enumerate(order.entries)
        ]  # fmt: skip
        next_posting += len(rows)
        trail.record(
            action, f"{order.kind} {order.subject}", {"on": order.on, "text": order.text},
            rows=[(VOUCHERS, voucher), *((POSTINGS, row) for row in rows)],
        )  # fmt: skip
        vouchers.append(voucher)
        postings += rows
    append_only.add(session, VOUCHERS, vouchers)
    append_only.add(session, POSTINGS, postings)
    return [voucher["id"] for voucher in vouchers]


def _refuse_closed(session: Session, orders: Sequence[Order]) -> None:
    days = [order.on for order in orders if order.book == "real"]
    if days:
        closed_periods.refuse(session, min(days), "real")


def entries(period: Period | None = None) -> Select[Any]:
    """Select the whole ledger, or that of a period's days, a row for each posting, whoever booked it.

    What a period costs is O(its postings): its days are asked for where they are indexed.

    Columns: `book`, `kind` (`invoice` for both invoices and credit notes), `subject_id` (the invoice's or the voucher's
    id), `posted_on`, `text`, `account`, `product`, `authority_id`, `invoice_id`, `amount_ore`, `position` (within the
    subject, from 1).
    """
    return select(union_all(*halves(period)).subquery("ledger"))


def halves(period: Period | None = None) -> tuple[Select[Any], Select[Any]]:
    """Select what invoices booked, and what vouchers did, with the columns of `entries`.

    Sums by kind are quicker made of each half by itself than of both together: no kind is in both.
    """
    invoiced, posted = ledger.ENTRIES.c, ledger.POSTINGS.c
    of_invoices = select(
        _unsought(invoiced.book, period), literal("invoice").label("kind"), invoiced.invoice_id.label("subject_id"),
        invoiced.posted_on, invoiced.text, posted.account, posted.product, invoiced.authority_id, invoiced.invoice_id,
        posted.amount_ore, posted.position,
    ).join(ledger.POSTINGS, posted.entry_id == invoiced.id).where(*_within(invoiced.posted_on, period))  # fmt: skip
    voucher, row = VOUCHERS.c, POSTINGS.c
    of_vouchers = select(
        _unsought(voucher.book, period), voucher.kind, voucher.id.label("subject_id"), voucher.posted_on, voucher.text,
        row.account, row.product, row.authority_id, row.invoice_id, row.amount_ore, row.position,
    ).join(POSTINGS, row.voucher_id == voucher.id).where(*_within(voucher.posted_on, period))  # fmt: skip
    return of_invoices, of_vouchers


def _within(day: Any, period: Period | None) -> list[Any]:
    return [] if period is None else [day >= period.start, *([day < period.end] if period.end else [])]


def _unsought(book: Any, period: Period | None) -> Any:
    return book if period is None else _Unsought(book).label("book")


class _Unsought(ColumnElement[str]):
    """A column that SQLite does not seek by: nearly all postings have one book, and it takes equal for rare."""

    inherit_cache = True
    type = String()
    _traverse_internals = [("column", InternalTraversal.dp_clauseelement)]  # noqa: RUF012 - as SQLAlchemy declares it

    def __init__(self, column: ColumnElement[str]) -> None:
        self.column = column


@compiles(_Unsought)
def _plain(element: _Unsought, compiler: SQLCompiler, **kwargs: Any) -> str:
    return compiler.process(element.column, **kwargs)


@compiles(_Unsought, "sqlite")
def _signed(element: _Unsought, compiler: SQLCompiler, **kwargs: Any) -> str:
    """The sign changes no text; it is SQLite's own word for an index that is not to be used."""
    return f"+{compiler.process(element.column, **kwargs)}"
