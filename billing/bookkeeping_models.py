"""Tables of the bookkeeping: how our accounts stand in the public chart, and the periods that are closed."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from billing.models import LedgerEntry
from billing.voucher_models import Voucher
from foundation.base import APPEND_ONLY, Base


class AccountMapping(Base):
    """Which account of the public standard chart each of our accounts is, as adopted; the newest counts."""

    __tablename__ = "account_mapping"
    __table_args__ = APPEND_ONLY

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str]  # TOML
    digest: Mapped[str]  # SHA-256 of the text
    adopted_by: Mapped[str]
    adopted_at: Mapped[datetime]


class ClosedPeriod(Base):
    """A period in which nothing is booked any more: what stood in it, and what its accounts were called then.

    `head_position` and `head_hash` are the head of the audit chain when it was closed.
    """

    __tablename__ = "closed_period"
    __table_args__ = (UniqueConstraint("first_on"), UniqueConstraint("last_on"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first_on: Mapped[date]
    last_on: Mapped[date]
    postings: Mapped[int]
    digest: Mapped[str]  # SHA-256 over its postings
    accounts: Mapped[str]  # JSON: [[account, name, standard account, its name], …]
    head_position: Mapped[int]
    head_hash: Mapped[str]
    prepared_by: Mapped[str]
    closed_by: Mapped[str]
    closed_at: Mapped[datetime]


# A backup is restored in this order: what lies in a closed period stands before it is closed.
ClosedPeriod.__table__.add_is_dependent_on(LedgerEntry.__table__)  # type: ignore[attr-defined]
ClosedPeriod.__table__.add_is_dependent_on(Voucher.__table__)  # type: ignore[attr-defined]
