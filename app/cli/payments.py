"""`payments`: matching what is certain, and what waits; the group, with what is done by hand and by two people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from app.cli import output, payment_acts, service, settlements
from billing import matching, payments
from billing.matching import OUTCOMES
from billing.payments import Waiting
from foundation.language import Text, kroner


@click.group(help="Betalinger / payments.")
def command() -> None:
    """Hold the commands on payments."""


@command.command("match")
@click.option("--dry-run", is_flag=True, help="Vis kun, hvad der ville ske. / Only show what would happen.")
@click.option("--by", "by", default=service.COMMAND_LINE, metavar="NAVN", help="Hvem der gør det. / Who does it.")
@click.option("--json", "as_json", is_flag=True, help="Ét JSON-dokument på standard output.")
def match(dry_run: bool, by: str, as_json: bool) -> None:
    """Placér de betalinger, der er sikre, på deres fakturaer; resten venter på en liste.

    Match the payments that are certain; the others wait on a list.
    """
    surroundings = service.current()
    if dry_run:
        with surroundings.reading() as session:
            found = payments.findings(session, payments.waiting(session))
    else:
        with surroundings.writing(by) as (session, trail):
            found = payments.match_certain(session, surroundings.today, trail)
    if as_json:
        output.say_json({"dry_run": dry_run, "payments": [_json(each) for each in found]})
        return
    certain, told = sum(each.finding.is_certain for each in found), kroner(payments.placed(found))
    _show([each for each in found if not each.finding.is_certain])
    would = Text("ville blive placeret", "would be placed") if dry_run else Text("er placeret", "are placed")
    output.say(
        Text(f"{certain} betalinger {would.da}, {told.da}; {len(found) - certain} venter",
             f"{certain} payments {would.en}, {told.en}; {len(found) - certain} wait")
    )  # fmt: skip


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Ét JSON-dokument på standard output.")
def list_(as_json: bool) -> None:
    """Vis de betalinger, der venter, med alder, forslag og næste skridt.

    List the payments that wait, with their age, what is suggested and what to do next.
    """
    surroundings = service.current()
    with surroundings.reading() as session:
        found = payments.findings(session, payments.waiting(session))
        count, amount, since = payments.clearing(session)
    if as_json:
        output.say_json({"clearing_ore": amount.ore, "since": since and since.isoformat(),
                         "payments": [_json(each) for each in found]})  # fmt: skip
        return
    _show(found)
    told = kroner(amount)
    output.say(
        Text(f"{count} betalinger venter, {told.da} på afklaringskontoen",
             f"{count} payments wait, {told.en} on the clearing account")
    )  # fmt: skip


def _show(found: Sequence[Waiting]) -> None:
    spoken = output.language()
    output.table(
        [
            (str(each.paid.id), str(each.paid.booked_on), kroner(each.paid.left)[spoken], each.paid.payer,
             OUTCOMES[each.finding.outcome][spoken])
            for each in found
        ],
        right=(0, 2),
    )  # fmt: skip
    for each in found:
        for made in each.finding.suggestions[:1]:
            output.say(Text(f"{each.paid.id}: ", f"{each.paid.id}: ") + made.why)


def _json(each: Waiting) -> dict[str, Any]:
    spoken = output.language()
    return {
        "transaction": each.paid.id,
        "booked_on": each.paid.booked_on.isoformat(),
        "amount_ore": each.paid.amount.ore,
        "left_ore": each.paid.left.ore,
        "payer": each.paid.payer,
        "outcome": each.finding.outcome.value,
        "certain": each.finding.is_certain,
        "next_step": each.finding.next_step[spoken],
        "suggestions": [
            {"rule": made.rule, "why": made.why[spoken], "parts": [_part(part) for part in made.parts]}
            for made in each.finding.suggestions
        ],
    }


def _part(part: matching.Part) -> dict[str, Any]:
    return {
        "amount_ore": part.amount.ore, "authority_id": part.authority_id, "invoice_id": part.invoice_id,
        "refund_id": part.refund_id,
    }  # fmt: skip


for each in (*payment_acts.COMMANDS, *settlements.COMMANDS):
    command.add_command(each)
