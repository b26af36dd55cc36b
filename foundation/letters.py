"""Letters: mails written in the same transaction as the act they tell of, and sent afterwards until it is certain.

A letter is the bytes of one message to one receiver, with a Message-ID that stays: where it arrives twice, that shows
it is the same. What happened to it is read from its attempts. Sending is done outside (`app.mailing`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any, Literal, NamedTuple

from sqlalchemy import Row, Select, Table, and_, exists, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from foundation import append_only, wording
from foundation.audit import Trail, canonical, sha256
from foundation.errors import NotFound, Refused
from foundation.language import Text, joined, same
from foundation.letter_models import Letter as LetterRow
from foundation.letter_models import LetterAttempt

LETTERS: Table = LetterRow.__table__  # type: ignore[assignment]
ATTEMPTS: Table = LetterAttempt.__table__  # type: ignore[assignment]

Outcome = Literal["sent", "deferred", "failed"]
#: How a letter stands: not tried yet, or as its last attempt ended.
State = Literal["waiting", "sent", "deferred", "failed"]

#: A letter that was put off is tried again after a minute, then after twice as long each time, up to this.
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)
#: What could not be handed over for so long is given up.
PATIENCE = timedelta(days=5)
#: So many bytes a message may have; larger ones are refused by many servers.
MOST_BYTES = 20 * 1024 * 1024
#: So long an address and a title may be, in characters.
LONGEST_ADDRESS, LONGEST_TITLE = 254, 200

_LONGEST_ANSWER = 300
_AT_A_TIME = 500
# Plain addresses alone: one receiver, no quoting, no comments, nothing that ends a header.
_ATOM = "[A-Za-z0-9!#$%&'*+/=?^_{|}~`-]+"
_ADDRESS = re.compile(rf"{_ATOM}(\.{_ATOM})*@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9-]*[A-Za-z0-9]")
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+")
#: How messages are written, and read again.
POLICY = policy.SMTP.clone(cte_type="7bit")


class LetterRefused(Refused):
    """A letter that cannot be written; `faults` tells what is wrong, by field."""

    def __init__(self, faults: dict[str, Text]) -> None:
        super().__init__(joined([same(f"{name}: ") + fault for name, fault in faults.items()], by="\n"))
        self.faults = faults


class NoSuchLetter(NotFound):
    """No letter has that number."""


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that goes with a letter."""

    name: str
    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Letter:
    """What is to be written. `kind`, `subject` and `to` are its key: the same is written once."""

    kind: str
    subject: str
    to: str
    title: str
    body: str
    enclosures: tuple[Enclosure, ...] = ()


class Sender(NamedTuple):
    """Who a letter comes from."""

    name: str
    mail: str


class Due(NamedTuple):
    """A letter that is to be handed over now."""

    id: int
    sender: str
    to: str
    message_id: str
    content: bytes
    kind: str


# --- questions


def address_fault(address: str) -> Text | None:
    """Say what is wrong with a mail address; None where it is one plain address."""
    if not address:
        return Text("mangler", "is missing")
    if len(address) > LONGEST_ADDRESS or not _ADDRESS.fullmatch(address):
        return Text("skal være én mailadresse, som navn@kommune.dk", "must be one mail address, as name@kommune.dk")
    return None


def due(session: Session, at: datetime, at_most: int) -> list[Due]:
    """Give letters to hand over now, the oldest first: neither sent nor given up, and not put off for longer."""
    tries, last = func.count(ATTEMPTS.c.id), func.max(ATTEMPTS.c.at)
    waiting = session.execute(
        select(LETTERS.c.id, tries.label("tries"), last.label("last"))
        .outerjoin(ATTEMPTS, ATTEMPTS.c.letter_id == LETTERS.c.id)
        .where(~_settled())
        .group_by(LETTERS.c.id)
        .order_by(LETTERS.c.id)
    )
    ids = [row.id for row in waiting if row.last is None or row.last + wait_after(row.tries) <= at][:at_most]
    columns = LETTERS.c
    found = session.execute(
        select(columns.id, columns.sender, columns.receiver, columns.message_id, columns.content, columns.kind)
        .where(columns.id.in_(ids))
        .order_by(columns.id)
    )
    return [Due(*row) for row in found]


def wait_after(tries: int) -> timedelta:
    """Give how long a letter rests after so many tries."""
    doublings = 1 << min(max(tries - 1, 0), 20)  # beyond the longest wait long ago
    return min(FIRST_WAIT * doublings, LONGEST_WAIT)


def _settled() -> Any:
    """Tell in SQL whether a letter needs no more tries."""
    ended = aliased(LetterAttempt)
    return exists().where(ended.letter_id == LETTERS.c.id, ended.outcome.in_(("sent", "failed")))


def listing() -> Select[Any]:
    """Select all letters with how each stands, without their content.

    Columns: those of the table, `state`, `tried_at`, `tried_reason` (JSON), `answer`, `tries`, and `resent_id`, the
    letter that was written instead.
    """
    tried = aliased(LetterAttempt)
    last = select(func.max(tried.id)).where(tried.letter_id == LETTERS.c.id).scalar_subquery()
    tries = select(func.count(tried.id)).where(tried.letter_id == LETTERS.c.id).scalar_subquery()
    again = aliased(LetterRow)
    resent = select(func.max(again.id)).where(again.replaces_id == LETTERS.c.id).scalar_subquery()
    told = [column for column in LETTERS.columns if column.name != "content"]
    return select(
        *told, func.coalesce(ATTEMPTS.c.outcome, literal("waiting")).label("state"), ATTEMPTS.c.at.label("tried_at"),
        ATTEMPTS.c.reason.label("tried_reason"), ATTEMPTS.c.answer, tries.label("tries"), resent.label("resent_id"),
    ).outerjoin(ATTEMPTS, and_(ATTEMPTS.c.letter_id == LETTERS.c.id, ATTEMPTS.c.id == last))  # fmt: skip


def about(session: Session, subject: str) -> list[Row[Any]]:
    """Give the letters on a matter and on its parts (`subject/…`), as `listing` tells them, oldest first."""
    matter = or_(LETTERS.c.subject == subject, LETTERS.c.subject.startswith(f"{subject}/", autoescape=True))
    return list(session.execute(listing().where(matter).order_by(LETTERS.c.id)))


def given_up(session: Session) -> list[Row[Any]]:
    """Give the letters that could not be handed over and were not sent again, as `listing` tells them."""
    found = listing().subquery()
    wanted = select(found).where(found.c.state == "failed", found.c.resent_id.is_(None)).order_by(found.c.id)
    return list(session.execute(wanted))


def count_waiting(session: Session) -> int:
    """Count the letters that are still to be handed over."""
    return session.execute(select(func.count()).select_from(LETTERS).where(~_settled())).scalar_one()


def get(session: Session, letter_id: int) -> Row[Any]:
    """Give a letter with its content. Raises NoSuchLetter."""
    row = session.execute(select(LETTERS).where(LETTERS.c.id == letter_id)).first()
    if row is None:
        raise NoSuchLetter(Text(f"intet brev har nummer {letter_id}", f"no letter has the number {letter_id}"))
    return row


def reason_told(stored: str | None) -> Text:
    """Give the reason of an attempt as it reads."""
    said = json.loads(stored) if stored else {}
    return Text(said.get("da", ""), said.get("en", ""))


# --- acts; each needs the writer's lock, and the caller commits


def write(session: Session, letters: Sequence[Letter], trail: Trail, *, sender: Sender) -> list[int]:
    """Write letters, each once, in one statement; give their ids, also of those that were written before.

    Raises LetterRefused for the first one whose addresses, title or enclosures would not do.
    """
    known = _known(session, {letter.subject for letter in letters})
    first, rows = append_only.next_id(session, LETTERS), dict[tuple[str, str, str], dict[str, Any]]()
    for letter in letters:
        key = (letter.kind, letter.subject, letter.to)
        if key not in known and key not in rows:
            rows[key] = _row(first + len(rows), letter, trail, sender)
    _store(session, list(rows.values()), trail)
    known |= {key: row["id"] for key, row in rows.items()}
    return [known[letter.kind, letter.subject, letter.to] for letter in letters]


def _known(session: Session, subjects: Iterable[str]) -> dict[tuple[str, str, str], int]:
    columns, found, wanted = LETTERS.c, dict[tuple[str, str, str], int](), sorted(subjects)
    for start in range(0, len(wanted), _AT_A_TIME):
        some = wanted[start : start + _AT_A_TIME]
        rows = session.execute(
            select(columns.kind, columns.subject, columns.receiver, columns.id)
            .where(columns.subject.in_(some), columns.number == 1)
        )  # fmt: skip
        found |= {(row.kind, row.subject, row.receiver): row.id for row in rows}
    return found


def _row(id_: int, letter: Letter, trail: Trail, sender: Sender) -> dict[str, Any]:
    _refuse(letter, sender)
    key = sha256(canonical([id_, letter.kind, letter.subject, letter.to, trail.at]))
    message_id = f"<{id_}.{key[:24]}@{sender.mail.rpartition('@')[2]}>"
    content = _composed(letter, sender, message_id, f"=_{key[:32]}", trail.at)
    return {
        "id": id_, "kind": letter.kind, "subject": letter.subject, "receiver": letter.to, "number": 1,
        "title": letter.title, "sender": sender.mail, "message_id": message_id, "content": content,
        "sha256": sha256(content), "replaces_id": None, "reason": "", "written_by": trail.actor,
        "written_at": trail.at,
    }  # fmt: skip


def _refuse(letter: Letter, sender: Sender) -> None:
    named = {"to": address_fault(letter.to), "sender": address_fault(sender.mail) or wording.fault(sender.name)}
    named["title"] = wording.fault(letter.title, LONGEST_TITLE) if letter.title else address_fault("")
    for each in letter.enclosures:
        bad = wording.fault(each.name, LONGEST_TITLE) or not each.name or re.search(r'[/\\"]', each.name)
        if bad or not _MEDIA_TYPE.fullmatch(each.media_type):
            named["enclosures"] = Text("navnet kan ikke bruges", "the name cannot be used")
    if sum(len(each.content) for each in letter.enclosures) * 4 // 3 > MOST_BYTES:
        named["enclosures"] = Text("fylder for meget til en mail", "too large for a mail")
    faults = {name: fault for name, fault in named.items() if fault}
    if faults:
        raise LetterRefused(faults)


def _composed(letter: Letter, sender: Sender, message_id: str, boundary: str, at: datetime) -> bytes:
    """Give the message as bytes; the same letter at the same instant gives the same."""
    message = EmailMessage(POLICY)
    message["From"] = Address(sender.name, addr_spec=sender.mail)
    message["To"] = Address(addr_spec=letter.to)
    message["Subject"] = letter.title
    message["Date"] = at
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"  # or an absence notice would be answered
    message.set_content(letter.body, cte="quoted-printable")
    for each in letter.enclosures:
        main, sub = each.media_type.split("/")
        message.add_attachment(each.content, maintype=main, subtype=sub, filename=each.name)
    if letter.enclosures:
        message.set_boundary(boundary)
    return message.as_bytes()


def _store(session: Session, rows: Sequence[dict[str, Any]], trail: Trail) -> None:
    append_only.add(session, LETTERS, rows)
    for row in rows:
        told = {"letter": row["id"], "kind": row["kind"], "to": row["receiver"], "sha256": row["sha256"]}
        again = {"replaces": row["replaces_id"], "reason": row["reason"]} if row["replaces_id"] else {}
        trail.record("letter.written", row["subject"], told | again, rows=[(LETTERS, row)])


class Tried(NamedTuple):
    """How a try ended."""

    letter_id: int
    outcome: Outcome
    reason: Text = Text("", "")
    answer: str = ""


def note(session: Session, tries: Sequence[Tried], trail: Trail) -> None:
    """Note how tries ended; what was put off for too long is given up."""
    written = _written_at(session, [tried.letter_id for tried in tries])
    first = append_only.next_id(session, ATTEMPTS)
    rows = [
        _attempt(first + at, _given_up(each, written[each.letter_id], trail.at), trail) for at, each in enumerate(tries)
    ]
    append_only.add(session, ATTEMPTS, rows)
    for row in rows:
        told = {"letter": row["letter_id"], "answer": row["answer"]}
        trail.record(f"letter.{row['outcome']}", f"letter {row['letter_id']}", told, rows=[(ATTEMPTS, row)])


def _written_at(session: Session, ids: Sequence[int]) -> dict[int, datetime]:
    rows = session.execute(select(LETTERS.c.id, LETTERS.c.written_at).where(LETTERS.c.id.in_(ids)))
    return {row.id: row.written_at for row in rows}


def _given_up(tried: Tried, written_at: datetime, at: datetime) -> Tried:
    if tried.outcome != "deferred" or at - written_at < PATIENCE:
        return tried
    days = PATIENCE.days
    return tried._replace(
        outcome="failed", reason=Text(f"opgivet efter {days} dage: ", f"given up after {days} days: ") + tried.reason
    )


def _attempt(id_: int, tried: Tried, trail: Trail) -> dict[str, Any]:
    answer = wording.legible(tried.answer)[:_LONGEST_ANSWER]
    return {
        "id": id_, "letter_id": tried.letter_id, "at": trail.at, "outcome": tried.outcome,
        "reason": canonical({"da": tried.reason.da, "en": tried.reason.en}), "answer": answer,
    }  # fmt: skip


def resend(session: Session, letter_id: int, to: str, reason: str, trail: Trail) -> int:
    """Write a letter anew, to another address or the same, and give its id; it points back at the one before.

    One that is still on its way is given up first. Raises NoSuchLetter or LetterRefused.
    """
    old, told = get(session, letter_id), wording.composed(reason).strip()
    faults = {"to": address_fault(to), "reason": wording.fault(told) if told else Text("giv en grund", "give a reason")}
    if wrong := {name: fault for name, fault in faults.items() if fault}:
        raise LetterRefused(wrong)
    if not session.execute(select(_settled()).where(LETTERS.c.id == letter_id)).scalar():
        note(session, [Tried(letter_id, "failed", Text(f"sendt igen til {to}", f"sent again to {to}"))], trail)
    row = _again(session, old, to, trail) | {"reason": told}
    _store(session, [row], trail)
    return int(row["id"])


def _again(session: Session, old: Row[Any], to: str, trail: Trail) -> dict[str, Any]:
    """Give the row of the same message with another receiver, day and Message-ID."""
    columns, id_ = LETTERS.c, append_only.next_id(session, LETTERS)
    number = session.execute(
        select(func.coalesce(func.max(columns.number), 0) + 1)
        .where(columns.kind == old.kind, columns.subject == old.subject, columns.receiver == to)
    ).scalar_one()  # fmt: skip
    key = sha256(canonical([id_, old.kind, old.subject, to, trail.at]))
    message_id = f"<{id_}.{key[:24]}@{old.sender.rpartition('@')[2]}>"
    message = BytesParser(policy=POLICY).parsebytes(old.content)
    for name, value in (("To", Address(addr_spec=to)), ("Date", trail.at), ("Message-ID", message_id)):
        del message[name]
        message[name] = value
    content = message.as_bytes()
    return {
        "id": id_, "kind": old.kind, "subject": old.subject, "receiver": to, "number": number, "title": old.title,
        "sender": old.sender, "message_id": message_id, "content": content, "sha256": sha256(content),
        "replaces_id": old.id, "reason": "", "written_by": trail.actor, "written_at": trail.at,
    }  # fmt: skip
