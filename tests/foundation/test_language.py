"""What people read: amounts, counts, days and shares in Danish and in English."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation import language
from foundation.language import Text, joined, same
from foundation.money import Money, kroner


@pytest.mark.parametrize(
    ("ore", "danish", "english"),
    [
        (3_488_000, "34.880,00", "34,880.00"),
        (0, "0,00", "0.00"),
        (5, "0,05", "0.05"),
        (-5, "-0,05", "-0.05"),
        (-123_456_789, "-1.234.567,89", "-1,234,567.89"),
        (99_999, "999,99", "999.99"),
        (100_000, "1.000,00", "1,000.00"),
    ],
)
def test_an_amount_has_two_decimals_and_the_marks_of_its_language(ore: int, danish: str, english: str) -> None:
    assert language.amount(Money(ore), "da") == danish
    assert language.amount(Money(ore), "en") == english


@given(st.integers(-(10**15), 10**15))
def test_an_amount_can_be_read_back_from_either_language(ore: int) -> None:
    danish, english = language.amount(Money(ore), "da"), language.amount(Money(ore), "en")

    assert int(danish.replace(".", "").replace(",", "")) == ore
    assert int(english.replace(",", "").replace(".", "")) == ore


def test_an_amount_and_its_currency_are_held_together_by_a_no_break_space() -> None:
    written = language.kroner(kroner(34880))

    assert written == Text("34.880,00\u00a0kr.", "DKK\u00a034,880.00")


def test_a_count_has_its_thousands_marked() -> None:
    assert language.whole_number(1_234_567) == Text("1.234.567", "1,234,567")
    assert language.whole_number(999) == same("999")


def test_a_day_is_written_in_words() -> None:
    assert language.day(date(2026, 1, 1)) == Text("1. januar 2026", "1 January 2026")
    assert language.day(date(2028, 2, 29)) == Text("29. februar 2028", "29 February 2028")
    assert language.day(date(2027, 5, 31)) == Text("31. maj 2027", "31 May 2027")


@pytest.mark.parametrize(
    ("value", "danish", "english"),
    [
        ("9/100", "9\u00a0%", "9%"),
        ("35/100", "35\u00a0%", "35%"),
        ("1/8", "12,5\u00a0%", "12.5%"),
        ("1/2", "50\u00a0%", "50%"),
        ("1", "100\u00a0%", "100%"),
        ("1/10", "10\u00a0%", "10%"),
        ("0", "0\u00a0%", "0%"),
        ("1/10000", "0,01\u00a0%", "0.01%"),
        ("1/3", "1/3", "1/3"),
        ("5/12", "5/12", "5/12"),
        ("236/365", "236/365", "236/365"),
    ],
)
def test_a_share_is_a_percentage_where_it_is_one_and_else_a_fraction(value: str, danish: str, english: str) -> None:
    assert language.share(Fraction(value)) == Text(danish, english)


def test_texts_are_joined_language_by_language() -> None:
    parts = [Text("to", "two"), same("3"), Text("fire", "four")]

    assert joined(parts, by=", ") == Text("to, 3, fire", "two, 3, four")
    assert joined([]) == same("")
    assert (Text("a", "b") + Text("c", "d"))["da"] == "ac"
    assert Text("a", "b")["en"] == "b"
