"""Bank statements taken in: all of a file or nothing, tied to what stood before, each transaction booked once.

A file is read twice, so that it never lies in memory whole: first to see that it adds up, how it ties to the account's
statements and what in it is new, then to store that.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any, Protocol

from sqlalchemy import Table, func, select
from sqlalchemy.orm import Session

from billing import bank_chain, closed_periods, ledger, vouchers
from billing.bank_chain import Chain, Survey
from billing.bank_models import BankFile, BankStatement, BankTransaction
from billing.vouchers import Entry, Order
from foundation import append_only
from foundation.audit import Trail
from foundation.errors import Refused
from foundation.language import Text, kroner, same
from foundation.money import ZERO, Money, total

FILES: Table = BankFile.__table__  # type: ignore[assignment]
STATEMENTS: Table = BankStatement.__table__  # type: ignore[assignment]
TRANSACTIONS: Table = BankTransaction.__table__  # type: ignore[assignment]

BANK, UNPLACED = ledger.BANK, ledger.CLEARING

_ROWS_AT_A_TIME = 1_000
_CHARACTERS_AT_A_TIME = 1_000_000
_MOST_STATEMENTS = 1_000  # of the files that are taken in together


class BankFileRefused(Refused):
    """A bank file cannot be taken in; the text names the file, the place and the reason."""


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that moved on an account, as the bank tells it: in above zero, out below."""

    booked_on: date
    value_on: date | None
    amount: Money
    raw: str  # the entry as it stood in the file
    fik_id: str = ""
    creditor_reference: str = ""
    message: str = ""
    payer: str = ""
    payer_account: str = ""
    bank_reference: str = ""
    end_to_end_id: str = ""

    @property
    def fingerprint(self) -> bytes:
        """Give the SHA-256 over what the payer and the bank say of it.

        Without the bank's own references: they are used again, and differ where a statement is made anew.
        """
        said = (
            self.booked_on.isoformat(), self.value_on and self.value_on.isoformat(), self.amount.ore, self.fik_id,
            self.creditor_reference, self.message, self.payer, self.payer_account, self.end_to_end_id,
        )  # fmt: skip
        return hashlib.sha256(repr(said).encode()).digest()


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of one account; its movements are read as they are asked for, once."""

    account: str
    bank_id: str
    opening_on: date | None
    opening: Money
    closing_on: date
    closing: Money
    movements: Iterable[Movement]


class File(Protocol):
    """A bank file that can be read from the beginning, again and again."""

    @property
    def name(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def format(self) -> str: ...
    def statements(self) -> Iterator[Statement]:
        """Read it. Raises BankFileRefused."""


@dataclass(frozen=True, slots=True)
class StatementTaken:
    """What came of one statement: how many transactions it has, and how many of them are new."""

    account: str
    bank_id: str
    opening_on: date
    opening: Money
    closing_on: date
    closing: Money
    transactions: int
    new: int
    money_in: Money  # of the new ones
    money_out: Money


@dataclass(frozen=True, slots=True)
class FileTaken:
    """What came of a file; one that was taken in before has no statements here."""

    name: str
    is_known: bool
    statements: tuple[StatementTaken, ...] = ()

    @property
    def new(self) -> int:
        """Tell how many transactions were new."""
        return sum(statement.new for statement in self.statements)

    @property
    def text(self) -> Text:
        """Say it."""
        name = same(f"{self.name}: ")
        if self.is_known:
            return name + Text("er taget ind før; intet nyt", "was taken in before; nothing new")
        known = sum(statement.transactions for statement in self.statements) - self.new
        return name + Text(
            f"{len(self.statements)} kontoudtog, {self.new} nye posteringer, {known} kendte",
            f"{len(self.statements)} statements, {self.new} new transactions, {known} known",
        )


def latest_day(session: Session) -> date | None:
    """Give the last day that any statement tells of; None where there is none. What was paid later is not known."""
    found: date | None = session.scalar(select(func.max(STATEMENTS.c.closing_on)))
    return found


def take_in(session: Session, files: Sequence[File], trail: Trail, bank_account: str = BANK) -> list[FileTaken]:
    """Take files in, all or none, in whatever order they come; what is known already is left as it is.

    Each new transaction is booked on the bank account against UNPLACED, on its day or, where that is closed, on the
    first open one. Needs the writer's lock. Raises
    BankFileRefused naming file, place and reason; the transaction must then be rolled back.
    """
    known = set(session.scalars(select(FILES.c.sha256).where(FILES.c.sha256.in_([file.sha256 for file in files]))))
    fresh: dict[str, File] = {}
    for file in files:
        if file.sha256 not in known:
            fresh.setdefault(file.sha256, file)
    surveyed = {sha: _survey(file) for sha, file in fresh.items()}
    _tie(session, [survey for surveys in surveyed.values() for survey in surveys])
    keeper = _Keeper(session, trail, bank_account)
    for sha, file in fresh.items():
        keeper.keep(file, surveyed[sha])
    return [_told(file, surveyed[file.sha256] if fresh.get(file.sha256) is file else None) for file in files]


def _told(file: File, surveys: Sequence[Survey] | None) -> FileTaken:
    if surveys is None:
        return FileTaken(file.name, is_known=True)
    return FileTaken(file.name, is_known=False, statements=tuple(_statement_told(each) for each in surveys))


def _statement_told(survey: Survey) -> StatementTaken:
    new = [Money(survey.ore[print_]) for print_, count in survey.new.items() for _ in range(count)]
    return StatementTaken(
        survey.account, survey.bank_id, survey.opening_on, Money(survey.opening), survey.closing_on,
        Money(survey.closing), survey.transactions, len(new), total(money for money in new if money > ZERO),
        total(money for money in new if money < ZERO),
    )  # fmt: skip


# --- seeing what is in a file


def _survey(file: File) -> list[Survey]:
    """Read a file through: does every statement add up, and what is in it?"""
    surveys: list[Survey] = []
    for statement in file.statements():
        if len(surveys) == _MOST_STATEMENTS:
            raise refusal(file.name, Text(f"filen har over {_MOST_STATEMENTS} kontoudtog",
                                          f"the file has more than {_MOST_STATEMENTS} statements"))  # fmt: skip
        surveys.append(_surveyed(file.name, statement))
    if not surveys:
        raise refusal(file.name, Text("filen har intet kontoudtog", "the file has no statement"))
    return surveys


def _surveyed(name: str, statement: Statement) -> Survey:
    prints: Counter[bytes] = Counter()
    days: dict[bytes, date] = {}
    ore: dict[bytes, int] = {}
    moved = 0
    for movement in statement.movements:
        print_ = movement.fingerprint
        prints[print_] += 1
        days[print_], ore[print_] = movement.booked_on, movement.amount.ore
        moved += movement.amount.ore
    opening, closing = statement.opening, statement.closing
    if opening.ore + moved != closing.ore:
        raise refusal(name, _does_not_add_up(statement, moved))
    first = min(days.values(), default=statement.closing_on)
    return Survey(
        name=name, account=statement.account, bank_id=statement.bank_id,
        opening_on=min(statement.opening_on or first, first), opening=opening.ore,
        closing_on=max(statement.closing_on, max(days.values(), default=first)), closing=closing.ore,
        prints=prints, days=days, ore=ore,
    )  # fmt: skip


def _does_not_add_up(statement: Statement, moved: int) -> Text:
    amounts = (statement.opening, Money(moved), statement.opening + Money(moved), statement.closing)
    opening, entries, total_, closing = map(kroner, amounts)
    return Text(
        f"kontoudtog {statement.bank_id}: åbningssaldo {opening.da} og posteringer {entries.da} giver {total_.da}, "
        f"men slutsaldoen er {closing.da}",
        f"statement {statement.bank_id}: opening balance {opening.en} and transactions {entries.en} come to "
        f"{total_.en}, but the closing balance is {closing.en}",
    )


def refusal(name: str, reason: Text) -> BankFileRefused:
    """Give the refusal of a file by its name."""
    return BankFileRefused(same(f"{name}: ") + reason)


# --- tying it to what is known


def _tie(session: Session, surveys: Sequence[Survey]) -> None:
    """Find what is new in each statement. Raises BankFileRefused for the first that does not tie to the others."""
    by_account: dict[str, list[Survey]] = defaultdict(list)
    for survey in surveys:
        by_account[survey.account].append(survey)
    for account, own in by_account.items():
        chain = _known_chain(session, account, own)
        unplaced = bank_chain.join(chain, own)
        if unplaced is not None:
            raise refusal(unplaced.name, chain.explained(unplaced))


def _known_chain(session: Session, account: str, surveys: Sequence[Survey]) -> Chain:
    """Read what is known of an account: its statements, the sum of each day, and what the surveyed days hold."""
    statement, transaction = STATEMENTS.c, TRANSACTIONS.c
    ends = session.execute(
        select(statement.opening_on, statement.opening_ore, statement.closing_on, statement.closing_ore).where(
            statement.account == account
        )
    ).all()
    sums = session.execute(
        select(transaction.booked_on, func.sum(transaction.amount_ore))
        .where(transaction.account == account)
        .group_by(transaction.booked_on)
    ).all()
    chain = Chain([tuple(row) for row in ends], {day: int(ore) for day, ore in sums})
    first, last = min(survey.first for survey in surveys), max(survey.last for survey in surveys)
    for row in session.execute(
        select(transaction.fingerprint, transaction.booked_on, func.count())
        .where(transaction.account == account, transaction.booked_on.between(first, last))
        .group_by(transaction.fingerprint, transaction.booked_on)
    ):
        chain.know(bytes.fromhex(row[0]), row[1], row[2])
    return chain


# --- keeping what is new


@dataclass
class _Keeper:
    """Stores what is new in files, in the trail and in the ledger, some at a time."""

    session: Session
    trail: Trail
    bank_account: str
    _next_id: int = field(init=False)
    _opens: date = field(init=False)

    def __post_init__(self) -> None:
        self._next_id = append_only.next_id(self.session, TRANSACTIONS)
        self._opens = closed_periods.first_open(self.session)

    def keep(self, file: File, surveys: Sequence[Survey]) -> None:
        """Keep a file that brings anything new: its statements that do, and their new transactions."""
        if not any(survey.brings_something for survey in surveys):
            return
        row: dict[str, Any] = {
            "id": append_only.next_id(self.session, FILES), "name": file.name, "sha256": file.sha256,
            "format": file.format, "taken_by": self.trail.actor, "taken_at": self.trail.at,
        }  # fmt: skip
        statements = self._statement_rows(surveys, int(row["id"]))
        told = {"new": sum(survey.new.total() for survey in surveys), "statements": len(statements)}
        rows = [(FILES, row), *((STATEMENTS, each) for each in statements.values())]
        self.trail.record("bank.imported", file.name, told, rows=rows)
        append_only.add(self.session, FILES, [row])
        append_only.add(self.session, STATEMENTS, list(statements.values()))
        for at, (statement, survey) in enumerate(zip(file.statements(), surveys, strict=True)):
            if at in statements:
                self._keep_transactions(file.name, statement, survey, statements[at]["id"])
            else:
                _exhaust(statement.movements)

    def _statement_rows(self, surveys: Sequence[Survey], file_id: int) -> dict[int, dict[str, Any]]:
        first = append_only.next_id(self.session, STATEMENTS)
        bringing = [at for at, survey in enumerate(surveys) if survey.brings_something]
        return {
            at: {
                "id": id_, "file_id": file_id, "account": surveys[at].account, "bank_id": surveys[at].bank_id,
                "opening_on": surveys[at].opening_on, "opening_ore": surveys[at].opening,
                "closing_on": surveys[at].closing_on, "closing_ore": surveys[at].closing,
            }
            for id_, at in enumerate(bringing, start=first)
        }  # fmt: skip

    def _keep_transactions(self, name: str, statement: Statement, survey: Survey, statement_id: int) -> None:
        numbered = enumerate(statement.movements, start=1)
        new_ones = _new_ones(numbered, survey, self._references(survey))
        for some in _some_at_a_time(new_ones):
            rows = [
                _row(id_, statement_id, position, statement.account, movement)
                for id_, (position, movement) in enumerate(some, start=self._next_id)
            ]
            self._next_id += len(rows)
            self._number_twins(statement.account, rows)
            told = {"from": rows[0]["id"], "to": rows[-1]["id"]}
            self.trail.record("bank.imported", name, told, rows=[(TRANSACTIONS, row) for row in rows])
            append_only.add(self.session, TRANSACTIONS, rows)
            vouchers.book(self.session, [_order(row, self.bank_account, self._opens) for row in rows], self.trail)
            self.trail.write()

    def _references(self, survey: Survey) -> set[str]:
        """Give the bank's references of those known that are alike some, but not all, of a statement's new ones."""
        in_part = iter([print_.hex() for print_, count in survey.new.items() if count < survey.prints[print_]])
        column, found = TRANSACTIONS.c, set[str]()
        while some := list(islice(in_part, _ROWS_AT_A_TIME)):
            alike = (column.account == survey.account, column.fingerprint.in_(some))
            found.update(self.session.scalars(select(column.bank_reference).where(*alike)))
        return found

    def _number_twins(self, account: str, rows: Sequence[dict[str, Any]]) -> None:
        """Number those that are alike behind those that stand already."""
        column = TRANSACTIONS.c
        standing = select(column.fingerprint, func.max(column.twin)).where(
            column.account == account, column.fingerprint.in_({row["fingerprint"] for row in rows})
        )
        last: Counter[str] = Counter()
        for print_, twin in self.session.execute(standing.group_by(column.fingerprint)):
            last[print_] = twin
        for row in rows:
            last[row["fingerprint"]] += 1
            row["twin"] = last[row["fingerprint"]]


def _some_at_a_time(found: Iterable[tuple[int, Movement]]) -> Iterator[list[tuple[int, Movement]]]:
    """Give movements in batches that memory has room for, however much the bank wrote of each."""
    some, size = list[tuple[int, Movement]](), 0
    for each in found:
        some.append(each)
        size += len(each[1].raw)
        if len(some) == _ROWS_AT_A_TIME or size >= _CHARACTERS_AT_A_TIME:
            yield some
            some, size = [], 0
    if some:
        yield some


def _exhaust(movements: Iterable[Movement]) -> None:
    for _ in movements:
        pass


def _new_ones(
    numbered: Iterable[tuple[int, Movement]], survey: Survey, references: Collection[str]
) -> Iterator[tuple[int, Movement]]:
    """Give those of a statement's movements that are new: of some that are alike, those the bank's reference tells
    from the known ones.
    """
    held: dict[bytes, list[tuple[int, Movement]]] = defaultdict(list)
    for position, movement in numbered:
        print_ = movement.fingerprint
        if survey.new[print_] == survey.prints[print_]:
            yield position, movement
        elif survey.new[print_]:
            held[print_].append((position, movement))
    for print_, alike in held.items():
        alike.sort(key=lambda each: each[1].bank_reference in references)
        yield from alike[: survey.new[print_]]


def _row(id_: int, statement_id: int, position: int, account: str, movement: Movement) -> dict[str, Any]:
    return {
        "id": id_, "statement_id": statement_id, "position": position, "account": account,
        "booked_on": movement.booked_on, "value_on": movement.value_on, "amount_ore": movement.amount.ore,
        "fik_id": movement.fik_id, "creditor_reference": movement.creditor_reference, "message": movement.message,
        "payer": movement.payer, "payer_account": movement.payer_account, "bank_reference": movement.bank_reference,
        "end_to_end_id": movement.end_to_end_id, "raw": movement.raw, "twin": 0,
        "fingerprint": movement.fingerprint.hex(),
    }  # fmt: skip


def _order(row: Mapping[str, Any], bank_account: str, opens: date) -> Order:
    amount = Money(row["amount_ore"])
    what = "Udbetaling" if amount < ZERO else "Indbetaling"
    words = f"{what} {row['fik_id'] or row['payer']}".strip()
    entries = (Entry(bank_account, amount), Entry(UNPLACED, -amount))
    return Order("bank", str(row["id"]), max(row["booked_on"], opens), words[:200], entries)
