"""Tables of mails: what was written with the act it tells of, and every try to hand it to a mail server."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.base import APPEND_ONLY, Base


class Letter(Base):
    """One mail to one receiver, as it is sent. `number` is above 1 where it was sent again to the same address."""

    __tablename__ = "letter"
    __table_args__ = (UniqueConstraint("kind", "subject", "receiver", "number"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)
    receiver: Mapped[str]
    number: Mapped[int]
    title: Mapped[str]
    sender: Mapped[str]
    message_id: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary)  # the whole message, as it goes to the server
    sha256: Mapped[str]
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("letter.id"), index=True)  # the letter it sends again
    reason: Mapped[str]  # why it is sent again; empty for a first letter
    written_by: Mapped[str]
    written_at: Mapped[datetime]


class LetterAttempt(Base):
    """One try to hand a letter over: `sent`, `deferred` (it is tried again), `failed` (it is not)."""

    __tablename__ = "letter_attempt"
    __table_args__ = APPEND_ONLY

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    letter_id: Mapped[int] = mapped_column(ForeignKey("letter.id"), index=True)
    at: Mapped[datetime]
    outcome: Mapped[str]
    reason: Mapped[str]  # JSON: da, en
    answer: Mapped[str]  # what the server said, as far as it can be shown
