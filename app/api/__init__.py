"""The JSON API under /api/v1: what a person does in the browser a program does by the same calls, with a token.

The OpenAPI document is made of the operations as they are declared, and served at /api/v1/openapi.json.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import Flask, jsonify
from flask_smorest import Api

from app.api import (
    accounts,
    answers,
    audit,
    authentication,
    bank,
    budgets,
    costs,
    deliveries,
    fee_tables,
    forecasts,
    fund_acts,
    funding_reports,
    ground,
    holds,
    invoices,
    journeys,
    letters,
    oneself,
    payments,
    plans,
    published_reports,
    questions,
    registers,
    reminder_settings,
    reminders,
    withdrawals,
)
from app.web import layout

ROOMS = (
    registers.room,
    fee_tables.room,
    plans.room,
    invoices.room,
    audit.room,
    letters.room,
    oneself.room,
    bank.room,
    reminders.room,
    holds.room,
    reminder_settings.room,
    withdrawals.room,
    deliveries.room,
    accounts.room,
    costs.room,
    budgets.room,
    fund_acts.room,
    payments.room,
    published_reports.room,
    forecasts.room,
    funding_reports.room,
    journeys.room,
    questions.room,
)

_root = ground.room("root", "Where to begin")

_INTRODUCTION = """Connection agreements, yearly fees and invoices of OS2. Send `Authorization: Bearer TOKEN`; people
make their tokens at /tokens. A token never exceeds its owner, and never approves. What is not yours is answered as
if it were not there. Lists come in pages: send `next` as `cursor`. Refusals are problem JSON (RFC 9457) with a
stable `code`.
"""


class _Api(Api):  # type: ignore[misc]
    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        """Leave refusals to `app/errors.py`."""


def install(app: Flask) -> None:
    """Put the API into an application."""
    app.extensions["principal_loader"] = authentication.principal
    app.extensions["os2tilslut_openapi"] = document  # for the page of the API (app/web/api_docs.py)
    for room in (*ROOMS, _root):
        layout.csrf.exempt(room)  # no cookie opens anything here
        app.register_blueprint(room)


@cache
def document() -> dict[str, Any]:
    """Give the OpenAPI document. It is made when first asked for: that takes longer than making an application."""
    app = Flask(__name__)
    app.config["OPENAPI_URL_PREFIX"] = None
    made = _Api(
        app,
        spec_kwargs={
            "title": "os2tilslut", "version": "1", "openapi_version": "3.1.0",
            "info": {"description": _INTRODUCTION, "license": {"name": "MPL-2.0", "identifier": "MPL-2.0"}},
        },
    )  # fmt: skip
    made.spec.components.security_scheme("token", {"type": "http", "scheme": "bearer"})
    for room in (*ROOMS, _root):
        made.register_blueprint(room)
    return _finished(made.spec.to_dict())


def _finished(document: dict[str, Any]) -> dict[str, Any]:
    """Put the headers beside the other parameters, which flask-smorest would replace."""
    document["security"] = [{"token": []}]
    for unused in ("Error", "PaginationMetadata"):  # flask-smorest's own, which no answer here is
        document["components"]["schemas"].pop(unused, None)
    for path in document["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict):
                headers = operation.pop("x-headers", [])
                operation["parameters"] = [*operation.get("parameters", []), *headers]
    return document


@ground.reads(_root, "/", None, answers.Root)
def root(query: object) -> Any:
    """List the resources."""
    return {"resources": {name: f"/api/v1/{name}" for name in _RESOURCES}}


_RESOURCES = (
    "agreements", "audit-entries", "authorities", "credit-notes", "docs", "fee-tables", "invoices", "letters",
    "me", "memberships", "openapi.json", "placements", "population", "products", "bank-statements",
    "bank-transactions", "reminder-plan", "reminders", "deliveries", "accounts", "payments", "published-reports",
    "forecasts", "funding-reports", "pipeline", "costs", "journeys", "questions",
    "budgets", "hour-rates", "recurring-costs", "transfers", "interest-rates", "reminder-terms", "withdrawals",
)  # fmt: skip


@ground.reads(_root, "/openapi.json", None, None, kinds=("application/json",))
def openapi(query: object) -> Any:
    """Give this document."""
    return jsonify(document())
