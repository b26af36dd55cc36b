"""Tables of the road to a connection. They are no papers of law: what a journey wrote is let go some time after it."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.base import Base


class Guide(Base):
    """A version of the road's text: its steps, themes and tasks, as TOML. Versions are never changed."""

    __tablename__ = "road_guide"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str]
    digest: Mapped[str]
    published_by: Mapped[str]
    published_at: Mapped[datetime]


class Journey(Base):
    """One authority on its way to one product; one at a time. `guide_version` is the text that it walks by."""

    __tablename__ = "journey"
    __table_args__ = (
        Index(
            "uq_journey_one_open", "authority_id", "product_id", unique=True,
            sqlite_where=text("ended_on IS NULL"), postgresql_where=text("ended_on IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"), index=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"), index=True)
    guide_version: Mapped[int] = mapped_column(ForeignKey("road_guide.version"))
    opened_on: Mapped[date]
    opened_by: Mapped[str]
    ended_on: Mapped[date | None]
    outcome: Mapped[str | None]  # connected or given_up
    reason: Mapped[str | None]
    reached: Mapped[str | None]  # the step it had come to when it ended
    asked_on: Mapped[date | None]  # whether it goes on; what happened since is the answer
    confirmed_on: Mapped[date | None]  # that it does
    emptied_on: Mapped[date | None]  # of words, files and names; steps and days stay


class JourneyTask(Base):
    """A task that people added to a journey's own; those of the guide need no row."""

    __tablename__ = "journey_task"

    id: Mapped[int] = mapped_column(primary_key=True)
    journey_id: Mapped[int] = mapped_column(ForeignKey("journey.id"), index=True)
    step: Mapped[str]
    theme: Mapped[str]
    title: Mapped[str]
    added_by: Mapped[str]
    added_at: Mapped[datetime]


class JourneyEntry(Base):
    """How a task stood from a moment on; the newest counts, and the others are its history."""

    __tablename__ = "journey_entry"

    id: Mapped[int] = mapped_column(primary_key=True)
    journey_id: Mapped[int] = mapped_column(ForeignKey("journey.id"), index=True)
    task: Mapped[str]  # step/theme/key of the guide, or own/number
    status: Mapped[str]  # not_started, under_way, done or not_needed
    owner: Mapped[str]
    starts_on: Mapped[date | None]
    due_on: Mapped[date | None]
    note: Mapped[str]  # where it is not needed: why
    stage: Mapped[int | None]  # the number of the stage of the implementation; None: of all
    written_by: Mapped[str]
    written_at: Mapped[datetime]


class JourneyTrial(Base):
    """A trial of the product, in one of the three ways: what it is to prove, and what came of it."""

    __tablename__ = "journey_trial"

    id: Mapped[int] = mapped_column(primary_key=True)
    journey_id: Mapped[int] = mapped_column(ForeignKey("journey.id"), index=True)
    number: Mapped[int]
    version: Mapped[int]
    way: Mapped[str]  # own, authority or supplier
    place: Mapped[str]  # whose environment it is
    proves: Mapped[str]
    result: Mapped[str]
    seen_by: Mapped[str]
    verdict: Mapped[str]  # worth_it, in_doubt, not_worth_it, or empty while it is open
    why: Mapped[str]
    written_by: Mapped[str]
    written_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("journey_id", "number", "version"),)


class JourneyFile(Base):
    """A file that was laid to a task or a trial. Withdrawn or let go it stays as a fact, without its bytes."""

    __tablename__ = "journey_file"

    id: Mapped[int] = mapped_column(primary_key=True)
    journey_id: Mapped[int] = mapped_column(ForeignKey("journey.id"), index=True)
    about: Mapped[str]  # a task's key, or trial/number
    name: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str]
    content: Mapped[bytes | None]
    added_by: Mapped[str]
    added_at: Mapped[datetime]
    withdrawn_by: Mapped[str | None]
    withdrawn_at: Mapped[datetime | None]


class Showing(Base):
    """An offer to show a product to who is on the way to it: by an authority that uses it, or by a supplier."""

    __tablename__ = "product_showing"

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"), index=True)
    authority_id: Mapped[int | None] = mapped_column(ForeignKey("authority.id"), index=True)  # None: a supplier
    supplier: Mapped[str]
    shows: Mapped[str]
    contact: Mapped[str]  # a function and how to reach it, no person
    from_on: Mapped[date]
    until_on: Mapped[date | None]  # the last day
    offered_by: Mapped[str]
    offered_at: Mapped[datetime]


class ShowingEnd(Base):
    """That an offer to show a product was taken back."""

    __tablename__ = "product_showing_end"

    showing_id: Mapped[int] = mapped_column(ForeignKey("product_showing.id"), primary_key=True, autoincrement=False)
    ended_by: Mapped[str]
    ended_at: Mapped[datetime]


class RoadReminding(Base):
    """A user account that wants to be reminded of what was promised on the road; without a row it is left in peace."""

    __tablename__ = "road_reminding"

    user_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    wanted_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class JourneyPlan(Base):
    """Whether the product is taken into use at once or in stages, as chosen at a moment; the newest counts."""

    __tablename__ = "journey_plan"

    id: Mapped[int] = mapped_column(primary_key=True)
    journey_id: Mapped[int] = mapped_column(ForeignKey("journey.id"), index=True)
    manner: Mapped[str]  # at_once or stages
    written_by: Mapped[str]
    written_at: Mapped[datetime]


class JourneyStage(Base):
    """A stage of the implementation, such as a department, with its days; the newest version counts."""

    __tablename__ = "journey_stage"

    id: Mapped[int] = mapped_column(primary_key=True)
    journey_id: Mapped[int] = mapped_column(ForeignKey("journey.id"), index=True)
    number: Mapped[int]
    version: Mapped[int]
    title: Mapped[str]
    starts_on: Mapped[date | None]
    due_on: Mapped[date | None]
    written_by: Mapped[str]
    written_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("journey_id", "number", "version"),)


class JourneyRisk(Base):
    """What may go wrong, how likely and how grave that is, and what is done about it; the newest version counts."""

    __tablename__ = "journey_risk"

    id: Mapped[int] = mapped_column(primary_key=True)
    journey_id: Mapped[int] = mapped_column(ForeignKey("journey.id"), index=True)
    number: Mapped[int]
    version: Mapped[int]
    words: Mapped[str]
    likelihood: Mapped[str]  # low, medium, high, or gone: it is no risk any more
    consequence: Mapped[str]  # low, medium or high
    measure: Mapped[str]
    owner: Mapped[str]
    written_by: Mapped[str]
    written_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("journey_id", "number", "version"),)


class Inquiry(Base):
    """A question of an authority to the secretariat, or to a product's coordinator: one thread."""

    __tablename__ = "inquiry"

    id: Mapped[int] = mapped_column(primary_key=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authority.id"), index=True)
    product_id: Mapped[int | None] = mapped_column(ForeignKey("product.id"), index=True)  # None: no product's own
    topic: Mapped[str]
    subject: Mapped[str]
    asked_by: Mapped[str]
    asker_id: Mapped[int | None]  # the user account that answers are mailed to
    asked_at: Mapped[datetime]
    emptied_on: Mapped[date | None]  # of words and names; topic and days stay


class InquiryMessage(Base):
    """What was written in a thread: a question, an answer, or a note that those who answer keep to themselves."""

    __tablename__ = "inquiry_message"

    id: Mapped[int] = mapped_column(primary_key=True)
    inquiry_id: Mapped[int] = mapped_column(ForeignKey("inquiry.id"), index=True)
    kind: Mapped[str]  # question, answer or note
    words: Mapped[str]
    written_by: Mapped[str]
    written_at: Mapped[datetime]


class InquiryAssignment(Base):
    """Who is to answer a thread, and by when; the newest counts."""

    __tablename__ = "inquiry_assignment"

    id: Mapped[int] = mapped_column(primary_key=True)
    inquiry_id: Mapped[int] = mapped_column(ForeignKey("inquiry.id"), index=True)
    assigned_to: Mapped[str]
    due_on: Mapped[date | None]
    assigned_by: Mapped[str]
    assigned_at: Mapped[datetime]


class CommonAnswer(Base):
    """An answer that is used again; one that is retired is offered no more."""

    __tablename__ = "common_answer"

    id: Mapped[int] = mapped_column(primary_key=True)
    topic: Mapped[str]
    title: Mapped[str]
    words: Mapped[str]
    written_by: Mapped[str]
    written_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
