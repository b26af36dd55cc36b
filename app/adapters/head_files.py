"""Heads of the audit chain as files: read only where one stands that could be a head, written whole or not at all."""

from __future__ import annotations

from pathlib import Path

from app.adapters import files, incoming
from foundation import audit_head
from foundation.audit_head import LARGEST_TEXT, Head, NotAHead
from foundation.errors import Unreadable
from foundation.language import Text, same


def read(file: Path) -> Head:
    """Read a head from a file, in bounded time. Raises NotAHead, naming the file."""
    try:
        return audit_head.from_json(incoming.text(file, LARGEST_TEXT))
    except Unreadable as refused:
        raise _no_head(refused.text) from None
    except NotAHead as refused:
        raise _no_head(same(f"{incoming.name_of(file)}: ") + refused.text) from None


def _no_head(why: Text) -> NotAHead:
    return NotAHead(
        why
        + Text(
            "; det er ikke et hoved fra os2tilslut verify --export-head",
            "; it is not a head from os2tilslut verify --export-head",
        )
    )


def write(file: Path, head: Head) -> None:
    """Write a head to a file that survives a power cut; the file appears only when it is whole."""
    with files.whole(file, durable=True) as unfinished:
        unfinished.write_text(audit_head.to_json(head), encoding="utf-8")
