"""The pipeline in the browser: who may join which product, how likely each step is, and how a case was seen before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, redirect, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import false, select
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound

from agreements import products
from app import access, database
from app.schemas import PipelineEntry, StageChanceEntry
from app.web import forms, layout, lists
from app.web.lists import Choice, Column, Filter, Listing
from authorities.register import AUTHORITIES
from billing.funding import pipeline
from billing.funding.pipeline import CASES, OUTCOMES, STAGES, CaseRefused, Seen
from foundation.language import Text, same

blueprint = Blueprint("pipeline", __name__)

Errors = Mapping[str, Text]

_WRITTEN = Text("Sagen er skrevet", "The case is written")
_SET = Text("Sandsynligheden er sat", "The probability is set")
_EMPTY = Text("Ingen er på vej endnu. Skriv den første herunder", "Nobody is on the way yet. Write the first below")


@blueprint.get("/pipeline")
@access.needs("funding.read")
def page() -> ResponseReturnValue:
    """List who may join, of the products in the person's scope."""
    return _page({}, {})


@blueprint.get("/pipeline.<form>")
@access.needs("funding.read")
def export(form: str) -> Response:
    """Give the list as a file."""
    with database.reading() as session:
        return lists.export(session, _listing(session), form)


@blueprint.post("/pipeline")
@access.needs("funding.prepare")
def see() -> ResponseReturnValue:
    """Write a case as it is seen now: a new one, or another version."""
    sent = forms.read(PipelineEntry)
    errors: Errors = sent.errors
    if not errors:
        try:
            with layout.acting() as (session, trail):
                pipeline.see(session, _seen(sent.values), trail)
        except CaseRefused as refused:
            errors = forms.in_order(PipelineEntry, refused.faults)
    if errors:
        return _page(sent.typed, errors), 422
    layout.done(_WRITTEN)
    return redirect("/pipeline", 303)


@blueprint.post("/pipeline/chances")
@access.needs("funding.prepare")
def set_chance() -> ResponseReturnValue:
    """Set how likely cases of a step are."""
    sent = forms.read(StageChanceEntry)
    if sent.errors:
        return _page({}, {}, sent.typed, sent.errors), 422
    with layout.acting() as (session, trail):
        pipeline.set_chance(session, sent["stage"], sent["percent"], sent["reason"], trail)
    layout.done(_SET)
    return redirect("/pipeline", 303)


@blueprint.get("/pipeline/<cvr>/<product>")
@access.needs("funding.read")
def one(cvr: str, product: str) -> ResponseReturnValue:
    """Show how a case was seen, the newest first."""
    reach = access.funds()
    with database.reading() as session:
        found = pipeline.versions(session, cvr, product) if reach is None or product in reach else []
        if not found:
            raise NotFound
        return render_template(
            "forecasts/case.html", versions=found, stages=STAGES, outcomes=OUTCOMES, **_choices(session)
        )


def _seen(given: Mapping[str, Any]) -> Seen:
    return Seen(
        given["cvr"], given["product"], given["expected"], given["stage"], given["source"], given.get("percent"),
        given.get("reason") or "", given.get("outcome") or "",
    )  # fmt: skip


def _page(given: Mapping[str, Any], errors: Errors, chance: Mapping[str, Any] | None = None,
          chance_errors: Errors | None = None) -> str:  # fmt: skip
    with database.reading() as session:
        return render_template(
            "forecasts/pipeline.html", page=lists.page(session, _listing(session)), given=given, errors=errors,
            chance=chance or {}, chance_errors=chance_errors or {}, chances=pipeline.chances(session), stages=STAGES,
            outcomes=OUTCOMES, **_choices(session),
        )  # fmt: skip


def _choices(session: Session) -> dict[str, list[tuple[str, str]]]:
    """Give authorities and products to choose from, to those who may write."""
    if not access.current().may("funding.prepare"):
        return {"authorities": [], "products": []}
    rows = session.execute(
        select(AUTHORITIES.c.cvr, AUTHORITIES.c.name)
        .where(AUTHORITIES.c.valid_to.is_(None))
        .order_by(AUTHORITIES.c.name)
    )
    return {
        "authorities": [(row.cvr, row.name) for row in rows],
        "products": [(name, name) for name in sorted(products.ids_by_name(session))],
    }


def _listing(session: Session) -> Listing:
    reach, found, columns = access.funds(), pipeline.chances(session), CASES.c
    statement = pipeline.standing()
    if reach is not None:
        statement = statement.where(columns.product.in_(sorted(reach)) if reach else false())
    names = sorted(products.ids_by_name(session) if reach is None else reach)
    return Listing(
        name="pipeline",
        caption=Text("Hvem der er på vej", "Who is on the way"),
        statement=statement,
        columns=(
            Column("authority", Text("Myndighed", "Authority"), lambda row: row.name, AUTHORITIES.c.name,
                   lambda row: f"/pipeline/{row.cvr}/{row.product}"),
            Column("product", Text("Produkt", "Product"), lambda row: row.product, columns.product),
            Column("expected", Text("Ventes fra", "Expected from"), lambda row: row.expected_from,
                   columns.expected_from),
            Column("stage", Text("Trin", "Step"), lambda row: STAGES[row.stage], columns.stage),
            Column("percent", Text("Sandsynlighed i %", "Probability in %"),
                   lambda row: found[row.stage] if row.percent is None else row.percent),
            Column("outcome", Text("Udfald", "Outcome"), lambda row: OUTCOMES[row.outcome], columns.outcome),
            Column("source", Text("Kilde", "Source"), lambda row: row.source),
        ),
        filters=(
            Filter("q", Text("Myndighed", "Authority"), lambda words: lists.contains(AUTHORITIES.c.name, words)),
            Filter("product", Text("Produkt", "Product"), lambda given: columns.product == given,
                   [Choice(name, same(name)) for name in names]),
            Filter("stage", Text("Trin", "Step"), lambda given: columns.stage == given,
                   [Choice(stage, title) for stage, title in STAGES.items()]),
        ),
        sort="expected",
        tie=(columns.id,),
        empty=_EMPTY,
        numbers=frozenset({"percent"}),
        id=columns.id,
    )  # fmt: skip
