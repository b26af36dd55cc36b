"""Published reports: proposed by one person, published by another, and kept as they were, byte for byte.

A report that is published again gets the next version, which points back; the first one still stands. The files of a
version are made once, when it is published.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, Select, Table, func, select
from sqlalchemy.orm import Session

from billing import vouchers
from billing.funding import funds, naming, report
from billing.funding.publication_models import PublishedReport, ReportFile
from billing.funding.report import FundingReport
from billing.ledger import ENTRIES
from billing.vouchers import VOUCHERS
from foundation import append_only, periods, proposals
from foundation.audit import Trail, canonical, sha256
from foundation.errors import Conflict, NotFound, Refused
from foundation.language import LANGUAGES, Language, Text
from foundation.money import Money
from foundation.periods import Period
from foundation.proposals import Proposal

REPORTS: Table = PublishedReport.__table__  # type: ignore[assignment]
FILES: Table = ReportFile.__table__  # type: ignore[assignment]

KIND: proposals.Kind = "funding_report"

#: The formats that are kept of a published report, beside the report itself as JSON.
FORMATS = ("pdf", "xlsx")


class NoSuchReport(NotFound):
    """Nothing is published under that name."""


class NotPublishable(Refused):
    """The period is not over, or the report says what the published one says."""


class ReportMoved(Conflict):
    """The report is another than the one that was proposed."""


@dataclass(frozen=True, slots=True)
class Edition:
    """A published report by its outside: which it is, who published it, and whether a newer one has come."""

    id: int
    product: str | None
    period: Period
    version: int
    digest: str
    prepared_by: str
    published_by: str
    published_at: datetime
    newest: int  # the newest version of the same fund and period

    @property
    def is_newest(self) -> bool:
        """Tell whether no newer version has come."""
        return self.version == self.newest

    @property
    def name(self) -> str:
        """Give the name that its files begin with."""
        return f"{naming.name(self.product)}-{periods.name(self.period)}-v{self.version}"


@dataclass(frozen=True, slots=True)
class Published:
    """A published report with what it says."""

    edition: Edition
    document: str
    report: FundingReport


@dataclass(frozen=True, slots=True)
class File:
    """One file of a report: what it is, and its bytes."""

    format: str
    language: Language
    content: bytes


#: Makes the files of a version that is being published.
Make = Callable[[FundingReport, int], Sequence[File]]


# --- questions


def listed(session: Session, products: Collection[str] | None = None) -> list[Edition]:
    """Give the newest version of every report, newest first, in one query; of some products where they are named."""
    found = editions(products).where(_is_newest())
    return [edition(row) for row in session.execute(found.order_by(REPORTS.c.first_on.desc(), REPORTS.c.fund))]


def versions(session: Session, product: str | None, period: Period) -> list[Edition]:
    """Give every version of a report, newest first, in one query."""
    found = _editions().where(*_of(product, period)).order_by(REPORTS.c.version.desc())
    return [edition(row) for row in session.execute(found)]


def get(session: Session, product: str | None, period: Period, version: int) -> Published:
    """Give one version of a report, in one query. Raises NoSuchReport."""
    return _one(session, _whole().where(*_of(product, period), REPORTS.c.version == version))


def by_id(session: Session, id_: int) -> Published:
    """Give a published report by its id, in one query. Raises NoSuchReport."""
    return _one(session, _whole().where(REPORTS.c.id == id_))


def newest(session: Session, product: str | None, period: Period) -> Published | None:
    """Give the newest version of a report, in one query; None where none is published."""
    row = session.execute(_whole().where(*_of(product, period)).order_by(REPORTS.c.version.desc()).limit(1)).first()
    return None if row is None else _published(row)


def newest_of(session: Session, products: Collection[str]) -> list[Published]:
    """Give the newest version of every report of some products, newest period first, in one query."""
    found = _whole().where(_is_newest(), REPORTS.c.fund.in_(sorted(products)))
    rows = session.execute(found.order_by(REPORTS.c.first_on.desc(), REPORTS.c.fund))
    return [_published(row) for row in rows]


def file(session: Session, id_: int, format_: str, language: Language) -> bytes:
    """Give the bytes of a published report as they are kept, in one query. Raises NoSuchReport."""
    which = (FILES.c.report_id == id_, FILES.c.format == format_, FILES.c.language == language)
    content: bytes | None = session.execute(select(FILES.c.content).where(*which)).scalar()
    if content is None:
        raise _no_such()
    return content


def _one(session: Session, statement: Select[Any]) -> Published:
    row = session.execute(statement).first()
    if row is None:
        raise _no_such()
    return _published(row)


def _no_such() -> NoSuchReport:
    return NoSuchReport(Text("der er ikke offentliggjort en sådan rapport", "no such report is published"))


_LATER = REPORTS.alias("later")


def _newest() -> Any:
    same = (_LATER.c.fund == REPORTS.c.fund, _LATER.c.first_on == REPORTS.c.first_on,
            _LATER.c.last_on == REPORTS.c.last_on)  # fmt: skip
    return select(func.max(_LATER.c.version)).where(*same).correlate(REPORTS).scalar_subquery()


def _is_newest() -> Any:
    return REPORTS.c.version == _newest()


def editions(products: Collection[str] | None = None) -> Select[Any]:
    """Ask for every version of the reports; of some products where they are named. `edition` reads the rows."""
    return _editions() if products is None else _editions().where(REPORTS.c.fund.in_(sorted(products)))


def _editions() -> Select[Any]:
    columns = [column for column in REPORTS.c if column.name != "document"]
    return select(*columns, _newest().label("newest"))


def _whole() -> Select[Any]:
    return select(REPORTS, _newest().label("newest"))


def _of(product: str | None, period: Period) -> Sequence[Any]:
    return (REPORTS.c.fund == naming.name(product), REPORTS.c.first_on == period.start,
            REPORTS.c.last_on == period.last_day)  # fmt: skip


def edition(row: Row[Any]) -> Edition:
    """Read a row of `editions`."""
    return Edition(
        row.id, naming.product(row.fund), periods.through(row.first_on, row.last_on), row.version, row.digest,
        row.prepared_by, row.published_by, row.published_at, row.newest,
    )  # fmt: skip


def _published(row: Row[Any]) -> Published:
    return Published(edition(row), row.document, report.from_json(row.document))


# --- publishing, by two people


def subject(product: str | None, period: Period) -> str:
    """Name a report where it is proposed."""
    return f"{naming.name(product)} {periods.name(period)}"


def of_subject(words: str) -> tuple[str | None, Period]:
    """Read whose report of which period a proposal is about."""
    fund, _, period = words.rpartition(" ")
    return naming.product(fund), periods.named(period)


def proposed(session: Session, id_: int) -> Proposal:
    """Give the proposal to publish a report. Raises NoSuchProposal."""
    found = proposals.get(session, id_)
    if found.kind != KIND:
        raise proposals.NoSuchProposal(Text("det handler ikke om en rapport", "that is not about a report"))
    return found


def propose(session: Session, now: FundingReport, trail: Trail, *, on: date) -> Proposal:
    """Propose to publish a report as it is now. Raises NotPublishable."""
    _refuse_unpublishable(session, now, on)
    return proposals.propose_newest(session, KIND, subject(now.product, now.period), said(now), trail)


def said(now: FundingReport) -> str:
    """Write what a proposal says of the report that it would publish."""
    return canonical(
        {
            "digest": sha256(report.to_json(now)), "ledger_head": now.ledger_head,
            "opening": now.opening.ore, "earned": now.earned.ore, "spent": now.spent.ore,
            "closing": now.closing.ore,
        }
    )  # fmt: skip


def approve(session: Session, id_: int, now: FundingReport, make: Make, trail: Trail, *, on: date) -> Edition:
    """Publish a proposed report with its files, another person than who proposed it; the caller commits.

    `now` is the report as it is. Raises what `proposals.decide` raises, NotPublishable, or ReportMoved where it is
    another than what was proposed; nothing is published then.
    """
    proposal = proposals.approve(session, id_, KIND, trail)
    if (now.product, now.period) != of_subject(proposal.subject):
        raise ValueError("the report is of another fund or period than the proposal")
    _refuse_unpublishable(session, now, on)
    if said(now) != proposal.content:
        raise ReportMoved(
            Text(
                f"tallene for {proposal.subject} er ændret, efter at rapporten blev foreslået: foreslå den igen",
                f"the figures of {proposal.subject} have changed since the report was proposed: propose it again",
            )
        )
    return _publish(session, now, make, proposal, trail)


def _publish(session: Session, now: FundingReport, make: Make, proposal: Proposal, trail: Trail) -> Edition:
    before = versions(session, now.product, now.period)
    document, id_ = report.to_json(now), append_only.next_id(session, REPORTS)
    row = {
        "id": id_, "fund": naming.name(now.product), "first_on": now.period.start,
        "last_on": now.period.last_day, "version": len(before) + 1, "replaces": before[0].id if before else None,
        "document": document, "digest": sha256(document), "last_entry": _last(session, ENTRIES),
        "last_voucher": _last(session, VOUCHERS), "prepared_by": proposal.proposed_by, "published_by": trail.actor,
        "published_at": trail.at,
    }  # fmt: skip
    files = _files(session, id_, make(now, len(before) + 1))
    append_only.add(session, REPORTS, [row])
    append_only.add(session, FILES, files)
    trail.record(
        "report.published", proposal.subject, {"version": row["version"], "digest": row["digest"]},
        rows=[(REPORTS, row), *((FILES, each) for each in files)],
    )  # fmt: skip
    return versions(session, now.product, now.period)[0]


def _last(session: Session, table: Table) -> int:
    return session.execute(select(func.max(table.c.id))).scalar() or 0


def _files(session: Session, report_id: int, made: Sequence[File]) -> list[dict[str, Any]]:
    first = append_only.next_id(session, FILES)
    return [
        {
            "id": first + at, "report_id": report_id, "format": each.format, "language": each.language,
            "sha256": sha256(each.content), "content": each.content,
        }
        for at, each in enumerate(made)
    ]  # fmt: skip


def why_not_publishable(session: Session, proposed: FundingReport, on: date) -> Text | None:
    """Say why a report cannot be published on a day; None where it can."""
    try:
        _refuse_unpublishable(session, proposed, on)
    except NotPublishable as refused:
        return refused.text
    return None


def _refuse_unpublishable(session: Session, proposed: FundingReport, on: date) -> None:
    told = periods.told(proposed.period)
    if proposed.period.end is None or proposed.period.end > on:
        raise NotPublishable(Text(f"{told.da} er ikke forbi endnu", f"{told.en} is not over yet"))
    standing = versions(session, proposed.product, proposed.period)
    if standing and standing[0].digest == sha256(report.to_json(proposed)):
        number = standing[0].version
        raise NotPublishable(
            Text(f"rapporten siger det samme som version {number}, der er offentliggjort",
                 f"the report says what version {number} says, which is published")
        )  # fmt: skip


# --- verifying


def faults(session: Session) -> list[tuple[str, Text]]:
    """Recompute the published reports: digest, files, versions, and every figure from the ledger as it was then."""
    found: list[tuple[str, Text]] = []
    before: dict[tuple[Any, ...], Row[Any]] = {}
    kept = _kept_files(session)
    for row in session.execute(select(REPORTS).order_by(REPORTS.c.id)):
        same = (row.fund, row.first_on, row.last_on)
        name = f"{row.fund} {periods.name(periods.through(row.first_on, row.last_on))} v{row.version}"
        found += [(name, fault) for fault in _faults(session, row, before.get(same), kept.get(row.id, {}))]
        before[same] = row
    return found


def _faults(session: Session, row: Row[Any], before: Row[Any] | None, files: Mapping[Any, bool]) -> list[Text]:
    found: list[Text] = []
    if sha256(row.document) != row.digest:
        return [Text("rapporten er ikke den, der blev offentliggjort", "the report is not the one that was published")]
    if (row.version, row.replaces) != ((before.version + 1, before.id) if before else (1, None)):
        found.append(Text("peger ikke på den foregående version", "does not point at the version before"))
    if set(files) != {(format_, language) for format_ in FORMATS for language in LANGUAGES}:
        found.append(Text("en af rapportens filer mangler", "one of the report's files is missing"))
    if not all(files.values()):
        found.append(Text("en fil er ikke den, der blev offentliggjort", "a file is not the one that was published"))
    if proposals.is_same_person(row.prepared_by, row.published_by):
        found.append(Text("er offentliggjort af den, der foreslog den", "was published by who proposed it"))
    return [*found, *_figures(session, row)]


def _kept_files(session: Session) -> dict[int, dict[tuple[str, str], bool]]:
    found: dict[int, dict[tuple[str, str], bool]] = {}
    for row in session.execute(select(FILES).order_by(FILES.c.id).execution_options(yield_per=10)):
        found.setdefault(row.report_id, {})[row.format, row.language] = sha256(row.content) == row.sha256
    return found


def _figures(session: Session, row: Row[Any]) -> list[Text]:
    """Hold the figures against the ledger as it was: what each account of the fund came to, before and within."""
    kept = report.from_json(row.document)
    accounts = {income.account: -income.invoiced.ore for income in kept.income}
    accounts |= {cost.account: cost.spent.ore for cost in kept.costs}
    opening, within = _booked(session, row, kept)
    wrong = [account for account in accounts if within.pop(account, 0) != accounts[account]]
    if opening != -kept.opening.ore:
        wrong.append("primo")
    if sum(within.values()) != -kept.transfers.ore:
        wrong.append("overførsler")
    if kept.opening + kept.result + kept.transfers != kept.closing:
        wrong.append("ultimo")
    if not wrong:
        return []
    named = ", ".join(wrong)
    return [Text(f"tallene er ikke finansens: {named}", f"the figures are not the ledger's: {named}")]


def _booked(session: Session, row: Row[Any], kept: FundingReport) -> tuple[int, dict[str, int]]:
    """Give what stood in the fund before the period, and what its accounts came to within it, as of then."""
    entry = vouchers.entries().subquery("entry")
    of_invoices = (entry.c.kind == "invoice") & (entry.c.subject_id <= row.last_entry)
    of_vouchers = (entry.c.kind != "invoice") & (entry.c.subject_id <= row.last_voucher)
    before = entry.c.posted_on < row.first_on
    rows = session.execute(
        select(before.label("is_before"), entry.c.account, func.sum(entry.c.amount_ore).label("ore"))
        .where(entry.c.book == "real", entry.c.posted_on <= row.last_on, of_invoices | of_vouchers)
        .where(funds.is_of_fund(entry.c.account))
        .where(entry.c.product.is_(kept.product) if kept.product is None else entry.c.product == kept.product)
        .group_by(before, entry.c.account)
    ).all()
    opening = sum(int(each.ore) for each in rows if each.is_before)
    return opening, {each.account: int(each.ore) for each in rows if not each.is_before}


def has_moved(published: Published, now: FundingReport) -> bool:
    """Tell whether the books have moved since a report was published."""
    return published.report.ledger_head != now.ledger_head


def has_other_remarks(published: Published, now: FundingReport) -> bool:
    """Tell whether something else is remarked on the report now than when it was published."""
    return _remarked(published.report) != _remarked(now)


def _remarked(of: FundingReport) -> dict[str, str]:
    found = {each.account: each.remark for each in of.income} | {each.account: each.remark for each in of.costs}
    return {account: remark for account, remark in (found | {"": of.remark}).items() if remark}


def content_of(proposal: Proposal) -> Mapping[str, Any]:
    """Read what a proposal says of its report: amounts as money, and its digest."""
    given: dict[str, Any] = json.loads(proposal.content)
    return {key: Money(value) if isinstance(value, int) else value for key, value in given.items()}
