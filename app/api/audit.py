"""The audit trail: what was done, by whom. An auditor reads all of it, a finance person what it did itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, select

from app import access, database
from app.api import answers, ground, pages
from app.api.pages import PageQuery
from app.schemas import Words
from foundation.audit import ENTRIES

room = ground.room("audit-entries", "The audit trail")


class AuditQuery(PageQuery):
    """Which entries."""

    action = Words(80)
    actor = Words(300)


@ground.reads(room, "/audit-entries", "audit.read", answers.page_of(answers.AuditEntry), AuditQuery)
def list_entries(query: Mapping[str, Any]) -> Any:
    """List what was done, oldest first."""
    columns = ENTRIES.c
    statement: Select[Any] = access.audit_entries(
        select(
            columns.position.label("id"), columns.position, columns.at, columns.actor, columns.action, columns.subject,
            columns.data, columns.previous_hash, columns.hash,
        )
    )  # fmt: skip
    for name in ("action", "actor"):
        if query.get(name):
            statement = statement.where(columns[name] == query[name])
    with database.reading() as session:
        return pages.read(session, statement, columns.position, query, _told)


def _told(row: Any) -> dict[str, Any]:
    return dict(row._mapping) | ({} if access.sees_audit_data(row.actor) else {"data": None})
