"""What an authority owes on a day, and why."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click
from sqlalchemy import select

from app.cli import output, service
from authorities.register import AUTHORITIES
from billing import balances
from billing.balances import MOVEMENTS, Movement, Owed, Statement
from billing.settlements import NoSuchDebtor
from foundation import language
from foundation.language import Text, day, kroner, same
from foundation.money import Money


@click.command("statement")
@click.argument("cvr")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), metavar="DAG",
              help="Dagen, kontoen gøres op; i dag, hvis ikke givet. / The day; today if not given.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Ét JSON-dokument på standard output.")
def statement(cvr: str, on: datetime | None, as_json: bool) -> None:
    """Vis en myndigheds konto på en dag: bevægelser, åbne fakturaer, deres alder, og hvad der er til gode.

    Show an authority's account on a day: movements, open invoices and their age, and what stands to its credit.
    """
    surroundings = service.current()
    dated = surroundings.today if on is None else on.date()
    with surroundings.reading() as session:
        row = session.execute(select(AUTHORITIES.c.id, AUTHORITIES.c.name).where(AUTHORITIES.c.cvr == cvr)).first()
        if row is None:
            raise NoSuchDebtor(Text(f"ingen myndighed har CVR {cvr}", f"no authority has CVR {cvr}"))
        found = balances.statement(session, row.id, dated)
    if as_json:
        output.say_json(_json(cvr, found))
        return
    owes, credit, on_day = kroner(found.balance), kroner(found.credit), day(dated)
    output.say(
        Text(f"{row.name}, CVR {cvr}, {on_day.da}: skylder {owes.da}; heraf til gode {credit.da}",
             f"{row.name}, CVR {cvr}, {on_day.en}: owes {owes.en}; of which credit {credit.en}")
    )  # fmt: skip
    output.table([_line(each) for each in found.movements], right=(4, 5))
    for owed in found.owed:
        output.say(_owed(owed, found))
    for charge in found.charges:
        left = kroner(charge.outstanding)
        output.say(Text(f"{charge.number}: mangler {left.da} i gebyr og rente fra rykkere",
                        f"{charge.number}: owes {left.en} in fee and interest of reminders"))  # fmt: skip
    for title, amount in balances.by_age(found.owed, dated):
        if amount:
            told = kroner(amount)
            output.say(title + Text(f": {told.da}", f": {told.en}"))


def _line(movement: Movement) -> tuple[str, ...]:
    spoken = output.language()
    kind = MOVEMENTS.get(movement.kind, same(movement.kind))
    return (str(movement.on), kind[spoken], movement.invoice, movement.words[spoken], _amount(movement.amount),
            _amount(movement.balance))  # fmt: skip


def _amount(amount: Money) -> str:
    return language.amount(amount, output.language())


def _owed(owed: Owed, found: Statement) -> Text:
    left, last = kroner(owed.outstanding), day(balances.limitation_day(owed.due_on))
    stands = balances.stands(owed, found.on)
    return Text(
        f"{owed.number}: {stands.da.lower()}, mangler {left.da}; forældes efter {last.da}",
        f"{owed.number}: {stands.en.lower()}, owes {left.en}; barred after {last.en}",
    )


def _json(cvr: str, found: Statement) -> dict[str, Any]:
    return {
        "cvr": cvr,
        "on": found.on.isoformat(),
        "balance_ore": found.balance.ore,
        "credit_ore": found.credit.ore,
        "barred_ore": found.barred.ore,
        "charges_ore": found.charged.ore,
        "movements": [
            {"on": each.on.isoformat(), "kind": each.kind, "invoice": each.invoice or None, "text": each.text,
             "amount_ore": each.amount.ore, "balance_ore": each.balance.ore}
            for each in found.movements
        ],
        "invoices": [
            {"number": each.number, "issued_on": each.issued_on.isoformat(), "due_on": each.due_on.isoformat(),
             "state": balances.state(each, found.on).value, "gross_ore": each.gross.ore,
             "outstanding_ore": each.outstanding.ore,
             "barred_after": balances.limitation_day(each.due_on).isoformat()}
            for each in found.owed
        ],
    }  # fmt: skip


COMMANDS = (statement,)
