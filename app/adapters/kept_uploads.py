"""A file whose preview somebody looks at, kept so that it need not be chosen again.

It lies in a folder for an hour at most, for its owner alone, who has one at a time.
"""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import orjson

from foundation.audit import sha256

#: How long a preview may be looked at.
LIFE = timedelta(hours=1)

_KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was sent, and the text of its mapping where it had one."""

    name: str
    content: bytes
    mapping: str | None = None


def keep(folder: Path, owner: int, upload: Upload, at: datetime) -> str:
    """Keep a file in place of what the owner had; give the digest by which it is asked for. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    sweep(folder, at)
    forget(folder, owner)
    whole = orjson.dumps([upload.name, upload.mapping]) + b"\n" + upload.content
    key = sha256(whole)
    handle, name = tempfile.mkstemp(dir=folder)  # nobody else may read it
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(whole)
        os.utime(name, (at.timestamp(), at.timestamp()))
        Path(name).replace(folder / f"{owner}-{key}")
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    return key


def kept(folder: Path, owner: int, key: str, at: datetime) -> Upload | None:
    """Give the file that an owner looks at; None where it is gone, was kept too long, or is another's."""
    place = folder / f"{owner}-{key}"
    if not _KEY.fullmatch(key) or _is_old(place, at):
        return None
    try:
        whole = place.read_bytes()
    except FileNotFoundError:
        return None
    if sha256(whole) != key:
        return None
    head, _, content = whole.partition(b"\n")
    name, mapping = orjson.loads(head)
    return Upload(name, content, mapping)


def forget(folder: Path, owner: int) -> None:
    """Remove what an owner has kept."""
    for place in folder.glob(f"{owner}-*"):
        place.unlink(missing_ok=True)


def sweep(folder: Path, at: datetime) -> None:
    """Remove what was kept too long."""
    for place in folder.glob("*"):
        if _is_old(place, at):
            place.unlink(missing_ok=True)


def _is_old(place: Path, at: datetime) -> bool:
    try:
        return at.timestamp() - place.stat().st_mtime > LIFE.total_seconds()
    except FileNotFoundError:  # another process removed it
        return False
