"""The register's tables. They may change; what issued lines rest on is guarded where rows are taken in."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.base import Base


class Authority(Base):
    """A public authority that can join products: a municipality, a region, a state body."""

    __tablename__ = "authority"
    __table_args__ = (UniqueConstraint("cvr"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    cvr: Mapped[str]
    type: Mapped[str]  # kommune, region, stat, …
    code: Mapped[str | None] = mapped_column(index=True)  # kommunekode or regionskode
    name: Mapped[str]
    short_name: Mapped[str]
    region: Mapped[str | None]
    address: Mapped[str | None]
    postcode: Mapped[str | None]
    city: Mapped[str | None]
    valid_to: Mapped[date | None]  # the last day
    succeeded_by_cvr: Mapped[str | None]
    cvr_forced_reason: Mapped[str | None]  # why a CVR failing modulus 11 was taken all the same


class Population(Base):
    """Inhabitants of a municipality on 1 January of a year."""

    __tablename__ = "population"
    __table_args__ = (UniqueConstraint("authority_id", "year"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    year: Mapped[int] = mapped_column(index=True)
    inhabitants: Mapped[int]
    source: Mapped[str]


class Placement(Base):
    """A size band given by judgement, for an authority without inhabitants to count (indplacering)."""

    __tablename__ = "placement"
    __table_args__ = (UniqueConstraint("authority_id", "valid_from"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    band: Mapped[str]
    valid_from: Mapped[date]
    decided_by: Mapped[str]
    reason: Mapped[str]


class Membership(Base):
    """Membership of the association, from `joined_on` up to, but without, `left_on`; and where the dues are sent."""

    __tablename__ = "membership"
    __table_args__ = (UniqueConstraint("authority_id", "joined_on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    joined_on: Mapped[date]
    left_on: Mapped[date | None]
    gln: Mapped[str | None]
    person_reference: Mapped[str | None]
    order_reference: Mapped[str | None]
    accounting_cost: Mapped[str | None]
    format: Mapped[str | None]  # oioubl or peppol; none means the usual one
    contact_mail: Mapped[str | None]  # who gets copies by mail
