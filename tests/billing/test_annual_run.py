"""Reconciling: what is new is drafted, what is invoiced is never invoiced again, and whatever differs is named."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.annual_run import Digest, PayerPlan, Totals, plan_payer, reconcile
from billing.case import Priced
from billing.charges import Billable, Charge, Code, InvoicedLine
from billing.pricing import price
from fee_tables.calculation import Kind, Parts
from fee_tables.table import FeeTable, FlatFee, Vat
from foundation.money import ZERO, Money, kroner, total
from tests import builders
from tests.builders import billable, charge, connection, details, flat, invoiced_as, member, run, seller

JOINING = FlatFee(kroner(100))


def plan(what: Billable, *tables: FeeTable, year: int = 2027) -> PayerPlan:
    """Plan one payer's year."""
    return plan_payer(run(*tables, year=year), what, seller())


def reconciled(
    charges: list[Charge], invoiced: list[InvoicedLine] | None = None, withheld: set[str] | None = None
) -> PayerPlan:
    """Reconcile charges with what is invoiced."""
    what = billable(invoiced=invoiced or [])
    return reconcile(run(), what, Priced(charges=charges, withheld=withheld or set()), seller())


def planned_lines(made: PayerPlan) -> list[Charge]:
    """The charges that would be invoiced."""
    return [line.charge for proposal in made.proposals for line in proposal.draft.lines]


def issued(made: PayerPlan) -> list[InvoicedLine]:
    """The lines of a plan as they stand when it is issued."""
    return [
        invoiced_as(line.charge, number=f"2027-{nth:04d}")
        for nth, proposal in enumerate(made.proposals, start=1)
        for line in proposal.draft.lines
    ]


def codes(made: PayerPlan) -> list[Code]:
    """What stands in the way."""
    return [problem.code for problem in made.problems]


# --- new, unchanged


def test_what_is_new_is_drafted() -> None:
    made = reconciled([charge("OS2a"), charge("OS2b")])

    assert [one.product for one in planned_lines(made)] == ["OS2a", "OS2b"]
    assert (made.unchanged, made.problems) == (0, [])


def test_pv_062_lines_with_equal_details_become_one_invoice_of_1430() -> None:
    tables = [flat("OS2a", 1_200), flat("OS2b", 110), flat("OS2c", 120)]
    what = billable(*(connection(table.reference.product) for table in tables))

    made = plan(what, *tables)

    assert [proposal.draft.net for proposal in made.proposals] == [kroner(1_430)]
    assert len(planned_lines(made)) == 3


def test_pv_062_after_issuing_all_nothing_is_left() -> None:
    tables = [flat("OS2a", 1_200, joining_fee=JOINING), flat("OS2b", 110)]
    connections = [connection("OS2a"), connection("OS2b")]
    members = [member()]
    first = plan(billable(*connections, members=members), *tables)

    again = plan(billable(*connections, members=members, invoiced=issued(first)), *tables)

    assert len(issued(first)) == 4
    assert (again.proposals, again.problems, again.unchanged) == ([], [], 4)


def test_pv_056_a_second_run_bills_only_what_is_new() -> None:
    tables = [flat("OS2a", 5), flat("OS2b", 5)]
    old, new = connection("OS2a"), connection("OS2b")
    first = plan(billable(old), *tables)

    second = plan(billable(old, new, invoiced=issued(first)), *tables)

    assert [one.product for one in planned_lines(second)] == ["OS2b"]
    assert (second.unchanged, codes(second)) == (1, [])


def test_pv_058_a_hundred_runs_are_one_invoice() -> None:
    table, agreement = flat("OS2a", 5, joining_fee=JOINING), connection("OS2a")
    invoiced: list[InvoicedLine] = []

    for _ in range(100):
        invoiced += issued(plan(billable(agreement, invoiced=invoiced), table))

    assert len(invoiced) == 2
    assert total(line.parts.net for line in invoiced) == kroner(105)


def test_pv_055_the_preview_is_the_result() -> None:
    tables = [flat(f"OS2p{nth}", 5) for nth in range(9)]
    groups = [tables[:3], tables[3:]]

    made = [plan(billable(*(connection(t.reference.product) for t in group)), *tables) for group in groups]

    assert [one.proposals[0].draft.net for one in made] == [kroner(15), kroner(30)]


# --- differs, withdrawn


def test_pv_029_a_table_edited_after_invoicing_never_bills_again_and_the_difference_is_reported() -> None:
    agreement = connection("OS2a")
    first = plan(billable(agreement), flat("OS2a", 50, joining_fee=FlatFee(kroner(100))))

    again = plan(billable(agreement, invoiced=issued(first)), flat("OS2a", 50, joining_fee=FlatFee(kroner(200))))

    assert again.proposals == []
    assert again.unchanged == 2
    assert codes(again) == [Code.INVOICED_DIFFERS]
    assert again.problems[0].product == "OS2a"
    assert "100,00" in again.problems[0].message.da
    assert "200,00" in again.problems[0].message.da
    assert "2027-0001" in again.problems[0].message.en


def test_a_difference_of_parts_alone_is_a_difference() -> None:
    line = invoiced_as(charge(parts=Parts(Money(100), Money(9))))

    made = reconciled([charge(parts=Parts(Money(109), ZERO))], [line])

    assert codes(made) == [Code.INVOICED_DIFFERS]


def test_pv_033_another_vat_rate_leaves_the_invoiced_line_alone() -> None:
    made = reconciled([charge(vat=Vat(Fraction(1, 10)))], [invoiced_as(charge())])

    assert (made.proposals, made.unchanged) == ([], 1)


def test_what_is_invoiced_but_not_due_any_more_is_reported() -> None:
    agreement = connection("OS2a")
    first = plan(billable(agreement), flat("OS2a", 50))
    ended = connection("OS2a", terminated_to=date(2026, 12, 31))

    again = plan(billable(ended, invoiced=issued(first)), flat("OS2a", 50))

    assert again.proposals == []
    assert codes(again) == [Code.INVOICED_DIFFERS]
    assert "skyldes intet" in again.problems[0].message.da
    assert "nothing is due" in again.problems[0].message.en


def test_what_a_problem_withholds_is_not_called_withdrawn() -> None:
    agreement = connection("OS2valghalla")
    table = builders.fee_table()
    first = plan(billable(agreement), table)

    again = plan(billable(agreement, invoiced=issued(first), inhabitants=None), table)

    assert codes(again) == [Code.NO_INHABITANTS]


def test_the_joining_fee_of_an_earlier_year_is_not_called_withdrawn() -> None:
    agreement, table = connection("OS2a"), flat("OS2a", 50, joining_fee=JOINING)
    priced = price(run(table, year=2026).ground, billable(agreement))
    lines = [invoiced_as(one, year=2026, number="2026-0001") for one in priced.charges if one.kind is Kind.JOINING_FEE]

    made = plan(billable(agreement, invoiced=lines), table)

    assert [one.kind for one in planned_lines(made)] == [Kind.ANNUAL_FEE]
    assert codes(made) == []


# --- twice, nothing


def test_pv_064_a_year_that_is_invoiced_under_another_agreement_is_a_named_double_billing() -> None:
    old = connection("OS2a", terminated_to=date(2026, 12, 31))
    line = InvoicedLine(
        f"annual_fee|{old.name}|2027", Kind.ANNUAL_FEE, 2027, "OS2a", Parts(kroner(50), ZERO), "2027-0007"
    )
    new = connection(
        "OS2a", signed_on=date(2026, 12, 1), countersigned_on=date(2026, 12, 1), in_force_from=date(2027, 1, 1)
    )

    made = plan(billable(old, new, invoiced=[line]), flat("OS2a", 50))

    assert made.proposals == []
    assert Code.DUPLICATE_AGREEMENT in codes(made)
    assert any("2027-0007" in problem.message.da and "OS2a" in problem.message.da for problem in made.problems)


def test_pv_070_a_line_that_is_exempted_to_zero_is_no_invoice_but_named_with_its_reason() -> None:
    agreement = connection("OS2mo", exempt_reason="medfinansierede udviklingen")
    table = builders.fee_table("OS2mo", annual_fee=None, joining_fee=FlatFee(kroner(60_000)))

    made = plan(billable(agreement), table)

    assert made.proposals == []
    assert [(n.payer.name, n.reason.da) for n in made.nothing] == [
        ("Vejle Kommune", "OS2mo: medfinansierede udviklingen")
    ]


def test_pv_070_lines_of_zero_without_a_reason_are_named_too() -> None:
    made = plan(billable(connection("OS2a")), flat("OS2a", 0))

    assert made.proposals == []
    assert made.nothing[0].reason.da == "linjerne giver nul"


def test_a_waiver_beside_an_annual_fee_is_seen_on_the_invoice() -> None:
    agreement = connection("OS2a", exempt_reason="x")

    made = plan(billable(agreement), flat("OS2a", 50, joining_fee=JOINING))

    assert [one.kind for one in planned_lines(made)] == [Kind.ANNUAL_FEE, Kind.JOINING_FEE, Kind.EXEMPTION]
    assert made.proposals[0].draft.net == kroner(50)
    assert made.nothing == []


def test_without_a_payer_nothing_is_drafted_and_what_stands_is_left_alone() -> None:
    region = builders.payer(9, "29190623", "Region Hovedstaden", is_counted=False)
    what = billable(connection("OS2a", signer=region), pays=None, named=region, inhabitants=None)

    made = plan(what, flat("OS2a", 50))

    assert (made.proposals, codes(made)) == ([], [Code.AUTHORITY_ENDED])


# --- the digest and the totals


def digest(made: PayerPlan, year: int = 2027) -> str:
    """The digest of a plan of one payer."""
    taken = Digest(year, "real", seller())
    for proposal in made.proposals:
        taken.add(proposal.digest)
    return taken.hexdigest()


@given(st.lists(st.sampled_from(["OS2a", "OS2b", "OS2c", "OS2d"]), unique=True, min_size=1), st.integers(0, 10**6))
def test_pv_067_planning_twice_gives_the_same_plan_and_digest(products: list[str], inhabitants: int) -> None:
    tables = [builders.fee_table(product, joining_fee=builders.JOINING_BANDS) for product in products]
    connections = [connection(product) for product in products]
    what = billable(*connections, members=[member()], inhabitants=inhabitants)
    turned = billable(*reversed(connections), members=[member()], inhabitants=inhabitants)

    one_time, other_time, in_turn = plan(what, *tables), plan(what, *tables), plan(turned, *reversed(tables))

    assert one_time == other_time
    assert digest(one_time) == digest(other_time)
    assert [p.content for p in in_turn.proposals] == [p.content for p in one_time.proposals]


@pytest.mark.parametrize("year", [2026, 2028])
def test_the_digest_covers_year_and_amounts(year: int) -> None:
    made = plan(billable(connection("OS2a")), flat("OS2a", 50))
    other = plan(billable(connection("OS2a")), flat("OS2a", 51))

    assert digest(made) != digest(made, year)
    assert digest(made) != digest(other)


def test_the_totals_are_the_sums_of_the_lines_and_net_of_rebates() -> None:
    tables = [
        builders.fee_table("OS2a", joining_fee=FlatFee(kroner(60_000))),
        flat("OS2b", 100, joining_fee=JOINING),
    ]
    agreements = [
        connection("OS2a", rebate=kroner(10_000), rebate_reason="x"),
        connection("OS2b", exempt_reason="y", sent_to=details("5790002750595")),
    ]
    totals = Totals()

    for proposal in plan(billable(*agreements, members=[member()]), *tables).proposals:
        totals.add(proposal.draft)

    assert (totals.invoices, totals.lines) == (2, 7)
    assert totals.annual_fees == {"OS2a": 3_200_000, "OS2b": 10_000}
    assert totals.joining_fees == {"OS2a": 5_000_000, "OS2b": 0}
    assert totals.dues == kroner(25_000)
    assert totals.contribution == kroner(2_880)
    assert totals.net == kroner(32_000 + 2_880 + 100 + 50_000 + 25_000)
    assert totals.vat == totals.net.scaled(Fraction(1, 4))
