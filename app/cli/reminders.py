"""`reminders`: planned, approved by another person, issued and listed; what holds them back; and the terms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import reminder_json, reminder_work
from app.access import Role
from app.adapters import incoming
from app.annual_work import InNameOf
from app.cli import output, service
from app.cli.registers import FILE
from app.schemas import FIRST_YEAR, LAST_YEAR
from authorities.register import AUTHORITIES
from billing import holds, reminder_terms, reminders, withdrawals
from billing.gathering import INVOICES
from billing.reminder_plan import REMINDERS, Item, Plan
from foundation.language import Text, day, kroner, same
from foundation.money import Money

Command = TypeVar("Command", bound=Callable[..., Any])

_WHO = (Role.FINANCE, Role.APPROVER)
_DAY = click.DateTime(["%Y-%m-%d"])


def _by(words: str) -> Callable[[Command], Command]:
    return click.option("--by", "by", required=True, metavar="NAVN", help=words)


@click.group(help="Rykkere: planlæg, godkend, udsted, se / reminders: plan, approve, issue, list.")
def command() -> None:
    """Hold the commands on reminders."""


# --- plan, approve, issue


@command.command("plan")
@click.option("--hand-over", is_flag=True, help="Overdrag planen til en andens godkendelse.")
@click.option("--by", "by", default=service.COMMAND_LINE, metavar="NAVN", help="Hvem der overdrager.")
@click.option("--json", "as_json", is_flag=True, help="Ét JSON-dokument på standard output.")
def plan(hand_over: bool, by: str, as_json: bool) -> None:
    """Hvem der ville blive rykket i dag, for hvad og hvorfor, og hvad der er i vejen.

    Who would be reminded today, of what and why, and what is in the way; stores nothing but with --hand-over.
    """
    surroundings = service.current()
    if hand_over:
        with surroundings.writing() as (session, trail):
            trail.actor = surroundings.person(session, by, _WHO)
            made = reminders.plan(session, surroundings.today)
            reminders.hand_over(session, trail, on=surroundings.today, digest=made.digest)
    else:
        with surroundings.reading() as session:
            made = reminders.plan(session, surroundings.today)
    if as_json:
        output.say_json(reminder_json.plan(made, output.language()))
    else:
        _show(made, handed_over=hand_over)


def _show(made: Plan, *, handed_over: bool) -> None:
    for item in made.items:
        output.say(_line(item) + same(": ") + item.why)
    if made.stopped:
        count = len(made.stopped)
        output.say(Text(f"Rykkes ikke ({count}):", f"Not reminded ({count}):"))
    for item in made.stopped:
        for stop in item.stops:
            output.say(same("  ") + _line(item) + same(f", {stop.code.value}: ") + stop.text)
    count, owed, charged = len(made.items), kroner(made.outstanding), kroner(made.charged)
    output.say(Text(f"{count} rykkere, {owed.da} mangler betaling, {charged.da} i gebyr og rente",
                    f"{count} reminders, {owed.en} not paid, {charged.en} in fees and interest"))  # fmt: skip
    output.say(Text(f"Kontrolsum: {made.digest}", f"Digest: {made.digest}"))
    if made.items and handed_over:
        approve = f"os2tilslut reminders approve --digest {made.digest} --by "
        output.say(Text(f"Godkendes af en anden med: {approve}NAVN", f"Approved by another with: {approve}NAME"))


def _line(item: Item) -> Text:
    owed, to_pay = item.owed, kroner(item.to_pay)
    return Text(f"{owed.number}, {item.authority}, rykker {item.level}, {to_pay.da}",
                f"{owed.number}, {item.authority}, reminder {item.level}, {to_pay.en}")  # fmt: skip


@command.command("approve", help="Godkend den overdragne plan med netop den kontrolsum. / Approve that plan.")
@click.option("--digest", required=True, metavar="D", help="Kontrolsummen, som reminders plan viste.")
@_by("Hvem der godkender; en anden end den, der overdrog.")
def approve(digest: str, by: str) -> None:
    """Approve a plan by its digest."""
    with service.current().approving(by) as (session, trail):
        proposal = reminders.approve_digest(session, digest.strip(), trail)
    count = len(reminders.read(proposal.content).items)
    output.say(Text(f"{count} rykkere er godkendt", f"{count} reminders are approved"))


@command.command("issue")
def issue() -> None:
    """Udsted, hvad der er godkendt, eller hvad en stående regel tillader, med dokumenter. Kan køres hvert minut.

    Issue what is approved, or what a standing rule lets be issued, with its documents; each once.
    """
    surroundings = service.current()
    with surroundings.app.app_context():
        issued = reminder_work.issue(InNameOf(surroundings.config, service.COMMAND_LINE), surroundings.today)
    for held in issued.withheld:
        output.note(Text(f"Udelades: {held.number}, rykker {held.level}: ",
                         f"Left out: {held.number}, reminder {held.level}: ") + held.why)  # fmt: skip
    if not issued.numbers:
        output.say(Text("Ingen rykkere at udstede", "No reminders to issue"))
        return
    span = " – ".join(dict.fromkeys((issued.numbers[0], issued.numbers[-1])))
    output.say(
        Text(f"{len(issued.numbers)} rykkere udstedt, {span}", f"{len(issued.numbers)} reminders issued, {span}")
    )


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Ét JSON-dokument på standard output.")
def list_(as_json: bool) -> None:
    """Vis de udstedte rykkere.

    List the issued reminders.
    """
    with service.current().reading() as session:
        rows = _issued(session)
    if as_json:
        output.say_json({"reminders": [reminder_json.row(row) for row in rows]})
        return
    spoken = output.language()
    output.table(
        [(row.number, row.invoice, str(row.level), row.authority, day(row.issued_on)[spoken], day(row.due_on)[spoken],
          kroner(Money(row.to_pay_ore))[spoken]) for row in rows],
        right=(2, 6), indent="",
    )  # fmt: skip


def _issued(session: Session) -> Sequence[Any]:
    return session.execute(
        select(REMINDERS, INVOICES.c.number.label("invoice"), AUTHORITIES.c.name.label("authority"), AUTHORITIES.c.cvr)
        .join(INVOICES, REMINDERS.c.invoice_id == INVOICES.c.id)
        .join(AUTHORITIES, REMINDERS.c.authority_id == AUTHORITIES.c.id)
        .order_by(REMINDERS.c.id)
    ).all()


# --- what holds a reminder back


@command.command("hold")
@click.argument("number")
@click.option("--disputed", is_flag=True, help="Myndigheden gør indsigelse.")
@click.option("--promised", type=_DAY, metavar="DATO", help="Betaling er lovet senest den dag.")
@click.option("--reason", required=True, metavar="TEKST", help="Hvad der er sagt, og af hvem.")
@_by("Hvem der skriver det ind.")
def hold(number: str, disputed: bool, promised: Any, reason: str, by: str) -> None:
    """Rykkes ikke: fakturaen er bestridt, eller betaling er lovet.

    Do not remind: the invoice is disputed, or payment is promised.
    """
    if disputed == (promised is not None):
        raise click.UsageError("--disputed / --promised DATO")
    until = promised.date() if promised else None
    if until is not None and not FIRST_YEAR <= until.year <= LAST_YEAR:
        raise click.BadParameter(f"{FIRST_YEAR}-01-01 … {LAST_YEAR}-12-31", param_hint="--promised")
    surroundings = service.current()
    with surroundings.writing() as (session, trail):
        trail.actor = surroundings.person(session, by, _WHO)
        kind: holds.Kind = "promised" if until else "disputed"
        made = holds.hold(session, number, kind, reason, trail, on=surroundings.today, until=until)
    output.say(Text(f"{number}: rykkes ikke ({made.id})", f"{number}: is not reminded of ({made.id})"))


@command.command("release")
@click.argument("number")
@click.argument("hold_id", type=click.IntRange(1))
@click.option("--reason", required=True, metavar="TEKST", help="Hvorfor det ikke gælder mere.")
@_by("Hvem der skriver det ind.")
def release(number: str, hold_id: int, reason: str, by: str) -> None:
    """Afslut en indsigelse eller et løfte.

    End a dispute or a promise.
    """
    surroundings = service.current()
    with surroundings.writing() as (session, trail):
        trail.actor = surroundings.person(session, by, _WHO)
        holds.end(session, number, hold_id, reason, trail, on=surroundings.today)
    output.say(Text(f"{number}: kan rykkes igen", f"{number}: may be reminded of again"))


# --- terms


@command.command("terms")
@click.option("--propose", "file", type=FILE, metavar="FIL", help="Foreslå vilkår fra en TOML-fil.")
@click.option("--approve", "number", type=click.IntRange(1), metavar="N", help="Godkend forslaget med det nummer.")
@click.option("--by", "by", default=service.COMMAND_LINE, metavar="NAVN", help="Hvem der foreslår eller godkender.")
def terms(file: Path | None, number: int | None, by: str) -> None:
    """Vis rykkervilkårene; foreslå nye, eller godkend en andens forslag.

    Show the terms of reminding; propose others, or approve another person's.
    """
    surroundings = service.current()
    if file is not None and number is not None:
        raise click.UsageError("--propose / --approve")
    if file is not None:
        text = incoming.text(file)
        with surroundings.writing() as (session, trail):
            trail.actor = surroundings.person(session, by, (Role.FINANCE, Role.ADMINISTRATOR))
            made = reminder_terms.propose(session, text, trail)
        output.say(
            Text(
                f"Forslag {made.id} venter på en anden: reminders terms --approve {made.id} --by NAVN",
                f"Proposal {made.id} waits for another: reminders terms --approve {made.id} --by NAME",
            )
        )
    elif number is not None:
        with surroundings.approving(by) as (session, trail):
            reminder_terms.approve(session, number, trail)
        output.say(Text("Vilkårene er sat i kraft", "The terms are in force"))
    else:
        with surroundings.reading() as session:
            output.say(reminder_terms.text(session).rstrip("\n"))


# --- members in arrears


@command.command("withdrawals")
@click.option("--propose", "cvr", metavar="CVR", help="Foreslå medlemmet udmeldt, med --from og --reason.")
@click.option("--from", "left_on", type=_DAY, metavar="DATO", help="Første dag uden medlemskab.")
@click.option("--reason", default="", metavar="TEKST", help="Hvorfor det foreslås.")
@click.option("--approve", "number", type=click.IntRange(1), metavar="N", help="Godkend forslaget med det nummer.")
@click.option("--by", "by", default=service.COMMAND_LINE, metavar="NAVN", help="Hvem der foreslår eller godkender.")
@click.option("--json", "as_json", is_flag=True, help="Ét JSON-dokument på standard output.")
def arrears(cvr: str | None, left_on: Any, reason: str, number: int | None, by: str, as_json: bool) -> None:
    """Medlemmer, der ikke har betalt kontingent trods rykker. Ingen meldes ud af sig selv.

    Members that have not paid their dues despite a reminder; nobody is taken off by itself. One person proposes it,
    another decides.
    """
    if (cvr is None) != (left_on is None) or (cvr is not None and number is not None):
        raise click.UsageError("--propose CVR --from DATO --reason TEKST / --approve N")
    if cvr is not None:
        _propose_withdrawal(cvr, left_on.date(), reason, by)
    elif number is not None:
        _approve_withdrawal(number, by)
    else:
        _list_arrears(as_json)


def _propose_withdrawal(cvr: str, left_on: date, reason: str, by: str) -> None:
    if not FIRST_YEAR <= left_on.year <= LAST_YEAR:
        raise click.BadParameter(f"{FIRST_YEAR}-01-01 … {LAST_YEAR}-12-31", param_hint="--from")
    surroundings = service.current()
    with surroundings.writing() as (session, trail):
        trail.actor = surroundings.person(session, by, _WHO)
        made = withdrawals.propose(session, cvr, left_on, reason, trail, on=surroundings.today)
    output.say(
        Text(
            f"Forslag {made.id} venter på en anden: reminders withdrawals --approve {made.id} --by NAVN",
            f"Proposal {made.id} waits for another: reminders withdrawals --approve {made.id} --by NAME",
        )
    )


def _approve_withdrawal(number: int, by: str) -> None:
    surroundings = service.current()
    with surroundings.approving(by) as (session, trail):
        done = withdrawals.approve(session, number, trail, on=surroundings.today)
    left = day(done.left_on)
    output.say(
        Text(f"{done.authority} er udmeldt fra {left.da}", f"{done.authority} is no member from {left.en}")
    )  # fmt: skip


def _list_arrears(as_json: bool) -> None:
    surroundings = service.current()
    with surroundings.reading() as session:
        found = withdrawals.candidates(session, surroundings.today)
    if as_json:
        output.say_json({"members": [reminder_json.arrears(each) for each in found]})
        return
    for each in found:
        owed, due = kroner(each.outstanding), day(each.due_on)
        told = Text(
            f"{each.authority}: {each.invoice}, {owed.da}, rykker {each.reminder} med frist {due.da}",
            f"{each.authority}: {each.invoice}, {owed.en}, reminder {each.reminder}, time until {due.en}",
        )
        if each.proposal_id:
            told += Text(f"; forslag {each.proposal_id} venter", f"; proposal {each.proposal_id} waits")
        output.say(told)
    if not found:
        output.say(Text("Ingen", "None"))
