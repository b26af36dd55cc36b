"""The made-up people of demonstration and development: at least one of each role, and somebody nobody knows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from agreements.models import Product
from app.access import Role
from app.identity import users
from app.identity.models import Invitation, UserAccount, UserIdentity
from app.identity.users import SeatOf
from authorities.models import Authority
from foundation.audit import Trail

_AARHUS, _AALBORG = "55133018", "29189420"

#: The day their roles begin: before whatever clock a demonstration is set to.
_SINCE = date(2012, 1, 1)


@dataclass(frozen=True, slots=True)
class MadeUp:
    """Somebody who does not exist."""

    subject: str
    name: str
    roles: tuple[Role, ...] = ()
    seat: SeatOf | None = None

    @property
    def cvr(self) -> str:
        """The CVR number that the local provider tells of them; empty for the association's own."""
        return (self.seat and self.seat.cvr) or ""


PEOPLE = (
    MadeUp("administrator", "Administrator (opdigtet)", (Role.ADMINISTRATOR,)),
    MadeUp("finance", "Økonomimedarbejder (opdigtet)", (Role.FINANCE,)),
    MadeUp("approver", "Godkender (opdigtet)", (Role.APPROVER,)),
    MadeUp("approver-2", "Anden godkender (opdigtet)", (Role.APPROVER,)),
    MadeUp("auditor", "Revisor (opdigtet)", (Role.AUDITOR,)),
    MadeUp("signatory-aarhus", "Underskriver i Aarhus (opdigtet)", (Role.SIGNATORY,), SeatOf(cvr=_AARHUS)),
    MadeUp("signatory-aarhus-2", "Anden underskriver i Aarhus (opdigtet)", (Role.SIGNATORY,), SeatOf(cvr=_AARHUS)),
    MadeUp("signatory-aalborg", "Underskriver i Aalborg (opdigtet)", (Role.SIGNATORY,), SeatOf(cvr=_AALBORG)),
    MadeUp("group-valghalla", "Koordinationsgruppen for OS2valghalla (opdigtet)", (Role.COORDINATION,),
           SeatOf(product="OS2valghalla")),
    MadeUp("group-kitos", "Koordinationsgruppen for OS2kitos (opdigtet)", (Role.COORDINATION,),
           SeatOf(product="OS2kitos")),
)  # fmt: skip

#: Somebody the provider knows and the service does not.
STRANGER = MadeUp("stranger", "En fremmed (opdigtet)")


def make(session: Session, trail: Trail, issuer: str) -> int:
    """Add the made-up people where nobody is registered, and let the issuer know them; give how many were added."""
    made = 0 if session.scalar(select(func.count()).select_from(UserAccount)) else _add_all(session, trail)
    ids = dict(
        session.execute(select(UserAccount.name, UserAccount.id).where(UserAccount.mail.like("%@example.dk"))).all()
    )
    for person in PEOPLE:
        if person.name in ids and users.identified(session, issuer, person.subject) is None:
            session.add(UserIdentity(user_id=ids[person.name], issuer=issuer, subject=person.subject))
    session.flush()
    return made


def _add_all(session: Session, trail: Trail) -> int:
    for person in PEOPLE:
        seats = [person.seat] if person.seat and _is_there(session, person.seat) else []
        mail = f"{person.subject}@example.dk"
        users.invite(session, person.name, mail, trail, roles=person.roles, seats=seats, on=_SINCE)
    session.execute(update(Invitation).values(used_at=trail.at))  # the provider knows them: nobody needs a link
    return len(PEOPLE)


def _is_there(session: Session, seat: SeatOf) -> bool:
    """Tell whether the registers have the place; before the starter is loaded they are empty."""
    place = Authority.id if seat.cvr else Product.id
    which = Authority.cvr == seat.cvr if seat.cvr else Product.name == seat.product
    return session.scalar(select(place).where(which)) is not None
