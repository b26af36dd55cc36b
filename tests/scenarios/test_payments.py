"""Payments: each finds its invoice or waits on a list, is used once, and leaves a ledger that ties."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.bank_demonstration import Moved
from billing import balances, ledger, payment_id, payments, settlements, verification
from billing.balances import State
from billing.ledger import BAD_DEBTS, OUTPUT_VAT
from billing.matching import Outcome, Part
from billing.payments import AlreadyPlaced, MoreThanOwed, NoSuchPayment, Placing, Unplaceable
from billing.settlements import RefundOrder, WriteOffOrder
from foundation.audit import Trail
from foundation.language import Text
from foundation.money import ZERO, Money
from foundation.proposals import SamePerson
from tests import bank_files, queries
from tests.command_line import CommandLine
from tests.conftest import Prepared
from tests.paying import DAY, fik_of, gross_of, payment, pays
from tests.places import with_starter
from tests.scenarios import acting, database, files
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


def test_five_payments_imported_twice_give_one_match_and_four_that_wait(line: CommandLine) -> None:
    """PV-094: five payments of 710,82 in all, one of them for an invoice; the second import adds none."""
    others = [bank_files.paid(0, ore, f"{ore}", "Uden grund", "En Fremmed") for ore in (10_000, 20_000, 25_000, 1_000)]
    mine = Moved(bank_files.day(1), 15_082, "15082", fik_id=fik_of(FIRST))
    file = line.folder / "fem.xml"
    file.write_bytes(bank_files.statement("1", 0, [*others, mine], 0, 6))

    first, matched = line.done("bank", "import", file).out, line.json("payments", "match")
    again, listed = line.done("bank", "import", file).out, line.json("payments", "list")

    assert "5 nye posteringer" in first and "ind 710,82 kr." in first.replace("\u00a0", " ")
    assert [each["amount_ore"] for each in matched["payments"] if each["certain"]] == [15_082]
    assert "er taget ind før; intet nyt" in again
    assert sorted(each["left_ore"] for each in listed["payments"]) == [1_000, 10_000, 20_000, 25_000]
    assert owed(line, FIRST, bank_files.day(6)).paid == Money(15_082)
    with line.session() as session:
        payers = [id_ for id_, each in balances.outstanding(session, payments.EVER).items() if each.paid]
    assert len(payers) == 1
    assert broken(line) == []


def test_pv_095_what_cannot_be_matched_has_four_different_names_and_none_is_lost(line: CommandLine) -> None:
    """PV-095: for another bill, no open bill, an unknown payer, a settled invoice."""
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


# --- by hand, undone, credited


def test_a_payment_is_spread_by_hand_and_never_more_than_it_has_or_is_owed(line: CommandLine) -> None:
    first, second = owed(line, FIRST), owed(line, SECOND)
    (id_,) = pays(line, payment(first.gross.ore + 500, payer="Fælles Kasse"))
    parts = (Part(first.gross, first.authority_id, first.invoice_id),
             Part(Money(500), second.authority_id, second.invoice_id))  # fmt: skip

    with pytest.raises(MoreThanOwed):
        by_hand(line, id_, Part(first.gross + Money(1), first.authority_id, first.invoice_id))
    with pytest.raises(Unplaceable):
        by_hand(line, id_, Part(Money(1), first.authority_id + 1, first.invoice_id))
    with pytest.raises(Unplaceable):
        by_hand(line, id_, Part(Money(1)))
    with pytest.raises(NoSuchPayment):
        by_hand(line, id_ + 1, *parts)
    by_hand(line, id_, *parts)
    with pytest.raises(AlreadyPlaced):
        by_hand(line, id_, Part(Money(1), second.authority_id, second.invoice_id))

    assert (owed(line, FIRST).outstanding, owed(line, SECOND).paid) == (ZERO, Money(500))
    assert balances.state(owed(line, SECOND), second.due_on) is State.PARTLY_PAID
    assert broken(line) == []


def test_the_chart_is_asked_only_where_an_account_is_named(line: CommandLine) -> None:
    invoice = owed(line, FIRST)
    (id_,) = pays(line, payment(invoice.gross.ore + 500))

    def asked(part: Part) -> int:
        with queries.heard() as heard:
            by_hand(line, id_, part)
        return sum("FROM account" in statement for statement in heard)

    assert asked(Part(invoice.gross, invoice.authority_id, invoice.invoice_id)) == 0
    assert asked(Part(Money(500), account=ledger.OTHER_INCOME)) == 1


def test_undoing_a_match_is_a_new_fact_with_a_reason_and_is_done_once(line: CommandLine) -> None:
    whole = gross(line, FIRST)
    pays(line, payment(whole, fik_id=fik_of(FIRST)))
    match(line)
    before = owed(line, FIRST)
    later = DAY + timedelta(days=3)

    def undo(session: Session, trail: Trail) -> list[int]:
        return payments.unmatch(session, [1], "Betalte for en anden", later, trail)

    with pytest.raises(Unplaceable):
        acting.by(line, PREPARER, lambda session, trail: payments.unmatch(session, [1], " ", later, trail))
    acting.by(line, PREPARER, undo)
    with pytest.raises(AlreadyPlaced):
        acting.by(line, PREPARER, undo)

    assert owed(line, FIRST) == before, "what was told of that day stays"
    assert owed(line, FIRST, later)._replace(last_paid_on=None).outstanding == Money(whole)
    assert owed(line, FIRST, later).last_paid_on is None
    assert waits(line) == [whole]
    assert broken(line) == []


def test_a_credit_note_settles_its_invoice_and_what_is_then_overpaid_becomes_credit(line: CommandLine) -> None:
    pays(line, payment(gross(line, FIRST), fik_id=fik_of(FIRST)))
    match(line)

    line.done("billing", "credit", FIRST, "--reason", "Opdigtet", "--by", "En", "--approved-by", "En Anden")

    first = owed(line, FIRST)
    assert (first.outstanding, first.credited, first.paid) == (ZERO, first.gross, ZERO)
    assert balances.state(first, DAY) is State.CREDITED
    assert credit(line, first.authority_id) == first.gross
    second = owed(line, SECOND)
    by_hand(line, None, Part(second.gross, second.authority_id, second.invoice_id))
    assert owed(line, SECOND).outstanding == ZERO
    with pytest.raises(MoreThanOwed):
        by_hand(line, None, Part(Money(1), owed(line, THIRD).authority_id, owed(line, THIRD).invoice_id))
    assert credit(line, first.authority_id) == first.gross - second.gross
    assert broken(line) == []


# --- refunds and write-offs


def test_a_refund_is_approved_by_another_and_met_by_the_banks_payment(line: CommandLine) -> None:
    pays(line, payment(gross(line, FIRST) + 700, fik_id=fik_of(FIRST)))
    match(line)
    order = RefundOrder(ONE.cvr, Money(700), "Betalt for meget")
    proposal = acting.by(line, PREPARER, lambda s, trail: settlements.propose_refund(s, order, trail))

    with pytest.raises(SamePerson):
        acting.by(line, PREPARER, lambda s, trail: settlements.approve_refund(s, proposal.id, DAY, trail))
    acting.by(line, APPROVER, lambda s, trail: settlements.approve_refund(s, proposal.id, DAY, trail))
    with pytest.raises(MoreThanOwed):
        acting.by(line, PREPARER, lambda s, trail: settlements.propose_refund(s, order, trail))

    first = owed(line, FIRST)
    assert credit(line, first.authority_id) == ZERO
    (out,) = pays(line, payment(-700))
    with line.session() as session:
        (waiting,) = payments.findings(session, payments.waiting(session))
    assert (waiting.finding.outcome, waiting.finding.is_certain) == (Outcome.OUTGOING, False)
    by_hand(line, out, *waiting.finding.suggestions[0].parts)
    assert waits(line) == []
    assert broken(line) == []


def test_pv_097_an_invoice_paid_in_three_parts_and_a_write_off_is_settled_with_its_reason(line: CommandLine) -> None:
    """PV-097: 120, 20, the rest but 1, and 1 written off."""
    whole = gross(line, FIRST)
    pays(line, *(payment(ore, fik_id=fik_of(FIRST)) for ore in (12_000, 2_000, whole - 14_100)))
    match(line)
    order = WriteOffOrder(FIRST, Money(100), "Småbeløb", with_vat=True)
    proposal = acting.by(line, PREPARER, lambda s, trail: settlements.propose_write_off(s, order, trail))

    with pytest.raises(SamePerson):
        acting.by(line, PREPARER, lambda s, trail: settlements.approve_write_off(s, proposal.id, DAY, trail))
    acting.by(line, APPROVER, lambda s, trail: settlements.approve_write_off(s, proposal.id, DAY, trail))

    first = owed(line, FIRST)
    assert (first.outstanding, first.written_off) == (ZERO, Money(100))
    assert balances.state(first, DAY) is State.WRITTEN_OFF
    with line.session() as session:
        (reason, vat) = session.execute(text("SELECT reason, vat_ore FROM write_off")).one()
    assert (reason, vat) == ("Småbeløb", 20)
    refused = line.run("billing", "credit", FIRST, "--reason", "x", "--by", "En", "--approved-by", "To")
    assert refused.code == 1
    assert "afskrevet" in refused.err
    assert broken(line) == []


def _write_off(line: CommandLine, number: str, ore: int, *, with_vat: bool = True) -> None:
    order = WriteOffOrder(number, Money(ore), "Uerholdelig", with_vat)
    made = acting.by(line, PREPARER, lambda s, trail: settlements.propose_write_off(s, order, trail))
    acting.by(line, APPROVER, lambda s, trail: settlements.approve_write_off(s, made.id, DAY, trail))


def test_what_comes_of_a_written_off_invoice_takes_the_bad_debt_back_with_its_vat(line: CommandLine) -> None:
    whole = gross(line, FIRST)
    _write_off(line, FIRST, whole)
    (came,) = pays(line, payment(whole // 2, fik_id=fik_of(FIRST)))
    assert match(line) == [Outcome.WRITTEN_OFF]  # a person takes it in
    with line.session() as session:
        (found,) = payments.findings(session, payments.waiting(session))

    by_hand(line, came, *found.finding.suggestions[0].parts)

    first = owed(line, FIRST)
    assert (first.outstanding, first.paid, first.written_off) == (ZERO, Money(whole // 2), Money(whole - whole // 2))
    with line.session() as session:
        posted = "SELECT sum(amount_ore) FROM voucher_posting WHERE account = '{}'"
        loss, vat = (session.execute(text(posted.format(account))).scalar() for account in (BAD_DEBTS, OUTPUT_VAT))
    assert int(loss or 0) + int(vat or 0) == whole - whole // 2
    assert broken(line) == []


def test_all_that_was_given_up_and_no_more_can_come_back_of_two_write_offs(line: CommandLine) -> None:
    whole = gross(line, FIRST)
    _write_off(line, FIRST, 1)
    _write_off(line, FIRST, whole - 1)
    (came,) = pays(line, payment(whole + 500))
    first = owed(line, FIRST)
    with pytest.raises(MoreThanOwed):
        by_hand(line, came, Part(Money(whole + 1), first.authority_id, first.invoice_id))

    by_hand(line, came, Part(Money(whole), first.authority_id, first.invoice_id))

    with line.session() as session:
        back = session.execute(text("SELECT write_off_id, amount_ore FROM write_off_reversal ORDER BY id")).all()
        posted = f"SELECT sum(amount_ore) FROM voucher_posting WHERE account = '{OUTPUT_VAT}'"
        vat = session.execute(text(posted)).scalar()
    assert [tuple(row) for row in back] == [(1, 1), (2, whole - 1)] and int(vat or 0) == 0
    assert balances.state(owed(line, FIRST), DAY) is State.SETTLED
    assert broken(line) == []


def test_money_that_came_of_a_write_off_and_was_undone_is_owed_again(line: CommandLine) -> None:
    whole = gross(line, FIRST)
    _write_off(line, FIRST, whole)
    (came,) = pays(line, payment(whole))
    first = owed(line, FIRST)
    (placed,) = by_hand(line, came, Part(Money(whole), first.authority_id, first.invoice_id))

    acting.by(line, PREPARER, lambda s, trail: payments.unmatch(s, [placed], "En fejl", DAY, trail))

    assert owed(line, FIRST).outstanding == Money(whole)
    assert broken(line) == []


@pytest.mark.tampers
@pytest.mark.parametrize("change", ["amount_ore = 99", "vat_ore = 1", "match_id = 2", "reversed_on = '2027-12-31'"])
def test_verify_names_a_reversal_that_was_changed(change: str, line: CommandLine) -> None:
    _write_off(line, FIRST, 1000)
    (came, other) = pays(line, payment(gross(line, FIRST)), payment(700))
    first, second = owed(line, FIRST), owed(line, SECOND)
    by_hand(line, came, Part(first.gross, first.authority_id, first.invoice_id))
    by_hand(line, other, Part(Money(700), second.authority_id, second.invoice_id))
    assert broken(line) == []

    database.tamper(line, "write_off_reversal", f"UPDATE write_off_reversal SET {change}")

    assert any(each.startswith("settlements: write_off_reversal") for each in broken(line))


# --- what verification names


def _paid_and_decided(line: CommandLine) -> None:
    pays(line, payment(gross(line, FIRST) + 700, fik_id=fik_of(FIRST)))
    match(line)
    refund = RefundOrder(ONE.cvr, Money(700), "Betalt for meget")
    lost = WriteOffOrder(SECOND, Money(100), "Uerholdelig", with_vat=False)
    one = acting.by(line, PREPARER, lambda s, trail: settlements.propose_refund(s, refund, trail))
    other = acting.by(line, PREPARER, lambda s, trail: settlements.propose_write_off(s, lost, trail))
    acting.by(line, APPROVER, lambda s, trail: settlements.approve_refund(s, one.id, DAY, trail))
    acting.by(line, APPROVER, lambda s, trail: settlements.approve_write_off(s, other.id, DAY, trail))


@pytest.mark.tampers
@pytest.mark.parametrize(
    ("table", "change", "named"),
    [
        ("voucher_posting", "UPDATE voucher_posting SET amount_ore = amount_ore + 1 WHERE id = 1", "vouchers"),
        ("bank_transaction", "UPDATE bank_transaction SET amount_ore = amount_ore + 1", "clearing"),
        ("bank_transaction", "UPDATE bank_transaction SET amount_ore = 1", "matches"),
        ("payment_match", "UPDATE payment_match SET amount_ore = amount_ore - 1 WHERE id = 1", "matches"),
        ("payment_match", "UPDATE payment_match SET undoes = 1 WHERE id = 2", "matches"),
        ("voucher", "UPDATE voucher SET kind = 'match' WHERE kind = 'bank'", "matches"),
        ("refund", "UPDATE refund SET amount_ore = 701", "settlements"),
        ("proposal_decision", "UPDATE proposal_decision SET decided_by = 'En Forbereder #1'", "settlements"),
        ("write_off", "UPDATE write_off SET amount_ore = 99", "owed"),
        ("payment_match", "UPDATE payment_match SET amount_ore = 9223372036854775807 WHERE id = 1", "owed"),
    ],
)
def test_a_forged_payment_is_named(line: CommandLine, table: str, change: str, named: str) -> None:
    _paid_and_decided(line)
    assert broken(line) == []

    database.tamper(line, table, change)

    assert named in {each.partition(":")[0] for each in broken(line)}
