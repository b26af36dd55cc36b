"""Questions on the road: an authority asks, the secretariat or the product's coordinator answers, in one thread.

A thread waits while its newest word is a question. Notes are for those who answer, and are never shown to who asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import Row, Select, Table, insert, select, update
from sqlalchemy.orm import Session

from agreements.products import PRODUCTS
from agreements.road.models import CommonAnswer, InquiryAssignment, InquiryMessage
from agreements.road.models import Inquiry as InquiryRow
from authorities.register import AUTHORITIES
from foundation import wording
from foundation.audit import Trail
from foundation.errors import FieldsRefused, NotFound
from foundation.language import Text
from foundation.periods import BUSINESS_ZONE

INQUIRIES: Table = InquiryRow.__table__  # type: ignore[assignment]
MESSAGES: Table = InquiryMessage.__table__  # type: ignore[assignment]
ASSIGNMENTS: Table = InquiryAssignment.__table__  # type: ignore[assignment]
COMMON: Table = CommonAnswer.__table__  # type: ignore[assignment]

TOPICS: Mapping[str, Text] = {
    "product": Text("Produktet", "The product"), "supplier": Text("Leverandører", "Suppliers"),
    "references": Text("Andre, der bruger det", "Others who use it"),
    "connection": Text("Tilslutningen", "The connection"), "fees": Text("Priser og vederlag", "Prices and fees"),
}  # fmt: skip
_LONGEST = 8_000
_LONGEST_SUBJECT = 200

Kind = Literal["question", "answer", "note"]


class NoSuchInquiry(NotFound):
    """No thread has that number, or it is not for who asks."""


class InquiryRefused(FieldsRefused):
    """What was written was refused; each field that is wrong says why."""


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A thread with all that stands in it, oldest first; `assigned` is the newest of who is to answer."""

    id: int
    authority_id: int
    authority: str
    cvr: str
    product: str | None
    topic: str
    subject: str
    asked_by: str
    asker_id: int | None
    asked_at: datetime
    messages: tuple[Row[Any], ...]
    assigned: Row[Any] | None

    @property
    def waits(self) -> bool:
        """Tell whether the newest word is a question."""
        spoken = [message.kind for message in self.messages if message.kind != "note"]
        return bool(spoken) and spoken[-1] == "question"

    @property
    def waits_since(self) -> date | None:
        """Give the day of the oldest question that is not answered; None where all are."""
        waiting: date | None = None
        for message in self.messages:
            if message.kind == "answer":
                waiting = None
            elif message.kind == "question" and waiting is None:
                waiting = message.written_at.astimezone(BUSINESS_ZONE).date()
        return waiting

    @property
    def spoken_on(self) -> date:
        """Give the day of the last word."""
        day: date = self.messages[-1].written_at.astimezone(BUSINESS_ZONE).date()
        return day

    def is_late(self, on: date) -> bool:
        """Tell whether it waits beyond the day by which somebody was to answer."""
        due = self.assigned.due_on if self.assigned is not None else None
        return self.waits and due is not None and due < on


# --- asking and answering ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    """A new question: whose, about what. `product` is empty where it is about none."""

    authority_id: int
    product: str
    topic: str
    subject: str
    words: str


def ask(session: Session, question: Question, asker_id: int | None, trail: Trail) -> int:
    """Begin a thread; give its number. Needs the writer's lock. Raises InquiryRefused.

    The same question of the same person that still stands alone is that thread: a second click asks nothing again.
    """
    subject = " ".join(question.subject.split())
    if question.topic not in TOPICS:
        raise InquiryRefused({"topic": Text("Vælg et emne", "Choose a topic")})
    if not subject:
        raise InquiryRefused({"subject": Text("Skriv, hvad det drejer sig om", "Write what it is about")})
    _checked("subject", subject, _LONGEST_SUBJECT)
    _written(question.words)
    product_id = None
    if question.product:
        product_id = session.execute(select(PRODUCTS.c.id).where(PRODUCTS.c.name == question.product)).scalar()
        if product_id is None:
            raise InquiryRefused({"product": Text("Vælg et produkt", "Choose a product")})
    if (before := _asked_before(session, question, subject, trail.actor)) is not None:
        return before
    number = session.execute(
        insert(INQUIRIES)
        .values(
            authority_id=question.authority_id, product_id=product_id, topic=question.topic, subject=subject,
            asked_by=trail.actor, asker_id=asker_id, asked_at=trail.at,
        )
        .returning(INQUIRIES.c.id)
    ).scalar_one()  # fmt: skip
    trail.record("inquiry.asked", f"inquiry {number}", {"topic": question.topic})
    _append(session, int(number), "question", question.words, trail)
    return int(number)


def _asked_before(session: Session, question: Question, subject: str, actor: str) -> int | None:
    row = session.execute(
        listing()
        .where(
            INQUIRIES.c.authority_id == question.authority_id, INQUIRIES.c.subject == subject,
            INQUIRIES.c.topic == question.topic, INQUIRIES.c.asked_by == actor,
        )
        .order_by(INQUIRIES.c.id.desc())
        .limit(1)
    ).first()  # fmt: skip
    if row is None:
        return None
    (before,) = read(session, [row])
    words = [message.words for message in before.messages]
    is_same = words == [question.words.strip()] and (before.product or "") == question.product
    return before.id if is_same else None


def write(session: Session, inquiry: Inquiry, kind: Kind, words: str, trail: Trail) -> bool:
    """Write into a thread: a further question, an answer, or a note; tell whether it was not its last word already.

    Needs the writer's lock. Raises InquiryRefused.
    """
    _written(words)
    last = inquiry.messages[-1]
    if (last.kind, last.words, last.written_by) == (kind, words.strip(), trail.actor):
        return False
    trail.record(f"inquiry.{kind}_written", f"inquiry {inquiry.id}", {})
    _append(session, inquiry.id, kind, words, trail)
    return True


def assign(session: Session, inquiry: Inquiry, to: str, due_on: date | None, trail: Trail) -> None:
    """Say who is to answer, and by when. Needs the writer's lock. Raises InquiryRefused."""
    to = " ".join(to.split())
    if not to:
        raise InquiryRefused({"assigned_to": Text("Skriv, hvem der svarer", "Write who answers")})
    _checked("assigned_to", to, _LONGEST_SUBJECT)
    session.execute(
        insert(ASSIGNMENTS).values(
            inquiry_id=inquiry.id, assigned_to=to, due_on=due_on, assigned_by=trail.actor, assigned_at=trail.at
        )
    )
    trail.record("inquiry.assigned", f"inquiry {inquiry.id}", {"due_on": due_on and due_on.isoformat()})


def _append(session: Session, number: int, kind: Kind, words: str, trail: Trail) -> None:
    session.execute(
        insert(MESSAGES).values(
            inquiry_id=number, kind=kind, words=words.strip(), written_by=trail.actor, written_at=trail.at
        )
    )


def _written(words: str) -> None:
    if not words.strip():
        raise InquiryRefused({"words": Text("Skriv noget", "Write something")})
    _checked("words", words, _LONGEST)


def _checked(field: str, words: str, longest: int) -> None:
    if reason := wording.fault(" ".join(words.split()), longest):
        raise InquiryRefused({field: reason})


# --- common answers ------------------------------------------------------------------------------------------------


def common(session: Session) -> Sequence[Row[Any]]:
    """Give the answers that are offered, by topic and title."""
    found = select(COMMON).where(COMMON.c.retired_at.is_(None)).order_by(COMMON.c.topic, COMMON.c.title)
    return session.execute(found).all()


def keep(session: Session, topic: str, title: str, words: str, trail: Trail) -> int:
    """Keep an answer to be used again; give its number. Needs the writer's lock. Raises InquiryRefused."""
    title = " ".join(title.split())
    if topic not in TOPICS:
        raise InquiryRefused({"topic": Text("Vælg et emne", "Choose a topic")})
    if not title:
        raise InquiryRefused({"title": Text("Giv svaret et navn", "Give the answer a name")})
    _checked("title", title, _LONGEST_SUBJECT)
    _written(words)
    values = {"topic": topic, "title": title, "words": words.strip(), "written_by": trail.actor, "written_at": trail.at}
    number = session.execute(insert(COMMON).values(values).returning(COMMON.c.id)).scalar_one()
    trail.record("inquiry.common_kept", f"common answer {number}", {"topic": topic})
    return int(number)


def retire(session: Session, number: int, trail: Trail) -> None:
    """Offer a common answer no more. Needs the writer's lock. Raises NoSuchInquiry."""
    known = COMMON.c.id == number
    if not 0 < number < 2**63 or session.execute(select(COMMON.c.id).where(known)).first() is None:
        raise NoSuchInquiry(Text("svaret findes ikke", "there is no such answer"))
    session.execute(update(COMMON).where(known, COMMON.c.retired_at.is_(None)).values(retired_at=trail.at))
    trail.record("inquiry.common_retired", f"common answer {number}", {})


# --- reading -------------------------------------------------------------------------------------------------------


def listing() -> Select[Any]:
    """Give the threads with authority and product, to narrow to what a person may see; one let go is seen by nobody."""
    return (
        select(INQUIRIES, AUTHORITIES.c.name.label("authority"), AUTHORITIES.c.cvr, PRODUCTS.c.name.label("product"))
        .join(AUTHORITIES, INQUIRIES.c.authority_id == AUTHORITIES.c.id)
        .outerjoin(PRODUCTS, INQUIRIES.c.product_id == PRODUCTS.c.id)
        .where(INQUIRIES.c.emptied_on.is_(None))
    )


def read(session: Session, rows: Sequence[Row[Any]]) -> list[Inquiry]:
    """Read the threads of some rows of `listing`, whole, in a fixed number of queries."""
    ids = [row.id for row in rows]
    messages = _by_thread(session, MESSAGES, ids)
    assigned = _by_thread(session, ASSIGNMENTS, ids)
    return [
        Inquiry(
            id=row.id, authority_id=row.authority_id, authority=row.authority, cvr=row.cvr, product=row.product,
            topic=row.topic, subject=row.subject, asked_by=row.asked_by, asker_id=row.asker_id, asked_at=row.asked_at,
            messages=tuple(messages[row.id]), assigned=assigned[row.id][-1] if assigned[row.id] else None,
        )
        for row in rows
    ]  # fmt: skip


def get(session: Session, narrowed: Select[Any], number: int) -> Inquiry:
    """Read one thread of those that a person may see. Raises NoSuchInquiry."""
    row = session.execute(narrowed.where(INQUIRIES.c.id == number)).first() if 0 < number < 2**63 else None
    if row is None:
        raise NoSuchInquiry(Text("spørgsmålet findes ikke", "there is no such question"))
    return read(session, [row])[0]


def _by_thread(session: Session, table: Table, ids: Iterable[int]) -> dict[int, list[Row[Any]]]:
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in session.execute(select(table).where(table.c.inquiry_id.in_(list(ids))).order_by(table.c.id)):
        found[row.inquiry_id].append(row)
    return found
