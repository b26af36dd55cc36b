"""The audit trail: who did what when, as one hash chain that also covers every append-only row, field by field.

Each entry holds the digest of every row that was written with it and the hash of the entry before it. Whoever
changes, adds or removes such a row, or an entry, breaks a link that `verify` finds and names.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import MetaData, Select, Table, bindparam, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation import append_only
from foundation.base import APPEND_ONLY, Base
from foundation.language import Text

#: The hash before the first entry.
GENESIS = "0" * 64

_ENTRIES_AT_A_TIME = 500
_ROWS_AT_A_TIME = 500
_LARGEST_ID = 2**63


class AuditEntry(Base):
    """One thing that was done. Append-only; `position` counts 1, 2, 3 …"""

    __tablename__ = "audit_entry"
    __table_args__ = APPEND_ONLY

    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str] = mapped_column(index=True)
    subject: Mapped[str]
    data: Mapped[str]  # JSON
    covers: Mapped[str]  # JSON: [[table, id, SHA-256 of the row], …]
    previous_hash: Mapped[str]
    hash: Mapped[str]


ENTRIES: Table = AuditEntry.__table__  # type: ignore[assignment]

RowsWritten = Iterable[tuple[Table, Mapping[str, Any]]]


def canonical(value: object) -> str:
    """Write a value as the one JSON text that digests are taken of: no spaces, keys sorted, days in ISO form.

    Raises TypeError where there is no such form: a whole number beyond 64 bits, a text that is not Unicode.
    """
    return _encoded(value).decode()


def _encoded(value: object) -> bytes:
    return orjson.dumps(value, default=_plain, option=orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME)


def _plain(value: object) -> str:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).isoformat()  # as it will be read back, whatever zone it was written in
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return sha256(value)
    raise TypeError(f"no canonical form for {type(value).__name__}")


def sha256(content: bytes | str) -> str:
    """Give the SHA-256 of bytes, or of a text in UTF-8, in hexadecimal."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def row_digest(table: Table, row: Mapping[str, Any]) -> str:
    """Give the digest of a row over its table's name and every column, in the table's order."""
    return sha256(_encoded([table.name, *_columns(table)(row)]))


@cache
def _columns(table: Table) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    return itemgetter(*(column.name for column in table.columns))


@dataclass
class Trail:
    """Collects entries by one actor at one instant and writes them behind the chain's head.

    Open one inside a transaction that holds the writer's lock; call `write` before the commit.
    """

    session: Session
    actor: str
    at: datetime
    _pending: list[dict[str, Any]] = field(default_factory=list)

    def record(self, action: str, subject: str, data: object = None, rows: RowsWritten = ()) -> None:
        """Add an entry; `rows` are the append-only rows that were written with it."""
        covers = [[table.name, row["id"], row_digest(table, row)] for table, row in rows]
        self._pending.append(
            {"action": action, "subject": subject, "data": canonical(data), "covers": canonical(covers)}
        )

    def recorded(self, actions: Collection[str]) -> list[tuple[str, str, Any]]:
        """Give what was recorded of these actions and is not written yet: action, subject, data."""
        found = (entry for entry in self._pending if entry["action"] in actions)
        return [(entry["action"], entry["subject"], json.loads(entry["data"])) for entry in found]

    def write(self) -> None:
        """Link the collected entries to the chain, in one statement."""
        last, previous = head(self.session)
        for position, entry in enumerate(self._pending, start=last + 1):
            entry |= {"position": position, "at": self.at, "actor": self.actor, "previous_hash": previous}
            entry["hash"] = previous = entry_hash(entry)
        append_only.add(self.session, ENTRIES, self._pending)
        self._pending = []


def head(session: Session) -> tuple[int, str]:
    """Give the position and hash of the last entry; (0, GENESIS) before the first."""
    last = session.execute(
        select(ENTRIES.c.position, ENTRIES.c.hash).order_by(ENTRIES.c.position.desc()).limit(1)
    ).first()
    return (last.position, last.hash) if last else (0, GENESIS)


def entry_hash(entry: Mapping[str, Any]) -> str:
    """Give the hash that links an entry to the one before it: over all of its fields."""
    fields = ("position", "at", "actor", "action", "subject", "data", "covers", "previous_hash")
    return sha256(canonical([entry[name] for name in fields]))


@dataclass(frozen=True, slots=True)
class Broken:
    """A link or a row that is not what was written."""

    check: str
    subject: str
    message: Text


def chain_faults(session: Session) -> Iterator[Broken]:
    """Walk the whole chain; name the first broken link (all behind it follow from it)."""
    previous = GENESIS
    found = select(ENTRIES).order_by(ENTRIES.c.position).execution_options(yield_per=_ENTRIES_AT_A_TIME)
    for position, entry in enumerate(session.execute(found), start=1):
        if entry.position < position:
            yield _link(entry.position, Text("posten hører ikke til i kæden", "the entry is none of the chain"))
            return
        if entry.position != position:
            yield _link(position, Text("posten mangler", "the entry is missing"))
            return
        if entry.previous_hash != previous:
            yield _link(
                position, Text("posten peger ikke på den foregående", "the entry does not point at the one before")
            )
            return
        if entry.hash != entry_hash(dict(entry._mapping)):
            yield _link(position, Text("postens indhold er ændret", "the entry's content was changed"))
            return
        previous = entry.hash


def _link(position: int, message: Text) -> Broken:
    return Broken("audit_chain", f"audit_entry {position}", message)


def row_faults(session: Session, metadata: MetaData) -> Iterator[Broken]:
    """Compare every append-only row with the digest in its entry; name rows changed, missing or never recorded.

    Costs one read of the chain and one of each table, in batches; memory does not grow with the history.
    """
    by_name = {table.name: table for table in append_only.tables(metadata) if table is not ENTRIES}
    last_id = dict.fromkeys(by_name, 0)
    for entries in _batches(session):
        covered: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for position, text in entries:
            links = _links(text)
            if links is None:
                yield _unreadable(position)
            for name, id_, digest in links or ():
                covered[name].append((id_, digest))
        for name, table in by_name.items():
            if name in covered:
                yield from _compare_rows(session, table, covered[name], after=last_id[name])
                last_id[name] = covered[name][-1][0]
    strays = session.execute(_outside(tuple(by_name.values())), last_id).one() if by_name else ()
    for name, stray in zip(by_name, strays, strict=True):
        if stray is not None:
            yield Broken("rows", f"{name} {stray}", Text("rækken står ikke i sporet", "the row is not in the trail"))


# Built once for each table: on a small database, building them takes longer than asking.
@cache
def _outside(tables: tuple[Table, ...]) -> Select[Any]:
    """Ask of each table for its first row beyond the last that an entry covers, in one statement."""
    ids = ((table.c.id, (table.c.id > bindparam(table.name)) | (table.c.id < 1)) for table in tables)
    return select(*(select(func.min(id_)).where(outside).scalar_subquery() for id_, outside in ids))


@cache
def _between(table: Table) -> Select[Any]:
    between = table.c.id.between(bindparam("first"), bindparam("last"))
    return select(table).where(between).execution_options(yield_per=_ROWS_AT_A_TIME)


def _links(covers: str) -> list[tuple[str, int, str]] | None:
    """Give what an entry covers, or None where someone wrote something else there."""
    try:
        found = json.loads(covers)
        links = [(name, id_, digest) for name, id_, digest in found]
    except (TypeError, ValueError, RecursionError):
        return None
    right = all(isinstance(name, str) and type(id_) is int and abs(id_) < _LARGEST_ID for name, id_, _ in links)
    return links if right else None


def _unreadable(position: int) -> Broken:
    told = Text("hvad posten dækker, kan ikke læses", "what the entry covers cannot be read")
    return Broken("rows", f"audit_entry {position}", told)


def _batches(session: Session) -> Iterator[list[tuple[int, str]]]:
    position = 0
    while True:
        rows = session.execute(
            select(ENTRIES.c.position, ENTRIES.c.covers)
            .where(ENTRIES.c.position > position)
            .order_by(ENTRIES.c.position)
            .limit(_ENTRIES_AT_A_TIME)
        ).all()
        if not rows:
            return
        position = rows[-1].position
        yield [(row.position, row.covers) for row in rows]


def _compare_rows(session: Session, table: Table, links: list[tuple[int, str]], after: int) -> Iterator[Broken]:
    if not links:
        return
    rows = session.execute(_between(table), {"first": links[0][0], "last": links[-1][0]})
    found = {row.id: row_digest(table, dict(row._mapping)) for row in rows}
    for id_, digest in links:
        subject = f"{table.name} {id_}"
        after += 1
        if id_ != after:
            yield Broken(
                "rows", subject, Text("rækkens nummer følger ikke det foregående", "the row's id does not follow")
            )
            after = id_
        if id_ not in found:
            yield Broken("rows", subject, Text("rækken mangler", "the row is missing"))
        elif found[id_] != digest:
            yield Broken("rows", subject, Text("rækken er ændret", "the row was changed"))
