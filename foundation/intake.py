"""Taking rows of a file into a register: all or nothing, every wrong row named, the same file twice changes nothing."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.orm import Session

from foundation.audit import Trail
from foundation.errors import FAULTS_TOLD, RowFault, RowsRefused
from foundation.language import Text

# A large file is stored in pieces of this many rows, each with an audit entry, so that none grows without bound.
_ROWS_IN_ENTRY = 1_000
# So many warnings are told; the others are counted.
_WARNINGS_TOLD = 100
#: So many added and so many changed rows are told one by one.
CHANGES_TOLD = 20


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file: its number and its cells; a column the file lacks is not among them.

    The number is that of the line on which the row starts; the header is 1.
    """

    number: int
    cells: Mapping[str, Any]

    def __getitem__(self, column: str) -> Any:
        return self.cells[column]

    def get(self, column: str) -> Any:
        """Give a cell; None where it is empty or its column is not in the file."""
        return self.cells.get(column)

    def only(self, *columns: str) -> dict[str, Any]:
        """Give the cells of those columns that the file has."""
        return {column: self.cells[column] for column in columns if column in self.cells}


@dataclass(frozen=True, slots=True)
class Rows:
    """What was read of a file: its name, the rows that could be read, and what was wrong with the others.

    `untold` faults were counted beside those listed.
    """

    source: str
    rows: Sequence[Row]
    faults: Sequence[RowFault] = ()
    untold: int = 0

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)


@dataclass(frozen=True, slots=True)
class Change:
    """A row that adds or changes something: its line and cells; what differs (was, becomes), None where it is new."""

    row: int
    cells: Mapping[str, Any]
    differs: Mapping[str, tuple[Any, Any]] | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What an intake did; `first` are the first rows that it added, and the first that it changed."""

    source: str
    added: int
    changed: int
    unchanged: int
    warnings: tuple[Text, ...] = ()
    first: tuple[Change, ...] = ()


@dataclass
class Intake:
    """Compares a file's rows with a table and applies the difference. Reads the table once.

    `key` names the columns that identify a row. Call `offer` for each row, `fault` for what is wrong, then `finish`.
    """

    session: Session
    table: Table
    key: tuple[str, ...]
    file: Rows
    faults: list[RowFault] = field(init=False)
    existing: dict[Hashable, Mapping[str, Any]] = field(init=False)
    _warnings: list[Text] = field(default_factory=list)
    _unwarned: int = 0
    _untold: int = field(init=False)
    _seen: dict[Hashable, int] = field(default_factory=dict)
    _added: list[dict[str, Any]] = field(default_factory=list)
    _changed: list[dict[str, Any]] = field(default_factory=list)
    _changes: list[dict[str, Any]] = field(default_factory=list)
    _first: list[Change] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.faults, self._untold = list(self.file.faults), self.file.untold
        found = self.session.execute(select(self.table)).mappings()
        self.existing = {tuple(row[column] for column in self.key): dict(row) for row in found}

    def fault(self, row: Row, column: str, reason: Text) -> None:
        """Note what is wrong with a row."""
        if len(self.faults) < FAULTS_TOLD:
            self.faults.append(RowFault(row.number, column, reason))
        else:
            self._untold += 1

    def warn(self, row: Row, what: Text) -> None:
        """Note what is right, but worth a look."""
        if len(self._warnings) < _WARNINGS_TOLD:
            self._warnings.append(Text(f"række {row.number}: ", f"row {row.number}: ") + what)
        else:
            self._unwarned += 1

    def known(self, values: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Give what stands under the key of these values."""
        return self.existing.get(tuple(values[column] for column in self.key))

    def offer(self, row: Row, values: dict[str, Any], *, key_column: str) -> None:
        """Take a row's values: add them, change what differs, or note that the key stands twice in the file."""
        key = tuple(values[column] for column in self.key)
        if (first := self._seen.setdefault(key, row.number)) != row.number:
            self.fault(row, key_column, Text(f"samme nøgle som række {first}", f"the same key as row {first}"))
            return
        known = self.existing.get(key)
        if known is None:
            if len(self._added) < CHANGES_TOLD:
                self._first.append(Change(row.number, row.cells))
            self._added.append({column.name: None for column in self.table.columns if column.name != "id"} | values)
            return
        changes = {name: [known[name], value] for name, value in values.items() if known[name] != value}
        if changes:
            if len(self._changed) < CHANGES_TOLD:
                differs = {name: (was, becomes) for name, (was, becomes) in changes.items()}
                self._first.append(Change(row.number, row.cells, differs))
            self._changed.append(
                {name: known[name] for name in known if name != "id"} | values | {"row_id": known["id"]}
            )
            self._changes.append({"id": known["id"]} | changes)

    def finish(self, trail: Trail, action: str) -> Taken:
        """Store the difference and record it. Raises RowsRefused, with nothing stored, where any row was wrong."""
        if self.faults:
            listed = sorted(self.faults, key=lambda fault: (fault.row, fault.column))
            raise RowsRefused(self.file.source, listed, self._untold)
        for start in range(0, max(len(self._added), len(self._changes)), _ROWS_IN_ENTRY):
            piece = slice(start, start + _ROWS_IN_ENTRY)
            self._store(self._added[piece], self._changed[piece])
            data = {"added": self._added[piece], "changed": self._changes[piece]}
            trail.record(action, self.file.source, data)
        added, changed = len(self._added), len(self._changed)
        unchanged = len(self._seen) - added - changed
        return Taken(self.file.source, added, changed, unchanged, self._told(), tuple(self._first))

    def _store(self, added: list[dict[str, Any]], changed: list[dict[str, Any]]) -> None:
        if added:
            self.session.execute(insert(self.table), added)
        if changed:
            columns: dict[str, Any] = {name: bindparam(name) for name in changed[0] if name != "row_id"}
            statement = update(self.table).where(self.table.c.id == bindparam("row_id")).values(columns)
            self.session.connection().execute(statement, changed)

    def _told(self) -> tuple[Text, ...]:
        if not self._unwarned:
            return tuple(self._warnings)
        more = Text(f"… og {self._unwarned} mere", f"… and {self._unwarned} more")
        return (*self._warnings, more)
