"""The work that comes by itself: one round of it, or round after round."""

from __future__ import annotations

import time

import click

from app import rounds
from app.cli import output, service
from app.cli.service import Service


@click.command("work")
@click.option("--every", type=click.IntRange(1, 86400), metavar="SEKUNDER",
              help="Bliv ved, med så mange sekunder imellem / go on, so many seconds apart.")  # fmt: skip
def command(every: int | None) -> int:
    """Gør alt, der kommer af sig selv: udløb, påmindelser, segl, breve. 0 alt lykkedes, 3 noget gjorde ikke.

    Do all that comes by itself: running out, reminders, seals, letters. 0 all went well, 3 something did not.
    """
    surroundings = service.current()
    while every is not None:
        _round(surroundings)
        time.sleep(every)
    return _round(surroundings)


def _round(surroundings: Service) -> int:
    is_whole = True
    with surroundings.app.app_context():
        for done in rounds.one(rounds.in_name_of_the_service(surroundings.config)):
            tell = output.say if done.came.is_whole else output.complain
            tell(done.text)
            is_whole = is_whole and done.came.is_whole
    return 0 if is_whole else 3
