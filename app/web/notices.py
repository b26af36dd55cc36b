"""How an agreement changes and ends: notice by either side, taking it back, passive to active, a merger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, redirect, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from agreements import clauses, ending, signing
from agreements.ending import Notice
from agreements.offers import OfferRefused
from agreements.steps import Step
from app import access, clock, database
from app.schemas import Activation, NoticeGiven, Reasoned, Replacement
from app.web import agreement_acts, agreements, forms, layout
from app.web.forms import Sent
from billing import invoices
from foundation.language import Text, day

blueprint = Blueprint("notices", __name__, url_prefix="/agreements/<reference>")


def _row(session: Session, reference: str, permission: str) -> Any:
    """Give an agreement of the register that the person acts for. Raises NoSuchOffer for any other."""
    row = agreements.registered(session, reference, permission)
    if not access.reaches(permission, row.authority_id):
        raise agreements.no_such()
    return row


@blueprint.get("/notice")
@access.needs("agreement.notice", fresh=True)
def form(reference: str) -> ResponseReturnValue:
    """Show what notice would mean, or the notice that was given."""
    return _form(reference, {}, {})


def _form(reference: str, typed: Mapping[str, str], errors: Mapping[str, Text]) -> str:
    with database.reading() as session:
        row = _row(session, reference, "agreement.notice")
        terms = ending.terms_of(session, row.id)
    return render_template(
        "agreements/notice.html", agreement=row, last=ending.last_day(terms, layout.today()),
        terms=clauses.notice_words(terms), errors=errors, typed=typed, is_own=_is_own(row),
    )  # fmt: skip


def _is_own(row: Any) -> bool:
    """Tell whether the person acts for the authority itself, not for the association."""
    return row.authority_id in access.scope("agreement.notice").authorities


@blueprint.post("/notice")
@access.needs("agreement.notice", fresh=True)
def give(reference: str) -> ResponseReturnValue:
    """Give notice, for the authority by who may sign for it, or for the association."""
    sent = forms.read(NoticeGiven)
    if sent.errors:
        return _form(reference, sent.typed, sent.errors), 422
    try:
        with agreement_acts.acting_on(reference, Step.NOTICE_GIVEN) as (session, trail):
            row = _row(session, reference, "agreement.notice")
            last = ending.give_notice(session, row.id, _notice(session, row, sent), trail)
    except OfferRefused as refused:
        return _form(reference, sent.typed, refused.faults), 422
    told = day(last)
    layout.done(Text(f"Aftalen er opsagt; sidste dag er {told.da}", f"Notice is given; the last day is {told.en}"))
    return redirect(f"/agreements/{reference}", 303)


def _notice(session: Session, row: Any, sent: Sent) -> Notice:
    if _is_own(row):
        return Notice("authority", sent["reason"], agreement_acts.signer(session))
    return Notice(sent["by"], sent["reason"])


@blueprint.post("/notice/withdraw")
@access.needs("agreement.notice", fresh=True)
def withdraw(reference: str) -> ResponseReturnValue:
    """Take a notice back before its last day."""
    sent = forms.read(Reasoned)
    if sent.errors:
        return _form(reference, sent.typed, sent.errors), 422
    try:
        with agreement_acts.acting_on(reference, Step.NOTICE_WITHDRAWN) as (session, trail):
            row = _row(session, reference, "agreement.notice")
            _refuse_without_right(session, row)
            ending.withdraw_notice(session, row.id, sent["reason"], trail)
    except OfferRefused as refused:
        return _form(reference, sent.typed, refused.faults), 422
    layout.done(Text("Opsigelsen er trukket tilbage", "The notice is withdrawn"))
    return redirect(f"/agreements/{reference}", 303)


def _refuse_without_right(session: Session, row: Any) -> None:
    """Let only who may sign for the authority act for it. Raises NotTheSigner and what signing raises."""
    if _is_own(row):
        who = agreement_acts.signer(session)
        signing.admit_for(session, row.authority_id, row.cvr, who, clock.now(layout.config()))


@blueprint.get("/activate")
@access.needs("agreement.draft")
def activation(reference: str) -> ResponseReturnValue:
    """Ask from which day a passive connection is active."""
    return _activation(reference, {}, {})


def _activation(reference: str, typed: Mapping[str, str], errors: Mapping[str, Text]) -> str:
    with database.reading() as session:
        row = _row(session, reference, "agreement.draft")
    day_ = typed.get("active_from", layout.today().isoformat())
    return render_template("agreements/activate.html", agreement=row, active_from=day_, errors=errors)


@blueprint.post("/activate")
@access.needs("agreement.draft")
def activate(reference: str) -> ResponseReturnValue:
    """Make a passive connection active from a day: its joining fee falls due then."""
    sent = forms.read(Activation)
    if sent.errors:
        return _activation(reference, sent.typed, sent.errors), 422
    with agreement_acts.acting_on(reference, Step.ACTIVATED) as (session, trail):
        row = _row(session, reference, "agreement.draft")
        ending.activate(session, row.id, sent["active_from"], invoices.resting(session).agreements, trail)
    layout.done(Text("Tilslutningen er aktiv fra den dag", "The connection is active from that day"))
    return redirect(f"/agreements/{reference}", 303)


# --- after a merger


@blueprint.get("/replace")
@access.needs("agreement.draft")
def replacement(reference: str) -> ResponseReturnValue:
    """Show which agreements of the authorities this one follows it may take the place of."""
    return _replacement(reference, {}, {})


def _replacement(reference: str, typed: Mapping[str, Any], errors: Mapping[str, Text]) -> str:
    with database.reading() as session:
        row = _row(session, reference, "agreement.draft")
        found = ending.replaceable(session, row.id)
    chosen = set(typed["old"]) if "old" in typed else {str(each.id) for each in found}
    return render_template(
        "agreements/replace.html", agreement=row, found=found, chosen=chosen, typed=typed, errors=errors
    )


@blueprint.post("/replace")
@access.needs("agreement.draft")
def replace(reference: str) -> ResponseReturnValue:
    """Let the agreement take the place of the chosen ones, which end the day before."""
    sent = forms.read(Replacement)
    if sent.errors:
        return _replacement(reference, sent.typed, sent.errors), 422
    try:
        with agreement_acts.acting_on(reference, Step.REPLACED) as (session, trail):
            row = _row(session, reference, "agreement.draft")
            resting = invoices.resting(session).agreements
            ending.replace_after_merger(session, row.id, sent["old"], sent["reason"], resting, trail)
    except OfferRefused as refused:
        return _replacement(reference, sent.typed, refused.faults), 422
    layout.done(Text("De valgte aftaler er erstattet af denne", "The chosen agreements are replaced by this one"))
    return redirect(f"/agreements/{reference}", 303)
