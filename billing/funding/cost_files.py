"""What suppliers sent: a PDF or a picture, kept once under its SHA-256 and given back as it came."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from billing.funding.models import CostFile
from foundation import append_only, brought_files, wording
from foundation.audit import Trail, sha256
from foundation.brought_files import NoSuchKind
from foundation.errors import NotFound, Refused
from foundation.language import Text

FILES: Table = CostFile.__table__  # type: ignore[assignment]

KEPT_ACTION = "cost_file.kept"

#: The largest file that is taken, in bytes.
LARGEST = 10 * 1024 * 1024
_LONGEST_NAME = 200


class FileRefused(Refused):
    """A file that is too large, or neither PDF, PNG nor JPEG."""


class NoSuchFile(NotFound):
    """No file is kept with the cost."""


class Kept(NamedTuple):
    """A kept file."""

    id: int
    sha256: str
    name: str
    media_type: str


def media_type(content: bytes) -> str:
    """Give what a file is by its first bytes. Raises FileRefused."""
    try:
        return brought_files.kind_of(content, brought_files.PAPERS, LARGEST).media_type
    except NoSuchKind as refused:
        raise FileRefused(Text("bilaget: ", "the voucher: ") + refused.text) from None


def keep(session: Session, name: str, content: bytes, trail: Trail) -> Kept:
    """Keep a file; bytes that are kept already are not kept again. Raises FileRefused."""
    kind, digest = media_type(content), sha256(content)
    known = session.execute(_told().where(FILES.c.sha256 == digest)).first()
    if known is not None:
        return Kept(*known)
    row: dict[str, Any] = {
        "id": append_only.next_id(session, FILES), "sha256": digest, "name": wording.legible(name)[:_LONGEST_NAME],
        "media_type": kind, "content": content, "kept_by": trail.actor, "kept_at": trail.at,
    }  # fmt: skip
    append_only.add(session, FILES, [row])
    trail.record(KEPT_ACTION, row["name"], {"file": row["id"], "sha256": digest}, rows=[(FILES, row)])
    return Kept(row["id"], digest, row["name"], kind)


def get(session: Session, id_: int) -> Kept:
    """Give what is known of a kept file. Raises NoSuchFile."""
    row = session.execute(_told().where(FILES.c.id == id_)).first()
    if row is None:
        raise _none()
    return Kept(*row)


def content(session: Session, id_: int) -> bytes:
    """Give a kept file's bytes. Raises NoSuchFile."""
    found = session.execute(select(FILES.c.content).where(FILES.c.id == id_)).scalar()
    if found is None:
        raise _none()
    return bytes(found)


def _told() -> Any:
    return select(FILES.c.id, FILES.c.sha256, FILES.c.name, FILES.c.media_type)


def _none() -> NoSuchFile:
    return NoSuchFile(Text("der er intet bilag", "there is no voucher"))
