"""An authority's own start: what awaits it, its agreements, what it pays this year and next and why, who may sign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from agreements import agreement_list, offered, rights, signing
from agreements.rights import Right
from agreements.signing import Task
from agreements.steps import Stand
from app import access
from app.web import layout
from billing import outlook
from billing.outlook import Forecast
from foundation import proposals
from foundation.proposals import Proposal

#: Offers an authority can act on.
_OPEN = (Stand.OFFERED.value, Stand.OPENED.value, Stand.PARTLY_SIGNED.value)
#: What stands in the list of agreements; the dead stand in the whole list.
_LIVING = (*_OPEN, Stand.SIGNED.value, "countersigned", "in_force", Stand.UNDER_NOTICE.value)


@dataclass(frozen=True, slots=True)
class Awaiting:
    """An offer that waits for the authority, and where signing stands for who looks."""

    row: Any
    last: Any
    task: Task


@dataclass(frozen=True, slots=True)
class Own:
    """One authority of the person, with all that its start shows."""

    authority: Any
    awaiting: list[Awaiting]
    agreements: list[Any]
    years: list[Forecast]
    rights: list[Right]
    proposals: list[Proposal]


def of(session: Session) -> list[Own]:
    """Give the start of each of the person's own authorities; mostly one."""
    found = access.own_authorities("agreement.read")
    return [_of(session, authority) for authority in session.scalars(found)]


def _of(session: Session, authority: Any) -> Own:
    today = layout.today()
    listed = agreement_list.on(today, drafts=False)
    columns = listed.columns
    rows = session.execute(
        listed.statement.where(columns.authority_id == authority.id, columns.state.in_(_LIVING))
        .order_by(columns.product, columns.reference)
    ).all()  # fmt: skip
    return Own(
        authority=authority,
        awaiting=_awaiting(session, [row for row in rows if row.state in _OPEN]),
        agreements=list(rows),
        years=[outlook.whole_year(session, authority.id, year) for year in (today.year, today.year + 1)],
        rights=rights.who_may(session, authority.id, today),
        proposals=proposals.open_for(session, "billing_details", authority.cvr),
    )


def _awaiting(session: Session, rows: list[Any]) -> list[Awaiting]:
    """Say of each open offer where signing stands for this person."""
    by_id = {offer.id: offer for offer in offered.many(session, [row.offer_id for row in rows])}
    user_id = access.current().user_id or 0
    found = []
    for row in rows:
        offer = by_id[row.offer_id]
        found.append(Awaiting(row, offer.expires_on, signing.task(session, offer, user_id, layout.today())))
    return found
