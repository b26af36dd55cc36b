"""The rules of price of the contract, one by one, on plain values; every problem and note with its code."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements.lifecycle import Kind as Connected
from billing.case import Ground, Priced, is_member
from billing.charges import Billable, Charge, Code, Count
from billing.pricing import price, price_alone
from fee_tables.calculation import Kind, Parts, parts_of
from fee_tables.catalogue import catalogue
from fee_tables.table import DatedFee, FlatFee, Index, SharedCost, Vat
from foundation.money import ZERO, Money, kroner, total
from tests import builders
from tests.builders import (
    JOINING_BANDS,
    association,
    billable,
    connection,
    details,
    fee_table,
    flat,
    ground,
    member,
    payer,
    placement,
    size_key,
)

NEW_YEAR = date(2027, 1, 1)
REGION = payer(9, "29190623", "Region Hovedstaden", is_counted=False)
JOINING = FlatFee(kroner(60_000))


def one(priced: Priced, kind: Kind = Kind.ANNUAL_FEE) -> Charge:
    """The one charge of a kind; nothing stands in the way of it."""
    found = [charge for charge in priced.charges if charge.kind is kind]
    assert len(found) == 1, priced
    return found[0]


def kinds(priced: Priced) -> list[Kind]:
    """What is charged."""
    return [charge.kind for charge in priced.charges]


def codes(priced: Priced) -> list[Code]:
    """What stands in the way."""
    return [problem.code for problem in priced.problems]


def noted(priced: Priced) -> list[Code]:
    """What the plan says beside."""
    return [note.code for note in priced.notes]


def net(priced: Priced) -> Money:
    """The sum of all charges."""
    return total(charge.parts.net for charge in priced.charges)


def messages(priced: Priced) -> str:
    """All messages, in both languages."""
    return "\n".join(p.message.da + "\n" + p.message.en for p in (*priced.problems, *priced.notes))


# --- the annual fee


def test_a_medium_member_pays_the_published_price() -> None:
    priced = price(ground(fee_table()), billable(connection(), members=[member(sent_to=details())]))

    charge = one(priced)
    assert charge.parts == Parts(kroner(32_000), kroner(2_880))
    assert charge.reason.member is True
    assert charge.reason.contribution_share == Fraction(9, 100)
    assert (charge.first_day, charge.last_day) == (NEW_YEAR, date(2027, 12, 31))
    assert codes(priced) == []


def test_pv_002_who_is_no_member_pays_35_percent() -> None:
    charge = one(price(ground(fee_table()), billable(connection(), inhabitants=20_000)))

    assert charge.parts == Parts(kroner(22_000), kroner(7_700))
    assert charge.reason.member is False


@pytest.mark.parametrize(
    ("joined_on", "left_on", "is_one"),
    [
        ("2027-01-02", None, False),
        ("2027-01-01", None, True),
        ("2026-12-01", "2027-01-02", True),
        ("2020-01-01", "2027-01-01", False),
        ("2020-01-01", "2026-12-31", False),
    ],
)
def test_pv_022_membership_is_read_on_the_key_day(joined_on: str, left_on: str | None, is_one: bool) -> None:
    left = date.fromisoformat(left_on) if left_on else None
    members = [member(date.fromisoformat(joined_on), left, sent_to=details())]

    charge = one(price(ground(fee_table()), billable(connection(), members=members)))

    assert charge.reason.member is is_one
    assert charge.parts.association == (kroner(2_880) if is_one else kroner(11_200))


def test_pv_022_the_four_members_of_the_vector() -> None:
    key_day = date(2026, 2, 15)
    spans = [(date(2026, 3, 1), None), (date(2026, 2, 1), None), (date(2020, 1, 1), date(2026, 3, 1)),
             (date(2020, 1, 1), date(2026, 2, 1))]  # fmt: skip

    assert [is_member([member(*span)], key_day) for span in spans] == [False, True, True, False]


def test_a_table_without_contribution_charges_none_even_without_an_association() -> None:
    bare = Ground(2027, catalogue([flat("OS2kitos", 30_000)]), {})

    charge = one(price(bare, billable(connection("OS2kitos"))))

    assert charge.parts == Parts(kroner(30_000), ZERO)
    assert charge.reason.contribution_share is None


def test_the_newest_table_on_1_january_counts() -> None:
    tables = [
        flat("OS2x", 1_000, valid_from=date(2026, 1, 1)),
        flat("OS2x", 2_000, valid_from=NEW_YEAR),
        flat("OS2x", 3_000, valid_from=date(2027, 1, 2)),
    ]

    charge = one(price(ground(*tables), billable(connection("OS2x"))))

    assert charge.parts.net == kroner(2_000)
    assert charge.reason.table.valid_from == NEW_YEAR


def test_the_inhabitants_of_the_year_before_decide_the_size() -> None:
    counts = {(1, year): Count(inhabitants, "FOLK1A") for year, inhabitants in ((2025, 1), (2026, 120_001), (2027, 2))}

    charge = one(price(ground(fee_table()), billable(connection(), counts=counts)))

    assert charge.reason.size is not None
    assert charge.reason.size.band == "very_large"
    assert charge.reason.size.inhabitants_on == date(2026, 1, 1)
    assert charge.reason.size.inhabitants_source == "FOLK1A"


def test_pv_016_only_vejle_changed_between_2023_and_2024() -> None:
    key = size_key()
    rows = [r for r in builders.register_rows("population") if r["kommunekode"] != "0411"]
    count = {(r["kommune"], int(r["year"])): int(r["population"]) for r in rows}

    changes = {}
    for name in {r["kommune"] for r in rows}:
        nets = [
            net(price(
                ground(fee_table(), key, year=year),
                billable(connection(signed_on=date(2022, 11, 1), countersigned_on=date(2022, 11, 2),
                                    in_force_from=date(2023, 1, 1)),
                         members=[member()], counts={(1, year - 1): Count(count[name, year - 1], "FOLK1A")}),
            ))
            for year in (2023, 2024)
        ]  # fmt: skip
        if nets[0] != nets[1]:
            changes[name] = nets[1] - nets[0]

    assert changes == {"Vejle": kroner(10_900)}


def test_an_authority_without_inhabitants_is_placed() -> None:
    who = billable(
        connection(signer=REGION),
        pays=REGION,
        inhabitants=None,
        placements={9: [placement("small", date(2027, 1, 2)), placement("large", NEW_YEAR), placement("medium")]},
    )

    charge = one(price(ground(fee_table()), who))

    assert charge.reason.size is not None
    assert charge.reason.size.placement == placement("large", NEW_YEAR)
    assert charge.parts.product == kroner(42_000)


# --- which agreements are billed


@pytest.mark.parametrize(
    ("dated", "is_billed"),
    [
        ({"in_force_from": date(2027, 12, 31)}, True),
        ({"in_force_from": date(2028, 1, 1)}, False),
        ({"terminated_to": date(2027, 1, 1)}, True),
        ({"terminated_to": date(2026, 12, 31)}, False),
        ({"countersigned_on": date(2027, 12, 31)}, True),
        ({"signed_on": date(2028, 1, 1), "countersigned_on": date(2028, 1, 1)}, False),
    ],
)
def test_an_agreement_in_force_on_any_day_of_the_year_is_billed(dated: dict[str, Any], is_billed: bool) -> None:
    priced = price(ground(flat("OS2x", 1_000)), billable(connection("OS2x", **dated)))

    assert kinds(priced) == ([Kind.ANNUAL_FEE] if is_billed else [])
    assert codes(priced) == []


def test_pv_104_an_agreement_that_ended_with_the_year_is_not_billed_the_new_one_is() -> None:
    old = connection("OS2x", terminated_to=date(2026, 12, 31))
    new = connection("OS2x", signed_on=date(2026, 11, 1), countersigned_on=date(2026, 11, 2), in_force_from=NEW_YEAR)

    priced = price(ground(flat("OS2x", 1_000)), billable(old, new))

    assert one(priced).agreement_id == new.id
    assert codes(priced) == []


@pytest.mark.parametrize("countersigned_on", [None, date(2028, 1, 1)])
def test_what_is_not_countersigned_is_a_problem(countersigned_on: date | None) -> None:
    priced = price(ground(fee_table()), billable(connection(countersigned_on=countersigned_on)))

    assert priced.charges == []
    assert codes(priced) == [Code.NOT_COUNTERSIGNED]
    assert "1. marts 2024" in messages(priced)
    assert "not countersigned" in messages(priced)


def test_an_agreement_without_a_first_day_is_noted_not_billed() -> None:
    priced = price(ground(fee_table()), billable(connection(in_force_from=None)))

    assert (priced.charges, codes(priced), noted(priced)) == ([], [], [Code.NO_FORCE_DAY])


def test_an_agreement_without_an_endpoint_is_a_problem() -> None:
    priced = price(ground(fee_table()), billable(connection(sent_to=None)))

    assert (priced.charges, codes(priced)) == ([], [Code.NO_ENDPOINT])
    assert "OS2valghalla" in messages(priced)


def test_two_agreements_on_one_product_are_a_problem_that_names_both() -> None:
    both = [connection(), connection(signed_on=date(2025, 1, 1), countersigned_on=date(2025, 2, 1))]

    priced = price(ground(fee_table()), billable(*both))

    assert priced.charges == []
    assert codes(priced) == [Code.DUPLICATE_AGREEMENT] * 2
    assert "2024-03-01" in messages(priced)
    assert "2025-01-01" in messages(priced)


def test_an_agreement_that_waits_for_its_countersignature_does_not_hold_the_one_in_force_back() -> None:
    waiting = connection(signed_on=date(2026, 12, 1), countersigned_on=None, in_force_from=NEW_YEAR)
    in_force = connection()

    priced = price(ground(fee_table()), billable(in_force, waiting))

    assert one(priced).agreement_id == in_force.id
    assert codes(priced) == [Code.NOT_COUNTERSIGNED]


def test_a_duplicate_withholds_no_other_product() -> None:
    both = [connection("OS2x"), connection("OS2x", signed_on=date(2025, 1, 1), countersigned_on=date(2025, 2, 1))]

    priced = price(ground(flat("OS2x", 1), flat("OS2y", 2)), billable(*both, connection("OS2y")))

    assert [charge.product for charge in priced.charges] == ["OS2y"]


def test_of_two_agreements_the_one_that_is_invoiced_stays_as_it_is() -> None:
    invoiced, later = connection("OS2x"), connection("OS2x", signed_on=date(2027, 2, 1),
                                                     countersigned_on=date(2027, 2, 1))  # fmt: skip
    tables = ground(flat("OS2x", 1_000))
    line = builders.invoiced_as(one(price(tables, billable(invoiced))))

    priced = price(tables, billable(invoiced, later, invoiced=[line]))

    assert one(priced).agreement_id == invoiced.id
    assert codes(priced) == [Code.DUPLICATE_AGREEMENT]


def test_an_ended_authority_without_successor_is_a_problem_for_each_line() -> None:
    who = billable(
        connection("OS2x", signer=REGION), connection("OS2y", signer=REGION), members=[member()],
        pays=None, named=REGION, inhabitants=None,
    )  # fmt: skip

    priced = price(ground(flat("OS2x", 1), flat("OS2y", 2)), who)

    assert priced.charges == []
    assert codes(priced) == [Code.AUTHORITY_ENDED] * 3
    assert [problem.product for problem in priced.problems] == ["OS2x", "OS2y", None]
    assert all(problem.named == REGION for problem in priced.problems)
    assert "Region Hovedstaden er ophørt før 2027" in messages(priced)


def test_a_successor_pays_at_its_own_size_and_the_keys_keep_the_signers_name() -> None:
    new = payer(10, "11111118", "Region Østdanmark", is_counted=False)
    who = billable(
        connection(signer=REGION),
        pays=new,
        inhabitants=None,
        placements={9: [placement("small")], 10: [placement("very_large")]},
    )

    charge = one(price(ground(fee_table()), who))

    assert charge.parts.product == kroner(52_000)
    assert charge.key == "annual_fee|29190623|OS2valghalla|2024-03-01|2027"


def test_a_successors_joining_fee_is_that_of_the_authority_that_signed() -> None:
    new = payer(10, "11111118", "Region Østdanmark", is_counted=False)
    who = billable(
        connection(signer=REGION),
        pays=new,
        inhabitants=None,
        placements={9: [placement("small")], 10: [placement("very_large")]},
    )

    charge = one(price(ground(fee_table(joining_fee=JOINING_BANDS)), who), Kind.JOINING_FEE)

    assert charge.parts.product == kroner(35_000)


def test_two_regions_agreements_on_one_product_meet_at_their_successor() -> None:
    other = payer(8, "29190658", "Region Sjælland", is_counted=False)
    new = payer(10, "11111118", "Region Østdanmark", is_counted=False)
    who = billable(
        connection("OS2x", signer=REGION), connection("OS2x", signer=other), connection("OS2y", signer=other),
        pays=new, inhabitants=None,
    )  # fmt: skip

    priced = price(ground(flat("OS2x", 1), flat("OS2y", 2)), who)

    assert codes(priced) == [Code.DUPLICATE_AGREEMENT] * 2
    assert [charge.product for charge in priced.charges] == ["OS2y"]
    assert "Region Hovedstaden" in messages(priced)
    assert "Region Sjælland" in messages(priced)


# --- what is missing


def without(ground_: Ground, **parts: object) -> Ground:
    """A ground that lacks a part of its catalogue."""
    return replace(ground_, catalogue=replace(ground_.catalogue, **parts))  # type: ignore[arg-type]


def test_without_a_size_key_nobody_has_a_size() -> None:
    none = price(without(ground(fee_table()), size_keys=()), billable(connection()))
    later = price(ground(fee_table(), size_key(valid_from=date(2028, 1, 1))), billable(connection()))

    assert codes(none) == codes(later) == [Code.NO_SIZE_KEY]
    assert "no size key is adopted" in messages(none)
    assert "1 January 2028" in messages(later)


def test_without_inhabitants_the_plan_names_the_authority_and_the_day() -> None:
    priced = price(ground(fee_table()), billable(connection(), inhabitants=None))

    assert (priced.charges, codes(priced)) == ([], [Code.NO_INHABITANTS])
    assert "Vejle Kommune 1. januar 2026" in messages(priced)


def test_without_a_placement_the_plan_names_the_authority() -> None:
    early = billable(connection(signer=REGION), pays=REGION, inhabitants=None,
                     placements={9: [placement("large", date(2027, 1, 2))]})  # fmt: skip

    priced = price(ground(fee_table()), early)

    assert (priced.charges, codes(priced)) == ([], [Code.NO_PLACEMENT])
    assert "Region Hovedstaden" in messages(priced)


def test_a_fee_that_is_not_by_size_needs_neither() -> None:
    priced = price(without(ground(flat("OS2x", 1)), size_keys=()), billable(connection("OS2x"), inhabitants=None))

    assert kinds(priced) == [Kind.ANNUAL_FEE]


def test_pv_024_a_year_before_the_first_table_is_a_problem_that_names_the_first_day() -> None:
    priced = price(ground(fee_table(valid_from=date(2027, 6, 1))), billable(connection()))

    assert (priced.charges, codes(priced)) == ([], [Code.NO_TABLE])
    assert priced.problems[0].named.name == "Vejle Kommune"
    assert priced.problems[0].product == "OS2valghalla"
    assert "1. juni 2027" in priced.problems[0].message.da
    assert "1 June 2027" in priced.problems[0].message.en


def test_pv_024_a_product_without_any_table_is_a_problem_too() -> None:
    priced = price(ground(), billable(connection("OS2x")))

    assert codes(priced) == [Code.NO_TABLE]
    assert "OS2x has no fee table with an annual fee" in messages(priced)


def test_without_the_association_table_contribution_and_dues_are_problems() -> None:
    later = association(valid_from=date(2028, 1, 1))

    priced = price(ground(fee_table(), later), billable(connection(), members=[member(sent_to=details())]))

    assert priced.charges == []
    assert codes(priced) == [Code.NO_TABLE, Code.NO_TABLE]
    assert "1 January 2028" in messages(priced)


def test_a_band_that_the_table_does_not_know_is_a_problem() -> None:
    key = size_key((("tiny", 0, None),))

    priced = price(ground(fee_table(), key), billable(connection()))

    assert codes(priced) == [Code.NO_TABLE]
    assert "tiny" in messages(priced)


def test_pv_021_pv_068_a_problem_withholds_only_its_own_line() -> None:
    connections = [
        connection("OS2a"), connection("OS2b", sent_to=None), connection("OS2c"), connection("OS2d"),
        connection("OS2e", countersigned_on=None),
    ]  # fmt: skip
    tables = ground(flat("OS2a", 1), flat("OS2b", 2), fee_table("OS2c"), flat("OS2e", 5))

    priced = price(tables, billable(*connections, inhabitants=None, members=[member()]))

    assert [(charge.kind, charge.product) for charge in priced.charges] == [
        (Kind.ANNUAL_FEE, "OS2a"),
        (Kind.MEMBERSHIP_DUES, None),
    ]
    assert codes(priced) == [Code.NO_ENDPOINT, Code.NOT_COUNTERSIGNED, Code.NO_INHABITANTS, Code.NO_TABLE]


# --- passive connections


def test_a_passive_connection_pays_its_share_and_no_joining_fee() -> None:
    table = flat("OS2mo", 30_000, passive_share=Fraction(1, 3), joining_fee=JOINING)

    priced = price(ground(table), billable(connection("OS2mo", kind=Connected.PASSIVE)))

    assert kinds(priced) == [Kind.ANNUAL_FEE]
    assert net(priced) == kroner(10_000)
    assert one(priced).reason.passive_share == Fraction(1, 3)


def test_a_passive_connection_without_a_share_is_a_problem() -> None:
    priced = price(ground(flat("OS2x", 1)), billable(connection("OS2x", kind=Connected.PASSIVE)))

    assert (priced.charges, codes(priced)) == ([], [Code.NO_PASSIVE_SHARE])


@pytest.mark.parametrize(
    ("active_from", "annual", "joining"),
    [
        (date(2027, 1, 1), 30_000, 60_000),
        (date(2027, 1, 2), 10_000, 60_000),
        (date(2027, 12, 31), 10_000, 60_000),
        (date(2028, 1, 1), 10_000, 0),
    ],
)
def test_a_passive_connection_that_becomes_active_pays_the_joining_fee_at_the_level_of_its_signing(
    active_from: date, annual: int, joining: int
) -> None:
    steps = DatedFee(((date(2024, 12, 31), kroner(60_000)), (None, kroner(240_000))))
    table = flat("OS2mo", 30_000, passive_share=Fraction(1, 3), joining_fee=steps)

    priced = price(ground(table), billable(connection("OS2mo", kind=Connected.PASSIVE, active_from=active_from)))

    assert one(priced).parts.net == kroner(annual)
    assert net(priced) == kroner(annual + joining)


# --- the first year


@pytest.mark.parametrize(
    ("in_force_from", "ore"),
    [("2017-07-01", 5_000), ("2017-04-01", 7_500), ("2016-07-01", 10_000), ("2018-01-01", 0)],
)
def test_pv_042_the_first_year_by_months(in_force_from: str, ore: int) -> None:
    table = flat("OS2x", 100, first_year="months", valid_from=date(2016, 1, 1))
    agreement = connection(
        "OS2x", signed_on=date(2016, 1, 1), countersigned_on=date(2016, 1, 1),
        in_force_from=date.fromisoformat(in_force_from),
    )  # fmt: skip

    priced = price(ground(table, year=2017), billable(agreement))

    assert net(priced) == Money(ore)
    assert codes(priced) == []


def test_pv_043_the_first_year_by_days() -> None:
    table = flat("OS2x", 100, first_year="days")

    charge = one(price(ground(table), billable(connection("OS2x", in_force_from=date(2027, 5, 10)))))

    assert charge.parts.net == Money(6466)
    assert charge.reason.year_share == Fraction(236, 365)
    assert charge.first_day == date(2027, 5, 10)


def test_a_full_first_year_is_full_whenever_it_began() -> None:
    charge = one(price(ground(flat("OS2x", 100)), billable(connection("OS2x", in_force_from=date(2027, 12, 31)))))

    assert charge.parts.net == kroner(100)
    assert charge.reason.year_share is None


@given(st.dates(date(2020, 1, 1), date(2027, 12, 31)), st.sampled_from(["full", "months", "days"]))
def test_pv_049_no_day_outside_the_year_changes_what_a_year_costs(in_force_from: date, first_year: str) -> None:
    table = fee_table("OS2x", annual_fee=FlatFee(kroner(80)), contribution=False, first_year=first_year)  # type: ignore[arg-type]
    agreement = connection("OS2x", in_force_from=in_force_from)

    priced = price(ground(table), billable(agreement))

    assert ZERO < net(priced) <= kroner(80)
    if in_force_from.year < 2027 or first_year == "full":
        assert net(priced) == kroner(80)


def test_a_year_that_ends_early_is_paid_in_full() -> None:
    priced = price(
        ground(flat("OS2x", 100, first_year="months")), billable(connection("OS2x", terminated_to=date(2027, 6, 30)))
    )

    assert net(priced) == kroner(100)


# --- the joining fee


def test_the_joining_fee_is_that_of_the_signing_day_and_the_size_of_that_year() -> None:
    tables = [
        fee_table(valid_from=date(2022, 1, 1), joining_fee=JOINING_BANDS),
        fee_table(valid_from=date(2024, 3, 2), joining_fee=FlatFee(kroner(1))),
    ]
    counts = {(1, 2023): Count(119_000, "FOLK1A"), (1, 2026): Count(121_000, "FOLK1A")}

    priced = price(ground(*tables), billable(connection(), counts=counts))

    joining = one(priced, Kind.JOINING_FEE)
    assert joining.parts == Parts(kroner(190_000), ZERO)
    assert joining.reason.size is not None
    assert joining.reason.size.inhabitants_on == date(2023, 1, 1)
    assert joining.reason.signed_on == date(2024, 3, 1)
    assert one(priced).parts.product == kroner(52_000)


@pytest.mark.parametrize(
    ("signed_on", "rebate", "due"),
    [
        ("2020-02-01", 0, 60_000), ("2020-02-02", 0, 120_000), ("2020-12-31", 0, 120_000), ("2021-01-01", 0, 240_000),
        ("2020-03-15", 30_000, 90_000),
    ],
)  # fmt: skip
def test_pv_008_os2mos_dated_joining_fee_and_a_rebate(signed_on: str, rebate: int, due: int) -> None:
    shipped = builders.shipped_catalogue()
    signed = date.fromisoformat(signed_on)
    agreement = connection(
        "OS2mo", signed_on=signed, countersigned_on=signed, in_force_from=signed,
        rebate=kroner(rebate), rebate_reason="medfinansierede" if rebate else None,
    )  # fmt: skip

    priced = price(Ground(2027, shipped, {}), billable(agreement))

    assert net(priced) == kroner(due)
    assert codes(priced) == [Code.NO_TABLE]  # OS2mo's annual fee is not public
    assert (Kind.REBATE in kinds(priced)) is bool(rebate)


def test_a_joining_fee_is_invoiced_once() -> None:
    tables = ground(flat("OS2x", 1_000, joining_fee=JOINING))
    agreement = connection("OS2x")
    first = price(tables, billable(agreement))
    lines = [builders.invoiced_as(charge, year=2026) for charge in first.charges if charge.kind is Kind.JOINING_FEE]

    again = price(tables, billable(agreement, invoiced=lines))

    assert kinds(first) == [Kind.ANNUAL_FEE, Kind.JOINING_FEE]
    assert kinds(again) == [Kind.ANNUAL_FEE]


def test_a_joining_fee_paid_before_this_service_is_not_due() -> None:
    agreement = connection("OS2x", invoiced_elsewhere_on=date(2024, 5, 1))

    priced = price(ground(flat("OS2x", 1_000, joining_fee=JOINING)), billable(agreement))

    assert kinds(priced) == [Kind.ANNUAL_FEE]
    assert noted(priced) == []


def test_signed_before_any_joining_fee_nothing_is_due_and_the_plan_says_so() -> None:
    tables = [flat("OS2x", 1_000), flat("OS2x", 1_000, valid_from=date(2024, 3, 2), joining_fee=JOINING)]

    priced = price(ground(*tables), billable(connection("OS2x")))

    assert kinds(priced) == [Kind.ANNUAL_FEE]
    assert (codes(priced), noted(priced)) == ([], [Code.NO_JOINING_FEE])
    assert "2. marts 2024" in messages(priced)


def test_a_product_without_a_joining_fee_needs_no_note() -> None:
    priced = price(ground(flat("OS2x", 1_000)), billable(connection("OS2x")))

    assert noted(priced) == []


def test_pv_010_a_waived_joining_fee_stands_as_two_lines_that_sum_to_zero() -> None:
    agreement = connection(exempt_reason="medfinansierede udviklingen")

    priced = price(
        ground(fee_table(joining_fee=JOINING_BANDS)), billable(agreement, inhabitants=90_000, members=[member()])
    )

    fee, waived = one(priced, Kind.JOINING_FEE), one(priced, Kind.EXEMPTION)
    assert fee.parts == Parts(kroner(190_000), ZERO)
    assert waived.parts == Parts(kroner(-190_000), ZERO)
    assert waived.reason.exemption == "medfinansierede udviklingen"
    assert one(priced).parts == Parts(kroner(42_000), kroner(3_780))


def test_a_rebate_never_goes_below_zero() -> None:
    agreement = connection("OS2x", rebate=kroner(70_000), rebate_reason="medfinansierede")

    priced = price(ground(flat("OS2x", 1_000, joining_fee=JOINING)), billable(agreement))

    assert one(priced, Kind.REBATE).parts.net == kroner(-60_000)
    assert one(priced, Kind.REBATE).reason.rebate == kroner(70_000)
    assert net(priced) == kroner(1_000)


def test_an_exemption_leaves_no_room_for_a_rebate() -> None:
    agreement = connection("OS2x", rebate=kroner(1), rebate_reason="x", exempt_reason="y")

    priced = price(ground(flat("OS2x", 1_000, joining_fee=JOINING)), billable(agreement))

    assert kinds(priced) == [Kind.ANNUAL_FEE, Kind.JOINING_FEE, Kind.EXEMPTION]


def test_a_joining_fee_that_cannot_be_priced_does_not_hold_the_annual_fee_back() -> None:
    table = flat("OS2x", 1_000, joining_fee=JOINING_BANDS)

    priced = price(ground(table), billable(connection("OS2x"), inhabitants=None))

    assert kinds(priced) == [Kind.ANNUAL_FEE]
    assert codes(priced) == [Code.NO_INHABITANTS]


# --- shared costs


def test_pv_011_a_shared_cost_is_shared_by_cvr_number() -> None:
    table = fee_table("OS2kle", annual_fee=SharedCost(kroner(300_000)), contribution=False)
    sharers = [f"1000000{nth}" for nth in range(7)]
    shared = ground(table, sharers={"OS2kle": sharers})
    payers = [payer(nth, cvr) for nth, cvr in enumerate(sharers, start=1)]

    charges = [one(price(shared, billable(connection("OS2kle", signer=who), pays=who))) for who in payers]

    assert total(charge.parts.net for charge in charges) == kroner(300_000)
    assert [charge.parts.net.ore for charge in charges] == [4_285_715] * 2 + [4_285_714] * 5
    cost = charges[2].reason.shared_cost
    assert cost is not None
    assert (cost.sharers, cost.number) == (7, 3)


def test_a_latecomer_shares_the_cost_from_next_year() -> None:
    table = fee_table("OS2kle", annual_fee=SharedCost(kroner(300_000)), contribution=False)
    agreement = connection("OS2kle", in_force_from=date(2027, 1, 2))

    priced = price(ground(table, sharers={"OS2kle": ["10000000"]}), billable(agreement))

    assert (priced.charges, codes(priced), noted(priced)) == ([], [], [Code.SHARES_FROM_NEXT_YEAR])


def test_a_cost_that_nobody_shares_is_a_problem() -> None:
    table = fee_table("OS2kle", annual_fee=SharedCost(kroner(300_000)), contribution=False)

    priced = price(ground(table), billable(connection("OS2kle", in_force_from=date(2027, 1, 2))))

    assert codes(priced) == [Code.NO_TABLE]


def test_a_passive_connection_pays_its_share_of_an_active_ones_part() -> None:
    table = fee_table(
        "OS2kle", annual_fee=SharedCost(kroner(300_000)), contribution=False, passive_share=Fraction(1, 3)
    )
    sharers = {"OS2kle": [str(10_000_000 + nth) for nth in range(10)]}

    charge = one(price(ground(table, sharers=sharers), billable(connection("OS2kle", kind=Connected.PASSIVE))))

    assert charge.parts.net == kroner(10_000)


# --- the dues


@pytest.mark.parametrize(
    ("joined_on", "due"),
    [
        ("2026-12-31", 25_000), ("2027-01-01", 25_000), ("2027-06-30", 25_000), ("2027-07-01", 25_000),
        ("2027-07-02", 12_500), ("2027-12-31", 12_500), ("2028-01-01", 0),
    ],
)  # fmt: skip
def test_pv_006_who_joins_after_1_july_pays_half(joined_on: str, due: int) -> None:
    priced = price(ground(), billable(members=[member(date.fromisoformat(joined_on), sent_to=details())]))

    assert net(priced) == kroner(due)
    assert codes(priced) == []


def test_without_a_half_day_everyone_pays_in_full() -> None:
    priced = price(
        ground(association(half_after=None)), billable(members=[member(date(2027, 12, 1), sent_to=details())])
    )

    assert net(priced) == kroner(25_000)


@pytest.mark.parametrize(("left_on", "due"), [("2027-01-01", 0), ("2027-01-02", 25_000), ("2026-12-31", 0)])
def test_dues_are_owed_by_members_on_1_january_and_never_given_back(left_on: str, due: int) -> None:
    left = member(date(2020, 1, 1), date.fromisoformat(left_on), sent_to=details())

    assert net(price(ground(), billable(members=[left]))) == kroner(due)


def test_who_leaves_and_joins_again_in_the_year_pays_once() -> None:
    members = [
        member(date(2027, 9, 1), sent_to=details()),
        member(date(2020, 1, 1), date(2027, 3, 1), sent_to=details()),
    ]

    priced = price(ground(), billable(members=members))

    assert [charge.parts.net for charge in priced.charges] == [kroner(25_000)]


def test_pv_007_indexed_dues_show_both_values() -> None:
    index = Index(Fraction(124), Fraction("128.4"), 100)

    charge = one(
        price(ground(association(index=index)), billable(members=[member(sent_to=details())])), Kind.MEMBERSHIP_DUES
    )

    assert charge.parts == Parts(ZERO, kroner(25_887))
    assert charge.reason.regulation == index


def test_dues_follow_the_vat_of_the_association_and_fees_that_of_their_table() -> None:
    exempt = Vat(Fraction(0), "VATEX-EU-132-1L forening")

    priced = price(
        ground(association(vat=exempt), fee_table()), billable(connection(), members=[member(sent_to=details())])
    )

    assert one(priced, Kind.MEMBERSHIP_DUES).vat == exempt
    assert one(priced).vat == builders.TAXED


def test_dues_go_to_the_memberships_own_receiver() -> None:
    own = details("5790002750595", person_reference="Kontingent")

    priced = price(ground(flat("OS2x", 1)), billable(connection("OS2x"), members=[member(sent_to=own)]))

    assert one(priced, Kind.MEMBERSHIP_DUES).details == own


def test_dues_without_a_receiver_go_with_the_alphabetically_first_product() -> None:
    places = {name: details(person_reference=name) for name in ("OS2b", "os2A", "OS2c")}
    tables = [flat(name, 1) for name in places]

    priced = price(
        ground(*tables), billable(*(connection(n, sent_to=to) for n, to in places.items()), members=[member()])
    )

    assert one(priced, Kind.MEMBERSHIP_DUES).details == places["os2A"]


def test_dues_with_neither_receiver_nor_product_are_a_problem() -> None:
    priced = price(ground(), billable(members=[member()]))

    assert (priced.charges, codes(priced)) == ([], [Code.NO_DUES_RECEIVER])
    assert "Vejle Kommune" in messages(priced)


# --- always


def everything() -> Billable:
    """A payer with every kind of line and some that are withheld."""
    return billable(
        connection("OS2a", exempt_reason="x"),
        connection("OS2b", rebate=kroner(1), rebate_reason="y", in_force_from=date(2027, 5, 1)),
        connection("OS2c", kind=Connected.PASSIVE),
        connection("OS2d", sent_to=None),
        connection("OS2e"),
        members=[member(date(2027, 8, 1))],
    )


def tables() -> Ground:
    """Decisions for `everything`."""
    return ground(
        fee_table("OS2a", joining_fee=JOINING_BANDS),
        fee_table("OS2b", joining_fee=JOINING, first_year="days"),
        fee_table("OS2c", passive_share=Fraction(1, 3)),
        fee_table("OS2d"),
    )


def test_every_charge_is_what_its_reason_says() -> None:
    priced = price(tables(), everything())

    assert {charge.kind for charge in priced.charges} == set(Kind)
    assert all(charge.parts == parts_of(charge.kind, charge.reason) for charge in priced.charges)


def test_no_two_charges_have_one_key_and_what_is_withheld_is_not_charged() -> None:
    priced = price(tables(), everything())

    keys = [charge.key for charge in priced.charges]
    assert len(set(keys)) == len(keys)
    assert priced.withheld.isdisjoint(keys)
    assert priced.withheld >= {"annual_fee|29189846|OS2d|2024-03-01|2027", "annual_fee|29189846|OS2e|2024-03-01|2027"}


def test_every_problem_says_what_in_both_languages() -> None:
    priced = price(tables(), everything())

    assert priced.problems
    assert all(p.message.da and p.message.en and p.message.da != p.message.en for p in priced.problems)


def test_pv_067_the_same_input_gives_the_same_charges() -> None:
    what = everything()

    one_time, other_time = price(tables(), what), price(tables(), what)

    assert one_time == other_time


def test_the_codes_are_those_of_the_contract() -> None:
    contract = {
        "no_size_key", "no_inhabitants", "no_placement", "no_table", "no_passive_share", "no_endpoint",
        "not_countersigned", "duplicate_agreement", "authority_ended", "no_dues_receiver", "invoiced_differs",
    }  # fmt: skip

    assert {code.value for code in Code} >= contract


# --- one agreement alone

_DAYS = st.dates(date(2025, 6, 1), date(2027, 12, 31))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["OS2a", "OS2b"]), st.sampled_from(Connected), _DAYS, _DAYS | st.none(), _DAYS | st.none(),
            st.booleans(),
        ),
        min_size=1,
        max_size=4,
    ),
    st.booleans(),
)  # fmt: skip
def test_an_agreement_priced_alone_costs_what_it_costs_among_the_others(rows: list[Any], is_member: bool) -> None:
    connections = [
        connection(
            product, kind=kind, signed_on=signed_on, countersigned_on=countersigned_on, in_force_from=first,
            sent_to=details() if sent else None, rebate=kroner(100), rebate_reason="Tidlig",
        )
        for product, kind, signed_on, countersigned_on, first, sent in rows
    ]  # fmt: skip
    tables = [flat("OS2a", 900, joining_fee=JOINING, passive_share=Fraction(1, 3)), flat("OS2b", 100)]
    what = billable(*connections, members=[member()] if is_member else [])

    together = price(ground(*tables), what)

    by_agreement: dict[int | None, list[Charge]] = {each.agreement_id: [] for each in together.charges}
    for charge in together.charges:
        by_agreement[charge.agreement_id].append(charge)
    for agreement in (each for each in connections if each.id in by_agreement):
        assert price_alone(ground(*tables), what, agreement).charges == by_agreement[agreement.id]
