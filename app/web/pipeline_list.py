"""The pipeline as a list: who is on the way to what, how far, what is next, and what it is expected to bring."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote

from agreements.road import journeys
from app.web import fund_addresses, memory_list
from app.web.lists import Choice, Column
from app.web.memory_list import Field, MemoryListing
from billing.funding import outlook
from billing.funding.chances import BASES
from billing.funding.outlook import Prospect
from billing.funding.pipeline import OPEN, OUTCOMES, STAGES
from foundation.language import Text, same
from foundation.money import ZERO, Money, total
from foundation.sorting import alphabetical

_KINDS = {"journey": Text("Rejse", "Journey"), "hand": Text("Skrevet i hånden", "Written by hand")}
_WAITS = {"yes": Text("Spørgsmål venter", "Questions wait"), "no": Text("Ingen venter", "None waits")}


def listing(products: Collection[str], on: date) -> MemoryListing:
    """Declare the list; `products` are those that may be chosen."""
    return MemoryListing(
        name="pipeline",
        caption=Text("Hvem der er på vej", "Who is on the way"),
        columns=(
            Column("authority", Text("Myndighed", "Authority"), lambda row: row.case.name, link=_address),
            Column("product", Text("Produkt", "Product"), lambda row: row.case.product),
            Column("stage", Text("Trin", "Step"), lambda row: STAGES[row.case.stage]),
            Column("days", Text("Dage i trinnet", "Days in the step"), lambda row: _days(row, on)),
            Column("next", Text("Det næste", "Next"), _next),
            Column("asked", Text("Spørgsmål, der venter", "Questions waiting"), lambda row: row.asked or None,
                   link=lambda row: f"/questions?state=waits&product={quote(row.case.product)}" if row.asked else None),
            Column("expected", Text("Ventes fra", "Expected from"), lambda row: row.case.expected_from),
            Column("percent", Text("Sandsynlighed i %", "Probability in %"), lambda row: row.case.percent),
            Column("basis", Text("Hvorfra", "By what"), lambda row: BASES[row.case.basis]),
            Column("first", Text("Første år", "First year"), lambda row: row.first, link=lambda row: _made_of(row, on)),
            Column("full", Text("Helt år", "Whole year"), lambda row: row.full,
                   link=lambda row: _made_of(row, on, after=1)),
            Column("counted", Text("Ventet første år", "Expected first year"), lambda row: row.counted,
                   link=lambda row: _made_of(row, on)),
            Column("counted_full", Text("Ventet helt år", "Expected whole year"), lambda row: row.counted_full,
                   link=lambda row: _made_of(row, on, after=1)),
            Column("source", Text("Kilde", "Source"), lambda row: row.case.source or _KINDS["journey"]),
            Column("outcome", Text("Udfald", "Outcome"), lambda row: OUTCOMES[row.case.outcome]),
        ),
        filters=(
            Field("q", Text("Myndighed eller CVR", "Authority or CVR")),
            Field("product", Text("Produkt", "Product"),
                  [Choice(name, same(name)) for name in sorted(products, key=alphabetical)]),
            Field("stage", Text("Trin", "Step"), [Choice(key, title) for key, title in STAGES.items()]),
            Field("kind", Text("Kilde", "Source"), [Choice(key, title) for key, title in _KINDS.items()]),
            Field("asked", Text("Spørgsmål", "Questions"), [Choice(key, title) for key, title in _WAITS.items()]),
        ),
        sort="expected",
        sortable=frozenset(_orders(on)),
        numbers=frozenset({"days", "asked", "percent", "first", "full", "counted", "counted_full"}),
        empty=Text("Ingen er på vej endnu. Begynd en rejse, eller skriv en sag herunder.",
                   "Nobody is on the way yet. Begin a journey, or write a case below."),
    )  # fmt: skip


def _address(row: Prospect) -> str:
    case = row.case
    return (
        f"/pipeline/{case.cvr}/{quote(case.product)}"
        if case.journey is None
        else f"/pipeline/journeys/{case.journey.id}"
    )


def _made_of(row: Prospect, on: date, after: int = 0) -> str | None:
    """Give where what a case would bring is taken apart: the forecast of its first year, or of the year after."""
    if (row.full if after else row.first) is None:
        return None
    year = outlook.first_year(row.case, on) + after
    return f"{fund_addresses.forecast(row.case.product, year, 'pipeline')}?q={row.case.cvr}"


def _days(row: Prospect, on: date) -> int | None:
    return None if row.case.since is None else (on - row.case.since).days


def _next(row: Prospect) -> Text | None:
    task = None if row.case.journey is None else journeys.next_task(row.case.journey)
    return None if task is None else task.title


def _orders(on: date) -> Mapping[str, Callable[[Prospect], Any]]:
    return {
        "authority": lambda row: (alphabetical(row.case.name), alphabetical(row.case.product)),
        "product": lambda row: (alphabetical(row.case.product), alphabetical(row.case.name)),
        "stage": lambda row: (list(STAGES).index(row.case.stage), alphabetical(row.case.name)),
        "days": lambda row: -1 if (days := _days(row, on)) is None else days,
        "asked": lambda row: row.asked,
        "expected": lambda row: (row.case.expected_from, alphabetical(row.case.name), row.case.product),
        "percent": lambda row: row.case.percent,
        "first": lambda row: _ore(row.first),
        "full": lambda row: _ore(row.full),
        "counted": lambda row: _ore(row.counted),
        "counted_full": lambda row: _ore(row.counted_full),
    }


def _ore(amount: Money | None) -> int:
    return -1 if amount is None else amount.ore


def chosen(found: Sequence[Prospect], of: MemoryListing, asked: Mapping[str, str], on: date) -> list[Prospect]:
    """Give the cases an address asks for, in its order. Raises NotFound."""
    given = memory_list.values(of, asked)
    sort, descending = memory_list.sorting(of, asked)
    return sorted((row for row in found if _fits(row, given)), key=_orders(on)[sort], reverse=descending)


def _fits(row: Prospect, given: Mapping[str, str]) -> bool:
    words = f"{row.case.name} {row.case.cvr}".casefold()
    return (
        all(word in words for word in given["q"].casefold().split())
        and given["product"] in ("", row.case.product)
        and given["stage"] in ("", row.case.stage)
        and given["kind"] in ("", "hand" if row.case.journey is None else "journey")
        and given["asked"] in ("", "yes" if row.asked else "no")
    )


# --- by product and step


@dataclass(frozen=True, slots=True)
class Row:
    """The open cases of a product: how many stand at each step, and what they are expected to bring together."""

    product: str
    steps: tuple[int, ...]
    counted: Money
    counted_full: Money

    @property
    def cases(self) -> int:
        """Give how many there are."""
        return sum(self.steps)


def together(found: Sequence[Prospect]) -> Row | None:
    """Count the open cases among some as one row; None where there is none."""
    still = [row for row in found if row.case.outcome == OPEN]
    return _row("", still) if still else None


def by_product(found: Sequence[Prospect]) -> list[Row]:
    """Count the open cases by product and step, products by name."""
    still = [row for row in found if row.case.outcome == OPEN]
    names = sorted({row.case.product for row in still}, key=alphabetical)
    return [_row(name, [row for row in still if row.case.product == name]) for name in names]


def _row(product: str, of: Sequence[Prospect]) -> Row:
    steps = tuple(sum(row.case.stage == step for row in of) for step in STAGES)
    return Row(product, steps, total(row.counted or ZERO for row in of), total(row.counted_full or ZERO for row in of))
