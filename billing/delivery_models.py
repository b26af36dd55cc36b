"""Tables of how documents are handed over: what was to be sent where, every try, every receipt. And who is at it.

Reminders have tables of the same form, so that each row is bound to what it is of; `papers` names which is which.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.base import APPEND_ONLY, Base


class Delivery(Base):
    """Bytes that are to be handed over to an address, written before anything is sent; every try sends just these.

    An invoice's first delivery follows from its billing details; a later one is somebody's, and names the one before.
    """

    __tablename__ = "delivery"
    __table_args__ = (UniqueConstraint("invoice_id", "position"), UniqueConstraint("message_id"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"))
    position: Mapped[int]  # among the invoice's, from 1
    channel: Mapped[str]  # nemhandel, peppol or hand
    address: Mapped[str]  # as ISO 6523 writes it, 0088:GLN or 0184:DKCVR; empty where people did it by hand
    rendering_id: Mapped[int] = mapped_column(ForeignKey("rendering.id"))
    sha256: Mapped[str]  # of the bytes
    file_name: Mapped[str]
    message_id: Mapped[str]
    again_of: Mapped[int | None] = mapped_column(ForeignKey("delivery.id"))
    made_at: Mapped[datetime]
    made_by: Mapped[str]


class DeliveryAttempt(Base):
    """One try, and what came of it. A try whose note was lost is made again, with the same bytes."""

    __tablename__ = "delivery_attempt"
    __table_args__ = APPEND_ONLY

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), index=True)
    outcome: Mapped[str]  # handed_over, deferred or failed
    reason_da: Mapped[str]
    reason_en: Mapped[str]
    at: Mapped[datetime]


class DeliveryReceipt(Base):
    """What the receiver's side told of a delivery, once."""

    __tablename__ = "delivery_receipt"
    __table_args__ = (UniqueConstraint("delivery_id", "outcome", "told"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"))
    outcome: Mapped[str]  # acknowledged or rejected
    told: Mapped[str]  # their words, legible
    raw: Mapped[str]  # as it came
    at: Mapped[datetime]


class DeliveryClaim(Base):
    """Which process is handing a delivery over, until when. It changes: it is a sign of life, and no fact."""

    __tablename__ = "delivery_claim"

    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), primary_key=True, autoincrement=False)
    until: Mapped[datetime]


class ReminderDelivery(Base):
    """Bytes of a reminder that are to be handed over to an address, as an invoice's are."""

    __tablename__ = "reminder_delivery"
    __table_args__ = (UniqueConstraint("reminder_id", "position"), UniqueConstraint("message_id"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reminder_id: Mapped[int] = mapped_column(ForeignKey("reminder.id"))
    position: Mapped[int]  # among the reminder's, from 1
    channel: Mapped[str]  # nemhandel or hand: Peppol has no reminders
    address: Mapped[str]
    rendering_id: Mapped[int] = mapped_column(ForeignKey("reminder_rendering.id"))
    sha256: Mapped[str]
    file_name: Mapped[str]
    message_id: Mapped[str]
    again_of: Mapped[int | None] = mapped_column(ForeignKey("reminder_delivery.id"))
    made_at: Mapped[datetime]
    made_by: Mapped[str]


class ReminderDeliveryAttempt(Base):
    """One try with a reminder, and what came of it."""

    __tablename__ = "reminder_delivery_attempt"
    __table_args__ = APPEND_ONLY

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("reminder_delivery.id"), index=True)
    outcome: Mapped[str]
    reason_da: Mapped[str]
    reason_en: Mapped[str]
    at: Mapped[datetime]


class ReminderDeliveryReceipt(Base):
    """What the receiver's side told of a reminder's delivery, once."""

    __tablename__ = "reminder_delivery_receipt"
    __table_args__ = (UniqueConstraint("delivery_id", "outcome", "told"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("reminder_delivery.id"))
    outcome: Mapped[str]
    told: Mapped[str]
    raw: Mapped[str]
    at: Mapped[datetime]


class ReminderDeliveryClaim(Base):
    """Which process is handing a reminder over, until when: a sign of life, and no fact."""

    __tablename__ = "reminder_delivery_claim"

    delivery_id: Mapped[int] = mapped_column(ForeignKey("reminder_delivery.id"), primary_key=True, autoincrement=False)
    until: Mapped[datetime]
