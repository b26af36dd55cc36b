"""The products and their prices as a list: what each costs now and next year, since when, and who uses it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote

from app.web import memory_list
from app.web.lists import Choice, Column
from app.web.memory_list import Field, MemoryListing
from fee_tables import facts
from fee_tables.catalogue import Catalogue
from fee_tables.table import FeeTable
from foundation import periods
from foundation.language import Text, same
from foundation.sorting import alphabetical

_AS_NOW = Text("som nu", "as now")
_NO_TABLE = Text("intet takstblad", "no fee table")
_MISSING = Text("mangler", "missing")


@dataclass(frozen=True, slots=True)
class Product:
    """One product with its tables; who uses it and its account only for those who may know."""

    name: str
    now: FeeTable | None
    coming: FeeTable | None
    joining: FeeTable | None
    account: str | None
    connected: int

    @property
    def is_new(self) -> bool:
        """Tell whether another table counts next year."""
        return self.coming is not None and self.coming is not self.now

    @property
    def next(self) -> Text:
        """Give next year's fee."""
        if self.coming is not None and self.is_new:
            return facts.amount_of(self.coming.annual_fee) + Text(" (ny)", " (new)")
        return _AS_NOW if self.now else same("")


def products(
    known: Catalogue, accounts: Mapping[str, str | None], connected: Mapping[str, int] | None, today: date
) -> list[Product]:
    """Give all products with what they cost today and next year."""
    next_day = periods.new_year(today.year + 1)
    return [
        Product(name, known.annual_table(name, today), known.annual_table(name, next_day),
                known.joining_table(name, today), account, (connected or {}).get(name, 0))
        for name, account in accounts.items()
    ]  # fmt: skip


_ORDERS: Mapping[str, Callable[[Product], Any]] = {
    "name": lambda row: alphabetical(row.name),
    "since": lambda row: (row.now is not None, row.now.reference.valid_from if row.now else date.min),
    "account": lambda row: row.account or "",
    "connected": lambda row: row.connected,
}
_STATES: Mapping[str, tuple[Text, Callable[[Product], bool]]] = {
    "new": (Text("Nye takster næste år", "New prices next year"), lambda row: row.is_new),
    "missing": (Text("Uden takstblad", "Without a fee table"), lambda row: row.now is None),
}


def listing(today: date, *, sees_numbers: bool) -> MemoryListing:
    """Declare the list; accounts and numbers of users for those who may know them."""
    columns = (
        Column("name", Text("Produkt", "Product"), lambda row: row.name,
               link=lambda row: f"/fee-tables/{quote(row.name)}"),
        Column("annual", Text(f"Vederlag {today.year}, kr.", f"Annual fee {today.year}, DKK"),
               lambda row: facts.amount_of(row.now.annual_fee if row.now else None)),
        Column("next", same(str(today.year + 1)), lambda row: row.next),
        Column("joining", Text("Tilslutning", "Joining"),
               lambda row: facts.amount_of(row.joining.joining_fee if row.joining else None)),
        Column("since", Text("Gælder fra", "Valid from"),
               lambda row: row.now.reference.valid_from if row.now else _NO_TABLE),
    )  # fmt: skip
    of_staff = (
        Column("account", Text("Konto", "Account"), lambda row: row.account or _MISSING),
        Column("connected", Text("Tilsluttede", "Connected"), lambda row: row.connected),
    )
    shown = (*columns, *of_staff) if sees_numbers else columns
    return MemoryListing(
        name="products",
        caption=Text("Produkter", "Products"),
        columns=shown,
        filters=(
            Field("q", Text("Søg i navn", "Search in name")),
            Field("state", Text("Takster", "Prices"), [Choice(key, title) for key, (title, _) in _STATES.items()]),
        ),
        sort="name",
        sortable=frozenset(_ORDERS) & {column.key for column in shown},
        numbers=frozenset({"annual", "next", "joining", "connected"}),
        empty=Text("Ingen produkter endnu. Indlæs dem, eller vedtag et takstblad.",
                   "No products yet. Take them in, or adopt a fee table."),
    )  # fmt: skip


def chosen(rows: Sequence[Product], of: MemoryListing, asked: Mapping[str, str]) -> list[Product]:
    """Give the products an address asks for, in its order. Raises NotFound."""
    given = memory_list.values(of, asked)
    sort, descending = memory_list.sorting(of, asked)
    found = [row for row in rows if given["q"].casefold() in row.name.casefold()]
    if given["state"]:
        found = [row for row in found if _STATES[given["state"]][1](row)]
    return sorted(found, key=_ORDERS[sort], reverse=descending)
