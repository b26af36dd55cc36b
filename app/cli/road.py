"""`road`: what the road to a connection keeps, and letting it go."""

from __future__ import annotations

from typing import Any

import click

from app import road_work
from app.cli import output, service
from foundation.language import Text

_TITLES = {
    "asked": Text("spurgt, om de er på vej", "asked whether they are on the way"),
    "ended": Text("sluttet uden svar", "ended without an answer"),
    "emptied": Text("rejser tømt", "journeys emptied"),
    "inquiries": Text("spørgsmål tømt", "questions emptied"),
    "showings": Text("fremvisninger tømt", "showings emptied"),
}


@click.group(help="Vejen til en tilslutning / the road to a connection.")
def command() -> None:
    """Hold the commands on the road."""


@command.command("retention")
@click.option("--dry-run", "is_dry", is_flag=True, help="Vis det kun / only show it.")
@click.option("--json", "as_json", is_flag=True, help="Ét JSON-dokument på standard output.")
def retention(is_dry: bool, as_json: bool) -> None:
    """Slet noter, filer og navne, der er gemt længe nok; spørg om rejser, der ligger stille.

    Empty words, files and names kept long enough; ask about journeys on which nothing happens.
    """
    surroundings = service.current()
    with surroundings.app.app_context():
        found = road_work.due(surroundings) if is_dry else road_work.let_go(surroundings)
    told: dict[str, Any] = {
        "asked": list(found.ask), "ended": list(found.end), "emptied": list(found.empty),
        "inquiries": list(found.inquiries), "showings": list(found.showings),
    }  # fmt: skip
    if as_json:
        output.say_json({"dry_run": is_dry, **told})
        return
    if is_dry:
        output.say(Text("Prøve: intet er ændret", "Dry run: nothing was changed"))
    spoken = output.language()
    output.table([[_TITLES[name][spoken], str(len(ids)), ", ".join(map(str, ids))] for name, ids in told.items()])
