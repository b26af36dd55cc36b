"""Agreements signed online: the group its commands are in."""

from __future__ import annotations

import click

from app.cli import verify_agreement


@click.group(help="Aftaler, der underskrives her / agreements signed here.")
def command() -> None:
    """Hold the commands on agreements."""


command.add_command(verify_agreement.verify)
