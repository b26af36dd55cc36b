"""Who would be reminded today, of what and why, and what stands in the way. Planning reads and writes nothing.

The key of a reminder is the invoice and the level, so nobody is reminded twice of the same, however often it is
planned.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Table, func, select
from sqlalchemy.orm import Session

from authorities.register import AUTHORITIES
from billing import balances, bank, holds, interest, reminder_charges, reminder_ground, reminder_sending
from billing.balances import Owed
from billing.gathering import CREDIT_NOTES, INVOICES
from billing.holds import Hold
from billing.interest import Interest, Rate
from billing.reminder_models import Reminder
from billing.reminder_terms import COMPENSATION, Terms
from foundation.audit import canonical, sha256
from foundation.language import Text, day, kroner
from foundation.money import ZERO, Money, total

REMINDERS: Table = Reminder.__table__  # type: ignore[assignment]

#: Reminders of one plan: what is left comes with the next.
MOST_ITEMS = 500


class Code(StrEnum):
    """Why an invoice is not reminded of, though the day has come."""

    DISPUTED = "disputed"
    PROMISED = "promised"
    PAID_TODAY = "paid_today"
    PARTLY_PAID = "partly_paid"  # a moment ago: the rest gets its time
    CREDITED = "credited"  # in part, a moment ago
    PAYMENT_WAITS = "payment_waits"  # money has come that may be for it
    STATEMENT_MISSING = "statement_missing"  # the bank has not told of the last days
    RATE_MISSING = "rate_missing"  # a half-year's reference rate is not entered
    UNSENT = "unsent"  # the reminder before has not left, so its time does not run
    NO_MORE = "no_more"  # it was reminded of as often as may be


@dataclass(frozen=True, slots=True)
class Stop:
    """One thing that stands in the way."""

    code: Code
    text: Text


class Sent(NamedTuple):
    """The last reminder of an invoice."""

    level: int
    number: str
    issued_on: date
    left_on: date | None  # None while it has not left
    interest_to: date | None

    @property
    def counts_from(self) -> date:
        """The day from which the days to the next one run: it left, or will at the earliest."""
        return self.issued_on if self.left_on is None else max(self.issued_on, self.left_on)


@dataclass(frozen=True, slots=True)
class Item:
    """A reminder to be, or one that is stopped."""

    owed: Owed
    authority: str
    cvr: str
    level: int
    overdue_days: int
    last_on: date | None  # of the reminder before
    fee: Money
    compensation: Money
    interest: Interest
    stops: tuple[Stop, ...]
    earlier: Money = ZERO  # what earlier reminders charged and is not paid

    @property
    def charged(self) -> Money:
        """What the delay costs, with what is not paid of what earlier reminders charged."""
        return self.fee + self.compensation + self.interest.amount + self.earlier

    @property
    def to_pay(self) -> Money:
        """What is to be paid with it."""
        return self.owed.outstanding + self.charged

    @property
    def key(self) -> tuple[str, int]:
        """What it is the reminder of: the invoice and the level."""
        return self.owed.number, self.level

    @property
    def content(self) -> list[Any]:
        """What is approved of it."""
        costs = (self.owed.outstanding, self.fee, self.compensation, self.interest.amount)
        return [*self.key, *(each.ore for each in costs), *((self.earlier.ore,) if self.earlier else ())]

    @property
    def why(self) -> Text:
        """Say why it is due today."""
        due, days = day(self.owed.due_on), self.overdue_days
        words = Text(f"forfaldt {due.da}, {days} dage siden", f"was due {due.en}, {days} days ago")
        if self.last_on is None:
            return words
        last = day(self.last_on)
        return words + Text(f"; sidst rykket {last.da}", f"; last reminded {last.en}")


@dataclass(frozen=True, slots=True)
class Plan:
    """The reminders of a day, and those that are stopped."""

    on: date
    terms: Terms
    items: tuple[Item, ...]
    stopped: tuple[Item, ...]
    covered_to: date | None  # the last day the bank has told of

    @property
    def content(self) -> str:
        """Give the canonical text of what would be approved."""
        return canonical({"on": self.on, "terms": self.terms.digest, "items": [item.content for item in self.items]})

    @property
    def digest(self) -> str:
        """Give the digest by which it is approved."""
        return sha256(self.content)

    @property
    def outstanding(self) -> Money:
        """What is owed on the invoices to be reminded of."""
        return total(item.owed.outstanding for item in self.items)

    @property
    def charged(self) -> Money:
        """What the delays cost."""
        return total(item.charged for item in self.items)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What stops and charges are read from, gathered for all invoices at once."""

    terms: Terms
    on: date
    interest_to: date
    rates: Mapping[date, Rate]
    holds: Mapping[int, list[Hold]]
    credited_on: Mapping[int, date]
    waiting: Mapping[int, Text]
    covered_to: date | None
    charges: Mapping[int, Money]  # of earlier reminders, not paid


def plan(session: Session, on: date, terms: Terms, *, interest_to: date | None = None) -> Plan:
    """Plan the reminders of a day; a number of queries that does not depend on how many invoices there are.

    Interest is worked out up to `interest_to`, the day itself where nothing else is said.
    """
    found = _overdue(session, on, terms)
    sent = last_sent(session)
    due = {id_: owed for id_, owed in found.items() if _is_due(sent.get(id_), on, terms)}
    if not due:  # as on most days: nothing more is asked
        return Plan(on, terms, (), (), bank.latest_day(session))
    people = _authorities(session, due)
    names = {id_: name for id_, (name, _) in people.items()}
    facts = _Facts(
        terms, on, interest_to or on, interest.known(session) if terms.interest else {}, holds.on(session, on),
        _credited_on(session, on), reminder_ground.payments_waiting(session, due, names),
        bank.latest_day(session), reminder_charges.still_owed(session, on),
    )  # fmt: skip
    items = [_item(facts, owed, sent.get(id_), people[owed.authority_id]) for id_, owed in due.items()]
    free = tuple(item for item in items if not item.stops)[:MOST_ITEMS]
    return Plan(on, terms, free, tuple(item for item in items if item.stops), facts.covered_to)


def last_sent(session: Session) -> dict[int, Sent]:
    """Give the last reminder of every invoice that has one, in two queries."""
    columns, left = REMINDERS.c, reminder_sending.days(session)
    rows = session.execute(
        select(columns.id, columns.number, columns.invoice_id, columns.level, columns.issued_on, columns.interest)
        .order_by(columns.level)
    )  # fmt: skip
    found: dict[int, Sent] = {}
    for row in rows:
        pieces = json.loads(row.interest)
        before = found.get(row.invoice_id)
        to = date.fromisoformat(pieces[-1]["last"]) if pieces else before and before.interest_to
        found[row.invoice_id] = Sent(row.level, row.number, row.issued_on, left.get(row.id), to)
    return found


def _overdue(session: Session, on: date, terms: Terms) -> dict[int, Owed]:
    first = timedelta(days=terms.first_after_days)
    return {
        id_: owed
        for id_, owed in balances.still_open(session, on).items()
        if owed.outstanding.ore > 0 and owed.due_on + first <= on
    }


def _is_due(sent: Sent | None, on: date, terms: Terms) -> bool:
    return sent is None or sent.counts_from + timedelta(days=terms.days_apart) <= on


def _authorities(session: Session, due: Mapping[int, Owed]) -> dict[int, tuple[str, str]]:
    ids = sorted({owed.authority_id for owed in due.values()})
    columns = AUTHORITIES.c
    rows = session.execute(select(columns.id, columns.name, columns.cvr).where(columns.id.in_(ids)))
    return {row.id: (row.name, row.cvr) for row in rows}


def _credited_on(session: Session, on: date) -> dict[int, date]:
    credited = CREDIT_NOTES.c.credited_invoice_id
    rows = session.execute(
        select(credited, func.max(INVOICES.c.issued_on).label("day"))
        .join(INVOICES, CREDIT_NOTES.c.invoice_id == INVOICES.c.id)
        .where(INVOICES.c.issued_on <= on)
        .group_by(credited)
    )
    return {row.credited_invoice_id: row.day for row in rows}


def _item(facts: _Facts, owed: Owed, sent: Sent | None, who: tuple[str, str]) -> Item:
    terms, level = facts.terms, sent.level + 1 if sent else 1
    none = Interest(ZERO, ())
    after = (sent and sent.interest_to) or owed.due_on
    costs = interest.between(owed.outstanding, after, facts.interest_to, facts.rates, terms.day_count)
    stops = [*_unsent(sent), *_stops(facts, owed), *_missing(costs if terms.interest else none)]
    if level > terms.most:
        stops.append(Stop(Code.NO_MORE, Text(f"er rykket {level - 1} gange; gå videre med inkasso",
                                             f"was reminded of {level - 1} times; go on to collection")))  # fmt: skip
    return Item(
        owed, *who, min(level, terms.most + 1), (facts.on - owed.due_on).days, sent.counts_from if sent else None,
        terms.fee, COMPENSATION if terms.compensation and level == 1 else ZERO, costs if terms.interest else none,
        tuple(stops), facts.charges.get(owed.invoice_id, ZERO),
    )  # fmt: skip


def _unsent(sent: Sent | None) -> Iterator[Stop]:
    if sent is not None and sent.left_on is None:
        yield Stop(Code.UNSENT, Text(f"{sent.number} er ikke sendt: send den, eller notér, at den er sendt",
                                     f"{sent.number} has not left: send it, or note that it was sent"))  # fmt: skip


def _missing(costs: Interest) -> Iterator[Stop]:
    for first in costs.missing:
        told = day(first)
        yield Stop(Code.RATE_MISSING, Text(f"referencesatsen fra {told.da} er ikke indtastet",
                                           f"the reference rate from {told.en} is not entered"))  # fmt: skip


def _stops(facts: _Facts, owed: Owed) -> Iterator[Stop]:
    """Name everything that stands in the way of reminding of an invoice."""
    yield from map(_held, facts.holds.get(owed.invoice_id, ()))
    grace = timedelta(days=facts.terms.grace_days)
    if owed.last_paid_on is not None and owed.last_paid_on >= facts.on:
        yield Stop(Code.PAID_TODAY, Text("der er betalt i dag", "something was paid today"))
    elif owed.last_paid_on is not None and owed.last_paid_on + grace > facts.on:
        paid, last = kroner(owed.paid), day(owed.last_paid_on)
        yield Stop(Code.PARTLY_PAID, Text(f"{paid.da} er betalt, senest {last.da}",
                                          f"{paid.en} is paid, last on {last.en}"))  # fmt: skip
    credited = facts.credited_on.get(owed.invoice_id)
    if credited is not None and credited + grace > facts.on:
        told = day(credited)
        yield Stop(Code.CREDITED, Text(f"er krediteret i dele {told.da}", f"was credited in part on {told.en}"))
    if owed.invoice_id in facts.waiting:
        yield Stop(Code.PAYMENT_WAITS, facts.waiting[owed.invoice_id])
    yield from _stale(facts)


def _held(hold: Hold) -> Stop:
    if hold.until is None:
        return Stop(Code.DISPUTED, Text("bestridt: ", "disputed: ") + Text(hold.reason, hold.reason))
    until = day(hold.until)
    return Stop(Code.PROMISED, Text(f"lovet betalt senest {until.da}: {hold.reason}",
                                    f"promised by {until.en}: {hold.reason}"))  # fmt: skip


def _stale(facts: _Facts) -> Iterator[Stop]:
    """The bank must have told of all but the last days: else who has paid is reminded."""
    least = facts.on - timedelta(days=facts.terms.statement_days)
    if facts.covered_to is None:
        yield Stop(Code.STATEMENT_MISSING, Text("intet kontoudtog er indlæst", "no bank statement was taken in"))
    elif facts.covered_to < least:
        last = day(facts.covered_to)
        yield Stop(Code.STATEMENT_MISSING, Text(f"kontoudtoget går kun til {last.da}",
                                                f"the bank statement ends on {last.en}"))  # fmt: skip


def counted(items: Sequence[Item]) -> dict[Code, int]:
    """Count the stopped by what stands in the way."""
    found: dict[Code, int] = {}
    for item in items:
        for stop in item.stops:
            found[stop.code] = found.get(stop.code, 0) + 1
    return found
