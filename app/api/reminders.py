"""Reminders: reading them with their documents, the plan of today, handing it over, and issuing what is approved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app import access, association, database, reminder_json, reminder_work
from app.annual_work import InNameOf, notices
from app.api import answers, ground, pages, writes
from app.api.fee_tables import proposed
from app.api.ground import NUMBER
from app.api.pages import PageQuery
from app.api.registers import cvr_field
from app.api.writes import Answer
from app.schemas import Nothing, ReminderHandOver, Whole
from app.web import layout
from authorities.register import AUTHORITIES
from billing import reminder_files, reminders
from billing.gathering import INVOICES
from billing.reminder_plan import REMINDERS
from billing.reminders import NoSuchReminder
from foundation.audit import Trail
from foundation.language import Text

room = ground.room("reminders", "Reminders of invoices that are due, and their documents")

_KINDS = {"pdf": "application/pdf", "oioubl": "application/xml"}
_FORMAT = {"type": "string", "enum": [*_KINDS]}


class ReminderQuery(PageQuery):
    """Which reminders."""

    cvr = cvr_field()
    level = Whole(1, 3)


def _reminders() -> Select[Any]:
    """Ask for the reminders in the reader's scope."""
    statement = (
        select(REMINDERS, INVOICES.c.number.label("invoice"), AUTHORITIES.c.name.label("authority"), AUTHORITIES.c.cvr)
        .join(INVOICES, REMINDERS.c.invoice_id == INVOICES.c.id)
        .join(AUTHORITIES, REMINDERS.c.authority_id == AUTHORITIES.c.id)
    )
    return access.reminders(statement)


def _told(row: Any) -> dict[str, Any]:
    return reminder_json.row(row) | {"issued_on": row.issued_on, "due_on": row.due_on}


@ground.reads(room, "/reminders", "reminders.read", answers.page_of(answers.Reminder), ReminderQuery)
def list_reminders(query: Mapping[str, Any]) -> Any:
    """List the issued reminders."""
    statement = _reminders()
    if query.get("cvr"):
        statement = statement.where(AUTHORITIES.c.cvr == query["cvr"])
    if query.get("level"):
        statement = statement.where(REMINDERS.c.level == query["level"])
    with database.reading() as session:
        return pages.read(session, statement, REMINDERS.c.id, query, _told)


@ground.reads(room, "/reminders/<number>", "reminders.read", answers.Reminder, parameters={"number": NUMBER})
def one_reminder(query: object, number: str) -> Any:
    """Give a reminder."""
    with database.reading() as session:
        return _told(in_scope(session, number))


def in_scope(session: Session, number: str) -> Any:
    """Give a reminder in the reader's scope. Raises NoSuchReminder, for others' as for unknown ones."""
    is_number = number.isascii() and number.replace("-", "").isalnum()
    row = session.execute(_reminders().where(REMINDERS.c.number == number)).first() if is_number else None
    if row is None:
        raise NoSuchReminder(Text("ingen rykker har det nummer", "no reminder has that number"))
    return row


@ground.reads(
    room, "/reminders/<number>/documents/<format>", "reminders.read", None, kinds=tuple(sorted(set(_KINDS.values()))),
    parameters={"number": NUMBER, "format": _FORMAT},
)  # fmt: skip
def document(query: object, number: str, **chosen: str) -> Any:
    """Give the bytes of a document; its ETag is their SHA-256."""
    format_ = chosen["format"]
    with database.reading() as session:
        row = in_scope(session, number)
        kept = reminder_files.one(session, row.id, format_) if format_ in _KINDS else None
    if kept is None:
        raise NoSuchReminder(Text("det dokument er ikke dannet", "that document is not made"))
    response = Response(kept.content, mimetype=_KINDS[format_])
    ending = "pdf" if format_ == "pdf" else "xml"
    response.headers["Content-Disposition"] = f'attachment; filename="{row.number}.{ending}"'
    response.set_etag(kept.sha256)
    return response


@ground.reads(room, "/reminder-plan", "reminders.plan", answers.ReminderPlan)
def plan(query: object) -> Any:
    """Give who would be reminded today, of what and why, and what stands in the way."""
    with database.reading() as session:
        made = reminders.plan(session, layout.today())
    return reminder_json.plan(made, access.current().language)


@ground.writes(room, "/reminder-plan/proposals", "reminders.send", ReminderHandOver, answers.Proposed)
def hand_over(query: object, sent: Mapping[str, Any]) -> Any:
    """Hand today's plan over for another person's approval, by its digest."""

    def act(session: Session, trail: Trail) -> Answer:
        return Answer(proposed(reminders.hand_over(session, trail, on=layout.today(), digest=sent["digest"])))

    return writes.once(act)


@ground.writes(room, "/reminders", "reminders.send", Nothing, answers.IssuedReminders)
def issue(query: object, sent: Mapping[str, Any]) -> Any:
    """Issue what another person approved; what was paid, disputed or changed since is left out and named."""

    def act(session: Session, trail: Trail) -> Answer:
        config, spoken = layout.config(), access.current().language
        seller = association.seller(session, config)
        issued = reminders.issue(session, seller, trail, on=layout.today(), notices=notices(config, seller))
        held = [
            {"invoice": each.number, "level": each.level, "why": each.why[spoken]} for each in issued.withheld
        ]  # fmt: skip
        return Answer({"numbers": list(issued.numbers), "withheld": held}, afterwards=_papers)

    return writes.once(act)


def _papers() -> None:
    surroundings = InNameOf(layout.config(), access.current().actor)
    reminder_work.render_all(surroundings)
    reminder_work.judge_all(surroundings)
