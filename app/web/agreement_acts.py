"""What pages of agreements share: who signs, what can be done now, and that a refused step is written down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import request
from flask import session as browser
from sqlalchemy.orm import Session

from agreements import ending, offered, offers, signing, steps
from agreements.offered import Offer
from agreements.signing import Signer
from agreements.steps import Stand, Step
from app import access, offering
from app.identity.models import UserAccount
from app.web import layout
from foundation.audit import Trail
from foundation.language import Text

_LONGEST_AGENT = 200


@dataclass(frozen=True, slots=True)
class Act:
    """Something that can be done with an agreement now: by a link, or by a form with or without a reason."""

    key: str
    title: Text
    address: str
    is_form: bool = False
    needs_reason: bool = False
    is_first: bool = False


# --- acting


@contextmanager
def acting_on(about: str, step: Step | str) -> Iterator[tuple[Session, Trail]]:
    """Open a writing transaction; a refusal undoes it, is written down by itself, and goes on."""
    with offering.attempting(layout.acting, about[:40], step) as opened:
        yield opened


def signer(session: Session) -> Signer:
    """Give who acts, as the provider told it at this sign-in; what it did not tell is empty."""
    person = access.current()
    account = session.get_one(UserAccount, person.user_id)
    how: dict[str, Any] = browser.get("how", {})
    floor = layout.config().oidc.signing_floor
    assert person.user_id is not None and person.signed_in_at is not None  # a fresh sign-in was asked for
    return Signer(
        user_id=person.user_id, name=account.name, mail=account.mail, organisation_cvr=how.get("cvr") or "",
        iss=how.get("iss") or "", sub=how.get("sub") or "", assurance=_level(how, floor),
        auth_time=person.signed_in_at, id_token_sha256=how.get("id_token_sha256") or "",
        address=request.remote_addr or "", user_agent=request.user_agent.string[:_LONGEST_AGENT],
        language=layout.spoken(), floor=floor,
    )  # fmt: skip


def _level(how: Mapping[str, Any], floor: frozenset[str]) -> str:
    """Give the level a sign-in has: the one that suffices where any does, else what the provider tells first."""
    told = [word for word in (how.get("assurance"), how.get("acr"), *(how.get("amr") or ())) if word]
    return next((word for word in told if word in floor), told[0] if told else "")


def refuse_other(offer: Offer, digest: str) -> None:
    """Refuse where the person saw another text than stands. Raises OtherDocument."""
    if digest != offer.digest:
        raise signing.OtherDocument(
            Text("Det viste er ikke det, der gælder: hent siden igen", "What was shown is not what stands: reload it")
        )


def offer(session: Session, found: Offer, trail: Trail) -> None:
    """Offer a draft with the fees of today."""
    offers.offer(session, found.id, offering.fees_today(session, found, offered.local_day(trail.at)), trail)


# --- what can be done


def permitted(session: Session, offer: Offer, row: Any) -> list[Act]:
    """Give what the person can do with an offer now, the first of it first."""
    base, may = f"/agreements/{offer.reference}", access.current().may
    found: list[Act] = []
    if access.scope("agreement.sign").authorities and offer.stand in steps.OPEN:
        found += _of_signatory(session, offer, base)
    if may("agreement.draft"):
        found += _of_secretariat(offer, base)
    if may("agreement.countersign") and offer.stand is Stand.SIGNED:
        found.append(Act("countersign", Text("Underskriv for OS2", "Sign for OS2"), "/agreements/countersign",
                         is_first=True))  # fmt: skip
    if row is not None:
        found += of_agreement(session, row, offer.stand)
    if offer.product_id is None and offer.stand in (Stand.AGREED, Stand.UNDER_NOTICE):
        found += _of_membership(offer)
    return found


def _of_membership(offer: Offer) -> list[Act]:
    if not access.reaches("agreement.notice", offer.authority_id):
        return []
    title = Text("Opsig medlemskabet", "Give notice of the membership")
    if offer.stand is Stand.UNDER_NOTICE:
        title = Text("Træk opsigelsen tilbage", "Withdraw the notice")
    return [Act("membership", title, f"/authorities/{offer.document.authority.cvr}/membership")]


def _of_signatory(session: Session, offer: Offer, base: str) -> list[Act]:
    if offer.authority_id not in access.scope("agreement.sign").authorities or offer.has_run_out(layout.today()):
        return []
    return [
        Act("sign", Text("Gå til underskrift", "Go to signing"), f"{base}/sign", is_first=True),
        Act("decline", Text("Afslå", "Decline"), f"{base}/decline"),
    ]


def _of_secretariat(offer: Offer, base: str) -> list[Act]:
    found, stand = [], offer.stand_on(layout.today())
    if stand is Stand.DRAFT:
        found.append(Act("offer", Text("Tilbyd", "Offer"), f"{base}/offer", is_form=True, is_first=True))
    if stand in steps.OPEN | {Stand.DRAFT} | steps.DEAD - {Stand.REPLACED}:
        title = Text("Ny version", "New version") if stand not in steps.DEAD else Text("Nyt tilbud", "New offer")
        found.append(Act("again", title, f"/agreements/new?replaces={offer.reference}"))
    if stand in steps.PERMITTED[Step.WITHDRAWN]:
        title = Text("Træk tilbage", "Withdraw")
        found.append(Act("withdraw", title, f"{base}/withdraw", is_form=True, needs_reason=True))
    return found


def of_agreement(session: Session, row: Any, stand: Stand = Stand.AGREED) -> list[Act]:
    """Give what can be done with an agreement that was made: notice, its withdrawal, passive to active, a merger."""
    base = f"/agreements/{row.id}"
    if not access.reaches("agreement.notice", row.authority_id) or row.countersigned_on is None or _is_over(row):
        return []
    if stand in steps.DEAD:
        return []
    if row.notice_given_on is not None:
        return [Act("notice", Text("Træk opsigelsen tilbage", "Withdraw the notice"), f"{base}/notice")]
    found = [Act("notice", Text("Opsig", "Give notice"), f"{base}/notice")]
    if row.kind == "passive" and row.active_from is None and access.current().may("agreement.draft"):
        found.append(Act("activate", Text("Gør aktiv", "Make active"), f"{base}/activate"))
    if access.current().may("agreement.draft") and ending.replaceable(session, row.id):
        title = Text("Erstat efter sammenlægning", "Replace after a merger")
        found.append(Act("replace", title, f"{base}/replace"))
    return found


def _is_over(row: Any) -> bool:
    return row.terminated_to is not None and row.terminated_to < layout.today()


def days_left(offer: Offer, today: date) -> int | None:
    """Tell how many days an offer can still be signed, this one with it."""
    return None if offer.expires_on is None else (offer.expires_on - today).days + 1
