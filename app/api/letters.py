"""Letters: to whom and how it went. What they say, nobody reads but their receiver."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, select

from app import access, database
from app.api import answers, ground, pages
from app.api.pages import PageQuery
from app.schemas import Chosen, Words
from app.web.letters import STATES
from foundation import letters

room = ground.room("letters", "Letters that are sent as mail")


class LettersQuery(PageQuery):
    """Which letters."""

    state = Chosen(STATES)
    subject = Words(200)


@ground.reads(room, "/letters", "letter.read", answers.page_of(answers.Letter), LettersQuery)
def list_letters(query: Mapping[str, Any]) -> Any:
    """List the letters, oldest first."""
    found = letters.listing().subquery()
    statement: Select[Any] = select(found)
    for name in ("state", "subject"):
        if query.get(name):
            statement = statement.where(found.c[name] == query[name])
    with database.reading() as session:
        return pages.read(session, statement, found.c.id, query, _told)


def _told(row: Any) -> dict[str, Any]:
    spoken = access.current().language
    return dict(row._mapping) | {"reason": letters.reason_told(row.tried_reason)[spoken]}
