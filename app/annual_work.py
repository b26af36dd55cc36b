"""The long work of a year, the same for commands, pages and work in the background: issue, make documents, validate.

Each goes on from what is missing and commits batch by batch, so it can be stopped anywhere and started again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Protocol

from sqlalchemy.orm import Session

from app import association, database, recording
from app.adapters import work
from app.config import Config
from billing import annual_run, approvals, invoices, renderings
from billing.gathering import Book
from billing.invoices import Terms
from billing.seller import Seller
from foundation.audit import Trail
from foundation.errors import Refused
from foundation.language import Text

if TYPE_CHECKING:
    from billing.verdicts import Judged, Rules

#: Documents, or verdicts, that are kept in one transaction, where OS2TILSLUT_BATCH says nothing else.
DOCUMENTS_AT_A_TIME = 200

#: Hears what begins and how many pieces it has; gives what hears of every finished piece.
Begin = Callable[[Text, int], Callable[[int], object]]


def unheard(label: Text, whole: int) -> Callable[[int], object]:
    """Let nobody hear how far it is."""
    return lambda by: None


class Surroundings(Protocol):
    """Where work is done: its settings, and transactions in somebody's name."""

    @property
    def config(self) -> Config:
        """The settings."""

    def reading(self) -> AbstractContextManager[Session]:
        """Open one snapshot."""

    def writing(self) -> AbstractContextManager[tuple[Session, Trail]]:
        """Open a transaction that commits at the end, with the trail of what it does."""


@dataclass(frozen=True, slots=True)
class InNameOf:
    """The surroundings of work that somebody asked for, inside an application context."""

    config: Config
    actor: str

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open one snapshot."""
        with database.reading() as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[tuple[Session, Trail]]:
        """Open a transaction that commits at the end, with the trail of what it does."""
        with database.writing() as session, recording.recorded(session, self.actor, self.config) as trail:
            yield session, trail


class NotRendered(Refused):
    """Some issued invoices have no document yet; all others have."""


@dataclass(frozen=True, slots=True)
class Validated:
    """What the official rules say of a year: those that were found, and a verdict, or None, by format and number."""

    known: Rules
    judged: Mapping[tuple[str, str], Judged | None]


# --- issue


def approve_rehearsal(surroundings: Surroundings, year: int) -> None:
    """Approve a rehearsal's own plan: it binds nobody."""
    with surroundings.writing() as (session, trail):
        seller = association.seller(session, surroundings.config)
        made = annual_run.plan(session, year, seller, book="rehearsal")
        approvals.approve(session, year, made.digest, seller, trail, book="rehearsal")


def issue_all(surroundings: Surroundings, year: int, book: Book, on: date, begin: Begin = unheard) -> list[str]:
    """Issue batch after batch, each committed as a whole; give the numbers of this call."""
    numbers: list[str] = []
    left: int | None = None
    at_most = surroundings.config.batch or invoices.INVOICES_AT_A_TIME
    while left is None or len(numbers) < left:
        with surroundings.writing() as (session, trail):
            terms = _terms(surroundings.config, year, book, on, session)
            if left is None:
                left = invoices.check(session, terms)
                step = begin(Text("Udsteder fakturaer", "Issuing invoices"), left)
            batch = invoices.issue_batch(session, terms, trail, at_most=at_most)
        if not batch:
            break  # another process issued the rest
        numbers += batch
        step(len(batch))
    return numbers


def _terms(config: Config, year: int, book: Book, on: date, session: Session) -> Terms:
    seller = association.seller(session, config)
    rehearsal = Text(
        "PRØVEKØRSEL – ikke en faktura, intet skal betales", "REHEARSAL – not an invoice, nothing is to be paid"
    )
    told = notices(config, seller)
    return Terms(year, book, on, seller, (rehearsal, *told) if book == "rehearsal" else told)


def notices(config: Config, seller: Seller) -> tuple[Text, ...]:
    """Give what must stand on top of every document that is issued here."""
    told = []
    if config.environment == "demo":
        told.append(
            Text(
                "DEMONSTRATION – medlemskaber, aftaler, GLN og nogle takster er opdigtede; intet skal betales",
                "DEMONSTRATION – memberships, agreements, GLNs and some prices are made up; nothing is to be paid",
            )
        )
    if seller.made_up:
        told.append(
            Text("Betalingsoplysningerne er opdigtede: betal ikke til dem",
                 "The payment details are made up: do not pay to them")
        )  # fmt: skip
    return tuple(told)


def issued_words(year: int, numbers: Sequence[str]) -> Text:
    """Say what a call issued."""
    if not numbers:
        return Text(f"{year}: alt godkendt er udstedt i forvejen", f"{year}: all that is approved was issued already")
    span = f"{numbers[0]} – {numbers[-1]}"
    return Text(f"{year}: {len(numbers)} fakturaer udstedt, {span}", f"{year}: {len(numbers)} invoices issued, {span}")


# --- documents


def render_all(surroundings: Surroundings, year: int, book: Book, begin: Begin = unheard) -> None:
    """Make the bytes of every issued document that has none yet; found by state, kept batch by batch.

    Raises NotRendered, once all others are made.
    """
    with surroundings.reading() as session:
        left = renderings.count_missing(session, year, book)
    if not left:
        return None
    step = begin(Text("Danner dokumenter", "Making documents"), left)
    failed: dict[str, str] = {}
    at_most = surroundings.config.batch or DOCUMENTS_AT_A_TIME
    with work.workers(left) as each:
        while True:
            with surroundings.reading() as session:
                tasks = renderings.missing(session, year, book, at_most=at_most, failed=failed)
            if not tasks:
                return _refuse_failed(failed)
            rendered = []
            for task, contents in zip(tasks, each(renderings.attempt, tasks), strict=True):
                if isinstance(contents, renderings.Failed):
                    failed[task.number] = contents.reason
                else:
                    rendered.append((task, contents))
                step(len(task.formats))
            with surroundings.writing() as (session, trail):
                renderings.store(session, rendered, trail)


def _refuse_failed(failed: Mapping[str, str]) -> None:
    if failed:
        listed = "; ".join(f"{number}: {reason}" for number, reason in failed.items())
        raise NotRendered(Text(f"dokumenter kunne ikke dannes: {listed}", f"documents could not be made: {listed}"))


# --- verdicts


def judge_all(surroundings: Surroundings, year: int, book: Book, begin: Begin = unheard) -> Rules:
    """Judge every kept XML of a year on which the installed packs have no verdict; give the rules that were found."""
    from billing import verdicts  # late: a plan does not wait for lxml

    known = verdicts.rules(surroundings.config.rules_dir)
    with surroundings.reading() as session:
        left = verdicts.count_missing(session, year, book, known)
    if not left:
        return known
    step = begin(Text("Efterprøver dokumenter", "Validating documents"), left)
    at_most = surroundings.config.batch or DOCUMENTS_AT_A_TIME
    with work.workers(left) as each:
        while True:
            with surroundings.reading() as session:
                tasks = verdicts.missing(session, year, book, known, at_most=at_most)
            if not tasks:
                return known
            judged = []
            for task, failures in zip(tasks, each(verdicts.judge, tasks), strict=True):
                judged.append((task, failures))
                step(1)
            with surroundings.writing() as (session, trail):
                verdicts.store(session, judged, trail)


def validate_all(surroundings: Surroundings, year: int, book: Book, begin: Begin = unheard) -> Validated:
    """Validate what has no verdict yet; give what the rules say of every receiver's format."""
    from billing import verdicts

    known = judge_all(surroundings, year, book, begin)
    judged: dict[tuple[str, str], Judged | None] = {}
    with surroundings.reading() as session:
        for format_, number, verdict in verdicts.for_receivers(session, year, book, known):
            judged[format_, number] = verdict
    return Validated(known, judged)
