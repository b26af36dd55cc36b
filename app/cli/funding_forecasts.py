"""Forecasts and the pipeline by command."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import click

from app import forecast_json, pipeline_json
from app.access import Role
from app.cli import output, service
from billing.funding import forecast, forecast_parts, outlook, pipeline
from billing.funding.chances import BASES
from billing.funding.forecast_parts import Row
from billing.funding.outlook import Prospect
from billing.funding.pipeline import OUTCOMES, STAGES, Seen
from foundation.language import Language, Text, amount, joined, same

_PREPARERS = (Role.FINANCE, Role.APPROVER)
_BY = click.option("--by", "by", default=service.COMMAND_LINE, metavar="NAVN", help="Hvem der gør det.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Ét JSON-dokument på standard output.")


@click.command("forecast")
@click.argument("product")
@click.argument("year", type=int)
@click.option("--keep", is_flag=True, help="Gem prognosen, så den kan holdes op mod det, der kommer.")
@click.option("--part", metavar="NAVN", help="Vis, hvad et af tallene er lavet af, fx agreements.")
@click.option("--kept", type=click.IntRange(1), help="Af den gemte prognose med det nummer; kræver --part.")
@_BY
@_JSON
def tell(
    product: str, year: int, keep: bool, part: str | None, kept: int | None, by: str, as_json: bool
) -> None:  # fmt: skip
    """Vis prognosen for et produkts fond: lavt, ventet, højt og grundene.

    Tell the forecast of a product's fund: low, expected, high and the reasons.
    """
    if (part and keep) or (kept and not part):
        raise click.UsageError("--part står alene, og --kept kræver --part")
    surroundings = service.current()
    if part:
        _tell_part(product, year, part, kept, as_json=as_json)
        return
    if keep:
        with surroundings.writing() as (session, trail):
            trail.actor = surroundings.person(session, by, _PREPARERS)
            made = forecast.compute(session, product, year, surroundings.today)
            forecast.keep(session, made, trail)
    else:
        with surroundings.reading() as session:
            made = forecast.compute(session, product, year, surroundings.today)
    if as_json:
        output.say_json(json.loads(forecast.to_json(made)))
        return
    spoken = surroundings.config.language
    whole = forecast.Reason("", Text("I alt", "In all"), made.low, made.expected, made.high)
    heads = (
        Text("Tal", "Part"),
        Text("Kr. uden moms", "DKK without VAT"),
        Text("Lavt", "Low"),
        Text("Ventet", "Expected"),
        Text("Højt", "High"),
    )
    told = [
        (each.name, each.text[spoken], *(amount(value, spoken) for value in (each.low, each.expected, each.high)))
        for each in (*made.reasons, whole)
    ]
    output.table([tuple(head[spoken] for head in heads), *told], right=(2, 3, 4))
    for problem in made.problems:
        output.note(problem)


def _tell_part(product: str, year: int, name: str, kept: int | None, *, as_json: bool) -> None:
    surroundings = service.current()
    with surroundings.reading() as session:
        if kept is None:
            found = forecast_parts.take_apart(session, product, year, surroundings.today, name)
        else:
            found = forecast_parts.take_kept_apart(session, product, year, kept, name)
    if as_json:
        rows = [_plain(forecast_json.row(row, names_invoices=True)) for row in found.rows]
        output.say_json({"part": found.name, "sum_ore": None if found.sum is None else found.sum.ore, "rows": rows})
        return
    spoken = surroundings.config.language
    output.say(joined([found.title, found.told], by=": "))
    output.table([_row(row, spoken) for row in found.rows], right=(3,))


def _row(row: Row, spoken: Language) -> tuple[str, ...]:
    why = row.why[spoken] if row.why else row.on.isoformat() if row.on else ""
    return row.cvr, row.name, why, "" if row.amount is None else amount(row.amount, spoken)


@click.command("pipeline")
@_JSON
def list_pipeline(as_json: bool) -> None:
    """Vis, hvem der er på vej til hvilket produkt, og hvor sandsynligt det er.

    List who is on the way to which product, and how likely that is.
    """
    surroundings = service.current()
    with surroundings.reading() as session:
        found = outlook.read(session, surroundings.today)
    if as_json:
        output.say_json(
            {"cases": [_plain(pipeline_json.case(row)) for row in found.prospects],
             "steps": pipeline_json.steps(found.pipeline.chances),
             "gave_way": [{"cvr": case.cvr, "product": case.product} for case in found.pipeline.gave_way]}
        )  # fmt: skip
        return
    spoken = surroundings.config.language
    output.table([_line(row, spoken) for row in found.prospects], right=(4, 6))
    for case in found.pipeline.gave_way:
        output.note(Text(f"{case.name}, {case.product}: sagen er skrevet i hånden og tæller ikke; rejsen tæller",
                         f"{case.name}, {case.product}: written by hand and not counted; its journey is"))  # fmt: skip


def _plain(case: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in case.items()}


def _line(row: Prospect, spoken: Language) -> tuple[str, ...]:
    case = row.case
    counted = "–" if row.counted is None else amount(row.counted, spoken)
    return (
        case.name, case.product, case.expected_from.isoformat(), STAGES[case.stage][spoken], f"{case.percent} %",
        BASES[case.basis][spoken], counted, OUTCOMES[case.outcome][spoken],
    )  # fmt: skip


@click.command("expect")
@click.argument("cvr")
@click.argument("product")
@click.option("--from", "expected", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Ventes fra den dag.")
@click.option("--stage", type=click.Choice(list(STAGES)), required=True, help="Trinet på vejen.")
@click.option("--source", required=True, help="Hvor det vides fra.")
@click.option("--percent", type=click.IntRange(0, 100), help="Sagens egen sandsynlighed; kræver --reason.")
@click.option("--reason", default="", help="Hvorfor sagen vurderes for sig.")
@click.option("--outcome", type=click.Choice([name for name in OUTCOMES if name]), help="Hvordan sagen endte.")
@_BY
def expect(cvr: str, product: str, by: str, **seen: Any) -> None:
    """Skriv, at en myndighed er på vej til et produkt, eller se sagen på ny.

    Write that an authority is on the way to a product, or see the case anew.
    """
    surroundings = service.current()
    case = Seen(
        cvr, product, seen["expected"].date(), seen["stage"], seen["source"].strip(), seen["percent"],
        seen["reason"].strip(), seen["outcome"] or "",
    )  # fmt: skip
    with surroundings.writing() as (session, trail):
        trail.actor = surroundings.person(session, by, _PREPARERS)
        version = pipeline.see(session, case, trail)
    output.say(same(f"{cvr} {product}: version {version}"))


COMMANDS = (tell, list_pipeline, expect)
