"""The dues of the association (kontingent): once a year, by the table in force on 1 January (bylaws § 5)."""

from __future__ import annotations

from fractions import Fraction

from billing import case
from billing.case import Case, Ground, Withheld
from billing.charges import Charge, Code, Member
from billing.document import References
from fee_tables.calculation import Kind, Reason
from fee_tables.table import AssociationTable
from foundation import periods
from foundation.language import Text


def owing(of: Case) -> Member | None:
    """Give the membership that owes dues: of a member on 1 January, or of who joins during the year."""
    year = periods.year(of.ground.year)
    members = sorted(of.billable.members, key=lambda member: member.period.start)
    return next((m for m in members if of.ground.key_day in m.period or m.period.start in year), None)


def keys(of: Case, member: Member) -> list[str]:
    """Give the name of the line that a problem withholds."""
    payer = of.billable.payer or of.billable.named
    return [f"{Kind.MEMBERSHIP_DUES.value}|{payer.cvr}|{of.ground.year}"]


def charge(of: Case, member: Member) -> None:
    """Charge the dues. A problem with an agreement does not keep them back. Raises Withheld."""
    of.refuse_ended()
    ground, joined_on = of.ground, member.period.start
    table = case.association_table(ground)
    reason = Reason(
        table=table.reference,
        base=table.dues,
        member=True,
        year_share=_share(ground, table, member),
        regulation=table.index,
        joined_on=joined_on,
    )
    (name,) = keys(of, member)
    of.priced.charges.append(
        Charge(
            key=name,
            kind=Kind.MEMBERSHIP_DUES,
            product=None,
            agreement_id=None,
            membership_id=member.id,
            details=_receiver(of, member),
            vat=table.vat,
            reason=reason,
            parts=ground.parts(Kind.MEMBERSHIP_DUES, reason),
            first_day=max(ground.key_day, joined_on),
            last_day=ground.last_day,
        )
    )


def _share(ground: Ground, table: AssociationTable, member: Member) -> Fraction | None:
    """Give a half where a member joins in the year, after the day named; the day itself pays in full."""
    joined_on = member.period.start
    if table.half_after is None or joined_on.year != ground.year:
        return None
    return Fraction(1, 2) if (joined_on.month, joined_on.day) > table.half_after else None


def _receiver(of: Case, member: Member) -> References:
    """Give where the dues go: the membership's own details, else those of the alphabetically first product with any."""
    if member.details is not None:
        return member.details
    reachable = [(c.product.casefold(), c.name, c.details) for c in of.relevant if c.details is not None]
    if not reachable:
        name = of.billable.named.name
        raise Withheld(
            Code.NO_DUES_RECEIVER,
            Text(
                f"{name}: kontingentet har ingen modtager; giv medlemskabet et GLN",
                f"{name}: the dues have no receiver; give the membership a GLN",
            ),
        )
    return min(reachable, key=lambda found: found[:2])[2]
