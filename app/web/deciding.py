"""Rejecting and withdrawing what was proposed, alike for every kind: found, decided, told.

A proposal is rejected with a reason. Where it lacks, the page that asked comes back and says so at the field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import redirect
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app import access, database
from app.schemas import Nothing, Rejection, Strict
from app.web import forms, layout
from app.web.forms import Sent
from foundation import proposals
from foundation.language import Text
from foundation.proposals import Outcome, Proposal

#: Gives the proposal an address names, of the right kind and the person's own reach; refuses what is not there.
Find = Callable[[Session], Proposal]
#: What else the trail keeps of a decision.
About = Mapping[str, Any] | None


def reject(
    find: Find,
    show: Callable[[Sent], str],
    told: Text,
    to: str,
    form: type[Strict] = Rejection,
    *,
    about: About = None,
) -> ResponseReturnValue:
    """Reject what another person proposed; without a reason `show` gives the page again; `about` is for the trail."""
    sent = forms.read(form)
    if sent.errors:
        _refuse_undecidable(find)
        return show(sent), 422
    return _decided(find, "rejected", sent["reason"], (told, to), about)


def withdraw(
    find: Find, told: Text, to: str, form: type[Strict] = Nothing, *, about: About = None
) -> ResponseReturnValue:
    """Take one's own proposal back. `about` goes into the trail."""
    forms.taken(form)
    return _decided(find, "withdrawn", "", (told, to), about)


def _refuse_undecidable(find: Find) -> None:
    """Say first what no reason would mend: it is gone, decided before, or the person's own."""
    with database.reading() as session:
        proposals.refuse_undecidable(find(session), "rejected", access.current().actor)


def _decided(find: Find, outcome: Outcome, reason: str, answer: tuple[Text, str], about: About) -> ResponseReturnValue:
    told, to = answer
    with layout.acting() as (session, trail):
        proposals.decide(session, find(session).id, outcome, trail, reason, about)
    layout.done(told)
    return redirect(to, 303)
