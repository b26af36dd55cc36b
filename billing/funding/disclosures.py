"""What the public sees of a report: what the group chose, from a list of what may be shown, until it is withdrawn.

It is proposed by the group or by finance and decided by the approver. The address stays the same for a fund and period;
it shows what was disclosed last, and where that was withdrawn it says so.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, Table, select
from sqlalchemy.orm import Session

from billing.funding import naming, publications
from billing.funding.publication_models import ReportDisclosure, ReportDisclosureEnd
from billing.funding.publications import REPORTS, Published
from foundation import append_only, periods, proposals, wording
from foundation.audit import Trail, canonical
from foundation.errors import Conflict, Gone, NotFound, Refused
from foundation.language import Text
from foundation.periods import Period
from foundation.proposals import Proposal

DISCLOSURES: Table = ReportDisclosure.__table__  # type: ignore[assignment]
ENDS: Table = ReportDisclosureEnd.__table__  # type: ignore[assignment]

KIND: proposals.Kind = "disclosure"

#: All that may ever be public, by name; authorities one by one, remarks and what is owed by whom are not among it.
FIGURES: Mapping[str, Text] = {
    "opening": Text("Primo", "Opening balance"),
    "earned": Text("Indtægter i alt", "Income in all"),
    "spent": Text("Omkostninger i alt", "Costs in all"),
    "result": Text("Resultat", "Result"),
    "transfers": Text("Overførsler", "Transfers"),
    "closing": Text("Ultimo", "Closing balance"),
    "receivables": Text("Udestående fakturaer", "Invoices outstanding"),
    "passed_on": Text("Bidrag givet videre til foreningen", "Contribution passed on to the association"),
    "connected": Text("Tilsluttede myndigheder", "Connected authorities"),
}
CHARTS: Mapping[str, Text] = {
    "accounts": Text("Indtægter og omkostninger efter konto", "Income and costs by account"),
    "budget": Text("Omkostninger mod budget", "Costs against budget"),
    "connected": Text("Tilsluttede over tid", "Connected over time"),
}
COLUMNS: Mapping[str, Text] = {
    "account": Text("Kontonummer", "Account number"),
    "amount": Text("Beløb", "Amount"),
    "paid": Text("Betalt", "Paid"),
    "budget": Text("Budget", "Budget"),
    "deviation": Text("Afvigelse", "Deviation"),
}


class NotShown(NotFound):
    """Nothing of that report is public."""


class ShownNoMore(Gone):
    """It was public, and was withdrawn."""


class NotDisclosable(Refused):
    """Nothing is chosen, or what may not be public."""


class NoLongerOpen(Conflict):
    """What would be made public, or withdrawn, is so already."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What becomes public of a report: figures, charts, and the columns of the file."""

    figures: tuple[str, ...] = ()
    charts: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ended:
    """That a disclosure was withdrawn."""

    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Disclosure:
    """A report that was made public, what of it, and whether it was withdrawn."""

    id: int
    report_id: int
    product: str | None
    period: Period
    version: int
    choice: Choice
    by: str
    at: datetime
    ended: Ended | None


# --- questions


def choice(figures: Collection[str], charts: Collection[str], columns: Collection[str]) -> Choice:
    """Read what is chosen, in the order of the lists. Raises NotDisclosable for what is not among them, or nothing."""
    chosen = [_chosen(*pair) for pair in ((figures, FIGURES), (charts, CHARTS), (columns, COLUMNS))]
    if not any(chosen):
        raise NotDisclosable(Text("vælg, hvad der skal være offentligt", "choose what is to be public"))
    return Choice(*chosen)


def _chosen(given: Collection[str], allowed: Mapping[str, Text]) -> tuple[str, ...]:
    strange = next((name for name in given if name not in allowed), None)
    if strange is not None:
        shown = wording.quoted(strange)
        raise NotDisclosable(Text(f"{shown} kan ikke gøres offentligt", f"{shown} cannot be made public"))
    return tuple(name for name in allowed if name in given)


def last(session: Session, product: str | None, period: Period) -> Disclosure | None:
    """Give what was made public last of a fund's period, withdrawn or not, in one query."""
    same = (REPORTS.c.fund == naming.name(product), REPORTS.c.first_on == period.start,
            REPORTS.c.last_on == period.last_day)  # fmt: skip
    row = session.execute(_standing().where(*same).order_by(DISCLOSURES.c.id.desc()).limit(1)).first()
    return None if row is None else _disclosure(row)


def public(session: Session, product: str | None, period: Period) -> tuple[Disclosure, Published]:
    """Give what everybody may see of a fund's period. Raises NotShown, or ShownNoMore where it was withdrawn."""
    found = last(session, product, period)
    if found is None:
        raise NotShown(Text("der er ikke en offentlig rapport på denne adresse", "no public report has this address"))
    if found.ended is not None:
        raise ShownNoMore(
            Text("rapporten er trukket tilbage og er ikke længere offentlig",
                 "the report was withdrawn and is no longer public")
        )  # fmt: skip
    return found, publications.by_id(session, found.report_id)


def listed(session: Session) -> list[Disclosure]:
    """Give all that is public now, the newest period first, in one query."""
    rows = session.execute(_standing().order_by(DISCLOSURES.c.id))
    newest = {(each.product, each.period): each for each in map(_disclosure, rows)}
    shown = [each for each in newest.values() if each.ended is None]
    return sorted(shown, key=lambda each: (-each.period.start.toordinal(), naming.name(each.product)))


def get(session: Session, id_: int) -> Disclosure:
    """Give a disclosure by its number. Raises NotShown."""
    row = session.execute(_standing().where(DISCLOSURES.c.id == id_)).first()
    if row is None:
        raise NotShown(Text(f"intet har nummer {id_}", f"nothing has the number {id_}"))
    return _disclosure(row)


def _standing() -> Select[Any]:
    return (
        select(DISCLOSURES, REPORTS.c.fund, REPORTS.c.first_on, REPORTS.c.last_on, REPORTS.c.version,
               ENDS.c.reason, ENDS.c.ended_by, ENDS.c.ended_at)
        .join(REPORTS, REPORTS.c.id == DISCLOSURES.c.report_id)
        .outerjoin(ENDS, ENDS.c.disclosure_id == DISCLOSURES.c.id)
    )  # fmt: skip


def _disclosure(row: Row[Any]) -> Disclosure:
    ended = None if row.ended_at is None else Ended(row.reason, row.ended_by, row.ended_at)
    period = periods.through(row.first_on, row.last_on)
    return Disclosure(row.id, row.report_id, naming.product(row.fund), period, row.version, _read(row.shown),
                      row.disclosed_by, row.disclosed_at, ended)  # fmt: skip


def _read(shown: str) -> Choice:
    return Choice(**{name: tuple(value) for name, value in json.loads(shown).items()})


# --- acts; each needs the writer's lock, and the caller commits


def propose(session: Session, published: Published, chosen: Choice, trail: Trail) -> Proposal:
    """Propose what becomes public of a published report. Raises NoLongerOpen where exactly that is public."""
    edition = published.edition
    standing = last(session, edition.product, edition.period)
    if standing and standing.ended is None and (standing.report_id, standing.choice) == (edition.id, chosen):
        raise NoLongerOpen(Text("det er offentligt allerede", "that is public already"))
    content = canonical({"report": edition.id, "shown": _plain(chosen)})
    return proposals.propose_newest(
        session, KIND, publications.subject(edition.product, edition.period), content, trail
    )


def proposed(session: Session, id_: int) -> Proposal:
    """Give the proposal of what becomes public. Raises NoSuchProposal."""
    found = proposals.get(session, id_)
    if found.kind != KIND:
        raise proposals.NoSuchProposal(
            Text("det handler ikke om, hvad der er offentligt", "that is not about what is public")
        )
    return found


def of_proposal(session: Session, proposal: Proposal) -> tuple[Published, Choice]:
    """Read which report a proposal is about, and what would become public of it."""
    given = json.loads(proposal.content)
    return publications.by_id(session, given["report"]), Choice(**{k: tuple(v) for k, v in given["shown"].items()})


def approve(session: Session, id_: int, trail: Trail) -> Disclosure:
    """Make public what was proposed, another person than who proposed it. Raises what `proposals.decide` raises."""
    proposal = proposals.approve(session, id_, KIND, trail)
    published, chosen = of_proposal(session, proposal)
    number = append_only.next_id(session, DISCLOSURES)
    row = {
        "id": number, "report_id": published.edition.id,
        "shown": canonical(_plain(chosen)), "proposal_id": proposal.id, "disclosed_by": trail.actor,
        "disclosed_at": trail.at,
    }  # fmt: skip
    append_only.add(session, DISCLOSURES, [row])
    told = {"version": published.edition.version, "shown": _plain(chosen)}
    trail.record("report.disclosed", proposal.subject, told, rows=[(DISCLOSURES, row)])
    return get(session, number)


def end(session: Session, id_: int, reason: str, trail: Trail) -> None:
    """Withdraw what is public; its address says so from now on. Raises NotShown, NoLongerOpen."""
    found = get(session, id_)
    if found.ended is not None:
        raise NoLongerOpen(Text("det er trukket tilbage allerede", "that was withdrawn already"))
    row = {
        "id": append_only.next_id(session, ENDS), "disclosure_id": id_, "reason": _reason(reason),
        "ended_by": trail.actor, "ended_at": trail.at,
    }  # fmt: skip
    append_only.add(session, ENDS, [row])
    trail.record(
        "report.closed", publications.subject(found.product, found.period), {"disclosure": id_}, rows=[(ENDS, row)]
    )


def _reason(given: str) -> str:
    reason = wording.composed(given).strip()
    if not reason:
        raise NotDisclosable(Text("skriv, hvorfor det trækkes tilbage", "write why it is withdrawn"))
    if fault := wording.fault(reason):
        raise NotDisclosable(Text("grunden ", "the reason ") + fault)
    return reason


def _plain(chosen: Choice) -> dict[str, Sequence[str]]:
    return {"figures": list(chosen.figures), "charts": list(chosen.charts), "columns": list(chosen.columns)}
