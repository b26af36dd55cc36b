"""The demonstration's year for the tests of the API: made once for a run, and copied where a test writes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.adapters import work
from tests import between_workers
from tests.app.api.programs import Program
from tests.command_line import CommandLine


@pytest.fixture(scope="session")
def demonstration_year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of the demonstration's year, with invoices, a credit note and documents."""
    return between_workers.once(tmp_path_factory, "demonstration", _demonstrate) / "os2tilslut.sqlite"


def _demonstrate(folder: Path) -> None:
    line = CommandLine(f"sqlite:///{folder / 'os2tilslut.sqlite'}", folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(work, "WORTH_SPREADING", 10**6)  # the other processor has a worker of its own
        line.with_environ(OS2TILSLUT_ENV="demo").done("demo")


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
