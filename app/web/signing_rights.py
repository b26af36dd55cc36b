"""Who may sign for an authority: the register, read by the authority and the secretariat.

The secretariat gives and ends rights. A signatory delegates only a right it holds itself, with the delegation attached,
and ends its colleagues'. Nobody vouches for their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, redirect, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements import files, rights
from agreements.rights import Ground, Person, RightRefused
from app import access, database
from app.access import NotAllowed
from app.identity import users
from app.identity.models import Seat, UserAccount
from app.schemas import Nothing, SigningRight
from app.web import authorities, forms, layout
from app.web.forms import Sent
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


def _page(session: Session, cvr: str, given: Any, errors: Mapping[str, Text]) -> str:
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
    sent = forms.read(SigningRight)
    if sent.errors:
        return _again(cvr, sent, sent.errors)
    try:
        with layout.acting() as (session, trail):
            authority = authorities.load(session, cvr, "rights.change", wholly=True)
            _refuse_stranger(session, authority.id)
            person = _person(session, authority.id, sent)
            rights.give(session, authority.id, person, _ground(sent), trail)
    except RightRefused as refused:
        return _again(cvr, sent, refused.faults)
    layout.done(Text(f"{person.name} kan nu underskrive", f"{person.name} can sign now"))
    return redirect(f"/authorities/{cvr}/signing-rights", 303)


def _again(cvr: str, sent: Sent, errors: Mapping[str, Text]) -> ResponseReturnValue:
    """Show the page again with what is wrong, to who may change it."""
    with database.reading() as session:
        _refuse_stranger(session, authorities.load(session, cvr, "rights.change", wholly=True).id)
        return _page(session, cvr, sent.typed, errors), 422


def _person(session: Session, authority_id: int, sent: Sent) -> Person:
    """Read whose right it is: somebody with a seat here, or a name to be tied to a user later."""
    chosen = sent.get("person")
    if chosen is None:
        return Person(sent["name"], sent["mail"], sent["title"])
    if chosen not in {id_ for id_, _ in _people(session, authority_id)}:
        raise RightRefused({"person": Text("vælg en fra listen", "choose one of the list")})
    account = users.get(session, chosen)
    return Person(account.name, account.mail, sent["title"], account.id)


def _ground(sent: Sent) -> Ground:
    file = sent.get("document")
    return Ground(
        sent["basis"] if access.scope("rights.change").everything else "delegation",
        sent.get("from_on", layout.today()),
        sent.get("until_on"),
        None if file is None else (file.filename, file.read(files.LARGEST + 1)),
    )


@blueprint.post("/<int:right>/end")
@access.needs("rights.change", fresh=True)
def end(cvr: str, right: int) -> ResponseReturnValue:
    """End a right from today on: yesterday was its last day."""
    with layout.acting() as (session, trail):
        authority = authorities.load(session, cvr, "rights.change", wholly=True)
        _refuse_stranger(session, authority.id)
        forms.taken(Nothing)
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
