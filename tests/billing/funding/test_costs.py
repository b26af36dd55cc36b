"""Costs of funds: two people, booked once, spread over months, recurring, paid out, taken back; the sum holds."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy.orm import Session

from billing import bookkeeping, ledger, payments, verification, vouchers
from billing.funding import cost_files, costs, funds, hours, recurring
from billing.funding.cost_files import FileRefused, NotAttachable
from billing.funding.costs import CostRefused, NoSuchCost, NotPayable, NotReversible, State
from billing.funding.recurring import Term
from billing.matching import Part
from foundation import periods
from foundation.money import Money
from foundation.proposals import SamePerson
from tests import paying, spending
from tests.command_line import CommandLine
from tests.spending import DAY, OTHER, PRODUCT

YEAR = periods.year(2027)


def stands(session: Session, on: date = date(2028, 1, 1), product: str | None = PRODUCT) -> int:
    """What a fund has, in øre."""
    return funds.balance(session, on).get(product, Money(0)).ore


def account(session: Session, number: str) -> int:
    """What stands on an account, in øre."""
    entry = vouchers.entries().subquery()
    rows = session.execute(entry.select().where(entry.c.account == number))
    return sum(row.amount_ore for row in rows)


def broken(session: Session) -> list[tuple[str, str]]:
    """What verify names."""
    return [(each.check, each.subject) for each in verification.verify(session).violations]


def test_a_cost_counts_in_its_fund_once_another_person_approved_it(starter: CommandLine) -> None:
    with starter.session() as session:
        one = spending.trail(session)
        (made,) = costs.propose(session, [spending.draft(session)], one, on=DAY)
        one.write()
        before = stands(session)
        with pytest.raises(SamePerson):
            costs.approve(session, [made.id], one, on=DAY)
        other = spending.trail(session, OTHER)
        (id_,) = costs.approve(session, [made.id], other, on=DAY)
        other.write()

        assert (before, stands(session)) == (0, -12_000_00)
        assert account(session, ledger.SUPPLIERS) == -12_000_00
        assert costs.get(session, id_).state == State.BOOKED
        assert broken(session) == []


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("product", {"product": "OS2findesikke"}),
        ("account", {"suffix": "00002"}),
        ("date", {"incurred_on": date(2027, 7, 1)}),
        ("amount", {"ore": 0}),
        ("to", {"spread": periods.through(date(2027, 1, 1), date(2035, 12, 31))}),
    ],
)
def test_a_cost_that_cannot_be_is_refused_at_its_field(starter: CommandLine, field: str, wrong: dict[str, Any]) -> None:
    with starter.session() as session, pytest.raises(CostRefused) as refused:
        costs.propose(session, [spending.draft(session, **wrong)], spending.trail(session), on=DAY)

    assert field in refused.value.faults


def test_a_suppliers_number_is_entered_once_and_again_after_it_was_taken_back(starter: CommandLine) -> None:
    with starter.session() as session:
        (id_,) = spending.spend(session, spending.draft(session))
        with pytest.raises(CostRefused, match="was entered before"):
            spending.spend(session, spending.draft(session))
        spending.twice(
            session,
            lambda one: costs.propose_reversal(session, id_, "Forkert produkt", one, on=DAY),
            lambda proposal, other: costs.approve(session, [proposal], other, on=DAY),
        )
        with pytest.raises(NotReversible):
            costs.propose_reversal(session, id_, "Igen", spending.trail(session), on=DAY)
        assert (stands(session), account(session, ledger.SUPPLIERS)) == (0, 0)

        spending.spend(session, spending.draft(session, product="OS2mo"))

        assert (stands(session), stands(session, product="OS2mo")) == (0, -12_000_00)
        assert costs.get(session, id_).state == State.REVERSED
        assert broken(session) == []


def test_a_spread_cost_counts_month_by_month_to_the_ore_also_backwards(starter: CommandLine) -> None:
    quarter = periods.through(date(2027, 5, 1), date(2027, 7, 31))
    with starter.session() as session:
        (id_,) = spending.spend(session, spending.draft(session, 100_01, spread=quarter))
        made = spending.trail(session, "tjenesten")
        first = (stands(session), account(session, ledger.PREPAID))
        again = costs.accrue(session, DAY, made)
        last = costs.accrue(session, date(2027, 7, 1), made)
        made.write()

        assert first == (-66_68, 33_33)
        assert (again, last) == (0, 1)
        assert (stands(session), account(session, ledger.PREPAID)) == (-100_01, 0)
        spending.twice(
            session,
            lambda one: costs.propose_reversal(session, id_, "Fejl", one, on=DAY),
            lambda proposal, other: costs.approve(session, [proposal], other, on=date(2027, 8, 1)),
        )
        assert (stands(session), account(session, ledger.PREPAID)) == (0, 0)
        assert broken(session) == []


PAPER = b"%PDF-1.7 faktura"


def test_a_cost_without_a_voucher_is_given_one_once_and_it_is_audited(starter: CommandLine) -> None:
    with starter.session() as session:
        made = spending.trail(session)
        (proposed,) = costs.propose(session, [spending.draft(session)], made, on=DAY)
        made.write()
        (first,) = costs.of_proposal(session, proposed.id)
        (second,) = spending.spend(session, spending.draft(session, 5_00))
        lacks = cost_files.of_cost(session, first)
        kept = cost_files.attach(session, first.id, "faktura.pdf", PAPER, made)
        same = cost_files.attach(session, second, "den samme.pdf", PAPER, made)
        with pytest.raises(NotAttachable, match="has its voucher"):
            cost_files.attach(session, second, "en anden.pdf", PAPER + b"2", made)
        made.write()

        assert lacks is None and kept == same == cost_files.of_cost(session, first)
        assert cost_files.content(session, kept.id) == PAPER
        assert broken(session) == []


def test_what_came_with_its_voucher_or_was_taken_back_or_is_not_there_gets_none(starter: CommandLine) -> None:
    with starter.session() as session:
        made = spending.trail(session)
        (whole,) = spending.spend(session, spending.draft(session, file_id=spending.a_file(session, 1)))
        (id_,) = spending.spend(session, spending.draft(session, 5_00))
        spending.twice(
            session,
            lambda one: costs.propose_reversal(session, id_, "Fejl", one, on=DAY),
            lambda proposal, other: costs.approve(session, [proposal], other, on=DAY),
        )
        for cost, refusal, told in ((whole, NotAttachable, "has its voucher"), (id_, NotAttachable, "taken back"),
                                    (987654, NoSuchCost, "no cost"), (10**30, NoSuchCost, "no cost")):  # fmt: skip
            with pytest.raises(refusal, match=told):
                cost_files.attach(session, cost, "faktura.pdf", PAPER, made)

        assert broken(session) == []


@pytest.mark.parametrize("content", [b"", b"MZ program", b"<svg/>", b"%PDF-1.7" + b" " * cost_files.LARGEST])
def test_what_is_no_paper_or_too_large_is_no_voucher(starter: CommandLine, content: bytes) -> None:
    with starter.session() as session:
        (id_,) = spending.spend(session, spending.draft(session))
        with pytest.raises(FileRefused):
            cost_files.attach(session, id_, "faktura.pdf", content, spending.trail(session))

        assert cost_files.of_cost(session, costs.get(session, id_)) is None


def test_hours_move_money_between_funds_and_not_their_sum(starter: CommandLine) -> None:
    with starter.session() as session:
        with pytest.raises(CostRefused, match="no hourly rate"):
            spending.work(session)
        spending.rate(session, 750_00)
        spending.rate(session, 800_00, date(2027, 4, 1))
        spending.work(session, 90, date(2027, 3, 2))
        spending.work(session, 100, date(2027, 4, 2))

        assert stands(session) == -(1_125_00 + 1_333_33)
        assert stands(session, product=None) == 1_125_00 + 1_333_33
        assert account(session, ledger.SUPPLIERS) == 0
        assert hours.cost_of(Money(800_00), 100) == Money(1_333_33)
        assert broken(session) == []


def test_a_recurring_cost_comes_each_month_once_and_stops(starter: CommandLine) -> None:
    with starter.session() as session:
        spending.recur(session, 10_00, on=date(2027, 3, 31), last_on=date(2027, 5, 31))
        made = spending.trail(session, "tjenesten")
        first = [row.incurred_on for row in session.execute(costs.listed().order_by(costs.COSTS.c.id))]
        came = [
            recurring.book_due(session, day, made) for day in (date(2027, 3, 31), date(2027, 4, 30), date(2028, 1, 1))
        ]
        made.write()

        assert first == [date(2027, 1, 31), date(2027, 2, 28), date(2027, 3, 31)]
        assert came == [0, 1, 1]
        assert stands(session) == -50_00
        assert broken(session) == []


def test_a_yearly_estimate_is_the_sum_of_its_terms_pv_128() -> None:
    monthly = [Term("hosting", Money(7_50), 12), Term("domæne", Money(5_00), 12)]
    once = [Term(name, Money(ore), 1) for name, ore in (("a", 15_00), ("b", 30_00), ("c", 10_00), ("d", 30_00))]

    found = recurring.estimate(monthly, once)

    assert found.whole == Money(235_00)
    assert [term.whole.ore for term in (*found.recurring, *found.once)] == [90_00, 60_00, 15_00, 30_00, 10_00, 30_00]


def test_a_year_is_estimated_from_what_recurs_and_what_came_once(starter: CommandLine) -> None:
    with starter.session() as session:
        spending.recur(session, 7_50)
        spending.recur(session, 30_00, months=3)
        spending.spend(session, spending.draft(session, 85_00))

        found = recurring.of_year(session, PRODUCT, 2027)

        assert [(term.amount.ore, term.times) for term in found.recurring] == [(7_50, 12), (30_00, 4)]
        assert found.whole == Money(90_00 + 120_00 + 85_00)


def test_money_that_went_out_pays_a_cost_and_leaves_the_clearing_account_at_zero(starter: CommandLine) -> None:
    with starter.session() as session:
        (id_,) = spending.spend(session, spending.draft(session))
        made = spending.trail(session)
        out, into = paying.take_in(session, made, [paying.payment(-12_000_00), paying.payment(5_00)])
        with pytest.raises(NotPayable):
            costs.pay(session, id_, into, made, on=DAY)
        costs.pay(session, id_, out, made, on=DAY)
        made.write()

        assert costs.get(session, id_).state == State.PAID
        assert (account(session, ledger.SUPPLIERS), account(session, ledger.CLEARING)) == (0, -5_00)
        assert broken(session) == []
        (match,) = payments.matches(session, transaction_id=out)
        payments.unmatch(session, [match.id], "Forkert", DAY, made)
        made.write()
        assert costs.get(session, id_).state == State.BOOKED
        assert account(session, ledger.SUPPLIERS) == -12_000_00
        assert broken(session) == []


def test_nobody_places_money_on_the_suppliers_account_without_a_cost(starter: CommandLine) -> None:
    with starter.session() as session:
        made = spending.trail(session)
        (out,) = paying.take_in(session, made, [paying.payment(-100)])
        part = Part(Money(-100), account=ledger.SUPPLIERS)
        placing = payments.Placing(out, (part,), "hand", costs.STATES[State.PAID])

        with pytest.raises(payments.Unplaceable):
            payments.place(session, [placing], DAY, made)


def test_a_transfer_moves_what_it_says_and_an_opening_is_in_one_fund(starter: CommandLine) -> None:
    with starter.session() as session:
        spending.move(session, 500_00)
        spending.move(session, 200_00, "OS2mo", from_product=PRODUCT)
        spending.move(session, 50_00, None, from_product="OS2mo")

        assert funds.balance(session, date(2027, 2, 1)) == {
            PRODUCT: Money(300_00), "OS2mo": Money(150_00), None: Money(50_00),
        }  # fmt: skip
        assert broken(session) == []


def test_a_balance_is_kept_when_a_period_is_closed_and_costs_one_statement(starter: CommandLine) -> None:
    quarter = periods.named("2027-Q1")
    with starter.session() as session:
        spending.move(session, 500_00)
        spending.spend(session, spending.draft(session, 100_00))
        spending.twice(
            session,
            lambda one: bookkeeping.propose_closing(session, quarter, one, on=DAY),
            lambda id_, other: bookkeeping.approve_closing(session, id_, other, on=DAY),
        )
        spending.spend(session, spending.draft(session, 30_00))  # its day is closed: it counts on the first open one

        assert stands(session, date(2027, 4, 1)) == 400_00
        assert stands(session, date(2027, 4, 2)) == 370_00
        assert stands(session, date(2027, 3, 1)) == 400_00  # within a closed period: from the start of the books
        assert broken(session) == []
