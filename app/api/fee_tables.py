"""Fee tables, size keys and the association's tables: reading what is adopted, checking and proposing a text.

Adopting is another person's, and never a token's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements import table_proposals
from app import database
from app.api import answers, ground, pages, writes
from app.api.ground import ID, Write
from app.api.pages import PageQuery
from app.api.writes import Answer
from app.schemas import Chosen, TableText, Words
from fee_tables import catalogue
from fee_tables.models import AdoptedTable
from foundation import proposals
from foundation.audit import Trail
from foundation.errors import NotFound
from foundation.language import Text
from foundation.proposals import Proposal

room = ground.room("fee-tables", "What things cost, by decision")

_COLUMNS = AdoptedTable.__table__.c


class NoSuchTable(NotFound):
    """No adopted table has that number."""


class TableQuery(PageQuery):
    """Which decisions."""

    kind = Chosen(("size_key", "association", "fee_table"))
    product = Words(80)


@ground.reads(room, "/fee-tables", "tables.read", answers.page_of(answers.FeeTable), TableQuery)
def list_tables(query: Mapping[str, Any]) -> Any:
    """List the adopted decisions."""
    statement = select(*(column for column in _COLUMNS if column.name != "text"))
    for name in ("kind", "product"):
        if query.get(name):
            statement = statement.where(_COLUMNS[name] == query[name])
    with database.reading() as session:
        return pages.read(session, statement, _COLUMNS.id, query, _told)


@ground.reads(room, f"/fee-tables/{ground.ID_IN_PATH}", "tables.read", answers.FeeTableText, parameters={"id_": ID})
def one_table(query: object, id_: int) -> Any:
    """Give one adopted decision with its text."""
    with database.reading() as session:
        row = session.execute(select(*_COLUMNS).where(_COLUMNS.id == id_)).first()
    if row is None:
        raise NoSuchTable(Text(f"ingen vedtaget tabel har nummer {id_}", f"no adopted table has the number {id_}"))
    return _told(row)


def _told(row: Any) -> dict[str, Any]:
    return dict(row._mapping) | {"product": row.product or None}


@ground.writes(room, "/fee-tables/checks", "tables.draft", TableText, answers.CheckedTable, Write(200, is_kept=False))
def check_table(query: object, sent: Mapping[str, Any]) -> Any:
    """Read a text and hold it against what is adopted; stores nothing."""
    with database.reading() as session:
        decision = table_proposals.check(session, sent["text"])
    kind, product = catalogue.line_of(decision)
    return {"kind": kind, "product": product or None, "valid_from": catalogue.first_day_of(decision)}


@ground.reads(room, "/fee-tables/proposals", "tables.draft", answers.Proposals)
def list_proposals(query: object) -> Any:
    """List the tables that wait for another person."""
    with database.reading() as session:
        return {"items": proposals.open(session, "table")}


@ground.writes(room, "/fee-tables/proposals", "tables.draft", TableText, answers.Proposed)
def propose_table(query: object, sent: Mapping[str, Any]) -> Any:
    """Propose a table; another person adopts it."""

    def act(session: Session, trail: Trail) -> Answer:
        return Answer(proposed(table_proposals.propose(session, sent["text"], trail)))

    return writes.once(act)


def proposed(proposal: Proposal) -> Any:
    """Write a proposal."""
    return answers.Proposed().dump(proposal)
