"""What was approved, issued, posted and rendered. All of it append-only, but for series' counters and runs of work."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.base import APPEND_ONLY, Base


class SellerSettings(Base):
    """The association as seller, as imported; the newest counts."""

    __tablename__ = "seller_settings"
    __table_args__ = APPEND_ONLY

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str]  # the TOML as imported
    digest: Mapped[str]  # SHA-256 of the text
    imported_at: Mapped[datetime]
    imported_by: Mapped[str]


class Account(Base):
    """One account of the association's chart, or of every product's (its number ends in the suffix)."""

    __tablename__ = "account"
    __table_args__ = (UniqueConstraint("number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str]
    scope: Mapped[str]  # forening, produkt, standard
    kind: Mapped[str]  # indtægt, udgift, aktiv, passiv
    name_da: Mapped[str]


class PlanApproval(Base):
    """Approval of a plan, by its digest."""

    __tablename__ = "plan_approval"
    __table_args__ = APPEND_ONLY

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    year: Mapped[int]
    book: Mapped[str]
    digest: Mapped[str]
    invoices: Mapped[int]
    net_ore: Mapped[int]
    seller_digest: Mapped[str]  # the settings that were in force
    approved_by: Mapped[str]
    approved_at: Mapped[datetime]


class ApprovedInvoice(Base):
    """One invoice of an approved plan: its digest, and its content so that a later difference can be named."""

    __tablename__ = "approved_invoice"
    __table_args__ = (UniqueConstraint("approval_id", "position"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    # Deferred: an approval's own row, with its digest, is written last.
    approval_id: Mapped[int] = mapped_column(ForeignKey("plan_approval.id", deferrable=True, initially="DEFERRED"))
    position: Mapped[int]
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    digest: Mapped[str]
    content: Mapped[str]  # JSON


class PreparedInvoice(Base):
    """What an approved invoice will say and book: its lines, and its document without number and days."""

    __tablename__ = "prepared_invoice"
    __table_args__ = (UniqueConstraint("approved_invoice_id"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    approved_invoice_id: Mapped[int] = mapped_column(ForeignKey("approved_invoice.id"))
    lines: Mapped[str]  # JSON, see `preparation.PreparedLine`
    body: Mapped[str]  # JSON, see `document.body_json`


class InvoiceSeries(Base):
    """The counter of a number series; the only way to gapless numbers under concurrent writers."""

    __tablename__ = "invoice_series"

    name: Mapped[str] = mapped_column(primary_key=True)
    last_number: Mapped[int]
    last_on: Mapped[date]


class Invoice(Base):
    """An issued invoice: it has a number, and never changes."""

    __tablename__ = "invoice"
    __table_args__ = (
        UniqueConstraint("number"),
        UniqueConstraint("series", "sequence"),
        UniqueConstraint("approved_invoice_id"),
        APPEND_ONLY,
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    book: Mapped[str]  # real or rehearsal
    series: Mapped[str]
    sequence: Mapped[int]
    number: Mapped[str]
    year: Mapped[int]
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"), index=True)
    issued_on: Mapped[date]
    due_on: Mapped[date]
    net_ore: Mapped[int]
    vat_ore: Mapped[int]
    gross_ore: Mapped[int]
    document: Mapped[str]  # the InvoiceDocument as canonical JSON
    document_sha256: Mapped[str]
    approved_invoice_id: Mapped[int] = mapped_column(ForeignKey("approved_invoice.id"))
    issued_at: Mapped[datetime]
    issued_by: Mapped[str]


class InvoiceLine(Base):
    """A line with its parts and its reason. `key` says what it is for: nothing is invoiced twice in one book."""

    __tablename__ = "invoice_line"
    __table_args__ = (UniqueConstraint("book", "key"), UniqueConstraint("invoice_id", "position"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"))
    position: Mapped[int]
    book: Mapped[str]
    key: Mapped[str]
    kind: Mapped[str]
    year: Mapped[int]
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"), index=True)  # who pays
    agreement_id: Mapped[int | None] = mapped_column(ForeignKey("agreement.id"), index=True)
    membership_id: Mapped[int | None] = mapped_column(ForeignKey("membership.id"), index=True)
    product: Mapped[str | None]
    net_ore: Mapped[int]
    product_ore: Mapped[int]
    association_ore: Mapped[int]
    vat_ore: Mapped[int]
    reason: Mapped[str]  # JSON


class LedgerEntry(Base):
    """One balanced entry; its postings sum to zero."""

    __tablename__ = "ledger_entry"
    __table_args__ = (UniqueConstraint("invoice_id"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    book: Mapped[str]
    posted_on: Mapped[date] = mapped_column(index=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"), index=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"))
    text: Mapped[str]


class Posting(Base):
    """An amount on an account: debit above zero, credit below. `product` names the fund the money belongs to."""

    __tablename__ = "posting"
    __table_args__ = (UniqueConstraint("entry_id", "position"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entry_id: Mapped[int] = mapped_column(ForeignKey("ledger_entry.id"))
    position: Mapped[int]
    account: Mapped[str]
    product: Mapped[str | None]
    amount_ore: Mapped[int]


class OutboxMessage(Base):
    """Work for the delivery: written with the invoice, done when its receipt is there, never lost between."""

    __tablename__ = "outbox_message"
    __table_args__ = (UniqueConstraint("invoice_id", "kind"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"))
    kind: Mapped[str]
    created_at: Mapped[datetime]


class Rendering(Base):
    """The bytes of an invoice in one format, as made once and kept."""

    __tablename__ = "rendering"
    __table_args__ = (UniqueConstraint("invoice_id", "format"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"))
    format: Mapped[str]  # pdf, peppol or oioubl
    sha256: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    rendered_at: Mapped[datetime]


class Verdict(Base):
    """What the official rules of one pack say of a kept XML. A newer pack gives a further verdict."""

    __tablename__ = "verdict"
    __table_args__ = (UniqueConstraint("rendering_id", "pack_sha256"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    rendering_id: Mapped[int] = mapped_column(ForeignKey("rendering.id"))
    pack: Mapped[str]
    pack_version: Mapped[str]
    pack_sha256: Mapped[str]
    outcome: Mapped[str]  # valid or invalid
    failures: Mapped[str]  # JSON: every rule broken, warnings too
    judged_at: Mapped[datetime]


class CreditNote(Base):
    """What a credit note takes back, and who stands behind it. Its amounts and lines are rows of invoices, below zero.

    `afterwards` says whether what it takes back may be invoiced again.
    """

    __tablename__ = "credit_note"
    __table_args__ = (UniqueConstraint("invoice_id"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"))  # its own row
    credited_invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), index=True)
    reason: Mapped[str]
    afterwards: Mapped[str]  # nothing or reissue
    prepared_by: Mapped[str]
    approved_by: Mapped[str | None]  # None where the limit of the settings lets one person do it


class CreditedLine(Base):
    """An invoice's line that is taken back, and the line that takes it back: each at most once."""

    __tablename__ = "credited_line"
    __table_args__ = (UniqueConstraint("line_id"), UniqueConstraint("credit_line_id"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    credit_note_id: Mapped[int] = mapped_column(ForeignKey("credit_note.id"), index=True)
    line_id: Mapped[int] = mapped_column(ForeignKey("invoice_line.id"))
    credit_line_id: Mapped[int] = mapped_column(ForeignKey("invoice_line.id"))


class WorkRun(Base):
    """Work that goes on by itself, started by a person. It changes: its process says now and then that it lives.

    How far the work is stands in the facts, not here.
    """

    __tablename__ = "work_run"
    __table_args__ = (
        Index(
            "uq_work_run_one_at_a_time", "year", "book", unique=True, sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]  # issue
    year: Mapped[int]
    book: Mapped[str]
    dated: Mapped[date]
    started_by: Mapped[str]
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]  # done, failed or interrupted
    message: Mapped[str | None]  # JSON: {"da": …, "en": …}
