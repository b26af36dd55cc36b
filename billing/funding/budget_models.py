"""Tables of budgets: versions of a fund's year, what each gives an account month by month, and what was adopted."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.base import APPEND_ONLY, Base


class BudgetVersion(Base):
    """A version of what a fund is to earn and spend in a year; without product it is the association's."""

    __tablename__ = "budget_version"
    __table_args__ = (UniqueConstraint("product", "year", "version"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    product: Mapped[str | None]
    year: Mapped[int] = mapped_column(index=True)
    version: Mapped[int]
    basis: Mapped[str]  # how it came about
    drafted_by: Mapped[str]
    drafted_at: Mapped[datetime]


class BudgetLine(Base):
    """What a version gives one account in one month. Income and costs are both above zero."""

    __tablename__ = "budget_line"
    __table_args__ = (UniqueConstraint("version_id", "account", "month"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version_id: Mapped[int] = mapped_column(ForeignKey("budget_version.id"))
    account: Mapped[str]
    month: Mapped[int]
    amount_ore: Mapped[int]


class BudgetAdoption(Base):
    """A version that was adopted: proposed by one person, approved by another on a day."""

    __tablename__ = "budget_adoption"
    __table_args__ = (UniqueConstraint("version_id"), UniqueConstraint("proposal_id"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version_id: Mapped[int] = mapped_column(ForeignKey("budget_version.id"))
    adopted_on: Mapped[date]
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"))


class DeviationRemark(Base):
    """A remark on an account in a period, or without one on the whole; the newest holds, an empty one takes it back."""

    __tablename__ = "deviation_remark"
    __table_args__ = (APPEND_ONLY,)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    product: Mapped[str | None] = mapped_column(index=True)
    first_on: Mapped[date]
    last_on: Mapped[date]
    account: Mapped[str]
    text: Mapped[str]
    written_by: Mapped[str]
    written_at: Mapped[datetime]
