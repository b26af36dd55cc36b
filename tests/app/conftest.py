"""The demonstration's year: made once for a run, and copied where a test writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.adapters import work
from tests import between_workers
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
