"""The pages: one module a subject, and what they share."""

from __future__ import annotations

from flask import Flask

from app.web import (
    account_statements,
    accounts,
    agreement_drafts,
    agreement_signing,
    agreements,
    api_docs,
    audit,
    authorities,
    bank,
    billing_details,
    budgets,
    calculator,
    costs,
    countersigning,
    credits,
    deliveries,
    fee_tables,
    forecast_parts,
    forecasts,
    fund_acts,
    fund_overview,
    fund_report,
    holds,
    imports,
    invoices,
    layout,
    letter_terms,
    letters,
    memberships,
    notices,
    openness,
    paper_route,
    payments,
    pipeline,
    products,
    public_reports,
    publications,
    questions,
    reminder_settings,
    reminders,
    report_comments,
    report_remarks,
    road,
    settings,
    showings,
    signin,
    signing_rights,
    speaking,
    start,
    templates_pages,
    tokens,
    tracing,
    users,
    verify,
    year,
)

_SUBJECTS = (
    start, signin, authorities, billing_details, imports, fee_tables, year, invoices, credits, bank, audit, users,
    settings, tokens, api_docs, agreements, agreement_signing, countersigning, agreement_drafts, notices,
    memberships, paper_route, signing_rights, templates_pages, verify, letters, payments, account_statements,
    reminders, reminder_settings, holds, deliveries, accounts, letter_terms, calculator, products, road, showings,
    questions, costs, fund_acts, fund_overview, fund_report, publications, report_comments, report_remarks, openness,
    public_reports, forecasts, forecast_parts, pipeline, tracing, budgets,
)  # fmt: skip


def install(app: Flask) -> None:
    """Put the pages into an application."""
    app.jinja_environment = speaking.Templates
    layout.install(app)
    for subject in _SUBJECTS:
        app.register_blueprint(subject.blueprint)
