"""Databases that are made once for each worker and copied for each test: empty, with the starter, or with more in them.

A place is a folder, with the database in it or, on PostgreSQL, beside it. What fills it is a function of the tests;
the files that it leaves in the folder are copied, too.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import make_url

from tests.command_line import CommandLine
from tests.postgresql_copies import Copies
from tests.postgresql_server import PostgreSQLServer

Fill = Callable[[CommandLine], object]
Variables = tuple[tuple[str, str], ...]

_FILE = "os2tilslut.sqlite"


def structure(line: CommandLine) -> None:
    """Set the database up, with nothing in it."""
    line.done("db", "upgrade")


def with_starter(line: CommandLine) -> None:
    """Load the starter: real authorities, inhabitants, products and tables."""
    line.done("starter", "load")


@dataclass
class Places:
    """The places of one worker; the server is asked for where a test needs it."""

    root: Path
    server: Callable[[], PostgreSQLServer]
    _originals: dict[tuple[str, Variables, tuple[Fill, ...]], CommandLine] = field(default_factory=dict)
    _copies: dict[str, Copies] = field(default_factory=dict)  # by the original's name
    _lent: dict[str, Copies] = field(default_factory=dict)  # by the copy's URL
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def copy(self, folder: Path, kind: str, *fills: Fill, environ: Mapping[str, str] | None = None) -> CommandLine:
        """Give a place of one's own that went through these fills, the last of them under these variables."""
        variables = tuple(sorted((environ or {}).items()))
        if not fills:
            return CommandLine(self._bare(folder, kind), folder)
        key = kind, variables, fills
        if key not in self._originals:
            self._originals[key] = self._original(kind, fills, dict(variables))
        return self._copied(self._originals[key], folder).with_environ(**dict(variables))

    def _original(self, kind: str, fills: tuple[Fill, ...], variables: dict[str, str]) -> CommandLine:
        folder = self.root / str(next(self._numbers))
        folder.mkdir()
        made = self.copy(folder, kind, *fills[:-1])
        fills[-1](made.with_environ(**variables))
        return made

    def _copied(self, original: CommandLine, folder: Path) -> CommandLine:
        shutil.copytree(original.folder, folder, dirs_exist_ok=True)
        if original.url.startswith("sqlite"):
            return CommandLine(self._bare(folder, "sqlite"), folder)
        name = _name(original)
        if name not in self._copies:
            self._copies[name] = Copies(self.server(), name)
        made = CommandLine(self._copies[name].take(), folder)
        self._lent[made.url] = self._copies[name]
        return made

    def _bare(self, folder: Path, kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{folder / _FILE}"
        return self.server().create(f"place_{next(self._numbers)}")

    def drop(self, line: CommandLine) -> None:
        """Let a database on the server go; a file goes with its folder."""
        if not line.url.startswith("sqlite"):
            self._lent.pop(line.url).give_back(line.url)


def _name(line: CommandLine) -> str:
    return make_url(line.url).database or ""
