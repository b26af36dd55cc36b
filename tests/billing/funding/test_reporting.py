"""The report says what the ledger, the invoices and the payments say, to the øre, in every period."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agreements import products
from billing import balances, payments, verification
from billing.funding import budgets, figures, funds, overview, paid, remarks, report, reporting
from billing.funding.report import FundingReport
from billing.gathering import INVOICES, LINES
from billing.matching import Part
from billing.payments import Placing
from foundation import periods
from foundation.language import same
from foundation.money import ZERO, Money, total
from foundation.periods import Period
from tests import paying, queries, spending
from tests.command_line import CommandLine
from tests.conftest import Prepared
from tests.places import with_starter
from tests.scenarios import database, files, stories

QUARTERS = [periods.named(f"2027-Q{nth}") for nth in (1, 2, 3, 4)]
YEAR = periods.named("2027")


def a_year(line: CommandLine) -> None:
    """Issue a year with every kind of line and a credit note; spend, move and take money in."""
    stories.everything(line)
    line.done("settings", "import", line.write("seller.toml", files.SELLER))
    line.issue(2027)
    line.at("2027-04-03").done(
        "billing", "credit", "2027-0002", "--reason", "Forkert", "--by", "En Anden", "--approved-by", "En Godkender"
    )
    database.keep_payments(line)
    with line.session() as session:
        spending.move(session, 50_000_00)
        spending.spend(session, spending.draft(session), spending.draft(session, 7_00, suffix="00008"))
        session.commit()


@pytest.fixture
def spent(prepared: Prepared) -> CommandLine:
    """A year with income, costs, a move and payments."""
    return prepared(with_starter, a_year)


def every(session: Session, period: Period) -> dict[str | None, FundingReport]:
    """Give the report of every fund."""
    names = [None, *products.ids_by_name(session)]
    return {name: reporting.compute(session, name, period) for name in names}


def test_each_quarter_opens_with_what_the_one_before_closed_with_and_four_are_the_year(spent: CommandLine) -> None:
    with spent.session() as session:
        for product in ("OS2kitos", "OS2valghalla", None):
            found = [reporting.compute(session, product, quarter) for quarter in QUARTERS]
            year = reporting.compute(session, product, YEAR)

            for one, following in pairwise(found):
                assert one.closing == following.opening
            assert (found[0].opening, found[-1].closing) == (year.opening, year.closing)
            for name in ("earned", "spent", "transfers", "passed_on"):
                assert total(getattr(each, name) for each in found) == getattr(year, name)


@given(days=st.tuples(st.integers(0, 730), st.integers(0, 200)))
@settings(max_examples=8)
def test_in_any_period_reports_ledger_invoices_and_funds_agree(shared: CommandLine, days: tuple[int, int]) -> None:
    start = date(2026, 7, 1) + timedelta(days=days[0])
    period = Period(start, start + timedelta(days=days[1] + 1))

    with shared.session() as session:
        found = every(session, period)
        after = funds.balance(session, start + timedelta(days=days[1] + 1))
        kept = funds.conservation(session, period)
        lines = session.execute(
            select(func.sum(LINES.c.net_ore)).join(INVOICES, LINES.c.invoice_id == INVOICES.c.id)
            .where(INVOICES.c.book == "real", INVOICES.c.issued_on >= period.start, INVOICES.c.issued_on < period.end)
        ).scalar()  # fmt: skip

    assert {name: each.closing for name, each in found.items()} == dict.fromkeys(found, ZERO) | after
    for each in found.values():
        assert each.opening + each.result + each.transfers == each.closing
        assert total(payer.invoiced for payer in each.payers) == each.members.invoiced + each.others.invoiced
        assert each.receivables == total(payer.outstanding for payer in each.payers)
    assert kept.drift == ZERO
    assert kept.invoiced - kept.credited == Money(int(lines or 0))
    assert total(each.passed_on for name, each in found.items() if name) <= kept.association


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """That year, read only."""
    folder = tmp_path_factory.mktemp("reporting")
    line = CommandLine(f"sqlite:///{folder / 'os2tilslut.sqlite'}", folder)
    line.done("db", "upgrade")
    with_starter(line)
    a_year(line)
    return line


def test_what_is_owed_and_paid_is_what_the_invoices_say(spent: CommandLine) -> None:
    with spent.session() as session:
        found = every(session, YEAR)
        open_ = balances.still_open(session, date(2027, 12, 31))
        shares = paid.shares(session, YEAR)

    owed, vat = total(each.outstanding for each in open_.values() if each.outstanding > ZERO), ZERO
    assert ZERO < total(each.receivables for each in found.values()) <= owed - vat
    for product, each in found.items():
        of_invoices = total(share.amount for share in shares if share.product == product)
        assert total(payer.paid for payer in each.payers) == of_invoices


def test_a_report_survives_its_writing(spent: CommandLine) -> None:
    with spent.session() as session:
        for each in every(session, YEAR).values():
            assert report.from_json(report.to_json(each)) == each


def test_a_cost_booked_later_moves_the_head_and_nothing_else_does(spent: CommandLine) -> None:
    with spent.session() as session:
        before = reporting.compute(session, "OS2kitos", QUARTERS[0])
        again = reporting.compute(session, "OS2kitos", QUARTERS[0])
        spending.spend(session, spending.draft(session, 99_00, reference="Ny"))
        after = reporting.compute(session, "OS2kitos", QUARTERS[0])

    assert before == again
    assert before.ledger_head != after.ledger_head
    assert before.closing - after.closing == Money(99_00)


def test_the_number_of_statements_does_not_grow(spent: CommandLine) -> None:
    with spent.session() as session:
        with queries.heard() as few:
            reporting.compute(session, "OS2kitos", QUARTERS[3])
        with queries.heard() as many:
            reporting.compute(session, "OS2kitos", YEAR)

    assert len(few) <= len(many) <= 16


def test_all_funds_are_read_in_as_many_statements_for_a_year_as_for_two_days(shared: CommandLine) -> None:
    days = [periods.named(f"2027-01-{nth:02}..2027-01-{nth:02}") for nth in (20, 21)]
    with shared.session() as session:
        with queries.heard() as few:
            overview.read(session, days)
        with queries.heard() as many:
            overview.read(session, QUARTERS)

    assert len(few) <= len(many) <= 14


def test_all_funds_are_read_of_periods_with_days_between_them_and_of_days_that_cut_months(shared: CommandLine) -> None:
    apart = [periods.named("2027-01-10..2027-02-14"), periods.named("2027-03-01..2027-12-15")]
    with shared.session() as session:
        found = overview.read(session, apart)
        alone = [row for period in apart for row in overview.read(session, [period]).rows]

    assert found.rows == alone
    assert any(row.earned for row in alone[: len(alone) // 2])


def test_periods_that_overlap_are_refused_rather_than_told_wrongly(shared: CommandLine) -> None:
    with shared.session() as session, pytest.raises(ValueError, match="overlap"):
        overview.read(session, [QUARTERS[0], YEAR])


def test_costs_stand_with_their_accounts_and_a_move_with_the_transfers(spent: CommandLine) -> None:
    with spent.session() as session:
        found = reporting.compute(session, "OS2kitos", QUARTERS[0])

    assert found.transfers == Money(50_000_00)
    assert {each.name.da: each.spent for each in found.costs} == {
        "Drift (hosting, domæne)": Money(12_000_00), "Udvikling": Money(7_00),
    }  # fmt: skip
    assert {each.name.en for each in found.costs} == {"Operation (hosting, domain)", "Development"}


def test_a_single_contribution_is_income_and_paid_by_its_giver_until_it_is_undone(spent: CommandLine) -> None:
    with spent.session() as session:
        before = reporting.compute(session, spending.PRODUCT, YEAR)
        giver = before.payers[-1]
        spending.give(session, 700_00)
        match = spending.give(session, 2_500_00, giver.cvr)
        with_it = reporting.compute(session, spending.PRODUCT, YEAR)
        made = spending.trail(session)
        payments.unmatch(session, [match], "Var til et andet produkt", spending.DAY, made)
        made.write()
        undone = reporting.compute(session, spending.PRODUCT, YEAR)
        assert list(verification.verify(session).violations) == []

    (income,) = (each for each in with_it.income if each.account.endswith("-00003"))
    assert (income.name.da, income.invoiced, income.paid) == (
        "Bidrag (enkeltstående)", Money(3_200_00), Money(3_200_00)
    )  # fmt: skip
    (payer,) = (each for each in with_it.payers if each.cvr == giver.cvr)
    assert (payer.invoiced - giver.invoiced, payer.paid - giver.paid) == (Money(2_500_00), Money(2_500_00))
    assert payer.outstanding == giver.outstanding
    assert with_it.closing == before.closing + Money(3_200_00)
    assert undone.closing == before.closing + Money(700_00)
    assert undone.payers == before.payers


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (Part(Money(1), account="XG-9212045xxx-00003"), "is kept by itself"),
        (Part(Money(1), account="OS2kitos-00003", product="OS2findes-ikke"), "the register has no such product"),
        (Part(Money(1), account="XG-9212045210-00015", product="OS2kitos"), "the register has no such product"),
    ],
)
def test_a_contribution_goes_to_its_products_own_account_and_nowhere_else(
    spent: CommandLine, part: Part, told: str
) -> None:
    with spent.session() as session:
        made = spending.trail(session)
        (id_,) = paying.take_in(session, made, [paying.payment(500_00)])
        with pytest.raises(payments.Unplaceable, match=told):
            payments.place(session, [Placing(id_, (part,), "hand", same("x"))], spending.DAY, made)


def test_a_report_holds_costs_and_income_against_the_adopted_budget_with_remarks(spent: CommandLine) -> None:
    quarter = periods.named("2027-Q1")
    with spent.session() as session:
        before = reporting.compute(session, spending.PRODUCT, quarter)
        spending.budget(session, 48_000_00)
        spending.budget(session, 48_000_00, product="OS2mo", suffix="00002")
        spending.remark(session)
        found = reporting.compute(session, spending.PRODUCT, quarter)
        other = reporting.compute(session, "OS2mo", quarter)

    hosting = next(each for each in found.costs if each.account.endswith("-00005"))
    assert before.budget == "" and {each.budget for each in before.costs} == {
        each.budget for each in before.income
    } == {None}
    assert found.budget == "2027 v1"
    assert (hosting.budget, hosting.remark) == (Money(12_000_00), "Dyrere servere, 1")
    assert hosting.deviation == Money(12_000_00) - hosting.spent
    assert all(each.budget == ZERO for each in found.costs if each != hosting)
    assert next(each.budget for each in other.income if each.account.endswith("-00002")) == Money(12_000_00)
    assert (found.closing, found.ledger_head) == (before.closing, before.ledger_head)


def test_remarks_on_income_and_the_whole_are_in_the_report_and_without_them_it_says_what_it_said(
    spent: CommandLine,
) -> None:
    with spent.session() as session:
        before = report.to_json(reporting.compute(session, spending.PRODUCT, QUARTERS[0]))
        income = budgets.accounts(session)[spending.PRODUCT].named("00002") or ""
        made = spending.trail(session)
        written = [
            remarks.write(session, spending.PRODUCT, QUARTERS[0], account, words, made)
            for account, words in ((remarks.WHOLE, "Et\r\n to"), (income, "Kommer\nsenere"), (income, "Kommer senere"))
        ]
        found = reporting.compute(session, spending.PRODUCT, QUARTERS[0])
        other = reporting.compute(session, spending.PRODUCT, QUARTERS[1])
        made.write()
        session.commit()
    shown = spent.done("funding", "report", spending.PRODUCT, "2027-Q1").out

    assert "Et\nto\n" in shown and "Kommer senere" in shown
    assert written == [1, 1, 0]
    assert found.remark == "Et\nto"
    assert next(each.remark for each in found.income if each.account == income) == "Kommer senere"
    assert report.from_json(report.to_json(found)) == found
    assert '"remark":"Et' in report.to_json(found) and not other.remark
    assert set(json.loads(before)) == {each.name for each in fields(report.FundingReport)} - {"remark"}
    assert report.from_json(before).remark == ""


def test_a_report_is_shown_and_written_by_command(spent: CommandLine) -> None:
    words = ("funding", "report", "OS2kitos", "2027-Q1")
    with spent.session() as session:
        expected = report.to_json(reporting.compute(session, "OS2kitos", QUARTERS[0]))
    file = spent.folder / "rapport.pdf"

    assert spent.done(*words, "--format", "json").out.strip() == expected
    assert "OS2kitos" in spent.done(*words).out
    spent.done(*words, "--format", "pdf", "--lang", "en", "--out", file)
    assert file.read_bytes().startswith(b"%PDF-")
    assert spent.run(*words, "--format", "xlsx").code == 1
    assert spent.run("funding", "report", "OS2findesikke", "2027").code == 1


@pytest.mark.parametrize("product", ["OS2kitos", "Bånd", None])
def test_every_figure_of_a_fund_is_what_its_steps_add_up_to(shared: CommandLine, product: str | None) -> None:
    with shared.session() as session:
        one = reporting.compute(session, product, YEAR)
        found = {name: figures.trace(session, product, YEAR, name).whole for name in _figures(one)}

    assert found == _figures(one)


@pytest.mark.parametrize("figure", ["opening", "earned", "closing", "receivables", "members-paid", "passed_on"])
def test_taking_a_figure_apart_costs_the_same_for_any_period(shared: CommandLine, figure: str) -> None:
    with shared.session() as session:
        with queries.heard() as few:
            figures.trace(session, "OS2kitos", QUARTERS[3], figure)
        with queries.heard() as many:
            figures.trace(session, "OS2kitos", YEAR, figure)

    assert len(few) <= len(many) <= len(few) + 3
    assert len(many) <= 20


def _figures(one: FundingReport) -> dict[str, Money]:
    """Give the figures of a report by the names they are taken apart by."""
    names = ("opening", "earned", "spent", "result", "transfers", "closing", "receivables", "passed_on")
    found = {name: getattr(one, name) for name in names}
    found |= {f"income:{each.account}": each.invoiced for each in one.income}
    found |= {f"paid:{each.account}": each.paid for each in one.income}
    found |= {f"cost:{each.account}": each.spent for each in one.costs}
    found |= {f"band:{figures.band_name(each.band)}": each.invoiced for each in one.bands}
    found |= {f"band-paid:{figures.band_name(each.band)}": each.paid for each in one.bands}
    for payer in one.payers[:2]:
        found |= {f"payer:{payer.cvr}": payer.invoiced, f"payer-paid:{payer.cvr}": payer.paid,
                  f"payer-owed:{payer.cvr}": payer.outstanding}  # fmt: skip
    return found | {"members": one.members.invoiced, "members-paid": one.members.paid, "others": one.others.invoiced}
