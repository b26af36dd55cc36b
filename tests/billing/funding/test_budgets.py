"""Budgets: versions, two people, copies with an index, what holds for a period, and files of them."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from app.adapters import csv_files
from billing.funding import budget_intake, budgets
from billing.funding.budgets import AlreadyAdopted, BudgetRefused, Draft, Line, NoSuchBudget, State
from foundation import periods, proposals
from foundation.errors import RowsRefused
from foundation.money import Money, total
from foundation.proposals import SamePerson
from tests import spending
from tests.command_line import CommandLine
from tests.spending import PRODUCT

ADOPTED = date(2027, 1, 10)


def drafted(session: Session, ore: int = 120_000_00, year: int = 2027, product: str | None = PRODUCT) -> int:
    """Keep a draft that gives hosting an amount of the year; give its number."""
    account = budgets.accounts(session)[product].named("00005") or ""
    one = spending.trail(session)
    id_ = budgets.draft(session, Draft(product, year, (Line(account, budgets.equal(Money(ore))),), "Prøve"), one)
    one.write()
    return id_


def adopt(session: Session, id_: int, on: date = ADOPTED) -> None:
    """Let one person propose a version, and another adopt it."""
    spending.twice(
        session,
        lambda one: budgets.propose(session, id_, one),
        lambda proposal, other: budgets.adopt(session, proposal, other, on=on),
    )


def given_to(session: Session, period: str, on: date = ADOPTED) -> int | None:
    """What hosting is given in a period, in øre."""
    found = budgets.adopted(session, PRODUCT, periods.named(period), on)
    return None if found is None else total(found.amounts.values()).ore


def test_a_budget_holds_once_another_person_adopted_it_and_until_a_newer_one_did(starter: CommandLine) -> None:
    with starter.session() as session:
        first = drafted(session)
        one = spending.trail(session)
        made = budgets.propose(session, first, one)
        one.write()
        waiting = budgets.get(session, first).state
        with pytest.raises(SamePerson):
            budgets.adopt(session, made.id, one, on=ADOPTED)
        before = given_to(session, "2027-Q1")
        adopt(session, first)
        second = drafted(session, 240_000_00)
        adopt(session, second, date(2027, 6, 1))

        assert (waiting, before) == (State.PROPOSED, None)
        assert given_to(session, "2027-Q1") == 30_000_00
        assert given_to(session, "2027-Q1", date(2027, 6, 1)) == 60_000_00
        assert given_to(session, "2027-Q1", date(2027, 1, 9)) is None
        assert [each.state for each in budgets.listed(session)] == [State.ADOPTED, State.REPLACED]
        assert budgets.get(session, second).adopted_by == spending.OTHER
        with pytest.raises(AlreadyAdopted):
            budgets.propose(session, first, spending.trail(session))


def test_a_period_is_given_what_held_on_its_last_day_or_what_was_adopted_first(starter: CommandLine) -> None:
    with starter.session() as session:
        adopt(session, drafted(session), date(2027, 5, 1))
        adopt(session, drafted(session, 240_000_00), date(2027, 8, 1))

        found = [budgets.for_report(session, PRODUCT, periods.named(f"2027-Q{nth}")) for nth in (1, 2, 3)]
        assert [each.name for each in found if each] == ["2027 v1", "2027 v1", "2027 v2"]
        assert budgets.for_report(session, None, periods.named("2027-Q1")) is None
        assert budgets.of_all(session, [periods.named("2027-Q2")])[0].keys() == {PRODUCT}


def test_a_period_over_a_year_without_a_budget_has_none(starter: CommandLine) -> None:
    with starter.session() as session:
        adopt(session, drafted(session))
        assert given_to(session, "2026-12-01..2027-01-31") is None
        adopt(session, drafted(session, 12_00, 2026))
        assert given_to(session, "2026-12-01..2027-01-31") == 10_000_00 + 1_00


def test_parts_of_a_month_add_up_to_the_month(starter: CommandLine) -> None:
    with starter.session() as session:
        adopt(session, drafted(session, 100_01))
        parts = [given_to(session, words) or 0 for words in ("2027-03-01..2027-03-07", "2027-03-08..2027-03-31")]

        assert sum(parts) == given_to(session, "2027-03")


@given(
    st.lists(st.integers(0, 10**9), min_size=12, max_size=12), st.integers(0, 1000),
    st.sampled_from([*budgets.ROUNDINGS]),
)  # fmt: skip
def test_a_copy_is_rounded_as_named_and_its_months_add_up(months: list[int], percent: int, rounding: str) -> None:
    line = Line("1", tuple(Money(month) for month in months))
    (copy,) = budgets.scaled([line], Fraction(percent, 100), rounding)
    unit = budgets.ROUNDINGS[rounding]
    exact = line.whole.ore * Fraction(percent, 100)

    assert len(copy.months) == 12 and all(month >= Money(0) for month in copy.months)
    assert copy.whole.ore % unit == 0
    assert abs(copy.whole.ore - exact) <= Fraction(unit, 2)


def test_last_years_budget_is_copied_with_an_index_and_says_so(starter: CommandLine) -> None:
    with starter.session() as session:
        with pytest.raises(BudgetRefused) as refused:
            budgets.copied(session, PRODUCT, 2027, Fraction(11, 10), "sten")
        adopt(session, drafted(session, 123_456_00, 2026))
        copy = budgets.copied(session, PRODUCT, 2027, Fraction(207, 200), "thousand")

        assert refused.value.faults.keys() == {"year", "rounding"}
        assert total(line.whole for line in copy.lines) == Money(128_000_00)  # 127.776,96
        assert copy.basis == "2026 v1 × 103,5 %, afrundet til hele tusinde kroner"


def test_two_versions_are_compared_account_by_account() -> None:
    was = [Line("1", budgets.equal(Money(12_00))), Line("2", budgets.equal(Money(24_00)))]
    becomes = [Line("2", budgets.equal(Money(12_00))), Line("3", budgets.equal(Money(36_00)))]

    assert [(each.account, each.more.ore) for each in budgets.compare(was, becomes)] == [
        ("1", -12_00), ("2", -12_00), ("3", 36_00),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("product", "year", "account", "ore", "field"),
    [
        ("OS2findesikke", 2027, "00005", 1, "product"),
        (PRODUCT, 1999, "00005", 1, "year"),
        (PRODUCT, 2027, "99999", 1, "99999"),
        (PRODUCT, 2027, "00005", -1, None),
    ],
)
def test_a_budget_that_cannot_be_is_refused_at_its_field(
    starter: CommandLine, product: str, year: int, account: str, ore: int, field: str | None
) -> None:
    with starter.session() as session:
        known = budgets.accounts(session).get(product)
        number = (known.named(account) if known else None) or account
        wanted = Draft(product, year, (Line(number, (Money(ore),) * 12),), "Prøve")
        with pytest.raises(BudgetRefused) as refused:
            budgets.draft(session, wanted, spending.trail(session))
        with pytest.raises(NoSuchBudget):
            budgets.get(session, 2**70)

    assert refused.value.faults.keys() == {field or number}


def test_a_file_of_budgets_is_taken_whole_and_only_once(starter: CommandLine, tmp_path: Path) -> None:
    months = ";".join(f"month_{nth}" for nth in range(1, 13))
    path = tmp_path / "budget.csv"
    path.write_text(
        f"product;year;account;amount_dkk;{months}\n"
        f"{PRODUCT};2027;00002;500000.00{';' * 12}\n"
        f"{PRODUCT};2027;00005;;{';'.join(['10000'] * 12)}\n"
        f"OS2;2027;XG-9212045210-00002;1000{';' * 12}\n"
    )  # fmt: skip
    with starter.session() as session:
        one = spending.trail(session)
        first, again = (
            budget_intake.take_in(session, csv_files.read(path, csv_files.BUDGETS), one) for _ in range(2)
        )  # fmt: skip
        one.write()
        other = spending.trail(session, spending.OTHER)
        for made in first.proposals:
            budgets.adopt(session, made.id, other, on=ADOPTED)
        other.write()

        assert (first.added, first.unchanged, len(first.proposals)) == (2, 0, 2)
        assert (again.added, again.unchanged, again.proposals) == (0, 2, ())
        assert given_to(session, "2027") == 620_000_00


def test_a_file_with_wrong_rows_changes_nothing_and_names_them(starter: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "budget.csv"
    path.write_text(
        "product;year;account;amount_dkk;month_1\n"
        f"{PRODUCT};2027;00005;1000;\n{PRODUCT};2027;00005;1000;\n{PRODUCT};2027;99999;1;\n"
        f"{PRODUCT};2027;00006;;5\n{PRODUCT};2027;00006;-5;\nOS2findesikke;2027;00006;5;\n{PRODUCT};intet;00006;5;\n"
    )  # fmt: skip
    with starter.session() as session:
        with pytest.raises(RowsRefused) as refused:
            budget_intake.take_in(session, csv_files.read(path, csv_files.BUDGETS), spending.trail(session))

        assert [(fault.row, fault.column) for fault in refused.value.faults] == [
            (3, "account"), (4, "account"), (5, "amount_dkk"), (6, "amount_dkk"), (7, "product"), (8, "year"),
        ]  # fmt: skip
        assert budgets.listed(session) == []


def test_budgets_are_taken_in_copied_adopted_and_listed_by_command(starter: CommandLine) -> None:
    file = starter.write("budget.csv", f"product;year;account;amount_dkk\n{PRODUCT};2026;00005;1000\n")
    starter.done("budgets", "import", file, "--by", "En Indtaster")
    for subject in ("2026 v1", "2027 v1"):
        with starter.session() as session:
            (waiting,) = proposals.open(session, budgets.KIND)
        assert waiting.subject == f"{PRODUCT} {subject}"
        starter.done("budgets", "adopt", waiting.id, "--digest", waiting.digest, "--by", "En Godkender")
        if subject == "2026 v1":
            starter.done("budgets", "copy", PRODUCT, 2027, "--growth", "3.5", "--by", "En Indtaster")
    found = starter.json("budgets", "list", "--json")["budgets"]

    assert [(each["year"], each["state"], sum(each["lines"][0]["months_ore"])) for each in found] == [
        (2027, "adopted", 1035_00), (2026, "adopted", 1000_00),
    ]  # fmt: skip
    for wrong in ((), ("--index", "1", "--growth", "1"), ("--index", "mange"), ("--index", "-1")):
        assert starter.run("budgets", "copy", PRODUCT, 2027, *wrong).code == 1
