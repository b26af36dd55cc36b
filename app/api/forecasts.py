"""Forecasts by API: a fund's year as it looks today, and who is on the way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import false

from app import access, clock, database
from app.api import answers, ground, pages
from app.api.pages import PageQuery
from app.schemas import FIRST_YEAR, LAST_YEAR, Strict, Whole, Words
from app.web import fund_addresses, layout
from billing.funding import forecast, pipeline
from foundation import wording

room = ground.room("forecasts", "What a fund is expected to get, and who may join")


class ForecastQuery(Strict):
    """Which forecast."""

    product = Words(wording.LONGEST_PRODUCT, required=True, metadata={"description": "a product in the scope"})
    year = Whole(FIRST_YEAR, LAST_YEAR, required=True)


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
        "expected_ore": made.expected.ore, "high_ore": made.high.ore, "forecast": orjson.loads(forecast.to_json(made)),
    }  # fmt: skip


@ground.reads(room, "/pipeline", "funding.read", answers.page_of(answers.PipelineCase), PipelineQuery)
def list_pipeline(query: Mapping[str, Any]) -> Any:
    """List who may join, as each was seen last."""
    reach, statement = access.funds(), pipeline.standing()
    if reach is not None:
        statement = statement.where(pipeline.CASES.c.product.in_(sorted(reach)) if reach else false())
    if query.get("product"):
        statement = statement.where(pipeline.CASES.c.product == query["product"])
    with database.reading() as session:
        found = pipeline.chances(session)
        return pages.read(session, statement, pipeline.CASES.c.id, query, lambda row: _told(row, found))


def _told(row: Any, found: Mapping[str, int]) -> dict[str, Any]:
    case = pipeline.of_row(row, found)
    return {
        "id": row.id, "cvr": case.cvr, "name": case.name, "product": case.product, "version": case.version,
        "expected_from": case.expected_from, "stage": case.stage, "percent": case.percent, "outcome": case.outcome,
        "source": case.source,
    }  # fmt: skip
