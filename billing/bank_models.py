"""Tables of bank statements: every transaction as it came, and the file it came in."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.base import APPEND_ONLY, Base


class BankFile(Base):
    """A file that was taken in; the same bytes are never taken twice."""

    __tablename__ = "bank_file"
    __table_args__ = (UniqueConstraint("sha256"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    sha256: Mapped[str]
    format: Mapped[str]  # camt.053 or csv
    taken_by: Mapped[str]
    taken_at: Mapped[datetime]


class BankStatement(Base):
    """A statement of one account: what stood there before, what moved, what stands there after. Amounts in øre."""

    __tablename__ = "bank_statement"
    __table_args__ = APPEND_ONLY

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    file_id: Mapped[int] = mapped_column(ForeignKey("bank_file.id"), index=True)
    account: Mapped[str] = mapped_column(index=True)  # as the bank writes it: IBAN, or registration and account number
    bank_id: Mapped[str]  # the bank's own name of the statement; banks use it again each year
    opening_on: Mapped[date | None]
    opening_ore: Mapped[int]
    closing_on: Mapped[date]
    closing_ore: Mapped[int]


class BankTransaction(Base):
    """Money that moved on an account: in above zero, out below. Never changed; what it was for is told elsewhere.

    `fingerprint` is the SHA-256 over what the bank says of it, `twin` counts those that are alike in all of that: so a
    file that comes again brings nothing new, and two real payments that are alike stay two.
    """

    __tablename__ = "bank_transaction"
    __table_args__ = (UniqueConstraint("account", "fingerprint", "twin"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    statement_id: Mapped[int] = mapped_column(ForeignKey("bank_statement.id"), index=True)
    position: Mapped[int]  # within the statement, from 1
    account: Mapped[str]
    booked_on: Mapped[date] = mapped_column(index=True)
    value_on: Mapped[date | None]
    amount_ore: Mapped[int]
    fik_id: Mapped[str]  # 15 digits, or empty
    creditor_reference: Mapped[str]  # ISO 11649 (RF…), or empty
    message: Mapped[str]  # what the payer wrote, line by line
    payer: Mapped[str]  # the other side's name as the bank gives it, or empty
    payer_account: Mapped[str]
    bank_reference: Mapped[str]  # AcctSvcrRef
    end_to_end_id: Mapped[str]
    raw: Mapped[str]  # the entry exactly as it stood in the file
    fingerprint: Mapped[str]
    twin: Mapped[int]
