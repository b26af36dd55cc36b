"""Check digits: CVR by modulus 11, GLN by GS1; a wrong one is refused in words that help."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation import identifiers
from tests import builders

_CVR_WEIGHTS = (2, 7, 6, 5, 4, 3, 2, 1)


@pytest.mark.parametrize("number", ["41849983", "64942212", "29189846"])
def test_a_real_cvr_number_is_right(number: str) -> None:
    assert identifiers.cvr_fault(number) is None


def test_every_shipped_authority_has_a_right_cvr_number() -> None:
    rows = builders.register_rows("authorities")

    wrong = [row["cvr"] for row in rows if identifiers.cvr_fault(row["cvr"]) is not None]

    assert wrong == []


@given(st.integers(10_000_000, 99_999_999))
def test_a_cvr_number_is_right_exactly_where_modulus_11_says_so(value: int) -> None:
    number = str(value)
    weighted = sum(weight * int(digit) for weight, digit in zip(_CVR_WEIGHTS, number, strict=True))

    fault = identifiers.cvr_fault(number)

    assert (fault is None) is (weighted % 11 == 0)
    assert identifiers.is_cvr_shaped(number)
    if fault is not None:
        assert "modulus 11" in fault.da
        assert number in fault.en


@pytest.mark.parametrize(
    "number",
    ["", "4184998", "418499830", "4184998x", "DK41849983", "01849983", " 4184998", "41 84 99", "４１８４９９８３"],
)
def test_what_is_not_eight_digits_is_no_cvr_number(number: str) -> None:
    fault = identifiers.cvr_fault(number)

    assert fault is not None
    assert "otte cifre" in fault.da
    assert "eight digits" in fault.en
    assert not identifiers.is_cvr_shaped(number)


@pytest.mark.parametrize("number", ["5790002750595", "2996494221206"])
def test_a_real_gln_is_right(number: str) -> None:
    assert identifiers.gln_fault(number) is None


@given(st.integers(0, 10**12 - 1))
def test_exactly_one_last_digit_makes_a_gln_right_and_a_wrong_one_is_told_it(value: int) -> None:
    first = f"{value:012d}"
    weighted = sum(int(digit) * (3 if at % 2 else 1) for at, digit in enumerate(first))
    right = first + str(-weighted % 10)

    faults = {digit: identifiers.gln_fault(first + digit) for digit in "0123456789"}

    assert [first + digit for digit, fault in faults.items() if fault is None] == [right]
    assert all(right in fault.en and right in fault.da for fault in faults.values() if fault is not None)


@pytest.mark.parametrize(
    "number", ["", "579000275059", "57900027505950", "579000275059x", "５７９０００２７５０５９５"]
)
def test_what_is_not_thirteen_digits_is_no_gln(number: str) -> None:
    fault = identifiers.gln_fault(number)

    assert fault is not None
    assert "tretten cifre" in fault.da
    assert "thirteen digits" in fault.en
