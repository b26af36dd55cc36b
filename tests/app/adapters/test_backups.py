"""Backup and restore: the same rows in either kind of database; what is damaged or would overwrite is refused."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from app.adapters import backups
from foundation.base import Base
from tests import bounded
from tests.command_line import CommandLine
from tests.conftest import Prepared
from tests.places import with_starter
from tests.postgresql_server import PostgreSQLServer
from tests.scenarios import database, files


def _issued(line: CommandLine) -> None:
    known = files.starter()
    files.take_members(line, files.member(known[0].cvr))
    files.take_agreements(line, files.agreement(known[0].cvr, person_reference="Ærø"))
    line.issue(2027)
    files.take_agreements(line, files.agreement(known[1].cvr))


@pytest.fixture
def issued(prepared: Prepared) -> CommandLine:
    """A small year is issued, and something is left to plan."""
    return prepared(with_starter, _issued)


@pytest.fixture
def fresh(issued: CommandLine, kind: str, postgresql: PostgreSQLServer) -> CommandLine:
    """A database of the other kind, set up and empty."""
    other = f"sqlite:///{issued.folder / 'other.sqlite'}" if kind == "postgresql" else postgresql.create("restored")
    line = CommandLine(other, issued.folder)
    line.done("db", "upgrade")
    return line


@pytest.fixture(autouse=True)
def dropped(request: pytest.FixtureRequest, kind: str) -> object:
    """Drop what `fresh` made on the server."""
    yield
    if kind == "sqlite" and "fresh" in request.fixturenames:
        request.getfixturevalue("postgresql").drop("restored")


def test_a_backup_restored_into_the_other_kind_of_database_is_the_same(issued: CommandLine, fresh: CommandLine) -> None:
    """Promise 23."""
    file = issued.folder / "backup.gz"
    plan = issued.json("billing", "plan", 2027)

    issued.done("db", "backup", file)
    fresh.done("db", "restore", file)

    assert database.dump(fresh) == database.dump(issued)
    assert fresh.json("verify")["ok"] is True
    assert fresh.json("billing", "plan", 2027) == plan
    # Life goes on there: new rows get free ids, new invoices the next number.
    files.take_authorities(fresh, files.authority(files.cvrs(1)[0]))
    fresh.issue(2027)
    assert database.column(fresh, "SELECT number FROM invoice ORDER BY sequence") == [
        "2027-0001", "2027-0002", "2027-0003"
    ]  # fmt: skip
    fresh.done("verify")


def test_a_damaged_backup_is_refused_and_nothing_of_it_is_stored(issued: CommandLine, fresh: CommandLine) -> None:
    whole = issued.folder / "backup.gz"
    issued.done("db", "backup", whole)
    packed, lines = whole.read_bytes(), gzip.decompress(whole.read_bytes()).splitlines(keepends=True)
    middle = len(packed) // 2
    damaged = {
        "empty": b"",
        "cut": packed[:middle],
        "one bit": packed[:middle] + bytes([packed[middle] ^ 1]) + packed[middle + 1 :],
        "no gzip": b"something else entirely",
        "a row changed": gzip.compress(b"".join(lines).replace("Ærø".encode(), b"XXXX")),
        "a row away": gzip.compress(b"".join(lines[:5] + lines[6:])),
        "no last line": gzip.compress(b"".join(lines[:-1])),
    }
    before = database.dump(fresh)

    for name, content in damaged.items():
        file = issued.folder / "damaged.gz"
        file.write_bytes(content)
        result = fresh.run("db", "restore", file)

        assert (result.code, result.out) == (1, ""), (name, result)
        assert "damaged.gz" in result.err, name
    assert database.dump(fresh) == before
    fresh.done("db", "restore", whole)


def test_a_database_that_is_not_empty_is_not_restored_into(issued: CommandLine) -> None:
    file = issued.folder / "backup.gz"
    issued.done("db", "backup", file)
    before = database.dump(issued)

    result = issued.run("db", "restore", file)

    assert result.code == 1
    assert "ikke tom" in result.err
    assert database.dump(issued) == before


def test_a_database_that_is_not_set_up_is_not_restored_into(issued: CommandLine) -> None:
    file = issued.folder / "backup.gz"
    issued.done("db", "backup", file)

    result = CommandLine(f"sqlite:///{issued.folder / 'new.sqlite'}", issued.folder).run("db", "restore", file)

    assert result.code == 3
    assert "db upgrade" in result.err


def test_a_backup_replaces_an_older_one_only_when_it_is_whole(issued: CommandLine) -> None:
    file = issued.folder / "backup.gz"
    file.write_bytes(b"the older one")
    elsewhere = CommandLine(f"sqlite:///{issued.folder / 'nothing.sqlite'}", issued.folder)

    failed = elsewhere.run("db", "backup", file)
    kept = file.read_bytes()
    issued.done("db", "backup", file)

    assert failed.code == 3
    assert kept == b"the older one"
    assert gzip.decompress(file.read_bytes())


# --- whole, with the right digest, and wrong all the same


def sealed(lines: Iterable[bytes]) -> bytes:
    """A backup of these lines with a last line that fits them, as someone would make it who knows the format."""
    content = b"".join(lines)
    last = json.dumps({"rows": content.count(b"\n") - 1, "sha256": hashlib.sha256(content).hexdigest()})
    return gzip.compress(content + last.replace(": ", ":").encode() + b"\n", compresslevel=1)


def head(line: CommandLine) -> bytes:
    """The first line of a backup."""
    (revision,) = database.column(line, "SELECT version_num FROM alembic_version")
    return json.dumps({"format": "os2tilslut-backup-1", "revision": revision}).encode() + b"\n"


def row(table: str, *values: Any, **changes: Any) -> bytes:
    """One line of a backup; `changes` are cells by their column."""
    columns = [column.name for column in Base.metadata.tables[table].columns]
    cells = [changes.get(name, value) for name, value in zip(columns, values, strict=False)]
    return (
        json.dumps({"table": table, "row": [*cells, *values[len(columns) :]]}, separators=(",", ":")).encode() + b"\n"
    )


PRODUCT = (1, "OS2x", None, None, None, None, None, None)
AUTHORITY = (1, "55133018", "kommune", "0751", "Aarhus", "Aarhus", None, None, None, None, None, None, None)
MEMBER = (1, 1, "2020-01-01", None, None, None, None, None)
SETTINGS = (1, "x", "x", "2027-01-15T10:00:00+00:00", "x")
APPROVED = (1, 7, 1, 1, "x", "{}")

WRONG_ROWS: dict[str, list[bytes]] = {
    "a table of another service": [b'{"table":"users","row":[1,"x"]}\n'],
    "a table that SQL would take": [b'{"table":"product; DROP TABLE invoice","row":[1]}\n'],
    "the table of revisions": [b'{"table":"alembic_version","row":["x"]}\n'],
    "a column too many": [row("product", *PRODUCT, "x")],
    "a column too few": [row("product", *PRODUCT[:5])],
    "no cells": [b'{"table":"product","row":[]}\n'],
    "a key twice": [b'{"table":"product","table":"product","row":[1,"x",null,null,null,null,null,null]}\n'],
    "a further key": [b'{"table":"product","row":[1,"x",null,null,null,null,null,null],"x":1}\n'],
    "no object": [b"[1,2]\n"],
    "an empty line": [b"\n"],
    "no JSON": [b"nonsense\n"],
    "no UTF-8": [b'{"table":"product","row":[1,"\xff",null,null,null,null,null,null]}\n'],
    "a list in a cell": [b'{"table":"product","row":[1,["x"],null,null,null,null,null,null]}\n'],
    "deep lists": [b'{"table":"product","row":' + b"[" * 200_000 + b"]" * 200_000 + b"}\n"],
    "a float": [b'{"table":"product","row":[1.5,"x",null,null,null,null,null,null]}\n'],
    "NaN": [b'{"table":"product","row":[NaN,"x",null,null,null,null,null,null]}\n'],
    "a number without end": [b'{"table":"product","row":[' + b"9" * 10_000 + b',"x",null,null,null,null,null,null]}\n'],
    "true for a number": [b'{"table":"product","row":[true,"x",null,null,null,null,null,null]}\n'],
    "an id of zero": [row("product", *PRODUCT, id=0)],
    "a negative id": [row("product", *PRODUCT, id=-1)],
    "the last id there is": [row("product", *PRODUCT, id=2**63 - 1)],
    "no id": [row("product", *PRODUCT, id=None)],
    "a text for an id": [row("product", *PRODUCT, id="1")],
    "a number for a name": [row("product", *PRODUCT, name=1)],
    "no name": [row("product", *PRODUCT, name=None)],
    "NUL in a name": [row("product", *PRODUCT, name="a\0b")],
    "half a character in a name": [row("product", *PRODUCT, name="\ud800")],
    "the same id twice": [row("product", *PRODUCT), row("product", *PRODUCT, name="OS2y")],
    "the same name twice": [row("product", *PRODUCT), row("product", *PRODUCT, id=2)],
    "a day that is none": [row("authority", *AUTHORITY), row("membership", *MEMBER, joined_on="2027-02-30")],
    "a number for a day": [row("authority", *AUTHORITY), row("membership", *MEMBER, joined_on=20270101)],
    "a member that nobody is": [row("membership", *MEMBER)],
    "an instant without a zone": [row("seller_settings", *SETTINGS, imported_at="2027-01-15T10:00:00")],
    "an instant that is none": [row("seller_settings", *SETTINGS, imported_at="now")],
    "an amount of more than 64 bits": [row("authority", *AUTHORITY), row("population", 1, 1, 2027, 2**63, "x")],
    "bytes that are none": [row("rendering", 1, 1, "pdf", "x", "~~~", "2027-01-15T10:00:00+00:00")],
    "an approval that is not there": [row("authority", *AUTHORITY), row("approved_invoice", *APPROVED)],
}  # fmt: skip


def test_a_backup_whose_rows_do_not_fit_is_refused_with_the_line_and_nothing_of_it_is_stored(
    empty: CommandLine,
) -> None:
    before = database.dump(empty)

    for name, rows in WRONG_ROWS.items():
        file = empty.folder / "wrong.gz"
        file.write_bytes(sealed([head(empty), row("product", 9, "OS2før", *PRODUCT[2:]), *rows]))
        result = empty.run("db", "restore", file)

        assert (result.code, result.out) == (1, ""), (name, result)
        assert result.err.startswith("Fejl: wrong.gz") and "Traceback" not in result.err, (name, result)
        assert re.search(r"linje \d+|passer ikke sammen|peger på ingenting|beskadiget", result.err), (name, result)
        assert len(result.err) < 400, (name, result)
        assert database.dump(empty) == before, name
    file.write_bytes(sealed([head(empty), row("product", *PRODUCT)]))
    assert "1 rækker" in empty.done("db", "restore", file).out


def test_the_line_and_the_column_of_a_wrong_cell_are_named_in_both_languages(empty: CommandLine) -> None:
    file = empty.folder / "wrong.gz"
    rows = [row("product", nth, f"P{nth}", *PRODUCT[2:]) for nth in range(1, 4)]
    file.write_bytes(sealed([head(empty), *rows, row("product", *PRODUCT, name=7)]))

    danish, english = empty.run("db", "restore", file), empty.run("--language", "en", "db", "restore", file)

    assert danish.err == "Fejl: wrong.gz: linje 5, kolonne name: passer ikke\n"
    assert english.err == "Error: wrong.gz: line 5, column name: does not fit\n"


HEADS: dict[str, bytes] = {
    "another format": b'{"format":"x","revision":"1"}\n',
    "a hostile revision": b'{"format":"os2tilslut-backup-1","revision":"\\u001b[2J' + b"x" * 500 + b'"}\n',
    "a revision that is a list": b'{"format":"os2tilslut-backup-1","revision":[[[1]]]}\n',
    "a list": b"[1]\n",
    "deep lists": b"[" * 900 + b"\n",
    "far too long": b'{"format":"os2tilslut-backup-1","revision":"' + b"x" * 5_000 + b'"}\n',
}


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize("name", HEADS)
def test_a_backup_of_another_make_is_refused(name: str, empty: CommandLine) -> None:
    file = empty.folder / "other.gz"
    file.write_bytes(sealed([HEADS[name], row("product", *PRODUCT)]))

    result = empty.run("db", "restore", file)

    assert (result.code, result.out) == (1, ""), result
    assert "other.gz" in result.err and "\x1b" not in result.err and len(result.err) < 300, result
    assert database.count(empty, "product") == 0


def zeros(_: CommandLine) -> bytes:
    """A hundred megabytes of nothing, in one line."""
    return gzip.compress(b"\0" * 100_000_000, compresslevel=1)


def one_line(line: CommandLine) -> bytes:
    """A head, and a name of a hundred megabytes."""
    return gzip.compress(head(line) + b'{"table":"product","row":[1,"' + b"x" * 100_000_000, compresslevel=1)


def a_long_name(line: CommandLine) -> bytes:
    """A whole backup with a name of twenty megabytes, which is not the kind of row that any backup holds."""
    return sealed([head(line), row("product", *PRODUCT, name="x" * 20_000_000)])


def rows_without_end(line: CommandLine) -> bytes:
    """Far more rows than such a small file can hold."""
    return gzip.compress(
        head(line) + b'{"table":"product","row":[1,"x",null,null,null,null,null,null]}\n' * 2_500_000, compresslevel=9
    )


def bombs_in_turn(line: CommandLine) -> bytes:
    """Packed pieces one behind the other, as gzip allows."""
    return gzip.compress(head(line)) + gzip.compress(b"\n" * 10_000_000, compresslevel=1) * 30


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize("bomb", [zeros, one_line, a_long_name, rows_without_end, bombs_in_turn])
def test_a_file_that_unpacks_without_end_is_refused_in_bounded_memory(
    bomb: Callable[[CommandLine], bytes], empty: CommandLine
) -> None:
    file = empty.folder / "bomb.gz"
    file.write_bytes(bomb(empty))

    taken = bounded.run(empty, "db", "restore", file)

    is_whole = bomb is a_long_name
    assert taken.code == (0 if is_whole else 1), taken
    assert "Traceback" not in taken.err
    assert taken.peak < 350, taken.peak
    assert database.count(empty, "product") == (1 if is_whole else 0)


def test_a_backup_that_could_not_be_read_again_is_not_written(
    empty: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.take(empty, "products", files.PRODUCTS, [{"product": "OS2x"}])
    monkeypatch.setattr(backups, "_LONGEST_LINE", 50)

    result = empty.run("db", "backup", empty.folder / "backup.gz")

    assert (result.code, result.out) == (1, "")
    assert "for lang" in result.err
    assert not Path(empty.folder / "backup.gz").exists()
