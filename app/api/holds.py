"""Disputes and promises of an invoice: what holds a reminder back, entered with a reason and ended with another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import access, database
from app.api import answers, ground, writes
from app.api.ground import ID, ID_IN_PATH, NUMBER, Write
from app.api.writes import Answer
from app.schemas import HoldEnd, HoldEntry
from app.web import layout
from billing import holds
from billing.gathering import INVOICES
from billing.holds import Hold
from billing.reasons import NoSuchInvoice
from foundation.audit import Trail
from foundation.language import Text

room = ground.room("holds", "Disputes and promises, which hold the reminders of an invoice back")

_PATH = "/invoices/<number>/holds"


@ground.reads(room, _PATH, "reminders.plan", answers.Holds, parameters={"number": NUMBER})
def list_holds(query: object, number: str) -> Any:
    """List the disputes and promises of an invoice, newest first."""
    with database.reading() as session:
        found = holds.of(session, _in_scope(session, number, "reminders.plan"))
    return {"items": [_told(each) for each in found]}


@ground.writes(room, _PATH, "reminders.send", HoldEntry, answers.Hold, Write(parameters={"number": NUMBER}))
def hold(query: object, sent: Mapping[str, Any], number: str) -> Any:
    """Enter a dispute, or a promise with the day it is good `until`; the invoice is not reminded of meanwhile."""

    def act(session: Session, trail: Trail) -> Answer:
        _in_scope(session, number, "reminders.send")
        made = holds.hold(
            session, number, sent["kind"], sent["reason"], trail, on=layout.today(), until=sent.get("until")
        )
        return _answer(made)

    return writes.once(act)


@ground.writes(
    room, f"{_PATH}/{ID_IN_PATH}/end", "reminders.send", HoldEnd, answers.Hold,
    Write(parameters={"number": NUMBER, "id_": ID}),
)  # fmt: skip
def release(query: object, sent: Mapping[str, Any], number: str, id_: int) -> Any:
    """End a dispute or a promise, with a reason; it stays with how it ended."""

    def act(session: Session, trail: Trail) -> Answer:
        _in_scope(session, number, "reminders.send")
        return _answer(holds.end(session, number, id_, sent["reason"], trail, on=layout.today()))

    return writes.once(act)


def _answer(made: Hold) -> Answer:
    return Answer(answers.Hold().dump(_told(made)))


def _told(each: Hold) -> dict[str, Any]:
    return {
        "id": each.id, "kind": each.kind, "begins_on": each.begins_on, "until": each.until, "reason": each.reason,
        "entered_by": each.entered_by, "counts": each.counts(layout.today()), "ended_on": each.ended_on,
        "end_reason": each.end_reason, "ended_by": each.ended_by,
    }  # fmt: skip


def _in_scope(session: Session, number: str, permission: str) -> int:
    """Give the id of an invoice in the reader's scope. Raises NoSuchInvoice, for others' as for unknown ones."""
    is_number = number.isascii() and number.replace("-", "").isalnum()
    wanted = select(INVOICES.c.id).where(INVOICES.c.number == number, INVOICES.c.book == "real")
    id_ = session.scalar(access.papers(wanted, INVOICES.c.authority_id, permission)) if is_number else None
    if id_ is None:
        raise NoSuchInvoice(Text("ingen faktura har det nummer", "no invoice has that number"))
    return int(id_)
