"""Adopted decisions as they stand in the database: the text itself, and its digest. Append-only."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.base import APPEND_ONLY, Base


class AdoptedTable(Base):
    """One adopted decision. `kind` is size_key, association or fee_table; `product` is empty for the first two."""

    __tablename__ = "adopted_table"
    __table_args__ = (UniqueConstraint("kind", "product", "valid_from"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    product: Mapped[str]
    valid_from: Mapped[date]
    decided_on: Mapped[date]
    decided_by: Mapped[str]
    source: Mapped[str]
    text: Mapped[str]  # the TOML as adopted, byte for byte
    digest: Mapped[str] = mapped_column(index=True)  # SHA-256 of the text
    adopted_at: Mapped[datetime]
    adopted_by: Mapped[str]
