"""The first step of the annual run: reading everything that decides what a year costs, payer by payer.

Costs a fixed number of queries, plus a fixed number for each batch of payers; memory holds one batch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from sqlalchemy import Row, Table, select
from sqlalchemy.orm import Session

from agreements.connections import AGREEMENTS
from agreements.lifecycle import Facts, Kind
from agreements.products import PRODUCTS
from authorities import succession
from authorities.membership import MEMBERSHIPS
from authorities.population import PLACEMENTS, POPULATION
from authorities.register import AUTHORITIES, COUNTED_TYPES
from authorities.succession import Life
from billing import line_keys
from billing.case import Ground
from billing.charges import Billable, Connection, Count, InvoicedLine, Member, Payer
from billing.document import References
from billing.models import CreditedLine, CreditNote, Invoice, InvoiceLine
from fee_tables import calculation, catalogue
from fee_tables.calculation import Parts, Placement
from fee_tables.catalogue import Catalogue
from fee_tables.table import SharedCost
from foundation import periods
from foundation.money import ZERO, Money
from foundation.periods import Period

LINES: Table = InvoiceLine.__table__  # type: ignore[assignment]
INVOICES: Table = Invoice.__table__  # type: ignore[assignment]
CREDIT_NOTES: Table = CreditNote.__table__  # type: ignore[assignment]
CREDITED_LINES: Table = CreditedLine.__table__  # type: ignore[assignment]

#: What a credit note says where the lines it takes back may be invoiced again.
REISSUE = "reissue"

PAYERS_AT_A_TIME = 500

Book = Literal["real", "rehearsal"]


@dataclass(frozen=True, slots=True)
class Group:
    """A payer and those it stands for: itself and the authorities it succeeded."""

    payer: int | None
    members: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One year in one book: its ground, and the payers in the order of their invoices."""

    year: int
    book: Book
    ground: Ground
    groups: tuple[Group, ...]


def begin(session: Session, year: int, book: Book, *, payers: Collection[int] | None = None) -> Run:
    """Read what is the same for every payer of a year; of all payers, or of some by their ids."""
    columns = [AUTHORITIES.c[name] for name in ("id", "type", "code", "cvr", "valid_to", "succeeded_by_cvr")]
    wanted = select(*columns)
    if payers is not None:
        # Those that have ended come along: one of them may be paid for by a payer that is asked for.
        wanted = wanted.where(AUTHORITIES.c.id.in_(payers) | AUTHORITIES.c.valid_to.is_not(None))
    authorities = session.execute(wanted).all()
    return Run(
        year=year,
        book=book,
        ground=ground(session, year, catalogue.read(session)),
        groups=tuple(
            group for group in _groups(authorities, periods.new_year(year)) if payers is None or group.payer in payers
        ),
    )


def ground(session: Session, year: int, decisions: Catalogue) -> Ground:
    """Give what prices of a year rest on, from decisions that were read."""
    return Ground(year, decisions, _sharers(session, decisions, periods.new_year(year)))


def _groups(authorities: Sequence[Row[Any]], key_day: date) -> tuple[Group, ...]:
    """Group the authorities by who pays for them, in the order of type and code."""
    id_of = {row.cvr: row.id for row in authorities}
    lives = {row.id: Life(row.id, row.valid_to, id_of.get(row.succeeded_by_cvr)) for row in authorities}
    ordered = sorted(authorities, key=lambda row: (row.type, row.code or "", row.cvr))
    members: dict[tuple[bool, int], list[int]] = {}
    for row in ordered:
        payer = succession.payer(lives, row.id, key_day)
        members.setdefault((payer is not None, row.id if payer is None else payer), []).append(row.id)
    return tuple(Group(payer if paid else None, tuple(ids)) for (paid, payer), ids in members.items())


def _sharers(session: Session, decisions: Catalogue, key_day: date) -> dict[str, tuple[str, ...]]:
    """Give, for each product with a shared cost, who shares it: active and in force on 1 January, each once, by CVR."""
    shared = [
        product
        for product in decisions.fee_tables
        if (table := decisions.annual_table(product, key_day)) and isinstance(table.annual_fee, SharedCost)
    ]
    if not shared:
        return {}
    facts = AGREEMENTS.c
    rows = session.execute(
        select(PRODUCTS.c.name, AUTHORITIES.c.cvr)
        .join(AGREEMENTS, facts.product_id == PRODUCTS.c.id)
        .join(AUTHORITIES, facts.authority_id == AUTHORITIES.c.id)
        .where(
            PRODUCTS.c.name.in_(shared),
            facts.signed_on <= date(key_day.year, 12, 31),
            facts.countersigned_on <= date(key_day.year, 12, 31),
            facts.in_force_from <= key_day,
            facts.terminated_to.is_(None) | (facts.terminated_to >= key_day),
            (facts.kind == Kind.ACTIVE.value) | (facts.active_from <= key_day),
        )
    )
    sharers: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        sharers[row.name].add(row.cvr)
    return {product: tuple(sorted(found)) for product, found in sharers.items()}


def gather(session: Session, run: Run, groups: Sequence[Group]) -> Iterator[Billable]:
    """Read the billables of some payers of a run (`run.groups` for all), in order, batch by batch."""
    for start in range(0, len(groups), PAYERS_AT_A_TIME):
        yield from _batch(session, run, groups[start : start + PAYERS_AT_A_TIME])


def of_payer(session: Session, run: Run, years: Collection[int]) -> Billable | None:
    """Read the one payer that a run was begun for, also where nothing is billed to it yet; None where nobody pays.

    Inhabitants of `years` come along.
    """
    return next(_billables(session, run, run.groups, years), None)


def of_payers(session: Session, run: Run, groups: Sequence[Group], years: Collection[int]) -> Iterator[Billable]:
    """Read some payers of a run as `gather` does, also those nothing is billed to yet.

    Inhabitants of `years` come along.
    """
    for start in range(0, len(groups), PAYERS_AT_A_TIME):
        yield from _billables(session, run, groups[start : start + PAYERS_AT_A_TIME], years)


def unbound(session: Session, run: Run, years: Collection[int]) -> Billable | None:
    """Read the one payer that a run was begun for as if it had joined nothing; None where nobody pays for it.

    Inhabitants of `years` come along. Says nothing of what the authority has agreed on, so anybody may be told.
    """
    group = next(iter(run.groups), None)
    if group is None or group.payer is None:
        return None
    ids = _all_of(group)
    payer = _payers(session, ids)[group.payer]
    found, placements = _counts(session, ids, {run.year - 1, *years}), _placements(session, ids)
    counts = {(id_, year): count for id_, listed in found.items() for year, count in listed}
    return Billable(payer, payer, (), (), counts, placements, {})


def _batch(session: Session, run: Run, groups: Sequence[Group]) -> Iterator[Billable]:
    """Read one batch; payers without agreement, membership and invoice are left out."""
    for billable in _billables(session, run, groups):
        if billable.connections or billable.members or billable.invoiced or billable.again:
            yield billable


def _billables(
    session: Session, run: Run, groups: Sequence[Group], more_years: Collection[int] = ()
) -> Iterator[Billable]:
    ids = [id_ for group in groups for id_ in _all_of(group)]
    payers = _payers(session, ids)
    connections = _connections(session, ids, payers)
    members = _members(session, ids)
    years = {run.year - 1, *more_years} | {c.facts.signed_on.year - 1 for found in connections.values() for c in found}
    counts = _counts(session, ids, years)
    placements = _placements(session, ids)
    invoiced = list(_invoiced(session, run, ids))
    lines_of = _by_group(groups, invoiced)
    for group in groups:
        lines, own = lines_of.get(group, {}), _all_of(group)
        yield Billable(
            named=payers[group.members[0] if group.payer is None else group.payer],
            payer=None if group.payer is None else payers[group.payer],
            connections=tuple(c for id_ in group.members for c in connections.get(id_, ())),
            members=tuple(m for id_ in group.members for m in members.get(id_, ())),
            counts={(id_, year): count for id_ in own for year, count in counts.get(id_, ())},
            placements={id_: placements[id_] for id_ in own if id_ in placements},
            invoiced={key: line for key, line in lines.items() if not line.is_free},
            again={key: line_keys.next_of(line.key) for key, line in lines.items() if line.is_free},
        )


def _all_of(group: Group) -> set[int]:
    return {*group.members} if group.payer is None else {*group.members, group.payer}


def _payers(session: Session, ids: Collection[int]) -> dict[int, Payer]:
    rows = session.execute(select(AUTHORITIES).where(AUTHORITIES.c.id.in_(ids)))
    return {
        row.id: Payer(
            id=row.id,
            cvr=row.cvr,
            name=row.name,
            is_counted=row.type in COUNTED_TYPES,
            address=row.address or "",
            postcode=row.postcode or "",
            city=row.city or "",
        )
        for row in rows
    }


_FACTS = (
    "kind", "signed_on", "countersigned_on", "in_force_from", "terminated_to", "notice_given_on", "active_from",
)  # fmt: skip
_DETAILS = ("gln", "person_reference", "order_reference", "accounting_cost", "format")
_GRANTED = ("rebate_ore", "rebate_reason", "joining_fee_exempt_reason", "joining_fee_invoiced_on")
_KINDS = {kind.value: kind for kind in Kind}


def _connections(session: Session, ids: Collection[int], payers: Mapping[int, Payer]) -> dict[int, list[Connection]]:
    columns = [AGREEMENTS.c[name] for name in ("id", "authority_id", "endpoint", *_DETAILS, *_GRANTED, *_FACTS)]
    rows = session.execute(
        select(PRODUCTS.c.name, *columns)
        .join(PRODUCTS, AGREEMENTS.c.product_id == PRODUCTS.c.id)
        .where(AGREEMENTS.c.authority_id.in_(ids))
        .order_by(AGREEMENTS.c.id)
    ).all()
    found: dict[int, list[Connection]] = defaultdict(list)
    details = _Details()
    for product, id_, authority, endpoint, *row in rows:
        rebate, rebate_reason, exempt_reason, invoiced_elsewhere_on, kind, *days = row[len(_DETAILS) :]
        found[authority].append(
            Connection(
                id_, payers[authority], product, Facts(_KINDS[kind], *days),
                details.of(endpoint, *row[: len(_DETAILS)]),
                Money(rebate) if rebate else ZERO, rebate_reason, exempt_reason, invoiced_elsewhere_on,
            )
        )  # fmt: skip
    return found


class _Details:
    """Billing details as values; an authority's agreements mostly share theirs, so each is made once."""

    def __init__(self) -> None:
        self._made: dict[tuple[str | None, ...], References | None] = {}

    def of(self, endpoint: str | None, *given: str | None) -> References | None:
        """Give details with an endpoint; None where there is neither a GLN nor the wish for the CVR number."""
        asked = (endpoint, *given)
        if asked not in self._made:
            gln, person_reference, order_reference, accounting_cost, asked_format = (value or "" for value in given)
            format_: Literal["oioubl", "peppol"] = "peppol" if asked_format == "peppol" else "oioubl"
            kind: Literal["gln", "cvr"] = "cvr" if endpoint == "cvr" else "gln"
            self._made[asked] = (
                References(kind, gln, person_reference, order_reference, accounting_cost, format_)
                if gln or kind == "cvr"
                else None
            )
        return self._made[asked]


def _members(session: Session, ids: Collection[int]) -> dict[int, list[Member]]:
    columns = [MEMBERSHIPS.c[name] for name in ("id", "authority_id", "joined_on", "left_on", *_DETAILS)]
    rows = session.execute(
        select(*columns).where(MEMBERSHIPS.c.authority_id.in_(ids)).order_by(MEMBERSHIPS.c.joined_on)
    ).all()
    found: dict[int, list[Member]] = defaultdict(list)
    details = _Details()
    for id_, authority, joined_on, left_on, *given in rows:
        found[authority].append(Member(id_, Period(joined_on, left_on), details.of(None, *given)))
    return found


def _counts(session: Session, ids: Collection[int], years: Collection[int]) -> dict[int, list[tuple[int, Count]]]:
    columns = [POPULATION.c[name] for name in ("authority_id", "year", "inhabitants", "source")]
    rows = session.execute(
        select(*columns).where(POPULATION.c.authority_id.in_(ids), POPULATION.c.year.in_(sorted(years)))
    )
    found: dict[int, list[tuple[int, Count]]] = defaultdict(list)
    for authority, year, inhabitants, source in rows:
        found[authority].append((year, Count(inhabitants, source)))
    return found


def _placements(session: Session, ids: Collection[int]) -> dict[int, list[Placement]]:
    found: dict[int, list[Placement]] = defaultdict(list)
    rows = session.execute(
        select(PLACEMENTS).where(PLACEMENTS.c.authority_id.in_(ids)).order_by(PLACEMENTS.c.valid_from.desc())
    )
    for row in rows:
        found[row.authority_id].append(Placement(row.band, row.valid_from, row.decided_by, row.reason))
    return found


def _invoiced(session: Session, run: Run, ids: Collection[int]) -> Iterator[tuple[set[int], InvoicedLine]]:
    """Read what is invoiced already: this year's lines, and the once-only lines of any year.

    Each comes with the authorities it concerns: who paid it, and whose agreement or membership it rests on. These
    differ where a successor paid, and nothing may be proposed again because of that. What was taken back comes
    before what followed it; the lines of credit notes are left out.
    """
    columns = LINES.c
    once = [kind.value for kind in ONCE_ONLY]
    agreements = select(AGREEMENTS.c.id).where(AGREEMENTS.c.authority_id.in_(ids))
    memberships = select(MEMBERSHIPS.c.id).where(MEMBERSHIPS.c.authority_id.in_(ids))
    rows = session.execute(
        select(
            columns.key, columns.kind, columns.year, columns.product, columns.authority_id, columns.product_ore,
            columns.association_ore, INVOICES.c.number, AGREEMENTS.c.authority_id.label("signer"),
            MEMBERSHIPS.c.authority_id.label("member"), CREDIT_NOTES.c.afterwards,
        )
        .join(INVOICES, columns.invoice_id == INVOICES.c.id)
        .outerjoin(CREDITED_LINES, CREDITED_LINES.c.line_id == columns.id)
        .outerjoin(CREDIT_NOTES, CREDITED_LINES.c.credit_note_id == CREDIT_NOTES.c.id)
        .outerjoin(AGREEMENTS, columns.agreement_id == AGREEMENTS.c.id)
        .outerjoin(MEMBERSHIPS, columns.membership_id == MEMBERSHIPS.c.id)
        .where(
            columns.authority_id.in_(ids)
            | columns.agreement_id.in_(agreements)
            | columns.membership_id.in_(memberships),
            columns.book == run.book,
            (columns.year == run.year) | columns.kind.in_(once),
            columns.id.not_in(select(CREDITED_LINES.c.credit_line_id)),
        )
        .order_by(columns.id)
    ).all()  # fmt: skip
    for row in rows:
        parts = Parts(Money(row.product_ore), Money(row.association_ore))
        kind = calculation.Kind(row.kind)
        taken_back = {"is_credited": row.afterwards is not None, "is_free": row.afterwards == REISSUE}
        line = InvoicedLine(row.key, kind, row.year, row.product, parts, row.number, **taken_back)
        yield {row.authority_id, row.signer or row.member}, line


def _by_group(
    groups: Sequence[Group], invoiced: Sequence[tuple[set[int], InvoicedLine]]
) -> dict[Group, dict[str, InvoicedLine]]:
    group_of = {id_: group for group in groups for id_ in _all_of(group)}
    found: dict[Group, dict[str, InvoicedLine]] = defaultdict(dict)
    for concerned, line in invoiced:
        for group in {group_of[id_] for id_ in concerned if id_ in group_of}:
            found[group][line_keys.base_of(line.key)] = line
    return found


#: Kinds that are invoiced once in an agreement's life, not once a year.
ONCE_ONLY = (calculation.Kind.JOINING_FEE, calculation.Kind.REBATE, calculation.Kind.EXEMPTION)
