"""The calculator: whoever joins is asked in the plan for what was calculated before, to the øre."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from fractions import Fraction

import pytest
from sqlalchemy.orm import Session

from billing import calculator, gathering, pricing
from billing.calculator import Calculation, Wish
from billing.fee_annex import NoSuchPayer
from fee_tables.calculation import Kind
from foundation.money import ZERO, Money, kroner, total
from tests.billing.test_fee_annex import HEAD, TABLES
from tests.command_line import CommandLine
from tests.scenarios import files

NEW_YEAR, SPRING = date(2027, 1, 1), date(2027, 5, 10)
AARHUS, SAMSOE = "55133018", "23795515"
SPREAD = Fraction(26, 100)  # between what members and others contribute
PRODUCTS = ("OS2valghalla", "OS2mo", "OS2kitos", "OS2passiv", "OS2delt", "OS2maaned", "OS2fri")
WISHES = {
    "together": [Wish(product, "active") for product in PRODUCTS],
    "alone": [Wish("OS2valghalla", "active")],
    "passive": [Wish("OS2passiv", "passive")],
}

Paid = dict[tuple[str | None, Kind], Money]


@pytest.fixture
def kind() -> str:
    """SQLite: the calculator asks the plan's own queries, which their tests ask on both."""
    return "sqlite"


@pytest.fixture
def line(starter: CommandLine) -> CommandLine:
    """Tables of every form beside the public ones; nobody is a member."""
    starter.done("fee-tables", "adopt", *(starter.write(name, words) for name, words in TABLES.items()))
    return starter


def everybody_joins(line: CommandLine, on: date, wishes: Sequence[Wish], *, members: bool) -> None:
    """Let all 98 municipalities sign, and be members of the association since long, or not."""
    known, days = files.starter(), {"signed_on": str(on), "countersigned_on": str(on), "in_force_from": str(on)}
    rows = (files.agreement(each.cvr, wish.product, kind=wish.kind, **days) for each in known for wish in wishes)
    files.take_agreements(line, *rows)
    if members:
        files.take_members(line, *(files.member(each.cvr) for each in known))


def planned(session: Session, year: int) -> Iterator[tuple[str, Paid]]:
    """Give what the plan of a year asks each authority for, by what it is for."""
    run = gathering.begin(session, year, "real")
    for billable in gathering.gather(session, run, run.groups):
        priced = pricing.price(run.ground, billable)
        yield billable.named.cvr, {(charge.product, charge.kind): charge.parts.net for charge in priced.charges}


def calculated(calculation: Calculation, *, member: bool) -> Paid:
    return {(line.product, line.kind): line.net for line in calculation.cost(member=member).first.lines}


@pytest.mark.parametrize("members", [True, False], ids=["members", "others"])
@pytest.mark.parametrize("on", [NEW_YEAR, SPRING], ids=str)
@pytest.mark.parametrize("wished", WISHES)
def test_the_plan_asks_every_municipality_for_what_was_calculated(
    wished: str, on: date, members: bool, line: CommandLine
) -> None:
    everybody_joins(line, on, WISHES[wished], members=members)

    with line.session() as session:
        asked = dict(planned(session, on.year))
        told = {
            each.cvr: calculated(calculator.calculate(session, each.cvr, WISHES[wished], on), member=members)
            for each in files.starter()
        }

    assert len(told) == 98 and told == asked
    assert wished == "passive" or all(told.values())


@pytest.mark.parametrize("members", [True, False], ids=["members", "others"])
def test_the_years_after_are_what_the_next_plan_asks_for(members: bool, line: CommandLine) -> None:
    everybody_joins(line, SPRING.replace(year=2026), WISHES["alone"], members=members)
    on = SPRING.replace(year=2026)

    with line.session() as session:
        asked = dict(planned(session, 2027))
        found = {
            each.cvr: calculator.calculate(session, each.cvr, WISHES["alone"], on).cost(member=members)
            for each in files.starter()
        }

    # What is signed and not invoiced in its year is asked for later; the calculator takes it that it was.
    later = {cvr: {(line.product, line.kind): line.net for line in cost.later.lines} for cvr, cost in found.items()}
    for cvr, cost in found.items():
        later[cvr] |= {(one.product, one.kind): one.net for one in cost.first.lines if one.kind is Kind.JOINING_FEE}
    assert later == asked


def test_what_becomes_due_when_a_passive_connection_becomes_active_is_told_beside(line: CommandLine) -> None:
    with line.session() as session:
        found = calculator.calculate(session, SAMSOE, WISHES["passive"], NEW_YEAR)

    assert [(one.product, one.kind, one.net) for one in found.as_other.once_active] == [
        ("OS2passiv", Kind.JOINING_FEE, kroner(10_000))
    ]
    assert Kind.JOINING_FEE not in {one.kind for one in found.as_other.first.lines}


def test_membership_pays_from_the_sum_at_which_its_lower_contribution_outweighs_the_dues(line: CommandLine) -> None:
    with line.session() as session:
        found = calculator.calculate(session, AARHUS, [Wish("OS2maaned", "active")], NEW_YEAR)

    dues, saved = found.as_member.later.dues, found.as_other.later.net - (found.as_member.later.net)
    assert dues and saved == found.gain
    assert found.pays_from is not None
    spread = found.pays_from.scaled(SPREAD)
    assert dues <= spread < dues + kroner(1)


def test_pv_013_whether_membership_pays_for_one_who_is_no_member(line: CommandLine) -> None:
    """PV-013: of three products at 42.000, 26 % less 25.000 of dues are saved; it pays from 96.153,85.

    The calculator tells the sum in whole kroner, rounded up, so that what it tells is enough.
    """
    names = ("OS2et", "OS2to", "OS2tre")
    tables = {name: f'product = "{name}"{HEAD}annual_fee = 42000\ncontribution = true\n' for name in names}
    line.done("fee-tables", "adopt", *(line.write(f"{name}.toml", words) for name, words in tables.items()))

    with line.session() as session:
        found = calculator.calculate(session, AARHUS, [Wish(name, "active") for name in names], NEW_YEAR)

    assert found.gain == kroner(7_760)
    assert found.as_member.later.dues == kroner(25_000)
    assert found.pays_from is not None
    assert found.pays_from - kroner(1) < Money(96_153_85) <= found.pays_from


def test_no_product_costs_nothing_but_the_dues(line: CommandLine) -> None:
    with line.session() as session:
        found = calculator.calculate(session, AARHUS, [], NEW_YEAR)

    assert found.as_other.first.lines == () and found.as_other.later.net == ZERO
    assert found.as_member.first.net == found.as_member.first.dues == total([found.as_member.later.dues])


@pytest.mark.parametrize("cvr", ["", "12345678", "55133018 OR 1=1", "\0"])
def test_for_nobody_nothing_is_calculated(cvr: str, line: CommandLine) -> None:
    with line.session() as session, pytest.raises(NoSuchPayer) as refused:
        calculator.calculate(session, cvr, [Wish("OS2mo", "active")], NEW_YEAR)

    assert "findes ikke i registret" in refused.value.text.da


def test_what_cannot_be_told_is_said_and_the_rest_is_calculated(line: CommandLine) -> None:
    wishes = [Wish("OS2fri", "active"), Wish("OS2ukendt", "active"), Wish("OS2valghalla", "passive")]
    with line.session() as session:
        found = calculator.calculate(session, AARHUS, wishes, NEW_YEAR).as_other.first

    assert {one.product for one in found.lines} == {"OS2fri"}
    assert [remark.da for remark in found.remarks] == [
        "OS2ukendt har intet takstblad med vederlag; vedtag et",
        "takstbladet for OS2valghalla fra 1. januar 2023 har ingen andel for passive tilslutninger",
    ]


def test_inhabitants_not_known_yet_are_estimated_by_the_newest_and_it_is_said(line: CommandLine) -> None:
    with line.session() as session:
        found = calculator.calculate(session, AARHUS, WISHES["alone"], date(2027, 3, 1))

    assert found.carried == ((date(2027, 1, 1), date(2026, 1, 1)),)
    (annual,) = (line for line in found.as_other.later.lines if line.kind is Kind.ANNUAL_FEE)
    assert any("skøn: tallet fra 2026-01-01" in sentence.da for sentence in annual.sentences)
