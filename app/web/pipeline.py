"""The pipeline in the browser: who may join which product, how likely each step is, and how a case was seen before.

Journeys stand in it by themselves; what is written by hand gives way to a journey to the same product.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import false, select
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound

from agreements import products
from agreements.products import PRODUCTS
from agreements.road import journeys
from agreements.road.journeys import Journey
from app import access, database
from app.schemas import JourneyJudging, PipelineEntry, StageChanceEntry
from app.web import filling, forms, layout, lists, memory_list, pipeline_list
from app.web.forms import Sent
from app.web.memory_list import MemoryListing
from authorities.register import AUTHORITIES
from billing.funding import chances, judgements, outlook, pipeline
from billing.funding.judgements import Judgement
from billing.funding.outlook import Outlook, Prospect
from billing.funding.pipeline import OUTCOMES, STAGES, CaseRefused, Seen
from foundation.audit import Trail
from foundation.language import Text

blueprint = Blueprint("pipeline", __name__)

Errors = Mapping[str, Text]

_WRITTEN = Text("Sagen er skrevet", "The case is written")
_SET = Text("Sandsynligheden er sat", "The probability is set")
_GIVES_WAY = Text("; myndighedens rejse til produktet tæller i stedet for den",
                  "; the authority's journey to the product counts instead of it")  # fmt: skip


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
        found, listing = _found(session)
    return lists.export_rows(listing.name, listing.columns, _chosen(found, listing), form)


def _found(session: Session) -> tuple[Outlook, MemoryListing]:
    reach = access.funds()
    found = outlook.read(session, layout.today(), reach)
    names = products.ids_by_name(session) if reach is None else reach
    return found, pipeline_list.listing(names, layout.today())


def _chosen(found: Outlook, listing: MemoryListing) -> list[Prospect]:
    return pipeline_list.chosen(found.prospects, listing, request.args, layout.today())


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
                told = _told(session, sent["cvr"], sent["product"])
        except CaseRefused as refused:
            errors = forms.in_order(PipelineEntry, refused.faults)
    if errors:
        return _page(sent.typed, errors), 422
    layout.done(told)
    return redirect("/pipeline", 303)


def _told(session: Session, cvr: str, product: str) -> Text:
    """Say that a case is written, and that a journey counts instead of it where there is one."""
    number = pipeline.journey_before(session, pipeline.versions(session, cvr, product)[0])
    return _WRITTEN if number is None else _WRITTEN + _GIVES_WAY


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
    """Show how a case was seen, the newest first; one that is a journey alone is seen at the journey's page."""
    reach = access.funds()
    if reach is not None and product not in reach:
        raise NotFound
    with database.reading() as session:
        found = pipeline.versions(session, cvr, product)
        if not found:
            return _to_journey(pipeline.newest_journey(session, cvr, product))
        return render_template(
            "forecasts/case.html",
            versions=found,
            journey=pipeline.journey_before(session, found[0]),
            stages=STAGES,
            outcomes=OUTCOMES,
            **_choices(session),
        )


def _to_journey(number: int | None) -> ResponseReturnValue:
    if number is None:
        raise NotFound
    return redirect(f"/pipeline/journeys/{number}", 303)


# --- a journey of it


@blueprint.get("/pipeline/journeys/<int:journey>")
@access.needs("funding.read")
def journey(journey: int) -> ResponseReturnValue:
    """Show how a journey counts: from when it is expected, how likely it is, by what, and how it was judged."""
    with database.reading() as session:
        return _journey(session, journey, {}, {})


def _journey(session: Session, number: int, typed: Mapping[str, Any], errors: Errors) -> str:
    found, today = _in_reach(session, number), layout.today()
    listed = outlook.read(session, today, [found.product]).prospects
    row = next((each for each in listed if each.case.journey and each.case.journey.id == number), None)
    judged = judgements.of(session, number)
    return render_template(
        "forecasts/journey.html", journey=found, row=row, judged=judged, typed=typed or _as_typed(judged),
        errors=errors,        planned_to=judgements.planned_to(found), chances=chances.read(session), stages=STAGES,
        may_judge=access.current().may("funding.prepare") and found.ended_on is None, today=today,
        may_see=access.current().may("journey.read"),
    )  # fmt: skip


def _in_reach(session: Session, number: int) -> Journey:
    reach, statement = access.funds(), journeys.listing()
    if reach is not None:
        statement = statement.where(PRODUCTS.c.name.in_(sorted(reach)) if reach else false())
    return journeys.get(session, statement, number)


def _as_typed(judged: Sequence[Judgement]) -> Mapping[str, Any]:
    if not judged:
        return {}
    return {"percent": judged[0].percent, "expected": judged[0].expected_from, "reason": judged[0].reason}


@blueprint.post("/pipeline/journeys/<int:journey>")
@access.needs("funding.prepare")
def judge(journey: int) -> ResponseReturnValue:
    """Write how a journey is judged from now on."""

    def act(session: Session, trail: Trail, sent: Sent) -> str:
        found = _in_reach(session, journey)
        judgements.judge(session, found, sent.get("percent"), sent.get("expected"), sent.get("reason", ""), trail)
        return f"/pipeline/journeys/{journey}"

    def again(session: Session, sent: Sent) -> str:
        return _journey(session, journey, sent.typed, sent.errors)

    return filling.filled(JourneyJudging, act, again, Text("Vurderingen er gemt", "The judgement is kept"))


# --- the page


def _seen(given: Mapping[str, Any]) -> Seen:
    return Seen(
        given["cvr"], given["product"], given["expected"], given["stage"], given["source"], given.get("percent"),
        given.get("reason") or "", given.get("outcome") or "",
    )  # fmt: skip


def _page(given: Mapping[str, Any], errors: Errors, chance: Mapping[str, Any] | None = None,
          chance_errors: Errors | None = None) -> str:  # fmt: skip
    with database.reading() as session:
        found, listing = _found(session)
        chosen = _chosen(found, listing)
        page = memory_list.page(listing, chosen, request.args)
        return render_template(
            "forecasts/pipeline.html", page=page, given=given, errors=errors, chance=chance or {},
            chance_errors=chance_errors or {}, chances=found.pipeline.chances, enough=chances.ENOUGH, stages=STAGES,
            outcomes=OUTCOMES, gave_way=found.pipeline.gave_way, summary=pipeline_list.by_product(found.prospects),
            sums=pipeline_list.together(chosen),
            **_choices(session),
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
