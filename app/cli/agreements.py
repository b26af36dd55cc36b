"""The commands on agreements signed online: their templates, their life from offer to end, and their seals."""

from __future__ import annotations

import click

from app.cli import agreement_ends, agreement_life, templates, verify_agreement


@click.group(help="Aftaler, der underskrives online / agreements signed online.")
def command() -> None:
    """Hold the commands on agreements signed online."""


for each in (*agreement_life.COMMANDS, *agreement_ends.COMMANDS, verify_agreement.verify):
    command.add_command(each)
command.add_command(templates.command, "templates")
