"""What suppliers sent: a PDF or a picture, kept once under its SHA-256 and given back as it came.

It comes with the cost where a person enters it; a cost that came from a file or a program is given it later, once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Table, func, select
from sqlalchemy.orm import Session

from billing.funding import costs
from billing.funding.costs import State
from billing.funding.models import CostFile, CostVoucher
from foundation import append_only, brought_files, wording
from foundation.audit import Trail, sha256
from foundation.brought_files import NoSuchKind
from foundation.errors import Conflict, NotFound, Refused
from foundation.language import Text

FILES: Table = CostFile.__table__  # type: ignore[assignment]
ATTACHED: Table = CostVoucher.__table__  # type: ignore[assignment]

KEPT_ACTION, ATTACHED_ACTION = "cost_file.kept", "cost_file.attached"

#: The largest file that is taken, in bytes.
LARGEST = 10 * 1024 * 1024
_LONGEST_NAME = 200
#: How a cost stands that needs no voucher any more.
_OVER = (State.REJECTED, State.WITHDRAWN, State.REVERSED)


class FileRefused(Refused):
    """A file that is too large, or neither PDF, PNG nor JPEG."""


class NoSuchFile(NotFound):
    """No file is kept with the cost."""


class NotAttachable(Conflict):
    """The cost has its voucher, or it was rejected, withdrawn or taken back."""


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


def attach(session: Session, cost_id: int, name: str, content: bytes, trail: Trail) -> Kept:
    """Give a cost that has no voucher its file. Needs the writer's lock; the caller commits.

    Raises NoSuchCost, NotAttachable or FileRefused.
    """
    row = costs.get(session, cost_id)
    if of_cost(session, row) is not None:
        raise NotAttachable(
            Text(f"omkostning {cost_id} har sit bilag; det skiftes ikke ud, men omkostningen kan føres tilbage",
                 f"cost {cost_id} has its voucher; that is not replaced, but the cost can be taken back")
        )  # fmt: skip
    if not may_have(row):
        raise NotAttachable(
            Text(f"omkostning {cost_id} er afvist, trukket tilbage eller tilbageført og får intet bilag",
                 f"cost {cost_id} was rejected, withdrawn or taken back, and gets no voucher")
        )  # fmt: skip
    kept = keep(session, name, content, trail)
    made: dict[str, Any] = {
        "id": append_only.next_id(session, ATTACHED), "cost_id": cost_id, "file_id": kept.id,
        "attached_by": trail.actor, "attached_at": trail.at,
    }  # fmt: skip
    append_only.add(session, ATTACHED, [made])
    told = {"file": kept.id, "sha256": kept.sha256}
    trail.record(ATTACHED_ACTION, f"cost {cost_id}", told, rows=[(ATTACHED, made)])
    return kept


def may_have(row: Any) -> bool:
    """Tell whether a cost of `costs.listed` stands, so that a voucher can be given to it."""
    return row.state not in _OVER


def of_cost(session: Session, row: Any) -> Kept | None:
    """Give the file of a cost: the one it was entered with, or the one it was given later."""
    given = select(ATTACHED.c.file_id).where(ATTACHED.c.cost_id == row.id).scalar_subquery()
    found = session.execute(_told().where(FILES.c.id == func.coalesce(row.file_id, given))).first()
    return None if found is None else Kept(*found)


def get(session: Session, id_: int) -> Kept:
    """Give what is known of a kept file. Raises NoSuchFile."""
    row = session.execute(_told().where(FILES.c.id == id_)).first()
    if row is None:
        raise none_kept()
    return Kept(*row)


def content(session: Session, id_: int) -> bytes:
    """Give a kept file's bytes. Raises NoSuchFile."""
    found = session.execute(select(FILES.c.content).where(FILES.c.id == id_)).scalar()
    if found is None:
        raise none_kept()
    return bytes(found)


def _told() -> Any:
    return select(FILES.c.id, FILES.c.sha256, FILES.c.name, FILES.c.media_type)


def none_kept() -> NoSuchFile:
    """Give the refusal of a cost without a voucher."""
    return NoSuchFile(Text("der er intet bilag", "there is no voucher"))
