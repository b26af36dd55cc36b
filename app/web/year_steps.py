"""The steps of a year, from plan to validated documents: which are done, which is next, and who may take it.

Read from facts: the plan as it is, what was handed over and approved, what is issued, rendered and judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy.orm import Session

from app.access import Principal
from billing import approvals, handover, progress, work_runs
from billing.approvals import Approval
from billing.gathering import Book
from billing.plan_snapshot import Snapshot
from billing.progress import Progress
from billing.work_runs import Run
from foundation import proposals
from foundation.language import Text, kroner, same
from foundation.proposals import Proposal

State = Literal["done", "now", "later"]

NEXT_TITLES: dict[State, Text] = {
    "done": Text("færdig", "done"),
    "now": Text("næste skridt", "next step"),
    "later": Text("senere", "later"),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a year stands in one book."""

    book: Book
    digest: str
    to_invoice: int
    waiting: Proposal | None  # handed over, not decided
    approval: Approval | None
    progress: Progress
    run: Run | None

    @property
    def outstanding(self) -> int:
        """How many approved invoices have no number yet."""
        return self.progress.approved - self.progress.issued

    @property
    def is_handed_over(self) -> bool:
        """Tell whether the plan that waits for approval is the plan as it is."""
        return self.waiting is not None and self.waiting.content == self.digest

    @property
    def is_approved(self) -> bool:
        """Tell whether what is approved is all that the plan would invoice."""
        return self.outstanding > 0 and self.approval is not None and self.approval.digest == self.digest

    @property
    def is_running(self) -> bool:
        """Tell whether a process is issuing."""
        return self.run is not None and self.run.state == "running"

    @property
    def may_hand_over(self) -> bool:
        """Tell whether there is something to hand over that was not."""
        return self.book == "real" and bool(self.to_invoice) and not (self.is_approved or self.is_handed_over)

    @property
    def may_issue(self) -> bool:
        """Tell whether there is something to issue or to finish, and nobody at it."""
        unfinished = bool(self.progress.documents) and not self.progress.is_complete
        open_rehearsal = self.book == "rehearsal" and bool(self.to_invoice)
        return not self.is_running and (self.outstanding > 0 or unfinished or open_rehearsal)


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its name, whether it is done, and what there is to say of it."""

    key: str
    title: Text
    state: State
    words: Text


def standing(session: Session, snapshot: Snapshot, *, at: datetime) -> Standing:
    """Read where a year stands. Costs four queries."""
    year, book = snapshot.plan.year, snapshot.plan.book
    return Standing(
        book=book,
        digest=snapshot.plan.digest,
        to_invoice=snapshot.plan.totals.invoices,
        waiting=handover.waiting(session, year, book),
        approval=approvals.latest(session, year, book),
        progress=progress.of(session, year, book),
        run=work_runs.latest(session, year, book, at=at),
    )


def is_own(of: Standing, person: Principal) -> bool:
    """Tell whether the person handed the plan over, and so does not approve it."""
    return of.waiting is not None and proposals.is_same_person(of.waiting.proposed_by, person.actor)


def steps(of: Standing) -> list[Step]:
    """Tell the steps of a year in their order; the first that is not done is the next."""
    told = [_issued(of), _rendered(of), _validated(of)]
    if of.book == "real":
        told = [_handed_over(of), _approved(of), *told]
    found: list[Step] = []
    for key, title, is_done, words in told:
        is_next = not is_done and all(step.state == "done" for step in found)
        state: State = "done" if is_done else "now" if is_next else "later"
        # What comes later has nothing to count yet.
        found.append(Step(key, title, state, same("") if state == "later" else words))
    return found


_Told = tuple[str, Text, bool, Text]


def _handed_over(of: Standing) -> _Told:
    title = Text("Overdraget til godkendelse", "Handed over for approval")
    is_settled = of.is_approved or (not of.to_invoice and bool(of.progress.approved))
    if is_settled:
        return "handed-over", title, True, same("")
    if of.waiting is None:
        words = Text("Den, der forbereder året, læser planen og overdrager den.",
                     "Who prepares the year reads the plan and hands it over.")  # fmt: skip
        return "handed-over", title, False, words
    by = of.waiting.proposed_by
    if of.is_handed_over:
        return "handed-over", title, True, Text(f"Af {by}.", f"By {by}.")
    words = Text(f"Planen er ændret, siden {by} overdrog den: læs den igen, og overdrag den på ny.",
                 f"The plan changed since {by} handed it over: read it again, and hand it over anew.")  # fmt: skip
    return "handed-over", title, False, words


def _approved(of: Standing) -> _Told:
    title = Text("Godkendt", "Approved")
    if of.approval is None or not (of.is_approved or not of.to_invoice):
        words = Text("En anden person, som er godkender, godkender netop den plan, med en frisk indlogning.",
                     "Another person, an approver, approves exactly that plan, with a fresh sign-in.")  # fmt: skip
        return "approved", title, False, words
    net, by, count = kroner(of.approval.net), of.approval.approved_by, of.approval.invoices
    words = Text(f"{count} fakturaer på {net.da} uden moms, af {by}.",
                 f"{count} invoices of {net.en} without VAT, by {by}.")  # fmt: skip
    return "approved", title, True, words


def _issued(of: Standing) -> _Told:
    title = Text("Udstedt", "Issued")
    issued, approved = of.progress.issued, of.progress.approved
    words = Text(f"{issued} af {approved} har fået nummer.", f"{issued} of {approved} have a number.")
    return "issued", title, bool(approved) and issued == approved and not of.to_invoice, words


def _rendered(of: Standing) -> _Told:
    made, whole = of.progress.rendered, of.progress.documents
    words = Text(f"{made} af {whole} dokumenter er dannet.", f"{made} of {whole} documents are made.")
    return "rendered", Text("Dokumenter dannet", "Documents made"), bool(whole) and made == whole, words


def _validated(of: Standing) -> _Told:
    judged, whole = of.progress.judged, of.progress.xml
    words = Text(f"{judged} af {whole} XML er efterprøvet mod de officielle regler.",
                 f"{judged} of {whole} XML are checked against the official rules.")  # fmt: skip
    if whole and not judged:
        words += Text(" Det venter på, at reglerne bliver installeret.", " It waits for the rules to be installed.")
    return "validated", Text("Efterprøvet", "Validated"), bool(whole) and judged == whole, words
