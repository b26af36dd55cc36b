"""Tables of what becomes of a funding report: published, talked about, made public, and withdrawn from the public."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.base import APPEND_ONLY, Base


class PublishedReport(Base):
    """A report as it was published; a newer version of the same fund and period says which one it replaces.

    `last_entry` and `last_voucher` are the newest of the ledger it was made of, so that its figures can be made again.
    """

    __tablename__ = "published_report"
    __table_args__ = (UniqueConstraint("fund", "first_on", "last_on", "version"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    fund: Mapped[str]  # as `naming.name` writes it
    first_on: Mapped[date]
    last_on: Mapped[date]
    version: Mapped[int]  # from 1
    replaces: Mapped[int | None] = mapped_column(ForeignKey("published_report.id"))
    document: Mapped[str]  # JSON: `report.to_json`
    digest: Mapped[str]  # SHA-256 of the document
    last_entry: Mapped[int]
    last_voucher: Mapped[int]
    prepared_by: Mapped[str]
    published_by: Mapped[str]
    published_at: Mapped[datetime]


class ReportFile(Base):
    """The bytes of a published report in one format and language."""

    __tablename__ = "report_file"
    __table_args__ = (UniqueConstraint("report_id", "format", "language"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    report_id: Mapped[int] = mapped_column(ForeignKey("published_report.id"))
    format: Mapped[str]  # pdf or xlsx
    language: Mapped[str]
    sha256: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary)


class ReportComment(Base):
    """A question about a fund's period, an answer to one, or a decision; `version` is the report it was said of."""

    __tablename__ = "report_comment"
    __table_args__ = APPEND_ONLY

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    fund: Mapped[str] = mapped_column(index=True)
    first_on: Mapped[date]
    last_on: Mapped[date]
    version: Mapped[int]  # 0: the draft
    kind: Mapped[str]  # question, answer or decision
    answers: Mapped[int | None] = mapped_column(ForeignKey("report_comment.id"))
    text: Mapped[str]
    decided_on: Mapped[date | None]
    reference: Mapped[str]  # of the decision: the minutes, an item on an agenda; else empty
    written_by: Mapped[str]
    written_at: Mapped[datetime]


class ReportDisclosure(Base):
    """That a published report is for everybody to see, and how much of it."""

    __tablename__ = "report_disclosure"
    __table_args__ = (UniqueConstraint("proposal_id"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    report_id: Mapped[int] = mapped_column(ForeignKey("published_report.id"), index=True)
    shown: Mapped[str]  # JSON: names of parts, from the list of those that may be public
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"))
    disclosed_by: Mapped[str]
    disclosed_at: Mapped[datetime]


class ReportDisclosureEnd(Base):
    """That it is so no more, and why: once."""

    __tablename__ = "report_disclosure_end"
    __table_args__ = (UniqueConstraint("disclosure_id"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    disclosure_id: Mapped[int] = mapped_column(ForeignKey("report_disclosure.id"))
    reason: Mapped[str]
    ended_by: Mapped[str]
    ended_at: Mapped[datetime]
