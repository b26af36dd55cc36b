"""What is said of a fund's period: questions of its coordination group, answers, and decisions with day and reference.

Nothing said is changed or taken away; what was wrong is answered.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import Row, Select, Table, select
from sqlalchemy.orm import Session

from billing.funding import naming
from billing.funding.publication_models import ReportComment
from foundation import append_only, periods, wording
from foundation.audit import Trail
from foundation.errors import NotFound, Refused
from foundation.language import Text, day
from foundation.periods import Period

COMMENTS: Table = ReportComment.__table__  # type: ignore[assignment]

Kind = Literal["question", "answer", "decision"]

#: What each kind leaves in the audit trail.
ACTIONS: dict[Kind, str] = {"question": "report.asked", "answer": "report.answered", "decision": "report.decided"}

#: Characters of a question, an answer or a decision.
LONGEST = 2_000


class NoSuchQuestion(NotFound):
    """No question of that report has the number."""


class Unsayable(Refused):
    """Nothing was written, or what cannot be kept."""


@dataclass(frozen=True, slots=True)
class On:
    """What is talked about: a fund's period, and which version of its report; 0 is the draft."""

    product: str | None
    period: Period
    version: int = 0


@dataclass(frozen=True, slots=True)
class Comment:
    """Something that was said; a question with its answers, a decision with its day and reference."""

    id: int
    on: On
    kind: Kind
    text: str
    decided_on: date | None
    reference: str
    written_by: str
    written_at: datetime
    answers: tuple[Comment, ...] = ()


# --- questions


def of_report(session: Session, product: str | None, period: Period) -> list[Comment]:
    """Give what was said of a fund's period, in the order it was said, each answer with its question; in one query."""
    same = (COMMENTS.c.fund == naming.name(product), COMMENTS.c.first_on == period.start,
            COMMENTS.c.last_on == period.last_day)  # fmt: skip
    return _threads(session, select(COMMENTS).where(*same))


def unanswered(session: Session, products: Collection[str] | None = None) -> list[Comment]:
    """Give the questions that wait for an answer, oldest first, in one query."""
    reply = COMMENTS.alias("reply")
    found = (
        select(COMMENTS)
        .outerjoin(reply, reply.c.answers == COMMENTS.c.id)
        .where(COMMENTS.c.kind == "question", reply.c.id.is_(None))
    )
    if products is not None:
        found = found.where(COMMENTS.c.fund.in_(sorted(products)))
    return _threads(session, found)


def question(session: Session, id_: int) -> Comment:
    """Give a question, in one query. Raises NoSuchQuestion."""
    found = _threads(session, select(COMMENTS).where(COMMENTS.c.id == id_, COMMENTS.c.kind == "question"))
    if not found:
        raise NoSuchQuestion(Text(f"intet spørgsmål har nummer {id_}", f"no question has the number {id_}"))
    return found[0]


def _threads(session: Session, statement: Select[Any]) -> list[Comment]:
    rows = session.execute(statement.order_by(COMMENTS.c.id)).all()
    answers: dict[int, list[Comment]] = {}
    for row in rows:
        if row.answers is not None:
            answers.setdefault(row.answers, []).append(_comment(row, ()))
    return [_comment(row, tuple(answers.get(row.id, ()))) for row in rows if row.answers is None]


def _comment(row: Row[Any], answers: tuple[Comment, ...]) -> Comment:
    on = On(naming.product(row.fund), periods.through(row.first_on, row.last_on), row.version)
    return Comment(
        row.id, on, row.kind, row.text, row.decided_on, row.reference, row.written_by, row.written_at, answers
    )


# --- acts; each needs the writer's lock, and the caller commits


def ask(session: Session, on: On, words: str, trail: Trail) -> int:
    """Ask about a report; give the question's number. Raises Unsayable."""
    return _say(session, on, "question", _said(words), trail)


def answer(session: Session, id_: int, words: str, trail: Trail) -> int:
    """Answer a question. Raises NoSuchQuestion, Unsayable."""
    asked = question(session, id_)
    return _say(session, asked.on, "answer", _said(words), trail, answers=asked.id)


def decide(session: Session, on: On, words: str, trail: Trail, *, decided_on: date, reference: str) -> int:
    """Record what was decided, on which day and where it stands. Raises Unsayable for a day that is to come."""
    if decided_on > trail.at.date():
        told = day(decided_on)
        raise Unsayable(Text(f"{told.da} er ikke kommet endnu", f"{told.en} is yet to come"))
    about = {"decided_on": decided_on, "reference": _said(reference, wording.LONGEST_NAME)}
    return _say(session, on, "decision", _said(words), trail, **about)


def _said(words: str, longest: int = LONGEST) -> str:
    told = wording.composed(words.replace("\r\n", "\n")).strip()
    if not told:
        raise Unsayable(Text("skriv noget", "write something"))
    for line in told.split("\n"):
        if fault := wording.fault(line, longest):
            raise Unsayable(Text("teksten ", "the text ") + fault)
    if len(told) > longest:
        raise Unsayable(Text(f"teksten har over {longest} tegn", f"the text has more than {longest} characters"))
    return told


def _say(session: Session, on: On, kind: Kind, words: str, trail: Trail, **about: Any) -> int:
    """Keep what is said; the same said again by the same person is the same, so that sending twice is safe."""
    row = {
        "fund": naming.name(on.product), "first_on": on.period.start, "last_on": on.period.last_day,
        "version": on.version, "kind": kind, "answers": None, "text": words, "decided_on": None, "reference": "",
        "written_by": trail.actor,
    } | about  # fmt: skip
    same = [COMMENTS.c[name].is_(None) if value is None else COMMENTS.c[name] == value for name, value in row.items()]
    if (known := session.execute(select(COMMENTS.c.id).where(*same)).scalar()) is not None:
        return int(known)
    number = append_only.next_id(session, COMMENTS)
    kept = {"id": number, **row, "written_at": trail.at}
    append_only.add(session, COMMENTS, [kept])
    trail.record(ACTIONS[kind], f"{row['fund']} {periods.name(on.period)}", {"number": number}, rows=[(COMMENTS, kept)])
    return number
