"""Who may sign for an authority: the register, read by the authority and the secretariat.

The secretariat gives and ends rights. A signatory delegates only a right it holds itself, with the delegation attached,
and ends its colleagues'. Nobody vouches for their own.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements import files, rights
from agreements.rights import Ground, Person, RightRefused
from app import access, database
from app.access import NotAllowed
from app.identity import users
from app.identity.models import Seat, UserAccount
from app.web import authorities, layout
from foundation.language import Text

blueprint = Blueprint("signing_rights", __name__, url_prefix="/authorities/<cvr>/signing-rights")

LABELS = {
    "person": Text("Person", "Person"), "name": Text("Navn", "Name"), "mail": Text("Mail", "Mail"),
    "title": Text("Titel", "Title"), "basis": Text("Grundlag", "Basis"), "document": Text("Bemyndigelse", "Delegation"),
    "from_on": Text("Fra", "From"), "until_on": Text("Sidste dag", "Last day"),
}  # fmt: skip
BASES = {"position": Text("Stilling", "Position"), "delegation": Text("Bemyndigelse", "Delegation")}


@blueprint.get("")
@access.needs("rights.read")
def page(cvr: str) -> ResponseReturnValue:
    """Show the register of an authority."""
    with database.reading() as session:
        return _page(session, cvr, {}, {})


def _page(session: Session, cvr: str, given: Any, errors: dict[str, Text]) -> str:
    authority = authorities.load(session, cvr, "rights.read", wholly=True)
    return render_template(
        "authorities/signing_rights.html", authority=authority, register=rights.register(session, authority.id),
        today=layout.today(), people=_people(session, authority.id), may_change=_may_change(session, authority.id),
        is_secretariat=access.scope("rights.change").everything, labels=LABELS, bases=BASES, given=given, errors=errors,
    )  # fmt: skip


def _people(session: Session, authority_id: int) -> list[tuple[int, str]]:
    """Give who here has a seat in the authority, to tie a right to."""
    found = (
        select(UserAccount.id, UserAccount.name)
        .join(Seat, Seat.user_id == UserAccount.id)
        .where(Seat.authority_id == authority_id, users.in_force(Seat, layout.today()), UserAccount.ended_at.is_(None))
        .distinct()
        .order_by(UserAccount.name)
    )
    return [(row.id, row.name) for row in session.execute(found)]


def _may_change(session: Session, authority_id: int) -> bool:
    if access.scope("rights.change").everything:
        return True
    holds = rights.of_person(session, authority_id, access.current().user_id, layout.today())
    return access.reaches("rights.change", authority_id) and holds is not None


def _refuse_stranger(session: Session, authority_id: int) -> None:
    if not _may_change(session, authority_id):
        raise NotAllowed(
            Text(
                "Kun den, der selv har retten til at underskrive, kan give den videre. Spørg OS2's sekretariat",
                "Only who holds the right to sign can hand it on. Ask OS2's secretariat",
            )
        )


@blueprint.post("")
@access.needs("rights.change", fresh=True)
def give(cvr: str) -> ResponseReturnValue:
    """Give somebody the right to sign."""
    given = request.form
    try:
        with layout.acting() as (session, trail):
            authority = authorities.load(session, cvr, "rights.change", wholly=True)
            _refuse_stranger(session, authority.id)
            person = _person(session, authority.id)
            rights.give(session, authority.id, person, _ground(), trail)
    except RightRefused as refused:
        with database.reading() as session:
            return _page(session, cvr, given, refused.faults), 422
    layout.done(Text(f"{person.name} kan nu underskrive", f"{person.name} can sign now"))
    return redirect(f"/authorities/{cvr}/signing-rights", 303)


def _person(session: Session, authority_id: int) -> Person:
    """Read whose right it is: somebody with a seat here, or a name to be tied to a user later."""
    name, mail, title = (request.form.get(name, "") for name in ("name", "mail", "title"))
    chosen = request.form.get("person", "")
    if not chosen:
        return Person(name, mail, title)
    known = {str(id_): id_ for id_, _ in _people(session, authority_id)}
    if chosen not in known:
        raise RightRefused({"person": Text("vælg en fra listen", "choose one of the list")})
    account = users.get(session, known[chosen])
    return Person(account.name, account.mail, title, account.id)


def _ground() -> Ground:
    file = request.files.get("document")
    content = file.read(files.LARGEST + 1) if file is not None and file.filename else None
    is_delegation = request.form.get("basis") == "delegation" or not access.scope("rights.change").everything
    return Ground(
        "delegation" if is_delegation else "position",
        _day("from_on") or layout.today(),
        _day("until_on"),
        None if content is None or file is None else (file.filename or "", content),
    )


def _day(name: str) -> date | None:
    words = request.form.get(name, "").strip()
    if not words:
        return None
    try:
        return date.fromisoformat(words)
    except ValueError:
        raise RightRefused({name: Text("skriv en dag", "give a day")}) from None


@blueprint.post("/<int:right>/end")
@access.needs("rights.change", fresh=True)
def end(cvr: str, right: int) -> ResponseReturnValue:
    """End a right from today on: yesterday was its last day."""
    with layout.acting() as (session, trail):
        authority = authorities.load(session, cvr, "rights.change", wholly=True)
        _refuse_stranger(session, authority.id)
        ended = rights.end(session, _id(right), authority.id, layout.today() - timedelta(days=1), trail)
    layout.done(Text(f"{ended.person.name} kan ikke underskrive mere", f"{ended.person.name} can sign no more"))
    return redirect(f"/authorities/{cvr}/signing-rights", 303)


@blueprint.get("/<int:right>/document.pdf")
@access.needs("rights.read")
def document(cvr: str, right: int) -> ResponseReturnValue:
    """Give the delegation a right rests on."""
    with database.reading() as session:
        authority = authorities.load(session, cvr, "rights.read", wholly=True)
        found = rights.get(session, _id(right), authority.id)
        if found.file_id is None:
            raise files.NoSuchFile(Text("retten har intet dokument", "the right has no document"))
        _, content = files.name_and_content(session, found.file_id)
    response = Response(content, content_type="application/pdf")
    response.headers["Content-Disposition"] = f'attachment; filename="bemyndigelse-{right}.pdf"'
    return response


def _id(given: int) -> int:
    return given if given < 2**31 else 0
