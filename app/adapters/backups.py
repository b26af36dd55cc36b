"""A backup: everything in the database as one compressed file of rows, the same for SQLite and PostgreSQL.

The first line says what it is, each further line is one row, the last line holds the count and the SHA-256 of all
before it. A file that was cut or changed is refused before a row of it is stored; so is one that unpacks to far more
than rows do, and a row that does not fit its table in number, form or kind, with its line and column.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Column, Table, func, insert, select, text
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from app.adapters import files, incoming
from foundation import wording
from foundation.base import Base
from foundation.errors import Refused
from foundation.language import Text, same

_FORMAT = "os2tilslut-backup-1"
_ROWS_AT_A_TIME = 500
_STORED_AT_A_TIME = 16 * 1024 * 1024  # characters and bytes of rows that wait to be stored
# The longest row, a rendering or a large import's audit entry, has some megabytes.
_LONGEST_LINE = 64 * 1024 * 1024  # bytes
_LONGEST_END = 1_000  # bytes of the first line and of the last
# Rows pack to a tenth or a twentieth; what unpacks to more than this was made to fill memory and time.
_MOST_UNPACKED = 100  # times its size
_LARGEST_ID = 10**15

# A row is a flat list of texts, whole numbers and nothing else, so reading one costs no more than its length.
_SCALAR = r'(?:"(?:[^"\\\x00-\x1f]++|\\["\\/bfnrtu])*+"|-?[0-9]{1,19}|null)'
_ROW_BEGINS = b'{"table":"'
_ROW = re.compile(rf'\{{"table":"[a-z_]{{1,63}}","row":\[{_SCALAR}(?:,{_SCALAR}){{0,63}}+\]\}}\n')


class NotRestored(Refused):
    """The backup is damaged, of another version, or the database is not empty."""


class NotWritten(Refused):
    """There is no backup in that place, or none that could be read again."""


def write(session: Session, file: Path) -> int:
    """Write all rows to a file; give their count. The file appears only when it is whole and on the disk."""
    if file.exists() and not file.is_file():
        raise NotWritten(Text(f"{file} er ikke en almindelig fil", f"{file} is not an ordinary file"))
    digest, count = hashlib.sha256(), 0
    with (
        files.whole(file, durable=True) as unfinished,
        gzip.open(unfinished, "wt", encoding="utf-8", compresslevel=6) as out,
    ):
        for line in _lines(session):
            packed = line.encode()
            if len(packed) > _LONGEST_LINE:
                raise NotWritten(Text("en række er for lang til at læses igen", "a row is too long to be read again"))
            digest.update(packed)
            out.write(line)
            count += 1
        out.write(_line({"rows": count - 1, "sha256": digest.hexdigest()}))
    return count - 1


def _lines(session: Session) -> Iterator[str]:
    yield _line({"format": _FORMAT, "revision": _revision(session)})
    for table in _kept():
        found = select(table).order_by(*table.primary_key).execution_options(yield_per=_ROWS_AT_A_TIME)
        for row in session.execute(found):
            yield _line({"table": table.name, "row": [_plain(value) for value in row]})


def _kept() -> list[Table]:
    """Give the tables of a backup: all but those whose rows are for a day or less."""
    return [table for table in Base.metadata.sorted_tables if not table.info.get("fleeting")]


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value


def _revision(session: Session) -> str:
    return str(session.execute(text("SELECT version_num FROM alembic_version")).scalar())


def restore(session: Session, file: Path) -> int:
    """Read a backup into an empty database; give the count of rows. Raises NotRestored; the caller commits."""
    if any(session.execute(select(func.count()).select_from(table)).scalar() for table in _kept()):
        raise NotRestored(Text("databasen er ikke tom", "the database is not empty"))
    with incoming.opened(file) as packed:
        backup = _Backup(incoming.name_of(file), packed)
        backup.check(_revision(session))
        try:
            count = _restore_rows(session, backup)
            _check_references(session, backup)
        except (IntegrityError, DataError) as error:
            reason = str(error.orig).strip().splitlines()[0][:200]
            raise backup.refused(
                Text(f"rækkerne passer ikke sammen: {reason}", f"the rows do not fit together: {reason}")
            ) from None
    _set_sequences(session)
    return count


@dataclass(frozen=True)
class _Backup:
    """A file that says it is a backup: its lines, read in bounded memory, and what is wrong with it."""

    name: str
    packed: BinaryIO

    def lines(self) -> Iterator[bytes]:
        """Give every line from the first. Raises NotRestored where the file is damaged or unpacks to far too much."""
        size = self.packed.seek(0, 2)
        self.packed.seek(0)
        left = _LONGEST_LINE + _MOST_UNPACKED * size
        try:
            with gzip.open(self.packed) as unpacked:
                while line := unpacked.readline(_LONGEST_LINE + 1):
                    left -= len(line)
                    if len(line) > _LONGEST_LINE or left < 0:
                        raise self.damaged()
                    yield line
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise self.damaged() from None

    def check(self, revision: str) -> None:
        """Read the file through. Raises NotRestored unless it is whole, unchanged and of this revision."""
        digest, count, head, last = hashlib.sha256(), 0, None, b""
        for line in self.lines():
            if head is None and (head := _end(line)).get("format") != _FORMAT:
                raise self.damaged()
            if count and not last.startswith(_ROW_BEGINS):
                raise self.damaged()
            digest.update(last)
            count += bool(last)
            last = line
        if head is None or _end(last) != {"rows": count - 1, "sha256": digest.hexdigest()}:
            raise self.damaged()
        if head != {"format": _FORMAT, "revision": revision}:
            other = wording.quoted(str(head.get("revision")))
            raise NotRestored(
                Text(
                    f"{self.name} er fra en anden version ({other}); brug samme version af os2tilslut",
                    f"{self.name} is of another version ({other}); use the same version of os2tilslut",
                )
            )

    def rows(self) -> Iterator[tuple[Table, dict[str, Any]]]:
        """Give every row with its table. Raises NotRestored with the line and column that do not fit."""
        tables = {table.name: table for table in _kept()}
        before = b""
        for number, line in enumerate(self.lines()):  # one line behind, for the last is no row
            if number > 1:
                yield self._row(number, before, tables)
            before = line

    def _row(self, number: int, line: bytes, tables: Mapping[str, Table]) -> tuple[Table, dict[str, Any]]:
        try:
            found = line.decode()
            row = json.loads(found) if _ROW.fullmatch(found) else {}
        except ValueError:
            row = {}
        table = tables.get(row.get("table", ""))
        if table is None or len(row["row"]) != len(table.columns):
            raise self.refused(Text(f"linje {number} er ikke en række", f"line {number} is not a row"))
        return table, {
            column.name: self._value(number, column, value)
            for column, value in zip(table.columns, row["row"], strict=True)
        }

    def _value(self, number: int, column: Column[Any], value: Any) -> Any:
        if value is None and column.nullable:
            return None
        try:
            return _identity(value) if column.name == "id" else _FROM_PLAIN[column.type.python_type](value)
        except (TypeError, ValueError):
            place = Text(f"linje {number}, kolonne {column.name}", f"line {number}, column {column.name}")
            raise self.refused(place + Text(": passer ikke", ": does not fit")) from None

    def damaged(self) -> NotRestored:
        """Give the refusal of a file that is no whole backup."""
        return NotRestored(
            Text(f"{self.name} er beskadiget eller ikke en sikkerhedskopi", f"{self.name} is damaged or not a backup")
        )

    def refused(self, why: Text) -> NotRestored:
        """Give the refusal of a file that is whole, but wrong."""
        return NotRestored(same(f"{self.name}: ") + why)


def _end(line: bytes) -> dict[str, Any]:
    """Give what the first or the last line says; nothing where it cannot be one."""
    try:
        found = json.loads(line) if len(line) <= _LONGEST_END else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


# --- from plain values to those of the columns; each raises TypeError or ValueError


def _text(value: Any) -> str:
    if type(value) is not str or "\0" in value:
        raise ValueError(value)
    value.encode()  # a lone surrogate is no character
    return value


def _whole(value: Any) -> int:
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise ValueError(value)
    return value


def _identity(value: Any) -> int:
    if not 1 <= _whole(value) <= _LARGEST_ID:
        raise ValueError(value)
    return int(value)


def _instant(value: Any) -> datetime:
    found = datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise ValueError(value)
    return found


def _bytes(value: Any) -> bytes:
    return base64.b64decode(value, validate=True)


_FROM_PLAIN: Mapping[type, Callable[[Any], Any]] = {
    str: _text, int: _whole, date: date.fromisoformat, datetime: _instant, bytes: _bytes,
}  # fmt: skip


def _restore_rows(session: Session, backup: _Backup) -> int:
    pending: list[dict[str, Any]] = []
    current: Table | None = None
    count = waiting = 0
    for table, row in backup.rows():
        if table is not current or len(pending) >= _ROWS_AT_A_TIME or waiting > _STORED_AT_A_TIME:
            _store(session, current, pending)
            current, pending, waiting = table, [], 0
        pending.append(row)
        waiting += sum(len(value) for value in row.values() if isinstance(value, str | bytes))
        count += 1
    _store(session, current, pending)
    return count


def _store(session: Session, table: Table | None, rows: list[dict[str, Any]]) -> None:
    if table is not None and rows:
        session.execute(insert(table), rows)


def _check_references(session: Session, backup: _Backup) -> None:
    """Ask for what would otherwise be asked at the commit, when nobody can name the file any more."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    elif session.execute(text("PRAGMA foreign_key_check")).first() is not None:
        raise backup.refused(Text("en række peger på ingenting", "a row points at nothing"))


def _set_sequences(session: Session) -> None:
    """Let PostgreSQL's own counters go on behind the restored ids."""
    if session.get_bind().dialect.name != "postgresql":
        return
    for table in Base.metadata.sorted_tables:
        if "id" in table.columns and table.columns["id"].autoincrement is not False:
            session.execute(
                text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), max(id)) FROM {table.name}")
            )
