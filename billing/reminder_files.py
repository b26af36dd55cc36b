"""The bytes of issued reminders, and what the official rules say of them: made once, found missing by state, kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Table, func, select
from sqlalchemy.orm import Session

from billing import reminder_document, verdicts
from billing.einvoice.rule_packs import Failure, RulePack
from billing.gathering import INVOICES
from billing.reminder_models import ReminderMessage, ReminderRendering, ReminderVerdict
from billing.reminder_plan import REMINDERS
from billing.renderings import OneKept
from billing.verdicts import Judged, Rules, Task
from foundation import append_only
from foundation.audit import Trail, sha256
from foundation.letters import LETTERS

RENDERINGS: Table = ReminderRendering.__table__  # type: ignore[assignment]
VERDICTS: Table = ReminderVerdict.__table__  # type: ignore[assignment]
MESSAGES: Table = ReminderMessage.__table__  # type: ignore[assignment]

#: The kind of the letters by which reminders leave; each is on the reminder's number.
LETTER = "reminder"

PDF, OIOUBL = "pdf", "oioubl"
FORMATS = (PDF, OIOUBL)

AT_A_TIME = 100

# In canonical JSON a quote inside a word is escaped, so no word can look like this key and its value.
_WITHOUT_NOTICES = '"notices":[]'


@dataclass(frozen=True, slots=True)
class Lacking:
    """A reminder that lacks bytes in some formats, and the PDF that is kept where there is one."""

    reminder_id: int
    document: str
    formats: tuple[str, ...]
    pdf: bytes | None


# --- documents


def render(lacking: Lacking) -> dict[str, bytes]:
    """Make a reminder's bytes. The bare XML goes into the PDF, and that PDF into the XML that is sent.

    Touches no database; the same reminder always gives the same bytes.
    """
    from billing import reminder_pdf  # late: a plan does not wait for reportlab and lxml
    from billing.einvoice import oioubl

    value = reminder_document.from_json(lacking.document)
    pdf = lacking.pdf or reminder_pdf.render(value, attached_xml=oioubl.render_reminder(value))
    made = {PDF: pdf, OIOUBL: oioubl.render_reminder(value, pdf)}
    return {format_: made[format_] for format_ in lacking.formats}


def missing(session: Session, *, at_most: int = AT_A_TIME) -> list[Lacking]:
    """Give the next reminders that lack bytes, by number, in two queries."""
    made = select(RENDERINGS.c.reminder_id).group_by(RENDERINGS.c.reminder_id).having(func.count() == len(FORMATS))
    columns = (REMINDERS.c.id, REMINDERS.c.document)
    rows = session.execute(
        select(*columns).where(REMINDERS.c.id.not_in(made)).order_by(REMINDERS.c.id).limit(at_most)
    ).all()
    kept: dict[int, dict[str, bytes]] = {row.id: {} for row in rows}
    for found in session.execute(select(RENDERINGS).where(RENDERINGS.c.reminder_id.in_(kept))):
        kept[found.reminder_id][found.format] = found.content
    return [
        Lacking(
            row.id, row.document, tuple(each for each in FORMATS if each not in kept[row.id]), kept[row.id].get(PDF)
        )
        for row in rows
    ]


def store(session: Session, rendered: Sequence[tuple[Lacking, Mapping[str, bytes]]], trail: Trail) -> None:
    """Keep rendered bytes; what someone else kept meanwhile is left as it is. Needs the writer's lock."""
    kept = _kept(session, [lacking.reminder_id for lacking, _ in rendered])
    next_id = append_only.next_id(session, RENDERINGS)
    new: list[dict[str, Any]] = []
    for lacking, contents in rendered:
        for format_, content in contents.items():
            if (lacking.reminder_id, format_) not in kept:
                new.append({
                    "id": next_id + len(new), "reminder_id": lacking.reminder_id, "format": format_,
                    "sha256": sha256(content), "content": content, "rendered_at": trail.at,
                })  # fmt: skip
    append_only.add(session, RENDERINGS, new)
    if new:
        trail.record("reminders.rendered", f"{len(new)}", rows=[(RENDERINGS, row) for row in new])


def _kept(session: Session, ids: Collection[int]) -> set[tuple[int, str]]:
    columns = RENDERINGS.c
    rows = session.execute(select(columns.reminder_id, columns.format).where(columns.reminder_id.in_(ids)))
    return {(row.reminder_id, row.format) for row in rows}


def one(session: Session, reminder_id: int, format_: str) -> OneKept | None:
    """Give a reminder's document of one format as kept, in one query; None where it is not made yet."""
    columns = RENDERINGS.c
    found = select(columns.content, columns.sha256).where(columns.reminder_id == reminder_id, columns.format == format_)
    row = session.execute(found).first()
    return None if row is None else OneKept(row.content, row.sha256)


# --- verdicts


def unjudged(session: Session, known: Rules, *, at_most: int = AT_A_TIME) -> list[Task]:
    """Give the next XML on which the installed pack has no verdict yet."""
    pack = known.packs.get("oioubl")
    if pack is None:
        return []
    judged = select(VERDICTS.c.rendering_id).where(VERDICTS.c.pack_sha256 == pack.sha256)
    rows = session.execute(
        select(RENDERINGS.c.id, RENDERINGS.c.content)
        .where(RENDERINGS.c.format == OIOUBL, RENDERINGS.c.id.not_in(judged))
        .order_by(RENDERINGS.c.id)
        .limit(at_most)
    )
    return [Task(row.id, pack, row.content) for row in rows]


def store_verdicts(session: Session, judged: Sequence[tuple[Task, tuple[Failure, ...]]], trail: Trail) -> None:
    """Keep verdicts; those that someone else kept meanwhile are left as they are. Needs the writer's lock."""
    ids = {task.rendering_id for task, _ in judged}
    columns = VERDICTS.c
    rows = session.execute(select(columns.rendering_id, columns.pack_sha256).where(columns.rendering_id.in_(ids)))
    known = {(row.rendering_id, row.pack_sha256) for row in rows}
    next_id = append_only.next_id(session, VERDICTS)
    new: list[dict[str, Any]] = []
    for task, failures in judged:
        if (task.rendering_id, task.pack.sha256) not in known:
            new.append(verdicts.row(next_id + len(new), task, failures, trail))
    append_only.add(session, VERDICTS, new)
    if new:
        trail.record("reminders.validated", f"{len(new)}", rows=[(VERDICTS, row) for row in new])


@dataclass(frozen=True, slots=True)
class Told:
    """The last verdict on a reminder's XML."""

    pack: str
    version: str
    judged: Judged


def verdict(session: Session, reminder_id: int) -> Told | None:
    """Give the last verdict on a reminder, in one query; None where it waits."""
    row = session.execute(
        select(VERDICTS)
        .join(RENDERINGS, VERDICTS.c.rendering_id == RENDERINGS.c.id)
        .where(RENDERINGS.c.reminder_id == reminder_id)
        .order_by(VERDICTS.c.id.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    return Told(row.pack, row.pack_version, Judged(row.outcome, verdicts.read(row.failures)))


def may_be_delivered(session: Session, reminder_id: int, pack: RulePack | None) -> bool:
    """Tell whether a reminder has passed the rules of the installed pack; without a pack nothing has."""
    if pack is None:
        return False
    found = (
        select(VERDICTS.c.id)
        .join(RENDERINGS, VERDICTS.c.rendering_id == RENDERINGS.c.id)
        .where(RENDERINGS.c.reminder_id == reminder_id, VERDICTS.c.pack_sha256 == pack.sha256,
               VERDICTS.c.outcome == verdicts.VALID)
    )  # fmt: skip
    return session.execute(found).first() is not None


# --- what has not left


def unsent(session: Session, pack: RulePack, *, made_up: bool) -> Sequence[Row[Any]]:
    """Give the reminders that passed the installed rules, and of which no letter is written yet, in one query.

    `made_up`: also those with a notice that they are none, where no mail leaves the machine.
    """
    accepted = select(VERDICTS.c.rendering_id).where(
        VERDICTS.c.pack_sha256 == pack.sha256, VERDICTS.c.outcome == verdicts.VALID
    )
    passed = select(RENDERINGS.c.reminder_id).where(RENDERINGS.c.format == OIOUBL, RENDERINGS.c.id.in_(accepted))
    drawn = select(RENDERINGS.c.reminder_id).where(RENDERINGS.c.format == PDF)
    written = select(LETTERS.c.subject).where(LETTERS.c.kind == LETTER)
    columns = (REMINDERS.c.id, REMINDERS.c.number, REMINDERS.c.document, INVOICES.c.number.label("invoice"))
    found = (
        select(*columns)
        .join(MESSAGES, MESSAGES.c.reminder_id == REMINDERS.c.id)
        .join(INVOICES, REMINDERS.c.invoice_id == INVOICES.c.id)
        .where(MESSAGES.c.kind == "deliver", REMINDERS.c.id.in_(passed), REMINDERS.c.id.in_(drawn),
               REMINDERS.c.number.not_in(written))
        .order_by(REMINDERS.c.id)
    )  # fmt: skip
    rows: Any = session.execute(found).all()
    return [row for row in rows if made_up or is_real(row.document)]


def is_real(document: str) -> bool:
    """Tell whether a stored reminder bears no notice that it is none."""
    return _WITHOUT_NOTICES in document
