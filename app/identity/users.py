"""People, their roles and seats: inviting, granting, ending, and who somebody is on a day.

Every change stands in the audit trail, by name and id. Nobody changes their own roles, and an administrator who can
sign in always remains. A change of roles or seats ends the person's sessions.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from agreements.models import Product
from app.access import Principal, Role
from app.identity import offices
from app.identity.models import BrowserSession, Invitation, RoleGrant, Seat, UserAccount, UserIdentity
from authorities.models import Authority
from foundation import letters, wording
from foundation.audit import Trail
from foundation.errors import Conflict, NotFound, Refused
from foundation.language import Language, Text, joined, same

#: How long a link in a mail may be taken up.
MAIL_LINK = timedelta(minutes=10)

#: In characters.
LONGEST_NAME = wording.LONGEST_NAME - 20  # with its number it is an actor's name
LONGEST_MAIL = 254

# A name that ends like an id would read as somebody else.
_LOOKS_LIKE_AN_ID = re.compile(r"#\s*[0-9]+\s*$")


class Unknown(NotFound):
    """Nobody by that name, mail address or number."""


class Unfit(Refused):
    """A name, a mail address, a role or a seat that cannot be; `about` names which of them a form would ask for."""

    def __init__(self, text: Text, about: str = "") -> None:
        super().__init__(text)
        self.about = about


class Ambiguous(Refused):
    """More than one person goes by that name or mail address."""


class OwnRole(Refused):
    """Somebody tried to change their own roles or seats."""


class LastAdministrator(Refused):
    """Without this one nobody could change users any more."""


class NotApprover(Refused):
    """Who is said to approve or prepare may not."""


class LinkRefused(NotFound):
    """The link is unknown, used, too old, or was taken up in another browser: nobody is told which."""

    def __init__(self) -> None:
        super().__init__(
            Text(
                "linket kan ikke bruges: det er brugt, for gammelt eller åbnet i en anden browser. Bed om et nyt",
                "the link cannot be used: it is used, too old, or was opened in another browser. Ask for a new one",
            )
        )


class IdentityTaken(Conflict):
    """The provider's identity belongs to another person here."""


@dataclass(frozen=True, slots=True)
class SeatOf:
    """Where somebody sits: an authority by its CVR number, or the coordination group of a product."""

    cvr: str | None = None
    product: str | None = None

    @property
    def text(self) -> str:
        """The seat in words that are the same in both languages."""
        return f"CVR {self.cvr}" if self.cvr else str(self.product)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with what they are on a day."""

    id: int
    name: str
    mail: str
    language: str
    ended_at: datetime | None
    has_identity: bool
    roles: tuple[Role, ...]
    seats: tuple[SeatOf, ...]


# --- questions


def actor(user: UserAccount | Person) -> str:
    """Give what the audit trail records of somebody."""
    return f"{user.name} #{user.id}"


def spoken_by(user: UserAccount | Person) -> Language:
    """Give the language in which somebody is written to."""
    return "en" if user.language == "en" else "da"


def get(session: Session, user_id: int) -> UserAccount:
    """Give somebody by number. Raises Unknown."""
    found = session.get(UserAccount, user_id)
    if found is None:
        raise _unknown(str(user_id))
    return found


def find(session: Session, words: str) -> UserAccount:
    """Give somebody by number (`#7`, `Name #7`), mail address or name. Raises Unknown, Ambiguous."""
    wanted = wording.composed(words.strip())
    if numbered := re.fullmatch(r"(.*?)\s*#?([0-9]{1,15})", wanted):
        user = session.get(UserAccount, int(numbered[2]))
        if user is not None and numbered[1] in ("", user.name):
            return user
    matching = or_(UserAccount.name == wanted, func.lower(UserAccount.mail) == wanted.lower())
    found = session.scalars(select(UserAccount).where(matching, UserAccount.ended_at.is_(None)).limit(2)).all()
    if not found:
        raise _unknown(wanted)
    if len(found) > 1:
        raise Ambiguous(
            Text(
                f"flere hedder {wanted}: brug nummeret fra os2tilslut users list, som #7",
                f"more than one is called {wanted}: use the number from os2tilslut users list, such as #7",
            )
        )
    return found[0]


def approver(session: Session, name_or_mail: str, on: date) -> UserAccount:
    """Give an active approver by name, mail address or number. Raises NotApprover."""
    return holder(session, name_or_mail, on, (Role.APPROVER,))


def holder(session: Session, name_or_mail: str, on: date, roles: Collection[Role]) -> UserAccount:
    """Give somebody active who has one of the roles on a day and has signed in once. Raises NotApprover."""
    try:
        user = find(session, name_or_mail)
    except Unknown:
        raise _not_a_holder(name_or_mail, roles) from None
    known = select(UserIdentity.id).where(UserIdentity.user_id == user.id).limit(1)
    if user.ended_at or not roles_of(session, user.id, on) & frozenset(roles) or session.scalar(known) is None:
        raise _not_a_holder(name_or_mail, roles)
    return user


def _not_a_holder(words: str, roles: Collection[Role]) -> NotApprover:
    listed, shown = joined(map(role_title, sorted(roles)), " / "), wording.quoted(words)
    return NotApprover(
        Text(
            f"{shown} er ingen aktiv, registreret {listed.da}, der har logget ind: se os2tilslut users list",
            f"{shown} is no active, registered {listed.en} who has signed in: see os2tilslut users list",
        )
    )


def roles_of(session: Session, user_id: int, on: date) -> frozenset[Role]:
    """Give somebody's roles on a day."""
    found = select(RoleGrant.role).where(RoleGrant.user_id == user_id, in_force(RoleGrant, on))
    return frozenset(map(Role, session.scalars(found)))


def cvrs_of(session: Session, user_id: int, on: date) -> frozenset[str]:
    """Give the CVR numbers of the authorities somebody has a seat in on a day."""
    found = (
        select(Authority.cvr)
        .join(Seat, Seat.authority_id == Authority.id)
        .where(Seat.user_id == user_id, in_force(Seat, on))
    )
    return frozenset(session.scalars(found))


def in_force(dated: type[RoleGrant] | type[Seat], on: date | ColumnElement[date]) -> ColumnElement[bool]:
    """Tell in SQL what counts on a day."""
    return and_(dated.from_on <= on, or_(dated.until_on.is_(None), dated.until_on > on))


def principal_of(session: Session, user_id: int, on: date, signed_in_at: datetime | None = None) -> Principal | None:
    """Give who somebody is on a day, in one query; None for nobody and for who has ended."""
    found = (
        select(UserAccount.name, UserAccount.language, RoleGrant.role, Seat.authority_id, Seat.product,
               offices.is_chair(UserAccount.id, on).label("is_chair"))
        .outerjoin(RoleGrant, and_(RoleGrant.user_id == UserAccount.id, in_force(RoleGrant, on)))
        .outerjoin(Seat, and_(Seat.user_id == UserAccount.id, in_force(Seat, on)))
        .where(UserAccount.id == user_id, UserAccount.ended_at.is_(None))
    )  # fmt: skip
    return principal_from(session.execute(found).all(), user_id, signed_in_at)


def principal_from(rows: Sequence[Any], user_id: int, signed_in_at: datetime | None) -> Principal | None:
    """Make a principal of the rows of somebody joined with roles and seats."""
    if not rows:
        return None
    return Principal(
        user_id=user_id,
        name=rows[0].name,
        roles=frozenset(Role(row.role) for row in rows if row.role),
        authorities=frozenset(row.authority_id for row in rows if row.authority_id is not None),
        products=frozenset(row.product for row in rows if row.product is not None),
        signed_in_at=signed_in_at,
        via="browser",
        language="en" if rows[0].language == "en" else "da",
        is_chair=bool(getattr(rows[0], "is_chair", False)),
    )


def people(session: Session, on: date, *, with_ended: bool = False) -> list[Person]:
    """Give everybody with what they are on a day, by name, in four queries."""
    found = select(UserAccount).order_by(UserAccount.name, UserAccount.id)
    if not with_ended:
        found = found.where(UserAccount.ended_at.is_(None))
    known = set(session.scalars(select(UserIdentity.user_id)))
    roles, seats = _roles_by_user(session, on), _seats_by_user(session, on)
    return [
        Person(user.id, user.name, user.mail, user.language, user.ended_at, user.id in known,
               tuple(sorted(roles.get(user.id, ()))), tuple(seats.get(user.id, ())))
        for user in session.scalars(found)
    ]  # fmt: skip


def _roles_by_user(session: Session, on: date) -> dict[int, set[Role]]:
    found: dict[int, set[Role]] = {}
    for user_id, role in session.execute(select(RoleGrant.user_id, RoleGrant.role).where(in_force(RoleGrant, on))):
        found.setdefault(user_id, set()).add(Role(role))
    return found


def _seats_by_user(session: Session, on: date) -> dict[int, list[SeatOf]]:
    found: dict[int, list[SeatOf]] = {}
    rows = (
        select(Seat.user_id, Authority.cvr, Seat.product)
        .outerjoin(Authority, Authority.id == Seat.authority_id)
        .where(in_force(Seat, on))
        .order_by(Authority.cvr, Seat.product)
    )
    for user_id, cvr, product in session.execute(rows):
        found.setdefault(user_id, []).append(SeatOf(cvr, product))
    return found


def _unknown(words: str) -> Unknown:
    shown = wording.quoted(words)
    return Unknown(Text(f"ingen bruger: {shown}", f"no user: {shown}"))


# --- inviting, and taking an invitation up


def invite(
    session: Session,
    name: str,
    mail: str,
    trail: Trail,
    *,
    roles: Iterable[Role] = (),
    seats: Iterable[SeatOf] = (),
    on: date,
    valid: timedelta = MAIL_LINK,
) -> tuple[UserAccount, str]:
    """Add somebody with roles and seats from a day; give them and the secret of their link, which is told only here.

    Raises Unfit.
    """
    user = UserAccount(name=_fit_name(name), mail=_fit_mail(mail), language="da", created_at=trail.at, ended_at=None)
    session.add(user)
    session.flush()
    token = _link(session, user, trail, valid)
    trail.record("user.invited", f"user {user.id}", {"name": user.name})
    for role in dict.fromkeys(roles):
        grant(session, user, role, trail, on=on)
    for seat in dict.fromkeys(seats):
        give_seat(session, user, seat, trail, on=on)
    return user, token


def invite_again(session: Session, user: UserAccount, trail: Trail, valid: timedelta = MAIL_LINK) -> str:
    """Make somebody a new link; older ones that were not used are used up with that."""
    _refuse_ended(user)
    unused = (Invitation.user_id == user.id, Invitation.used_at.is_(None))
    session.execute(update(Invitation).where(*unused).values(used_at=trail.at))
    trail.record("user.invited", f"user {user.id}", {"name": user.name, "again": True})
    return _link(session, user, trail, valid)


def _link(session: Session, user: UserAccount, trail: Trail, valid: timedelta) -> str:
    token = secrets.token_urlsafe(32)
    session.add(
        Invitation(
            user_id=user.id,
            token_sha256=hashed(token),
            made_at=trail.at,
            expires_at=trail.at + valid,
            browser_sha256=None,
            used_at=None,
            made_by=trail.actor,
        )
    )
    session.flush()
    return token


def hashed(secret: str) -> str:
    """Give the form in which a random secret is kept and looked up."""
    return hashlib.sha256(secret.encode()).hexdigest()


def invited(session: Session, token: str, at: datetime) -> UserAccount:
    """Give whom an open link is for; changes nothing. Raises LinkRefused."""
    return get(session, _open_invitation(session, token, at).user_id)


def take_up(session: Session, token: str, browser: str, at: datetime) -> int:
    """Bind an open link to the first browser that takes it up; give the invitation's id. Raises LinkRefused.

    `browser` is the hash by which the browser's session is kept.
    """
    invitation = _open_invitation(session, token, at)
    if invitation.browser_sha256 not in (None, browser):
        raise LinkRefused
    invitation.browser_sha256 = browser
    session.flush()
    return invitation.id


def _open_invitation(session: Session, token: str, at: datetime) -> Invitation:
    found = session.scalars(select(Invitation).where(Invitation.token_sha256 == hashed(token))).first()
    if found is None or found.used_at is not None or found.expires_at <= at:
        raise LinkRefused
    if get(session, found.user_id).ended_at is not None:
        raise LinkRefused
    return found


def invited_by(session: Session, invitation_id: int, browser: str) -> UserAccount:
    """Give whom a link is for that this browser has taken up and nobody used yet. Raises LinkRefused."""
    found = session.get(Invitation, invitation_id)
    if found is None or found.used_at is not None or found.browser_sha256 != browser:
        raise LinkRefused
    user = get(session, found.user_id)
    if user.ended_at is not None:
        raise LinkRefused
    return user


def accept(session: Session, invitation_id: int, browser: str, issuer: str, subject: str, trail: Trail) -> UserAccount:
    """Bind the provider's identity to whom the link is for, and use the link up. Raises LinkRefused, IdentityTaken."""
    user = invited_by(session, invitation_id, browser)
    owner = identified(session, issuer, subject)
    if owner is not None and owner.id != user.id:
        raise IdentityTaken(
            Text(
                "dit login hører allerede til en anden bruger her: tal med en administrator",
                "your sign-in belongs to another user here already: speak with an administrator",
            )
        )
    open_ = (Invitation.id == invitation_id, Invitation.used_at.is_(None))
    used = session.scalars(update(Invitation).where(*open_).values(used_at=trail.at).returning(Invitation.id))
    if used.first() is None:
        raise LinkRefused
    if owner is None:
        session.add(UserIdentity(user_id=user.id, issuer=issuer, subject=subject))
    session.flush()
    trail.record("user.accepted", f"user {user.id}", {"name": user.name})
    return user


def identified(session: Session, issuer: str, subject: str) -> UserAccount | None:
    """Give who has the provider's identity: by issuer and subject, and by nothing else."""
    return session.scalars(
        select(UserAccount)
        .join(UserIdentity, UserIdentity.user_id == UserAccount.id)
        .where(UserIdentity.issuer == issuer, UserIdentity.subject == subject)
    ).first()


def name_fault(name: str) -> Text | None:
    """Say what is wrong with somebody's name, composed."""
    if fault := wording.fault(name, LONGEST_NAME):
        return fault
    if not any(map(str.isalpha, name)):
        return Text("er tomt", "is empty")
    if _LOOKS_LIKE_AN_ID.search(name):
        return Text("må ikke ende som et nummer", "may not end like a number")
    return None


def mail_fault(mail: str) -> Text | None:
    """Say what is wrong with a mail address."""
    if letters.address_fault(mail) is None:
        return None
    shown = wording.quoted(mail)
    return Text(f"{shown} er ikke én mailadresse", f"{shown} is not one address")


def _fit_name(name: str) -> str:
    fit = wording.composed(name.strip())
    if fault := name_fault(fit):
        raise Unfit(Text("navnet ", "the name ") + fault)
    return fit


def _fit_mail(mail: str) -> str:
    fit = mail.strip()
    if fault := mail_fault(fit):
        raise Unfit(fault)
    return fit


# --- roles and seats


def grant(session: Session, user: UserAccount, role: Role, trail: Trail, *, on: date) -> None:
    """Give somebody a role from a day; one that is had already stays as it is. Raises OwnRole."""
    _refuse_own(user, trail)
    _refuse_ended(user)
    if role in roles_of(session, user.id, on):
        return
    session.add(
        RoleGrant(
            user_id=user.id, role=role.value, from_on=on, until_on=None, granted_by=trail.actor, granted_at=trail.at
        )
    )
    trail.record("role.granted", f"user {user.id}", {"role": role.value, "from_on": on})
    end_sessions(session, user.id)


def end_role(session: Session, user: UserAccount, role: Role, trail: Trail, *, on: date) -> None:
    """Take a role away; `on` is the first day without. Raises OwnRole, LastAdministrator, Unfit."""
    _refuse_own(user, trail)
    if role is Role.ADMINISTRATOR:
        _refuse_last(session, user, on)
    standing = (RoleGrant.user_id == user.id, RoleGrant.role == role.value, _stands(RoleGrant, on))
    ended = session.scalars(update(RoleGrant).where(*standing).values(until_on=on).returning(RoleGrant.id)).all()
    if not ended:
        raise Unfit(Text(f"{user.name} har ikke rollen {role}", f"{user.name} does not have the role {role}"))
    trail.record("role.ended", f"user {user.id}", {"role": role.value, "until_on": on})
    end_sessions(session, user.id)


def give_seat(session: Session, user: UserAccount, seat: SeatOf, trail: Trail, *, on: date) -> None:
    """Give somebody a seat from a day; one that is had already stays as it is. Raises OwnRole, Unfit."""
    _refuse_own(user, trail)
    _refuse_ended(user)
    place = _place(session, seat)
    had = select(Seat.id).where(Seat.user_id == user.id, in_force(Seat, on), *_same(place))
    if session.scalar(had.limit(1)) is not None:
        return
    session.add(Seat(user_id=user.id, **place, from_on=on, until_on=None, given_by=trail.actor))
    trail.record("seat.given", f"user {user.id}", {**place, "from_on": on})
    end_sessions(session, user.id)


def end_seat(session: Session, user: UserAccount, seat: SeatOf, trail: Trail, *, on: date) -> None:
    """Take a seat away; `on` is the first day without. Raises OwnRole, Unfit."""
    _refuse_own(user, trail)
    place = _place(session, seat)
    standing = (Seat.user_id == user.id, _stands(Seat, on), *_same(place))
    ended = session.scalars(update(Seat).where(*standing).values(until_on=on).returning(Seat.id)).all()
    if not ended:
        raise Unfit(
            Text(f"{user.name} har ikke pladsen {seat.text}", f"{user.name} does not have the seat {seat.text}")
        )
    trail.record("seat.ended", f"user {user.id}", {**place, "until_on": on})
    end_sessions(session, user.id)


def end(session: Session, user: UserAccount, trail: Trail, *, on: date) -> None:
    """End somebody: no role, seat, session or link any more. Twice is once. Raises OwnRole, LastAdministrator."""
    _refuse_own(user, trail)
    if user.ended_at is not None:
        return
    _refuse_last(session, user, on)
    for dated, action in ((RoleGrant, "role.ended"), (Seat, "seat.ended")):
        standing = (dated.user_id == user.id, _stands(dated, on))
        if session.scalars(update(dated).where(*standing).values(until_on=on).returning(dated.id)).all():
            trail.record(action, f"user {user.id}", {"all": True, "until_on": on})
    unused = (Invitation.user_id == user.id, Invitation.used_at.is_(None))
    session.execute(update(Invitation).where(*unused).values(used_at=trail.at))
    user.ended_at = trail.at
    trail.record("user.ended", f"user {user.id}", {"name": user.name})
    end_sessions(session, user.id)


def speak(session: Session, user_id: int, language: str) -> None:
    """Keep the language somebody chose."""
    get(session, user_id).language = "en" if language == "en" else "da"
    session.flush()


def end_sessions(session: Session, user_id: int) -> None:
    """End all of somebody's sessions, in every browser."""
    session.flush()
    session.execute(delete(BrowserSession).where(BrowserSession.user_id == user_id))


def _stands(dated: type[RoleGrant] | type[Seat], on: date) -> ColumnElement[bool]:
    """Tell in SQL what still stands on a day or will: what begins later is ended as well, and then never begins."""
    return or_(dated.until_on.is_(None), dated.until_on > on)


def seat_faults(session: Session, seats: Iterable[SeatOf]) -> dict[str, Text]:
    """Say what is wrong with seats somebody asks for: by `cvr` or `product`, and nothing where they can be given."""
    found: dict[str, Text] = {}
    for seat in seats:
        try:
            _place(session, seat)
        except Unfit as fault:
            found["product" if seat.cvr is None else "cvr"] = fault.text
    return found


def _place(session: Session, seat: SeatOf) -> dict[str, Any]:
    if (seat.cvr is None) == (seat.product is None):
        raise Unfit(Text("en plads er i en myndighed eller en produktgruppe", "a seat is in an authority or a group"))
    if seat.product is not None:
        if session.scalar(select(Product.id).where(Product.name == seat.product)) is None:
            raise Unfit(Text(f"intet produkt {seat.text}", f"no product {seat.text}"), "product")
        return {"authority_id": None, "product": seat.product}
    authority_id = session.scalar(select(Authority.id).where(Authority.cvr == seat.cvr))
    if authority_id is None:
        raise Unfit(Text(f"ingen myndighed med {seat.text}", f"no authority with {seat.text}"), "cvr")
    return {"authority_id": authority_id, "product": None}


def _same(place: dict[str, Any]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (
        Seat.authority_id.is_not_distinct_from(place["authority_id"]),
        Seat.product.is_not_distinct_from(place["product"]),
    )


def _refuse_own(user: UserAccount, trail: Trail) -> None:
    if actor(user) == trail.actor:
        raise OwnRole(
            Text("ingen ændrer sine egne roller: bed en anden", "nobody changes their own roles: ask somebody else")
        )


def _refuse_ended(user: UserAccount) -> None:
    if user.ended_at is not None:
        raise Unfit(Text(f"{user.name} er ophørt som bruger", f"{user.name} has ended as a user"))


def _refuse_last(session: Session, user: UserAccount, on: date) -> None:
    """Refuse to end the last administrator who can sign in: who never did cannot stand in."""
    able = set(
        session.scalars(
            select(UserAccount.id)
            .join(RoleGrant, RoleGrant.user_id == UserAccount.id)
            .join(UserIdentity, UserIdentity.user_id == UserAccount.id)
            .where(UserAccount.ended_at.is_(None), RoleGrant.role == Role.ADMINISTRATOR.value, in_force(RoleGrant, on))
        )
    )
    if able == {user.id}:
        raise LastAdministrator(
            Text(
                f"{user.name} er den sidste administrator: giv en anden rollen først, og lad denne logge ind",
                f"{user.name} is the last administrator: give another the role first, and let them sign in",
            )
        )


def role_title(role: Role) -> Text:
    """Name a role for people."""
    return _TITLES[role]


_TITLES = {
    Role.SIGNATORY: Text("tegningsberettiget", "signatory"),
    Role.COORDINATION: Text("koordinationsgruppe", "coordination group"),
    Role.FINANCE: Text("økonomi", "finance"),
    Role.APPROVER: Text("godkender", "approver"),
    Role.AUDITOR: Text("revisor", "auditor"),
    Role.ADMINISTRATOR: same("administrator"),
}
