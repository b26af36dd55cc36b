"""Tables of sealed agreements: the files, the certificates they were sealed with, and tries that failed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.base import APPEND_ONLY, Base


class SealedDocument(Base):
    """The one sealed file of an agreement, with all by which a changed copy of it is known again."""

    __tablename__ = "sealed_document"
    __table_args__ = (UniqueConstraint("offer_id"), UniqueConstraint("sha256"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    offer_id: Mapped[int] = mapped_column(ForeignKey("offer.id"))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[str]
    unsealed_sha256: Mapped[str] = mapped_column(index=True)  # of the bytes that were shown, which it begins with
    unsealed_length: Mapped[int]
    signature_sha256: Mapped[str] = mapped_column(index=True)  # of the seal's own bytes
    file_id: Mapped[str] = mapped_column(index=True)  # the identifier that editors keep
    evidence: Mapped[str]  # canonical JSON, as attached
    level: Mapped[str]  # PAdES B-LTA or B-B
    certificate_sha256: Mapped[str]
    sealed_at: Mapped[datetime]


class SealingFailure(Base):
    """That an agreement could not be sealed, and why; it is tried again until it is."""

    __tablename__ = "sealing_failure"
    __table_args__ = APPEND_ONLY

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    offer_id: Mapped[int] = mapped_column(ForeignKey("offer.id"), index=True)
    at: Mapped[datetime]
    reason: Mapped[str]  # JSON: da, en


class SigningCertificate(Base):
    """A certificate taken into use, with what vouched for it then. The last one seals; all of them are known."""

    __tablename__ = "signing_certificate"
    __table_args__ = APPEND_ONLY

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sha256: Mapped[str] = mapped_column(index=True)
    subject: Mapped[str]
    not_before: Mapped[datetime]
    not_after: Mapped[datetime]
    chain: Mapped[str]  # PEM: the certificate, then those that vouch for it and for the time stamps
    taken_by: Mapped[str]
    taken_at: Mapped[datetime]
