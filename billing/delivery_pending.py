"""What has not left yet, document by document, and what decides whether a round of handing over takes it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Subquery, literal, null, select, union_all
from sqlalchemy.orm import Session

from authorities.register import AUTHORITIES
from billing.deliveries import CHANNEL_OF, address_of
from billing.delivery_register import LISTED, REMINDERS, TO_SEND, WAITS
from billing.document import USUAL_FORMAT
from billing.gathering import INVOICES
from billing.papers import PAPERS, REMINDER, REMINDER_LETTER, WITHOUT_NOTICES, Papers
from billing.verdicts import Rules
from foundation.letters import LETTERS

#: What a question on what is pending gives of each document.
_COLUMNS = (
    "kind", "paper", "id", "number", "year", "authority_id", "authority", "cvr", "delivery_id", "channel", "address",
    "tries", "tried_at", "reason_da", "reason_en", "told", "state", "why",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is read of a document before its first delivery: where it goes, and what the installed rules say of it."""

    channel: str
    address: str
    format: str  # of the XML that the rules are held against
    invoice: str  # the number of the invoice it is of, or its own
    is_real: bool
    outcome: str | None  # of the installed pack; None where it is not judged by it yet


@dataclass(frozen=True, slots=True)
class Facts:
    """What a page of pending documents rests on: by document, and by delivery with until when it is taken."""

    drawn: Mapping[int, Drawn] = field(default_factory=dict)  # by the id of the list
    taken: Collection[int] = ()  # ids of the list, of what a process has taken to send


@cache
def pending() -> Subquery:
    """Give all that waits or is to be sent, and reminders that are letters alone; an `id` is of this list alone."""
    listed = select(*(LISTED.c[name] for name in _COLUMNS), literal(0).label("is_letter"))
    return union_all(listed.where(LISTED.c.state.in_((WAITS, TO_SEND))), _letters()).subquery("pending")


def _letters() -> Select[Any]:
    """Ask for reminders that are letters alone and of which none is written, nor noted as handed over by people."""
    issued = REMINDER.issued.c
    nothing = {name: null().label(name) for name in _COLUMNS}
    known: dict[str, ColumnElement[Any]] = {
        "kind": literal(REMINDER.kind), "paper": literal(REMINDERS), "id": issued.id * 2 + 1, "number": issued.number,
        "year": INVOICES.c.year, "authority_id": issued.authority_id, "authority": AUTHORITIES.c.name,
        "cvr": AUTHORITIES.c.cvr, "tries": literal(0), "state": literal(WAITS), "why": literal(""),
    }  # fmt: skip
    columns = [value.label(name) for name, value in (nothing | known).items()]
    written = select(LETTERS.c.subject).where(LETTERS.c.kind == REMINDER_LETTER)
    return (
        select(*columns, literal(1).label("is_letter"))
        .select_from(REMINDER.joined(REMINDER.issued).join(AUTHORITIES, issued.authority_id == AUTHORITIES.c.id))
        .where(~REMINDER.goes(), REMINDER.receivers_format() != USUAL_FORMAT, issued.number.not_in(written))
    )


def facts(session: Session, rows: Sequence[Row[Any]], known: Rules, now: datetime) -> Facts:
    """Read what decides whether rows of `pending` go, in at most three queries for each kind of document.

    `now` is of the machine's own clock, by which processes take what they send.
    """
    drawn: dict[int, Drawn] = {}
    taken: set[int] = set()
    for of in PAPERS:
        own = [row for row in rows if row.kind == of.kind]
        drawn |= _drawn(session, of, [row.id for row in own if row.delivery_id is None], known)
        made = {row.delivery_id: row.id for row in own if row.delivery_id is not None}
        claims = of.claims.c
        held = select(claims.delivery_id).where(claims.delivery_id.in_(made), claims.until > now)
        taken |= {made[id_] for id_ in session.scalars(held)} if made else set()
    return Facts(drawn, taken)


def _drawn(session: Session, of: Papers, ids: Sequence[int], known: Rules) -> dict[int, Drawn]:
    if not ids:
        return {}
    issued = {id_ // 2: id_ for id_ in ids}
    columns = of.issued.c
    invoice = INVOICES.c.number.label("invoice")
    asked = select(columns.id, columns.document, of.kept_format().label("format"), invoice)
    rows = session.execute(asked.select_from(of.joined(of.issued)).where(columns.id.in_(issued))).all()
    outcomes = _outcomes(session, of, list(issued), known)
    return {issued[row.id]: _one(row, outcomes.get((row.id, row.format))) for row in rows}


def _one(row: Row[Any], outcome: str | None) -> Drawn:
    document = json.loads(row.document)
    is_real = WITHOUT_NOTICES in row.document
    return Drawn(CHANNEL_OF[row.format], address_of(document), row.format, row.invoice, is_real, outcome)


def _outcomes(session: Session, of: Papers, ids: Sequence[int], known: Rules) -> dict[tuple[int, str], str]:
    """Give what the installed packs say, by document and format."""
    made, judged = of.renderings.c, of.verdicts.c
    rows = session.execute(
        select(made[of.of].label("issued_id"), made.format, judged.outcome)
        .join(of.verdicts, judged.rendering_id == made.id)
        .where(made[of.of].in_(ids), judged.pack_sha256.in_([pack.sha256 for pack in known.packs.values()]))
        .order_by(judged.id)
    )
    return {(row.issued_id, row.format): row.outcome for row in rows}
