"""Products and connection agreements (tilslutningsaftaler) with their dated facts, and what led to them.

An agreement may change (its notice, its billing details); an offer, its signatories and its steps never do.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.base import APPEND_ONLY, Base


class Product(Base):
    """A product of OS2 with accounts of its own; one that came with a fee table may lack the account number."""

    __tablename__ = "product"
    __table_args__ = (UniqueConstraint("name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    account: Mapped[str | None]
    level: Mapped[str | None]
    description_da: Mapped[str | None]  # what it is, as agreements say it; in both languages or in none
    description_en: Mapped[str | None]
    coordinator: Mapped[str | None]  # who is asked about it: a role and how to reach it, no person
    users_shown: Mapped[str | None]  # yes where it is decided that the public sees who is connected


class Agreement(Base):
    """One authority's agreement on one product. States are read from the days by `lifecycle`, never stored.

    A passive agreement that became active keeps `kind` passive up to `active_from`.
    """

    __tablename__ = "agreement"
    __table_args__ = (UniqueConstraint("authority_id", "product_id", "signed_on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"), index=True)
    kind: Mapped[str]  # active or passive, as signed
    signed_on: Mapped[date]
    countersigned_on: Mapped[date | None]
    in_force_from: Mapped[date | None]
    terminated_to: Mapped[date | None]  # the last day
    notice_given_on: Mapped[date | None]
    active_from: Mapped[date | None]  # the day a passive connection became active
    endpoint: Mapped[str | None]  # gln or cvr
    gln: Mapped[str | None]
    person_reference: Mapped[str | None]
    order_reference: Mapped[str | None]
    accounting_cost: Mapped[str | None]
    format: Mapped[str | None]  # oioubl or peppol; none means the usual one
    contact_mail: Mapped[str | None]  # who gets copies by mail, where the text that was signed names nobody
    rebate_ore: Mapped[int]
    rebate_reason: Mapped[str | None]
    joining_fee_exempt_reason: Mapped[str | None]
    joining_fee_invoiced_on: Mapped[date | None]
    offer_id: Mapped[int | None] = mapped_column(ForeignKey("offer.id"), index=True)  # None: not signed here


class AgreementTemplate(Base):
    """An adopted version of an agreement's text; `name` is connection or membership. Append-only."""

    __tablename__ = "agreement_template"
    __table_args__ = (UniqueConstraint("name", "version"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    version: Mapped[int]
    content: Mapped[str]  # its canonical JSON
    digest: Mapped[str]  # SHA-256 of the content
    adopted_on: Mapped[date]
    adopted_by: Mapped[str]
    proposed_by: Mapped[str]


class Offer(Base):
    """One version of an agreement's text with its fees, as it is offered. What became of it is told by its steps.

    `replaces_id` is the version, or the offer that ran out, in whose place this one stands.
    """

    __tablename__ = "offer"
    __table_args__ = (UniqueConstraint("reference", "version"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reference: Mapped[str]  # A-2026-00001
    version: Mapped[int]
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("offer.id"), index=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"), index=True)
    product_id: Mapped[int | None] = mapped_column(ForeignKey("product.id"), index=True)  # None: membership
    template_id: Mapped[int] = mapped_column(ForeignKey("agreement_template.id"), index=True)
    kind: Mapped[str]  # active or passive
    document: Mapped[str]  # canonical JSON
    digest: Mapped[str]  # SHA-256 of the document
    signatories_in_order: Mapped[int]  # 1: one after the other; 0: as they come
    valid_days: Mapped[int]  # so many days from the day it is offered
    drafted_by: Mapped[str]
    drafted_at: Mapped[datetime]


class OfferSignatory(Base):
    """Who is to sign an offer for the authority, in which place."""

    __tablename__ = "offer_signatory"
    __table_args__ = (UniqueConstraint("offer_id", "position"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    offer_id: Mapped[int] = mapped_column(ForeignKey("offer.id"))
    position: Mapped[int]  # 1, 2, 3 …
    name: Mapped[str]
    title: Mapped[str]
    mail: Mapped[str]
    right_id: Mapped[int | None] = mapped_column(ForeignKey("right_to_sign.id"))


class AgreementStep(Base):
    """One thing that happened to an offer. Each names the one before by its hash: a chain of its own for each offer."""

    __tablename__ = "agreement_step"
    __table_args__ = (UniqueConstraint("offer_id", "number"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    offer_id: Mapped[int] = mapped_column(ForeignKey("offer.id"))
    number: Mapped[int]  # 1, 2, 3 … of the offer
    step: Mapped[str]
    at: Mapped[datetime]
    by: Mapped[str]
    user_id: Mapped[int | None]  # of `user_account`, which only `app` knows
    signatory_position: Mapped[int | None]
    digest: Mapped[str]  # of the document that was shown
    data: Mapped[str]  # JSON: what else belongs to the step
    previous_sha256: Mapped[str]
    sha256: Mapped[str]


class RightToSign(Base):
    """Somebody's right to sign for an authority, or for the association itself (`authority_id` None), from a day on.

    `user_id` is who it is here, by sign-in; without it nobody can use the right yet.
    """

    __tablename__ = "right_to_sign"
    __table_args__ = APPEND_ONLY

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    authority_id: Mapped[int | None] = mapped_column(ForeignKey("authority.id"), index=True)
    name: Mapped[str]
    mail: Mapped[str]
    title: Mapped[str]
    user_id: Mapped[int | None]
    basis: Mapped[str]  # position or delegation
    file_id: Mapped[int | None] = mapped_column(ForeignKey("agreement_file.id"))  # the delegation
    vouched_by: Mapped[str]
    given_at: Mapped[datetime]
    from_on: Mapped[date]
    until_on: Mapped[date | None]  # the last day, where one was given at once


class RightToSignEnd(Base):
    """The last day of a right that ended, or was cut short."""

    __tablename__ = "right_to_sign_end"
    __table_args__ = (UniqueConstraint("right_id"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    right_id: Mapped[int] = mapped_column(ForeignKey("right_to_sign.id"))
    until_on: Mapped[date]  # the last day
    ended_by: Mapped[str]
    at: Mapped[datetime]


class AgreementFile(Base):
    """A file somebody brought: a scanned agreement, a delegation. The same bytes are kept once."""

    __tablename__ = "agreement_file"
    __table_args__ = (UniqueConstraint("sha256"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sha256: Mapped[str]
    name: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    kept_by: Mapped[str]
    kept_at: Mapped[datetime]


class RecordedAgreement(Base):
    """That an agreement was signed on paper or elsewhere: recorded by two people with its file, never sealed."""

    __tablename__ = "recorded_agreement"
    __table_args__ = (UniqueConstraint("agreement_id"), UniqueConstraint("proposal_id"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreement.id"))
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"))
    file_id: Mapped[int] = mapped_column(ForeignKey("agreement_file.id"))
    route: Mapped[str]  # paper or elsewhere
    recorded_by: Mapped[str]
    approved_by: Mapped[str]
    at: Mapped[datetime]
