"""`funding`: what each coordination group has."""

from __future__ import annotations

import click

from app.cli import funding_costs, funding_forecasts, funding_publications


@click.group(help="Fondene: omkostninger, timer, overførsler, rapporter / the funds: costs, hours, transfers, reports.")
def command() -> None:
    """Hold the commands on funds."""


for each in (*funding_costs.COMMANDS, *funding_publications.COMMANDS, *funding_forecasts.COMMANDS):
    command.add_command(each)
