"""A year of payments as municipalities make them, any order of what can happen to them, and two who act at once."""

from __future__ import annotations

import itertools
import random
import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import select
from sqlalchemy.orm import Session

from billing import balances, credits, payment_checks, payments, settlements, verification, vouchers
from billing import seller as sellers
from billing.balances import MATCHES, TRANSACTIONS
from billing.gathering import INVOICES
from billing.matching import Part
from billing.payments import Placing
from billing.settlements import RefundOrder, WriteOffOrder
from foundation.audit import Trail
from foundation.errors import DomainError
from foundation.language import Text
from foundation.money import Money
from tests import bank_statements, paying
from tests.command_line import CommandLine
from tests.conftest import FULL, Prepared
from tests.paying import fik_of, payment, pays
from tests.places import with_starter
from tests.scenarios import acting, files
from tests.scenarios.acting import APPROVER, PREPARER, counted
from tests.scenarios.rivals import PROGRAM

WHY = Text("valgt i hånden", "chosen by hand")
LATER = date(2027, 12, 1)


def _everybody(line: CommandLine) -> None:
    """All municipalities are members, and each has a product billed to another place: two invoices of equal sums."""
    line.done("settings", "import", line.write("seller.toml", files.SELLER))
    municipalities = files.starter()
    files.take_members(line, *(files.member(each.cvr) for each in municipalities))
    files.take_agreements(
        line, *(files.agreement(each.cvr, "OS2kitos", gln=files.gln(at)) for at, each in enumerate(municipalities, 1))
    )
    line.issue(2027)


@pytest.fixture
def everybody(prepared: Prepared) -> CommandLine:
    """A year of the 98 municipalities."""
    return prepared(with_starter, _everybody)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"] if FULL else ["sqlite"], indirect=True)
@pytest.mark.parametrize("seed", range(20) if FULL else range(2))
def test_a_generated_year_matches_98_in_100_without_hands_and_nothing_wrongly(
    everybody: CommandLine, seed: int
) -> None:
    with everybody.session() as session:
        owed = bank_statements.issued(session, 2027)
    told = bank_statements.generate(owed, seed)
    truths = {truth.bank_reference: truth for _, listed in told for truth in listed}

    for week, (content, listed) in enumerate(told, start=1):
        after = everybody.at(f"{max(truth.on for truth in listed) + timedelta(days=7)}")
        file = everybody.folder / f"uge-{week}.xml"
        file.write_bytes(content)
        taken = after.done("bank", "import", file).out
        assert f"{len(listed)} nye posteringer" in taken
        after.done("payments", "match")

    with everybody.session() as session:
        made = _matched(session)
        verdict = verification.verify(session)
    wrong = {ref: (truths[ref], got) for ref, got in made.items() if got != dict(truths[ref].pays)}
    due = [truth for truth in truths.values() if truth.pays]
    matched = [truth for truth in due if made.get(truth.bank_reference) == dict(truth.pays)]
    assert len(owed) > 190
    assert wrong == {}
    assert len(matched) >= 0.98 * len(due), (len(matched), len(due))
    assert {truth.way for truth in due} >= {"fik", "name", "mistyped", "merged", "renamed", "partial", "rest", "excess"}
    assert verdict.violations == []


def _matched(session: Session) -> dict[str, dict[str, int]]:
    """What each transaction paid of which invoice, by the bank's reference; what is over goes to credit."""
    rows = session.execute(
        select(TRANSACTIONS.c.bank_reference, INVOICES.c.number, MATCHES.c.amount_ore)
        .join(MATCHES, MATCHES.c.transaction_id == TRANSACTIONS.c.id)
        .join(INVOICES, MATCHES.c.invoice_id == INVOICES.c.id)
    )
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for row in rows:
        found[row.bank_reference][row.number] = row.amount_ore
    return dict(found)


def test_what_a_batch_of_payments_is_held_against_is_read_in_a_number_of_queries_that_does_not_grow(
    everybody: CommandLine,
) -> None:
    asked = []
    for count in (10, 190):
        numbers = [f"2027-{nth:04}" for nth in range(1, count + 1)]
        pays(everybody, *(payment(1_000, fik_id=fik_of(number)) for number in numbers))
        with everybody.session() as session, counted(session) as statements:
            trail = Trail(session, PREPARER, acting.AT)
            payments.match_certain(session, LATER, trail)
            asked.append(len(statements))
            session.rollback()

    assert asked[0] == asked[1], asked
    assert asked[1] <= 30


# --- any order


FEW = ("2027-0001", "2027-0002", "2027-0003")
ONE, TWO = files.starter()[:2]


def _few(line: CommandLine) -> None:
    line.done("settings", "import", line.write("seller.toml", files.SELLER))
    files.take_members(line, files.member(ONE.cvr), files.member(TWO.cvr))
    files.take_agreements(line, files.agreement(ONE.cvr, "OS2kitos", gln=files.gln(1)))
    line.issue(2027)


@pytest.fixture
def few(prepared: Prepared) -> CommandLine:
    """Three invoices of two municipalities."""
    return prepared(with_starter, _few)


class Treasury(RuleBasedStateMachine):
    """Whatever happens to payments, in any order: what is refused changes nothing, what is done ties."""

    def __init__(self, line: CommandLine, session: Session) -> None:
        super().__init__()
        self.line, self.session = line, session
        self.point = session.begin_nested()

    def teardown(self) -> None:
        """Forget the walk."""
        self.point.rollback()

    def act(self, actor: str, act: Callable[[Trail], object]) -> None:
        """Do something, or be refused and leave nothing."""
        trail = Trail(self.session, actor, acting.AT)
        point = self.session.begin_nested()
        try:
            act(trail)
            trail.write()
            point.commit()
        except DomainError:
            point.rollback()

    def owed(self, number: str) -> balances.Owed:
        """What an invoice came to."""
        listed = balances.outstanding(self.session, payments.EVER).values()
        return next(each for each in listed if each.number == number)

    @rule(number=st.sampled_from(FEW), share=st.sampled_from([30, 50, 100, 101]), names=st.booleans())
    def money_comes(self, number: str, share: int, names: bool) -> None:
        """Let a payment come in, with an id or without."""
        ore = self.owed(number).gross.ore * share // 100
        made = payment(ore, fik_id=fik_of(number)) if names else payment(ore, payer=ONE.name)
        self.act(PREPARER, lambda trail: paying.take_in(self.session, trail, [made]))

    @rule()
    def money_goes(self) -> None:
        """Let a refund be paid out, where one is decided."""
        due = payments.refunds_due(self.session)
        if due:
            self.act(PREPARER, lambda trail: paying.take_in(self.session, trail, [payment(-due[0].amount.ore)]))

    @rule()
    def match(self) -> None:
        """Match what is certain."""
        self.act(PREPARER, lambda trail: payments.match_certain(self.session, LATER, trail))

    @rule(number=st.sampled_from(FEW), ore=st.sampled_from([1, 10_000, 3_125_000]), at=st.integers(0, 3))
    def place(self, number: str, ore: int, at: int) -> None:
        """Place some of what waits by hand, on an invoice or, of what went out, on a refund."""
        waiting, owed = payments.waiting(self.session), self.owed(number)
        if not waiting:
            return
        paid = waiting[at % len(waiting)]
        part = Part(Money(ore), owed.authority_id, owed.invoice_id)
        if paid.amount.ore < 0:
            due = payments.refunds_due(self.session)
            part = Part(paid.left, due[0].authority_id, refund_id=due[0].id) if due else part
        placing = Placing(paid.id, (part,), "hand", WHY)
        self.act(PREPARER, lambda trail: payments.place(self.session, [placing], LATER, trail))

    @rule(number=st.sampled_from(FEW), ore=st.sampled_from([1, 5_000_000]))
    def use_credit(self, number: str, ore: int) -> None:
        """Use an authority's credit."""
        owed = self.owed(number)
        placing = Placing(None, (Part(Money(ore), owed.authority_id, owed.invoice_id),), "credit", WHY)
        self.act(PREPARER, lambda trail: payments.place(self.session, [placing], LATER, trail))

    @rule(at=st.integers(0, 5))
    def undo(self, at: int) -> None:
        """Undo a match."""
        ids = list(self.session.execute(select(MATCHES.c.id)).scalars())
        if ids:
            self.act(PREPARER, lambda trail: payments.unmatch(self.session, [ids[at % len(ids)]], "x", LATER, trail))

    @rule(number=st.sampled_from(FEW))
    def credit(self, number: str) -> None:
        """Take a whole invoice back."""
        terms = sellers.current(self.session)
        assert terms is not None
        order = credits.Order(number, "Opdigtet", PREPARER, LATER, approved_by=APPROVER)
        self.act(PREPARER, lambda trail: credits.credit(self.session, order, terms, trail))

    @rule(cvr=st.sampled_from([ONE.cvr, TWO.cvr]), ore=st.sampled_from([1, 70_000]))
    def refund(self, cvr: str, ore: int) -> None:
        """Pay credit back."""

        def decide(trail: Trail) -> None:
            made = settlements.propose_refund(self.session, RefundOrder(cvr, Money(ore), "x"), trail)
            trail.actor = APPROVER
            settlements.approve_refund(self.session, made.id, LATER, trail)

        self._by_two(decide)

    @rule(number=st.sampled_from(FEW), ore=st.sampled_from([1, 100_000]), with_vat=st.booleans())
    def write_off(self, number: str, ore: int, with_vat: bool) -> None:
        """Give up some of what is owed."""

        def decide(trail: Trail) -> None:
            order = WriteOffOrder(number, Money(ore), "x", with_vat)
            made = settlements.propose_write_off(self.session, order, trail)
            trail.actor = APPROVER
            settlements.approve_write_off(self.session, made.id, LATER, trail)

        self._by_two(decide)

    def _by_two(self, decide: Callable[[Trail], None]) -> None:
        self.act(PREPARER, decide)

    @invariant()
    def everything_ties(self) -> None:
        """Invoiced − credited − matched + refunded = outstanding, for each authority and in all."""
        checked: Counter[str] = Counter()
        for name, check in payment_checks.CHECKS.items():
            assert list(check(self.session, checked)) == [], name
        came = sum(self.session.execute(select(TRANSACTIONS.c.amount_ore)).scalars())
        owed = list(balances.outstanding(self.session, payments.EVER).values())
        invoiced = sum(each.gross.ore - each.credited.ore - each.written_off.ore for each in owed)
        credit = sum(money.ore for money in balances.credits_of(self.session, payments.EVER).values())
        due = sum(each.amount.ore for each in payments.refunds_due(self.session))
        waits = payments.clearing(self.session)[1].ore
        assert sum(each.outstanding.ore for each in owed) == invoiced - (came - waits - credit - due)


def test_any_order_of_payments_matches_credits_and_refunds_ties_to_the_ore(few: CommandLine) -> None:
    with few.session() as session:
        session.connection()

        def walk() -> Treasury:
            return Treasury(few, session)

        run_state_machine_as_test(
            walk,  # type: ignore[arg-type]
            settings=settings(
                max_examples=200 if FULL else 12, stateful_step_count=30 if FULL else 15, deadline=None, database=None,
                phases=[Phase.generate], suppress_health_check=list(HealthCheck),
            ),
        )  # fmt: skip
        session.rollback()


# --- six tricky files, and two at once


def _files(session: Session) -> list[list[dict[str, Any]]]:
    """Six statements that lean on each other: parts, a rest, a twin, too much, a name only, strangers and a fee."""
    gross = [paying.gross_of(session, number) for number in FEW]
    on = [paying.DAY + timedelta(days=nth) for nth in range(6)]
    return [
        [payment(gross[0] - 700, on[0], fik_id=fik_of(FEW[0])), payment(-5_000, on[0], message="Gebyr")],
        [payment(700, on[1], fik_id=fik_of(FEW[0]))],
        [payment(gross[2], on[2], fik_id=fik_of(FEW[2])), payment(gross[2], on[2], fik_id=fik_of(FEW[2]))],
        [payment(gross[1] + 300, on[3], fik_id=fik_of(FEW[1]))],
        [payment(4_321, on[4], payer="En Fremmed"), payment(4_321, on[4], payer="En Fremmed")],
        [payment(99, on[5], fik_id=fik_of("2027-0077")), payment(1, on[5], message=FEW[1])],
    ]


def test_every_order_of_six_tricky_files_gives_the_same_ledger(few: CommandLine) -> None:
    orders = list(itertools.permutations(range(6)))
    chosen = orders if FULL else random.Random(7).sample(orders, 12)
    ledgers = []
    with few.session() as session:
        session.connection()
        listed = _files(session)
        for order in chosen:
            point = session.begin_nested()
            for at in order:
                trail = Trail(session, PREPARER, acting.AT)
                paying.take_in(session, trail, listed[at])
                payments.match_certain(session, LATER, trail)
                trail.write()
            ledgers.append((_ledger(session), sorted(paid.left.ore for paid in payments.waiting(session))))
            point.rollback()
        session.rollback()

    assert ledgers[0][1] == sorted([-5_000, paying_twice(few), 4_321, 4_321, 99, 1])
    assert all(each == ledgers[0] for each in ledgers)


def paying_twice(line: CommandLine) -> int:
    """What came twice of the third invoice."""
    with line.session() as session:
        return paying.gross_of(session, FEW[2])


def _ledger(session: Session) -> dict[tuple[Any, ...], int]:
    sums: Counter[tuple[Any, ...]] = Counter()
    for row in session.execute(vouchers.entries()):
        sums[row.posted_on, row.account, row.authority_id, row.invoice_id] += row.amount_ore
    return {place: ore for place, ore in sums.items() if ore}


def test_two_people_who_match_the_same_payments_at_once_match_each_of_them_once(few: CommandLine) -> None:
    with few.session() as session:
        gross = {number: paying.gross_of(session, number) for number in FEW}
    pays(few, *(payment(ore, fik_id=fik_of(number)) for number, ore in gross.items()))

    running = [
        subprocess.Popen(
            [PROGRAM, "payments", "match", "--by", name], env=few.at("2027-03-01").environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for name in ("En Bogholder", "En Anden")
    ]  # fmt: skip
    said = [process.communicate(timeout=120) for process in running]

    assert [process.returncode for process in running] == [0, 0], said
    assert sorted(out.splitlines()[-1][0] for out, _ in said) == ["0", "3"]
    with few.session() as session:
        assert sum(1 for _ in session.execute(select(MATCHES.c.id))) == 3
        assert payments.waiting(session) == []
        assert verification.verify(session).violations == []
