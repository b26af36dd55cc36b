"""`funding`: what each coordination group has."""

from __future__ import annotations

import click

from app.cli import funding_costs


@click.group(help="Fondene: omkostninger, timer, overførsler / the funds: costs, hours, transfers.")
def command() -> None:
    """Hold the commands on funds."""


for each in funding_costs.COMMANDS:
    command.add_command(each)
