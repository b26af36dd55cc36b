"""One's own tokens for programs: making one, in person and freshly signed in, and ending one at once."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError

from app import access, clock, database
from app.identity import tokens
from app.schemas import TokenRequest
from app.web import layout
from foundation.language import Text

blueprint = Blueprint("tokens", __name__)

#: What a permission is to a person.
TITLES = {
    "agreement.read": Text("læse aftaler", "read agreements"),
    "authority.read": Text("læse myndigheder, indbyggertal og medlemskaber", "read authorities and memberships"),
    "authority.change": Text("indlæse registre", "take rows into the registers"),
    "tables.read": Text("læse takster og produkter", "read fee tables and products"),
    "tables.draft": Text("kontrollere og foreslå takster", "check and propose fee tables"),
    "run.read": Text("læse årets plan", "read the year's plan"),
    "run.plan": Text("overdrage planen til godkendelse", "hand the plan over for approval"),
    "run.issue": Text("udstede det, der er godkendt", "issue what is approved"),
    "invoice.read": Text("læse fakturaer og dokumenter", "read invoices and documents"),
    "credit.prepare": Text("forberede kreditnotaer", "prepare credit notes"),
    "audit.read": Text("læse revisionssporet", "read the audit trail"),
}

_WRONG = {
    "name": Text("Giv nøglen et navn på højst 200 tegn", "Give the token a name of at most 200 characters"),
    "permissions": Text("Vælg mindst én rettighed", "Choose at least one permission"),
    "days": Text("Skriv 1 til 366 dage", "Write 1 to 366 days"),
}


@blueprint.get("/tokens")
@access.needs("token.create")
def page() -> ResponseReturnValue:
    """Show one's own tokens, and the form for a new one."""
    return _page()


@blueprint.post("/tokens")
@access.needs("token.create", fresh=True)
def make() -> ResponseReturnValue:
    """Make a token, and show its secret this once; the answer is not kept by the browser."""
    try:
        asked: Any = TokenRequest().load(_sent())
    except ValidationError as wrong:
        return _page({name: _WRONG.get(name, _WRONG["permissions"]) for name in wrong.messages_dict}), 422
    if not asked["permissions"]:
        return _page({"permissions": _WRONG["permissions"]}), 422
    with layout.acting() as (session, trail):
        _, secret = tokens.make(
            session, access.current(), asked["name"], asked["permissions"], asked["days"], trail
        )  # fmt: skip
    return _page(secret=secret), 201


@blueprint.post("/tokens/<int(min=1,max=999999999):id_>/end")
@access.needs("token.create")
def end(id_: int) -> ResponseReturnValue:
    """End one of one's own tokens at once."""
    with layout.acting() as (session, trail):
        tokens.end(session, access.current().user_id or 0, id_, trail)
    layout.done(Text("Nøglen er afsluttet og åbner ikke mere", "The token is ended and opens nothing any more"))
    return redirect("/tokens", 303)


def _sent() -> dict[str, Any]:
    sent: dict[str, Any] = {name: value for name, value in request.form.items() if name != "csrf_token"}
    return sent | {"permissions": request.form.getlist("permissions")}


def _page(errors: dict[str, Text] | None = None, secret: str = "") -> str:
    person = access.current()
    with database.reading() as session:
        own = tokens.of(session, person.user_id or 0)
    return render_template(
        "tokens.html", own=own, offered=tokens.offered_to(person), titles=TITLES, errors=errors or {}, secret=secret,
        now=clock.now(layout.config()), values=request.form, longest=tokens.LONGEST_DAYS,
    )  # fmt: skip
