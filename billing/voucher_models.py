"""Tables of what is booked beside invoices and credit notes, which book themselves as they are issued."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.base import APPEND_ONLY, Base


class Voucher(Base):
    """One balanced entry. `kind` and `subject` say what was booked; nothing is booked twice."""

    __tablename__ = "voucher"
    __table_args__ = (UniqueConstraint("book", "kind", "subject"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    book: Mapped[str]
    kind: Mapped[str]
    subject: Mapped[str]
    posted_on: Mapped[date] = mapped_column(index=True)
    text: Mapped[str]
    booked_by: Mapped[str]
    booked_at: Mapped[datetime]


class VoucherPosting(Base):
    """An amount on an account: debit above zero, credit below.

    `product` names the fund it belongs to. On receivables and on what stands to an authority's credit, `authority_id`
    says whose account it is, and `invoice_id` which invoice is paid by it.
    """

    __tablename__ = "voucher_posting"
    __table_args__ = (UniqueConstraint("voucher_id", "position"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    voucher_id: Mapped[int] = mapped_column(ForeignKey("voucher.id"))
    position: Mapped[int]
    account: Mapped[str] = mapped_column(index=True)
    product: Mapped[str | None]
    authority_id: Mapped[int | None] = mapped_column(ForeignKey("authority.id"), index=True)
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"), index=True)
    amount_ore: Mapped[int]
