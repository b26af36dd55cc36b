"""Lists of what is in memory already (a plan, a comparison): they look and work like those of the database.

The address holds filter and sort, and what stands in it is checked the same way: an order or a page that the list does
not have is not found, and a choice that it does not have chooses nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from app.web import lists
from app.web.lists import Choice, Column, Page
from foundation import money
from foundation.errors import NotFound, Refused
from foundation.language import Language, Text
from foundation.money import Money

_LONGEST_SEARCH = 200
_AMOUNTS: dict[Language, re.Pattern[str]] = {
    "da": re.compile(r"(-?)([0-9]{1,3}(?:\.[0-9]{3})+|[0-9]{1,10})(?:,([0-9]{1,2}))?"),
    "en": re.compile(r"(-?)([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,10})(?:\.([0-9]{1,2}))?"),
}


class NotAnAmount(Refused):
    """What was written is no amount in the language of the page."""


@dataclass(frozen=True, slots=True)
class Field:
    """One filter: a search field, or a choice where `choices` are given, also of nothing."""

    key: str
    title: Text
    choices: Sequence[Choice] | None = None


@dataclass(frozen=True, slots=True)
class MemoryListing:
    """A list as a page declares it."""

    name: str
    caption: Text
    columns: Sequence[Column]
    filters: Sequence[Field]
    sort: str
    sortable: frozenset[str]
    numbers: frozenset[str]
    empty: Text


def values(listing: MemoryListing, asked: Mapping[str, str]) -> dict[str, str]:
    """Read the filters from an address."""
    found = {field.key: asked.get(field.key, "").strip()[:_LONGEST_SEARCH] for field in listing.filters}
    for field in listing.filters:
        if field.choices is not None and found[field.key] not in {choice.value for choice in field.choices}:
            found[field.key] = ""
    return found


def sorting(listing: MemoryListing, asked: Mapping[str, str]) -> tuple[str, bool]:
    """Read from an address by which column, and whether the other way round. Raises NotFound."""
    sort = asked.get("sort") or listing.sort
    if sort.removeprefix("-") not in listing.sortable:
        raise NotFound(Text("Listen kan ikke sorteres sådan", "The list cannot be sorted like that"))
    return sort.removeprefix("-"), sort.startswith("-")


def page(listing: MemoryListing, rows: Sequence[Any], asked: Mapping[str, str]) -> Page:
    """Give the page of the rows that an address asks for. Raises NotFound for one that there is not."""
    number = lists.page_number(asked.get("page", "1"))
    start = (number - 1) * lists.ROWS_A_PAGE
    shown, sort = rows[start : start + lists.ROWS_A_PAGE], asked.get("sort") or listing.sort
    # A page asks a listing for its words only; where its rows come from does not matter to it.
    found = Page(cast(Any, listing), shown, len(rows), number, sort, values(listing, asked))
    if number > found.pages:
        raise NotFound(Text("Listen har ikke så mange sider", "The list has not that many pages"))
    return found


def amount(given: str, spoken: Language) -> Money | None:
    """Read kroner as the page's language writes them; None where nothing is written. Raises NotAnAmount."""
    words = given.replace("\u00a0", "").replace(" ", "")
    if not words:
        return None
    found = _AMOUNTS[spoken].fullmatch(words)
    if found is None:
        raise NotAnAmount(
            Text(
                f"»{given}« er ikke et beløb. Skriv kroner som 12.500 eller 12.500,50",
                f'"{given}" is not an amount. Write kroner like 12,500 or 12,500.50',
            )
        )
    sign, whole, ore = found.groups()
    digits = int(re.sub(r"[.,]", "", whole)) * money.ORE_PER_KRONE + int((ore or "0").ljust(2, "0"))
    return Money(-digits if sign else digits)
