"""`funding`: what coordination groups have."""

from __future__ import annotations

import click

from app.cli import funding_publications


@click.group(help="Fonde og økonomirapporter / funds and funding reports.")
def command() -> None:
    """Hold the commands on funds."""


for each in (*funding_publications.COMMANDS,):
    command.add_command(each)
