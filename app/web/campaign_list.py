"""Who has a new version of an agreement text as a list: what was not offered yet stands first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from agreements.campaign import Place
from app.web import memory_list
from app.web.lists import Choice, Column
from app.web.memory_list import Field, MemoryListing
from foundation.language import Text, same
from foundation.sorting import alphabetical

STATES: Mapping[str, Text] = {
    "has_not": Text("Mangler", "Lacks it"), "offered": Text("Tilbudt", "Offered"),
    "signed": Text("Underskrevet, venter på OS2", "Signed, waits for OS2"), "has": Text("Har den", "Has it"),
}  # fmt: skip
_ASKED = Text("Lav tilbud", "Draft an offer")
_MEMBERSHIP = Text("Medlemskab", "Membership")


def _reference(row: Place) -> str | None:
    if row.offer is None:
        return str(row.agreement_id) if row.agreement_id else None
    return row.offer.reference


def _address(row: Place) -> str | None:
    found = _reference(row)
    return f"/agreements/{found}" if found else None


_COLUMNS = (
    Column("name", Text("Myndighed", "Authority"), lambda row: row.authority,
           link=lambda row: f"/authorities/{row.cvr}"),
    Column("product", Text("Produkt", "Product"), lambda row: row.product or _MEMBERSHIP),
    Column("state", Text("Tilstand", "State"), lambda row: STATES[row.state]),
    Column("version", Text("Har version", "Has version"), lambda row: row.version),
    Column("agreement", Text("Aftale", "Agreement"), _reference,
           link=_address),
    Column("offered_on", Text("Tilbudt", "Offered"), lambda row: row.offered_on),
    Column("reminded_on", Text("Sidst rykket", "Last reminded"), lambda row: row.reminded_on),
    Column("expires_on", Text("Frist", "To be signed by"), lambda row: row.offer and row.offer.expires_on),
    Column("act", Text("Næste skridt", "Next step"), lambda row: _ASKED if row.state == "has_not" else None,
           link=lambda row: _draft(row) if row.state == "has_not" else None),
)  # fmt: skip
_ORDERS: Mapping[str, Callable[[Place], Any]] = {
    "name": lambda row: (alphabetical(row.authority), alphabetical(row.product)),
    "product": lambda row: (alphabetical(row.product), alphabetical(row.authority)),
    "state": lambda row: (list(STATES).index(row.state), alphabetical(row.product), alphabetical(row.authority)),
}


def _draft(row: Place) -> str:
    return f"/agreements/new?{urlencode({'cvr': row.cvr, 'product': row.product})}"


def listing(places: Sequence[Place]) -> MemoryListing:
    """Declare the list; its choices are those that occur."""
    products = sorted({each.product for each in places if each.product}, key=alphabetical)
    return MemoryListing(
        name="campaign",
        caption=Text("Hvem der har den nye version", "Who has the new version"),
        columns=_COLUMNS,
        filters=(
            Field("q", Text("Navn eller CVR", "Name or CVR")),
            Field("state", Text("Tilstand", "State"), [Choice(key, title) for key, title in STATES.items()]),
            Field("product", Text("Produkt", "Product"), [Choice(name, same(name)) for name in products]),
        ),
        sort="state",
        sortable=frozenset(_ORDERS),
        numbers=frozenset({"version"}),
        empty=Text("Ingen har en aftale i kraft endnu.", "Nobody has an agreement in force yet."),
    )


def chosen(places: Sequence[Place], of: MemoryListing, asked: Mapping[str, str]) -> list[Place]:
    """Give the rows an address asks for, in its order. Raises NotFound."""
    given = memory_list.values(of, asked)
    sort, descending = memory_list.sorting(of, asked)
    return sorted((row for row in places if _fits(row, given)), key=_ORDERS[sort], reverse=descending)


def _fits(row: Place, given: Mapping[str, str]) -> bool:
    words = f"{row.authority} {row.cvr}".casefold()
    return (
        all(word in words for word in given["q"].casefold().split())
        and given["state"] in ("", row.state)
        and given["product"] in ("", row.product)
    )
