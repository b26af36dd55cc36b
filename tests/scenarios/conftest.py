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

#: Each case of the tampering is asked on one database in `make test`: one in four on PostgreSQL, others on SQLite.
_ON_POSTGRESQL = 4


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Ask each case of the tampering on one database, and on both in `make test-full`: the check is the same code."""
    if FULL:
        return
    left = [item for item in items if _is_left_to_full(item.nodeid)]
    if left:
        items[:] = [item for item in items if not _is_left_to_full(item.nodeid)]
        config.hook.pytest_deselected(items=left)


def _is_left_to_full(nodeid: str) -> bool:
    if "test_tampering.py::" not in nodeid or not ("[postgresql-" in nodeid or "[sqlite-" in nodeid):
        return False
    case = nodeid.replace("[postgresql-", "[").replace("[sqlite-", "[")
    return ("[postgresql-" in nodeid) != (zlib.crc32(case.encode()) % _ON_POSTGRESQL == 0)


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
