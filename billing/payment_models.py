"""Tables of what payments were for, and of money that was given back or given up."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.base import APPEND_ONLY, Base


class Refund(Base):
    """Money of an authority's credit that is to be paid back: prepared by one, approved by another."""

    __tablename__ = "refund"
    __table_args__ = (UniqueConstraint("proposal_id"), UniqueConstraint("voucher_id"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"))
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"), index=True)
    amount_ore: Mapped[int]
    reason: Mapped[str]
    decided_on: Mapped[date]
    voucher_id: Mapped[int] = mapped_column(ForeignKey("voucher.id"))


class WriteOff(Base):
    """What an invoice owed and nobody will pay: decided by two people. `vat_ore` comes off output VAT."""

    __tablename__ = "write_off"
    __table_args__ = (UniqueConstraint("proposal_id"), UniqueConstraint("voucher_id"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"))
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), index=True)
    amount_ore: Mapped[int]
    vat_ore: Mapped[int]
    reason: Mapped[str]
    decided_on: Mapped[date]
    voucher_id: Mapped[int] = mapped_column(ForeignKey("voucher.id"))


class WriteOffReversal(Base):
    """That something came of what was written off: the bad debt, and the VAT regained, go back by what came."""

    __tablename__ = "write_off_reversal"
    __table_args__ = (UniqueConstraint("write_off_id", "match_id"), UniqueConstraint("voucher_id"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    write_off_id: Mapped[int] = mapped_column(ForeignKey("write_off.id"))
    match_id: Mapped[int] = mapped_column(ForeignKey("payment_match.id"))  # of the money that came
    amount_ore: Mapped[int]
    vat_ore: Mapped[int]
    reversed_on: Mapped[date]
    voucher_id: Mapped[int] = mapped_column(ForeignKey("voucher.id"))


class ChargeWaiver(Base):
    """What the reminders of an invoice charge and the association lets go of: decided by two people."""

    __tablename__ = "charge_waiver"
    __table_args__ = (UniqueConstraint("proposal_id"), UniqueConstraint("voucher_id"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"))
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), index=True)
    amount_ore: Mapped[int]
    reason: Mapped[str]
    decided_on: Mapped[date]
    voucher_id: Mapped[int] = mapped_column(ForeignKey("voucher.id"))


class FundContribution(Base):
    """That a match is a single contribution to a product's fund; a row that undoes the match needs none of its own."""

    __tablename__ = "fund_contribution"
    __table_args__ = (UniqueConstraint("match_id"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    match_id: Mapped[int] = mapped_column(ForeignKey("payment_match.id"))
    product: Mapped[str]


class PaymentMatch(Base):
    """Money that found its place. It comes from a bank transaction, or from an authority's credit where there is none.

    It goes to an invoice, to a refund that was waiting, to an account, or else to the authority's credit. The amount
    is below zero where money went out. What was wrong is undone by a row with the opposite amount that points back.
    """

    __tablename__ = "payment_match"
    __table_args__ = (UniqueConstraint("undoes"), UniqueConstraint("voucher_id"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    transaction_id: Mapped[int | None] = mapped_column(ForeignKey("bank_transaction.id"), index=True)
    authority_id: Mapped[int | None] = mapped_column(ForeignKey("authority.id"), index=True)
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"), index=True)
    refund_id: Mapped[int | None] = mapped_column(ForeignKey("refund.id"), index=True)
    account: Mapped[str | None]
    amount_ore: Mapped[int]
    rule: Mapped[str]  # fik, rf, number, payer, hand, credit, overpaid or undone
    explanation: Mapped[str]  # JSON: {"da": …, "en": …}
    matched_on: Mapped[date]
    undoes: Mapped[int | None] = mapped_column(ForeignKey("payment_match.id"))
    voucher_id: Mapped[int] = mapped_column(ForeignKey("voucher.id"))
    matched_by: Mapped[str]
    matched_at: Mapped[datetime]
