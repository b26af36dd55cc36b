"""What people read, in Danish and in English, made side by side so that neither can be forgotten."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from foundation.money import ORE_PER_KRONE, Money

Language = Literal["da", "en"]
LANGUAGES: tuple[Language, ...] = ("da", "en")

# The same few amounts and days stand on every line of a year.
_KEPT = 4096

_MONTHS: dict[Language, tuple[str, ...]] = {
    "da": ("januar", "februar", "marts", "april", "maj", "juni",
           "juli", "august", "september", "oktober", "november", "december"),
    "en": ("January", "February", "March", "April", "May", "June",
           "July", "August", "September", "October", "November", "December"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Text:
    """One message in both languages."""

    da: str
    en: str

    def __getitem__(self, language: Language) -> str:
        return self.da if language == "da" else self.en

    def __add__(self, other: Text) -> Text:
        return Text(self.da + other.da, self.en + other.en)


def same(words: str) -> Text:
    """Give a text that is the same in both languages (a name, a number)."""
    return Text(words, words)


def joined(parts: Iterable[Text], by: str = "") -> Text:
    """Join texts, language by language."""
    listed = list(parts)
    return Text(by.join(part.da for part in listed), by.join(part.en for part in listed))


def amount(value: Money, language: Language) -> str:
    """Write an amount with two decimals: 34.880,00 in Danish, 34,880.00 in English."""
    whole, ore = divmod(abs(value.ore), ORE_PER_KRONE)
    digits = f"{whole:,}.{ore:02d}"
    if language == "da":
        digits = digits.translate(_DANISH_MARKS)
    return f"-{digits}" if value.ore < 0 else digits


_DANISH_MARKS = str.maketrans(",.", ".,")


@lru_cache(_KEPT)
def kroner(value: Money) -> Text:
    """Write an amount with its currency; the space does not break."""
    return Text(f"{amount(value, 'da')}\u00a0kr.", f"DKK\u00a0{amount(value, 'en')}")


@lru_cache(_KEPT)
def whole_number(value: int) -> Text:
    """Write a count with thousands marked."""
    digits = f"{value:,}"
    return Text(digits.replace(",", "."), digits)


@lru_cache(_KEPT)
def day(value: date) -> Text:
    """Write a day in words: 1. januar 2026, 1 January 2026."""
    return Text(
        f"{value.day}. {_MONTHS['da'][value.month - 1]} {value.year}",
        f"{value.day} {_MONTHS['en'][value.month - 1]} {value.year}",
    )


def month_name(number: int) -> Text:
    """Name a month of the year: januar, January."""
    return Text(*(_MONTHS[language][number - 1] for language in LANGUAGES))


def month(value: date) -> Text:
    """Write a day's month in words: januar 2026, January 2026."""
    return Text(*(f"{_MONTHS[language][value.month - 1]} {value.year}" for language in LANGUAGES))


def share(value: Fraction) -> Text:
    """Write a share as a percentage where it is one to the hundredth, else as a fraction: 9 %, 12,5 %, 1/3."""
    hundredths = value * 10_000
    if hundredths.denominator != 1:
        return same(f"{value.numerator}/{value.denominator}")
    whole, rest = divmod(int(hundredths), 100)
    digits = f"{whole}.{rest:02d}".rstrip("0").rstrip(".")
    return Text(digits.replace(".", ",") + "\u00a0%", digits + "%")
