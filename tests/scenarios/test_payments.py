"""Payments: each finds its invoice or waits on a list, is used once, and leaves a ledger that ties."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from billing import balances, payment_id, payments, settlements, verification
from billing.balances import State
from billing.matching import Outcome, Part
from billing.payments import AlreadyPlaced, MoreThanOwed, NoSuchPayment, Placing, Unplaceable
from billing.settlements import RefundOrder, WriteOffOrder
from foundation.audit import Trail
from foundation.language import Text
from foundation.money import ZERO, Money
from foundation.proposals import SamePerson
from tests.command_line import CommandLine
from tests.conftest import Prepared
from tests.paying import DAY, fik_of, gross_of, pays, payment
from tests.places import with_starter
from tests.scenarios import acting, files
from tests.scenarios.acting import APPROVER, PREPARER

ONE, TWO = files.starter()[:2]
FIRST, SECOND, THIRD = "2027-0001", "2027-0002", "2027-0003"
WHY = Text("valgt i hånden", "chosen by hand")


def _issued(line: CommandLine) -> None:
    """Two municipalities; the first has two invoices, for its dues and its fee go to two places."""
    line.done("settings", "import", line.write("seller.toml", files.SELLER))
    files.take_members(line, files.member(ONE.cvr), files.member(TWO.cvr))
    files.take_agreements(line, files.agreement(ONE.cvr, "OS2kitos", gln=files.gln(1)))
    line.issue(2027)


@pytest.fixture
def line(prepared: Prepared) -> CommandLine:
    """Three invoices, on the day they fall due or so."""
    return prepared(with_starter, _issued)


def match(line: CommandLine, on: date = DAY) -> list[Outcome]:
    """Match what is certain; give what was found about each payment that waited."""
    found = acting.by(line, PREPARER, lambda session, trail: payments.match_certain(session, on, trail))
    return [each.finding.outcome for each in found]


def by_hand(line: CommandLine, transaction: int | None, *parts: Part, on: date = DAY) -> list[int]:
    """Place a payment by hand."""
    placing = Placing(transaction, parts, "hand" if transaction else "credit", WHY)
    return acting.by(line, PREPARER, lambda session, trail: payments.place(session, [placing], on, trail))


def owed(line: CommandLine, number: str, on: date = DAY) -> balances.Owed:
    """What an invoice came to by a day."""
    with line.session() as session:
        return next(each for each in balances.outstanding(session, on).values() if each.number == number)


def gross(line: CommandLine, number: str) -> int:
    """What an invoice asks for."""
    with line.session() as session:
        return gross_of(session, number)


def waits(line: CommandLine) -> list[int]:
    """What of each payment that waits has not found its place, in øre."""
    with line.session() as session:
        return [paid.left.ore for paid in payments.waiting(session)]


def credit(line: CommandLine, authority_id: int) -> Money:
    """What stands to an authority's credit."""
    with line.session() as session:
        return balances.credits_of(session, DAY + timedelta(days=900)).get(authority_id, ZERO)


def broken(line: CommandLine) -> list[str]:
    """What verification names."""
    with line.session() as session:
        return [f"{each.check}: {each.subject}" for each in verification.verify(session).violations]


def test_a_payment_by_its_payment_id_settles_its_invoice_on_the_day_the_bank_says(line: CommandLine) -> None:
    pays(line, payment(gross(line, FIRST), fik_id=fik_of(FIRST)))

    assert match(line, DAY + timedelta(days=5)) == [Outcome.EXACT]

    before, after = owed(line, FIRST, DAY - timedelta(days=1)), owed(line, FIRST)
    assert balances.state(before, DAY) is not State.SETTLED
    assert (after.outstanding, after.last_paid_on, balances.state(after, DAY)) == (ZERO, DAY, State.SETTLED)
    assert waits(line) == []
    assert match(line) == []
    assert broken(line) == []


def test_a_payment_over_two_invoices_named_in_its_text_settles_both(line: CommandLine) -> None:
    both = gross(line, FIRST) + gross(line, SECOND)
    pays(line, payment(both, message=f"Faktura {FIRST} og {SECOND}", payer=ONE.name))

    match(line)

    assert [owed(line, number).outstanding for number in (FIRST, SECOND)] == [ZERO, ZERO]
    assert broken(line) == []


def test_two_payments_over_one_invoice_settle_it_together(line: CommandLine) -> None:
    whole = gross(line, FIRST)
    pays(line, payment(whole - 100, fik_id=fik_of(FIRST)), payment(100, fik_id=fik_of(FIRST)))

    assert match(line) == [Outcome.PARTIAL, Outcome.EXACT]
    assert owed(line, FIRST).outstanding == ZERO


def test_what_is_paid_too_much_stands_to_the_authoritys_credit(line: CommandLine) -> None:
    pays(line, payment(gross(line, FIRST) + 700, fik_id=fik_of(FIRST)))

    assert match(line) == [Outcome.EXCESS]

    first = owed(line, FIRST)
    assert (first.outstanding, credit(line, first.authority_id)) == (ZERO, Money(700))
    assert broken(line) == []


def test_the_same_payment_twice_is_a_duplicate_and_waits(line: CommandLine) -> None:
    whole = gross(line, FIRST)
    pays(line, payment(whole, fik_id=fik_of(FIRST)), payment(whole, fik_id=fik_of(FIRST)))

    assert match(line) == [Outcome.EXACT, Outcome.DUPLICATE]
    assert waits(line) == [whole]
    assert broken(line) == []


def test_pv_095_what_cannot_be_matched_has_four_different_names_and_none_is_lost(line: CommandLine) -> None:
    first = owed(line, FIRST)
    pays(line, payment(gross(line, THIRD), message=THIRD, payer=TWO.name))
    match(line)
    pays(
        line,
        payment(5_000, fik_id=payment_id.fik_id("13202700000001"), message="en andens regning"),
        payment(5_000, payer=TWO.name),
        payment(5_000, payer="En Fremmed ApS"),
        payment(5_000, fik_id=fik_of(THIRD)),
    )

    assert match(line) == [Outcome.OTHER_BILL, Outcome.NOTHING_OPEN, Outcome.UNKNOWN, Outcome.ALREADY_PAID]
    assert waits(line) == [5_000] * 4
    assert owed(line, FIRST) == first
    assert broken(line) == []
