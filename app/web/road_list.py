"""The journeys as a list: who is on the way to what, at which step, since when, and what is next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from agreements.road import journeys
from agreements.road.journeys import Journey
from app.web import memory_list
from app.web.lists import Choice, Column
from app.web.memory_list import Field, MemoryListing
from foundation.language import Text, same
from foundation.sorting import alphabetical

_ENDED = {"connected": Text("tilsluttet", "connected"), "given_up": Text("opgivet", "given up")}
_STATES = {
    "open": Text("I gang", "Under way"), "late": Text("Med overskredet frist", "With a day passed"),
    "ended": Text("Slut", "Ended"),
}  # fmt: skip


def _step(row: Journey) -> Text:
    return _ENDED[row.outcome.value] if row.outcome else row.step.title


def _late(row: Journey, on: date) -> int:
    if row.ended_on is not None:
        return 0
    return sum(task.is_late(on) for step in row.steps for task in step.tasks)


def listing(found: Sequence[Journey], on: date) -> MemoryListing:
    """Declare the list; its products and steps are those that occur."""
    products = sorted({each.product for each in found}, key=alphabetical)
    steps = {each.step.key: each.step.title for each in found}
    return MemoryListing(
        name="road",
        caption=Text("Rejser", "Journeys"),
        columns=(
            Column("authority", Text("Myndighed", "Authority"), lambda row: row.authority,
                   link=lambda row: f"/road/{row.id}"),
            Column("product", Text("Produkt", "Product"), lambda row: row.product),
            Column("step", Text("Trin", "Step"), _step),
            Column("days", Text("Dage i trinnet", "Days in the step"),
                   lambda row: None if row.ended_on else (on - journeys.came_on(row)).days),
            Column("settled", Text("Klaret", "Settled"), _settled),
            Column("late", Text("Overskredet", "Passed"), lambda row: _late(row, on) or None),
            Column("opened_on", Text("Begyndt", "Begun"), lambda row: row.opened_on),
        ),
        filters=(
            Field("q", Text("Myndighed eller CVR", "Authority or CVR")),
            Field("product", Text("Produkt", "Product"), [Choice(name, same(name)) for name in products]),
            Field("step", Text("Trin", "Step"), [Choice(key, title) for key, title in steps.items()]),
            Field("state", Text("Tilstand", "State"), [Choice(key, title) for key, title in _STATES.items()]),
        ),
        sort="authority",
        sortable=frozenset(_orders(on)),
        numbers=frozenset({"days", "late"}),
        empty=Text("Ingen er på vej endnu. Begynd en rejse, når en myndighed overvejer et produkt.",
                   "Nobody is on the way yet. Begin a journey when an authority considers a product."),
    )  # fmt: skip


def _settled(row: Journey) -> Text:
    tasks = [task for step in row.steps for task in step.tasks]
    return same(f"{sum(task.is_settled for task in tasks)}/{len(tasks)}")


def _orders(on: date) -> Mapping[str, Callable[[Journey], Any]]:
    return {
        "authority": lambda row: (alphabetical(row.authority), alphabetical(row.product)),
        "product": lambda row: (alphabetical(row.product), alphabetical(row.authority)),
        "days": lambda row: (on - journeys.came_on(row)).days,
        "late": lambda row: _late(row, on),
        "opened_on": lambda row: (row.opened_on, row.id),
    }


def chosen(found: Sequence[Journey], of: MemoryListing, asked: Mapping[str, str], on: date) -> list[Journey]:
    """Give the journeys an address asks for, in its order. Raises NotFound."""
    given = memory_list.values(of, asked)
    sort, descending = memory_list.sorting(of, asked)
    return sorted((row for row in found if _fits(row, given, on)), key=_orders(on)[sort], reverse=descending)


def _fits(row: Journey, given: Mapping[str, str], on: date) -> bool:
    words = f"{row.authority} {row.cvr}".casefold()
    states = {"open": row.ended_on is None, "late": _late(row, on) > 0, "ended": row.ended_on is not None, "": True}
    return (
        all(word in words for word in given["q"].casefold().split())
        and given["product"] in ("", row.product)
        and given["step"] in ("", row.step.key)
        and states[given["state"]]
    )
