"""Heads of the audit chain as files: read only where one stands that could be a head, written whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from foundation import audit_head
from foundation.audit_head import LARGEST_TEXT, Head, NotAHead
from foundation.language import Text, same


def read(file: Path) -> Head:
    """Read a head from a file, in bounded time. Raises NotAHead, naming the file."""
    try:
        return audit_head.from_json(_text(file))
    except NotAHead as refused:
        raise NotAHead(
            same(f"{file}: ")
            + refused.text
            + Text(
                "; det er ikke et hoved fra os2tilslut verify --export-head",
                "; it is not a head from os2tilslut verify --export-head",
            )
        ) from None


def _text(file: Path) -> str:
    if not stat.S_ISREG(file.stat().st_mode):  # a pipe with nobody at its other end would hold us forever
        raise NotAHead(Text("stedet er ikke en almindelig fil", "the place is not a regular file"))
    with file.open("rb") as opened:
        content = opened.read(LARGEST_TEXT + 1)
    if len(content) > LARGEST_TEXT:
        raise NotAHead(Text("filen er for stor", "the file is too large"))
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise NotAHead(Text("filen er ikke UTF-8", "the file is not UTF-8")) from None


def write(file: Path, head: Head) -> None:
    """Write a head to a file that survives a power cut; the file appears only when it is whole."""
    unfinished = file.with_name(f".{file.name}.part")
    with unfinished.open("w", encoding="utf-8") as out:
        out.write(audit_head.to_json(head))
        out.flush()
        os.fsync(out.fileno())
    unfinished.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
