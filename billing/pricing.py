"""The rules of price: from a billable and the tables in force to charges with parts and reasons, or named problems.

Reads nothing, writes nothing. The rules stand in the contract under "Rules of price"; where a rule comes from the
bylaws or a decision, its source is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction

from agreements import lifecycle
from billing.charges import Billable, Charge, Code, Connection, Member, Payer, Problem
from billing.document import References
from fee_tables.calculation import CostShare, Kind, Reason, Size, parts_of, share_of_cost
from fee_tables.catalogue import Catalogue
from fee_tables.table import AssociationTable, BandFee, DatedFee, FeeTable, FlatFee, SharedCost
from foundation import periods
from foundation.language import Text, day
from foundation.money import Money


@dataclass(frozen=True, slots=True)
class Ground:
    """What is the same for every payer of a year: the decisions, and who shares a shared cost (in order)."""

    year: int
    catalogue: Catalogue
    sharers: Mapping[str, Sequence[str]]  # CVR numbers of the signing authorities, by product

    @property
    def key_day(self) -> date:
        """1 January: membership, newest tables and placements are read on it."""
        return periods.new_year(self.year)

    @property
    def last_day(self) -> date:
        """31 December."""
        return date(self.year, 12, 31)


@dataclass
class Priced:
    """What a billable comes to. `withheld` are the keys of lines that a problem keeps back."""

    charges: list[Charge] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    withheld: set[str] = field(default_factory=set)


class Withheld(Exception):
    """A line cannot be priced; becomes a problem of the plan."""

    def __init__(self, code: Code, message: Text) -> None:
        super().__init__(message.en)
        self.code = code
        self.message = message


class NothingDue(Exception):
    """No line is due, and the plan says why; becomes a note."""

    def __init__(self, code: Code, message: Text) -> None:
        super().__init__(message.en)
        self.code = code
        self.message = message


def price(ground: Ground, billable: Billable) -> Priced:
    """Price everything one payer owes for a year."""
    priced = Priced()
    relevant = [c for c in billable.connections if _concerns(ground, c)]
    billed = [c for c in relevant if _may_bill(ground, billable, c, relevant, priced)]
    for connection in billed:
        _annual(ground, billable, connection, billed, priced)
        _joining(ground, billable, connection, priced)
    _dues(ground, billable, relevant, priced)
    return priced


# --- which agreements are billed


def _concerns(ground: Ground, connection: Connection) -> bool:
    """Tell whether an agreement could be in force on a day of the year (one without a first day may be)."""
    facts = connection.facts
    if facts.signed_on > ground.last_day:
        return False
    if facts.terminated_to is not None and facts.terminated_to < ground.key_day:
        return False
    return facts.in_force_from is None or facts.in_force_from <= ground.last_day


def _may_bill(
    ground: Ground, billable: Billable, connection: Connection, relevant: Sequence[Connection], priced: Priced
) -> bool:
    def check() -> None:
        _refuse_ended(ground, billable)
        facts = connection.facts
        if not _is_countersigned(ground, connection):
            raise Withheld(Code.NOT_COUNTERSIGNED, _not_countersigned(connection))
        if facts.in_force_from is None:
            raise NothingDue(Code.NO_FORCE_DAY, _no_force_day(connection))
        if _annual_key(ground, connection) not in billable.invoiced:
            _refuse_duplicate(ground, connection, relevant)
        if connection.details is None:
            raise Withheld(Code.NO_ENDPOINT, _no_endpoint(connection.product))

    return _attempt(billable, connection.product, priced, lambda: _keys(ground, connection), check)


def _is_countersigned(ground: Ground, connection: Connection) -> bool:
    countersigned_on = connection.facts.countersigned_on
    return countersigned_on is not None and countersigned_on <= ground.last_day


def _is_in_force(ground: Ground, connection: Connection) -> bool:
    """Tell whether an agreement that concerns the year is in force in it."""
    return _is_countersigned(ground, connection) and connection.facts.in_force_from is not None


def _together(one: Connection, other: Connection) -> bool:
    """Tell whether two agreements are in force on the same day."""
    first, second = lifecycle.force(one.facts), lifecycle.force(other.facts)
    return first is not None and second is not None and first.overlaps(second)


def _attempt(
    billable: Billable,
    product: str | None,
    priced: Priced,
    keys: Callable[[], Iterable[str]],
    step: Callable[[], None],
) -> bool:
    """Take a step; turn a refusal into a problem that withholds the keys, or a note. Tells whether it was taken."""
    try:
        step()
    except Withheld as refusal:
        priced.problems.append(Problem(billable.named, product, refusal.code, refusal.message))
        priced.withheld.update(keys())
        return False
    except NothingDue as refusal:
        priced.notes.append(Problem(billable.named, product, refusal.code, refusal.message))
        return False
    return True


def _refuse_ended(ground: Ground, billable: Billable) -> None:
    if billable.payer is None:
        raise Withheld(
            Code.AUTHORITY_ENDED,
            Text(
                f"{billable.named.name} er ophørt før {ground.year} og har ingen efterfølger i registret; "
                "registrér den (succeeded_by_cvr) eller afslut aftalen",
                f"{billable.named.name} ended before {ground.year} and has no successor in the register; "
                "register it (succeeded_by_cvr) or end the agreement",
            ),
        )


def _refuse_duplicate(ground: Ground, connection: Connection, relevant: Sequence[Connection]) -> None:
    """One authority pays for one product once a year, also where two regions' agreements came to one successor."""
    others = [
        other
        for other in relevant
        if other.product == connection.product
        and other.id != connection.id
        and _is_in_force(ground, other)
        and _together(connection, other)
    ]
    if others:
        listed = ", ".join(f"{c.facts.signed_on} ({c.signer.name})" for c in (connection, *others))
        raise Withheld(
            Code.DUPLICATE_AGREEMENT,
            Text(
                f"flere aftaler om {connection.product} gælder i {ground.year}: {listed}; afslut alle på nær én",
                f"several agreements on {connection.product} are in force in {ground.year}: {listed}; end all but one",
            ),
        )


def _keys(ground: Ground, connection: Connection) -> list[str]:
    return [_annual_key(ground, connection), *_joining_keys(connection)]


def _joining_keys(connection: Connection) -> list[str]:
    return [_joining_key(kind, connection) for kind in (Kind.JOINING_FEE, Kind.REBATE, Kind.EXEMPTION)]


def _joining_key(kind: Kind, connection: Connection) -> str:
    return f"{kind.value}|{connection.name}"


def _annual_key(ground: Ground, connection: Connection) -> str:
    return f"{Kind.ANNUAL_FEE.value}|{connection.name}|{ground.year}"


def _not_countersigned(connection: Connection) -> Text:
    signed = day(connection.facts.signed_on)
    return Text(
        f"aftalen underskrevet {signed.da} er ikke kontrasigneret af OS2",
        f"the agreement signed on {signed.en} is not countersigned by OS2",
    )


def _no_force_day(connection: Connection) -> Text:
    signed = day(connection.facts.signed_on)
    return Text(
        f"aftalen underskrevet {signed.da} har ingen ikrafttrædelsesdag (in_force_from) og faktureres ikke",
        f"the agreement signed on {signed.en} has no effective day (in_force_from) and is not invoiced",
    )


def _no_endpoint(product: str) -> Text:
    return Text(
        f"{product} har hverken GLN eller endpoint = cvr: der er intet sted at sende fakturaen",
        f"{product} has neither a GLN nor endpoint = cvr: there is nowhere to send the invoice",
    )


# --- the annual fee


def _annual(
    ground: Ground, billable: Billable, connection: Connection, billed: Sequence[Connection], priced: Priced
) -> None:
    key = _annual_key(ground, connection)

    def step() -> None:
        _refuse_covered(ground, billable, connection, billed)
        priced.charges.append(_annual_charge(ground, billable, connection, key))

    _attempt(
        billable, connection.product, priced, lambda: [key],
        step,
    )  # fmt: skip


def _refuse_covered(ground: Ground, billable: Billable, connection: Connection, billed: Sequence[Connection]) -> None:
    """Charge the year once where one agreement follows another on the same product: by the first of them."""
    if _annual_key(ground, connection) in billable.invoiced:
        return
    before = connection.facts.in_force_from or ground.last_day
    for other in billed:
        if other.product == connection.product and (other.facts.in_force_from or ground.last_day) < before:
            since = day(other.facts.signed_on)
            raise NothingDue(
                Code.COVERED_BY_EARLIER,
                Text(
                    f"vederlaget for {ground.year} betales efter aftalen underskrevet {since.da}, som denne afløser",
                    f"the annual fee of {ground.year} is paid by the agreement signed on {since.en} before this",
                ),
            )


def _annual_charge(ground: Ground, billable: Billable, connection: Connection, key: str) -> Charge:
    table = ground.catalogue.annual_table(connection.product, ground.key_day)
    if table is None:
        raise Withheld(Code.NO_TABLE, _no_table(ground, connection.product))
    active = lifecycle.is_active(connection.facts, ground.key_day)
    if not active and table.passive_share is None:
        raise Withheld(Code.NO_PASSIVE_SHARE, _no_passive_share(table))
    base, size, cost = _annual_base(ground, billable, connection, table, active=active)
    member = is_member(billable.members, ground.key_day)
    first = _first_day(ground, connection)
    year_share = _year_share(ground, connection, table)
    reason = Reason(
        table=table.reference,
        base=base,
        size=size,
        member=member,
        contribution_share=_contribution(ground, table, member=member),
        year_share=year_share,
        passive_share=None if active else table.passive_share,
        shared_cost=cost,
        in_force_from=None if year_share is None else connection.facts.in_force_from,
    )
    return _charge(Kind.ANNUAL_FEE, key, connection, table, reason, first_day=first, last_day=ground.last_day)


def _annual_base(
    ground: Ground, billable: Billable, connection: Connection, table: FeeTable, *, active: bool
) -> tuple[Money, Size | None, CostShare | None]:
    fee = table.annual_fee
    if isinstance(fee, SharedCost):
        cost = _cost_share(ground, connection, fee, active=active)
        return share_of_cost(cost.cost, cost.sharers, cost.number), None, cost
    if isinstance(fee, BandFee):
        assert billable.payer is not None  # _refuse_ended comes first
        size = size_of(ground.catalogue, billable, billable.payer, ground.year)
        return _of_band(fee, size, table), size, None
    assert isinstance(fee, FlatFee)
    return fee.amount, None, None


def _cost_share(ground: Ground, connection: Connection, fee: SharedCost, *, active: bool) -> CostShare:
    sharers = ground.sharers.get(connection.product, ())
    if not sharers:
        raise Withheld(
            Code.NO_TABLE,
            Text(
                f"ingen aktiv aftale om {connection.product} var i kraft 1. januar {ground.year} til at dele udgiften",
                f"no active agreement on {connection.product} was in force on 1 January {ground.year} to share it",
            ),
        )
    if not active:
        return CostShare(fee.cost, len(sharers), len(sharers))
    if connection.signer.cvr not in sharers:
        raise NothingDue(
            Code.SHARES_FROM_NEXT_YEAR,
            Text(
                f"{connection.product} trådte i kraft efter 1. januar {ground.year}: deler udgiften fra næste år",
                f"{connection.product} came into force after 1 January {ground.year}: shares the cost from next year",
            ),
        )
    return CostShare(fee.cost, len(sharers), sharers.index(connection.signer.cvr) + 1)


def _contribution(ground: Ground, table: FeeTable, *, member: bool) -> Fraction | None:
    if not table.contribution:
        return None
    association = ground.catalogue.association_table(ground.key_day)
    if association is None:
        raise Withheld(Code.NO_TABLE, _no_association_table(ground))
    return association.contribution_share(member=member)


def _year_share(ground: Ground, connection: Connection, table: FeeTable) -> Fraction | None:
    first = connection.facts.in_force_from
    if first is None or first.year != ground.year or table.first_year == "full":
        return None
    share = periods.share_by_months(first) if table.first_year == "months" else periods.share_by_days(first)
    return None if share == 1 else share


def _last_day_of(ground: Ground, connection: Connection) -> date:
    return min(ground.last_day, connection.facts.terminated_to or ground.last_day)


def _first_day(ground: Ground, connection: Connection) -> date:
    return max(ground.key_day, connection.facts.in_force_from or ground.key_day)


def _no_table(ground: Ground, product: str) -> Text:
    first = ground.catalogue.first_day(product, "annual_fee")
    if first is None:
        return Text(
            f"{product} har intet takstblad med vederlag; vedtag et (fee-tables adopt)",
            f"{product} has no fee table with an annual fee; adopt one (fee-tables adopt)",
        )
    return Text(
        f"{product} har intet takstblad for {ground.year}; det første gælder fra {day(first).da}",
        f"{product} has no fee table for {ground.year}; the first is valid from {day(first).en}",
    )


def _no_association_table(ground: Ground) -> Text:
    first = min((t.reference.valid_from for t in ground.catalogue.association), default=None)
    missing = Text(
        f"foreningens tabel (kontingent og bidrag) mangler for {ground.year}",
        f"the association's table (dues and contribution) is missing for {ground.year}",
    )
    if first is None:
        return missing
    return missing + Text(f"; den første gælder fra {day(first).da}", f"; the first is valid from {day(first).en}")


def _no_passive_share(table: FeeTable) -> Text:
    since = day(table.reference.valid_from)
    return Text(
        f"takstbladet for {table.reference.product} fra {since.da} har ingen andel for passive tilslutninger",
        f"the fee table of {table.reference.product} from {since.en} has no share for passive connections",
    )


# --- size and membership


def size_of(catalogue: Catalogue, billable: Billable, authority: Payer, year: int) -> Size:
    """Give an authority's size for an invoicing year: inhabitants on 1 January of the year before, else its newest
    placement on 1 January. Raises Withheld where neither is known.
    """
    key_day, counted_on = periods.new_year(year), periods.new_year(year - 1)
    key = catalogue.size_key(key_day)
    if key is None:
        raise Withheld(Code.NO_SIZE_KEY, _no_size_key(catalogue, year))
    count = billable.counts.get((authority.id, year - 1))
    if count is not None:
        return Size(key.band_of(count.inhabitants).name, count.inhabitants, counted_on, count.source)
    placements = billable.placements.get(authority.id, ())
    placement = next((p for p in placements if p.valid_from <= key_day), None)
    if placement is not None:
        return Size(placement.band, placement=placement)
    if authority.is_counted:
        raise Withheld(Code.NO_INHABITANTS, _no_inhabitants(authority, counted_on))
    raise Withheld(Code.NO_PLACEMENT, _no_placement(authority, key_day))


def _of_band(fee: BandFee, size: Size, table: FeeTable) -> Money:
    if size.band not in fee.amounts:
        product = table.reference.product
        raise Withheld(
            Code.NO_TABLE,
            Text(
                f"takstbladet for {product} har intet beløb for båndet {size.band}",
                f"the fee table of {product} has no amount for the band {size.band}",
            ),
        )
    return fee.amounts[size.band]


def _no_size_key(catalogue: Catalogue, year: int) -> Text:
    first = min((key.valid_from for key in catalogue.size_keys), default=None)
    if first is None:
        return Text("ingen fordelingsnøgle er vedtaget", "no size key is adopted")
    return Text(
        f"ingen fordelingsnøgle gælder for {year}; den første gælder fra {day(first).da}",
        f"no size key is in force for {year}; the first is valid from {day(first).en}",
    )


def _no_inhabitants(authority: Payer, counted_on: date) -> Text:
    on = day(counted_on)
    return Text(
        f"indbyggertallet for {authority.name} {on.da} mangler (population import)",
        f"the inhabitants of {authority.name} on {on.en} are missing (population import)",
    )


def _no_placement(authority: Payer, key_day: date) -> Text:
    on = day(key_day)
    return Text(
        f"{authority.name} har ingen indbyggere at tælle og ingen indplacering {on.da} (placements import)",
        f"{authority.name} has no inhabitants to count and no placement on {on.en} (placements import)",
    )


def is_member(members: Sequence[Member], on: date) -> bool:
    """Tell whether a payer is a member on a day; who joins later in the year is one from the next."""
    return any(on in member.period for member in members)


# --- the joining fee


def _joining(ground: Ground, billable: Billable, connection: Connection, priced: Priced) -> None:
    earlier = billable.invoiced.get(_joining_key(Kind.JOINING_FEE, connection))
    if (
        not lifecycle.is_active(connection.facts, _last_day_of(ground, connection))
        or connection.invoiced_elsewhere_on is not None
        or (earlier is not None and earlier.year != ground.year)
    ):
        return
    _attempt(
        billable, connection.product, priced, lambda: _joining_keys(connection),
        lambda: priced.charges.extend(_joining_charges(ground, billable, connection)),
    )  # fmt: skip


def _joining_charges(ground: Ground, billable: Billable, connection: Connection) -> list[Charge]:
    signed_on = connection.facts.signed_on
    table = ground.catalogue.joining_table(connection.product, signed_on)
    if table is None:
        return _before_any_joining_fee(ground, connection)
    fee, size = table.joining_fee, None
    if isinstance(fee, BandFee):
        size = size_of(ground.catalogue, billable, connection.signer, signed_on.year)
        base = _of_band(fee, size, table)
    else:
        assert isinstance(fee, DatedFee | FlatFee)
        base = fee.on(signed_on) if isinstance(fee, DatedFee) else fee.amount
    due = Reason(table=table.reference, base=base, size=size, signed_on=signed_on)
    charges = [(Kind.JOINING_FEE, due)]
    if connection.exempt_reason is not None:
        charges.append((Kind.EXEMPTION, replace(due, exemption=connection.exempt_reason)))
    elif connection.rebate:
        granted = replace(due, rebate=connection.rebate, rebate_reason=connection.rebate_reason)
        charges.append((Kind.REBATE, granted))
    return [_charge(kind, _joining_key(kind, connection), connection, table, reason) for kind, reason in charges]


def _before_any_joining_fee(ground: Ground, connection: Connection) -> list[Charge]:
    first = ground.catalogue.first_day(connection.product, "joining_fee")
    if first is None:
        return []
    signed = day(connection.facts.signed_on)
    raise NothingDue(
        Code.NO_JOINING_FEE,
        Text(
            f"underskrevet {signed.da}, før {connection.product} havde en tilslutningsafgift "
            f"(fra {day(first).da}): ingen skyldes",
            f"signed on {signed.en}, before {connection.product} had a joining fee (from {day(first).en}): none is due",
        ),
    )


def _charge(
    kind: Kind,
    key: str,
    connection: Connection,
    table: FeeTable,
    reason: Reason,
    *,
    first_day: date | None = None,
    last_day: date | None = None,
) -> Charge:
    assert connection.details is not None  # _may_bill comes first
    return Charge(
        key=key,
        kind=kind,
        product=connection.product,
        agreement_id=connection.id,
        membership_id=None,
        details=connection.details,
        vat=table.vat,
        reason=reason,
        parts=parts_of(kind, reason),
        first_day=first_day,
        last_day=last_day,
    )


# --- the dues


def _dues(ground: Ground, billable: Billable, relevant: Sequence[Connection], priced: Priced) -> None:
    """Charge the dues once: to members on 1 January, and to who joins during the year (bylaws § 5).

    `relevant` are the agreements that concern the year; a problem with one does not keep the dues back.
    """
    year = periods.year(ground.year)
    members = sorted(billable.members, key=lambda member: member.period.start)
    owing = next((m for m in members if ground.key_day in m.period or m.period.start in year), None)
    if owing is None:
        return
    key = f"{Kind.MEMBERSHIP_DUES.value}|{(billable.payer or billable.named).cvr}|{ground.year}"
    _attempt(
        billable, None, priced, lambda: [key],
        lambda: priced.charges.append(_dues_charge(ground, billable, owing, relevant, key)),
    )  # fmt: skip


def _dues_charge(ground: Ground, billable: Billable, owing: Member, relevant: Sequence[Connection], key: str) -> Charge:
    _refuse_ended(ground, billable)
    table = ground.catalogue.association_table(ground.key_day)
    if table is None:
        raise Withheld(Code.NO_TABLE, _no_association_table(ground))
    joined_on = owing.period.start
    reason = Reason(
        table=table.reference,
        base=table.dues,
        member=True,
        year_share=_dues_share(ground, table, joined_on),
        index=table.index,
        joined_on=joined_on,
    )
    return Charge(
        key=key,
        kind=Kind.MEMBERSHIP_DUES,
        product=None,
        agreement_id=None,
        membership_id=owing.id,
        details=_dues_receiver(billable, owing, relevant),
        vat=table.vat,
        reason=reason,
        parts=parts_of(Kind.MEMBERSHIP_DUES, reason),
        first_day=max(ground.key_day, joined_on),
        last_day=ground.last_day,
    )


def _dues_share(ground: Ground, table: AssociationTable, joined_on: date) -> Fraction | None:
    """Give a half where a member joins in the year, after the day named; the day itself pays in full."""
    if table.half_after is None or joined_on.year != ground.year:
        return None
    return Fraction(1, 2) if (joined_on.month, joined_on.day) > table.half_after else None


def _dues_receiver(billable: Billable, owing: Member, relevant: Sequence[Connection]) -> References:
    """Give where the dues go: the membership's own details, else those of the alphabetically first product with any."""
    if owing.details is not None:
        return owing.details
    reachable = [(c.product.casefold(), c.name, c.details) for c in relevant if c.details is not None]
    if not reachable:
        raise Withheld(
            Code.NO_DUES_RECEIVER,
            Text(
                f"{billable.named.name}: kontingentet har ingen modtager; giv medlemskabet et GLN (members import)",
                f"{billable.named.name}: the dues have no receiver; give the membership a GLN (members import)",
            ),
        )
    return min(reachable, key=lambda found: found[:2])[2]
