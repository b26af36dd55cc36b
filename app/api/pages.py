"""Pages of a list: a cursor says behind which row the next one begins. It is signed, and good for one list only.

Rows are read in the order of their ids, which never change; so no row comes twice and none is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import request
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import Row, Select
from sqlalchemy.orm import Session

from app.api import ground
from app.errors import Malformed
from app.schemas import Strict, Typed, Whole
from app.web import layout
from foundation.language import Text

MOST = 100
USUAL = 50
_LONGEST_CURSOR = 500
_NOT_OURS = Text(
    "hører ikke til denne liste med disse parametre", "is no cursor of this list with these parameters"
)  # fmt: skip


class PageQuery(Strict):
    """How much of a list is read at a time."""

    limit = Whole(1, MOST, load_default=USUAL)
    cursor = Typed(_LONGEST_CURSOR, metadata={"description": "`next` of the page before, with the same parameters"})


@dataclass(frozen=True, slots=True)
class Asked:
    """Which page was asked for: what begins behind `after`, at most so many."""

    after: Any
    limit: int
    bound_to: list[Any]

    def next(self, last: Any) -> str:
        """Give the cursor of the page that begins behind a row."""
        return str(_signer().dumps([last, *self.bound_to]))


def asked(query: Mapping[str, Any], start: Any = 0) -> Asked:
    """Read which page is asked for. Raises Malformed for a cursor that was not given out for this list."""
    others = sorted((name, str(value)) for name, value in query.items() if name not in ("limit", "cursor"))
    bound_to = [request.path, *[list(each) for each in others]]
    if not query.get("cursor"):
        return Asked(start, query["limit"], bound_to)
    try:
        after, *given = _signer().loads(query["cursor"])
    except (BadData, TypeError, ValueError):
        raise bad_cursor() from None
    if given != bound_to:
        raise bad_cursor()
    return Asked(after, query["limit"], bound_to)


def bad_cursor() -> Malformed:
    """Give the refusal of a cursor."""
    return Malformed(ground.MALFORMED, [("cursor", _NOT_OURS)])


def read(
    session: Session, statement: Select[Any], id_: Any, query: Mapping[str, Any], written: Callable[[Any], Any]
) -> dict[str, Any]:
    """Read a page of a list in one query, written for the answer."""
    return read_together(session, statement, id_, query, lambda rows: [written(row) for row in rows])


def read_together(
    session: Session, statement: Select[Any], id_: Any, query: Mapping[str, Any],
    written: Callable[[Sequence[Row[Any]]], list[Any]],
) -> dict[str, Any]:  # fmt: skip
    """Read a page of a list in one query, its rows written together: what more they need is asked once for all."""
    page = asked(query)
    rows = session.execute(statement.where(id_ > page.after).order_by(id_).limit(page.limit + 1)).all()
    shown = rows[: page.limit]
    more = len(rows) > page.limit
    return {"items": written(shown), "next": page.next(shown[-1].id) if more else None}


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(layout.config().secret_key, salt="api cursor")
