"""One's own tokens for programs: making one, in person and freshly signed in, and ending one at once."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app import access, clock, database
from app.identity import tokens
from app.schemas import Nothing, TokenRequest
from app.web import forms, layout
from foundation.language import Text

blueprint = Blueprint("tokens", __name__)

#: What a permission is to a person.
TITLES = {
    "agreement.read": Text("læse aftaler", "read agreements"),
    "authority.read": Text("læse myndigheder, indbyggertal og medlemskaber", "read authorities and memberships"),
    "authority.change": Text("indlæse registre", "take rows into the registers"),
    "tables.read": Text("læse takster og produkter", "read fee tables and products"),
    "tables.draft": Text("kontrollere og foreslå takster", "check and propose fee tables"),
    "accounts.read": Text("læse bogføringen", "read the books"),
    "funding.read": Text("læse økonomirapporter", "read funding reports"),
    "funding.comment": Text("spørge om økonomirapporter", "ask about funding reports"),
    "funding.prepare": Text("vurdere, hvem der er på vej", "judge who is on the way"),
    "journey.read": Text("læse rejser og spørgsmål", "read journeys and questions"),
    "journey.update": Text("begynde og føre rejser, og spørge", "begin and lead journeys, and ask"),
    "journey.answer": Text("besvare spørgsmål", "answer questions"),
    "accounts.prepare": Text("foreslå at lukke perioder og at oversætte konti", "propose closings and mappings"),
    "cost.read": Text("læse omkostninger", "read costs"),
    "cost.enter": Text("indtaste omkostninger", "enter costs"),
    "run.read": Text("læse årets plan", "read the year's plan"),
    "run.plan": Text("overdrage planen til godkendelse", "hand the plan over for approval"),
    "run.issue": Text("udstede det, der er godkendt", "issue what is approved"),
    "invoice.read": Text("læse fakturaer og dokumenter", "read invoices and documents"),
    "delivery.read": Text("se, hvordan dokumenter er afleveret", "see how documents were handed over"),
    "delivery.send": Text(
        "sætte aflevering i gang, sende dokumenter igen og notere dem afleveret",
        "start handing over, send documents again and note them as handed over",
    ),
    "credit.prepare": Text("forberede kreditnotaer", "prepare credit notes"),
    "letter.read": Text("se breve, og hvordan de gik", "see letters and how they went"),
    "bank.read": Text("læse kontoudtog", "read bank statements"),
    "bank.import": Text("tage kontoudtog ind", "take bank statements in"),
    "reminders.read": Text("læse rykkere", "read reminders"),
    "reminders.plan": Text("læse planen for rykkere", "read the plan of reminders"),
    "reminders.send": Text(
        "overdrage og udstede rykkere, føre indsigelser og foreslå udmeldelser",
        "hand over and issue reminders, enter disputes, propose withdrawals",
    ),
    "payment.read": Text("læse betalinger, der venter", "read payments that wait"),
    "payment.match": Text("placere betalinger og ophæve placeringer", "place payments and undo it"),
    "refund.prepare": Text(
        "forberede tilbagebetalinger, afskrivninger og eftergivelser", "prepare refunds, write-offs and waivers"
    ),
    "statement.read": Text("læse kontoudtog", "read statements of account"),
    "settings.read": Text("læse rykkervilkår og referencesatser", "read terms of reminding and reference rates"),
    "settings.propose": Text("foreslå rykkervilkår og referencesatser", "propose terms of reminding and rates"),
    "audit.read": Text("læse revisionssporet", "read the audit trail"),
}

_NO_PERMISSION = Text("Vælg mindst én rettighed", "Choose at least one permission")


@blueprint.get("/tokens")
@access.needs("token.create")
def page() -> ResponseReturnValue:
    """Show one's own tokens, and the form for a new one."""
    return _page()


@blueprint.post("/tokens")
@access.needs("token.create", fresh=True)
def make() -> ResponseReturnValue:
    """Make a token, and show its secret this once; the answer is not kept by the browser."""
    asked = forms.read(TokenRequest)
    if errors := asked.errors or ({} if asked["permissions"] else {"permissions": _NO_PERMISSION}):
        return _page(errors), 422
    with layout.acting() as (session, trail):
        _, secret = tokens.make(
            session, access.current(), asked["name"], asked["permissions"], asked["days"], trail
        )  # fmt: skip
    return _page(secret=secret), 201


@blueprint.post("/tokens/<int(min=1,max=999999999):id_>/end")
@access.needs("token.create")
def end(id_: int) -> ResponseReturnValue:
    """End one of one's own tokens at once."""
    forms.taken(Nothing)
    with layout.acting() as (session, trail):
        tokens.end(session, access.current().user_id or 0, id_, trail)
    layout.done(Text("Nøglen er afsluttet og åbner ikke mere", "The token is ended and opens nothing any more"))
    return redirect("/tokens", 303)


def _page(errors: Mapping[str, Text] | None = None, secret: str = "") -> str:
    person = access.current()
    with database.reading() as session:
        own = tokens.of(session, person.user_id or 0)
    return render_template(
        "tokens.html", own=own, offered=tokens.offered_to(person), titles=TITLES, errors=errors or {}, secret=secret,
        now=clock.now(layout.config()), values=request.form, longest=tokens.LONGEST_DAYS,
    )  # fmt: skip
