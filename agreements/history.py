"""What was changed of an authority, read from the audit trail: who did it, when, from what to what."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, or_, select
from sqlalchemy.orm import Session

from agreements.billing_details import ACTION
from agreements.connections import AGREEMENTS
from agreements.products import PRODUCTS
from authorities.membership import MEMBERSHIPS
from authorities.population import PLACEMENTS, POPULATION
from foundation.audit import ENTRIES
from foundation.language import Text, same

_ENTRIES_READ = 2_000
_UNTOLD = frozenset({"id", "place", "authority_id", "product_id"})

_AUTHORITY = Text("Stamdata", "Master data")
_AGREEMENT = Text("Aftale", "Agreement")
_MEMBERSHIP = Text("Medlemskab", "Membership")
_REGISTERS: Mapping[str, tuple[Table | None, Text]] = {
    "authorities.imported": (None, _AUTHORITY),
    "population.imported": (POPULATION, Text("Indbyggertal", "Inhabitants")),
    "placements.imported": (PLACEMENTS, Text("Indplacering", "Placement")),
    "members.imported": (MEMBERSHIPS, _MEMBERSHIP),
    "agreements.imported": (AGREEMENTS, _AGREEMENT),
    **dict.fromkeys(
        (
            "agreement.signed",
            "agreement.countersigned",
            "agreement.withdrawn",
            "agreement.kept",
            "agreement.activated",
            "agreement.notice_given",
            "agreement.notice_withdrawn",
            "agreement.replaced",
            "agreement.succeeded",
        ),
        (AGREEMENTS, _AGREEMENT),
    ),
}
_PLACES = {"agreement": _AGREEMENT, "membership": _MEMBERSHIP}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that was done: to what, and for each fact what it was (None: nothing) and what it became."""

    at: datetime
    actor: str
    what: Text
    facts: tuple[tuple[str, Any, Any], ...]


@dataclass(frozen=True, slots=True)
class _Known:
    """By what an authority's rows are known in the entries."""

    id: int
    cvr: str
    rows: Mapping[str, Mapping[int, str]]  # by table's name: the rows' ids, and what they are called
    products: Mapping[int, str]


def of(session: Session, authority_id: int, cvr: str) -> list[Event]:
    """Give what was done to an authority, newest first, in seven queries over the newest entries of the registers."""
    products = {row.id: row.name for row in session.execute(select(PRODUCTS.c.id, PRODUCTS.c.name))}
    known = _Known(authority_id, cvr, _rows(session, authority_id), products)
    entries = session.execute(
        select(ENTRIES.c.at, ENTRIES.c.actor, ENTRIES.c.action, ENTRIES.c.data)
        .where(or_(ENTRIES.c.action.in_(_REGISTERS), (ENTRIES.c.action == ACTION) & (ENTRIES.c.subject == cvr)))
        .order_by(ENTRIES.c.position.desc())
        .limit(_ENTRIES_READ)
    )
    return [event for entry in entries for event in _events(entry, known)]


def _rows(session: Session, authority_id: int) -> dict[str, dict[int, str]]:
    agreed = select(AGREEMENTS.c.id, PRODUCTS.c.name).join(PRODUCTS).where(AGREEMENTS.c.authority_id == authority_id)
    found = {AGREEMENTS.name: {row.id: row.name for row in session.execute(agreed)}}
    for table in (POPULATION, PLACEMENTS, MEMBERSHIPS):
        ids = session.execute(select(table.c.id).where(table.c.authority_id == authority_id)).scalars()
        found[table.name] = dict.fromkeys(ids, "")
    return found


def _events(entry: Any, known: _Known) -> Iterator[Event]:
    data = json.loads(entry.data)
    for row in data.get("changed", ()):
        if (what := _changed(entry.action, row, known)) is not None:
            facts = tuple((name, *pair) for name, pair in row.items() if name not in _UNTOLD)
            yield Event(entry.at, entry.actor, what, facts)
    for row in data.get("added", ()):
        if _is_added(entry.action, row, known):
            facts = tuple((name, None, value) for name, value in row.items() if name not in _UNTOLD and value)
            what = _named(_REGISTERS[entry.action][1], known.products.get(row.get("product_id", 0), ""))
            yield Event(entry.at, entry.actor, what, facts)


def _changed(action: str, row: Mapping[str, Any], known: _Known) -> Text | None:
    """Name what a changed row is; None where it is not the authority's."""
    if action == ACTION:
        return _named(_PLACES[row["place"]], known.rows[row["place"]].get(row["id"], ""))
    table, title = _REGISTERS[action]
    if table is None:
        return title if row["id"] == known.id else None
    rows = known.rows[table.name]
    return _named(title, rows[row["id"]]) if row["id"] in rows else None


def _named(title: Text, name: str) -> Text:
    return title + same(f" {name}") if name else title


def _is_added(action: str, row: Mapping[str, Any], known: _Known) -> bool:
    if action == "authorities.imported":
        return bool(row.get("cvr") == known.cvr)
    return bool(row.get("authority_id") == known.id)
