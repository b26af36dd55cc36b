"""Forecasts by API: a fund's year as it looks today, and who is on the way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy.orm import Session

from app import access, clock, database, forecast_json, pipeline_json
from app.api import answers, ground, pages, writes
from app.api.pages import PageQuery
from app.api.writes import Answer
from app.schemas import FIRST_YEAR, LAST_YEAR, PipelineEntry, StageChanceEntry, Strict, Whole, Words
from app.web import fund_addresses, layout
from billing.funding import chances, forecast, forecast_parts, outlook, pipeline
from billing.funding.outlook import Prospect
from billing.funding.pipeline import Seen
from foundation import wording
from foundation.audit import Trail

room = ground.room("forecasts", "What a fund is expected to get, and who may join")


class ForecastQuery(Strict):
    """Which forecast."""

    product = Words(wording.LONGEST_PRODUCT, required=True, metadata={"description": "a product in the scope"})
    year = Whole(FIRST_YEAR, LAST_YEAR, required=True)


class PartQuery(PageQuery):
    """Which figure of which forecast."""

    product = Words(wording.LONGEST_PRODUCT, required=True, metadata={"description": "a product in the scope"})
    year = Whole(FIRST_YEAR, LAST_YEAR, required=True)
    part = Words(40, required=True, metadata={"description": "`part` of a term or a change; before, certain, invoiced, "
                                              "ended or standing"})  # fmt: skip
    kept = Whole(1, 2**31 - 1, metadata={"description": "the id of a kept forecast; without it today's"})


class PipelineQuery(PageQuery):
    """Which cases."""

    product = Words(wording.LONGEST_PRODUCT, metadata={"description": "a product"})


@ground.reads(room, "/forecasts", "funding.read", answers.Forecast, ForecastQuery)
def read_forecast(query: Mapping[str, Any]) -> Any:
    """Forecast a fund's year as of today: low, expected and high in whole øre, with all that they are made of."""
    fund_addresses.refuse_beyond(query["product"])
    with database.reading() as session:
        made = forecast.compute(session, query["product"], query["year"], clock.today(layout.config()))
    return {
        "product": made.product, "year": made.year, "made_on": made.made_on, "low_ore": made.low.ore,
        "expected_ore": made.expected.ore, "high_ore": made.high.ore, "terms": forecast_json.terms(made),
        "changes": forecast_json.changes(made.changes, "change"), "forecast": orjson.loads(forecast.to_json(made)),
    }  # fmt: skip


@ground.reads(room, "/forecasts/kept", "funding.read", answers.KeptForecasts, ForecastQuery)
def list_kept(query: Mapping[str, Any]) -> Any:
    """List the forecasts kept of a fund's year, the newest first, each beside what was invoiced of the year."""
    fund_addresses.refuse_beyond(query["product"])
    with database.reading() as session:
        found = forecast.scores(session, forecast.kept(session, query["product"], query["year"]))
    return {"items": [forecast_json.score(each) for each in found]}


@ground.reads(room, "/forecasts/parts", "funding.read", answers.ForecastPart, PartQuery)
def read_part(query: Mapping[str, Any]) -> Any:
    """List what one figure of a forecast is made of; all pages together come to `sum_ore`, or are `count`."""
    product, year, kept = query["product"], query["year"], query.get("kept")
    fund_addresses.refuse_beyond(product)
    with database.reading() as session:
        if kept is None:
            found = forecast_parts.take_apart(session, product, year, clock.today(layout.config()), query["part"])
        else:
            found = forecast_parts.take_kept_apart(session, product, year, kept, query["part"])
    page, sees = pages.asked(query), access.scope("funding.read").everything
    until = page.after + page.limit
    return {
        "part": found.name, "title": found.title.en, "title_da": found.title.da, "count": len(found.rows),
        "sum_ore": None if found.sum is None else found.sum.ore,
        "items": [forecast_json.row(row, names_invoices=sees) for row in found.rows[page.after : until]],
        "next": page.next(until) if until < len(found.rows) else None,
    }  # fmt: skip


@ground.reads(room, "/pipeline", "funding.read", answers.page_of(answers.PipelineCase), PipelineQuery)
def list_pipeline(query: Mapping[str, Any]) -> Any:
    """List who may join: journeys, and what was written by hand of who has none."""
    reach, given = access.funds(), query.get("product")
    of = reach if given is None else {given} if reach is None or given in reach else frozenset[str]()
    with database.reading() as session:
        found = sorted(outlook.read(session, layout.today(), of).prospects, key=_place)
    page = pages.asked(query, ["", ""])
    rest = [row for row in found if _place(row) > tuple(page.after)]
    shown = rest[: page.limit]
    more = len(rest) > page.limit
    return {"items": map(pipeline_json.case, shown), "next": page.next([*_place(shown[-1])]) if more else None}


def _place(row: Prospect) -> tuple[str, str]:
    return row.case.cvr, row.case.product


@ground.reads(room, "/pipeline/chances", "funding.read", answers.StageChances)
def list_chances(query: object) -> Any:
    """Tell how likely each step is, and whether that is learned or set."""
    with database.reading() as session:
        return {"items": pipeline_json.steps(chances.read(session))}


@ground.writes(room, "/pipeline", "funding.prepare", PipelineEntry, answers.PipelineSeen)
def see(query: object, sent: Mapping[str, Any]) -> Any:
    """Write by hand who may join, or see that case anew; a journey to the same product counts instead of it."""

    def act(session: Session, trail: Trail) -> Answer:
        seen = Seen(
            sent["cvr"], sent["product"], sent["expected"], sent["stage"], sent["source"], sent.get("percent"),
            sent.get("reason") or "", sent.get("outcome") or "",
        )  # fmt: skip
        version = pipeline.see(session, seen, trail)
        number = pipeline.journey_before(session, pipeline.versions(session, seen.cvr, seen.product)[0])
        return Answer({"cvr": seen.cvr, "product": seen.product, "version": version, "gives_way_to": number})

    return writes.once(act)


@ground.writes(room, "/pipeline/chances", "funding.prepare", StageChanceEntry, answers.StageChances)
def set_chance(query: object, sent: Mapping[str, Any]) -> Any:
    """Set how likely cases of a step are while too few journeys have ended to learn it."""

    def act(session: Session, trail: Trail) -> Answer:
        pipeline.set_chance(session, sent["stage"], sent["percent"], sent["reason"], trail)
        return Answer({"items": pipeline_json.steps(chances.read(session))})

    return writes.once(act)
