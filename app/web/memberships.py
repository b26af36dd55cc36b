"""How membership of the association ends: notice by the authority or by OS2, and taking it back before its last day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, redirect, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from agreements import clauses, leaving, signing
from agreements.ending import Notice
from agreements.offers import OfferRefused
from agreements.steps import Step
from app import access, clock, database
from app.schemas import NoticeGiven, Reasoned
from app.web import agreement_acts, authorities, forms, layout
from app.web.forms import Sent
from billing import invoices
from foundation.language import Text, day

blueprint = Blueprint("memberships", __name__, url_prefix="/authorities/<cvr>/membership")

_NEEDED = "agreement.notice"


@blueprint.get("")
@access.needs(_NEEDED, fresh=True)
def form(cvr: str) -> ResponseReturnValue:
    """Show what notice of the membership would mean, or the notice that was given."""
    return _form(cvr, {}, {})


def _form(cvr: str, typed: Mapping[str, str], errors: Mapping[str, Text]) -> str:
    with database.reading() as session:
        authority = _authority(session, cvr)
        member = leaving.running(session, authority.id, layout.today())
        terms = leaving.terms_of(session, authority.id)
        last = leaving.last_day(session, member, layout.today()) if member is not None else None
    return render_template(
        "authorities/membership.html", authority=authority, member=member, last=last,
        terms=clauses.notice_words(terms), errors=errors, typed=typed, is_own=_is_own(authority),
    )  # fmt: skip


def _authority(session: Session, cvr: str) -> Any:
    """Give an authority the person acts for. Raises NoSuchAuthority for any other."""
    return authorities.load(session, cvr, _NEEDED, wholly=True)


def _is_own(authority: Any) -> bool:
    return authority.id in access.scope(_NEEDED).authorities


@blueprint.post("")
@access.needs(_NEEDED, fresh=True)
def give(cvr: str) -> ResponseReturnValue:
    """Give notice, for the authority by who may sign for it, or for the association."""
    sent = forms.read(NoticeGiven)
    if sent.errors:
        return _form(cvr, sent.typed, sent.errors), 422
    try:
        with agreement_acts.acting_on(f"{cvr} OS2", Step.NOTICE_GIVEN) as (session, trail):
            authority = _authority(session, cvr)
            notice, invoiced = _notice(session, authority, sent), invoices.resting(session).years
            last = day(leaving.give_notice(session, authority.id, notice, invoiced, trail))
    except OfferRefused as refused:
        return _form(cvr, sent.typed, refused.faults), 422
    layout.done(Text(f"Medlemskabet er opsagt; sidste dag er {last.da}", f"Notice is given; the last day is {last.en}"))
    return redirect(f"/authorities/{cvr}", 303)


def _notice(session: Session, authority: Any, sent: Sent) -> Notice:
    if _is_own(authority):
        return Notice("authority", sent["reason"], agreement_acts.signer(session))
    return Notice(sent["by"], sent["reason"])


@blueprint.post("/withdraw")
@access.needs(_NEEDED, fresh=True)
def withdraw(cvr: str) -> ResponseReturnValue:
    """Take a notice back before its last day."""
    sent = forms.read(Reasoned)
    if sent.errors:
        return _form(cvr, sent.typed, sent.errors), 422
    try:
        with agreement_acts.acting_on(f"{cvr} OS2", Step.NOTICE_WITHDRAWN) as (session, trail):
            authority = _authority(session, cvr)
            if _is_own(authority):
                who = agreement_acts.signer(session)
                signing.admit_for(session, authority.id, authority.cvr, who, clock.now(layout.config()))
            invoiced = invoices.resting(session).years
            leaving.withdraw_notice(session, authority.id, sent["reason"], invoiced, trail)
    except OfferRefused as refused:
        return _form(cvr, sent.typed, refused.faults), 422
    layout.done(Text("Opsigelsen er trukket tilbage", "The notice is withdrawn"))
    return redirect(f"/authorities/{cvr}", 303)
