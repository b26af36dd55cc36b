"""Fees from their reasons: the published figures, every form of fee, and recomputing from the JSON alone."""

from __future__ import annotations

import json
from datetime import date
from fractions import Fraction
from math import floor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fee_tables.calculation import (
    CostShare,
    Kind,
    Parts,
    Placement,
    Reason,
    Size,
    parts_of,
    reason_from_json,
    reason_json,
    share_of_cost,
)
from fee_tables.table import BandFee, DatedFee, FeeTable, Index, TableReference
from foundation.money import ZERO, Money, kroner, total
from tests import builders

BANDS = ("small", "medium", "large", "very_large")
MEMBER, NON_MEMBER = Fraction(9, 100), Fraction(35, 100)


def shipped(name: str) -> FeeTable:
    """A shipped fee table."""
    table = builders.shipped(name)
    assert isinstance(table, FeeTable)
    return table


def valghalla(band: str) -> Money:
    """The annual fee of OS2valghalla for a band, from the shipped table."""
    fee = shipped("os2valghalla_2023").annual_fee
    assert isinstance(fee, BandFee)
    return fee.amounts[band]


def dues(index: Index | None = None, year_share: Fraction | None = None, base: Money | None = None) -> Money:
    """The dues by a reason."""
    reason = builders.reason(base or kroner(25000), regulation=index, year_share=year_share)
    return parts_of(Kind.MEMBERSHIP_DUES, reason).net


# --- recomputing with an arithmetic of our own: fractions, and the rules as the contract says them


def rounded(exact: Fraction) -> int:
    """Half up to the øre; the opposite of an amount is rounded to its opposite."""
    return floor(exact + Fraction(1, 2)) if exact >= 0 else -floor(-exact + Fraction(1, 2))


def recomputed(kind: str, written: dict[str, Any]) -> tuple[int, int]:
    """Compute the product's and the association's øre from a reason's JSON and nothing else."""
    base = Fraction(written["base_ore"])
    year = Fraction(written.get("year_share", "1"))
    if kind == "rebate":
        return -min(written["rebate_ore"], written["base_ore"]), 0
    if kind == "exemption":
        return -written["base_ore"], 0
    if kind == "membership_dues":
        if "index" in written:
            index = written["index"]
            step = index["round_to_ore"]
            base = Fraction(rounded(base * Fraction(index["new"]) / Fraction(index["old"]) / step) * step)
        return 0, rounded(base * year)
    yearly = year * Fraction(written.get("passive_share", "1")) if kind == "annual_fee" else Fraction(1)
    product = rounded(base * yearly)
    return product, rounded(product * Fraction(written.get("contribution_share", "0")))


words = st.text(st.characters(codec="utf-8"), max_size=20)
days = st.dates(date(2000, 1, 1), date(2100, 1, 1))
shares = st.fractions(min_value=0, max_value=1, max_denominator=366)
index_values = st.integers(1, 10**9).map(lambda value: Fraction(value, 10**6))
moneys = st.integers(0, 10**11).map(Money)
references = st.builds(
    TableReference,
    product=words,
    valid_from=days,
    decided_on=days,
    decided_by=words,
    source=words,
    digest=words,
    made_up=st.booleans(),
)
sizes = st.one_of(
    st.builds(
        Size,
        band=st.sampled_from(BANDS),
        inhabitants=st.integers(0, 10**6),
        inhabitants_on=days,
        inhabitants_source=words,
    ),
    st.builds(
        lambda placed: Size(placed.band, placement=placed),
        st.builds(Placement, band=st.sampled_from(BANDS), valid_from=days, decided_by=words, reason=words),
    ),
)
reasons = st.builds(
    Reason,
    table=references,
    base=moneys,
    size=st.none() | sizes,
    member=st.none() | st.booleans(),
    contribution_share=st.none() | shares,
    year_share=st.none() | shares.filter(bool),
    passive_share=st.none() | shares,
    regulation=st.none() | st.builds(Index, old=index_values, new=index_values, round_to=st.sampled_from([1, 100])),
    shared_cost=st.none() | st.builds(CostShare, cost=moneys, sharers=st.integers(1, 98), number=st.integers(1, 98)),
    exemption=st.none() | words,
    rebate=st.none() | moneys,
    rebate_reason=st.none() | words,
    signed_on=st.none() | days,
    in_force_from=st.none() | days,
    joined_on=st.none() | days,
)


@given(reasons, st.sampled_from(Kind))
def test_a_reason_written_to_json_and_read_back_is_the_same_reason_with_the_same_parts(
    reason: Reason, kind: Kind
) -> None:
    text = json.dumps(reason_json(reason))

    read = reason_from_json(json.loads(text))

    assert read == reason
    assert parts_of(kind, read) == parts_of(kind, reason)


@given(reasons, st.sampled_from(Kind))
def test_the_json_of_a_reason_alone_gives_the_amount(reason: Reason, kind: Kind) -> None:
    if kind is Kind.REBATE and reason.rebate is None:
        return
    written = json.loads(json.dumps(reason_json(reason)))

    product, association = recomputed(kind.value, written)

    assert parts_of(kind, reason) == Parts(Money(product), Money(association))


@given(reasons)
def test_no_rounding_moves_a_part_by_more_than_half_an_ore(reason: Reason) -> None:
    parts = parts_of(Kind.ANNUAL_FEE, reason)

    passive = Fraction(1) if reason.passive_share is None else reason.passive_share
    exact = reason.base.ore * (reason.year_share or Fraction(1)) * passive
    assert abs(parts.product.ore - exact) <= Fraction(1, 2)
    assert abs(parts.association.ore - parts.product.ore * (reason.contribution_share or Fraction(0))) <= Fraction(1, 2)


def test_what_does_not_apply_is_left_out_of_the_json() -> None:
    written = reason_json(builders.reason())

    assert set(written) == {"table", "base_ore"}
    assert set(written["table"]) == {"product", "valid_from", "decided_on", "decided_by", "source", "digest"}


def test_the_json_names_what_the_contract_names() -> None:
    size = Size("medium", 47218, date(2026, 1, 1), "FOLK1A")
    placed = Size("large", placement=builders.placement())

    counted = reason_json(builders.reason(size=size, member=True, contribution_share=MEMBER))
    judged = reason_json(builders.reason(size=placed))

    assert counted["band"] == "medium"
    assert (counted["inhabitants"], counted["inhabitants_on"]) == (47218, "2026-01-01")
    assert counted["inhabitants_source"] == "FOLK1A"
    assert (counted["member"], counted["contribution_share"]) == (True, "9/100")
    assert judged["placement"]["decided_by"] == "sekretariatet"
    assert "inhabitants" not in judged


# --- the published figures


@pytest.mark.parametrize(
    ("share", "prices"),
    [(MEMBER, (23_980, 34_880, 45_780, 56_680)), (NON_MEMBER, (29_700, 43_200, 56_700, 70_200))],
)
def test_pv_001_the_price_is_the_published_one_to_the_krone(share: Fraction, prices: tuple[int, ...]) -> None:
    computed = [
        parts_of(Kind.ANNUAL_FEE, builders.reason(valghalla(band), contribution_share=share)).net for band in BANDS
    ]

    assert computed == [kroner(price) for price in prices]


def test_pv_002_the_products_share_is_equal_for_members_and_others() -> None:
    member, other = (
        parts_of(Kind.ANNUAL_FEE, builders.reason(valghalla("small"), contribution_share=share))
        for share in (MEMBER, NON_MEMBER)
    )

    assert member == Parts(kroner(22000), kroner(1980))
    assert other == Parts(kroner(22000), kroner(7700))


def test_pv_006_half_the_dues_are_half() -> None:
    assert dues() == kroner(25000)
    assert dues(year_share=Fraction(1, 2)) == kroner(12500)
    assert dues(year_share=Fraction(1, 2), base=Money(2_500_001)) == Money(1_250_001)


def test_pv_007_the_index_regulates_the_dues_with_both_roundings() -> None:
    old, new = Fraction("124.0"), Fraction("128.4")

    assert dues(Index(old, new, 100)) == kroner(25887)
    assert dues(Index(old, new, 1)) == Money(2_588_710)


def test_pv_007_the_reason_shows_both_index_values() -> None:
    written = reason_json(builders.reason(kroner(25000), regulation=Index(Fraction("124.0"), Fraction("128.4"), 100)))

    assert written["index"] == {"old": "124", "new": "128.4", "round_to_ore": 100}


def test_indexed_dues_are_rounded_before_they_are_halved() -> None:
    index = Index(Fraction("124.0"), Fraction("128.4"), 100)

    assert dues(index, Fraction(1, 2)) == Money(1_294_350)


def test_an_index_half_way_is_rounded_up() -> None:
    assert dues(Index(Fraction(2), Fraction(3), 100), base=Money(300)) == Money(500)


@pytest.mark.parametrize(
    ("signed_on", "fee"),
    [("2020-02-01", 60_000), ("2020-02-02", 120_000), ("2020-12-31", 120_000), ("2021-01-01", 240_000)],
)
def test_pv_008_the_joining_fee_depends_on_the_day_of_signing(signed_on: str, fee: int) -> None:
    joining = shipped("os2mo_2019").joining_fee

    assert isinstance(joining, DatedFee)
    assert joining.on(date.fromisoformat(signed_on)) == kroner(fee)


def test_pv_008_a_rebate_takes_from_the_joining_fee() -> None:
    reason = builders.reason(kroner(120_000), rebate=kroner(30_000), rebate_reason="medfinansierede")

    charged = parts_of(Kind.JOINING_FEE, reason).net + parts_of(Kind.REBATE, reason).net

    assert charged == kroner(90_000)


@given(moneys, moneys)
def test_a_rebate_never_takes_more_than_the_fee(base: Money, rebate: Money) -> None:
    reason = builders.reason(base, rebate=rebate)

    charged = parts_of(Kind.JOINING_FEE, reason).net + parts_of(Kind.REBATE, reason).net

    assert charged == max(base - rebate, ZERO)


@given(moneys)
def test_pv_010_an_exemption_takes_the_whole_fee_away_again(base: Money) -> None:
    reason = builders.reason(base, exemption="medfinansierede")

    assert parts_of(Kind.JOINING_FEE, reason) == Parts(base, ZERO)
    assert parts_of(Kind.EXEMPTION, reason) == -parts_of(Kind.JOINING_FEE, reason)


def test_a_joining_fee_is_never_a_share_of_itself() -> None:
    reason = builders.reason(kroner(70_000), year_share=Fraction(1, 2), passive_share=Fraction(1, 3))

    assert parts_of(Kind.JOINING_FEE, reason) == Parts(kroner(70_000), ZERO)


def test_pv_011_a_shared_cost_is_shared_equally() -> None:
    cost = kroner(300_000)

    assert {share_of_cost(cost, 10, number).ore for number in range(1, 11)} == {3_000_000}
    assert {share_of_cost(cost, 12, number).ore for number in range(1, 13)} == {2_500_000}


def test_pv_011_seven_shares_sum_exactly() -> None:
    shared = [share_of_cost(kroner(300_000), 7, number) for number in range(1, 8)]

    assert total(shared) == kroner(300_000)
    assert {part.ore for part in shared} == {4_285_714, 4_285_715}


@given(moneys, st.integers(1, 120))
def test_a_shared_cost_always_adds_up(cost: Money, sharers: int) -> None:
    shared = [share_of_cost(cost, sharers, number) for number in range(1, sharers + 1)]

    assert total(shared) == cost


def test_pv_042_a_first_year_pays_its_share_and_the_contribution_follows() -> None:
    reason = builders.reason(kroner(100), year_share=Fraction(1, 2), contribution_share=MEMBER)

    assert parts_of(Kind.ANNUAL_FEE, reason) == Parts(kroner(50), Money(450))


def test_pv_043_the_factor_is_kept_whole() -> None:
    reason = builders.reason(kroner(100), year_share=Fraction(236, 365))

    assert parts_of(Kind.ANNUAL_FEE, reason).product == Money(6466)


def test_all_shares_are_multiplied_before_one_rounding() -> None:
    reason = builders.reason(Money(100), year_share=Fraction(1, 2), passive_share=Fraction(1, 3))

    assert parts_of(Kind.ANNUAL_FEE, reason).product == Money(17)


def test_the_contribution_is_taken_of_the_rounded_part() -> None:
    reason = builders.reason(Money(101), year_share=Fraction(1, 2), contribution_share=NON_MEMBER)

    assert parts_of(Kind.ANNUAL_FEE, reason) == Parts(Money(51), Money(18))


def test_a_passive_share_of_nothing_is_nothing() -> None:
    reason = builders.reason(kroner(100), passive_share=Fraction(0), contribution_share=MEMBER)

    assert parts_of(Kind.ANNUAL_FEE, reason) == Parts(ZERO, ZERO)


@pytest.mark.parametrize("wrong", [{}, {"table": {}}, {"base_ore": 1}])
def test_what_is_no_reason_is_not_read_as_one(wrong: dict[str, Any]) -> None:
    with pytest.raises((KeyError, ValueError)):
        reason_from_json(wrong)


def test_pv_016_all_municipalities_as_members_of_os2valghalla_come_to_the_known_sums() -> None:
    rows = [row for row in builders.register_rows("population") if row["kommunekode"] != "0411"]
    key = builders.size_key()

    sums = {}
    for year in (2023, 2024):
        counted = [int(row["population"]) for row in rows if row["year"] == str(year - 1)]
        fees = [valghalla(key.band_of(count).name) for count in counted]
        parts = [parts_of(Kind.ANNUAL_FEE, builders.reason(fee, contribution_share=MEMBER)) for fee in fees]
        sums[year] = (total(part.product for part in parts), total(part.association for part in parts))

    assert sums == {
        2023: (kroner(3_256_000), kroner(293_040)),
        2024: (kroner(3_266_000), kroner(293_940)),
    }


def test_a_kind_is_one_of_the_contracts_words() -> None:
    assert [kind.value for kind in Kind] == ["annual_fee", "joining_fee", "membership_dues", "rebate", "exemption"]
