"""Rules as their publishers give them, ZIP or folder: read within bounds, and only what could be rules is kept.

An archive comes from outside. Names that lead out of it, links, encrypted members and more content than rules can
have refuse the whole of it, before anything is written anywhere.
"""

from __future__ import annotations

import hashlib
import os
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from app.adapters import incoming
from billing.einvoice.rule_install import Source
from foundation import wording
from foundation.errors import Refused
from foundation.language import Text, same

#: Bytes of an archive, of one file of rules, and of all of them. OASIS' own has some 30 MB, its largest rule file 2.5.
LARGEST_ARCHIVE = 100_000_000
LARGEST_FILE = 20_000_000
LARGEST_WHOLE = 100_000_000
MOST_MEMBERS = 20_000

_KINDS = (".xsd", ".xsl", ".xslt")
_PIECE = 65_536


class HostileArchive(Refused):
    """An archive that no publisher makes."""


def read(path: Path) -> Source:
    """Read a ZIP or a folder. Raises HostileArchive, Unreadable or OSError."""
    name = incoming.name_of(path.resolve())
    if path.is_dir():
        return Source(name, "", dict(_from_folder(path)))
    with incoming.opened(path, LARGEST_ARCHIVE) as file:
        digest = hashlib.sha256()
        while piece := file.read(_PIECE):
            digest.update(piece)
        file.seek(0)
        return Source(name, digest.hexdigest(), dict(_from_zip(path, file)))


def _from_zip(path: Path, file: BinaryIO) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if len(members) > MOST_MEMBERS:
                raise _hostile(path, Text("har for mange filer", "has too many files"))
            for member in members:
                _refuse_member(path, member)
            left = LARGEST_WHOLE
            for member in members:
                if _could_be_rules(member.filename) and not member.is_dir():
                    content = _content(path, archive, member, min(left, LARGEST_FILE))
                    left -= len(content)
                    yield member.filename, content
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError) as fault:
        unreadable = Text("er ikke en ZIP, der kan læses", "is not a ZIP that can be read")
        raise incoming.unreadable(path, unreadable) from fault


def _refuse_member(path: Path, member: zipfile.ZipInfo) -> None:
    name = member.orig_filename
    parts = PurePosixPath(name).parts
    if not name or "\0" in name or "\\" in name or name.startswith("/") or ".." in parts or ":" in name:
        shown = wording.legible(name)
        raise _hostile(path, Text(f"filnavnet {shown} fører ud af den", f"the name {shown} leads out of it"))
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _hostile(path, Text(f"{name} er et link eller en enhed", f"{name} is a link or a device"))
    if member.flag_bits & 0x1:
        raise _hostile(path, Text(f"{name} er krypteret", f"{name} is encrypted"))


def _content(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, at_most: int) -> bytes:
    """Read a member as far as it may go, whatever it says its size is."""
    found = bytearray()
    with archive.open(member) as stream:
        while piece := stream.read(_PIECE):
            found += piece
            if len(found) > at_most:
                raise _too_much(path, member.filename)
    return bytes(found)


def _from_folder(path: Path) -> Iterator[tuple[str, bytes]]:
    left, members = LARGEST_WHOLE, 0
    for folder, _, names in os.walk(path, followlinks=False):
        for name in sorted(names):
            members += 1
            if members > MOST_MEMBERS:
                raise _hostile(path, Text("har for mange filer", "has too many files"))
            file = Path(folder) / name
            if not _could_be_rules(name):
                continue
            inside = file.relative_to(path).as_posix()
            if file.is_symlink():
                raise _hostile(path, Text(f"{inside} er et link", f"{inside} is a link"))
            with incoming.opened(file, LARGEST_FILE) as stream:
                content = stream.read(LARGEST_FILE + 1)
            left -= len(content)
            if left < 0 or len(content) > LARGEST_FILE:
                raise _too_much(path, inside)
            yield f"{path.resolve().name}/{inside}", content


def _could_be_rules(name: str) -> bool:
    return name.lower().endswith(_KINDS)


def _too_much(path: Path, name: str) -> HostileArchive:
    return _hostile(path, Text(f"{name} fylder mere end regler gør", f"{name} is larger than rules are"))


def _hostile(path: Path, what: Text) -> HostileArchive:
    return HostileArchive(same(f"{incoming.name_of(path)}: ") + what)
