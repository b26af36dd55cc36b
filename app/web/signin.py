"""Signing in and out, and taking an invitation up. A link never signs anybody in by itself."""

from __future__ import annotations

import logging
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from flask import Blueprint, current_app, redirect, render_template, request, session
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app import access, clock, database
from app.access import STAFF
from app.adapters.identity import Attempt, Identity, NotProven, Provider, ProviderDown
from app.identity import limits, sessions, users
from app.identity.limits import Limit
from app.identity.models import UserAccount
from app.schemas import Nothing
from app.web import forms, layout
from foundation.audit import Trail
from foundation.errors import Conflict, DomainError, NotFound, NotNow
from foundation.language import Text

blueprint = Blueprint("signin", __name__)

_log = logging.getLogger("os2tilslut.sign_in")

_ATTEMPTS_KEPT = 4  # a person may have begun in several tabs
_ATTEMPT_LIVES = timedelta(minutes=10)

#: What a browser's session keeps of a sign-in that was begun, and of a link that was taken up.
_ATTEMPTS, _INVITATION = "sign_in_attempts", "invitation"


class Refusal(DomainError):
    """Somebody who proved who they are, and may not come in all the same."""


class Stranger(Refusal):
    """Nobody here has that identity. No account is made of it."""


class TooWeak(Refusal):
    """The provider did not use strong authentication, and the person's role needs it."""


class ForeignOrganisation(Refusal):
    """The provider says that somebody belongs to another organisation than their seat is in."""


# --- signing in


@blueprint.get("/sign-in")
@access.public
def sign_in() -> ResponseReturnValue:
    """Send the person to the provider; `fresh` asks it to prove anew who they are, `next` is where to come back."""
    fresh, invited = (request.args.get(name) == "1" for name in ("fresh", "invited"))
    back = layout.own_path(request.args.get("next", "/"))
    if not (fresh or invited) and access.current().user_id is not None:
        return redirect(back, 303)
    count(limits.SIGN_IN)
    now = clock.now(layout.config())
    address, attempt = _provider().begin(_callback(), now, fresh=fresh)
    kept = asdict(attempt) | {"next": back, "invitation": session.get(_INVITATION) if invited else None}
    begun = [*session.get(_ATTEMPTS, []), kept]
    session[_ATTEMPTS] = begun[-_ATTEMPTS_KEPT:]
    return redirect(address, 303)


@blueprint.get("/sign-in/callback")
@access.public
def callback() -> ResponseReturnValue:
    """Take up what the provider says, and begin a session of the person."""
    count(limits.SIGN_IN)
    kept = _attempt(request.args.get("state", ""))
    back, invitation = str(kept.pop("next")), kept.pop("invitation")
    now = clock.now(layout.config())
    identity = _provider().complete(_callback(), request.args, Attempt(**kept), now)
    with database.writing() as opened:
        user = _known(opened, identity) if invitation is None else _invited(opened, identity, invitation)
        _begin_session(opened, user, identity)
        sessions.clean(opened, layout.config(), now)
        _log.info("signed in: user %s", user.id)
    return redirect(back, 303)


def _attempt(state: str) -> dict[str, Any]:
    """Give what this browser began under a state, once. Raises NotProven."""
    begun: list[dict[str, Any]] = session.get(_ATTEMPTS, [])
    found = next((attempt for attempt in begun if attempt["state"] == state), None)
    if found is None:
        raise NotProven("the state is not this browser's")
    session[_ATTEMPTS] = [attempt for attempt in begun if attempt is not found]
    if clock.now(layout.config()).timestamp() - found["begun_at"] > _ATTEMPT_LIVES.total_seconds():
        raise NotProven("the sign-in took too long")
    return dict(found)


def _known(opened: Session, identity: Identity) -> UserAccount:
    user = users.identified(opened, identity.issuer, identity.subject)
    if user is None or user.ended_at is not None:
        raise Stranger(
            Text(
                "du er ikke bruger her: bed en administrator i OS2's sekretariat om en invitation",
                "you are not a user here: ask an administrator at OS2's secretariat for an invitation",
            )
        )
    _refuse_weak(opened, user, identity)
    return user


def _invited(opened: Session, identity: Identity, invitation: int) -> UserAccount:
    browser = sessions.here().hash
    user = users.invited_by(opened, invitation, browser)
    _refuse_weak(opened, user, identity)
    _refuse_foreign(opened, user, identity)
    trail = Trail(opened, users.actor(user), clock.now(layout.config()))
    users.accept(opened, invitation, browser, identity.issuer, identity.subject, trail)
    users.speak(opened, user.id, layout.spoken())
    trail.write()
    return user


def _refuse_weak(opened: Session, user: UserAccount, identity: Identity) -> None:
    roles = users.roles_of(opened, user.id, layout.today())
    if roles & STAFF and not identity.is_strong(layout.config().oidc):
        raise TooWeak(
            Text(
                "din rolle kræver login med stærk godkendelse (to faktorer): log ud hos login-tjenesten, "
                "og log ind med den",
                "your role needs a sign-in by strong authentication (two factors): sign out at the sign-in service, "
                "and sign in with that",
            )
        )


def _refuse_foreign(opened: Session, user: UserAccount, identity: Identity) -> None:
    """Let nobody take up a seat in an authority but who the provider tells is of that authority."""
    cvrs = users.cvrs_of(opened, user.id, layout.today())
    if not cvrs or identity.cvr in cvrs:
        return
    if not identity.cvr:
        wanted = " / ".join(sorted(cvrs))
        raise ForeignOrganisation(
            Text(
                f"invitationen er til CVR {wanted}, og dit login er privat: log ind med MitID Erhverv for myndigheden",
                f"the invitation is for CVR {wanted}, and your sign-in is private: sign in with MitID Erhverv for the "
                "authority",
            )
        )
    raise ForeignOrganisation(
        Text(
            "dit login er knyttet til en anden organisation end den, invitationen gælder",
            "your sign-in belongs to another organisation than the invitation is for",
        )
    )


def _begin_session(opened: Session, user: UserAccount, identity: Identity) -> None:
    how = {
        "acr": identity.acr, "amr": list(identity.amr), "assurance": identity.assurance, "cvr": identity.cvr,
        "id_token_sha256": identity.id_token_sha256, "iss": identity.issuer, "sub": identity.subject,
    }  # fmt: skip
    chosen = {"language": session["language"]} if "language" in session else {}  # before, in this browser
    sessions.here().sign_in(opened, user.id, identity.auth_time, {"how": how} | chosen)


# --- signing out


@blueprint.post("/sign-out")
@access.public
def sign_out() -> ResponseReturnValue:
    """End the session on the server, and show where to end the provider's own."""
    forms.taken(Nothing)
    with database.writing() as opened:
        sessions.here().end(opened)
    return render_template("signin/signed_out.html", farewell=_farewell())


def _farewell() -> str | None:
    try:
        return _provider().farewell()
    except ProviderDown:
        return None  # the session here is over all the same


# --- invitations


@blueprint.get("/invitation/<token>")
@access.public
def invitation(token: str) -> ResponseReturnValue:
    """Show whom a link is for; it is taken up by the button, not by looking."""
    count(limits.INVITATION)
    with database.reading() as opened:
        user = users.invited(opened, token, clock.now(layout.config()))
        return render_template("signin/invitation.html", name=user.name, token=token)


@blueprint.post("/invitation/<token>")
@access.public
def take_up(token: str) -> ResponseReturnValue:
    """Bind a link to this browser; the sign-in that follows makes the identity the person's."""
    count(limits.INVITATION)
    forms.taken(Nothing)
    with database.writing() as opened:
        link = users.take_up(opened, token, sessions.here().hash, clock.now(layout.config()))
        session[_INVITATION] = link
    # A page, not a redirect: browsers hold a form's whole way to our own host, and the provider's is another.
    return render_template("signin/taken_up.html")


# --- what all share


def _provider() -> Provider:
    found: Provider = current_app.extensions.setdefault("os2tilslut_provider", Provider(layout.config().oidc))
    return found


def _callback() -> str:
    """Give where the provider sends browsers back to."""
    return (layout.config().base_url or request.host_url).rstrip("/") + "/sign-in/callback"


def count(limit: Limit) -> None:
    """Count a try from this address, and refuse it where there were too many."""
    config = layout.config()
    limits.count(limit, request.remote_addr or "", config.secret_key, clock.now(config))


_STATUSES: tuple[tuple[type[DomainError], int], ...] = (
    (Refusal, 403), (NotFound, 404), (Conflict, 409), (NotNow, 503), (NotProven, 400),
)  # fmt: skip


def _refused(error: DomainError) -> ResponseReturnValue:
    """Say in words why somebody did not come in, and where to begin again."""
    _log.warning("refused: %s %s", type(error).__name__, getattr(error, "reason", ""))
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 422)
    may_begin_again = isinstance(error, Refusal | NotProven | NotNow)
    return render_template("signin/refused.html", text=error.text, again=may_begin_again), status


for _kind in (Refusal, NotProven, ProviderDown, users.LinkRefused, users.IdentityTaken):
    blueprint.register_error_handler(_kind, _refused)
