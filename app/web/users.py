"""Users: who may come in, with which roles and seats; a signatory invites colleagues to its own organisation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agreements.models import Product
from app import access, database
from app.access import Role
from app.identity import offices, users
from app.identity.models import BrowserSession, RoleGrant, Seat, UserAccount, UserIdentity
from app.identity.users import Person, SeatOf
from app.schemas import Colleague, Invitation, Nothing, OfficeChange, RoleChange, SeatChange
from app.web import forms, layout, lists
from app.web.forms import Sent
from app.web.lists import Choice, Column, Filter, Listing
from authorities.models import Authority
from foundation.language import Text, joined

blueprint = Blueprint("users", __name__)

_ROLES = {role.value: users.role_title(role) for role in Role}
_LONGEST_SHOWN = 100  # grants, seats and sign-ins of one person

_NO_SEAT = Text("skriv et CVR-nummer, eller vælg et produkt", "give a CVR number, or choose a product")
_NOT_OWN = Text("vælg din egen organisation", "choose your own organisation")
_INVITED = Text("Invitation lavet", "Invitation made")


# --- the list


@blueprint.get("/users")
@access.needs("users.read")
def page() -> ResponseReturnValue:
    """List the users."""
    with database.reading() as session:
        return render_template("users/list.html", page=lists.page(session, _listing(session)))


@blueprint.get("/users.<form>")
@access.needs("users.read")
def export(form: str) -> ResponseReturnValue:
    """Give the list as a file."""
    with database.reading() as session:
        return lists.export(session, _listing(session), form)


def _listing(session: Session) -> Listing:
    today = {person.id: person for person in users.people(session, layout.today(), with_ended=True)}
    columns = UserAccount.__table__.c
    having = select(RoleGrant.user_id).where(users.in_force(RoleGrant, layout.today()))
    return Listing(
        name="users",
        caption=Text("Brugere", "Users"),
        statement=select(columns.id, columns.name, columns.mail, columns.ended_at),
        columns=(
            Column("name", Text("Navn", "Name"), lambda row: row.name, func.lower(columns.name),
                   lambda row: f"/users/{row.id}"),
            Column("mail", Text("Mail", "Mail"), lambda row: row.mail, columns.mail),
            Column("roles", Text("Roller", "Roles"), lambda row: _roles(today[row.id])),
            Column("seats", Text("Pladser", "Seats"), lambda row: ", ".join(seat.text for seat in today[row.id].seats)),
            Column("state", Text("Tilstand", "State"), lambda row: _state(today[row.id])),
        ),
        filters=(
            Filter("q", Text("Søg i navn og mail", "Search in name and mail"),
                   lambda words: lists.contains(columns.name, words) | lists.contains(columns.mail, words)),
            Filter("role", Text("Rolle", "Role"), lambda role: columns.id.in_(having.where(RoleGrant.role == role)),
                   [Choice(role, title) for role, title in _ROLES.items()]),
        ),
        sort="name",
        tie=(columns.id,),
        empty=Text("Ingen brugere endnu: inviter den første", "No users yet: invite the first"),
    )  # fmt: skip


def _roles(person: Person) -> Text:
    return joined(map(users.role_title, person.roles), ", ")


def _state(person: Person) -> Text:
    if person.ended_at is not None:
        return Text("Ophørt", "Ended")
    return Text("Aktiv", "Active") if person.has_identity else Text("Inviteret", "Invited")


# --- the page of one


@blueprint.get("/users/<int:user>")
@access.needs("users.read")
def one(user: int) -> ResponseReturnValue:
    """Show somebody with roles, seats and where they are signed in."""
    with database.reading() as session:
        return _page(session, user)


def _page(session: Session, user: int, errors: Mapping[str, Text] | None = None) -> str:
    given = request.form if errors else {}
    return render_template("users/page.html", **_told(session, user), errors=errors or {}, given=given)


def _told(session: Session, user_id: int) -> dict[str, Any]:
    user = users.get(session, _id(user_id))
    today = layout.today()
    return {
        "user": user,
        "roles": [
            (row, users.role_title(Role(row.role)), _counts(row, today)) for row in _of(session, RoleGrant, user)
        ],
        "seats": [(row, cvr, name, _counts(row, today)) for row, cvr, name in _seats(session, user)],
        "sessions": _of(session, BrowserSession, user, BrowserSession.seen_at.desc()),
        "identities": _of(session, UserIdentity, user),
        "offices": [(held, held.holds(today)) for held in offices.of_user(session, user.id)],
        "is_self": user.id == access.current().user_id,
        **_choices(session),
    }


def _id(given: int) -> int:
    return given if given < 2**31 else 0  # no such number, and none that a database refuses to read


def _of(session: Session, table: Any, user: UserAccount, order: Any = None) -> list[Any]:
    found = select(table).where(table.user_id == user.id)
    return list(session.scalars(found.order_by(table.id if order is None else order).limit(_LONGEST_SHOWN)))


def _seats(session: Session, user: UserAccount) -> list[tuple[Seat, str | None, str | None]]:
    rows = session.execute(
        select(Seat, Authority.cvr, Authority.name)
        .outerjoin(Authority, Authority.id == Seat.authority_id)
        .where(Seat.user_id == user.id)
        .order_by(Seat.id)
        .limit(_LONGEST_SHOWN)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def _counts(dated: RoleGrant | Seat, on: date) -> bool:
    return dated.from_on <= on and (dated.until_on is None or dated.until_on > on)


def _choices(session: Session) -> dict[str, Any]:
    return {
        "role_choices": [(role, layout.say(title)) for role, title in _ROLES.items()],
        "product_choices": [("", layout.t("Ingen", "None")), *((name, name) for name in _products(session))],
    }


def _products(session: Session) -> list[str]:
    return list(session.scalars(select(Product.name).order_by(Product.name)))


# --- changing


@blueprint.get("/users/invite")
@access.needs("users.change")
def invitation() -> ResponseReturnValue:
    """Show the form that invites somebody."""
    with database.reading() as session:
        return _invitation(session)


def _invitation(session: Session, given: Mapping[str, Any] | None = None, errors: Any = None) -> str:
    return render_template("users/invite.html", given=given or {}, errors=errors or {}, **_choices(session))


@blueprint.post("/users/invite")
@access.needs("users.change")
def invite() -> ResponseReturnValue:
    """Add somebody with a role, and show the link, which is told only here."""
    sent = forms.read(Invitation)
    with layout.acting() as (session, trail):
        if errors := sent.errors or users.seat_faults(session, _seats_in(sent)):
            return _invitation(session, sent.typed, errors), 422
        user, token = users.invite(
            session, sent["name"], sent["mail"], trail, roles=[Role(sent["role"])], seats=_seats_in(sent),
            on=layout.today(), valid=layout.config().invitation_valid,
        )  # fmt: skip
        name, id_ = user.name, user.id
    return _link(name, token, f"/users/{id_}")


def _link(name: str, token: str, back: str) -> ResponseReturnValue:
    """Show a link once: it is kept as a hash, so it cannot be shown again."""
    base = (layout.config().base_url or request.host_url).rstrip("/")
    hours = int(layout.config().invitation_valid.total_seconds() // 3600)
    return render_template(
        "users/link.html", title=_INVITED, name=name, link=f"{base}/invitation/{token}", hours=hours, back=back
    )


def _seats_in(sent: Sent) -> list[SeatOf]:
    cvr, product = sent.get("cvr"), sent.get("product")
    return [*([SeatOf(cvr=cvr)] if cvr else []), *([SeatOf(product=product)] if product else [])]


@blueprint.post("/users/<int:user>/roles")
@access.needs("users.change")
def change_role(user: int) -> ResponseReturnValue:
    """Give or end a role, from today."""
    sent = forms.read(RoleChange)
    with layout.acting() as (session, trail):
        if sent.errors:
            return _page(session, user, sent.errors), 422
        act = users.end_role if sent["act"] == "end" else users.grant
        act(session, users.get(session, _id(user)), Role(sent["role"]), trail, on=layout.today())
    return _changed(user)


@blueprint.post("/users/<int:user>/seats")
@access.needs("users.change")
def change_seat(user: int) -> ResponseReturnValue:
    """Give or end a seat, from today."""
    sent = forms.read(SeatChange)
    with layout.acting() as (session, trail):
        if errors := sent.errors or _faults_of_seats(session, _seats_in(sent)):
            return _page(session, user, errors), 422
        act = users.end_seat if sent["act"] == "end" else users.give_seat
        for seat in _seats_in(sent):
            act(session, users.get(session, _id(user)), seat, trail, on=layout.today())
    return _changed(user)


def _faults_of_seats(session: Session, seats: list[SeatOf]) -> Mapping[str, Text]:
    return users.seat_faults(session, seats) if seats else {"cvr": _NO_SEAT}


@blueprint.post("/users/<int:user>/office")
@access.needs("users.change")
def change_office(user: int) -> ResponseReturnValue:
    """Give the chair's office from a day, today where none is named; or end it from today."""
    sent = forms.read(OfficeChange)
    with layout.acting() as (session, trail):
        if sent.errors:
            return _page(session, user, sent.errors), 422
        holder = users.get(session, _id(user))
        if sent["act"] == "end":
            offices.end(session, holder, trail, on=layout.today())
        else:
            first = sent.get("from_on") or layout.today()
            offices.give(session, holder, sent.get("title", ""), sent.get("until_on"), trail, on=first)
    return _changed(user)


@blueprint.post("/users/<int:user>/link")
@access.needs("users.change")
def link(user: int) -> ResponseReturnValue:
    """Make a new link; older ones that were not used can be used no more."""
    forms.taken(Nothing)
    with layout.acting() as (session, trail):
        found = users.get(session, _id(user))
        token = users.invite_again(session, found, trail, layout.config().invitation_valid)
        name = found.name
    return _link(name, token, f"/users/{user}")


@blueprint.post("/users/<int:user>/end")
@access.needs("users.change")
def end(user: int) -> ResponseReturnValue:
    """End somebody: no role, seat, session or link any more."""
    forms.taken(Nothing)
    with layout.acting() as (session, trail):
        users.end(session, users.get(session, _id(user)), trail, on=layout.today())
    return _changed(user)


def _changed(user: int) -> ResponseReturnValue:
    layout.done(Text("Ændret. Brugeren skal logge ind igen", "Changed. The user must sign in again"))
    return redirect(f"/users/{user}", 303)


# --- colleagues


@blueprint.get("/colleagues/invite")
@access.needs("users.invite_colleague")
def colleague() -> ResponseReturnValue:
    """Show the form by which a signatory invites a colleague to its own organisation."""
    with database.reading() as session:
        return _colleague(session)


def _colleague(session: Session, given: Mapping[str, Any] | None = None, errors: Any = None) -> str:
    return render_template("users/colleague.html", own=_own(session), given=given or {}, errors=errors or {})


@blueprint.post("/colleagues/invite")
@access.needs("users.invite_colleague")
def invite_colleague() -> ResponseReturnValue:
    """Add a colleague as signatory of one of the person's own authorities."""
    sent = forms.read(Colleague)
    with layout.acting() as (session, trail):
        own = {cvr for cvr, _ in _own(session)}
        if errors := sent.errors or ({} if sent["cvr"] in own else {"cvr": _NOT_OWN}):
            return _colleague(session, sent.typed, errors), 422
        user, token = users.invite(
            session, sent["name"], sent["mail"], trail, roles=[Role.SIGNATORY], seats=[SeatOf(cvr=sent["cvr"])],
            on=layout.today(), valid=layout.config().invitation_valid,
        )  # fmt: skip
        name = user.name
    return _link(name, token, "/")


def _own(session: Session) -> list[tuple[str, str]]:
    return [(each.cvr, each.name) for each in session.scalars(access.own_authorities("users.invite_colleague"))]
