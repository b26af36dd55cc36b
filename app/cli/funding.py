"""`funding`: what each coordination group has."""

from __future__ import annotations

import click

from app.cli import funding_costs, funding_forecasts, funding_publications, funding_report


@click.group(help="Fondene: omkostninger, timer, overførsler, rapporter / the funds: costs, hours, transfers, reports.")
def command() -> None:
    """Hold the commands on funds."""


_MODULES = (funding_costs, funding_report, funding_publications, funding_forecasts)
for each in (one for module in _MODULES for one in module.COMMANDS):
    command.add_command(each)
