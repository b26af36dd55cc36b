"""Who may sign for an authority: by position or by delegation, who vouched for it, from which day to which.

A right belongs to a person here, by number, never to a mail address: a shared mailbox or a forwarded link signs
nothing. Rights are append-only; one ends by a row of its own. The association's own (who may countersign) have no
authority.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from sqlalchemy import Row, Select, Table, select
from sqlalchemy.orm import Session

from agreements import files
from agreements.models import RightToSign, RightToSignEnd
from foundation import append_only, letters, periods, wording
from foundation.audit import Trail
from foundation.errors import Conflict, NotFound, Refused
from foundation.language import Text, day, joined, same

RIGHTS: Table = RightToSign.__table__  # type: ignore[assignment]
ENDS: Table = RightToSignEnd.__table__  # type: ignore[assignment]

Basis = Literal["position", "delegation"]


class NoSuchRight(NotFound):
    """No right to sign has that number, or it is another authority's."""


class RightRefused(Refused):
    """A right that cannot be given or ended; `faults` tells what is wrong, by field."""

    def __init__(self, faults: dict[str, Text]) -> None:
        super().__init__(joined([same(f"{name}: ") + fault for name, fault in faults.items()], by="\n"))
        self.faults = faults


class EndedAlready(Conflict):
    """The right has ended before."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whose right it is; `user_id` None while nobody here is known to be that person."""

    name: str
    mail: str
    title: str
    user_id: int | None = None


@dataclass(frozen=True, slots=True)
class Ground:
    """What a right rests on: a position, or a delegation with its document (name, bytes); from which day to which."""

    basis: Basis
    from_on: date
    until_on: date | None = None
    document: tuple[str, bytes] | None = None


@dataclass(frozen=True, slots=True)
class Right:
    """A right as it stands. `authority_id` None: the association's own. `until_on` is the last day."""

    id: int
    authority_id: int | None
    person: Person
    basis: Basis
    file_id: int | None
    vouched_by: str
    from_on: date
    until_on: date | None

    def holds(self, on: date) -> bool:
        """Tell whether it holds on a day."""
        return self.from_on <= on and (self.until_on is None or on <= self.until_on)

    @property
    def text(self) -> str:
        """Whose it is, to be read."""
        return f"{self.person.name}, {self.person.title}"


# --- questions


def get(session: Session, id_: int, authority_id: int | None) -> Right:
    """Give a right of an authority. Raises NoSuchRight."""
    row = session.execute(_rights().where(RIGHTS.c.id == id_)).first()
    if row is None or row.authority_id != authority_id:
        raise NoSuchRight(Text(f"der er ingen ret {id_} til at underskrive", f"there is no right {id_} to sign"))
    return _right(row)


def register(session: Session, authority_id: int | None) -> list[Right]:
    """Give all rights of an authority that were ever given, newest first."""
    rows = session.execute(_rights().where(_of(authority_id)).order_by(RIGHTS.c.id.desc()))
    return [_right(row) for row in rows]


def who_may(session: Session, authority_id: int | None, on: date) -> list[Right]:
    """Give who may sign for an authority on a day."""
    return [right for right in register(session, authority_id) if right.holds(on)]


def of_person(session: Session, authority_id: int | None, user_id: int | None, on: date) -> Right | None:
    """Give a person's right on a day, or None. Nobody known has none."""
    found = (right for right in who_may(session, authority_id, on) if right.person.user_id == user_id)
    return None if user_id is None else next(found, None)


def named(rights: list[Right]) -> Text:
    """Say who can, or that nobody can yet."""
    people = sorted({right.text for right in rights})
    if not people:
        return Text("ingen er registreret endnu; spørg sekretariatet", "nobody is registered yet; ask the secretariat")
    return same("; ".join(people))


def _of(authority_id: int | None) -> Any:
    return RIGHTS.c.authority_id.is_(None) if authority_id is None else RIGHTS.c.authority_id == authority_id


def _rights() -> Select[Any]:
    return select(RIGHTS, ENDS.c.until_on.label("cut_on")).outerjoin(ENDS, ENDS.c.right_id == RIGHTS.c.id)


def _right(row: Row[Any]) -> Right:
    last = min((day for day in (row.until_on, row.cut_on) if day is not None), default=None)
    person = Person(row.name, row.mail, row.title, row.user_id)
    return Right(row.id, row.authority_id, person, row.basis, row.file_id, row.vouched_by, row.from_on, last)


# --- acts; each needs the writer's lock, and the caller commits


def give(session: Session, authority_id: int | None, person: Person, ground: Ground, trail: Trail) -> Right:
    """Give somebody the right to sign; who does it vouches for it. Raises RightRefused with every fault by field."""
    clean = Person(_clean(person.name), _clean(person.mail), _clean(person.title), person.user_id)
    if faults := _faults(clean, ground, trail):
        raise RightRefused(faults)
    file_id = files.keep(session, *ground.document, trail).id if ground.document else None
    row: dict[str, Any] = {
        "id": append_only.next_id(session, RIGHTS), "authority_id": authority_id, "name": clean.name,
        "mail": clean.mail, "title": clean.title, "user_id": clean.user_id, "basis": ground.basis, "file_id": file_id,
        "vouched_by": trail.actor, "given_at": trail.at, "from_on": ground.from_on, "until_on": ground.until_on,
    }  # fmt: skip
    append_only.add(session, RIGHTS, [row])
    told = {"right": row["id"], "authority_id": authority_id, "basis": ground.basis, "user_id": clean.user_id}
    trail.record("right.given", f"{clean.name}, {clean.title}", told, rows=[(RIGHTS, row)])
    return get(session, row["id"], authority_id)


def end(session: Session, id_: int, authority_id: int | None, until_on: date, trail: Trail) -> Right:
    """End a right with a last day, not before yesterday: what was signed stays. Raises NoSuchRight, EndedAlready,
    RightRefused.
    """
    right, today = get(session, id_, authority_id), trail.at.astimezone(periods.BUSINESS_ZONE).date()
    if session.execute(select(ENDS.c.id).where(ENDS.c.right_id == id_)).first() or not _goes_on(right, today):
        raise EndedAlready(Text(f"retten for {right.text} er ophørt", f"the right of {right.text} has ended"))
    if until_on < today - timedelta(days=1):
        fault = Text("kan ikke ligge før i går: det underskrevne står", "cannot lie before yesterday")
        raise RightRefused({"until_on": fault})
    row = {"id": append_only.next_id(session, ENDS), "right_id": id_, "until_on": until_on, "ended_by": trail.actor,
           "at": trail.at}  # fmt: skip
    append_only.add(session, ENDS, [row])
    told = {"right": id_, "authority_id": authority_id, "until_on": until_on}
    trail.record("right.ended", right.text, told, rows=[(ENDS, row)])
    return get(session, id_, authority_id)


def _goes_on(right: Right, today: date) -> bool:
    return right.until_on is None or right.until_on >= today


def tie(session: Session, id_: int, authority_id: int | None, user_id: int, trail: Trail) -> Right:
    """Say who here the person of a right is: a new right with the number, and the old one ends. Raises NoSuchRight,
    EndedAlready, RightRefused.
    """
    right, today = get(session, id_, authority_id), trail.at.astimezone(periods.BUSINESS_ZONE).date()
    end(session, id_, authority_id, today - timedelta(days=1), trail)
    person = Person(right.person.name, right.person.mail, right.person.title, user_id)
    document = files.name_and_content(session, right.file_id) if right.file_id else None
    return give(session, authority_id, person, Ground(right.basis, max(right.from_on, today), right.until_on, document),
                trail)  # fmt: skip


def last_day_of(session: Session, authority_id: int | None, user_id: int, on: date) -> date | None:
    """Give the last day of a right somebody had and has no more, or None."""
    found = [
        right.until_on
        for right in register(session, authority_id)
        if right.person.user_id == user_id and right.until_on is not None and right.until_on < on
    ]
    return max(found, default=None)


def ended_text(last: date) -> Text:
    """Say that a right has ended."""
    return Text(f"din ret til at underskrive ophørte {day(last).da}", f"your right to sign ended on {day(last).en}")


def _clean(words: str) -> str:
    return wording.composed(words).strip()


def _faults(person: Person, ground: Ground, trail: Trail) -> dict[str, Text]:
    faults = people_faults(person)
    if ground.basis == "delegation" and ground.document is None:
        faults["document"] = Text("en bemyndigelse skal vedlægges", "a delegation must be attached")
    if ground.until_on is not None and ground.until_on < ground.from_on:
        faults["until_on"] = Text("ligger før den første dag", "lies before the first day")
    if person.user_id is not None and trail.actor.endswith(f" #{person.user_id}"):
        faults["name"] = Text("ingen står inde for sin egen ret", "nobody vouches for their own right")
    return faults


def people_faults(person: Person) -> dict[str, Text]:
    """Tell what is wrong with a person's name, title or mail address, by field."""
    faults = {}
    for name in ("name", "title", "mail"):
        if fault := _word_fault(getattr(person, name)):
            faults[name] = fault
    if "mail" not in faults and not is_mail(person.mail):
        faults["mail"] = Text("er ikke en mailadresse", "is not a mail address")
    return faults


def _word_fault(words: str) -> Text | None:
    return wording.fault(words, wording.LONGEST_NAME) if words else Text("mangler", "is missing")


def is_mail(words: str) -> bool:
    """Tell whether a text is one mail address that letters can go to."""
    return letters.address_fault(words) is None
