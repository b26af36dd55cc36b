"""What commands print: results on standard output, progress and messages on standard error, JSON alone where asked."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import click

from foundation.language import Language, Text

_spoken: Language = "da"

_KEPT_IN_MEMORY = 1024 * 1024  # bytes
_PIECE = 64 * 1024  # characters


def speak(chosen: Language) -> None:
    """Choose the language of this call's messages."""
    global _spoken  # noqa: PLW0603 - one command a process, and a refusal is told after the command is gone
    _spoken = chosen


def language() -> Language:
    """Give the language of this call's messages."""
    return _spoken


def say(text: Text | str) -> None:
    """Print a result."""
    click.echo(text if isinstance(text, str) else text[language()])


def note(text: Text | str) -> None:
    """Print a message beside the result."""
    click.echo(text if isinstance(text, str) else text[language()], err=True)


def complain(text: Text) -> None:
    """Print why something was refused."""
    note(Text("Fejl: ", "Error: ") + text)


def say_json(value: object) -> None:
    """Print one JSON document, and nothing else on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


class JsonList:
    """A list that is one member of a JSON document, kept in a file while it grows: memory holds a little of it."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(_KEPT_IN_MEMORY, "w+", encoding="utf-8")  # noqa: SIM115
        self._is_empty = True

    def append(self, value: object) -> None:
        """Add an item."""
        text = json.dumps(value, ensure_ascii=False, indent=2).replace("\n", "\n    ")
        self._file.write(f"{'' if self._is_empty else ','}\n    {text}")
        self._is_empty = False

    def say_in(self, document: Mapping[str, object], name: str) -> None:
        """Print the document with the list as its last member, and nothing else on standard output."""
        head = json.dumps(document, ensure_ascii=False, indent=2).removesuffix("\n}")
        click.echo(f'{head},\n  "{name}": [', nl=False)
        self._file.seek(0)
        while piece := self._file.read(_PIECE):
            click.echo(piece, nl=False)
        click.echo("]\n}" if self._is_empty else "\n  ]\n}")


def table(rows: Iterable[Sequence[str]], *, right: Sequence[int] = (), indent: str = "  ") -> None:
    """Print rows in aligned columns; `right` names the columns of figures."""
    listed = [list(row) for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*listed, strict=True)] if listed else []
    for row in listed:
        cells = [
            cell.rjust(width) if at in right else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        click.echo((indent + "  ".join(cells)).rstrip())


class Progress:
    """A line on standard error that tells how far a long work is; rewritten in a terminal, sparse in a log."""

    def __init__(self, label: Text, whole: int) -> None:
        self._label, self._whole, self._done = label[language()], whole, 0
        self._shown_at = 0.0
        self._is_terminal = sys.stderr.isatty()

    def step(self, by: int = 1) -> None:
        """Count finished pieces."""
        self._done += by
        now = time.monotonic()
        pause = 0.1 if self._is_terminal else 2.0
        if self._done >= self._whole or now - self._shown_at >= pause:
            self._shown_at = now
            self._show()

    def _show(self) -> None:
        line = f"{self._label}: {self._done}/{self._whole}"
        if self._is_terminal:
            click.echo(f"\r{line}", err=True, nl=self._done >= self._whole)
        else:
            click.echo(line, err=True)


def begin(label: Text, whole: int) -> Callable[[int], None]:
    """Begin to tell how far a long work is; give what counts finished pieces."""
    return Progress(label, whole).step
