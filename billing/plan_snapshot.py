"""The plan of a year as rows for a page: kept while it is the plan, then sorted, filtered and leafed through.

A plan is a pure function of the registers, tables, settings and invoices, and each of them leaves an entry in the audit
trail when it changes. So while no such entry has followed, the plan made last is the plan. Approving does not trust
this: it plans anew and compares the digest.
"""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any, Literal, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing import annual_run, approvals
from billing.annual_run import Known, Plan, Proposal
from billing.charges import Draft
from billing.gathering import Book
from billing.seller import Seller
from fee_tables.calculation import Kind
from foundation import audit
from foundation.money import Money, total
from foundation.sorting import alphabetical

#: Lines of all plans kept in one process: some 70 MB. The plan asked for last is kept however large it is.
LINES_KEPT = 50_000

#: What changes nothing that a plan is made of, however often it is done.
INDIFFERENT = frozenset(approvals.HARMLESS) - {approvals.ISSUED_ACTION, approvals.BATCH_ACTION}

Column = Literal["order", "name", "cvr", "band", "lines", "net", "vat", "gross"]
COLUMNS: tuple[Column, ...] = get_args(Column)


@dataclass(frozen=True, slots=True)
class Row:
    """One invoice of a plan. `position` counts from 1, in the order of the numbers to come."""

    position: int
    draft: Draft
    band: str  # the size its fees rest on; empty where none does
    has_problems: bool  # something else of this payer is held back, or differs
    words: str  # what a search looks in


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A plan with its invoices as rows. Read, never changed: every request shares it."""

    plan: Plan
    rows: tuple[Row, ...]
    known: Known | None = None  # what its payers came to, for the plan that follows

    @cached_property
    def products(self) -> tuple[str, ...]:
        """The products that stand on its lines, in the order of the alphabet."""
        found = {line.charge.product for row in self.rows for line in row.draft.lines if line.charge.product}
        return tuple(sorted(found, key=alphabetical))

    @cached_property
    def bands(self) -> tuple[str, ...]:
        """The size bands of its payers."""
        return tuple(sorted({row.band for row in self.rows if row.band}))

    @property
    def lines(self) -> int:
        """How many lines it holds."""
        return self.plan.totals.lines


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows are asked for, and in which order. What is empty asks for nothing; amounts are without VAT."""

    text: str = ""
    product: str = ""
    kind: Kind | None = None
    band: str = ""
    with_problems: bool = False
    least: Money | None = None
    most: Money | None = None
    sort: Column = "order"
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Sums:
    """What some rows come to."""

    invoices: int
    lines: int
    net: Money
    vat: Money
    gross: Money


# --- making


def make(
    session: Session, year: int, seller: Seller, book: Book = "real", *, before: Snapshot | None = None
) -> Snapshot:
    """Make the plan of a year with its rows; of the one made before, payers are taken over of whom nothing changed.

    Writes nothing.
    """
    proposals: list[Proposal] = []
    known = Known(before.known if before else None)
    with _uncollected():
        plan = annual_run.plan(session, year, seller, book=book, each=proposals.append, known=known)
    known.forget_before()
    troubled = {problem.named.id for problem in plan.problems}
    return Snapshot(plan, tuple(row(at, of.draft, troubled) for at, of in enumerate(proposals, start=1)), known)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Let no garbage be looked for meanwhile: all that a plan makes is kept, and looking through it takes a tenth."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def row(position: int, draft: Draft, troubled: set[int]) -> Row:
    """Give an invoice its row; `troubled` are the ids of payers with a problem."""
    payer = draft.payer
    words = f"{payer.name}\n{payer.cvr}".casefold()
    return Row(position, draft, _band(draft), payer.id in troubled, words)


def _band(draft: Draft) -> str:
    """Give the size of the year; a joining fee may rest on that of another."""
    sizes = {line.charge.kind: line.charge.reason.size for line in draft.lines if line.charge.reason.size}
    size = sizes.get(Kind.ANNUAL_FEE) or next(iter(sizes.values()), None)
    return size.band if size else ""


class Kept:
    """Plans that were made lately, for all requests of a process."""

    def __init__(self, at_most: int = LINES_KEPT) -> None:
        self._at_most = at_most
        self._found: OrderedDict[tuple[Any, ...], Snapshot] = OrderedDict()
        self._looking, self._making = Lock(), Lock()

    def of(self, session: Session, year: int, seller: Seller, book: Book = "real") -> Snapshot:
        """Give the plan of a year as it is now: the one kept, where nothing that decides it was written since.

        The session must stand on one snapshot of the database, so that the entry read is the plan's.
        """
        key = _key(session, year, seller, book)
        known = self._known(key)
        if known is not None:
            return known
        with self._making:  # who waited finds it made
            return self._known(key) or self._keep(key, make(session, year, seller, book, before=self._before(key)))

    def at_hand(self, session: Session, year: int, seller: Seller, book: Book = "real") -> Snapshot | None:
        """Give the plan of a year as it is now where it is kept; None where it would have to be made."""
        return self._known(_key(session, year, seller, book))

    def _known(self, key: tuple[Any, ...]) -> Snapshot | None:
        with self._looking:
            if key in self._found:
                self._found.move_to_end(key)
            return self._found.get(key)

    def _before(self, key: tuple[Any, ...]) -> Snapshot | None:
        """Give the plan of the same year and book that was made before."""
        with self._looking:
            return next((found for known, found in self._found.items() if known[:3] == key[:3]), None)

    def _keep(self, key: tuple[Any, ...], made: Snapshot) -> Snapshot:
        with self._looking:
            for outdated in [known for known in self._found if known[:3] == key[:3]]:
                del self._found[outdated]
            self._found[key] = made
            while len(self._found) > 1 and sum(found.lines for found in self._found.values()) > self._at_most:
                self._found.popitem(last=False)
        return made


def _key(session: Session, year: int, seller: Seller, book: Book) -> tuple[Any, ...]:
    return (session.get_bind().engine.url, year, book, _last_decided(session), seller.digest)


def _last_decided(session: Session) -> str:
    """Give the hash of the newest entry of the audit trail that may have changed a plan. Reads from its end."""
    entries = audit.ENTRIES.c
    newest = select(entries.hash).where(entries.action.not_in(INDIFFERENT)).order_by(entries.position.desc())
    return session.execute(newest.limit(1)).scalar() or audit.GENESIS


# --- looking


def chosen(snapshot: Snapshot, wanted: Wanted) -> list[Row]:
    """Give the rows asked for, in the order asked for; rows alike stay in the order of the invoices."""
    tests = list(_tests(wanted))
    rows = [row for row in snapshot.rows if all(is_so(row) for is_so in tests)]
    return sorted(rows, key=_ORDERS[wanted.sort], reverse=wanted.descending)


def _tests(wanted: Wanted) -> Iterable[Callable[[Row], bool]]:
    for word in wanted.text.casefold().split():
        yield lambda row, word=word: word in row.words  # type: ignore[misc]
    if wanted.product:
        yield lambda row: any(line.charge.product == wanted.product for line in row.draft.lines)
    if wanted.kind:
        yield lambda row: any(line.charge.kind is wanted.kind for line in row.draft.lines)
    if wanted.band:
        yield lambda row: row.band == wanted.band
    if wanted.with_problems:
        yield lambda row: row.has_problems
    yield from _bounds(wanted)


def _bounds(wanted: Wanted) -> Iterable[Callable[[Row], bool]]:
    least, most = wanted.least, wanted.most
    if least is not None:
        yield lambda row: row.draft.net >= least
    if most is not None:
        yield lambda row: row.draft.net <= most


_ORDERS: dict[Column, Callable[[Row], Any]] = {
    "order": lambda row: row.position,
    "name": lambda row: alphabetical(row.draft.payer.name),
    "cvr": lambda row: row.draft.payer.cvr,
    "band": lambda row: row.band,
    "lines": lambda row: len(row.draft.lines),
    "net": lambda row: row.draft.net,
    "vat": lambda row: row.draft.vat,
    "gross": lambda row: row.draft.gross,
}


def sums(rows: Sequence[Row]) -> Sums:
    """Add some rows up."""
    return Sums(
        invoices=len(rows),
        lines=sum(len(row.draft.lines) for row in rows),
        net=total(row.draft.net for row in rows),
        vat=total(row.draft.vat for row in rows),
        gross=total(row.draft.gross for row in rows),
    )
