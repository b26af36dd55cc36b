"""One authority as its page tells it: inhabitants by year, where the next size boundary is, memberships, successors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, or_, select
from sqlalchemy.orm import Session

from authorities.membership import MEMBERSHIPS
from authorities.population import PLACEMENTS, POPULATION
from authorities.register import AUTHORITIES


@dataclass(frozen=True, slots=True)
class Profile:
    """What the register knows of one authority."""

    counts: Sequence[Row[*tuple[Any, ...]]]  # year, inhabitants, source; oldest first
    placements: Sequence[Row[*tuple[Any, ...]]]  # newest first
    memberships: Sequence[Row[*tuple[Any, ...]]]  # newest first
    predecessors: Sequence[Row[*tuple[Any, ...]]]
    successor: Row[*tuple[Any, ...]] | None

    def inhabitants(self, year: int) -> int | None:
        """Give the inhabitants on 1 January of a year, where they are known."""
        return next((count.inhabitants for count in self.counts if count.year == year), None)

    def placement(self, on: date) -> Row[*tuple[Any, ...]] | None:
        """Give the placement that counts on a day."""
        return next((placed for placed in self.placements if placed.valid_from <= on), None)

    def is_member(self, on: date) -> bool:
        """Tell whether the authority is a member of the association on a day."""
        return any(
            period.joined_on <= on and (period.left_on is None or on < period.left_on) for period in self.memberships
        )


def read(session: Session, authority: Row[*tuple[Any, ...]]) -> Profile:
    """Read what belongs to an authority (a row of its table), in four queries."""
    counts, placements, members = POPULATION.c, PLACEMENTS.c, MEMBERSHIPS.c
    kin = session.execute(
        select(AUTHORITIES.c.cvr, AUTHORITIES.c.name, AUTHORITIES.c.valid_to).where(
            or_(AUTHORITIES.c.succeeded_by_cvr == authority.cvr, AUTHORITIES.c.cvr == authority.succeeded_by_cvr)
        )
    ).all()
    return Profile(
        counts=session.execute(
            select(counts.year, counts.inhabitants, counts.source)
            .where(counts.authority_id == authority.id)
            .order_by(counts.year)
        ).all(),
        placements=session.execute(
            select(PLACEMENTS).where(placements.authority_id == authority.id).order_by(placements.valid_from.desc())
        ).all(),
        memberships=session.execute(
            select(MEMBERSHIPS).where(members.authority_id == authority.id).order_by(members.joined_on.desc())
        ).all(),
        predecessors=[row for row in kin if row.cvr != authority.succeeded_by_cvr],
        successor=next((row for row in kin if row.cvr == authority.succeeded_by_cvr), None),
    )
