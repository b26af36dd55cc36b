"""Every difference from last year has a name, and the named parts add up to it, to the øre."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agreements.lifecycle import Kind as Connected
from billing import annual_run, comparison
from billing.case import Ground
from billing.causes import TITLES, Cause, Line
from billing.charges import Billable, Connection, Count
from billing.comparison import Comparison, Pair, Troubles
from fee_tables.calculation import Kind, Parts
from fee_tables.catalogue import Catalogue, catalogue
from fee_tables.table import BandFee, FlatFee, Index, SharedCost
from fee_tables.text import Decision
from foundation.money import ZERO, Money, kroner, total
from tests import builders

LAST, THIS = builders.YEAR - 1, builders.YEAR
CONNECTION = builders.connection()
NEW: dict[str, Any] = {
    "signed_on": date(LAST, 2, 1),
    "countersigned_on": date(LAST, 2, 15),
    "in_force_from": date(LAST, 7, 1),
}


def decided(decision: Any, digest: str) -> Any:
    """The same decision with a digest of its own, as every adopted text has."""
    return replace(decision, reference=replace(decision.reference, digest=digest))


def dearer(**changes: Any) -> Any:
    """A fee table of this year, 1.000 kr. dearer in every band."""
    amounts = {band: amount + kroner(1000) for band, amount in builders.ANNUAL_BANDS.amounts.items()}
    changes = {"annual_fee": BandFee(amounts), **changes}
    return decided(builders.fee_table(valid_from=date(THIS, 1, 1), **changes), "new")


TABLE = builders.fee_table(passive_share=Fraction(1, 3))


def known(*decisions: Decision) -> Catalogue:
    """The decisions, with the size key and the association's table where none is among them."""
    return builders.ground(*decisions).catalogue


def lines(
    year: int, tables: Catalogue, *billables: Billable, sharers: Mapping[str, Sequence[str]] | None = None
) -> list[Line]:
    """What these owe for a year, priced as the annual run prices it."""
    run = builders.run(year=year)
    run = replace(run, ground=Ground(year, tables, sharers or {}))
    found = []
    for billable in billables:
        plan = annual_run.plan_payer(run, billable, builders.seller())
        drafts = [of.draft for of in plan.proposals] + [of.draft for of in plan.nothing]
        found += [comparison.line_of(draft.payer, line.charge) for draft in drafts for line in draft.lines]
    return found


def compared(
    last: Iterable[Line], this: Iterable[Line], tables: Catalogue, held_back: Troubles = frozenset()
) -> Comparison:
    """Compare two years' lines."""
    both = tuple(last), tuple(this)
    named = {line.authority: ("29189846", f"Myndighed {line.authority}") for line in (*both[0], *both[1])}
    return comparison.between(THIS, both, held_back, tables, named)


def both_years(last: Billable, this: Billable, *decisions: Decision, **more: Any) -> dict[Cause, int]:
    """Compare one payer's two years; give the causes in whole øre."""
    tables = known(*(decisions or (TABLE,)))
    found = compared(lines(LAST, tables, last, **more), lines(THIS, tables, this, **more), tables)
    holds(found)
    return {cause: amount.ore for cause, amount in found.causes.items()}


def holds(found: Comparison) -> None:
    """What is promised of every comparison."""
    for row in found.rows:
        assert total(one.amount for one in row.differences) == row.difference
        assert all(one.amount for one in row.differences)
    parts = [*found.annual_fees.values(), *found.joining_fees.values(), found.dues, found.contribution]
    assert sum(parts, start=Pair()) == found.whole
    assert total(found.causes.values()) == found.whole.difference


def billed(*connections: Connection, **more: Any) -> Billable:
    """A payer with these agreements, or the usual one; a member since 2020 whose dues go with the product."""
    return builders.billable(*(connections or (CONNECTION,)), **{"members": [builders.member()], **more})


# --- each cause by itself


def test_the_same_facts_make_no_difference() -> None:
    found = both_years(billed(), billed())

    assert found == {}


def test_a_product_joined_and_a_product_left_are_named() -> None:
    more = billed(CONNECTION, builders.connection("OS2kitos"))
    tables = (TABLE, builders.flat("OS2kitos", 30_000))

    assert both_years(billed(), more, *tables) == {Cause.JOINED: 3_000_000}
    assert both_years(more, billed(), *tables) == {Cause.LEFT: -3_000_000}


def test_a_joining_fee_is_named_when_it_comes_and_when_it_is_gone() -> None:
    tables = (builders.fee_table(joining_fee=FlatFee(kroner(70_000))),)
    new = builders.connection(**NEW)
    last = lines(LAST, known(*tables), billed(new))
    this = [line for line in last if line.kind is not Kind.JOINING_FEE]

    assert compared(last, this, known(*tables)).causes == {Cause.JOINING_FEE: -kroner(70_000)}
    assert compared(this, last, known(*tables)).causes == {Cause.JOINING_FEE: kroner(70_000)}


def test_a_rebate_and_an_exemption_are_named_beside_the_fee_they_relieve() -> None:
    table = builders.fee_table(joining_fee=FlatFee(kroner(70_000)))
    rebate = builders.connection(rebate=kroner(10_000), rebate_reason="pilot", **NEW)
    exempt = builders.connection(exempt_reason="pilot", **NEW)

    for connection, less in ((rebate, 10_000), (exempt, 70_000)):
        found = compared([], lines(LAST, known(table), billed(connection)), known(table))

        assert found.causes[Cause.RELIEF] == -kroner(less)
        assert found.causes[Cause.JOINING_FEE] == kroner(70_000)
        assert found.joining_fees["OS2valghalla"].this == kroner(70_000 - less)
        holds(found)


def test_a_dearer_fee_table_is_named() -> None:
    found = both_years(billed(), billed(), TABLE, dearer())

    assert found == {Cause.PRICE: 109_000}  # 1.000 and 9 % of it


def test_a_fee_table_that_begins_to_carry_a_contribution_is_a_new_price() -> None:
    bare = builders.fee_table(contribution=False)

    found = both_years(billed(), billed(), bare, dearer(annual_fee=builders.ANNUAL_BANDS))

    assert found == {Cause.PRICE: 288_000}  # 9 % of 32.000


def test_another_size_is_priced_by_last_years_table_and_the_rest_is_the_new_table() -> None:
    found = both_years(billed(), billed(inhabitants=builders.INHABITANTS["large"]), TABLE, dearer())

    assert found == {Cause.BAND: 1_090_000, Cause.PRICE: 109_000}


def test_a_size_that_last_years_table_did_not_know_is_priced_by_this_years() -> None:
    narrow = builders.fee_table(annual_fee=BandFee({"medium": kroner(32_000)}))

    found = both_years(billed(), billed(inhabitants=builders.INHABITANTS["large"]), narrow, dearer())

    assert found == {Cause.BAND: 1_090_000, Cause.PRICE: 109_000}


def test_whoever_becomes_a_member_pays_another_contribution_and_dues() -> None:
    found = both_years(billed(members=[]), billed())

    assert found == {Cause.MEMBERSHIP: 2_500_000 - 832_000}  # 25.000 of dues; 9 instead of 35 % of 32.000


def test_other_contribution_rates_are_named() -> None:
    rates = replace(builders.association(valid_from=date(THIS, 1, 1)), contribution_member=Fraction(10, 100))

    found = both_years(billed(), billed(), TABLE, builders.association(), decided(rates, "rates"))

    assert found == {Cause.CONTRIBUTION: 32_000}


def test_who_becomes_a_member_as_the_rates_change_sees_both_apart() -> None:
    rates = replace(builders.association(valid_from=date(THIS, 1, 1)), contribution_member=Fraction(10, 100))

    found = both_years(billed(members=[]), billed(), TABLE, builders.association(), decided(rates, "rates"))

    assert found == {Cause.MEMBERSHIP: 2_500_000 - 832_000, Cause.CONTRIBUTION: 32_000}


def test_regulated_dues_are_named_index_and_decided_ones_dues() -> None:
    index = Index(Fraction(100), Fraction(104), 100)
    regulated = decided(builders.association(valid_from=date(THIS, 1, 1), index=index), "index")
    decided_anew = decided(builders.association(valid_from=date(THIS, 1, 1), dues=kroner(26_000)), "dues")

    assert both_years(billed(), billed(), TABLE, builders.association(), regulated) == {Cause.INDEX: 100_000}
    assert both_years(billed(), billed(), TABLE, builders.association(), decided_anew) == {Cause.DUES: 100_000}


def test_a_part_of_last_year_is_brought_to_the_whole_at_last_years_price() -> None:
    joined = builders.connection(**NEW)
    months = builders.fee_table(first_year="months")

    found = both_years(billed(joined), billed(joined), months, dearer(first_year="months"))

    assert found == {Cause.PART_YEAR: 1_744_000, Cause.PRICE: 109_000}  # half of 34.880


def test_half_dues_of_who_joined_late_are_a_part_of_the_year() -> None:
    late: dict[str, Any] = {"members": [builders.member(date(LAST, 9, 1))]}

    found = both_years(billed(**late), billed(**late))

    assert found[Cause.PART_YEAR] == 1_250_000
    assert found[Cause.MEMBERSHIP] == -832_000  # no member on last year's 1 January: its contribution was 35 %


def test_from_passive_to_active_and_another_share_for_the_passive_are_two_causes() -> None:
    passive = billed(builders.connection(kind=Connected.PASSIVE))
    becoming = billed(builders.connection(kind=Connected.PASSIVE, active_from=date(LAST, 12, 1)))
    share = dearer(annual_fee=builders.ANNUAL_BANDS, passive_share=Fraction(1, 2))

    assert both_years(passive, becoming) == {Cause.ACTIVITY: 3_488_000 - 1_162_667}
    assert both_years(passive, passive, TABLE, share) == {Cause.PRICE: 1_744_000 - 1_162_667}


def test_more_sharers_and_a_greater_cost_are_two_causes() -> None:
    last_table = builders.fee_table(annual_fee=SharedCost(kroner(100_000)), contribution=False)
    this_table = dearer(annual_fee=SharedCost(kroner(160_000)), contribution=False)
    tables, cvr = known(last_table, this_table), builders.payer().cvr
    last = lines(LAST, tables, billed(), sharers={builders.PRODUCT: (cvr, "99999999")})
    this = lines(THIS, tables, billed(), sharers={builders.PRODUCT: (cvr, "88888888", "99999999", "99999998")})

    found = compared(last, this, tables)

    assert found.causes == {Cause.SHARING: -kroner(25_000), Cause.PRICE: kroner(15_000)}
    holds(found)


def test_a_line_that_a_problem_holds_back_has_not_left() -> None:
    last = lines(LAST, known(TABLE), billed(members=[]))

    held = compared(last, [], known(TABLE), frozenset({(1, builders.PRODUCT)}))

    assert held.causes == {Cause.WITHHELD: -kroner(43_200)}


def test_what_was_credited_last_year_is_named_apart_from_what_changed() -> None:
    tables = known(TABLE, dearer())
    this = lines(THIS, tables, billed(members=[]))
    last = [line._replace(is_credited=True) for line in lines(LAST, tables, billed(members=[]))]

    found = compared(last, this, tables)

    assert found.causes == {Cause.CREDIT: kroner(43_200), Cause.PRICE: kroner(1350)}
    assert found.whole == Pair(ZERO, kroner(44_550))
    holds(found)


def test_what_is_credited_this_year_is_named_too() -> None:
    last = lines(LAST, known(TABLE), billed(members=[]))
    this = [line._replace(is_credited=True) for line in lines(THIS, known(TABLE), billed(members=[]))]

    assert compared(last, this, known(TABLE)).causes == {Cause.CREDIT: -kroner(43_200)}


def test_a_successor_takes_over_what_another_paid_and_only_the_rest_is_a_change() -> None:
    signer, successor = builders.payer(1), builders.payer(2, cvr="29189927", name="Region Østdanmark")
    signed = builders.connection(signer=signer)
    last = lines(LAST, known(TABLE, dearer()), billed(signed, pays=signer, members=[]))
    this = lines(THIS, known(TABLE, dearer()), billed(signed, pays=successor, members=[]))

    found = compared(last, this, known(TABLE, dearer()))

    by_authority = {row.authority_id: [(one.cause, one.amount) for one in row.differences] for row in found.rows}
    assert by_authority[1] == [(Cause.SUCCESSION, -kroner(43_200))]
    assert by_authority[2] == [(Cause.SUCCESSION, kroner(43_200)), (Cause.PRICE, kroner(1350))]
    holds(found)


def test_an_agreement_that_replaces_another_on_its_product_is_no_new_product() -> None:
    old = builders.connection(terminated_to=date(LAST, 12, 31))
    new = builders.connection(signed_on=date(LAST, 11, 1), in_force_from=date(THIS, 1, 1))

    found = both_years(billed(old, new), billed(old, new))

    assert found == {}


def test_what_no_reason_explains_is_named_other_and_never_left_out() -> None:
    last = lines(LAST, known(TABLE), billed(members=[]))
    this = [line._replace(parts=Parts(Money(1), ZERO)) for line in last]

    found = compared(last, this, known(TABLE))

    assert found.causes == {Cause.OTHER: Money(1) - kroner(43_200)}
    holds(found)


def test_every_cause_has_a_title_in_both_languages() -> None:
    assert set(TITLES) == set(Cause)
    assert all(title.da and title.en for title in TITLES.values())


# --- whatever happens from one year to the next

PRODUCTS = ("OS2valghalla", "OS2kitos", "OS2delt")
BANDS = sorted(builders.INHABITANTS)
whole_kroner = st.integers(1, 90_000).map(kroner)
odd_ore = st.integers(1, 9_000_000).map(Money)
band_fees = st.fixed_dictionaries(dict.fromkeys(BANDS, odd_ore)).map(BandFee)
shares = st.sampled_from([Fraction(1, 3), Fraction(1, 2), Fraction(2, 7)])


@st.composite
def fee_tables(draw: st.DrawFn) -> list[Decision]:
    """For each product a table from before, and perhaps another from this year."""
    found = []
    for product in PRODUCTS:
        for valid_from in (date(2023, 1, 1), date(THIS, 1, 1))[: draw(st.integers(1, 2))]:
            fee = draw(st.one_of(band_fees, odd_ore.map(FlatFee), odd_ore.map(SharedCost)))
            table = builders.fee_table(
                product, valid_from=valid_from, annual_fee=fee, joining_fee=draw(st.none() | odd_ore.map(FlatFee)),
                contribution=draw(st.booleans()), passive_share=draw(shares),
                first_year=draw(st.sampled_from(["full", "months", "days"])),
            )  # fmt: skip
            found.append(decided(table, f"{product} {valid_from}"))
    return found


@st.composite
def associations(draw: st.DrawFn) -> list[Decision]:
    """The association's table from before, and perhaps another from this year."""
    found = []
    for valid_from in (date(2023, 1, 1), date(THIS, 1, 1))[: draw(st.integers(1, 2))]:
        index = draw(st.none() | st.builds(Index, st.just(Fraction(124)), st.integers(100, 200).map(Fraction),
                                           st.sampled_from([1, 100])))  # fmt: skip
        table = builders.association(valid_from=valid_from, dues=draw(whole_kroner), index=index)
        rates = draw(st.tuples(st.integers(1, 20), st.integers(21, 40)))
        member, other = (Fraction(rate, 100) for rate in rates)
        changed = replace(table, contribution_member=member, contribution_non_member=other)
        found.append(decided(changed, f"association {valid_from}"))
    return found


@st.composite
def payers(draw: st.DrawFn) -> Billable:
    """A payer with agreements and perhaps a membership, of any size in each of the years."""
    days = st.dates(date(2022, 1, 1), date(THIS, 12, 1))
    agreed = []
    for product in draw(st.sets(st.sampled_from(PRODUCTS))):
        first = draw(days)
        agreed.append(builders.connection(
            product, kind=draw(st.sampled_from(Connected)), signed_on=first, countersigned_on=first,
            in_force_from=first,
            terminated_to=draw(st.sampled_from([None, None, date(LAST, 12, 31)])),
            active_from=draw(st.sampled_from([None, date(LAST, 6, 1), date(THIS, 1, 1)])),
            rebate=draw(st.sampled_from([ZERO, kroner(500)])), rebate_reason="pilot",
        ))  # fmt: skip
    id_ = draw(st.integers(1, 3))
    sizes = st.sampled_from(sorted(builders.INHABITANTS.values()))
    counts = {(id_, year): Count(draw(sizes), "FOLK1A") for year in range(2017, 2031)}
    member = st.builds(builders.member, st.dates(date(2024, 1, 1), date(THIS, 12, 1)), st.sampled_from([None]))
    return builders.billable(
        *agreed,
        members=draw(st.lists(member, max_size=1)),
        pays=builders.payer(id_, cvr=f"2918984{id_}"),
        counts=counts,
    )


@given(tables=fee_tables(), dues=associations(), payer=payers(), number=st.integers(1, 7), credited=st.randoms())
def test_whatever_changes_the_named_causes_add_up_and_none_is_other(
    tables: list[Decision], dues: list[Decision], payer: Billable, number: int, credited: Any
) -> None:
    decisions = catalogue([*tables, *dues, builders.size_key()])
    sharers = [{p: ("11111111", payer.named.cvr, *map(str, range(n)))[: n + 1] for p in PRODUCTS} for n in (number, 3)]
    last = lines(LAST, decisions, payer, sharers=sharers[0])
    last = [line._replace(is_credited=credited.random() < 0.2) for line in last]

    found = compared(last, lines(THIS, decisions, payer, sharers=sharers[1]), decisions)

    holds(found)
    assert Cause.OTHER not in found.causes
