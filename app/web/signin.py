"""Signing in and out."""

from __future__ import annotations

from flask import Blueprint, redirect, session
from flask.typing import ResponseReturnValue

from app import access

blueprint = Blueprint("signin", __name__)


@blueprint.get("/sign-in")
@access.public
def sign_in() -> ResponseReturnValue:
    """Send the person to the identity provider."""
    return redirect("/", 303)


@blueprint.post("/sign-out")
@access.public
def sign_out() -> ResponseReturnValue:
    """End the session."""
    session.clear()
    return redirect("/", 303)
