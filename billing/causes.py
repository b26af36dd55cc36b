"""Why an authority pays another amount than last year: one line of last year beside the one of this year, split into
named causes that add up to the difference, to the øre.

The facts of last year's reason are replaced by this year's one after another, in one fixed order, and each step's
change of the amount is what that fact is worth (docs/decisions/0017). What concerns the authority comes first, at last
year's prices; what was decided comes last. Because `parts_of` is the whole rule, the last step arrives at the line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from fee_tables.calculation import CostShare, Kind, Parts, Reason, Size, parts_of, share_of_cost
from fee_tables.catalogue import Catalogue
from fee_tables.size_key import band_title
from fee_tables.table import BandFee, FeeTable
from foundation import periods
from foundation.language import Text, day, same, share, whole_number
from foundation.money import ZERO, Money


class Cause(StrEnum):
    """Why an amount is another than last year's. The order is that of the page."""

    JOINED = "joined"  # a product it did not pay for last year
    LEFT = "left"  # a product it does not pay for any more
    WITHHELD = "withheld"  # a problem of the plan keeps the line back
    SUCCESSION = "succession"  # another authority paid it last year
    JOINING_FEE = "joining_fee"  # once: it comes, and is gone the year after
    RELIEF = "relief"  # rebates and exemptions, once with the joining fee
    PART_YEAR = "part_year"
    ACTIVITY = "activity"  # from passive to active, or back
    MEMBERSHIP = "membership"  # its dues come or go, its contribution is that of a member or not
    BAND = "band"
    SHARING = "sharing"  # its part of a common cost
    CONTRIBUTION = "contribution"  # the association's rates were decided anew
    PRICE = "price"  # the product's fee table was decided anew
    DUES = "dues"  # the association's dues were decided anew
    INDEX = "index"
    CREDIT = "credit"  # a line was taken back
    OTHER = "other"  # no cause we know; must not occur


TITLES = {
    Cause.JOINED: Text("Ny tilslutning", "Joined a product"),
    Cause.LEFT: Text("Tilslutning ophørt", "Left a product"),
    Cause.WITHHELD: Text("Holdt tilbage af et problem", "Held back by a problem"),
    Cause.SUCCESSION: Text("Overtaget fra en anden myndighed", "Taken over from another authority"),
    Cause.JOINING_FEE: Text("Tilslutningsafgift (én gang)", "Joining fee (once)"),
    Cause.RELIEF: Text("Rabat og fritagelse", "Rebate and exemption"),
    Cause.PART_YEAR: Text("Del af et år", "Part of a year"),
    Cause.ACTIVITY: Text("Passiv eller aktiv", "Passive or active"),
    Cause.MEMBERSHIP: Text("Medlemskab", "Membership"),
    Cause.BAND: Text("Anden størrelse", "Another size"),
    Cause.SHARING: Text("Del af fælles udgift", "Part of a common cost"),
    Cause.CONTRIBUTION: Text("Foreningens bidragssatser", "The association's contribution rates"),
    Cause.PRICE: Text("Nyt takstblad", "New fee table"),
    Cause.DUES: Text("Nyt kontingent", "New dues"),
    Cause.INDEX: Text("Indeks", "Index"),
    Cause.CREDIT: Text("Krediteret", "Credited"),
    Cause.OTHER: Text("Andet", "Other"),
}

_NO_WORDS = same("")

ORDER = {cause: at for at, cause in enumerate(Cause)}


class Line(NamedTuple):
    """A line of one of the two years. `name` is its key without the year and without the times it was taken back."""

    authority: int
    name: str
    kind: Kind
    product: str | None
    parts: Parts
    reason: Reason
    is_credited: bool = False

    @property
    def owed(self) -> Money:
        """What it comes to: nothing, where it was taken back."""
        return ZERO if self.is_credited else self.parts.net


@dataclass(frozen=True, slots=True)
class Difference:
    """One named part of a difference."""

    cause: Cause
    product: str | None
    amount: Money
    detail: Text = _NO_WORDS


class Step(NamedTuple):
    """A cause, the reason once it is taken into account, and what changed, in words."""

    cause: Cause
    reason: Reason
    detail: Text = _NO_WORDS


# --- lines without a fellow


def appeared(line: Line) -> Iterator[Difference]:
    """Name a line that last year had none of."""
    yield from _alone(line, _APPEARED[line.kind], line.owed)


def vanished(line: Line, *, is_withheld: bool) -> Iterator[Difference]:
    """Name a line of last year that this year has none of."""
    cause = Cause.WITHHELD if is_withheld else _VANISHED[line.kind]
    yield from _alone(line, cause, -line.owed)


def taken_over(line: Line) -> tuple[list[Difference], list[Difference]]:
    """Name what one authority paid last year and another pays now: for the one that did, and the one that does."""
    return list(_alone(line, Cause.SUCCESSION, -line.owed)), list(_alone(line, Cause.SUCCESSION, line.owed))


def _alone(line: Line, cause: Cause, amount: Money) -> Iterator[Difference]:
    if amount:
        yield Difference(cause, line.product, amount)


_ONCE = {
    Kind.JOINING_FEE: Cause.JOINING_FEE,
    Kind.REBATE: Cause.RELIEF,
    Kind.EXEMPTION: Cause.RELIEF,
    Kind.MEMBERSHIP_DUES: Cause.MEMBERSHIP,
}
_APPEARED = {**_ONCE, Kind.ANNUAL_FEE: Cause.JOINED}
_VANISHED = {**_ONCE, Kind.ANNUAL_FEE: Cause.LEFT}


# --- two lines that are each other's


def between(before: Line, after: Line, year: int, tables: Catalogue) -> Iterator[Difference]:
    """Split the difference between last year's line and this year's; `year` is this one."""
    if before.is_credited and after.is_credited:
        return
    product = after.product
    if before.is_credited:
        yield Difference(Cause.CREDIT, product, before.parts.net, _LAST_YEARS)
    if after.is_credited:
        yield Difference(Cause.CREDIT, product, -after.parts.net, _THIS_YEARS)
    for cause, amount, detail in _worth(before, after, year, tables):
        if amount:
            yield Difference(cause, product, amount, detail)


_LAST_YEARS = Text("sidste års linje blev krediteret", "last year's line was credited")
_THIS_YEARS = Text("årets linje er krediteret", "this year's line is credited")


def _worth(before: Line, after: Line, year: int, tables: Catalogue) -> Iterator[tuple[Cause, Money, Text]]:
    steps = _dues_steps(before.reason, after.reason)
    if after.kind is Kind.ANNUAL_FEE:
        steps = _fee_steps(before.reason, after.reason, year, tables)
    so_far = parts_of(after.kind, before.reason).net
    yield Cause.OTHER, so_far - before.parts.net, _NOT_RECOMPUTED
    for step in (*steps, _decided(before, after)):
        now = parts_of(after.kind, step.reason).net
        yield step.cause, now - so_far, step.detail
        so_far = now
    yield Cause.OTHER, after.parts.net - so_far, _NOT_RECOMPUTED


_NOT_RECOMPUTED = Text("linjen følger ikke af sin begrundelse", "the line does not follow from its reason")


def _decided(before: Line, after: Line) -> Step:
    """The last step: all that is left of this year's reason is what another table says."""
    table = after.reason.table
    if table.digest == before.reason.table.digest:
        return Step(Cause.OTHER, after.reason)
    since = day(table.valid_from)
    cause = Cause.PRICE if after.kind is Kind.ANNUAL_FEE else Cause.DUES
    return Step(cause, after.reason, Text(f"gælder fra {since.da}", f"valid from {since.en}"))


# --- the steps of an annual fee, in their order; a fact that did not change is none


def _fee_steps(before: Reason, after: Reason, year: int, tables: Catalogue) -> Iterator[Step]:
    takes: tuple[Callable[[Reason], Step | None], ...] = (
        lambda reason: _part_year(reason, after),
        lambda reason: _activity(reason, after),
        lambda reason: _membership(reason, after, year, tables),
        lambda reason: _band(reason, after, tables),
        lambda reason: _sharing(reason, after),
        lambda reason: _contribution(reason, after),
    )
    reason = before
    for take in takes:
        step = take(reason)
        if step is not None:
            reason = step.reason
            yield step


def _part_year(reason: Reason, after: Reason) -> Step | None:
    was, now = reason.year_share, after.year_share
    if was == now:
        return None
    return Step(Cause.PART_YEAR, reason._replace(year_share=now), _arrow(_of_year(was), _of_year(now)))


def _of_year(part: Fraction | None) -> Text:
    return Text("hele året", "the whole year") if part is None else share(part)


def _activity(reason: Reason, after: Reason) -> Step | None:
    """From passive to active or back; another share for the passive is a decision, not this."""
    if (reason.passive_share is None) == (after.passive_share is None):
        return None
    active, passive = Text("aktiv", "active"), Text("passiv", "passive")
    detail = _arrow(passive, active) if after.passive_share is None else _arrow(active, passive)
    return Step(Cause.ACTIVITY, reason._replace(passive_share=after.passive_share), detail)


def _membership(reason: Reason, after: Reason, year: int, tables: Catalogue) -> Step | None:
    if reason.member == after.member:
        return None
    member, no_member = Text("medlem", "member"), Text("ikke medlem", "not a member")
    rate = reason.contribution_share and _last_rate(reason, after, year, tables)
    detail = _arrow(no_member, member) if after.member else _arrow(member, no_member)
    return Step(Cause.MEMBERSHIP, reason._replace(member=after.member, contribution_share=rate), detail)


def _last_rate(reason: Reason, after: Reason, year: int, tables: Catalogue) -> Fraction | None:
    """Give last year's rate for this year's membership; where its table is not known, this year's."""
    table = tables.association_table(periods.new_year(year - 1))
    if table is None or table.contribution_share(member=bool(reason.member)) != reason.contribution_share:
        return after.contribution_share or reason.contribution_share
    return table.contribution_share(member=bool(after.member))


def _band(reason: Reason, after: Reason, tables: Catalogue) -> Step | None:
    was, now = reason.size, after.size
    if was is None or now is None or was.band == now.band:
        return None
    base = _base_of_band(reason, after, (was, now), tables)
    return Step(Cause.BAND, reason._replace(size=now, base=base), _arrow(_size_words(was), _size_words(now)))


def _base_of_band(reason: Reason, after: Reason, sizes: tuple[Size, Size], tables: Catalogue) -> Money:
    """Give last year's price of the new band; where that table had no such band, what this year's make of it."""
    was, now = (size.band for size in sizes)
    last = _bands(tables, reason)
    if now in last and last.get(was) == reason.base:
        return last[now]
    this = _bands(tables, after)
    if was in this and this.get(now) == after.base:
        return reason.base + after.base - this[was]
    return reason.base


def _bands(tables: Catalogue, reason: Reason) -> dict[str, Money]:
    table = _table(tables, reason)
    return dict(table.annual_fee.amounts) if table and isinstance(table.annual_fee, BandFee) else {}


def _table(tables: Catalogue, reason: Reason) -> FeeTable | None:
    adopted = tables.fee_tables.get(reason.table.product, ())
    return next((table for table in adopted if table.reference.digest == reason.table.digest), None)


def _size_words(size: Size) -> Text:
    title = band_title(size.band)
    if size.inhabitants is None:
        return title
    count = whole_number(size.inhabitants)
    return Text(f"{title.da} ({count.da} indbyggere)", f"{title.en} ({count.en} inhabitants)")


def _sharing(reason: Reason, after: Reason) -> Step | None:
    """Other sharers of the same cost; another cost is a decision."""
    was, now = reason.shared_cost, after.shared_cost
    if was is None or now is None or (was.sharers, was.number) == (now.sharers, now.number):
        return None
    cost = CostShare(was.cost, now.sharers, now.number)
    base = share_of_cost(cost.cost, cost.sharers, cost.number)
    words = Text(f"{was.sharers} → {now.sharers} om udgiften", f"{was.sharers} → {now.sharers} share the cost")
    return Step(Cause.SHARING, reason._replace(shared_cost=cost, base=base), words)


def _contribution(reason: Reason, after: Reason) -> Step | None:
    """Other rates; whether there is a contribution at all, the product's table decides."""
    was, now = reason.contribution_share, after.contribution_share
    if was is None or now is None or was == now:
        return None
    return Step(Cause.CONTRIBUTION, reason._replace(contribution_share=now), _arrow(share(was), share(now)))


# --- the steps of the dues


def _dues_steps(before: Reason, after: Reason) -> Iterator[Step]:
    whole = _part_year(before, after)
    if whole is not None:
        yield whole
    reason = whole.reason if whole else before
    if reason.regulation != after.regulation:
        yield Step(Cause.INDEX, reason._replace(regulation=after.regulation))


def _arrow(was: Text, now: Text) -> Text:
    return was + same(" → ") + now
