"""A file whose preview somebody looks at, kept so that it need not be chosen again.

It lies in a folder for an hour at most, for its owner alone, who has one at a time.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import IO

import orjson

#: How long a preview may be looked at.
LIFE = timedelta(hours=1)

_DIGEST = re.compile(r"[0-9a-f]{64}")
_PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was sent, read from where it stands, and the text of its mapping where it had one."""

    name: str
    content: IO[bytes]
    mapping: str | None = None


def keep(folder: Path, owner: int, upload: Upload, at: datetime) -> str:
    """Keep a file in place of what the owner had; give the digest by which it is asked for. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    sweep(folder, at)
    forget(folder, owner)
    head = orjson.dumps([upload.name, upload.mapping]) + b"\n"
    digest = hashlib.sha256(head)
    handle, name = tempfile.mkstemp(dir=folder)  # nobody else may read it
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(head)
            for piece in iter(partial(upload.content.read, _PIECE), b""):
                digest.update(piece)
                file.write(piece)
        os.utime(name, (at.timestamp(), at.timestamp()))
        Path(name).replace(folder / f"{owner}-{digest.hexdigest()}")
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    return digest.hexdigest()


@contextmanager
def kept(folder: Path, owner: int, key: str, at: datetime) -> Iterator[Upload | None]:
    """Open the file that an owner looks at; None where it is gone, was kept too long, or is another's."""
    place = folder / f"{owner}-{key}"
    if not _DIGEST.fullmatch(key) or _is_old(place, at):
        yield None
        return
    try:
        file = place.open("rb")
    except FileNotFoundError:
        yield None
        return
    with file:
        yield _whole(file, key)


def _whole(file: IO[bytes], key: str) -> Upload | None:
    """Give what a file keeps, unless it is not what was kept."""
    head = file.readline()
    begins, digest = file.tell(), hashlib.sha256(head)
    for piece in iter(partial(file.read, _PIECE), b""):
        digest.update(piece)
    if digest.hexdigest() != key:
        return None
    file.seek(begins)
    name, mapping = orjson.loads(head)
    return Upload(name, file, mapping)


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
