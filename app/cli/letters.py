"""Letters: which there are and how they went, and sending one again."""

from __future__ import annotations

from typing import Any

import click
from sqlalchemy import Row, select

from app.cli import output, service
from foundation import letters
from foundation.language import Text

#: How a letter stands, in words.
STATES = {
    "waiting": Text("venter", "waiting"),
    "sent": Text("sendt", "sent"),
    "deferred": Text("udskudt", "put off"),
    "failed": Text("kunne ikke sendes", "could not be sent"),
}


@click.group(help="Breve, der sendes som mail / letters that are sent as mail.")
def command() -> None:
    """Hold the commands on letters."""


@command.command("list")
@click.option("--state", type=click.Choice(list(STATES)), help="Kun dem, der står sådan / only those that stand so.")
@click.option("--about", metavar="SAG", help="Kun om denne aftale, fx «A-2027-00001 v1» / only on this agreement.")
@click.option("--json", "as_json", is_flag=True, help="Ét JSON-dokument på standard output.")
def list_(state: str | None, about: str | None, as_json: bool) -> None:
    """Vis brevene: til hvem, hvornår, og hvordan det gik.

    Show the letters: to whom, when, and how it went.
    """
    with service.current().reading() as session:
        if about is not None:
            rows = letters.about(session, about)
        else:
            found = letters.listing().subquery()
            rows = list(session.execute(select(found).order_by(found.c.id)))
    rows = [row for row in rows if state in (None, row.state)]
    if as_json:
        output.say_json({"letters": [_json(row) for row in rows]})
    else:
        output.table([_line(row) for row in rows])


def _line(row: Row[Any]) -> list[str]:
    spoken = output.language()
    state = STATES[row.state][spoken]
    reason = letters.reason_told(row.tried_reason)[spoken]
    return [str(row.id), f"{row.written_at:%Y-%m-%d %H:%M}", row.receiver, row.title, f"{state} {reason}".strip()]


def _json(row: Row[Any]) -> dict[str, Any]:
    reason = letters.reason_told(row.tried_reason)
    return {
        "letter": row.id, "kind": row.kind, "subject": row.subject, "to": row.receiver, "title": row.title,
        "message_id": row.message_id, "sha256": row.sha256, "written_at": row.written_at.isoformat(),
        "state": row.state, "tried_at": row.tried_at and row.tried_at.isoformat(), "tries": row.tries,
        "reason": reason[output.language()], "answer": row.answer or "", "replaces": row.replaces_id,
        "resent_as": row.resent_id,
    }  # fmt: skip


@command.command("resend")
@click.argument("letter", type=click.IntRange(1, 2**63 - 1))
@click.option("--to", required=True, metavar="MAIL", help="Modtageren / the receiver.")
@click.option("--reason", required=True, metavar="GRUND", help="Hvorfor det sendes igen / why it is sent again.")
@click.option("--by", "by", required=True, metavar="NAVN", help="Hvem der gør det / who does it.")
def resend(letter: int, to: str, reason: str, by: str) -> None:
    """Skriv et brev igen, til en anden modtager eller den samme. Det første bliver stående.

    Write a letter again, to another receiver or the same. The first one stays.
    """
    with service.current().writing(by) as (session, trail):
        made = letters.resend(session, letter, to, reason, trail)
    output.say(Text(f"Brev {made} til {to} er skrevet; det sendes af os2tilslut work",
                    f"Letter {made} to {to} was written; os2tilslut work sends it"))  # fmt: skip
