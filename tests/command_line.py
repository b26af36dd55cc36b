"""The command line as tests use it: in this process, with its own database, clock and folder.

line = CommandLine(url, folder)
line.done("billing", "plan", "2027")          exit code 0, or the test fails
line.run("verify").code                       whatever it is
line.json("billing", "plan", "2027")          the JSON document on standard output
line.at("2027-01-15").done(...)               the same place on another day
line.write("members.csv", "cvr,…")            a file to import; gives its path
with line.session() as session: ...           the database itself, to look or to tamper
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any
from unittest import mock

from sqlalchemy import Engine, NullPool, create_engine
from sqlalchemy.orm import Session

import app.cli as command_line
from app import database


@dataclass(frozen=True)
class Result:
    """What a command came to."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The JSON document on standard output; fails where anything else stands there."""
        return json.loads(self.out)


@dataclass(frozen=True)
class CommandLine:
    """A command line on one database."""

    url: str
    folder: Path
    clock: str = "2027-01-15T10:00:00Z"
    environ: dict[str, str] = field(default_factory=dict)

    def at(self, moment: str) -> CommandLine:
        """Give the same at another moment (a day means noon UTC)."""
        return replace(self, clock=moment if "T" in moment else f"{moment}T12:00:00Z")

    def with_environ(self, **variables: str) -> CommandLine:
        """Give the same with further environment variables."""
        return replace(self, environ=self.environ | variables)

    @property
    def environment(self) -> dict[str, str]:
        """The variables a command sees; enough to run it in a process of its own, too."""
        ours = {
            "OS2TILSLUT_DATABASE_URL": self.url,
            "OS2TILSLUT_DATA_DIR": str(self.folder),
            "OS2TILSLUT_CLOCK": self.clock,
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith("OS2TILSLUT_")}
        return kept | ours | self.environ

    def run(self, *arguments: object) -> Result:
        """Run a command, exactly as the program would."""
        out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
        words = ["os2tilslut", *map(str, arguments)]
        with (
            mock.patch.dict(os.environ, self.environment, clear=True),
            mock.patch.object(sys, "argv", words),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            try:
                command_line.main()
            except SystemExit as stop:
                code = stop.code
        return Result(int(code or 0), _text(out), _text(err))

    def done(self, *arguments: object) -> Result:
        """Run a command that must succeed."""
        result = self.run(*arguments)
        assert result.code == 0, f"{arguments}: exit {result.code}\n{result.out}\n{result.err}"
        return result

    def json(self, *arguments: object) -> Any:
        """Run a command that must succeed with --json, and give the document."""
        return self.done(*arguments, "--json").json()

    def write(self, name: str, text: str) -> Path:
        """Write a file into the folder."""
        file = self.folder / name
        file.write_text(text, encoding="utf-8")
        return file

    def approve(self, year: int, *more: str) -> str:
        """Approve the plan of a year as it is; give its digest."""
        digest = str(self.json("billing", "plan", year, *more)["digest"])
        self.done("billing", "approve", year, "--digest", digest, "--by", "En Godkender", *more)
        return digest

    def issue(self, year: int, *more: str) -> None:
        """Approve and issue the plan of a year as it is."""
        self.approve(year)
        self.done("billing", "issue", year, *more)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a session on the database; what is written is committed at the end."""
        with Session(_engine(self.url)) as session:
            yield session
            session.commit()


@lru_cache(maxsize=64)
def _engine(url: str) -> Engine:
    """Give what connects to a database and keeps no connection; asking it what it is takes longer than most tests."""
    engine = create_engine(url, poolclass=NullPool)
    database.prepare(engine)
    return engine


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    raw: io.BytesIO = stream.buffer  # type: ignore[assignment]
    return raw.getvalue().decode()
