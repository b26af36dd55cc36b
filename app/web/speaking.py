"""What templates speak with, in one language: chosen once a page, so that not each of its words asks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from foundation import language
from foundation.language import LANGUAGES, Language, Text
from foundation.money import Money
from foundation.periods import BUSINESS_ZONE

Speaking = dict[str, Callable[..., Any]]


def _speaking(spoken: Language) -> Speaking:
    """Give the words of one language by the names that templates use."""

    def say(text: Text) -> str:
        return text[spoken]

    def t(danish: str, english: str) -> str:
        return danish if spoken == "da" else english

    def kroner(value: Money | int) -> str:
        return language.kroner(_money(value))[spoken]

    def amount(value: Money | int) -> str:
        return language.amount(_money(value), spoken)

    def day(value: date) -> str:
        return language.day(value)[spoken]

    def count(value: int) -> str:
        return language.whole_number(value)[spoken]

    def moment(value: datetime) -> str:
        return _on_the_clock(value)[spoken]

    return {
        "say": say, "t": t, "kroner": kroner, "amount": amount, "day": day, "count": count,
        "moment": moment, "spoken": lambda: spoken,
    }  # fmt: skip


def _money(value: Money | int) -> Money:
    return value if isinstance(value, Money) else Money(value)


def _on_the_clock(value: datetime) -> Text:
    """Write an instant as the clock on the wall in Copenhagen showed it."""
    local = value.astimezone(BUSINESS_ZONE)
    day = language.day(local.date())
    return Text(f"{day.da} kl. {local:%H.%M}", f"{day.en} at {local:%H.%M}")


#: Made once: a page only chooses.
IN: Mapping[Language, Speaking] = {spoken: _speaking(spoken) for spoken in LANGUAGES}
