"""Tables of the funds: costs as entered, their vouchers' files, hourly rates, recurring costs, moves, kept balances."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from billing.bookkeeping_models import ClosedPeriod
from billing.payment_models import PaymentMatch
from foundation.base import APPEND_ONLY, Base


class FundBalance(Base):
    """What a fund had when a period was closed, at the end of its last day; without product it is the association's."""

    __tablename__ = "fund_balance"
    __table_args__ = (UniqueConstraint("last_on", "product"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last_on: Mapped[date]
    product: Mapped[str | None]
    amount_ore: Mapped[int]


class CostFile(Base):
    """What a supplier sent: the bytes are kept once, under their SHA-256."""

    __tablename__ = "cost_file"
    __table_args__ = (UniqueConstraint("sha256"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sha256: Mapped[str]
    name: Mapped[str]
    media_type: Mapped[str]
    content: Mapped[bytes]
    kept_by: Mapped[str]
    kept_at: Mapped[datetime]


class HourRate(Base):
    """What an hour of the secretariat costs a product from a day on: proposed by one, approved by another."""

    __tablename__ = "hour_rate"
    __table_args__ = (UniqueConstraint("proposal_id"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    from_on: Mapped[date]
    amount_ore: Mapped[int]
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"))


class RecurringCost(Base):
    """A cost that comes every month or quarter, from a day to a day: proposed by one, approved by another."""

    __tablename__ = "recurring_cost"
    __table_args__ = (UniqueConstraint("proposal_id"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    product: Mapped[str | None]
    account: Mapped[str]
    supplier: Mapped[str]
    text: Mapped[str]
    amount_ore: Mapped[int]
    months: Mapped[int]  # between two of them: 1 or 3
    first_on: Mapped[date]
    last_on: Mapped[date]
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"))


class Cost(Base):
    """A cost of a fund as it was entered; it is booked once another person approves its proposal,
    which may hold several of one fund.

    Hours have minutes and the rate they were counted at. A cost with `from_on` is spread over whole months. One that
    takes another back has the opposite amount and points at it. One that comes again and again was approved once.
    """

    __tablename__ = "cost"
    __table_args__ = (UniqueConstraint("recurring_id", "incurred_on"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    product: Mapped[str | None] = mapped_column(index=True)
    account: Mapped[str]
    supplier: Mapped[str]
    reference: Mapped[str] = mapped_column(index=True)  # the supplier's number of it
    incurred_on: Mapped[date] = mapped_column(index=True)
    text: Mapped[str]
    amount_ore: Mapped[int]
    minutes: Mapped[int | None]
    rate_id: Mapped[int | None] = mapped_column(ForeignKey("hour_rate.id"))
    from_on: Mapped[date | None]
    to_on: Mapped[date | None]  # the last day of the last month
    file_id: Mapped[int | None] = mapped_column(ForeignKey("cost_file.id"))
    reverses: Mapped[int | None] = mapped_column(ForeignKey("cost.id"), index=True)
    recurring_id: Mapped[int | None] = mapped_column(ForeignKey("recurring_cost.id"))
    proposal_id: Mapped[int | None] = mapped_column(ForeignKey("proposal.id"), index=True)
    entered_by: Mapped[str]
    entered_at: Mapped[datetime]


class CostPayment(Base):
    """Which cost money that went out was for; where the match is undone, the cost is unpaid again."""

    __tablename__ = "cost_payment"
    __table_args__ = (UniqueConstraint("match_id"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    cost_id: Mapped[int] = mapped_column(ForeignKey("cost.id"), index=True)
    match_id: Mapped[int] = mapped_column(ForeignKey("payment_match.id"))


class CostVoucher(Base):
    """The file of a cost that was entered without one, given to it once, later."""

    __tablename__ = "cost_voucher"
    __table_args__ = (UniqueConstraint("cost_id"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    cost_id: Mapped[int] = mapped_column(ForeignKey("cost.id"))
    file_id: Mapped[int] = mapped_column(ForeignKey("cost_file.id"))
    attached_by: Mapped[str]
    attached_at: Mapped[datetime]


class FundMove(Base):
    """What a fund opened with, or what was moved from one to another: proposed by one, approved by another."""

    __tablename__ = "fund_move"
    __table_args__ = (UniqueConstraint("proposal_id"), UniqueConstraint("voucher_id"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]  # opening or transfer
    from_product: Mapped[str | None]  # of a transfer; without it the association's
    to_product: Mapped[str | None]
    amount_ore: Mapped[int]
    moved_on: Mapped[date]
    reason: Mapped[str]
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"))
    voucher_id: Mapped[int] = mapped_column(ForeignKey("voucher.id"))


# A backup is restored in this order: balances after what was closed, payments after what they point at.
FundBalance.__table__.add_is_dependent_on(ClosedPeriod.__table__)  # type: ignore[attr-defined]
CostPayment.__table__.add_is_dependent_on(PaymentMatch.__table__)  # type: ignore[attr-defined]
