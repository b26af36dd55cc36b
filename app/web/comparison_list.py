"""This year beside last year as a list: its columns, which rows an address asks for, its causes as a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from app.web import memory_list
from app.web.lists import Choice, Column
from app.web.memory_list import Field, MemoryListing
from billing.causes import TITLES, Difference
from billing.comparison import Compared, Comparison
from foundation.language import Text, same
from foundation.sorting import alphabetical

_COLUMNS = (
    Column("name", Text("Myndighed", "Authority"), lambda row: row.name, link=lambda row: f"/authorities/{row.cvr}"),
    Column("last", Text("Sidste år", "Last year"), lambda row: row.last),
    Column("this", Text("I år", "This year"), lambda row: row.this),
    Column("difference", Text("Forskel", "Difference"), lambda row: row.difference),
    Column("causes", Text("Hvorfor", "Why"), lambda row: None),
)
_ORDERS: Mapping[str, Callable[[Compared], Any]] = {
    "name": lambda row: (alphabetical(row.name), row.cvr),
    "last": lambda row: row.last,
    "this": lambda row: row.this,
    "difference": lambda row: row.difference,
}


def listing(comparison: Comparison) -> MemoryListing:
    """Declare the list of a comparison; its choices are those that occur."""
    year = comparison.year
    products = sorted({*comparison.annual_fees, *comparison.joining_fees}, key=alphabetical)
    causes = [Choice(cause.value, TITLES[cause]) for cause in comparison.causes]
    return MemoryListing(
        name=f"comparison-{year}",
        caption=Text(f"{year} ved siden af {year - 1}", f"{year} beside {year - 1}"),
        columns=_COLUMNS,
        filters=(
            Field("q", Text("Navn eller CVR", "Name or CVR")),
            Field("cause", Text("Årsag", "Cause"), causes),
            Field("product", Text("Produkt med forskel", "Product that differs"),
                  [Choice(name, same(name)) for name in products]),
        ),
        sort="name",
        sortable=frozenset(_ORDERS),
        numbers=frozenset({"last", "this", "difference"}),
        empty=Text("Ingen har betalt eller skal betale i de to år.", "Nobody paid or is to pay in the two years."),
    )  # fmt: skip


def chosen(comparison: Comparison, of: MemoryListing, asked: Mapping[str, str]) -> list[Compared]:
    """Give the rows an address asks for, in its order. Raises NotFound."""
    given = memory_list.values(of, asked)
    sort, descending = memory_list.sorting(of, asked)
    rows = [row for row in comparison.rows if _fits(row, given)]
    return sorted(rows, key=_ORDERS[sort], reverse=descending)


def _fits(row: Compared, given: Mapping[str, str]) -> bool:
    words = f"{row.name} {row.cvr}".casefold()
    return (
        all(word in words for word in given["q"].casefold().split())
        and (not given["cause"] or any(one.cause == given["cause"] for one in row.differences))
        and (not given["product"] or any(one.product == given["product"] for one in row.differences))
    )


class Named(NamedTuple):
    """One named part of an authority's difference; None where nothing differs."""

    row: Compared
    part: Difference | None


def parts(rows: Sequence[Compared]) -> Iterator[Named]:
    """Give every named part; an authority that pays the same stands once."""
    return (Named(row, part) for row in rows for part in (row.differences or (None,)))


PART_COLUMNS = (
    Column("cvr", same("CVR"), lambda of: of.row.cvr),
    Column("name", Text("Myndighed", "Authority"), lambda of: of.row.name),
    Column("last", Text("Sidste år", "Last year"), lambda of: of.row.last),
    Column("this", Text("I år", "This year"), lambda of: of.row.this),
    Column("difference", Text("Forskel", "Difference"), lambda of: of.row.difference),
    Column("product", Text("Produkt", "Product"), lambda of: of.part and (of.part.product or "OS2")),
    Column("cause", Text("Årsag", "Cause"), lambda of: of.part and TITLES[of.part.cause]),
    Column("amount", Text("Heraf", "Of which"), lambda of: of.part and of.part.amount),
    Column("detail", Text("Hvad", "What"), lambda of: of.part and of.part.detail),
)
