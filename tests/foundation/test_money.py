"""Money: whole øre only, rounding half up with a name, and splits whose parts always add up."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import lcm

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.money import ZERO, Money, apportion, half_up, kroner, split, total

amounts = st.integers(-(10**12), 10**12)
weights = st.lists(st.integers(0, 10**6), min_size=1, max_size=30).filter(any)
fractions = st.fractions(min_value=-(10**9), max_value=10**9, max_denominator=10**6)


@pytest.mark.parametrize("value", [1.0, 0.1, True, False, Decimal(1), "1", None, Fraction(1)])
def test_money_refuses_what_is_not_a_whole_number_of_ore(value: object) -> None:
    with pytest.raises(TypeError, match="whole øre"):
        Money(value)  # type: ignore[arg-type]


def test_money_cannot_be_changed() -> None:
    amount = Money(100)

    with pytest.raises(AttributeError):
        amount.ore = 200  # type: ignore[misc]


def test_money_adds_subtracts_negates_and_compares() -> None:
    assert Money(150) + Money(50) == kroner(2)
    assert Money(150) - Money(200) == Money(-50)
    assert -Money(7) == Money(-7)
    assert Money(-1) < ZERO < Money(1)
    assert not ZERO
    assert Money(-1)


def test_nothing_sums_to_zero() -> None:
    assert total([]) == ZERO
    assert total([Money(1), Money(-3), Money(5)]) == Money(3)


@pytest.mark.parametrize(
    ("exact", "rounded"),
    [
        ("1/2", 1), ("-1/2", -1), ("49/100", 0), ("-49/100", 0), ("3/2", 2), ("-3/2", -2), ("5/2", 3),
        ("-5/2", -3), ("249/100", 2), ("0", 0), ("7", 7), ("-7", -7), ("1/3", 0), ("-2/3", -1),
    ],
)  # fmt: skip
def test_half_up_rounds_a_half_away_from_zero(exact: str, rounded: int) -> None:
    assert half_up(Fraction(exact)) == rounded


@given(fractions)
def test_half_up_of_the_opposite_is_the_opposite_and_never_further_than_a_half(exact: Fraction) -> None:
    rounded = half_up(exact)

    assert half_up(-exact) == -rounded
    assert abs(rounded - exact) <= Fraction(1, 2)


def test_pv_043_a_factor_is_never_rounded() -> None:
    part = kroner(100).scaled(Fraction(236, 365))

    assert part == Money(6466)


@given(amounts, st.fractions(min_value=0, max_value=2, max_denominator=1000))
def test_scaling_is_exact_to_half_an_ore(ore: int, factor: Fraction) -> None:
    scaled = Money(ore).scaled(factor)

    assert abs(scaled.ore - ore * factor) <= Fraction(1, 2)
    assert Money(-ore).scaled(factor) == -scaled


def test_pv_051_a_split_in_four_adds_up() -> None:
    parts = split(Money(158_735), [1, 1, 1, 1])

    assert [part.ore for part in parts] == [39_684, 39_684, 39_684, 39_683]


@given(amounts, weights)
def test_the_parts_of_a_split_add_up_and_each_is_less_than_an_ore_from_exact(ore: int, by: list[int]) -> None:
    parts = split(Money(ore), by)

    assert total(parts) == Money(ore)
    for part, weight in zip(parts, by, strict=True):
        assert abs(part.ore - Fraction(ore * weight, sum(by))) < 1


@given(amounts, st.integers(1, 100))
def test_equal_weights_give_parts_at_most_an_ore_apart_the_larger_first(ore: int, count: int) -> None:
    parts = [part.ore for part in split(Money(ore), [1] * count)]

    assert max(parts) - min(parts) <= 1
    assert parts == sorted(parts, reverse=True)


@given(amounts, weights)
def test_a_part_without_weight_is_nothing(ore: int, by: list[int]) -> None:
    parts = split(Money(ore), [*by, 0])

    assert parts[-1] == ZERO


@pytest.mark.parametrize("by", [[], [0], [0, 0], [1, -1], [2, -1]])
def test_a_split_refuses_weights_that_say_nothing(by: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        split(kroner(1), by)


def over_one(exact: list[Fraction]) -> tuple[list[int], int]:
    """Write exact parts over one denominator, as `apportion` takes them."""
    over = lcm(*(part.denominator for part in exact))
    return [int(part * over) for part in exact], over


@given(st.lists(fractions, min_size=1, max_size=20))
def test_apportioned_parts_add_up_to_the_rounded_sum(exact: list[Fraction]) -> None:
    whole = Money(half_up(sum(exact, Fraction(0))))

    parts = apportion(whole, *over_one(exact))

    assert total(parts) == whole
    assert all(abs(part.ore - of) < 1 for part, of in zip(parts, exact, strict=True))


@given(st.lists(fractions, min_size=2, max_size=20))
def test_a_larger_remainder_is_never_passed_over_for_a_smaller_one(exact: list[Fraction]) -> None:
    parts = apportion(Money(half_up(sum(exact, Fraction(0)))), *over_one(exact))

    raised = [of % 1 for part, of in zip(parts, exact, strict=True) if part.ore > of]
    lowered = [of % 1 for part, of in zip(parts, exact, strict=True) if part.ore < of]
    assert not raised or not lowered or min(raised) >= max(lowered)


def test_of_equal_remainders_the_earlier_part_is_raised() -> None:
    parts = apportion(Money(2), [1, 1, 1, 1], 2)

    assert [part.ore for part in parts] == [1, 1, 0, 0]


@pytest.mark.parametrize("ore", [-1, 5, 100])
def test_apportioning_refuses_a_whole_that_rounding_does_not_explain(ore: int) -> None:
    with pytest.raises(ValueError, match="rounded sum"):
        apportion(Money(ore), [1, 1, 1], 3)
