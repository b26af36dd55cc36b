"""Amounts as people write them, in the language of the page; what is no amount is refused, never guessed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web import memory_list
from app.web.memory_list import NotAnAmount
from foundation import language
from foundation.language import LANGUAGES, Language
from foundation.money import Money


@pytest.mark.parametrize(
    ("words", "spoken", "ore"),
    [
        ("12500", "da", 1_250_000), ("12.500", "da", 1_250_000), ("12.500,5", "da", 1_250_050), ("-1,05", "da", -105),
        ("1.234.567,89", "da", 123_456_789), (" 12 500 ", "da", 1_250_000), ("12,500.50", "en", 1_250_050),
        ("12.5", "en", 1_250), ("0", "en", 0),
    ],
)  # fmt: skip
def test_an_amount_is_read_as_the_language_writes_it(words: str, spoken: Language, ore: int) -> None:
    assert memory_list.amount(words, spoken) == Money(ore)


@pytest.mark.parametrize("words", ["12.5", "1.2.3", "12,500.50", "12,345", "1e9", "٣", "--1", "12 kr", "9" * 30, "NaN"])
def test_what_is_no_danish_amount_is_refused(words: str) -> None:
    with pytest.raises(NotAnAmount):
        memory_list.amount(words, "da")


def test_nothing_written_asks_for_nothing() -> None:
    assert memory_list.amount(" ", "da") is None


@given(ore=st.integers(-(10**11), 10**11), spoken=st.sampled_from(LANGUAGES))
def test_every_amount_a_page_writes_can_be_written_back(ore: int, spoken: Any) -> None:
    assert memory_list.amount(language.amount(Money(ore), spoken), spoken) == Money(ore)
