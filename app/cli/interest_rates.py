"""`interest-rates`: the reference rates of half-years, entered by one person and approved by another."""

from __future__ import annotations

from pathlib import Path

import click

from app import interest_files, reminder_json
from app.access import Role
from app.cli import output, service
from app.cli.registers import FILE
from billing import interest
from foundation.language import Text, day


@click.group(help="Referencesatser for morarente / reference rates of interest on late payment.")
def command() -> None:
    """Hold the commands on reference rates."""


@command.command("import")
@click.argument("file", type=FILE)
@click.option("--by", "by", default=service.COMMAND_LINE, metavar="NAVN", help="Hvem der foreslår dem.")
def import_(file: Path, by: str) -> None:
    """Foreslå referencesatser fra CSV (valid_from, percent, source); en anden godkender dem.

    Propose reference rates; somebody else approves them.
    """
    rates = interest_files.read(file)
    surroundings = service.current()
    with surroundings.writing() as (session, trail):
        trail.actor = surroundings.person(session, by, (Role.FINANCE, Role.ADMINISTRATOR))
        made = interest.propose(session, rates, trail)
    output.say(Text(f"Forslag {made.id} venter på en anden: interest-rates approve {made.id} --by NAVN",
                    f"Proposal {made.id} waits for another: interest-rates approve {made.id} --by NAME"))  # fmt: skip


@command.command("approve")
@click.argument("number", type=click.IntRange(1))
@click.option("--by", "by", required=True, metavar="NAVN", help="Hvem der godkender; en anden end den, der foreslog.")
def approve(number: int, by: str) -> None:
    """Godkend foreslåede satser.

    Approve proposed rates.
    """
    with service.current().approving(by) as (session, trail):
        proposal = interest.approve(session, number, trail)
    count = len(interest.of_proposal(proposal))
    output.say(Text(f"{count} satser er indtastet", f"{count} rates are entered"))


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Ét JSON-dokument på standard output.")
def list_(as_json: bool) -> None:
    """Vis referencesatserne og deres kilder.

    List the reference rates and their sources.
    """
    with service.current().reading() as session:
        known = interest.known(session)
    if as_json:
        output.say_json({"rates": [reminder_json.rate(rate) for rate in known.values()]})
        return
    spoken = output.language()
    output.table(
        [(day(rate.valid_from)[spoken], interest.in_words(rate.hundredths)[spoken], rate.source)
         for rate in known.values()], right=(1,), indent="",
    )  # fmt: skip
    if not known:
        output.say(Text("Ingen satser er indtastet", "No rates are entered"))
