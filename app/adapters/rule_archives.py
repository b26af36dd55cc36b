"""Rules as their publishers give them, ZIP or folder: read within bounds, and only what could be rules is kept.

An archive comes from outside. Names that lead out of it, links, encrypted members and more content than rules can
have refuse the whole of it, before anything is written anywhere.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from app.adapters import incoming
from billing.einvoice.rule_install import Source
from foundation import zips
from foundation.language import Text
from foundation.zips import Bounds

#: Bytes of an archive, of one file of rules, and of all of them. OASIS' own has some 30 MB, its largest rule file 2.5.
LARGEST_ARCHIVE = 100_000_000
LARGEST_FILE = 20_000_000
LARGEST_WHOLE = 100_000_000
MOST_MEMBERS = 20_000

_BOUNDS = Bounds(MOST_MEMBERS, LARGEST_FILE, LARGEST_WHOLE)

#: Schematron's sources judge nothing, but whoever gives them wants to hear what to give in their place.
_KINDS = (".xsd", ".xsl", ".xslt", ".sch")
_PIECE = 65_536


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
        return Source(name, digest.hexdigest(), dict(zips.contents(name, file, _BOUNDS, _could_be_rules)))


def _from_folder(path: Path) -> Iterator[tuple[str, bytes]]:
    left, members = LARGEST_WHOLE, 0
    for folder, _, names in os.walk(path, followlinks=False):
        for name in sorted(names):
            members += 1
            if members > MOST_MEMBERS:
                raise zips.hostile(incoming.name_of(path), Text("har for mange filer", "has too many files"))
            file = Path(folder) / name
            if not _could_be_rules(name):
                continue
            inside = file.relative_to(path).as_posix()
            if file.is_symlink():
                raise zips.hostile(incoming.name_of(path), Text(f"{inside} er et link", f"{inside} is a link"))
            with incoming.opened(file, LARGEST_FILE) as stream:
                content = stream.read(LARGEST_FILE + 1)
            left -= len(content)
            if left < 0 or len(content) > LARGEST_FILE:
                raise zips.too_much(incoming.name_of(path), inside)
            yield f"{path.resolve().name}/{inside}", content


def _could_be_rules(name: str) -> bool:
    return name.lower().endswith(_KINDS)
