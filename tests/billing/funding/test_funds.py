"""Funds hold together in any history: ledger, lines, paid and invoiced, kept balances; and verify tells where not."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from billing import balances, bookkeeping, ledger, payments, verification, vouchers
from billing.balances import MATCHES
from billing.funding import funds, paid
from billing.funding.paid import _Invoice, _split
from billing.gathering import INVOICES, LINES
from billing.matching import Part
from billing.payments import Placing
from billing.vouchers import Order
from foundation import append_only, periods
from foundation.language import Text
from foundation.money import Money
from tests import paying, queries, spending
from tests.command_line import CommandLine
from tests.conftest import Prepared
from tests.places import with_starter
from tests.scenarios import files, stories
from tests.spending import DAY

QUARTERS = [periods.named(f"2027-Q{nth}") for nth in (1, 2, 3, 4)]
YEAR = periods.year(2027)
WHY = Text("valgt i hånden", "chosen by hand")


def a_year(line: CommandLine) -> None:
    """Issue a year with every kind of line, and a credit note in its second quarter."""
    stories.everything(line)
    line.done("settings", "import", line.write("seller.toml", files.SELLER))
    line.issue(2027)
    line.at("2027-04-03").done(
        "billing", "credit", "2027-0002", "--reason", "Forkert", "--by", "En Anden", "--approved-by", "En Godkender"
    )


@pytest.fixture
def year(prepared: Prepared) -> CommandLine:
    """A year with invoices of every kind."""
    return prepared(with_starter, a_year)


def pay(session: Session, number: str, ore: int, on: date) -> list[int]:
    """Let some of an invoice be paid on a day; give the matches."""
    made = spending.trail(session)
    row = session.execute(select(INVOICES).where(INVOICES.c.number == number)).one()
    (id_,) = paying.take_in(session, made, [paying.payment(ore, on)])
    part = Part(Money(ore), row.authority_id, row.id)
    found = payments.place(session, [Placing(id_, (part,), "hand", WHY)], on, made)
    made.write()
    return found


def broken(session: Session) -> list[tuple[str, str]]:
    """What verify names."""
    return [(each.check, each.subject) for each in verification.verify(session).violations]


def test_lines_less_credits_are_the_funds_and_the_association_in_every_period(year: CommandLine) -> None:
    with year.session() as session:
        for period in (*QUARTERS, YEAR, periods.named("2027-04")):
            found = funds.conservation(session, period)
            lines = session.execute(
                select(LINES.c.net_ore)
                .join(INVOICES, LINES.c.invoice_id == INVOICES.c.id)
                .where(
                    INVOICES.c.book == "real", INVOICES.c.issued_on >= period.start, INVOICES.c.issued_on < period.end
                )
            ).scalars()
            assert found.drift == Money(0)
            assert found.invoiced - found.credited == Money(sum(lines))
        whole = funds.conservation(session, YEAR)

    assert whole.credited > Money(0) and whole.funds > Money(0) and whole.association > Money(0)


def test_what_is_paid_is_shared_over_what_the_invoice_brought_to_the_ore(year: CommandLine) -> None:
    with year.session() as session:
        pay(session, "2027-0001", 333_33, date(2027, 2, 10))
        (again,) = pay(session, "2027-0001", 100_01, date(2027, 5, 10))
        first = paid.shares(session, QUARTERS[0])
        second = paid.shares(session, QUARTERS[1])
        made = spending.trail(session)
        payments.unmatch(session, [again], "Forkert", date(2027, 8, 1), made)
        made.write()
        third = paid.shares(session, QUARTERS[2])
        vat = session.execute(select(INVOICES.c.vat_ore).where(INVOICES.c.number == "2027-0001")).scalar_one()

        assert {share.amount.ore for share in third} == {-share.amount.ore for share in second}
        assert 0 < sum(share.amount.ore for share in first) <= 333_33
        assert vat > 0 or sum(share.amount.ore for share in first) == 333_33
        assert all(share.account != ledger.OUTPUT_VAT for share in first)
        assert broken(session) == []


def test_what_is_paid_whole_is_what_was_invoiced_and_credits_count_when_they_are_issued(year: CommandLine) -> None:
    with year.session() as session:
        owed = balances.outstanding(session, date.max)
        for each in owed.values():
            if each.outstanding > Money(0):
                pay(session, each.number, each.outstanding.ore, date(2027, 10, 1))
        brought: Counter[tuple[str | None, str]] = Counter()
        for share in paid.shares(session, YEAR):
            brought[share.product, share.account] += share.amount.ore
        invoiced = {
            (each.product, each.account): each.amount.ore
            for each in funds.moved(session, YEAR)
            if each.kind == "invoice" and each.amount
        }

        assert dict(brought) == invoiced


@given(st.lists(st.integers(-5_000, 100_000), min_size=1, max_size=6), st.integers(0, 300_000), st.integers(0, 300_000))
@settings(max_examples=60, deadline=None)
def test_shares_of_a_payment_add_up_to_it_and_periods_to_each_other(income: list[int], early: int, later: int) -> None:
    if sum(income) <= 0:
        income = [*income, 1 - sum(income)]
    places: dict[paid.Place, list[int]] = {(f"a{at}", None): [ore, ore] for at, ore in enumerate(income)}
    invoice = _Invoice(1, [early, early + later], places)

    before, after = (_split(invoice, at) for at in (0, 1))

    assert (sum(before), sum(after)) == (early, early + later)


def test_a_balance_and_what_moved_take_three_statements_however_long_the_history(year: CommandLine) -> None:
    with year.session() as session:
        spending.move(session, 500_00)
        with queries.heard() as asked:
            funds.balance(session, date(2027, 7, 1))
            funds.moved(session, QUARTERS[0])
        assert len(asked) == 3


def test_a_kept_balance_that_is_not_the_postings_is_named_with_its_drift_pv_134(starter: CommandLine) -> None:
    with starter.session() as session:
        spending.move(session, 5_00)
        made = spending.trail(session)
        row = {"id": 1, "last_on": date(2027, 3, 31), "product": spending.PRODUCT, "amount_ore": 4_30}
        append_only.add(session, funds.KEPT, [row])
        made.record("fund.balances_kept", "2027-03-31", {}, rows=[(funds.KEPT, row)])
        made.write()

        found = [each for each in verification.verify(session).violations if each.check == "funds"]

        assert len(found) == 1
        assert found[0].message.en.endswith("430 øre, 500 øre, -70")


def test_money_lost_between_lines_and_funds_is_named_by_its_month(year: CommandLine) -> None:
    with year.session() as session:
        name = "posting_no_update" if year.url.startswith("sqlite") else None
        if name is None:
            session.execute(text("SET LOCAL session_replication_role = replica"))
        else:
            session.execute(text(f"DROP TRIGGER {name}"))
        session.execute(text("UPDATE posting SET account = '6180' WHERE product IS NOT NULL AND id = "
                             "(SELECT min(id) FROM posting WHERE product IS NOT NULL)"))  # fmt: skip

        assert ("funds", "2027-01") in [(each, subject) for each, subject in broken(session)]
        assert funds.conservation(session, QUARTERS[0]).drift != Money(0)
        session.rollback()


def test_an_entry_is_neither_changed_nor_made_without_a_source_pv_135(starter: CommandLine) -> None:
    with starter.session() as session:
        spending.spend(session, spending.draft(session))
        session.commit()
        for statement in ("UPDATE cost SET amount_ore = 1", "DELETE FROM voucher_posting", "DELETE FROM audit_entry"):
            with pytest.raises(DBAPIError):
                session.execute(text(statement))
            session.rollback()
        with pytest.raises(ValueError, match="does not balance"):
            vouchers.book(session, [Order("cost", "cost 99", DAY, "Uden kilde", ())], spending.trail(session))
        assert broken(session) == []


def test_balances_are_kept_by_closing_and_verified(year: CommandLine) -> None:
    with year.session() as session:
        spending.twice(
            session,
            lambda one: bookkeeping.propose_closing(session, QUARTERS[0], one, on=DAY),
            lambda id_, other: bookkeeping.approve_closing(session, id_, other, on=DAY),
        )
        kept = {row.product: row.amount_ore for row in session.execute(select(funds.KEPT))}
        entry = vouchers.entries().subquery()
        rows = session.execute(select(entry).where(entry.c.posted_on < QUARTERS[0].end, entry.c.product.is_not(None)))
        by_hand: Counter[str] = Counter()
        for row in rows:
            by_hand[row.product] -= row.amount_ore

        assert {product: ore for product, ore in kept.items() if product} == dict(by_hand)
        assert broken(session) == []
        assert session.execute(select(MATCHES)).first() is None
