"""Files people bring: scanned agreements and delegations. The same bytes are kept once, under their SHA-256."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from agreements.models import AgreementFile
from foundation import append_only, wording
from foundation.audit import Trail, sha256
from foundation.errors import NotFound, Refused
from foundation.language import Text

FILES: Table = AgreementFile.__table__  # type: ignore[assignment]

#: The largest file that is taken, in bytes.
LARGEST = 20 * 1024 * 1024

_AT_A_TIME = 50  # of one statement: so many of the largest are a gigabyte, and an archive holds a tenth of that
_PDF = b"%PDF-"
_HEAD = 1024  # bytes within which a PDF says what it is


class FileRefused(Refused):
    """A file that is empty, too large or no PDF."""


class NoSuchFile(NotFound):
    """No kept file has that number or SHA-256."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A kept file by its number and its SHA-256."""

    id: int
    sha256: str
    name: str


def check(content: bytes) -> None:
    """Refuse what is no PDF that can be kept. Raises FileRefused."""
    if len(content) > LARGEST:
        most = LARGEST // 1024 // 1024
        raise FileRefused(Text(f"filen er over {most} MB", f"the file is larger than {most} MB"))
    if _PDF not in content[:_HEAD]:
        raise FileRefused(Text("filen er ikke en PDF", "the file is no PDF"))


def keep(session: Session, name: str, content: bytes, trail: Trail) -> Kept:
    """Keep a PDF; bytes that are kept already are not kept again. Raises FileRefused."""
    return keep_all(session, [(name, content)], trail)[0]


def keep_all(session: Session, brought: Sequence[tuple[str, bytes]], trail: Trail) -> list[Kept]:
    """Keep PDFs (name, bytes) in their order; two queries and one insert for every 50. Raises FileRefused."""
    for _, content in brought:
        check(content)
    found: list[Kept] = []
    for start in range(0, len(brought), _AT_A_TIME):
        found += _keep(session, brought[start : start + _AT_A_TIME], trail)
    return found


def _keep(session: Session, brought: Sequence[tuple[str, bytes]], trail: Trail) -> list[Kept]:
    digests = [sha256(content) for _, content in brought]
    known, first = by_digests(session, digests), append_only.next_id(session, FILES)
    rows: dict[str, dict[str, Any]] = {}
    for digest, (name, content) in zip(digests, brought, strict=True):
        if digest not in known and digest not in rows:
            rows[digest] = {"id": first + len(rows), "sha256": digest, "name": wording.legible(name),
                            "content": content, "kept_by": trail.actor, "kept_at": trail.at}  # fmt: skip
    append_only.add(session, FILES, list(rows.values()))
    for digest, row in rows.items():
        trail.record("file.kept", row["name"], {"file": row["id"], "sha256": digest}, rows=[(FILES, row)])
        known[digest] = Kept(row["id"], digest, row["name"])
    return [known[digest] for digest in digests]


def by_digests(session: Session, digests: Sequence[str]) -> dict[str, Kept]:
    """Give kept files by their SHA-256, in one query for every 500; what is not kept is left out."""
    found: dict[str, Kept] = {}
    for start in range(0, len(digests), 500):
        some = FILES.c.sha256.in_(digests[start : start + 500])
        rows = session.execute(select(FILES.c.id, FILES.c.sha256, FILES.c.name).where(some))
        found |= {row.sha256: Kept(*row) for row in rows}
    return found


def by_sha256(session: Session, digest: str) -> Kept:
    """Give a kept file. Raises NoSuchFile."""
    known = by_digests(session, [digest]).get(digest)
    if known is None:
        raise NoSuchFile(Text("filen findes ikke her", "the file is not here"))
    return known


def name_and_content(session: Session, id_: int) -> tuple[str, bytes]:
    """Give a kept file's name and bytes. Raises NoSuchFile."""
    row = session.execute(select(FILES.c.name, FILES.c.content).where(FILES.c.id == id_)).first()
    if row is None:
        raise NoSuchFile(Text("filen findes ikke her", "the file is not here"))
    return row.name, row.content
