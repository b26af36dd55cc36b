"""The fee annex of an agreement that is offered: what the authority will pay for its first year, and why.

There is no second calculation. The agreement is put beside the authority's others as if it were signed and
countersigned, and priced by the same rules as the annual run; where the plan would have a problem, it is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy.orm import Session

from agreements.document import AgreementKind, FeeAnnex, FeeLine, Grants, LineKind, PriceRow, PriceSheet
from agreements.lifecycle import Facts
from agreements.lifecycle import Kind as Connected
from billing import case, explanation, gathering, pricing
from billing import seller as sellers
from billing.case import Ground, Priced
from billing.charges import Billable, Charge, Code, Connection, Member, Problem
from billing.document import References
from fee_tables import prices
from fee_tables.calculation import Kind, Size
from fee_tables.size_key import band_title
from fee_tables.table import AssociationTable, FeeTable, SharedCost, TableReference, Vat
from foundation.errors import NotFound, Refused
from foundation.language import Text, joined, same, share
from foundation.money import Money
from foundation.periods import Period

#: No agreement or membership of the register has this number.
_WISHED = 0
_ANYWHERE = References("cvr", "", "", "", "")

_MEMBERS, _OTHERS = Text("Bidrag, medlemmer", "Contribution, members"), Text("Bidrag, andre", "Contribution, others")
_CONTRIBUTION = Text("Bidrag til OS2", "Contribution to OS2")
_DUES = Text("Kontingent", "Membership dues")
_SHARED = Text("Fælles udgift, som deles", "Common cost, which is shared")


class NoSuchPayer(NotFound):
    """The authority is not in the register, or has ended and pays for nothing any more."""


class NoAnnex(Refused):
    """The fees cannot be told; the plan would have the same problem."""


@dataclass(frozen=True, slots=True)
class Renewing:
    """An agreement in force that gets a new text: its signing day stays, and so does what was invoiced once for it."""

    agreement_id: int


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is to be agreed on: a product, or the association where `product` is empty."""

    product: str
    kind: AgreementKind
    on: date
    effective_on: date
    grants: Grants
    replacing: frozenset[int]
    renewing: int | None

    @property
    def year(self) -> int:
        return max(self.on, self.effective_on).year


def make(
    session: Session,
    authority_id: int,
    product: str,
    kind: AgreementKind,
    on: date,
    *,
    effective_on: date | None = None,
    grants: Grants = Grants(),  # noqa: B008 - a frozen value
    replacing: Collection[int] | Renewing = (),
) -> FeeAnnex:
    """Give the fees of an agreement signed `on` a day, for the first year it is in force; without product, the dues.

    `replacing` are agreements, by id, that end when this one begins, or the one that it renews; a membership that
    stands is renewed. Raises NoSuchPayer, or NoAnnex with every reason.
    """
    renewing = replacing.agreement_id if isinstance(replacing, Renewing) else None
    ended = frozenset() if isinstance(replacing, Renewing) else frozenset(replacing)
    wish = _Wish(product, kind, on, effective_on or on, grants, ended, renewing)
    run = gathering.begin(session, wish.year, "real", payers=[authority_id])
    billable = gathering.of_payer(session, run, {on.year - 1})
    if billable is None or billable.payer is None:
        raise _nobody(wish.year)
    registered = (seller := sellers.current(session)) is None or seller.vat_registered
    if not product:
        return _dues(run.ground, billable, wish, registered=registered)
    return _fees(run.ground, billable, wish, registered=registered)


def _nobody(year: int) -> NoSuchPayer:
    return NoSuchPayer(
        Text(
            f"myndigheden findes ikke i registret eller er ophørt før {year}; efterfølgeren indgår aftalen",
            f"the authority is not in the register or ended before {year}; its successor makes the agreement",
        )
    )


# --- a product -------------------------------------------------------------------------------------------------------


def _fees(ground: Ground, billable: Billable, wish: _Wish, *, registered: bool) -> FeeAnnex:
    ground = _sharing(ground, billable, wish)
    priced = _priced(ground, billable, wish)
    _refuse(priced.problems)
    later, later_notes = _later(ground, billable, wish)
    charges, tables = priced.charges, _tables(ground, wish)
    sheets = [_sheet(table) for table in tables]
    if ground.association is not None and any(table.contribution for table in tables):
        sheets.append(_sheet_of(ground.association.reference, _rates(ground.association)))
    notes = (*(note.message for note in priced.notes), *later_notes)
    member = case.is_member(billable.members, ground.key_day)
    return _annex(wish, (charges, later), sheets, member=member, vat=_vat(charges, registered), notes=notes)


def _priced(ground: Ground, billable: Billable, wish: _Wish) -> Priced:
    alike = [other for other in billable.connections if other.product == wish.product]
    renewed = next((other for other in alike if other.id == wish.renewing), None)
    wished = _connection(billable, wish) if renewed is None else _renewed(renewed, wish)
    others = (_ended(other, wish) for other in alike if other is not renewed)
    priced = pricing.price_alone(ground, replace(billable, connections=(*others, wished)), wished)
    if renewed is not None:
        priced.charges = [one for one in priced.charges if _is_yearly(one) or one.key not in billable.invoiced]
    return priced


def _is_yearly(charge: Charge) -> bool:
    return charge.kind is Kind.ANNUAL_FEE


def _renewed(old: Connection, wish: _Wish) -> Connection:
    """Give an agreement as it will stand under its new text; one that was passive may become active by it."""
    facts, becomes_active = old.facts, wish.kind == "active" and old.facts.kind is Connected.PASSIVE
    if becomes_active and facts.active_from is None:
        facts = facts._replace(active_from=wish.effective_on)
    return old._replace(facts=facts, details=_ANYWHERE)


def _connection(billable: Billable, wish: _Wish) -> Connection:
    """Give the agreement as it will stand, signed and countersigned on the day asked about."""
    assert billable.payer is not None
    facts = Facts(Connected(wish.kind), wish.on, wish.on, wish.effective_on)
    grants = wish.grants
    return Connection(
        _WISHED, billable.payer, wish.product, facts, _ANYWHERE, Money(grants.rebate_ore), grants.rebate_reason or None,
        grants.exempt_reason or None, None,
    )  # fmt: skip


def _ended(other: Connection, wish: _Wish) -> Connection:
    if other.id not in wish.replacing:
        return other
    last = min(wish.effective_on - timedelta(days=1), other.facts.terminated_to or date.max)
    return other._replace(facts=other.facts._replace(terminated_to=last))


def _sharing(ground: Ground, billable: Billable, wish: _Wish) -> Ground:
    """Count the authority among those who share a common cost, where it is in force on 1 January."""
    table = ground.annual_table(wish.product)
    takes_part = wish.kind == "active" and wish.effective_on <= ground.key_day
    if table is None or not isinstance(table.annual_fee, SharedCost) or not takes_part:
        return ground
    assert billable.payer is not None
    return ground.shared_with(wish.product, billable.payer.cvr)


def _later(ground: Ground, billable: Billable, wish: _Wish) -> tuple[list[Charge], tuple[Text, ...]]:
    """Give what falls due when a passive connection becomes active, or why it cannot be told yet."""
    if wish.kind == "active":
        return [], ()
    priced = _priced(ground, billable, replace(wish, kind="active"))
    charges = [charge for charge in priced.charges if charge.kind is not Kind.ANNUAL_FEE]
    return charges, () if charges else tuple(problem.message for problem in priced.problems)


def _refuse(problems: Collection[Problem]) -> None:
    if problems:
        reasons = joined((_told(problem) for problem in problems), by="; ")
        raise NoAnnex(Text("gebyrbilaget kan ikke laves: ", "the fee annex cannot be made: ") + reasons)


def _told(problem: Problem) -> Text:
    """Say what stands in the way; of a second agreement otherwise than the plan, for it does not stand there yet."""
    if problem.code is not Code.DUPLICATE_AGREEMENT:
        return problem.message
    name, product = problem.named.name, problem.product
    return Text(
        f"{name} har allerede en aftale om {product}, der gælder i det første år; opsig eller afløs den",
        f"{name} has an agreement on {product} in force in the first year; end it, or let the new one replace it",
    )


# --- the association -------------------------------------------------------------------------------------------------


def _dues(ground: Ground, billable: Billable, wish: _Wish, *, registered: bool) -> FeeAnnex:
    members: tuple[Member, ...] = (Member(_WISHED, Period(wish.effective_on), _ANYWHERE),)
    if case.is_member(billable.members, wish.effective_on):  # a new text: the membership and its dues stay
        members = tuple(member._replace(details=_ANYWHERE) for member in billable.members)
    priced = pricing.price(ground, replace(billable, connections=(), members=members))
    _refuse(priced.problems)
    sheet = _association_sheet(case.association_table(ground))
    vat = _vat(priced.charges, registered)
    return _annex(wish, (priced.charges, []), [sheet], member=True, vat=vat, notes=())


# --- the annex -------------------------------------------------------------------------------------------------------


def _annex(
    wish: _Wish,
    charges: tuple[list[Charge], list[Charge]],
    sheets: Iterable[PriceSheet],
    *,
    member: bool,
    vat: tuple[Text, ...],
    notes: tuple[Text, ...],
) -> FeeAnnex:
    now, later = (tuple(line for charge in each for line in _lines(charge, wish.year)) for each in charges)
    size = _size(charge for each in charges for charge in each)
    return FeeAnnex(
        on=wish.on,
        year=wish.year,
        sheets=tuple(sheets),
        band=band_title(size.band) if size else None,
        inhabitants=size.inhabitants if size else None,
        counted_on=size.inhabitants_on if size else None,
        member=member,
        lines=now,
        total_ore=sum(line.amount_ore for line in now),
        later=later,
        vat=vat,
        notes=notes,
    )


def _size(charges: Iterable[Charge]) -> Size | None:
    return next((charge.reason.size for charge in charges if charge.reason.size is not None), None)


_LINE_KINDS: dict[Kind, LineKind] = {
    Kind.ANNUAL_FEE: "annual",
    Kind.JOINING_FEE: "joining",
    Kind.REBATE: "rebate",
    Kind.EXEMPTION: "exemption",
}


def _lines(charge: Charge, year: int) -> Iterator[FeeLine]:
    """Give a charge as lines: the product's part, and the association's on its own."""
    kind, reason, parts = charge.kind, charge.reason, charge.parts
    title, why = explanation.title(kind, charge.product, year), explanation.why(kind, reason, parts)
    told = tuple(explanation.sentences(kind, charge.product, year, reason, parts))
    if kind is Kind.MEMBERSHIP_DUES:
        yield FeeLine("dues", title, parts.net.ore, why, told)
        return
    yield FeeLine(_LINE_KINDS[kind], title, parts.product.ore, why, told)
    if reason.contribution_share is not None:
        rate = share(reason.contribution_share)
        of = Text(f"{rate.da} af vederlaget", f"{rate.en} of the annual fee")
        yield FeeLine("contribution", _CONTRIBUTION, parts.association.ore, of, ())


def _vat(charges: Iterable[Charge], registered: bool) -> tuple[Text, ...]:
    if not registered:
        return (Text("Der lægges ikke moms til: foreningen er ikke momsregistreret",
                     "No VAT is added: the association is not registered for VAT"),)  # fmt: skip
    return tuple(dict.fromkeys(_vat_of(charge.vat) for charge in charges))


def _vat_of(vat: Vat) -> Text:
    if vat.exemption:
        return Text(f"Der lægges ikke moms til: {vat.exemption}", f"No VAT is added: {vat.exemption}")
    return Text("Hertil kommer moms, ", "VAT is added, ") + share(vat.rate)


# --- the sheets ------------------------------------------------------------------------------------------------------


def _tables(ground: Ground, wish: _Wish) -> list[FeeTable]:
    """Give the tables of the annual and of the joining fee; mostly they are one."""
    found = (ground.annual_table(wish.product), ground.catalogue.joining_table(wish.product, wish.on))
    return list({table.reference.digest: table for table in found if table is not None}.values())


def _sheet(table: FeeTable) -> PriceSheet:
    annual = {price.whom: price.product for price in prices.annual(table, None)}
    if isinstance(table.annual_fee, SharedCost):
        annual[_SHARED] = table.annual_fee.cost
    joining = dict(prices.joining(table))
    rows = (_price_row(whom, annual.get(whom), joining.get(whom)) for whom in dict.fromkeys((*annual, *joining)))
    return _sheet_of(table.reference, rows)


def _association_sheet(table: AssociationTable) -> PriceSheet:
    return _sheet_of(table.reference, (_price_row(_DUES, table.dues, None), *_rates(table)))


def _rates(table: AssociationTable) -> Iterator[PriceRow]:
    for title, rate in ((_MEMBERS, table.contribution_member), (_OTHERS, table.contribution_non_member)):
        yield _price_row(title + same(" ") + share(rate), None, None)


def _price_row(whom: Text, annual: Money | None, joining: Money | None) -> PriceRow:
    return PriceRow(whom, None if annual is None else annual.ore, None if joining is None else joining.ore)


def _sheet_of(reference: TableReference, rows: Iterable[PriceRow]) -> PriceSheet:
    return PriceSheet(
        reference.product, reference.valid_from, reference.decided_on, reference.decided_by, reference.digest,
        reference.made_up, tuple(rows),
    )  # fmt: skip
