"""What must hold of the bank's transactions and statements; `verification` runs it with its own checks.

Every transaction is booked once, with its amount and on its day; and an account's statements are one chain: what stood
there first and all that moved give what stands there last, and each statement begins and ends on that chain.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from typing import Any, NamedTuple

from sqlalchemy import String, cast, select
from sqlalchemy.orm import Session

from billing import closed_periods, ledger
from billing.bank import STATEMENTS, TRANSACTIONS
from billing.bank_chain import Chain
from billing.vouchers import POSTINGS, VOUCHERS
from foundation.audit import Broken
from foundation.language import Text

_AT_A_TIME = 500

#: A day may be told in part, by some of its payments; more sums than this are not tried.
_MOST_SUMS = 50_000


# --- booking


def transactions(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    """Every transaction has exactly its one voucher, with its amount and day; no voucher is of another."""
    closed, after = closed_periods.last_days(session), 0
    while rows := session.execute(
        select(TRANSACTIONS.c.id, TRANSACTIONS.c.booked_on, TRANSACTIONS.c.amount_ore,
               VOUCHERS.c.id.label("voucher_id"), VOUCHERS.c.posted_on)
        .outerjoin(VOUCHERS, _IS_ITS_VOUCHER)
        .where(TRANSACTIONS.c.id > after).order_by(TRANSACTIONS.c.id).limit(_AT_A_TIME)
    ).all():  # fmt: skip
        after = rows[-1].id
        checked["bank_transactions"] += len(rows)
        booked = _postings(session, [row.voucher_id for row in rows if row.voucher_id is not None])
        for row in rows:
            if fault := _misbooked(row, booked.get(row.voucher_id, []), closed):
                yield Broken("bank_transactions", f"transaction {row.id}", fault)
    strays = (
        select(VOUCHERS.c.subject).outerjoin(TRANSACTIONS, _IS_ITS_VOUCHER)
        .where(VOUCHERS.c.kind == "bank", TRANSACTIONS.c.id.is_(None)).order_by(VOUCHERS.c.id)
    )  # fmt: skip
    for subject in session.execute(strays).scalars().all():
        fault = Text("bilaget har ingen bankpostering", "the voucher has no bank transaction")
        yield Broken("bank_transactions", f"bank {subject}", fault)


#: `kind` and `subject` of a voucher are unique in a book, so no transaction has two.
_IS_ITS_VOUCHER = (
    (VOUCHERS.c.kind == "bank") & (VOUCHERS.c.book == "real") & (VOUCHERS.c.subject == cast(TRANSACTIONS.c.id, String))
)


def _postings(session: Session, ids: Collection[int]) -> dict[int, list[tuple[str, int]]]:
    found: dict[int, list[tuple[str, int]]] = defaultdict(list)
    listed = select(POSTINGS).where(POSTINGS.c.voucher_id.in_(ids)).order_by(POSTINGS.c.voucher_id, POSTINGS.c.position)
    for row in session.execute(listed):
        found[row.voucher_id].append((row.account, row.amount_ore))
    return found


def _misbooked(row: Any, booked: list[tuple[str, int]], closed: Collection[date]) -> Text | None:
    if row.voucher_id is None:
        return Text("er ikke bogført", "is not booked")
    if not closed_periods.is_day_of(closed, row.booked_on, row.posted_on):
        return Text(f"er bogført {row.posted_on}, men skete {row.booked_on}",
                    f"is booked on {row.posted_on}, but happened on {row.booked_on}")  # fmt: skip
    amounts, accounts = [ore for _, ore in booked], [account for account, _ in booked]
    if amounts != [row.amount_ore, -row.amount_ore] or accounts[1] != ledger.CLEARING or accounts[0] == accounts[1]:
        return Text("er ikke bogført med sit beløb mod afklaringskontoen",
                    "is not booked with its amount against the clearing account")  # fmt: skip
    return None


# --- the chain


class _Statement(NamedTuple):
    id: int
    opening_on: date
    opening_ore: int
    closing_on: date
    closing_ore: int


def statements(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    """Each account's statements tie: opening, all that moved, closing; and every one to those beside it."""
    listed: dict[str, list[_Statement]] = defaultdict(list)
    wanted = (STATEMENTS.c.id, STATEMENTS.c.opening_on, STATEMENTS.c.opening_ore, STATEMENTS.c.closing_on,
              STATEMENTS.c.closing_ore)  # fmt: skip
    for row in session.execute(select(STATEMENTS.c.account, *wanted).order_by(STATEMENTS.c.id)):
        checked["bank_statements"] += 1
        opening_on = row.opening_on or row.closing_on
        listed[row.account].append(_Statement(row.id, opening_on, row.opening_ore, row.closing_on, row.closing_ore))
    moved: dict[str, dict[date, list[int]]] = defaultdict(lambda: defaultdict(list))
    began: dict[int, date] = {}
    columns = TRANSACTIONS.c
    every = select(columns.account, columns.statement_id, columns.booked_on, columns.amount_ore)
    for account, id_, day, ore in session.execute(every.execution_options(yield_per=_AT_A_TIME)):
        moved[account][day].append(ore)
        began[id_] = min(day, began.get(id_, day))
    for account in sorted({*listed, *moved}):
        yield from _tied(account, listed[account], moved[account], began)


def _tied(
    account: str, own: Sequence[_Statement], moved: dict[date, list[int]], began: dict[int, date]
) -> Iterator[Broken]:
    sums = {day: sum(amounts) for day, amounts in moved.items()}
    ends = Chain([each[1:] for each in own], sums).openings() if own else ()
    chains = [_Chain(opening, moved, own) for opening in ends]
    if not chains:
        fault = Text("åbningssaldo, posteringer og slutsaldo stemmer ikke",
                     "opening balance, transactions and closing balance do not agree")  # fmt: skip
        yield Broken("bank_statements", f"account {account}", fault)
        return
    apart = min(([each for each in own if not chain.holds(each, began.get(each.id))] for chain in chains), key=len)
    for each in apart:
        fault = Text("saldoerne hænger ikke sammen med de andre kontoudtog",
                     "its balances do not tie to the other statements")  # fmt: skip
        yield Broken("bank_statements", f"statement {each.id}", fault)


@dataclass
class _Chain:
    """An account from its first balance: what stood there before and after each day."""

    opening: int
    moved: dict[date, list[int]]
    own: Sequence[_Statement]

    def __post_init__(self) -> None:
        days = sorted(self.moved)
        self._days = days
        self._balances = list(accumulate((sum(self.moved[day]) for day in days), initial=self.opening))

    def holds(self, statement: _Statement, first: date | None) -> bool:
        """Tell whether a statement begins and ends with a balance that its day had; `first` is its first new one's."""
        begins = {statement.opening_on, first or statement.closing_on}
        return any(self._had(day, statement.opening_ore) for day in begins) and self._had(
            statement.closing_on, statement.closing_ore
        )

    def _had(self, day: date, balance: int) -> bool:
        """Tell whether a balance stood on a day: before it, after it, or after some of its payments."""
        before = self._balances[bisect_left(self._days, day)]
        amounts = self.moved.get(day, [])
        return balance in (before, before + sum(amounts)) or _is_reached(balance - before, amounts)


def _is_reached(wanted: int, amounts: Sequence[int]) -> bool:
    reached = {0}
    for amount in amounts:
        reached |= {ore + amount for ore in reached}
        if wanted in reached or len(reached) > _MOST_SUMS:
            return True
    return False
