"""The bytes of issued reminders, and what the official rules say of them: made once, found missing by state, kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from billing import papers, reminder_document, verdicts
from billing.document import USUAL_FORMAT
from billing.einvoice.rule_packs import Failure, RulePack
from billing.gathering import INVOICES
from billing.papers import BY_HAND, REMINDER
from billing.reminder_plan import REMINDERS
from billing.renderings import OneKept
from billing.verdicts import Judged, Rules, Task
from foundation import append_only
from foundation.audit import Trail, sha256
from foundation.letters import LETTERS

RENDERINGS, VERDICTS, MESSAGES = REMINDER.renderings, REMINDER.verdicts, REMINDER.orders

LETTER = papers.REMINDER_LETTER

PDF, OIOUBL = "pdf", "oioubl"
FORMATS = (PDF, OIOUBL)

AT_A_TIME = 100


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


# --- what has not left


def unsent(session: Session, pack: RulePack, *, year: int | None = None, made_up: bool) -> Sequence[Row[Any]]:
    """Give the reminders that passed the installed rules and may be written of, and are not yet, in one query.

    `made_up`: also those with a notice that they are none, where no mail leaves the machine.
    """
    accepted = REMINDER.accepted_by([pack.sha256])
    passed = select(RENDERINGS.c.reminder_id).where(RENDERINGS.c.format == OIOUBL, RENDERINGS.c.id.in_(accepted))
    drawn = select(RENDERINGS.c.reminder_id).where(RENDERINGS.c.format == PDF)
    written = select(LETTERS.c.subject).where(LETTERS.c.kind == LETTER)
    columns = (REMINDERS.c.id, REMINDERS.c.number, REMINDERS.c.document, INVOICES.c.number.label("invoice"))
    found = (
        select(*columns)
        .join(MESSAGES, MESSAGES.c.reminder_id == REMINDERS.c.id)
        .join(INVOICES, REMINDERS.c.invoice_id == INVOICES.c.id)
        .where(MESSAGES.c.kind == "deliver", REMINDERS.c.id.in_(passed), REMINDERS.c.id.in_(drawn),
               REMINDERS.c.number.not_in(written), _may_be_written())
        .order_by(REMINDERS.c.id)
    )  # fmt: skip
    found = found if year is None else found.where(INVOICES.c.year == year)
    rows: Any = session.execute(found if made_up else found.where(REMINDER.is_real())).all()
    return rows  # type: ignore[no-any-return]


def without_letter(session: Session) -> Sequence[Row[Any]]:
    """Give the real reminders that were found valid, leave as letters alone and did not leave, in one query."""
    valid = select(VERDICTS.c.rendering_id).where(VERDICTS.c.outcome == verdicts.VALID)
    passed = select(RENDERINGS.c.reminder_id).where(RENDERINGS.c.format == OIOUBL, RENDERINGS.c.id.in_(valid))
    written = select(LETTERS.c.subject).where(LETTERS.c.kind == LETTER)
    found = (
        select(REMINDERS.c.id, REMINDERS.c.invoice_id, INVOICES.c.number.label("invoice"))
        .join(INVOICES, REMINDERS.c.invoice_id == INVOICES.c.id)
        .where(REMINDER.receivers_format() != USUAL_FORMAT, REMINDER.is_real(), REMINDERS.c.id.in_(passed),
               REMINDERS.c.number.not_in(written), ~_by_hand().exists())
        .order_by(REMINDERS.c.id)
    )  # fmt: skip
    rows: Any = session.execute(found).all()
    return rows  # type: ignore[no-any-return]


def may_be_written(session: Session, reminder_id: int) -> bool:
    """Tell whether a letter of a reminder may be written now."""
    found = select(REMINDERS.c.id).where(REMINDERS.c.id == reminder_id, _may_be_written())
    return session.execute(found).first() is not None


def _may_be_written() -> ColumnElement[bool]:
    """Tell whether the letter's turn has come: a carrier handed the reminder over, or takes none to its receiver.

    What people handed over themselves is not sent after it.
    """
    made, tried = REMINDER.deliveries.c, REMINDER.attempts.c
    handed_over = (
        select(tried.id)
        .join(REMINDER.deliveries, tried.delivery_id == made.id)
        .where(made.reminder_id == REMINDERS.c.id, made.channel != BY_HAND, tried.outcome == "handed_over")
    )
    is_letter = and_(REMINDER.receivers_format() != USUAL_FORMAT, ~_by_hand().exists())
    return or_(is_letter, handed_over.exists())


def _by_hand() -> Select[Any]:
    made = REMINDER.deliveries.c
    return select(made.id).where(made.reminder_id == REMINDERS.c.id, made.channel == BY_HAND)


def is_by_hand(session: Session, reminder_id: int) -> bool:
    """Tell whether people noted that they handed a reminder over."""
    found = select(REMINDERS.c.id).where(REMINDERS.c.id == reminder_id, _by_hand().exists())
    return session.execute(found).first() is not None


def is_real(document: str) -> bool:
    """Tell whether a stored reminder bears no notice that it is none."""
    return papers.WITHOUT_NOTICES in document
