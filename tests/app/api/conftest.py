"""Programs that talk with the API, on the demonstration's year and on the starter."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.api.programs import Program
from tests.command_line import CommandLine


@pytest.fixture
def demonstration(demonstration_year: Path, tmp_path: Path) -> Iterator[Program]:
    """A program on a copy of the demonstration's year."""
    file = tmp_path / "os2tilslut.sqlite"
    shutil.copy(demonstration_year, file)
    made = Program(CommandLine(f"sqlite:///{file}", tmp_path))
    yield made
    made.close()


@pytest.fixture
def program(starter: CommandLine) -> Iterator[Program]:
    """A program on the starter, on each kind of database in turn."""
    made = Program(starter)
    yield made
    made.close()
