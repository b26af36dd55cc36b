"""The problems and notes of a plan: what each is called, where it is mended, all of them as a list and a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlencode

from agreements.steps import Stand
from app import access
from app.web import memory_list
from app.web.lists import Choice, Column
from app.web.memory_list import Field, MemoryListing
from billing.charges import Problem
from billing.plan_snapshot import Snapshot
from foundation.language import Text, same
from foundation.sorting import alphabetical

CODES: Mapping[str, Text] = {
    "no_size_key": Text("Fordelingsnøgle mangler", "The size key is missing"),
    "no_inhabitants": Text("Indbyggertal mangler", "Inhabitants are missing"),
    "no_placement": Text("Indplacering mangler", "A placement is missing"),
    "no_table": Text("Takstblad mangler", "A fee table is missing"),
    "no_passive_share": Text("Andel for passive mangler", "A share for the passive is missing"),
    "no_endpoint": Text("Intet sted at sende til", "Nowhere to send to"),
    "not_countersigned": Text("Ikke kontrasigneret", "Not countersigned"),
    "duplicate_agreement": Text("Flere aftaler om samme produkt", "Several agreements on one product"),
    "authority_ended": Text("Ophørt uden efterfølger", "Ended without a successor"),
    "no_dues_receiver": Text("Kontingentet har ingen modtager", "The dues have no receiver"),
    "invoiced_differs": Text("Faktureret anderledes", "Invoiced differently"),
    "no_joining_fee": Text("Ingen tilslutningsafgift", "No joining fee"),
    "no_force_day": Text("Ingen ikrafttrædelsesdag", "No effective day"),
    "shares_from_next_year": Text("Deler udgiften fra næste år", "Shares the cost from next year"),
    "no_account": Text("Kontonummer mangler", "The account number is missing"),
    "covered_by_earlier": Text("Betalt efter en tidligere aftale", "Paid by an earlier agreement"),
}

_KINDS = {"problem": Text("Problem", "Problem"), "note": Text("Bemærkning", "Note")}

#: Of which file of the registers it is mended.
_FILES = {
    "no_inhabitants": "population", "no_placement": "placements", "no_account": "products",
    "duplicate_agreement": "agreements", "no_joining_fee": "agreements", "no_force_day": "agreements",
    "covered_by_earlier": "agreements", "authority_ended": "authorities",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mending:
    """Where a problem is mended."""

    path: str
    title: Text


def mending(problem: Problem) -> Mending:
    """Give the page on which a problem is mended; the authority's own where the person may not mend it."""
    code, cvr = problem.code.value, problem.named.cvr
    if code in ("no_size_key", "no_table", "no_passive_share"):
        place = "size-key" if code == "no_size_key" else problem.product or "association"
        return Mending(f"/fee-tables/{place}", Text("Taksterne", "The fee tables"))
    if code in ("no_endpoint", "no_dues_receiver"):
        return Mending(f"/authorities/{cvr}/billing", Text("Faktureringsoplysninger", "Billing details"))
    if code == "invoiced_differs":
        return Mending(f"/invoices?q={cvr}", Text("Fakturaerne", "The invoices"))
    if code == "not_countersigned" and access.current().may("agreement.read"):
        return Mending(f"/agreements?{_waiting(problem.product)}", Text("Aftalerne", "The agreements"))
    if code in _FILES and access.current().may("authority.change"):
        return Mending(f"/imports#{_FILES[code]}", Text("Indlæs registret", "Take the register in"))
    return Mending(f"/authorities/{cvr}", Text("Myndighedens side", "The authority's page"))


def _waiting(product: str | None) -> str:
    """Give what asks the list for agreements that wait for the association: by product, for another may have signed."""
    return urlencode({"product": product or "", "state": Stand.SIGNED})


# --- in groups, for what shows the first of each


@dataclass(frozen=True, slots=True)
class Group:
    """The problems of one code: the first of them, and how many there are."""

    code: str
    title: Text
    first: Sequence[Problem]
    count: int


def grouped(problems: Sequence[Problem], at_most: int) -> list[Group]:
    """Group problems by their code, in the order of the codes, so many of each."""
    found: dict[str, list[Problem]] = {}
    for problem in problems:
        found.setdefault(problem.code.value, []).append(problem)
    return [Group(code, CODES[code], found[code][:at_most], len(found[code])) for code in CODES if code in found]


# --- as a list


class Row(NamedTuple):
    """A problem or a note of the plan."""

    problem: Problem
    kind: str


COLUMNS = (
    Column("name", Text("Myndighed", "Authority"), lambda row: row.problem.named.name,
           link=lambda row: f"/authorities/{row.problem.named.cvr}"),
    Column("cvr", same("CVR"), lambda row: row.problem.named.cvr),
    Column("product", Text("Produkt", "Product"), lambda row: row.problem.product or "OS2"),
    Column("code", Text("Slags", "Kind"), lambda row: CODES[row.problem.code.value]),
    Column("message", Text("Hvad", "What"), lambda row: row.problem.message),
    Column("mend", Text("Hvor det rettes", "Where it is mended"), lambda row: mending(row.problem).title,
           link=lambda row: mending(row.problem).path),
)  # fmt: skip
_ORDERS: Mapping[str, Callable[[Row], Any]] = {
    "name": lambda row: (alphabetical(row.problem.named.name), row.problem.named.cvr),
    "cvr": lambda row: row.problem.named.cvr,
    "product": lambda row: alphabetical(row.problem.product or ""),
    "code": lambda row: list(CODES).index(row.problem.code.value),
}


def rows(snapshot: Snapshot) -> list[Row]:
    """Give all problems and notes of a plan."""
    problems = [Row(each, "problem") for each in snapshot.plan.problems]
    return problems + [Row(each, "note") for each in snapshot.plan.notes]


def listing(snapshot: Snapshot) -> MemoryListing:
    """Declare the list; its choices are those that occur."""
    year, found = snapshot.plan.year, rows(snapshot)
    codes = {row.problem.code.value for row in found}
    products = {row.problem.product for row in found if row.problem.product}
    return MemoryListing(
        name=f"problems-{year}",
        caption=Text(f"Problemer i planen for {year}", f"Problems of the plan for {year}"),
        columns=COLUMNS,
        filters=(
            Field("q", Text("Navn eller CVR", "Name or CVR")),
            Field("kind", Text("Problem eller bemærkning", "Problem or note"),
                  [Choice(key, title) for key, title in _KINDS.items()]),
            Field("code", Text("Slags", "Kind"), [Choice(code, CODES[code]) for code in CODES if code in codes]),
            Field("product", Text("Produkt", "Product"),
                  [Choice(name, same(name)) for name in sorted(products, key=alphabetical)]),
        ),
        sort="code",
        sortable=frozenset(_ORDERS),
        numbers=frozenset(),
        empty=Text("Planen har ingen problemer.", "The plan has no problems."),
    )  # fmt: skip


def chosen(snapshot: Snapshot, of: MemoryListing, asked: Mapping[str, str]) -> list[Row]:
    """Give the rows an address asks for, in its order. Raises NotFound."""
    given = memory_list.values(of, asked)
    sort, descending = memory_list.sorting(of, asked)
    return sorted((row for row in rows(snapshot) if _fits(row, given)), key=_ORDERS[sort], reverse=descending)


def _fits(row: Row, given: Mapping[str, str]) -> bool:
    problem = row.problem
    words = f"{problem.named.name} {problem.named.cvr}".casefold()
    return (
        all(word in words for word in given["q"].casefold().split())
        and given["kind"] in ("", row.kind)
        and given["code"] in ("", problem.code.value)
        and given["product"] in ("", problem.product)
    )
