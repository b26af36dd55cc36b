"""ZIP archives that come from outside: read within bounds, or refused as a whole.

Names that lead out of the archive, links, encrypted members and more content than there may be refuse all of it before
anything is written anywhere; what a member says of its own size counts for nothing.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

from foundation import wording
from foundation.errors import Refused, Unreadable
from foundation.language import Text, same

_PIECE = 65_536


class HostileArchive(Refused):
    """An archive that nobody makes who means well."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an archive may hold: so many members, so many bytes in one, so many in all that are read."""

    members: int
    file: int
    whole: int


def contents(
    source: str, file: BinaryIO, bounds: Bounds, is_wanted: Callable[[str], bool]
) -> Iterator[tuple[str, bytes]]:
    """Give name and content of the members that are wanted; `source` is what messages call the archive.

    Raises HostileArchive or Unreadable.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if len(members) > bounds.members:
                raise hostile(source, Text("har for mange filer", "has too many files"))
            for member in members:
                _refuse_member(source, member)
            left = bounds.whole
            for member in members:
                if is_wanted(member.filename) and not member.is_dir():
                    content = _content(source, archive, member, min(left, bounds.file))
                    left -= len(content)
                    yield member.filename, content
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError, ValueError) as fault:
        unreadable = Text("er ikke en ZIP, der kan læses", "is not a ZIP that can be read")
        raise Unreadable(same(f"{source}: ") + unreadable) from fault


def _refuse_member(source: str, member: zipfile.ZipInfo) -> None:
    name = member.orig_filename
    shown, parts = wording.legible(name), PurePosixPath(name).parts
    if not name or "\0" in name or "\\" in name or name.startswith("/") or ".." in parts or ":" in name:
        raise hostile(source, Text(f"filnavnet {shown} fører ud af den", f"the name {shown} leads out of it"))
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise hostile(source, Text(f"{shown} er et link eller en enhed", f"{shown} is a link or a device"))
    if member.flag_bits & 0x1:
        raise hostile(source, Text(f"{shown} er krypteret", f"{shown} is encrypted"))


def _content(source: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo, at_most: int) -> bytes:
    """Read a member as far as it may go, whatever it says its size is."""
    found = bytearray()
    with archive.open(member) as stream:
        while piece := stream.read(_PIECE):
            found += piece
            if len(found) > at_most:
                raise too_much(source, member.filename)
    return bytes(found)


def too_much(source: str, name: str) -> HostileArchive:
    """Give the refusal of a member that is larger than it may be."""
    shown = wording.legible(name)
    return hostile(source, Text(f"{shown} fylder mere, end der må være", f"{shown} is larger than it may be"))


def hostile(source: str, what: Text) -> HostileArchive:
    """Give the refusal of an archive as a whole."""
    return HostileArchive(same(f"{source}: ") + what)
