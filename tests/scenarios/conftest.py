"""Two databases at once, for stories that compare SQLite with PostgreSQL; documents made without helpers; and a
verification at the end of every story.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.adapters import work
from tests.command_line import CommandLine
from tests.conftest import FULL
from tests.places import Places, structure, with_starter


@pytest.fixture(autouse=True)
def documents_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the few documents of a story here: starting other processes takes longer than making them."""
    monkeypatch.setattr(work, "WORTH_SPREADING", 10**6)


@pytest.fixture
def both(places: Places, tmp_path: Path) -> Iterator[tuple[CommandLine, CommandLine]]:
    """The command line on a SQLite and a PostgreSQL database, both with the starter loaded."""
    one, other = (places.copy(tmp_path / kind, kind, structure, with_starter) for kind in ("sqlite", "postgresql"))
    yield one, other
    places.drop(other)


@pytest.fixture(autouse=True)
def nothing_is_broken_in_the_end(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every story leaves a database that `verify` accepts, but for those marked `tampers`; `make test` asks a tenth."""
    is_asked = FULL or zlib.crc32(request.node.nodeid.encode()) % 10 == 0
    copies: list[CommandLine] = []
    if is_asked and "copies" in request.fixturenames:
        copies = request.getfixturevalue("copies")
    yield
    if not request.node.get_closest_marker("tampers"):
        for line in copies:
            line.done("verify")
