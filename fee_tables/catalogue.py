"""All adopted decisions, looked up by day; and the act of adopting a new one.

`read` brings them from the database in one query. There are a few dozen, so a catalogue is held in memory for a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from fee_tables import text
from fee_tables.models import AdoptedTable
from fee_tables.reader import Reader, TableFault, TableRefused
from fee_tables.size_key import STANDARD_BANDS, SizeKey
from fee_tables.table import AssociationTable, FeeTable
from fee_tables.text import Decision
from foundation import append_only
from foundation.audit import Trail, sha256
from foundation.language import Text

ADOPTED: Table = AdoptedTable.__table__  # type: ignore[assignment]

# A few dozen texts are adopted; so many read ones are kept.
_KEPT = 512

#: What makes a decision the only one of its day: (kind, product).
Line = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The decisions of each kind, newest first."""

    size_keys: tuple[SizeKey, ...] = ()
    association: tuple[AssociationTable, ...] = ()
    fee_tables: Mapping[str, tuple[FeeTable, ...]] = field(default_factory=dict)

    def size_key(self, on: date) -> SizeKey | None:
        """Give the size key in force on a day."""
        return next((key for key in self.size_keys if key.valid_from <= on), None)

    def association_table(self, on: date) -> AssociationTable | None:
        """Give the association's table in force on a day."""
        return next((table for table in self.association if table.reference.valid_from <= on), None)

    def annual_table(self, product: str, on: date) -> FeeTable | None:
        """Give the newest table of a product that has an annual fee, on or before a day."""
        return next((t for t in self._of(product) if t.annual_fee is not None and t.reference.valid_from <= on), None)

    def joining_table(self, product: str, on: date) -> FeeTable | None:
        """Give the newest table of a product that has a joining fee, on or before a day."""
        return next((t for t in self._of(product) if t.joining_fee is not None and t.reference.valid_from <= on), None)

    def first_day(self, product: str, fee: str) -> date | None:
        """Give the first day on which a product has an `annual_fee` or a `joining_fee`."""
        days = [t.reference.valid_from for t in self._of(product) if getattr(t, fee) is not None]
        return min(days, default=None)

    def _of(self, product: str) -> tuple[FeeTable, ...]:
        return self.fee_tables.get(product, ())


def catalogue(decisions: Iterable[Decision]) -> Catalogue:
    """Sort decisions into a catalogue."""
    listed = list(decisions)
    tables: dict[str, list[FeeTable]] = {}
    for table in listed:
        if isinstance(table, FeeTable):
            tables.setdefault(table.reference.product, []).append(table)
    return Catalogue(
        size_keys=tuple(sorted((k for k in listed if isinstance(k, SizeKey)), key=first_day_of, reverse=True)),
        association=tuple(
            sorted((t for t in listed if isinstance(t, AssociationTable)), key=first_day_of, reverse=True)
        ),
        fee_tables={product: tuple(sorted(found, key=first_day_of, reverse=True)) for product, found in tables.items()},
    )


def read(session: Session) -> Catalogue:
    """Read every adopted decision, in one query."""
    return catalogue(map(adopted, session.execute(select(ADOPTED.c.text).order_by(ADOPTED.c.id)).scalars()))


@lru_cache(_KEPT)
def adopted(words: str) -> Decision:
    """Read an adopted text; once in a process, for it never changes and pages ask again and again.

    Whatever bands it names were right when it was adopted: they are not checked again.
    """
    return text.read(words, bands_on=None)


def check(texts: Mapping[str, str], adopted: Mapping[tuple[Line, date], str], keys: Catalogue) -> dict[str, Decision]:
    """Check a set of texts, by file name, against each other and against what is adopted (its digest by line and day).

    Gives the decisions, with those left out that stand adopted word for word. Raises TableRefused with every fault.
    """
    known = catalogue([*_size_keys_of(texts), *keys.size_keys])
    decisions: dict[str, Decision] = {}
    faults: dict[str, Sequence[TableFault]] = {}
    seen: dict[tuple[Line, date], str] = {}
    for name, words in texts.items():
        try:
            decision = text.read(words, bands_on=lambda day: _bands(known, day))
        except TableRefused as refused:
            faults[name] = refused.faults[""]
            continue
        place = (line_of(decision), first_day_of(decision))
        other = seen.setdefault(place, name)
        if adopted.get(place, sha256(words)) != sha256(words):
            faults[name] = [_second(words, decision, Text("en vedtaget tabel", "an adopted table"))]
        elif other != name:
            faults[name] = [_second(words, decision, Text(other, other))]
        elif place not in adopted:
            decisions[name] = decision
    if faults:
        raise TableRefused(faults)
    return decisions


def _size_keys_of(texts: Mapping[str, str]) -> Iterator[SizeKey]:
    for words in texts.values():
        with suppress(TableRefused):  # read again, and refused with its faults, by the caller
            decision = text.read(words, bands_on=None)
            if isinstance(decision, SizeKey):
                yield decision


def _second(words: str, decision: Decision, other: Text) -> TableFault:
    reader = Reader(words)
    day = first_day_of(decision).isoformat()
    return TableFault(
        reader.line("valid_from"),
        Text(
            f"to tabeller for samme dag: {other.da} gælder allerede fra {day}; giv den nye en anden valid_from",
            f"two tables for one day: {other.en} is valid from {day} already; give the new one another valid_from",
        ),
    )


def adopted_digests(session: Session) -> dict[tuple[Line, date], str]:
    """Give the digest of every adopted text by its line and first day."""
    columns = ADOPTED.c
    rows = session.execute(select(columns.kind, columns.product, columns.valid_from, columns.digest))
    return {((row.kind, row.product), row.valid_from): row.digest for row in rows}


def adopt(session: Session, texts: Mapping[str, str], trail: Trail) -> dict[str, Decision]:
    """Adopt a set of texts, all or none; what stands adopted already is left as it is.

    Gives the newly adopted decisions by file name. Raises TableRefused with file, line and reason.
    """
    decisions = check(texts, adopted_digests(session), read(session))
    first = append_only.next_id(session, ADOPTED)
    rows = [_row(first + nth, decisions[name], texts[name], trail) for nth, name in enumerate(decisions)]
    append_only.add(session, ADOPTED, rows)
    for row in rows:
        subject = f"{row['product'] or row['kind']} {row['valid_from']}"
        trail.record("table.adopted", subject, {"digest": row["digest"]}, rows=[(ADOPTED, row)])
    return decisions


def _row(id_: int, decision: Decision, words: str, trail: Trail) -> dict[str, object]:
    kind, product = line_of(decision)
    source = decision if isinstance(decision, SizeKey) else decision.reference
    return {
        "id": id_,
        "kind": kind,
        "product": product,
        "valid_from": source.valid_from,
        "decided_on": source.decided_on,
        "decided_by": source.decided_by,
        "source": source.source,
        "text": words,
        "digest": sha256(words),
        "adopted_at": trail.at,
        "adopted_by": trail.actor,
    }


def line_of(decision: Decision) -> Line:
    """Give what makes a decision the only one of its day."""
    if isinstance(decision, SizeKey):
        return ("size_key", "")
    if isinstance(decision, AssociationTable):
        return ("association", "")
    return ("fee_table", decision.reference.product)


def first_day_of(decision: Decision) -> date:
    """Give the day from which a decision counts."""
    return decision.valid_from if isinstance(decision, SizeKey) else decision.reference.valid_from


def _bands(keys: Catalogue, day: date) -> Sequence[str]:
    key = keys.size_key(day)
    return STANDARD_BANDS if key is None else key.band_names
