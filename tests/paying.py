"""Money that comes in, for tests: bank transactions as an import leaves them, booked against the clearing account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from billing import bank_models, closed_periods, ledger, payment_id, vouchers
from billing.gathering import INVOICES
from foundation import append_only
from foundation.audit import Trail
from foundation.money import Money
from tests.command_line import CommandLine
from tests.scenarios import acting

FILES: Table = bank_models.BankFile.__table__  # type: ignore[assignment]
STATEMENTS: Table = bank_models.BankStatement.__table__  # type: ignore[assignment]
TRANSACTIONS: Table = bank_models.BankTransaction.__table__  # type: ignore[assignment]

DAY = date(2027, 2, 10)
ACCOUNT = "DK5000400440116243"


def payment(ore: int, on: date = DAY, **told: str) -> dict[str, Any]:
    """A transaction that says this: `fik_id`, `message`, `payer`, `payer_account`, …"""
    return {"amount_ore": ore, "booked_on": on, **told}


def take_in(session: Session, trail: Trail, payments: Sequence[Mapping[str, Any]]) -> list[int]:
    """Keep transactions as one statement, each booked; give their ids.

    Each statement is of an account of its own, so that they tie in whatever order they come.
    """
    file_id, statement_id, first = (append_only.next_id(session, each) for each in (FILES, STATEMENTS, TRANSACTIONS))
    file = {
        "id": file_id, "name": f"bank-{file_id}.xml", "sha256": f"{file_id:064}", "format": "camt.053",
        "taken_by": trail.actor, "taken_at": trail.at,
    }  # fmt: skip
    days, account = [each["booked_on"] for each in payments], f"{ACCOUNT}-{file_id}"
    statement = {
        "id": statement_id, "file_id": file_id, "account": account, "bank_id": "1", "opening_on": min(days),
        "opening_ore": 0, "closing_on": max(days), "closing_ore": sum(each["amount_ore"] for each in payments),
    }  # fmt: skip
    rows = [{**_row(first + at, statement_id, at + 1, each), "account": account} for at, each in enumerate(payments)]
    written = [(FILES, file), (STATEMENTS, statement), *((TRANSACTIONS, row) for row in rows)]
    trail.record("bank.imported", f"bank-{file_id}.xml", rows=written)
    for table, listed in ((FILES, [file]), (STATEMENTS, [statement]), (TRANSACTIONS, rows)):
        append_only.add(session, table, listed)
    opens = closed_periods.first_open(session)
    vouchers.book(session, [_booking(row, opens) for row in rows], trail)
    return [row["id"] for row in rows]


def _row(id_: int, statement_id: int, position: int, told: Mapping[str, Any]) -> dict[str, Any]:
    texts = ("fik_id", "creditor_reference", "message", "payer", "payer_account", "bank_reference", "end_to_end_id")
    return {
        "id": id_, "statement_id": statement_id, "position": position,
        "value_on": told["booked_on"], **dict.fromkeys(texts, ""), "raw": "", "fingerprint": f"{id_}", "twin": 1,
        **told,
    }  # fmt: skip


def _booking(row: Mapping[str, Any], opens: date) -> vouchers.Order:
    amount = Money(row["amount_ore"])
    entries = (vouchers.Entry(ledger.BANK, amount), vouchers.Entry(ledger.CLEARING, -amount))
    return vouchers.Order("bank", str(row["id"]), max(row["booked_on"], opens), "Bankpostering", entries)


def pays(line: CommandLine, *payments: Mapping[str, Any]) -> list[int]:
    """Let payments come in."""
    return acting.by(line, "En Bogholder #4", lambda session, trail: take_in(session, trail, payments))


def fik_of(number: str) -> str:
    """The payment id of an invoice."""
    year, sequence = number.split("-")
    return payment_id.for_invoice(int(year), int(sequence), rehearsal=False)


def gross_of(session: Session, number: str) -> int:
    """What an invoice asks for, in øre."""
    return int(session.execute(select(INVOICES.c.gross_ore).where(INVOICES.c.number == number)).scalar_one())


def noon(on: date) -> datetime:
    """An instant of a day."""
    return datetime.combine(on, time(12), ZoneInfo("Europe/Copenhagen"))
