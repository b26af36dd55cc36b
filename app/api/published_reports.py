"""Published funding reports: the list, one with all its figures, its files, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from flask import Response
from sqlalchemy.orm import Session

from app import access, database
from app.api import answers, ground, pages, writes
from app.api.pages import PageQuery
from app.api.writes import Answer
from app.schemas import Question, Words
from app.web import fund_addresses
from app.web import publications as files
from billing.funding import comments, naming, publications
from billing.funding.comments import Comment, On
from billing.funding.publications import Edition, Published
from foundation import periods, wording
from foundation.audit import Trail

room = ground.room("published-reports", "Funding reports as they were published to coordination groups")


class ReportsQuery(PageQuery):
    """Which reports."""

    product = Words(wording.LONGEST_PRODUCT, metadata={"description": "a product, or OS2 for the association's own"})


@ground.reads(
    room, "/published-reports", "funding.read", answers.page_of(answers.PublishedReport), ReportsQuery
)  # fmt: skip
def list_reports(query: Mapping[str, Any]) -> Any:
    """List every version of the published reports, oldest first."""
    statement = publications.editions(access.funds())
    if query.get("product"):
        statement = statement.where(publications.REPORTS.c.fund == query["product"])
    with database.reading() as session:
        return pages.read(session, statement, publications.REPORTS.c.id, query,
                          lambda row: _told(publications.edition(row)))  # fmt: skip


def _told(edition: Edition) -> dict[str, Any]:
    return {
        "id": edition.id, "product": edition.product, "period": periods.name(edition.period),
        "version": edition.version, "newest_version": edition.newest, "digest": edition.digest,
        "prepared_by": edition.prepared_by, "published_by": edition.published_by,
        "published_at": edition.published_at,
    }  # fmt: skip


def _found(session: Session, id_: int, permission: str = "funding.read") -> Published:
    found = publications.by_id(session, id_)
    fund_addresses.refuse_beyond(found.edition.product, permission)
    return found


@ground.reads(room, f"/published-reports/{ground.ID_IN_PATH}", "funding.read", answers.WholeReport)
def read_report(query: object, id_: int) -> Any:
    """Give a report with all its figures, in whole øre, as its digest was taken of it."""
    with database.reading() as session:
        found = _found(session, id_)
    return _told(found.edition) | {"report": orjson.loads(found.document)}


@ground.reads(
    room, f"/published-reports/{ground.ID_IN_PATH}/report.<any(json,pdf,xlsx):form>", "funding.read", None,
    kinds=("application/json", "application/pdf",
           "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    parameters={"form": {"type": "string", "enum": ["json", "pdf", "xlsx"]}},
)  # fmt: skip
def read_file(query: object, id_: int, form: str) -> Response:
    """Give a report as a file, byte for byte as it was published; its language is that of the token's owner."""
    with database.reading() as session:
        return files.answered(session, _found(session, id_), form)


@ground.reads(room, f"/published-reports/{ground.ID_IN_PATH}/comments", "funding.read", answers.Comments)
def list_comments(query: object, id_: int) -> Any:
    """List what is said of the report's fund and period: questions with their answers, and decisions."""
    with database.reading() as session:
        edition = _found(session, id_).edition
        said = comments.of_report(session, edition.product, edition.period)
    return {"items": [_said(each) | {"answers": [_said(answer) for answer in each.answers]} for each in said]}


def _said(each: Comment) -> dict[str, Any]:
    return {
        "id": each.id, "kind": each.kind, "version": each.on.version or None, "text": each.text,
        "decided_on": each.decided_on, "reference": each.reference, "written_by": each.written_by,
        "written_at": each.written_at,
    }  # fmt: skip


@ground.writes(
    room, f"/published-reports/{ground.ID_IN_PATH}/questions", "funding.comment", Question, answers.Asked
)  # fmt: skip
def ask(query: object, sent: Mapping[str, Any], id_: int) -> Any:
    """Ask about a report; the secretariat answers."""

    def act(session: Session, trail: Trail) -> Answer:
        edition = _found(session, id_, "funding.comment").edition
        on = On(edition.product, edition.period, edition.version)
        number = comments.ask(session, on, sent["text"], trail)
        return Answer({"id": number, "product": naming.name(edition.product), "period": periods.name(edition.period)})

    return writes.once(act)
