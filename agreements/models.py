"""Products and connection agreements (tilslutningsaftaler) with their dated facts."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ForeignKey, UniqueConstraint
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
    rebate_ore: Mapped[int]
    rebate_reason: Mapped[str | None]
    joining_fee_exempt_reason: Mapped[str | None]
    joining_fee_invoiced_on: Mapped[date | None]


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
