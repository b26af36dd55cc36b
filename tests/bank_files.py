"""Bank files for tests: statements of a few payments, as a Danish bank writes them, taken in on a database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import select

from app import bank_demonstration
from app.adapters import bank_files
from app.bank_demonstration import Moved
from billing import bank
from billing.bank import TRANSACTIONS, FileTaken
from foundation.audit import Trail
from tests.command_line import CommandLine
from tests.scenarios.database import AT

#: A bank's own public example, where the folder beside the repository has it.
NORDEA = Path(__file__).resolve().parents[2] / "shared/bank-files/nordea-dk-camt.053.001.02-example.xml"

MONDAY = date(2027, 3, 1)


def day(nth: int) -> date:
    """Give a day of the weeks that the tests are about; the first is 0."""
    return MONDAY + timedelta(days=nth)


def paid(nth: int, ore: int, reference: str, words: str = "Faktura", payer: str = "Vejle Kommune") -> Moved:
    """Give a payment."""
    return Moved(day(nth), ore, reference, message=(words,), payer=payer)


def statement(name: str, opening: int, moved: Sequence[Moved], first: int, last: int) -> bytes:
    """Write a statement from one day to another."""
    return bank_demonstration.statement(name, opening, moved, day(first), day(last))


def take(line: CommandLine, *contents: bytes) -> list[FileTaken]:
    """Take files in together. Raises BankFileRefused, with nothing kept."""
    with line.session() as session:
        trail = Trail(session, "En Bogholder", AT)
        files = [bank_files.taken(f"{nth}.xml", content) for nth, content in enumerate(contents, start=1)]
        taken = bank.take_in(session, files, trail)
        trail.write()
    return taken


def rows(line: CommandLine) -> list[tuple[object, ...]]:
    """Give all that is kept of each transaction but its number and its place, in an order of its own."""
    columns = [TRANSACTIONS.c[name] for name in _KEPT]
    with line.session() as session:
        return sorted((tuple(row) for row in session.execute(select(*columns))), key=repr)


_KEPT: Iterable[str] = (
    "account", "booked_on", "value_on", "amount_ore", "fik_id", "creditor_reference", "message", "payer",
    "payer_account", "bank_reference", "end_to_end_id", "raw", "fingerprint",
)  # fmt: skip
