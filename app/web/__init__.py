"""The pages: one module a subject, and what they share."""

from __future__ import annotations

from flask import Flask

from app.web import (
    audit,
    authorities,
    billing_details,
    credits,
    fee_tables,
    imports,
    invoices,
    layout,
    settings,
    signin,
    speaking,
    start,
    tokens,
    users,
    year,
)

_SUBJECTS = (
    start, signin, authorities, billing_details, imports, fee_tables, year, invoices, credits, audit, users, settings,
    tokens,
)  # fmt: skip


def install(app: Flask) -> None:
    """Put the pages into an application."""
    app.jinja_environment = speaking.Templates
    layout.install(app)
    for subject in _SUBJECTS:
        app.register_blueprint(subject.blueprint)
