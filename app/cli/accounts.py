"""`accounts`: the books."""

from __future__ import annotations

import click

from app.cli import bookkeeping


@click.group(help="Bogføringen: posteringer, perioder, konti / the books: postings, periods, accounts.")
def command() -> None:
    """Hold the commands on the books."""


for each in bookkeeping.COMMANDS:
    command.add_command(each)
