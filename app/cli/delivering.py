"""Handing documents over: what waits, what went wrong, and what is sent again."""

from __future__ import annotations

from typing import Any

import click

from app import clock, delivering, delivery_json, delivery_words, next_round
from app.access import Role
from app.annual_work import Surroundings
from app.cli import output, service
from app.cli.billing import YEAR
from app.delivering import Done, Waiting
from billing import deliveries, delivery_register
from billing.delivery_register import LISTED, STATES
from foundation.language import Text, same

_by = click.option("--by", "by", default=service.COMMAND_LINE, metavar="NAVN", help="Hvem der gør det. / Who does it.")


@click.group(
    "deliver", invoke_without_command=True,
    help="Aflevér dokumenter ad modtagernes vej / hand documents over by the receivers' way.",
)  # fmt: skip
@click.option("--year", type=YEAR, help="Kun det år. / Only that year.")
@click.option("--dry-run", is_flag=True, help="Fortæl, hvad der ville ske, og gør intet. / Tell only.")
@click.option("--json", "as_json", is_flag=True, help="Med --dry-run: ét JSON-dokument på standard output.")
@click.pass_context
def command(context: click.Context, year: int | None, dry_run: bool, as_json: bool) -> int:
    """Hand over all that is validated and due, and take receipts in: 0 done, 1 something needs a person, 3 not now."""
    if context.invoked_subcommand is not None:
        if year is not None or dry_run or as_json:
            raise click.UsageError("--year, --dry-run, --json")
        return 0
    if as_json and not dry_run:
        raise click.UsageError("--dry-run --json")
    surroundings = service.current()
    if dry_run:
        _say_next_round(surroundings, year, as_json)
        return 0
    done = delivering.deliver(surroundings, year, output.begin)
    _say_done(done)
    if not done.is_well:
        return 1
    return 3 if done.held else 0


def _say_next_round(surroundings: Surroundings, year: int | None, as_json: bool) -> None:
    """Tell what a round would do, document by document; nothing is written, nobody asked."""
    stands = next_round.ground(surroundings.config)
    with surroundings.reading() as session:
        found = delivering.waiting(session, surroundings.config, stands.known, year)
        each = list(next_round.every(session, stands, year))
    if as_json:
        items = [delivery_json.prospect(one) | {"next_at": one.next_at and one.next_at.isoformat()} for one in each]
        output.say_json(delivery_json.waiting(found) | {"items": items})
        return
    _say_waiting(found)
    spoken = output.language()
    output.table(
        (one.row.number, delivery_words.PROSPECTS[one.goes][spoken], one.row.authority,
         delivery_words.place(one)[spoken], one.why[spoken])
        for one in each
    )  # fmt: skip


def _say_waiting(found: Waiting) -> None:
    one = found.to_make == 1
    output.say(
        Text(f"{found.to_make} dokument{'' if one else 'er'} er klar",
             f"{found.to_make} document{' is' if one else 's are'} ready")
    )  # fmt: skip
    for channel, count in found.due.items():
        output.say(Text(f"{channel}: {count} skal sendes nu", f"{channel}: {count} to be sent now"))
    for why in found.silent.values():
        output.note(why)


def _say_done(done: Done) -> None:
    output.say(
        Text(f"{done.handed_over} afleveret, {done.receipts} kvitteringer læst",
             f"{done.handed_over} handed over, {done.receipts} receipts read")
    )  # fmt: skip
    if done.reminders:
        count = len(done.reminders)
        output.say(Text(f"{count} rykkere lagt til afsendelse som brev", f"{count} reminders put up as letters"))
    for number, why in done.deferred.items():
        output.note(Text(f"{number}: prøves igen: ", f"{number}: tried again later: ") + why)
    for number, why in done.failed.items():
        output.complain(Text(f"{number}: opgivet: ", f"{number}: given up: ") + why)
    for name in done.refused:
        output.complain(Text(f"{name}: ingen kvittering på noget, vi har sendt; lagt til side",
                             f"{name}: no receipt of anything we sent; set aside"))  # fmt: skip
    for channel, why in done.silent.items():
        output.note(same(f"{channel}: ") + why)


@command.command("list")
@click.option("--year", type=YEAR, help="Kun det år. / Only that year.")
@click.option(
    "--state", "state", type=click.Choice(STATES), help="Kun dem, der står sådan. / Only those that stand so."
)
@click.option("--json", "as_json", is_flag=True, help="Ét JSON-dokument på standard output.")
def list_(year: int | None, state: str | None, as_json: bool) -> None:
    """Fortæl, hvordan hver faktura, kreditnota og rykker står, og hvorfor. / Tell how each stands, and why."""
    question = delivery_register.listing().order_by(LISTED.c.kind, LISTED.c.id)
    if year is not None:
        question = question.where(LISTED.c.year == year)
    if state is not None:
        question = question.where(LISTED.c.state == state)
    with service.current().reading() as session:
        rows = session.execute(question).all()
    if as_json:
        output.say_json({"deliveries": [_json(row) for row in rows]})
        return
    spoken = output.language()
    output.table(
        (row.number, delivery_words.STATES[row.state][spoken], delivery_words.place(row)[spoken],
         delivery_register.reason(row)[spoken]) for row in rows
    )  # fmt: skip


def _json(row: Any) -> dict[str, Any]:
    why, later = delivery_register.reason(row), delivery_register.next_at(row)
    return {
        "number": row.number, "authority": {"cvr": row.cvr, "name": row.authority}, "state": row.state,
        "reason": {"da": why.da, "en": why.en}, "channel": row.channel, "address": row.address,
        "message_id": row.message_id, "tries": row.tries, "next_at": later and later.isoformat(),
    }  # fmt: skip


@command.command("again")
@click.argument("number")
@click.option(
    "--channel", type=click.Choice(deliveries.CHANNELS), default=None, help="En anden vej. / Another channel."
)
@click.option("--to", "address", default="", metavar="GLN|CVR", help="En anden modtageradresse. / Another address.")
@_by
def again(number: str, channel: str | None, address: str, by: str) -> None:
    """Send et dokument igen, samme sted hen eller et andet; det, der skete før, bliver stående.

    Send a document again, to the same place or another; what happened before stays.
    """
    surroundings = service.current()
    with surroundings.writing() as (session, trail):
        trail.actor = surroundings.person(session, by, (Role.FINANCE, Role.APPROVER))
        message = deliveries.send_again(
            session, number.strip(), trail, now=clock.machine(), channel=channel or "", address=address
        )
    output.say(Text(f"{number}: sendes igen som {message}", f"{number}: is sent again as {message}"))


@command.command("by-hand")
@click.argument("numbers", nargs=-1)
@click.option("--year", type=YEAR, help="Alle årets, der aldrig er sendt. / All of the year that were never sent.")
@click.option("--reason", default="", metavar="TEKST", help="Hvordan, og hvorfor. / How, and why.")
@_by
def by_hand(numbers: tuple[str, ...], year: int | None, reason: str, by: str) -> None:
    """Notér, at dokumenter er afleveret af mennesker uden om tjenesten, så de ikke sendes.

    Note that people have handed documents over outside the service, so that they are not sent.
    """
    if bool(numbers) == (year is not None):
        raise click.UsageError("NUMBERS | --year")
    surroundings = service.current()
    with surroundings.writing() as (session, trail):
        trail.actor = surroundings.person(session, by, (Role.FINANCE, Role.APPROVER))
        listed = numbers if year is None else deliveries.never_sent(session, year)
        for number in listed:
            deliveries.by_hand(session, number.strip(), trail, now=clock.machine(), why=reason)
    output.say(Text(f"{len(listed)} noteret som afleveret", f"{len(listed)} noted as handed over"))
