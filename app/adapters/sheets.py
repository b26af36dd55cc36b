"""What a spreadsheet's cells hold as text: amounts as Danish programs read them, and words that compute nothing."""

from __future__ import annotations

from foundation.money import ORE_PER_KRONE, Money

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def decimal(value: Money) -> str:
    """Write an amount with a decimal comma and nothing else: -1234,50."""
    whole, ore = divmod(abs(value.ore), ORE_PER_KRONE)
    return f"{'-' if value.ore < 0 else ''}{whole},{ore:02d}"


def neutral(words: str) -> str:
    """Keep a spreadsheet from reading a text as a formula: a quote mark before what would start one."""
    return f"'{words}" if words.startswith(_FORMULA_STARTS) else words
