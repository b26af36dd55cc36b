"""Four eyes: what one person proposes, another approves or rejects. Both are kept, and neither ever changes.

A proposal says what is to happen (`kind`, `subject`, `content`); nothing happens by it. Whoever approves it does the
act itself in the same transaction, so a proposal is approved exactly where the act was done. It is open until it is
decided or replaced by another, and each of these can happen once, which the database enforces.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal, get_args

from sqlalchemy import ForeignKey, Row, Select, Table, UniqueConstraint, bindparam, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation import append_only, wording
from foundation.audit import Trail, sha256
from foundation.base import APPEND_ONLY, Base
from foundation.errors import Conflict, NotFound, Refused
from foundation.language import Text

Kind = Literal[
    "plan", "credit", "table", "settings", "billing_details", "template", "recorded_agreement", "refund", "write_off",
    "correspondence", "reminders", "reminder_terms", "interest_rates", "withdrawal", "close_period",
    "account_mapping", "cost", "recurring_cost", "hour_rate", "fund_move", "funding_report", "disclosure",
    "charge_waiver", "budget",
]  # fmt: skip
Outcome = Literal["approved", "rejected", "withdrawn"]
KINDS: tuple[Kind, ...] = get_args(Kind)

#: What proposing and deciding leave in the audit trail; what is owed is decided by the act that goes with it.
MADE_ACTION = "proposal.made"
DECIDED_ACTIONS: dict[Outcome, str] = {outcome: f"proposal.{outcome}" for outcome in get_args(Outcome)}
ACTIONS = (MADE_ACTION, *DECIDED_ACTIONS.values())

_LARGEST_ID = 2**63  # no database holds a larger one, or can be asked for it
_AT_A_TIME = 500
_LONGEST_CONTENT = 50_000  # characters; the longest text of a decision is 20,000
_NUMBERED = re.compile(r"#([0-9]+)\Z")


class ProposalRow(Base):
    """Something proposed. `replaces` is the open proposal that this one takes the place of."""

    __tablename__ = "proposal"
    __table_args__ = (UniqueConstraint("replaces"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    subject: Mapped[str]
    content: Mapped[str]
    digest: Mapped[str]  # SHA-256 of the content
    proposed_by: Mapped[str]
    proposed_at: Mapped[datetime]
    replaces: Mapped[int | None] = mapped_column(ForeignKey("proposal.id"))


class ProposalDecision(Base):
    """How a proposal ended: once."""

    __tablename__ = "proposal_decision"
    __table_args__ = (UniqueConstraint("proposal_id"), APPEND_ONLY)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"))
    outcome: Mapped[str]  # approved, rejected or withdrawn
    reason: Mapped[str]
    decided_by: Mapped[str]
    decided_at: Mapped[datetime]


PROPOSALS: Table = ProposalRow.__table__  # type: ignore[assignment]
DECISIONS: Table = ProposalDecision.__table__  # type: ignore[assignment]


class NoSuchProposal(NotFound):
    """No proposal has that number."""


class SamePerson(Refused):
    """Nobody decides on what they proposed themselves."""


class NotYours(Refused):
    """Only who proposed something can withdraw it."""


class AlreadyDecided(Conflict):
    """It was decided, or replaced by another, before."""


class AnotherContent(Conflict):
    """What is to be approved is not what was read."""


class Unreadable(Refused):
    """A proposal or a reason that cannot be kept."""


@dataclass(frozen=True, slots=True)
class Decision:
    """How a proposal ended; where another took its place, by whom and when that was."""

    outcome: Literal["approved", "rejected", "withdrawn", "replaced"]
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Proposal:
    """Something proposed, and how it ended; `decision` is None while it is open."""

    id: int
    kind: Kind
    subject: str
    content: str
    digest: str
    proposed_by: str
    proposed_at: datetime
    replaces: int | None = None
    decision: Decision | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether it still waits for a decision."""
        return self.decision is None


# --- questions


def is_same_person(one: str, other: str) -> bool:
    """Tell whether two actors of the audit trail are one person.

    The number behind a name counts where both have one, for a name can change; else what a reader takes for one name.
    """
    numbers = [found[1] if (found := _NUMBERED.search(actor)) else None for actor in (one, other)]
    if None in numbers:
        return wording.folded(one) == wording.folded(other)
    return numbers[0] == numbers[1]


def get(session: Session, id_: int) -> Proposal:
    """Give a proposal as it stands, in one query. Raises NoSuchProposal."""
    row = session.execute(_standing().where(PROPOSALS.c.id == id_)).first() if 0 < id_ < _LARGEST_ID else None
    if row is None:
        raise no_such(id_)
    return _proposal(row)


def many(session: Session, ids: Iterable[int], kind: Kind) -> list[Proposal]:
    """Give proposals of a kind by their numbers, in their order; a query for every 500, unknown ones left out."""
    wanted, found = sorted({id_ for id_ in ids if 0 < id_ < _LARGEST_ID}), list[Proposal]()
    for start in range(0, len(wanted), _AT_A_TIME):
        some = wanted[start : start + _AT_A_TIME]
        rows = _standing().where(PROPOSALS.c.id.in_(some), PROPOSALS.c.kind == kind).order_by(PROPOSALS.c.id)
        found += map(_proposal, session.execute(rows))
    return found


def expect(session: Session, id_: int, digest: str | None) -> None:
    """Refuse where somebody read another content than the proposal's. Raises NoSuchProposal, AnotherContent."""
    if digest is not None and get(session, id_).digest != digest:
        raise AnotherContent(
            Text(f"forslag {id_} er ikke det, der blev læst: læs det igen",
                 f"proposal {id_} is not what was read: read it again")
        )  # fmt: skip


def open(session: Session, kind: Kind | None = None) -> list[Proposal]:
    """Give the open proposals, newest first, in one query."""
    return _open(session, [kind] if kind else KINDS)


def open_for(session: Session, kind: Kind, subject: str) -> list[Proposal]:
    """Give the open proposals for a subject, newest first, in one query."""
    rows = session.execute(_open_for(), {"kind": kind, "subject": subject})
    return [_proposal(row) for row in rows]


def history(session: Session, kind: Kind, subject: str, *, at_most: int = 100) -> list[Proposal]:
    """Give what was ever proposed for a subject, newest first, in one query."""
    found = _standing().where(PROPOSALS.c.kind == kind, PROPOSALS.c.subject == subject)
    return [_proposal(row) for row in session.execute(found.order_by(PROPOSALS.c.id.desc()).limit(at_most))]


def newest_approved(session: Session, kind: Kind, subject: str) -> str | None:
    """Give the content that was approved last; None where none was."""
    return session.execute(
        select(PROPOSALS.c.content)
        .join(DECISIONS, DECISIONS.c.proposal_id == PROPOSALS.c.id)
        .where(PROPOSALS.c.kind == kind, PROPOSALS.c.subject == subject, DECISIONS.c.outcome == "approved")
        .order_by(DECISIONS.c.id.desc())
        .limit(1)
    ).scalar()


def _open(session: Session, kinds: Iterable[Kind], subjects: Sequence[str] | None = None) -> list[Proposal]:
    found = _undecided().where(PROPOSALS.c.kind.in_(kinds))
    if subjects is not None:
        found = found.where(PROPOSALS.c.subject.in_(subjects))
    return [_proposal(row) for row in session.execute(found)]


@cache
def _open_for() -> Select[Any]:
    return _undecided().where(PROPOSALS.c.kind == bindparam("kind"), PROPOSALS.c.subject == bindparam("subject"))


@cache
def _undecided() -> Select[Any]:
    return _standing().where(DECISIONS.c.id.is_(None), _LATER.c.id.is_(None)).order_by(PROPOSALS.c.id.desc())


_LATER = PROPOSALS.alias("later")


@cache
def _standing() -> Select[Any]:
    """Ask for proposals with how each ended."""
    return (
        select(
            PROPOSALS, DECISIONS.c.outcome, DECISIONS.c.reason, DECISIONS.c.decided_by, DECISIONS.c.decided_at,
            _LATER.c.proposed_by.label("replaced_by"), _LATER.c.proposed_at.label("replaced_at"),
        )
        .outerjoin(DECISIONS, DECISIONS.c.proposal_id == PROPOSALS.c.id)
        .outerjoin(_LATER, _LATER.c.replaces == PROPOSALS.c.id)
    )  # fmt: skip


def _proposal(row: Row[Any]) -> Proposal:
    return Proposal(
        row.id, row.kind, row.subject, row.content, row.digest, row.proposed_by, row.proposed_at, row.replaces,
        _decision(row),
    )  # fmt: skip


def _decision(row: Row[Any]) -> Decision | None:
    if row.outcome is not None:
        return Decision(row.outcome, row.reason, row.decided_by, row.decided_at)
    if row.replaced_by is not None:
        return Decision("replaced", "", row.replaced_by, row.replaced_at)
    return None


# --- acts; each needs the writer's lock, and the caller commits


def propose(
    session: Session,
    kind: Kind,
    subject: str,
    content: str,
    trail: Trail,
    replaces: int | None = None,
    about: Mapping[str, Any] | None = None,
) -> Proposal:
    """Propose something; what is open word for word already is left as it is, so that doing it twice is safe.

    `replaces` closes an open proposal of the same kind; `about` is what else the trail keeps of the act. Raises
    NoSuchProposal, AlreadyDecided or Unreadable.
    """
    _refuse_unkeepable(content)
    same = [each for each in open_for(session, kind, subject) if each.content == content and each.id != replaces]
    if same and replaces is None:
        return same[0]
    if replaces is not None:
        _refuse_replacing(get(session, replaces), kind)
    return _made(session, kind, [(subject, content, replaces)], trail, about)[0]


def propose_newest(
    session: Session, kind: Kind, subject: str, content: str, trail: Trail, about: Mapping[str, Any] | None = None
) -> Proposal:
    """Propose something of which a subject can have but one: it takes the place of what is open for it."""
    return propose_newest_all(session, kind, [(subject, content)], trail, about)[0]


def propose_newest_all(
    session: Session,
    kind: Kind,
    wanted: Sequence[tuple[str, str]],
    trail: Trail,
    about: Mapping[str, Any] | None = None,
) -> list[Proposal]:
    """Do the same for many subjects with their contents, each subject once; one query and one insert for every 500."""
    found: list[Proposal] = []
    for start in range(0, len(wanted), _AT_A_TIME):
        some = wanted[start : start + _AT_A_TIME]
        for _, content in some:
            _refuse_unkeepable(content)
        waiting = {each.subject: each for each in _open(session, [kind], [subject for subject, _ in some])[::-1]}
        made = iter(_made(session, kind, list(_newer(some, waiting)), trail, about))
        found += [
            standing if (standing := waiting.get(subject)) is not None and standing.content == content else next(made)
            for subject, content in some
        ]
    return found


def _newer(wanted: Iterable[tuple[str, str]], waiting: Mapping[str, Proposal]) -> Iterator[tuple[str, str, int | None]]:
    """Give what does not wait word for word already, with what it takes the place of."""
    for subject, content in wanted:
        standing = waiting.get(subject)
        if standing is None or standing.content != content:
            yield subject, content, None if standing is None else standing.id


def _made(
    session: Session,
    kind: Kind,
    wanted: Sequence[tuple[str, str, int | None]],
    trail: Trail,
    about: Mapping[str, Any] | None,
) -> list[Proposal]:
    """Write proposals (subject, content, which one each replaces) in one statement."""
    first = append_only.next_id(session, PROPOSALS)
    rows: list[dict[str, Any]] = [
        {
            "id": first + at, "kind": kind, "subject": subject, "content": content, "digest": sha256(content),
            "proposed_by": trail.actor, "proposed_at": trail.at, "replaces": replaces,
        }
        for at, (subject, content, replaces) in enumerate(wanted)
    ]  # fmt: skip
    append_only.add(session, PROPOSALS, rows)
    for row in rows:
        told = {"proposal": row["id"], "digest": row["digest"], "replaces": row["replaces"]} | dict(about or {})
        trail.record(MADE_ACTION, f"{kind} {row['subject']}", told, rows=[(PROPOSALS, row)])
    return [Proposal(**row) for row in rows]


def approve(session: Session, id_: int, kind: Kind, trail: Trail, about: Mapping[str, Any] | None = None) -> Proposal:
    """Close an open proposal of a kind as approved. Raises what `decide` raises; another kind is not there."""
    proposal = get(session, id_)
    if proposal.kind != kind:
        raise no_such(id_)
    return decide(session, id_, "approved", trail, about=about)


def no_such(id_: int) -> NoSuchProposal:
    """Say that no proposal has a number."""
    return NoSuchProposal(Text(f"intet forslag har nummer {id_}", f"no proposal has the number {id_}"))


def _refuse_unkeepable(content: str) -> None:
    if len(content) > _LONGEST_CONTENT:
        raise Unreadable(
            Text(
                f"forslaget er for langt: højst {_LONGEST_CONTENT} tegn",
                f"the proposal is too long: {_LONGEST_CONTENT} characters at most",
            )
        )
    if "\0" in content or content != content.encode(errors="replace").decode():
        raise Unreadable(
            Text("forslaget har tegn, der ikke kan gemmes", "the proposal has characters that cannot be kept")
        )


def _refuse_replacing(proposal: Proposal, kind: Kind) -> None:
    if proposal.kind != kind:
        raise NoSuchProposal(
            Text(f"forslag {proposal.id} er af en anden slags", f"proposal {proposal.id} is of another kind")
        )
    _refuse_closed(proposal)


def decide(
    session: Session,
    id_: int,
    outcome: Outcome,
    trail: Trail,
    reason: str = "",
    about: Mapping[str, Any] | None = None,
) -> Proposal:
    """Close an open proposal; who approves does the act itself in the same transaction. `about` as for `propose`.

    Raises NoSuchProposal, AlreadyDecided, SamePerson where who proposed it approves or rejects it, NotYours where
    somebody else withdraws it, or Unreadable where it is rejected without a reason.
    """
    proposal = get(session, id_)
    refuse_undecidable(proposal, outcome, trail.actor)
    decide_all(session, [proposal], outcome, trail, reason, about)
    return get(session, id_)


def decide_all(
    session: Session,
    decidable: Sequence[Proposal],
    outcome: Outcome,
    trail: Trail,
    reason: str = "",
    about: Mapping[str, Any] | None = None,
) -> None:
    """Close proposals in one statement, each of which `refuse_undecidable` lets pass. Raises Unreadable as `decide`."""
    told, first = _reason(outcome, reason), append_only.next_id(session, DECISIONS)
    rows = [
        {
            "id": first + at, "proposal_id": proposal.id, "outcome": outcome, "reason": told,
            "decided_by": trail.actor, "decided_at": trail.at,
        }
        for at, proposal in enumerate(decidable)
    ]  # fmt: skip
    append_only.add(session, DECISIONS, rows)
    for proposal, row in zip(decidable, rows, strict=True):
        data = {"proposal": proposal.id, "digest": proposal.digest} | dict(about or {})
        trail.record(DECIDED_ACTIONS[outcome], f"{proposal.kind} {proposal.subject}", data, rows=[(DECISIONS, row)])


def refuse_undecidable(proposal: Proposal, outcome: Outcome, actor: str) -> None:
    """Refuse what a person may not decide so. Raises AlreadyDecided, SamePerson or NotYours."""
    _refuse_closed(proposal)
    _refuse_person(proposal, outcome, actor)


def _refuse_closed(proposal: Proposal) -> None:
    if (ended := proposal.decision) is None:
        return
    how = _OUTCOMES[ended.outcome]
    raise AlreadyDecided(
        Text(
            f"forslag {proposal.id} er {how.da} af {ended.by}; se, hvad der gælder nu",
            f"proposal {proposal.id} was {how.en} by {ended.by}; look at what holds now",
        )
    )


_OUTCOMES = {
    "approved": Text("godkendt", "approved"),
    "rejected": Text("afvist", "rejected"),
    "withdrawn": Text("trukket tilbage", "withdrawn"),
    "replaced": Text("erstattet", "replaced"),
}


def _refuse_person(proposal: Proposal, outcome: Outcome, actor: str) -> None:
    is_own = is_same_person(proposal.proposed_by, actor)
    if outcome == "withdrawn" and not is_own:
        raise NotYours(
            Text(
                f"kun {proposal.proposed_by} kan trække forslag {proposal.id} tilbage; afvis det i stedet",
                f"only {proposal.proposed_by} can withdraw proposal {proposal.id}; reject it instead",
            )
        )
    if outcome != "withdrawn" and is_own:
        raise SamePerson(
            Text(
                f"forslag {proposal.id} er dit eget; en anden skal afgøre det, og du kan trække det tilbage",
                f"proposal {proposal.id} is your own; somebody else must decide it, and you can withdraw it",
            )
        )


def _reason(outcome: Outcome, given: str) -> str:
    reason = wording.composed(given).strip()
    if outcome == "rejected" and not reason:
        raise Unreadable(Text("giv en grund til at afvise", "give a reason for rejecting"))
    if fault := wording.fault(reason, wording.LONGEST_TEXT):
        raise Unreadable(Text("grunden ", "the reason ") + fault)
    return reason
