"""Costs, hours and moves of funds by command: entered by one person, approved by another."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import click

from app.access import Role
from app.adapters import csv_files, incoming
from app.cli import funds, output, service, typed
from app.cli.registers import FILE
from billing.funding import cost_files, cost_intake, costs, hours, moves, recurring
from billing.funding import funds as balances_of
from billing.funding.costs import ASSOCIATION, COSTS, STATES, State
from billing.funding.hours import Worked
from billing.funding.moves import Move
from billing.funding.recurring import Plan
from foundation import periods, proposals
from foundation.errors import Refused
from foundation.language import Text, amount, kroner, same
from foundation.money import Money
from foundation.proposals import Proposal

_PREPARERS = (Role.FINANCE, Role.APPROVER)
_BY = click.option("--by", "by", default=service.COMMAND_LINE, metavar="NAVN", help="Hvem der gør det.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Ét JSON-dokument på standard output.")
_DAY = click.DateTime(["%Y-%m-%d"])
_MINUTES = 60
_EVERY = {"month": 1, "quarter": 3}


class NotWhole(Refused):
    """What was written is no time that comes to whole minutes."""


def _told(made: Proposal) -> None:
    output.say(
        Text(f"forslag {made.id}: {made.subject}, kontrolsum {made.digest}",
             f"proposal {made.id}: {made.subject}, digest {made.digest}")
    )  # fmt: skip
    output.note(
        Text(f"En anden godkender det: funding approve {made.id} --digest {made.digest} --by NAVN",
             f"Somebody else approves it: funding approve {made.id} --digest {made.digest} --by NAME")
    )  # fmt: skip


def _fund(given: str) -> str | None:
    return None if given == ASSOCIATION else given


@click.command("import-costs")
@click.argument("file", type=FILE)
@_BY
def import_costs(file: Path, by: str) -> None:
    """Indlæs omkostninger fra CSV: alle eller ingen; den samme fil igen ændrer intet.

    Take costs in, all or none; the same file again changes nothing.
    """
    surroundings, rows = service.current(), csv_files.read(file, csv_files.COSTS)
    with surroundings.writing() as (session, trail):
        trail.actor = surroundings.person(session, by, _PREPARERS)
        taken = cost_intake.take_in(session, rows, trail, on=surroundings.today)
    output.say(taken.text)
    for made in taken.proposals:
        _told(made)


@click.command("attach-voucher")
@click.argument("cost", type=int)
@click.argument("file", type=FILE)
@_BY
def attach_voucher(cost: int, file: Path, by: str) -> None:
    """Vedhæft bilaget (PDF, PNG eller JPEG) til en omkostning, der intet har.

    Attach the voucher to a cost that has none.
    """
    with incoming.opened(file, cost_files.LARGEST) as opened:
        content = opened.read(cost_files.LARGEST + 1)
    surroundings = service.current()
    with surroundings.writing() as (session, trail):
        trail.actor = surroundings.person(session, by, _PREPARERS)
        kept = cost_files.attach(session, cost, incoming.name_of(file), content, trail)
    output.say(
        Text(f"omkostning {cost}: bilaget {kept.name} er gemt, SHA-256 {kept.sha256}",
             f"cost {cost}: the voucher {kept.name} is kept, SHA-256 {kept.sha256}")
    )  # fmt: skip


@click.command("costs")
@click.argument("period")
@click.option("--product", metavar="PRODUKT", help=f"Kun én fond; {ASSOCIATION} er foreningen.")
@_JSON
def list_costs(period: str, product: str | None, as_json: bool) -> None:
    """Vis omkostningerne i en periode (2027, 2027-Q1, 2027-03).

    Show the costs of a period.
    """
    wanted = periods.named(period)
    found = costs.listed().where(COSTS.c.incurred_on >= wanted.start, COSTS.c.incurred_on <= wanted.last_day)
    with service.current().reading() as session:
        if product is not None:
            found = found.where(COSTS.c.product.is_not_distinct_from(funds.product(session, product)))
        rows = session.execute(found.order_by(COSTS.c.incurred_on, COSTS.c.id)).all()
    if as_json:
        output.say_json({"period": periods.name(wanted), "costs": [cost_json(row) for row in rows]})
        return
    spoken = output.language()
    output.table(
        [(str(row.id), row.incurred_on.isoformat(), row.product or ASSOCIATION, row.account, row.supplier,
          row.reference, amount(Money(row.amount_ore), spoken), STATES[State(row.state)][spoken]) for row in rows],
        right=(6,),
    )  # fmt: skip
    whole = kroner(Money(sum(row.amount_ore for row in rows)))
    output.say(Text(f"{len(rows)} omkostninger, i alt {whole.da}", f"{len(rows)} costs, {whole.en} in all"))


def cost_json(row: Any) -> dict[str, Any]:
    """Give a cost as JSON."""
    return {
        "id": row.id, "product": row.product, "account": row.account, "date": row.incurred_on.isoformat(),
        "supplier": row.supplier, "reference": row.reference, "text": row.text, "amount_ore": row.amount_ore,
        "state": row.state, "paid_ore": int(row.paid_ore), "minutes": row.minutes, "reverses": row.reverses,
    }  # fmt: skip


@click.command("approve")
@click.argument("proposal", type=int)
@click.option("--digest", required=True, metavar="D", help="Kontrolsummen af det, der blev læst.")
@_BY
def approve(proposal: int, digest: str, by: str) -> None:
    """Godkend foreslåede omkostninger, timer, en timesats eller en bevægelse, og bogfør dem.

    Approve what another person proposed, and book it.
    """
    surroundings = service.current()
    with surroundings.approving(by) as (session, trail):
        proposals.expect(session, proposal, digest)
        kind = proposals.get(session, proposal).kind
        if kind == "hour_rate":
            hours.approve_rate(session, proposal, trail)
        elif kind == "fund_move":
            moves.approve(session, proposal, trail)
        elif kind == "recurring_cost":
            recurring.approve(session, proposal, trail, on=surroundings.today)
        else:
            costs.approve(session, [proposal], trail, on=surroundings.today)
    output.say(Text(f"forslag {proposal} er godkendt og bogført", f"proposal {proposal} is approved and booked"))


@click.command("hours")
@click.argument("product")
@click.argument("day", type=_DAY)
@click.argument("time")
@click.argument("text")
@_BY
def enter_hours(product: str, day: Any, time: str, text: str, by: str) -> None:
    """Indtast stabstimer for et produkt: dag, timer (7.5 eller 7:30) og hvad der blev arbejdet med.

    Enter hours of the secretariat for a product.
    """
    surroundings = service.current()
    worked = Worked(product, day.date(), _minutes(time), text)
    with surroundings.writing() as (session, trail):
        trail.actor = surroundings.person(session, by, _PREPARERS)
        made = hours.propose(session, [worked], trail, on=surroundings.today)
    _told(made[0])


def _minutes(given: str) -> int:
    whole, colon, rest = given.partition(":")
    if colon and whole.isascii() and whole.isdigit() and rest.isascii() and rest.isdigit() and int(rest) < _MINUTES:
        return int(whole[:6]) * _MINUTES + int(rest)
    hundredths = typed.amount(given.replace(",", ".")).ore * _MINUTES
    if hundredths % 100:
        raise NotWhole(Text(f"{given} timer går ikke op i minutter", f"{given} hours are no whole minutes"))
    return hundredths // 100


@click.command("hour-rate")
@click.argument("start", type=_DAY)
@click.argument("kroner")
@_BY
def hour_rate(start: Any, kroner: str, by: str) -> None:
    """Foreslå, hvad en time koster fra en dag.

    Propose what an hour costs from a day on.
    """
    surroundings = service.current()
    with surroundings.writing() as (session, trail):
        trail.actor = surroundings.person(session, by, _PREPARERS)
        made = hours.propose_rate(session, start.date(), typed.amount(kroner), trail)
    _told(made)


@click.command("transfer")
@click.argument("source")
@click.argument("target")
@click.argument("kroner")
@click.option("--on", "day", type=_DAY, help="Dagen; ellers i dag.")
@click.option("--reason", required=True, metavar="TEKST", help="Hvad der er besluttet, og af hvem.")
@_BY
def transfer(source: str, target: str, kroner: str, day: Any, reason: str, by: str) -> None:
    """Foreslå en overførsel fra en fond til en anden; OS2 er foreningen.

    Propose to move money from one fund to another; OS2 is the association.
    """
    _move("transfer", _fund(source), _fund(target), kroner, day, reason, by)


@click.command("opening")
@click.argument("target", metavar="PRODUCT")
@click.argument("kroner")
@click.option("--on", "day", type=_DAY, required=True, help="Dagen, fonden åbner med beløbet.")
@click.option("--reason", required=True, metavar="TEKST", help="Hvor beløbet kommer fra.")
@_BY
def opening(target: str, kroner: str, day: Any, reason: str, by: str) -> None:
    """Foreslå, hvad en fond åbner med; OS2 er foreningen.

    Propose what a fund opens with.
    """
    _move("opening", None, _fund(target), kroner, day, reason, by)


def _move(kind: moves.Kind, source: str | None, target: str | None, given: str, day: Any, reason: str, by: str) -> None:
    surroundings = service.current()
    on: date = surroundings.today if day is None else day.date()
    move = Move(kind, target, typed.amount(given), on, reason.strip(), source)
    with surroundings.writing() as (session, trail):
        trail.actor = surroundings.person(session, by, _PREPARERS)
        made = moves.propose(session, move, trail)
    _told(made)


@click.command("recur")
@click.argument("product")
@click.argument("account")
@click.argument("kroner")
@click.option("--every", type=click.Choice(list(_EVERY)), required=True, help="Hvor ofte den kommer.")
@click.option("--supplier", required=True, metavar="NAVN", help="Leverandøren.")
@click.option("--text", required=True, metavar="TEKST", help="Hvad pengene går til.")
@click.option("--first", type=_DAY, required=True, help="Den første dag, den kommer.")
@click.option("--last", type=_DAY, required=True, help="Den sidste dag, den kan komme.")
@_BY
def recur(product: str, account: str, kroner: str, by: str, **told: Any) -> None:
    """Foreslå en fast omkostning, der kommer hver måned eller hvert kvartal; OS2 er foreningen.

    Propose a cost that comes every month or quarter.
    """
    surroundings = service.current()
    with surroundings.writing() as (session, trail):
        trail.actor = surroundings.person(session, by, _PREPARERS)
        fund = funds.product(session, product)
        plan = Plan(
            fund, costs.chart(session).named(fund, account) or account, told["supplier"].strip(), told["text"].strip(),
            typed.amount(kroner), _EVERY[told["every"]], told["first"].date(), told["last"].date(),
        )  # fmt: skip
        made = recurring.propose(session, plan, trail)
    _told(made)


@click.command("reverse")
@click.argument("cost", type=int)
@click.option("--reason", required=True, metavar="TEKST", help="Hvorfor den føres tilbage.")
@_BY
def reverse(cost: int, reason: str, by: str) -> None:
    """Foreslå at føre en bogført omkostning tilbage.

    Propose to take a booked cost back by its opposite.
    """
    surroundings = service.current()
    with surroundings.writing() as (session, trail):
        trail.actor = surroundings.person(session, by, _PREPARERS)
        made = costs.propose_reversal(session, cost, reason, trail, on=surroundings.today)
    _told(made)


@click.command("balances")
@click.argument("day", type=_DAY)
@_JSON
def balances(day: Any, as_json: bool) -> None:
    """Vis, hvad hver fond har, når en dag begynder.

    Show what each fund has when a day begins.
    """
    with service.current().reading() as session:
        found = sorted(balances_of.balance(session, day.date()).items(), key=lambda each: each[0] or "")
    if as_json:
        output.say_json({"on": day.date().isoformat(),
                         "funds": [{"product": name, "amount_ore": each.ore} for name, each in found]})  # fmt: skip
        return
    for name, each in found:
        output.say(same(f"{name or ASSOCIATION}: ") + kroner(each))


COMMANDS: tuple[click.Command, ...] = (
    import_costs, attach_voucher, list_costs, approve, enter_hours, hour_rate, transfer, opening, recur, reverse,
    balances,
)  # fmt: skip
