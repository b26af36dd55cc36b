"""The chair signs for the association: one agreement or many in one act, over the digest of the list that was shown."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from agreements import offered, signing
from agreements.offered import Offer
from agreements.signing import Countersigned
from agreements.steps import Step
from app import access, database
from app.adapters import background
from app.schemas import ChosenList, Countersigning
from app.web import agreement_acts, forms, layout
from foundation.errors import Refused
from foundation.language import Text, joined, same
from foundation.money import Money

blueprint = Blueprint("countersigning", __name__, url_prefix="/agreements/countersign")


class NothingChosen(Refused):
    """No agreement was chosen."""


@blueprint.get("")
@access.needs("agreement.countersign", fresh=True)
def page() -> ResponseReturnValue:
    """Show what waits for the association's signature, to choose from."""
    with database.reading() as session:
        waiting = offered.to_countersign(session)
    total = Money(sum(offer.document.annex.total_ore for offer in waiting))
    return render_template("agreements/countersign.html", waiting=waiting, total=total)


@blueprint.post("/list")
@access.needs("agreement.countersign", fresh=True)
def chosen() -> ResponseReturnValue:
    """Show the chosen list with its digest, to be signed in one act."""
    return _list(forms.taken(ChosenList)["offer"], None)


def _list(ids: list[int], error: Text | None) -> str:
    with database.reading() as session:
        offers = _chosen(session, ids)
    total = Money(sum(offer.document.annex.total_ore for offer in offers))
    return render_template(
        "agreements/countersign_list.html", offers=offers, total=total, digest=signing.list_digest(offers), error=error
    )


@blueprint.post("")
@access.needs("agreement.countersign", fresh=True)
def countersign() -> ResponseReturnValue:
    """Sign the shown list for the association; what cannot be signed is left out and named."""
    given = forms.taken(Countersigning)
    if not given["consent"]:
        return _list(given["offer"], Text("Sæt kryds for at underskrive", "Tick the box to sign")), 422
    with agreement_acts.acting_on("countersign", Step.COUNTERSIGNED) as (session, trail):
        who = agreement_acts.signer(session)
        done = signing.countersign(session, given["offer"], who, given["digest"], trail)
    background.launch_sealing(layout.config())
    _tell(done)
    return redirect("/agreements?state=countersigned", 303)


def _chosen(session: Session, ids: list[int]) -> list[Offer]:
    offers = offered.many(session, ids)
    if not offers:
        raise NothingChosen(Text("Vælg mindst én aftale at underskrive", "Choose one agreement at least to sign"))
    return offers


def _tell(done: Countersigned) -> None:
    count = len(done.done)
    layout.done(
        Text(
            f"{count} {'aftale' if count == 1 else 'aftaler'} er underskrevet for OS2",
            f"{count} {'agreement is' if count == 1 else 'agreements are'} signed for OS2",
        )
    )
    if done.left_out:
        named = joined((same(f"{offer.name}: ") + why for offer, why in done.left_out), by="; ")
        layout.warn(Text("Udeladt: ", "Left out: ") + named)
