"""The text of an agreement as a value: sections of clauses, in Danish with English as help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from foundation.language import Text

#: What an agreement is on: a product, or membership of the association.
TemplateName = Literal["connection", "membership"]


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause. Its `id` stays the same from version to version, so that the two can be compared."""

    id: str
    text: Text


@dataclass(frozen=True, slots=True)
class Section:
    """Clauses under a heading."""

    heading: Text
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class NoticeTerms:
    """How the agreement is ended: so many months' notice, to the end of a calendar year, of a month, or to the day."""

    months: int
    ends: Literal["year", "month", "day"]


def notice_words(notice: NoticeTerms) -> Text:
    """Say how an agreement is ended, to stand behind "with"."""
    months = notice.months
    if notice.ends == "day" and not months:
        return Text("virkning fra den dag, opsigelsen er registreret", "effect from the day the notice is registered")
    ends = {
        "year": Text(" til udgangen af et kalenderår", " to the end of a calendar year"),
        "month": Text(" til udgangen af en måned", " to the end of a month"),
        "day": Text("", ""),
    }[notice.ends]
    unit = "month's" if months == 1 else "months'"
    named = Text(f"{months} måneds varsel" if months == 1 else f"{months} måneders varsel", f"{months} {unit} notice")
    return (named if months else Text("virkning", "effect")) + ends
