"""A payment id must name one invoice only, and show a wrong digit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import payment_id

KNOWN_GOOD = ["000000020211041", "000000003097920", "123456789012347", "004040400000669", "000000001030105"]

fourteen_digits = st.integers(0, 10**14 - 1).map(lambda number: f"{number:014d}")
years, sequences = st.integers(1000, 9999), st.integers(1, 99_999_999)


@pytest.mark.parametrize("known", KNOWN_GOOD)
def test_a_known_good_id_is_valid_and_is_made_of_its_first_fourteen_digits(known: str) -> None:
    assert payment_id.is_valid(known)
    assert payment_id.fik_id(known[:14]) == known


@given(fourteen_digits, st.integers(0, 14), st.integers(1, 9))
def test_changing_one_digit_is_always_noticed(digits: str, at: int, by: int) -> None:
    good = payment_id.fik_id(digits)

    wrong = good[:at] + str((int(good[at]) + by) % 10) + good[at + 1 :]

    assert payment_id.is_valid(good)
    assert not payment_id.is_valid(wrong)


@pytest.mark.parametrize("wrong", ["", "00000002021104", "0000000020211041", "00000002021104x", "٠٠٠٠٠٠٠٢٠٢١١٠٤١"])
def test_an_id_that_is_not_fifteen_digits_is_not_valid(wrong: str) -> None:
    assert not payment_id.is_valid(wrong)


@pytest.mark.parametrize("wrong", ["", "1234567890123", "123456789012345", "1234567890123x"])
def test_an_id_is_not_made_of_anything_but_fourteen_digits(wrong: str) -> None:
    with pytest.raises(ValueError, match="fourteen digits"):
        payment_id.fik_id(wrong)


def test_an_invoice_number_always_gives_the_same_id() -> None:
    id = payment_id.for_invoice(2027, 42, rehearsal=False)

    assert id[:14] == "11202700000042"
    assert id == payment_id.for_invoice(2027, 42, rehearsal=False)
    assert payment_id.is_valid(id)


@given(st.tuples(years, sequences, st.booleans()), st.tuples(years, sequences, st.booleans()))
def test_two_invoices_never_share_an_id(one: tuple[int, int, bool], other: tuple[int, int, bool]) -> None:
    ids = [payment_id.for_invoice(year, sequence, rehearsal=tried) for year, sequence, tried in (one, other)]

    assert (ids[0] == ids[1]) == (one == other)


@given(years, sequences)
def test_a_rehearsal_begins_with_another_digit_than_any_real_invoice(year: int, sequence: int) -> None:
    assert payment_id.for_invoice(year, sequence, rehearsal=True)[0] == "9"
    assert payment_id.for_invoice(year, sequence, rehearsal=False)[0] == "1"


@pytest.mark.parametrize(("year", "sequence"), [(999, 1), (10_000, 1), (2027, 0), (2027, -1), (2027, 100_000_000)])
def test_a_number_that_does_not_fit_is_refused(year: int, sequence: int) -> None:
    with pytest.raises(ValueError, match="not"):
        payment_id.for_invoice(year, sequence, rehearsal=False)
