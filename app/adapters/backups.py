"""A backup: everything in the database as one compressed file of rows, the same for SQLite and PostgreSQL.

The first line says what it is, each further line is one row, the last line holds the count and the SHA-256 of all
before it. A file that was cut or changed is refused before a row of it is stored.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Table, func, insert, select, text
from sqlalchemy.orm import Session

from foundation.base import Base
from foundation.errors import Refused
from foundation.language import Text

_FORMAT = "os2tilslut-backup-1"
_ROWS_AT_A_TIME = 500


class NotRestored(Refused):
    """The backup is damaged, of another version, or the database is not empty."""


def write(session: Session, file: Path) -> int:
    """Write all rows to a file; give their count. The file appears only when it is whole."""
    digest, count = hashlib.sha256(), 0
    unfinished = file.with_name(file.name + ".part")
    with gzip.open(unfinished, "wt", encoding="utf-8", compresslevel=6) as out:
        for line in _lines(session):
            digest.update(line.encode())
            out.write(line)
            count += 1
        out.write(_line({"rows": count - 1, "sha256": digest.hexdigest()}))
    unfinished.replace(file)
    return count - 1


def _lines(session: Session) -> Iterator[str]:
    yield _line({"format": _FORMAT, "revision": _revision(session)})
    for table in Base.metadata.sorted_tables:
        found = select(table).order_by(*table.primary_key).execution_options(yield_per=_ROWS_AT_A_TIME)
        for row in session.execute(found):
            yield _line({"table": table.name, "row": [_plain(value) for value in row]})


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
    _check(session, file)
    tables = {table.name: table for table in Base.metadata.sorted_tables}
    pending: list[dict[str, Any]] = []
    current, count = "", 0
    for line in _read(file):
        if "table" not in line:
            continue
        if line["table"] != current or len(pending) >= _ROWS_AT_A_TIME:
            _store(session, tables.get(current), pending)
            current, pending = line["table"], []
        pending.append(_typed(tables[current], line["row"]))
        count += 1
    _store(session, tables.get(current), pending)
    _set_sequences(session)
    return count


def _check(session: Session, file: Path) -> None:
    if any(session.execute(select(func.count()).select_from(table)).scalar() for table in Base.metadata.sorted_tables):
        raise NotRestored(Text("databasen er ikke tom", "the database is not empty"))
    digest, count, first, last = hashlib.sha256(), 0, None, None
    for line in _raw(file):
        if last is not None:
            digest.update(last.encode())
            count += 1
        last, first = line, first or line
    head, foot = _parsed(first), _parsed(last)
    if foot != {"rows": count - 1, "sha256": digest.hexdigest()}:
        raise _damaged(file)
    if head != {"format": _FORMAT, "revision": _revision(session)}:
        raise NotRestored(
            Text(
                f"{file.name} er fra en anden version ({head.get('revision')}); brug samme version af os2tilslut",
                f"{file.name} is of another version ({head.get('revision')}); use the same version of os2tilslut",
            )
        )


def _damaged(file: Path) -> NotRestored:
    name = file.name
    return NotRestored(Text(f"{name} er beskadiget eller ikke en sikkerhedskopi", f"{name} is damaged or not a backup"))


def _parsed(line: str | None) -> dict[str, Any]:
    try:
        found = json.loads(line or "")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _raw(file: Path) -> Iterator[str]:
    try:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            yield from lines
    except (EOFError, gzip.BadGzipFile, zlib.error, UnicodeDecodeError):
        raise _damaged(file) from None


def _read(file: Path) -> Iterator[dict[str, Any]]:
    return (_parsed(line) for line in _raw(file))


def _typed(table: Table, values: list[Any]) -> dict[str, Any]:
    return {
        column.name: _value(column.type.python_type, value) for column, value in zip(table.columns, values, strict=True)
    }


def _value(kind: type, value: Any) -> Any:
    if value is None:
        return None
    if kind is datetime:
        return datetime.fromisoformat(value)
    if kind is date:
        return date.fromisoformat(value)
    return base64.b64decode(value) if kind is bytes else value


def _store(session: Session, table: Table | None, rows: list[dict[str, Any]]) -> None:
    if table is not None and rows:
        session.execute(insert(table), rows)


def _set_sequences(session: Session) -> None:
    """Let PostgreSQL's own counters go on behind the restored ids."""
    if session.get_bind().dialect.name != "postgresql":
        return
    for table in Base.metadata.sorted_tables:
        if "id" in table.columns and table.columns["id"].autoincrement is not False:
            session.execute(
                text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), max(id)) FROM {table.name}")
            )
