"""Tables of reminders: who was reminded of what and when, the papers of it, and what holds a reminder back."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.base import APPEND_ONLY, Base


class InterestRate(Base):
    """The reference rate of a half-year, in hundredths of a per cent; where one is entered again, the last counts."""

    __tablename__ = "interest_rate"
    __table_args__ = APPEND_ONLY

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    valid_from: Mapped[date] = mapped_column(index=True)  # 1 January or 1 July
    hundredths: Mapped[int]
    source: Mapped[str]
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"))


class InvoiceHold(Base):
    """Why an invoice is not reminded of: the authority disputes it, or has promised to pay by a day."""

    __tablename__ = "invoice_hold"
    __table_args__ = APPEND_ONLY

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), index=True)
    kind: Mapped[str]  # disputed or promised
    begins_on: Mapped[date]
    until: Mapped[date | None]  # the last day of a promise; a dispute goes on until it is ended
    reason: Mapped[str]
    entered_by: Mapped[str]
    entered_at: Mapped[datetime]


class InvoiceHoldEnd(Base):
    """That a hold counts no more, and why: once."""

    __tablename__ = "invoice_hold_end"
    __table_args__ = (UniqueConstraint("hold_id"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hold_id: Mapped[int] = mapped_column(ForeignKey("invoice_hold.id"))
    ended_on: Mapped[date]
    reason: Mapped[str]
    ended_by: Mapped[str]
    ended_at: Mapped[datetime]


class Reminder(Base):
    """An issued reminder. An invoice is reminded of once at each level, which the database enforces."""

    __tablename__ = "reminder"
    __table_args__ = (
        UniqueConstraint("series", "sequence"), UniqueConstraint("number"), UniqueConstraint("invoice_id", "level"),
        APPEND_ONLY,
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    series: Mapped[str]
    sequence: Mapped[int]
    number: Mapped[str]
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"))
    level: Mapped[int]
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"), index=True)
    issued_on: Mapped[date]
    due_on: Mapped[date]
    outstanding_ore: Mapped[int]
    fee_ore: Mapped[int]
    compensation_ore: Mapped[int]
    interest_ore: Mapped[int]
    interest: Mapped[str]  # JSON: the pieces it was worked out from
    to_pay_ore: Mapped[int]
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"))  # the approved plan, or the standing rule
    document: Mapped[str]  # the ReminderDocument as canonical JSON
    document_sha256: Mapped[str]
    issued_at: Mapped[datetime]
    issued_by: Mapped[str]


class ReminderRendering(Base):
    """The bytes of a reminder in one format, as made once and kept."""

    __tablename__ = "reminder_rendering"
    __table_args__ = (UniqueConstraint("reminder_id", "format"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reminder_id: Mapped[int] = mapped_column(ForeignKey("reminder.id"))
    format: Mapped[str]  # pdf or oioubl
    sha256: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    rendered_at: Mapped[datetime]


class ReminderVerdict(Base):
    """What the official rules of one pack say of a reminder's kept XML."""

    __tablename__ = "reminder_verdict"
    __table_args__ = (UniqueConstraint("rendering_id", "pack_sha256"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    rendering_id: Mapped[int] = mapped_column(ForeignKey("reminder_rendering.id"))
    pack: Mapped[str]
    pack_version: Mapped[str]
    pack_sha256: Mapped[str]
    outcome: Mapped[str]  # valid or invalid
    failures: Mapped[str]  # JSON: every rule broken, warnings too
    judged_at: Mapped[datetime]


class ReminderMessage(Base):
    """Work for the delivery, written with the reminder."""

    __tablename__ = "reminder_message"
    __table_args__ = (UniqueConstraint("reminder_id", "kind"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reminder_id: Mapped[int] = mapped_column(ForeignKey("reminder.id"))
    kind: Mapped[str]
    created_at: Mapped[datetime]
