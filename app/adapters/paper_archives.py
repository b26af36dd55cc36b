"""Agreements from paper as one ZIP: a CSV of facts, and the PDFs that it names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

from agreements.files import LARGEST
from app.adapters import csv_files
from foundation import wording, zips
from foundation.errors import Unreadable
from foundation.intake import Rows
from foundation.language import Text, same
from foundation.zips import Bounds

#: Bytes of an archive, and of all that is in it.
LARGEST_ARCHIVE = 100 * 1024 * 1024
_BOUNDS = Bounds(members=2_000, file=LARGEST, whole=LARGEST_ARCHIVE)

_CSV, _PDF = ".csv", ".pdf"
_NOTES = "__MACOSX"  # what one system packs beside every file


@dataclass(frozen=True, slots=True)
class Papers:
    """The rows of the CSV, and the PDFs by their names without folders."""

    rows: Rows
    files: dict[str, bytes]


def read(source: str, file: BinaryIO) -> Papers:
    """Read an archive. Raises HostileArchive, Unreadable, or RowsRefused where the CSV as a whole is wrong."""
    found = list(zips.contents(source, file, _BOUNDS, _is_wanted))
    tables = [(name, content) for name, content in found if _kind(name) == _CSV]
    if len(tables) != 1:
        count = len(tables)
        wanted = Text(f"skal have netop én CSV-fil, og har {count}", f"must have exactly one CSV file, and has {count}")
        raise Unreadable(same(f"{source}: ") + wanted)
    rows = csv_files.read_bytes(f"{source}/{wording.legible(_base(tables[0][0]))}", tables[0][1], csv_files.PAPER)
    return Papers(rows, dict(_by_name(source, found)))


def _by_name(source: str, found: list[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    seen: set[str] = set()
    for name, content in found:
        if _kind(name) != _PDF:
            continue
        if (base := _base(name)) in seen:
            shown = wording.legible(base)
            twice = Text(f"to filer hedder {shown}; giv dem hvert sit navn", f"two files are called {shown}")
            raise Unreadable(same(f"{source}: ") + twice)
        seen.add(base)
        yield base, content


def _is_wanted(name: str) -> bool:
    return _kind(name) in (_CSV, _PDF) and _NOTES not in PurePosixPath(name).parts and not _base(name).startswith(".")


def _kind(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _base(name: str) -> str:
    return wording.composed(PurePosixPath(name).name)  # one system writes å as two characters
