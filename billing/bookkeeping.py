"""The books of a period: its postings one by one, what each account came to, and closing it for ever.

Postings come in one order, whenever they are read: by day, the invoices' before the vouchers', as they were numbered.
So a closed period has one digest, and a file of it is the same bytes whenever it is made.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session

from authorities.register import AUTHORITIES
from billing import account_mapping, closed_periods, vouchers
from billing.account_mapping import Named
from billing.closed_periods import CLOSED
from billing.funding import funds
from billing.gathering import INVOICES, Book
from foundation import append_only, audit, periods, proposals
from foundation.audit import Trail, canonical
from foundation.errors import Conflict, Refused
from foundation.language import Text, day
from foundation.money import Money
from foundation.periods import Period
from foundation.proposals import Proposal

_KIND: proposals.Kind = "close_period"
_ROWS_AT_A_TIME = 500


class NotClosable(Refused):
    """The period cannot be closed: it is not over, not the next one, or there is nothing to close."""


class BooksMoved(Conflict):
    """Something was booked in the period after its closing was proposed."""


class Posting(NamedTuple):
    """One posting with what it belongs to. `cvr` says whose account it is, `invoice` which invoice it is about."""

    posted_on: date
    voucher: str  # the invoice's number, or the voucher's
    line: int
    kind: str
    text: str
    account: str
    product: str | None
    cvr: str | None
    invoice: str | None
    amount: Money


class AccountTotal(NamedTuple):
    """What an account came to in a period, and what it is called."""

    named: Named
    product: str | None
    postings: int
    debit: Money
    credit: Money

    @property
    def amount(self) -> Money:
        """Give debit less credit."""
        return self.debit - self.credit


# --- postings and totals


def postings(session: Session, period: Period, book: Book = "real") -> Iterator[Posting]:
    """Give the postings of a period in their order, in one query; memory does not grow with them."""
    for row in session.execute(_postings(period, book).execution_options(yield_per=_ROWS_AT_A_TIME)):
        voucher = row.number if row.kind == "invoice" else f"B-{row.subject_id}"
        yield Posting(
            row.posted_on, voucher, row.position, row.kind, row.text, row.account, row.product, row.cvr, row.number,
            Money(row.amount_ore),
        )  # fmt: skip


def _postings(period: Period, book: Book) -> Select[Any]:
    entry = vouchers.entries(period).subquery("entry")
    return (
        select(entry, INVOICES.c.number, AUTHORITIES.c.cvr)
        .outerjoin(INVOICES, entry.c.invoice_id == INVOICES.c.id)
        .outerjoin(AUTHORITIES, entry.c.authority_id == AUTHORITIES.c.id)
        .where(entry.c.book == book)
        .order_by(
            entry.c.posted_on, case((entry.c.kind == "invoice", 0), else_=1), entry.c.subject_id, entry.c.position
        )
    )


def totals(session: Session, period: Period, book: Book = "real") -> list[AccountTotal]:
    """Give what each account came to in a period, by its number; together they are zero. Costs three queries."""
    entry, names = vouchers.entries(period).subquery("entry"), names_of(session, period)
    debit = func.sum(case((entry.c.amount_ore > 0, entry.c.amount_ore), else_=0))
    credit = func.sum(case((entry.c.amount_ore < 0, -entry.c.amount_ore), else_=0))
    rows = session.execute(
        select(entry.c.account, entry.c.product, func.count().label("times"), debit.label("debit"),
               credit.label("credit"))
        .where(entry.c.book == book)
        .group_by(entry.c.account, entry.c.product)
        .order_by(entry.c.account, entry.c.product)
    )  # fmt: skip
    return [
        AccountTotal(names(row.account, row.product), row.product, row.times, Money(int(row.debit)),
                     Money(int(row.credit)))
        for row in rows
    ]  # fmt: skip


def unmapped(found: Sequence[AccountTotal]) -> list[str]:
    """Give the accounts that have no number in the public chart, each once."""
    return list(dict.fromkeys(total.named.account for total in found if not total.named.standard))


class Names:
    """What accounts are called: in a closed period as they were called when it was closed, else as of now."""

    def __init__(self, session: Session, kept: str | None) -> None:
        self._now = account_mapping.current(session)
        self._kept: Mapping[str, Named] = {} if kept is None else {row[0]: Named(*row) for row in json.loads(kept)}

    def __call__(self, account: str, product: str | None) -> Named:
        """Name an account."""
        return self._kept.get(account) or self._now.named(account, product)


def names_of(session: Session, period: Period) -> Names:
    """Give the names of accounts in a period, in three queries."""
    row = closed_periods.of(session, period)
    return Names(session, None if row is None else row.accounts)


class Digest(NamedTuple):
    """What stands in a period: how many postings, and one SHA-256 over all of them."""

    postings: int
    sha256: str


def digest(session: Session, period: Period) -> Digest:
    """Read every posting of a period, and give their digest."""
    whole, count = hashlib.sha256(), 0
    for posting in postings(session, period):
        whole.update(canonical([*posting[:-1], posting.amount.ore]).encode() + b"\n")
        count += 1
    return Digest(count, whole.hexdigest())


# --- the periods there are


@dataclass(frozen=True, slots=True)
class Open:
    """A quarter that is not closed; `is_next` where it can be closed now."""

    period: Period
    postings: int
    is_over: bool
    is_next: bool


def open_quarters(session: Session, on: date) -> list[Open]:
    """Give the quarters that are not closed, from the first posting to today, newest first, in three queries."""
    begins = next_day(session)
    if begins is None or begins > on:
        return []
    counted = _by_quarter(session, Period(begins, periods.quarter_of(on).end))
    found: list[Open] = []
    while begins is not None and begins <= on:
        quarter = periods.quarter_of(begins)
        period = Period(begins, quarter.end)
        found.append(Open(period, counted[quarter], _is_over(period, on), is_next=not found))
        begins = quarter.end
    return found[::-1]


def _by_quarter(session: Session, period: Period) -> Counter[Period]:
    """Count the postings of each quarter of a period."""
    entry = vouchers.entries(period).subquery("entry")
    days = select(entry.c.posted_on, func.count().label("number")).where(entry.c.book == "real")
    counted: Counter[Period] = Counter()
    for row in session.execute(days.group_by(entry.c.posted_on)):
        counted[periods.quarter_of(row.posted_on)] += row.number
    return counted


def next_day(session: Session) -> date | None:
    """Give the day from which the next period can be closed; None while nothing is booked."""
    last = closed_periods.last_day(session)
    if last is not None:
        return last + timedelta(days=1)
    first = _first_posting(session)
    return None if first is None else periods.quarter_of(first).start


def _first_posting(session: Session) -> date | None:
    entry = vouchers.entries().subquery("entry")
    return session.execute(select(func.min(entry.c.posted_on)).where(entry.c.book == "real")).scalar()


def _is_over(period: Period, on: date) -> bool:
    return period.end is not None and period.end <= on


# --- closing, by two people


def propose_closing(session: Session, period: Period, trail: Trail, *, on: date) -> Proposal:
    """Propose to close a period with what stands in it now. Raises NotClosable."""
    _refuse_unclosable(session, period, on)
    found = digest(session, period)
    content = canonical(
        {
            "first_on": period.start, "last_on": period.last_day, "postings": found.postings, "digest": found.sha256,
        }
    )  # fmt: skip
    return proposals.propose_newest(session, _KIND, periods.name(period), content, trail)


def approve_closing(session: Session, id_: int, trail: Trail, *, on: date) -> Proposal:
    """Close a proposed period for ever, another person than who proposed it; the caller commits.

    Raises what `proposals.decide` raises, NotClosable, or BooksMoved where it was booked in since; nothing is closed
    then.
    """
    proposal = proposals.approve(session, id_, _KIND, trail)
    period, said = period_of(proposal), json.loads(proposal.content)
    _refuse_unclosable(session, period, on)
    found = digest(session, period)
    if (found.postings, found.sha256) != (said["postings"], said["digest"]):
        raise BooksMoved(
            Text(
                f"der er bogført i {proposal.subject}, efter at lukningen blev foreslået: foreslå den igen",
                f"{proposal.subject} was booked in after its closing was proposed: propose it again",
            )
        )
    _close(session, period, found, proposal, trail)
    return proposal


def period_of(proposal: Proposal) -> Period:
    """Read which period a proposal would close."""
    return periods.named(proposal.subject)


def _close(session: Session, period: Period, found: Digest, proposal: Proposal, trail: Trail) -> None:
    position, hash_ = audit.head(session)
    accounts = sorted({total.named for total in totals(session, period)})
    row = {
        "id": append_only.next_id(session, CLOSED), "first_on": period.start, "last_on": period.last_day,
        "postings": found.postings, "digest": found.sha256, "accounts": canonical([list(each) for each in accounts]),
        "head_position": position, "head_hash": hash_, "prepared_by": proposal.proposed_by,
        "closed_by": trail.actor, "closed_at": trail.at,
    }  # fmt: skip
    append_only.add(session, CLOSED, [row])
    told = {"postings": found.postings, "digest": found.sha256, "head": position}
    trail.record("period.closed", proposal.subject, told, rows=[(CLOSED, row)])
    if period.last_day is not None:
        funds.keep(session, period.last_day, trail)


def why_not_closable(session: Session, period: Period, on: date) -> Text | None:
    """Say why a period cannot be closed on a day; None where it can."""
    try:
        _refuse_unclosable(session, period, on)
    except NotClosable as refused:
        return refused.text
    return None


def _refuse_unclosable(session: Session, period: Period, on: date) -> None:
    named = periods.told(period)
    if not _is_over(period, on):
        raise NotClosable(Text(f"{named.da} er ikke forbi endnu", f"{named.en} is not over yet"))
    last = closed_periods.last_day(session)
    if last is not None and period.start != last + timedelta(days=1):
        due = day(last + timedelta(days=1))
        raise NotClosable(
            Text(f"perioder lukkes i rækkefølge: den næste begynder {due.da}",
                 f"periods are closed in order: the next one begins on {due.en}")
        )  # fmt: skip
    first = _first_posting(session)
    if first is None:
        raise NotClosable(Text("intet er bogført endnu", "nothing is booked yet"))
    if last is None and first not in period:
        begins = day(first)
        raise NotClosable(
            Text(f"luk først den periode, hvor der er bogført første gang: {begins.da}",
                 f"first close the period of the first posting: {begins.en}")
        )  # fmt: skip


# --- verifying


class Fault(NamedTuple):
    """What is wrong with a closed period."""

    subject: str
    what: Text


def faults(session: Session) -> Iterator[Fault]:
    """Recompute the closed periods: each follows the one before, and what stands in it is what stood in it."""
    rows = session.execute(select(CLOSED).order_by(CLOSED.c.first_on)).all()
    previous: date | None = None
    for row in rows:
        period = closed_periods.period_of(row)
        subject = periods.name(period)
        if previous is not None and row.first_on != previous + timedelta(days=1):
            yield Fault(subject, Text("følger ikke den foregående", "does not follow the one before"))
        previous = row.last_on
        if digest(session, period) != (row.postings, row.digest):
            yield Fault(
                subject, Text("posteringerne er ikke dem, der blev lukket", "the postings are not those closed")
            )
        if proposals.is_same_person(row.prepared_by, row.closed_by):
            yield Fault(subject, Text("er lukket af den, der foreslog det", "was closed by who proposed it"))
    if rows and (first := _first_posting(session)) is not None and first < rows[0].first_on:
        yield Fault(f"{first}", Text("der er bogført før den første lukkede periode",
                                     "something is booked before the first closed period"))  # fmt: skip
