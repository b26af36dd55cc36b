"""A form that does one thing: read, done in one transaction, and led on; or its page again, with the faults told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from flask import redirect
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app import database
from app.schemas import Strict
from app.web import forms, layout
from app.web.forms import Sent
from foundation.audit import Trail
from foundation.errors import FieldsRefused
from foundation.language import Text

#: Does what a form asks, and gives the address that follows.
Act = Callable[[Session, Trail, Sent], str]
#: Gives the page again, with what was typed and the faults.
Show = Callable[[Session, Sent], str]


def filled(form: type[Strict], act: Act, show: Show, told: Text) -> ResponseReturnValue:
    """Read the form that was sent and do what it asks. Nothing is done where a field of it is wrong."""
    sent = forms.read(form)
    if not sent.errors:
        try:
            with layout.acting() as (session, trail):
                to = act(session, trail, sent)
        except FieldsRefused as refused:
            sent = replace(sent, errors=forms.in_order(form, refused.faults))
        else:
            layout.done(told)
            return redirect(to, 303)
    with database.reading() as session:
        return show(session, sent), 422
