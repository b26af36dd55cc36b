"""`accounts`: the books."""

from __future__ import annotations

import click

from app.cli import account_statements, bookkeeping


@click.group(help="Bogføringen: posteringer, perioder, konti / the books: postings, periods, accounts.")
def command() -> None:
    """Hold the commands on the books."""


for each in (*account_statements.COMMANDS, *bookkeeping.COMMANDS):
    command.add_command(each)
