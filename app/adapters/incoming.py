"""Files that come in: opened only where they are ordinary files, read only up to a limit, named as a reader may see it.

A pipe or a device could be read for ever, or hold a command up before the first byte.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from foundation import wording
from foundation.errors import Unreadable
from foundation.language import Text, same, whole_number

#: Bytes of a file that is one decision; its text may have 20.000 characters.
LARGEST_TEXT = 100_000


def name_of(path: Path) -> str:
    """Give a file's name as messages and the audit trail write it: no name can disturb a terminal or the database."""
    return wording.legible(path.name)


@contextmanager
def opened(path: Path, most_bytes: int | None = None) -> Iterator[BinaryIO]:
    """Open an ordinary file of at most so many bytes. Raises Unreadable for anything else, and OSError."""
    if path.is_dir():
        raise _no_file(path)
    with open(path, "rb", opener=_opener) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise _no_file(path)
        if most_bytes is not None and status.st_size > most_bytes:
            raise too_large(path, most_bytes)
        yield file


def _opener(path: str, flags: int) -> int:
    # Opening a pipe that nobody writes to would wait for ever; O_NONBLOCK does not, and means nothing on a file.
    return os.open(path, flags | os.O_NONBLOCK)


def text(path: Path, most_bytes: int | None = None) -> str:
    """Read a small UTF-8 text, whatever its line ends. Raises Unreadable."""
    most_bytes = most_bytes or LARGEST_TEXT
    with opened(path, most_bytes) as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise too_large(path, most_bytes)
    try:
        decoded = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise unreadable(path, Text(f"linje {line} er ikke UTF-8", f"line {line} is not UTF-8")) from None
    return decoded.replace("\r\n", "\n").replace("\r", "\n")


def unreadable(path: Path, what: Text) -> Unreadable:
    """Give the refusal of a file as a whole."""
    return Unreadable(same(f"{name_of(path)}: ") + what)


def _no_file(path: Path) -> Unreadable:
    return unreadable(path, Text("er ikke en almindelig fil", "is not an ordinary file"))


def too_large(path: Path, most_bytes: int) -> Unreadable:
    """Give the refusal of a file that is larger than any right one."""
    most = whole_number(most_bytes)
    return unreadable(path, Text(f"filen er over {most.da} byte", f"the file is over {most.en} bytes"))
