"""Money that belongs to a closed period: it is taken in, matched, given back and given up on the first open day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from billing import balances, bookkeeping, payments, reminders, settlements, verification
from billing.balances import MATCHES, TRANSACTIONS
from billing.matching import Part
from billing.payments import Placing
from billing.settlements import RefundOrder, WriteOffOrder
from billing.vouchers import VOUCHERS
from foundation import periods
from foundation.audit import Trail
from foundation.language import Text
from foundation.money import ZERO, Money
from tests import bank_files, paying, reminding
from tests.bank_files import paid, statement
from tests.command_line import CommandLine
from tests.conftest import Prepared
from tests.paying import DAY, fik_of, payment, pays
from tests.places import with_starter
from tests.scenarios import acting, files
from tests.scenarios.acting import APPROVER, PREPARER

ONE = files.starter()[0]
FIRST, SECOND = "2027-0001", "2027-0002"
OPEN = date(2027, 4, 1)
WHY = Text("valgt i hånden", "chosen by hand")


def _issued(line: CommandLine) -> None:
    line.done("settings", "import", line.write("seller.toml", files.SELLER))
    files.take_members(line, files.member(ONE.cvr))
    files.take_agreements(line, files.agreement(ONE.cvr, "OS2kitos", gln=files.gln(1)))
    line.issue(2027)


@pytest.fixture
def line(prepared: Prepared) -> CommandLine:
    """Two invoices of one municipality, issued in January."""
    return prepared(with_starter, _issued)


def close(line: CommandLine, name: str = "2027-Q1", on: date = OPEN) -> None:
    """Close a period by two people."""
    period = periods.named(name)
    made = acting.by(line, PREPARER, lambda s, trail: bookkeeping.propose_closing(s, period, trail, on=on))
    acting.by(line, APPROVER, lambda s, trail: bookkeeping.approve_closing(s, made.id, trail, on=on))


def owed(line: CommandLine, number: str, on: date) -> balances.Owed:
    """What an invoice came to by a day."""
    with line.session() as session:
        return next(each for each in balances.outstanding(session, on).values() if each.number == number)


def booked(line: CommandLine, *kinds: str) -> list[date]:
    """Give the days of the vouchers of some kinds."""
    with line.session() as session:
        found = select(VOUCHERS.c.posted_on).where(VOUCHERS.c.kind.in_(kinds)).order_by(VOUCHERS.c.id)
        return list(session.execute(found).scalars())


def is_whole(line: CommandLine) -> bool:
    """Tell whether verification finds nothing."""
    with line.session() as session:
        return verification.verify(session).violations == []


def gross(line: CommandLine, number: str) -> int:
    """What an invoice asks for."""
    with line.session() as session:
        return paying.gross_of(session, number)


def approve(
    line: CommandLine, propose: Callable[[Session, Trail], Any], decide: Callable[..., object], on: date
) -> None:
    """Let one propose and another approve."""
    made = acting.by(line, PREPARER, propose)
    acting.by(line, APPROVER, lambda session, trail: decide(session, made.id, on, trail))


def test_a_payment_of_a_closed_day_is_matched_on_the_first_open_one_and_what_was_told_stays(line: CommandLine) -> None:
    pays(line, payment(gross(line, FIRST), fik_id=fik_of(FIRST)))
    close(line)
    told = owed(line, FIRST, date(2027, 3, 31))

    said = line.at("2027-05-02").done("payments", "match").out

    assert said.startswith("1 betalinger er placeret")
    assert booked(line, "match") == [OPEN]
    assert owed(line, FIRST, date(2027, 3, 31)) == told
    assert (owed(line, FIRST, OPEN).outstanding, owed(line, FIRST, OPEN).last_paid_on) == (ZERO, DAY)
    assert is_whole(line)


def test_a_payment_of_an_open_day_is_matched_on_its_own(line: CommandLine) -> None:
    close(line)
    pays(line, payment(gross(line, FIRST), date(2027, 4, 9), fik_id=fik_of(FIRST)))

    line.at("2027-05-02").done("payments", "match")

    assert booked(line, "match") == [date(2027, 4, 9)]


def test_a_statement_of_closed_days_is_taken_in_and_booked_on_the_first_open_one(line: CommandLine) -> None:
    bank_files.take(line, statement("1", 0, [paid(0, 100, "A")], 0, 6))
    close(line)

    bank_files.take(line, statement("2", 100, [paid(7, 250, "B"), paid(40, 5, "C")], 7, 42))

    assert booked(line, "bank") == [bank_files.day(0), OPEN, bank_files.day(40)]
    with line.session() as session:
        days = session.execute(select(TRANSACTIONS.c.booked_on).order_by(TRANSACTIONS.c.id)).scalars().all()
    assert days == [bank_files.day(nth) for nth in (0, 7, 40)]
    assert is_whole(line)


def test_what_is_undone_or_used_of_credit_or_given_back_or_up_never_has_a_closed_day(line: CommandLine) -> None:
    """Whatever day is given, as by a clock that is wrong: the first open day is the earliest."""
    pays(line, payment(gross(line, FIRST) + 900, fik_id=fik_of(FIRST)))
    acting.by(line, PREPARER, lambda session, trail: payments.match_certain(session, DAY, trail))
    close(line)
    second = owed(line, SECOND, DAY)
    used = Placing(None, (Part(Money(300), second.authority_id, second.invoice_id),), "credit", WHY)
    refund, loss = RefundOrder(ONE.cvr, Money(200), "For meget"), WriteOffOrder(SECOND, Money(100), "Småbeløb", False)

    acting.by(line, PREPARER, lambda session, trail: payments.place(session, [used], DAY, trail))
    with line.session() as session:
        last = session.execute(select(MATCHES.c.id).order_by(MATCHES.c.id.desc())).scalars().first()
    assert last is not None
    acting.by(line, PREPARER, lambda session, trail: payments.unmatch(session, [last], "Forkert", DAY, trail))
    approve(line, lambda s, trail: settlements.propose_refund(s, refund, trail), settlements.approve_refund, DAY)
    approve(line, lambda s, trail: settlements.propose_write_off(s, loss, trail), settlements.approve_write_off, DAY)

    assert booked(line, "credit_used", "unmatch", "refund", "write_off") == [OPEN] * 4
    assert owed(line, SECOND, date(2027, 3, 31)).written_off == ZERO
    assert owed(line, SECOND, OPEN).written_off == Money(100)
    assert is_whole(line)


def test_what_a_reminder_costs_is_booked_on_the_first_open_day(line: CommandLine) -> None:
    reminding.decide(line, fee=100)
    reminding.enter_rates(line)
    reminding.bank(line, date(2027, 3, 31))
    late = date(2027, 3, 31)
    made = acting.by(line, PREPARER, lambda s, trail: reminders.hand_over(s, trail, on=late))
    acting.by(line, APPROVER, lambda s, trail: reminders.approve(s, made.id, trail))
    close(line)

    line.at("2027-03-31").done("reminders", "issue")

    assert set(booked(line, "reminder")) == {OPEN}
    assert is_whole(line)
