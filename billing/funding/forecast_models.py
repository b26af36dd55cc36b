"""Tables of what may come: who may join and how likely it is, and forecasts as they were made."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.base import APPEND_ONLY, Base


class PipelineCase(Base):
    """An authority that may join a product, as it was seen at a time; the newest version counts.

    Without `percent` the case is as likely as its stage. `outcome` is empty while it stands open.
    """

    __tablename__ = "pipeline_case"
    __table_args__ = (UniqueConstraint("authority_id", "product", "version"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"))
    product: Mapped[str]
    version: Mapped[int]
    expected_from: Mapped[date]
    stage: Mapped[str]
    percent: Mapped[int | None]
    reason: Mapped[str]
    source: Mapped[str]
    outcome: Mapped[str]
    written_by: Mapped[str]
    written_at: Mapped[datetime]


class StageChance(Base):
    """How likely a case of a stage is to come, in per cent; the newest of a stage counts."""

    __tablename__ = "stage_chance"
    __table_args__ = (APPEND_ONLY,)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    stage: Mapped[str]
    percent: Mapped[int]
    reason: Mapped[str]
    set_by: Mapped[str]
    set_at: Mapped[datetime]


class JourneyJudgement(Base):
    """What is thought of a journey: from when it is expected, how likely that is, and why; the newest counts.

    No paper of law, as the journey is none: it may be emptied with it.
    """

    __tablename__ = "journey_judgement"

    id: Mapped[int] = mapped_column(primary_key=True)
    journey_id: Mapped[int] = mapped_column(ForeignKey("journey.id"), index=True)
    expected_from: Mapped[date | None]  # None: read from the journey's own plan
    percent: Mapped[int | None]  # None: as likely as its step
    reason: Mapped[str]
    written_by: Mapped[str]
    written_at: Mapped[datetime]


class KeptForecast(Base):
    """A forecast of a product's year as it was made on a day, so that it can be held against what came."""

    __tablename__ = "kept_forecast"
    __table_args__ = (APPEND_ONLY,)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    product: Mapped[str]
    year: Mapped[int]
    made_on: Mapped[date]
    document: Mapped[str]
    digest: Mapped[str]
    kept_by: Mapped[str]
    kept_at: Mapped[datetime]
