"""Two databases at once, for stories that compare SQLite with PostgreSQL; and documents made without helpers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.adapters import work
from tests.command_line import CommandLine
from tests.postgresql_server import PostgreSQLServer


@pytest.fixture(autouse=True)
def documents_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the few documents of a story here: starting other processes takes longer than making them."""
    monkeypatch.setattr(work, "WORTH_SPREADING", 10**6)


@pytest.fixture
def both(postgresql: PostgreSQLServer, tmp_path: Path) -> Iterator[tuple[CommandLine, CommandLine]]:
    """The command line on a SQLite and a PostgreSQL database, both with the starter loaded."""
    lines = []
    for kind, url in (("sqlite", f"sqlite:///{tmp_path / 'one.sqlite'}"), ("postgresql", postgresql.create("other"))):
        folder = tmp_path / kind
        folder.mkdir()
        line = CommandLine(url, folder)
        line.done("db", "upgrade")
        line.done("starter", "load")
        lines.append(line)
    yield lines[0], lines[1]
    postgresql.drop("other")
