"""Settings: the association as seller, by two people; rule packs, number series, and how the process is set up."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Blueprint, redirect, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import make_url, select
from sqlalchemy.orm import Session

from app import access, clock, database, schemas
from app.access import Role
from app.config import Config
from app.identity import offices
from app.schemas import Approval, SettingsText
from app.web import deciding, forms, layout, settings_form
from app.web.deciding import Find
from app.web.fields import labels
from app.web.forms import Sent
from billing import seller as sellers
from billing import seller_drafts
from billing.einvoice import rule_packs
from billing.einvoice.reading import FORMATS
from billing.models import InvoiceSeries
from billing.seller import SETTINGS, SUBJECT, Seller, SettingsRefused
from foundation import proposals
from foundation.language import Text
from foundation.proposals import Proposal

blueprint = Blueprint("settings", __name__)

_SHOWN = 50  # earlier settings, and proposals


@blueprint.get("/settings")
@access.needs("settings.read")
def page() -> ResponseReturnValue:
    """Show the settings in force, what waits, and what came before."""
    with database.reading() as session:
        return render_template("settings/page.html", **_told(session, layout.config()))


def _told(session: Session, config: Config) -> dict[str, Any]:
    columns = SETTINGS.c
    history = session.execute(select(SETTINGS).order_by(columns.id.desc()).limit(_SHOWN)).all()
    return {
        "seller": sellers.read(history[0].text) if history else _stand_in(config),
        "history": history,
        "proposals": proposals.history(session, "settings", SUBJECT, at_most=_SHOWN),
        "series": list(session.scalars(select(InvoiceSeries).order_by(InvoiceSeries.name))),
        "packs": [rule_packs.status(config.rules_dir, format_) for format_ in FORMATS],
        "environment_facts": _facts(config) if Role.ADMINISTRATOR in access.current().roles else [],
        "offices": [(right, right.holds(clock.today(config))) for right in offices.held(session)],
        "now": clock.now(config),
    }


def _stand_in(config: Config) -> Seller | None:
    """Give what stands in where there are no settings yet."""
    return None if config.is_production else sellers.made_up()


def _facts(config: Config) -> list[tuple[Text, str]]:
    """Tell how the process is set up: no secret, no password, no folder."""
    return [
        (Text("Miljø", "Environment"), config.environment),
        (Text("Database", "Database"), make_url(config.database_url).get_backend_name()),
        (Text("Adresse", "Address"), config.base_url or "–"),
        (Text("Værtsnavne", "Host names"), ", ".join(config.trusted_hosts) or "–"),
        (Text("Login-tjeneste", "Sign-in service"), config.oidc.issuer),
        (Text("Minutter uden brug", "Idle minutes"), str(int(config.session_idle.total_seconds() // 60))),
        (Text("Timer i alt", "Hours in all"), str(int(config.session_limit.total_seconds() // 3600))),
        (Text("Webservere foran", "Web servers in front"), str(config.proxies)),
    ]


# --- proposing


@blueprint.get("/settings/propose")
@access.needs("settings.propose")
def form() -> ResponseReturnValue:
    """Show the settings as text, to be changed."""
    with database.reading() as session:
        return render_template("settings/propose.html", text=_current(session), errors={})


@blueprint.post("/settings/propose")
@access.needs("settings.propose")
def propose() -> ResponseReturnValue:
    """Propose new settings; every fault is told beside what was typed."""
    sent = forms.read(SettingsText)
    if sent.errors:
        return _text(sent.typed.get("text", ""), sent.errors), 422
    try:
        return _proposed(sent["text"])
    except SettingsRefused as refused:
        return _text(sent["text"], {"text": refused.text}), 422


def _text(written: str, errors: Mapping[str, Text]) -> str:
    return render_template("settings/propose.html", text=written, errors=errors)


def _proposed(text: str) -> ResponseReturnValue:
    with layout.acting() as (session, trail):
        made = sellers.propose(session, text, trail, allow_made_up=not layout.config().is_production)
    layout.done(Text("Forslaget venter på, at en anden godkender det", "The proposal waits for another to approve it"))
    return redirect(f"/settings/proposals/{made.id}", 303)


@blueprint.get("/settings/change")
@access.needs("settings.propose")
def fields() -> ResponseReturnValue:
    """Show the settings as fields, to be changed."""
    with database.reading() as session:
        return _fields(seller_drafts.values_of(sellers.current(session) or _stand_in(layout.config())), {})


@blueprint.post("/settings/change")
@access.needs("settings.propose")
def propose_fields() -> ResponseReturnValue:
    """Propose what the fields say; every fault comes back at its field."""
    sent = forms.read(schemas.draft_of(seller_drafts.FIELDS))
    if sent.errors:
        return _fields(sent.typed, sent.errors), 422
    values = sent.values
    try:
        return _proposed(seller_drafts.text_of(values))
    except SettingsRefused as refused:
        return _fields(values, seller_drafts.faults_by_field(refused)), 422


def _fields(values: Mapping[str, str], errors: Mapping[str, Text]) -> str:
    groups = settings_form.groups(may_be_made_up=not layout.config().is_production)
    return render_template(
        "settings/change.html", groups=groups, labels=labels(groups), values=values, errors=errors
    )  # fmt: skip


def _current(session: Session) -> str:
    found = session.scalar(select(SETTINGS.c.text).order_by(SETTINGS.c.id.desc()).limit(1))
    return found or sellers.EXAMPLE


# --- deciding


@blueprint.get("/settings/proposals/<int:proposal>")
@access.needs("settings.read")
def one(proposal: int) -> ResponseReturnValue:
    """Show proposed settings, and how they differ from those in force."""
    return _page(proposal)


def _page(proposal: int, sent: Sent = forms.UNSENT) -> str:
    with database.reading() as session:
        found = _settings_proposal(session, proposal)
        before = _current(session)
    return render_template(
        "settings/proposal.html",
        proposal=found,
        sent=sent,
        difference=list(difflib.unified_diff(before.splitlines(), found.content.splitlines(), lineterm="", n=2))[2:],
        own=proposals.is_same_person(found.proposed_by, access.current().actor),
    )


def _settings_proposal(session: Session, id_: int) -> Proposal:
    found = proposals.get(session, id_)
    if found.kind != "settings":
        raise proposals.NoSuchProposal(Text("det er ingen indstillinger", "these are no settings"))
    return found


@blueprint.post("/settings/proposals/<int:proposal>/approve")
@access.needs("settings.approve", fresh=True)
def approve(proposal: int) -> ResponseReturnValue:
    """Put proposed settings in force: another person than who proposed them."""
    with layout.acting() as (session, trail):
        proposals.expect(session, proposal, forms.taken(Approval).get("digest"))
        sellers.approve(session, proposal, trail, allow_made_up=not layout.config().is_production)
    layout.done(Text("Indstillingerne er sat i kraft", "The settings are in force"))
    return redirect("/settings", 303)


@blueprint.post("/settings/proposals/<int:proposal>/reject")
@access.needs("settings.approve")
def reject(proposal: int) -> ResponseReturnValue:
    """Reject proposed settings, with a reason."""
    told = Text("Forslaget er afvist", "The proposal was rejected")
    return deciding.reject(_finding(proposal), partial(_page, proposal), told, f"/settings/proposals/{proposal}")


@blueprint.post("/settings/proposals/<int:proposal>/withdraw")
@access.needs("settings.propose")
def withdraw(proposal: int) -> ResponseReturnValue:
    """Take one's own proposal back."""
    told = Text("Forslaget er trukket tilbage", "The proposal was withdrawn")
    return deciding.withdraw(_finding(proposal), told, f"/settings/proposals/{proposal}")


def _finding(proposal: int) -> Find:
    return partial(_settings_proposal, id_=proposal)
