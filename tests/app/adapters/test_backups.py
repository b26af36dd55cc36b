"""Backup and restore: the same rows in either kind of database; what is damaged or would overwrite is refused."""

from __future__ import annotations

import gzip

import pytest

from tests.command_line import CommandLine
from tests.postgresql_server import PostgreSQLServer
from tests.scenarios import database, files


@pytest.fixture
def issued(starter: CommandLine) -> CommandLine:
    """A small year is issued, and something is left to plan."""
    known = files.starter()
    files.take_members(starter, files.member(known[0].cvr))
    files.take_agreements(starter, files.agreement(known[0].cvr, person_reference="Ærø"))
    starter.issue(2027)
    files.take_agreements(starter, files.agreement(known[1].cvr))
    return starter


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
