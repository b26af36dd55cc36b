"""Forecasts in the browser: all funds' years, one with its reasons, what it was worth, and "what if"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app import access, database
from app.schemas import Nothing
from app.web import forms, fund_addresses, layout, report_charts
from billing.funding import forecast, pipeline, prospect, scenarios
from billing.funding.forecast import Forecast, NoSuchYear
from billing.funding.scenarios import Scenario, ScenarioRefused
from fee_tables.size_key import STANDARD_BANDS, band_title
from foundation import periods
from foundation.language import Text

blueprint = Blueprint("forecasts", __name__)

_MOST = 10
_OTHERS = Text("De, der kommer til", "Those who join")
_KEPT = Text("Prognosen er gemt", "The forecast is kept")


@dataclass(frozen=True, slots=True)
class Supposed:
    """What an address supposes: who leaves, who joins, and how many of a band join."""

    leaving: tuple[str, ...]
    joining: tuple[str, ...]
    band: str
    count: int

    @property
    def is_empty(self) -> bool:
        """Tell whether nobody is supposed to do anything."""
        return not (self.leaving or self.joining or self.band)


@blueprint.get("/forecast")
@access.needs("funding.read")
def page() -> ResponseReturnValue:
    """Show next year of every fund in the person's scope, or the year that the address asks for."""
    today, reach = layout.today(), access.funds()
    asked = request.args.get("year", str(today.year + 1))
    year = int(asked) if asked.isascii() and asked.isdigit() and len(asked) == len("2027") else 0
    forecast.check_year(year, today)
    with database.reading() as session:
        if reach is None:
            found = forecast.compute_all(session, year, today)
        else:
            found = [forecast.compute(session, product, year, today) for product in sorted(reach)]
    shown = [each for each in found if each.lines or each.coming or each.before]
    years = range(today.year, today.year + forecast.FURTHEST + 1)
    return render_template(
        "forecasts/all.html", forecasts=shown, year=year, years=years, address=fund_addresses.forecast
    )


@blueprint.get("/forecast/<product>/<int:year>")
@access.needs("funding.read")
def one(product: str, year: int) -> ResponseReturnValue:
    """Show a fund's year: the range and its reasons, the forecasts kept of it, and what is supposed."""
    _refuse(product)
    today, supposed, errors = layout.today(), _read(request.args), dict[str, Text]()
    with database.reading() as session:
        made, kept = _made(session, product, year)
        found: Scenario | None = None
        try:
            if made is not None and not supposed.is_empty:
                found = _suppose(session, made, supposed)
        except ScenarioRefused as refused:
            errors = dict(refused.faults)
        answer = render_template(
            "forecasts/one.html", product=product, year=year, forecast=made, today=today, stages=pipeline.STAGES,
            scores=forecast.scores(session, kept), supposed=supposed, scenario=found, errors=errors,
            picture=report_charts.of_forecast(made) if made else None,
            bands=[(band, layout.say(band_title(band))) for band in STANDARD_BANDS],
            connected=_connected(made) if made else {},
            free=_free(session, product, year) if made else [], most=_MOST,
            address=fund_addresses.forecast(product, year),
            budgeted=fund_addresses.trace(product, periods.year(year), "given"),
        )  # fmt: skip
    return (answer, 422) if errors else answer


@blueprint.post("/forecast/<product>/<int:year>/keep")
@access.needs("funding.prepare")
def keep(product: str, year: int) -> ResponseReturnValue:
    """Keep the forecast as it is today, to be held against what comes."""
    forms.taken(Nothing)
    _refuse(product, "funding.prepare")
    with layout.acting() as (session, trail):
        forecast.keep(session, forecast.compute(session, product, year, layout.today()), trail)
    layout.done(_KEPT)
    return redirect(fund_addresses.forecast(product, year), 303)


def _refuse(product: str, permission: str = "funding.read") -> None:
    fund_addresses.refuse_beyond(product, permission)


def _made(session: Session, product: str, year: int) -> tuple[Forecast | None, list[forecast.Kept]]:
    """Give the forecast of today and those kept; a year that is past has only what was kept. Raises NoSuchYear."""
    kept = forecast.kept(session, product, year)
    try:
        return forecast.compute(session, product, year, layout.today()), kept
    except NoSuchYear:
        if not kept:
            raise
        return None, kept


def _suppose(session: Session, made: Forecast, supposed: Supposed) -> Scenario:
    product, year = made.product, made.year
    more = scenarios.of_band(session, product, year, supposed.band, supposed.count) if supposed.band else []
    joining = tuple(dict.fromkeys((*supposed.joining, *more)))
    found = scenarios.suppose(session, product, year, layout.today(), leaving=supposed.leaving, joining=joining)
    return found if _names_others() else scenarios.nameless(found, joining, layout.say(_OTHERS))


def _names_others() -> bool:
    """Tell whether the person is told who is not connected: a group knows those of its own product alone (0043)."""
    return access.funds() is None


def _read(given: MultiDict[str, str]) -> Supposed:
    """Read an address; a band or a number that there is not supposes nothing."""
    band, count = given.get("band", ""), given.get("count", "3")
    number = int(count) if count.isascii() and count.isdigit() and len(count) <= len(str(_MOST)) else 0
    leaving, joining = (
        tuple(dict.fromkeys(word for word in given.getlist(name) if word)) for name in ("leave", "join")
    )
    joining = joining if _names_others() else ()
    return Supposed(leaving, joining, band if band in STANDARD_BANDS and 1 <= number <= _MOST else "", number)


def _free(session: Session, product: str, year: int) -> Sequence[tuple[int, str, str]]:
    """Give who could join; a group knows the authorities of its own product, and supposes by their size."""
    return prospect.unconnected(session, product, year) if _names_others() else []


def _connected(made: Forecast) -> Mapping[str, str]:
    return {line.cvr: line.name for line in made.lines}
