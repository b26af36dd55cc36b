"""Payments by hand: one payment with where it went, placing it over one place or several, undoing, using a credit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from app.access import Role
from app.cli import output, service, typed
from app.cli.typed import WORD
from billing import payments, placing
from billing.funding import costs
from billing.matching import Paid
from billing.payments import Match, Placing
from billing.placing import Wanted
from foundation.language import Text, kroner, same
from foundation.money import Money

Command = TypeVar("Command", bound=Callable[..., Any])

_WHO = (Role.FINANCE, Role.APPROVER)
_BY = click.option("--by", "by", required=True, metavar="NAVN", help="Hvem der gør det. / Who does it.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Ét JSON-dokument på standard output.")
_MOST = 999_999_999  # numbers of rows, as programs and forms may name them
_ID = click.IntRange(1, _MOST)


def _places(name: str, metavar: str, words: str) -> Callable[[Command], Command]:
    return click.option(name, type=(WORD, WORD), multiple=True, metavar=metavar, help=words)


# --- one payment


@click.command("show")
@click.argument("transaction", type=_ID)
@_JSON
def show(transaction: int, as_json: bool) -> None:
    """Vis en betaling, hvad der mangler at blive placeret, og hvor resten gik hen; numrene bruges til undo.

    Show a payment, what of it waits, and where the rest went; undo asks for those numbers.
    """
    with service.current().reading() as session:
        paid = payments.transaction(session, transaction)
        found = payments.matches(session, transaction_id=paid.id)
    if as_json:
        output.say_json(_json(paid, found))
        return
    amount, left = kroner(paid.amount), kroner(paid.left)
    output.say(
        Text(f"Betaling {paid.id}, {paid.booked_on}: {amount.da}, {left.da} ikke placeret",
             f"Payment {paid.id}, {paid.booked_on}: {amount.en}, {left.en} not placed")
    )  # fmt: skip
    spoken = output.language()
    for words in (paid.payer, paid.message, paid.fik_id, paid.creditor_reference):
        if words:
            output.say(f"  {words}")
    output.table(
        [(str(each.id), str(each.on), kroner(each.amount)[spoken], _where(each)[spoken], _ended(each)[spoken])
         for each in found],
        right=(0, 2),
    )  # fmt: skip


def _where(match: Match) -> Text:
    if match.number is not None:
        return same(f"{match.number}, {match.account}" if match.account else match.number)
    if match.product is not None:
        return Text(f"bidrag til {match.product}", f"contribution to {match.product}")
    if match.refund_id is not None:
        return Text(f"tilbagebetaling {match.refund_id}", f"refund {match.refund_id}")
    return Text(f"konto {match.account}", f"account {match.account}") if match.account else Text("til gode", "credit")


def _ended(match: Match) -> Text:
    if match.undoes is not None:
        return Text(f"ophæver {match.undoes}: ", f"undoes {match.undoes}: ") + match.why
    return match.why if match.undone_by is None else Text("ophævet", "undone")


def _json(paid: Paid, found: list[Match]) -> dict[str, Any]:
    return {
        "transaction": paid.id,
        "booked_on": paid.booked_on.isoformat(),
        "amount_ore": paid.amount.ore,
        "left_ore": paid.left.ore,
        "payer": paid.payer,
        "message": paid.message,
        "matches": [
            {"id": each.id, "amount_ore": each.amount.ore, "number": each.number, "account": each.account,
             "product": each.product, "refund_id": each.refund_id, "rule": each.rule,
             "on": each.on.isoformat(), "by": each.by,
             "why": each.why[output.language()], "undoes": each.undoes, "undone_by": each.undone_by}
            for each in found
        ],
    }  # fmt: skip


# --- placing


@click.command("place")
@click.argument("transaction", type=_ID)
@_places("--invoice", "NUMMER BELØB", "På en faktura; kan gives flere gange. / On an invoice; may be given again.")
@_places("--charges", "NUMMER BELØB", "På gebyr og rente af fakturaens rykkere. / On what its reminders charge.")
@_places("--credit", "CVR BELØB", "Til gode hos en myndighed. / To an authority's credit.")
@_places("--account", "KONTO BELØB", "På en konto i kontoplanen. / On an account of the chart.")
@_places("--contribution", "PRODUKT BELØB", "Som enkeltstående bidrag til en fond. / As a contribution to a fund.")
@click.option("--giver", type=WORD, metavar="CVR", help="Hvem der gav bidraget. / Who gave the contribution.")
@click.option("--refund", type=_ID, metavar="N", help="På en besluttet tilbagebetaling. / On a refund that is decided.")
@click.option("--cost", type=_ID, metavar="N", help="På en fonds omkostning, alene. / On a cost of a fund, alone.")
@click.option("--why", default="", metavar="TEKST", help="Hvorfor beløbet hører til dér. / Why it belongs there.")
@_BY
def place(
    transaction: int, giver: str | None, refund: int | None, cost: int | None, why: str, by: str, **places: Any
) -> None:
    """Placér en betaling med håndkraft, på ét sted eller flere: alt eller intet.

    Place a payment by hand, at one place or several: all or nothing. Money that went out has amounts below zero.
    """
    if cost is not None and (why or refund or any(places.values())):
        raise click.UsageError("--cost … ⟷ --invoice, --charges, --credit, --account, --contribution, --refund, --why")
    if cost is None and not why.strip():
        raise click.UsageError("--why TEKST")
    if giver is not None and not places["contribution"]:
        raise click.UsageError("--giver CVR → --contribution PRODUKT BELØB")
    wanted, surroundings = _wanted(places, refund, giver), service.current()
    with surroundings.writing() as (session, trail):
        trail.actor = surroundings.person(session, by, _WHO)
        if cost is not None:
            costs.pay(session, cost, transaction, trail, on=surroundings.today)
        else:
            placed = Placing(transaction, placing.parts(session, wanted), "hand", same(payments.readable_reason(why)))
            payments.place(session, [placed], surroundings.today, trail)
        paid = payments.transaction(session, transaction)
    _say_left(paid)


def _wanted(places: Mapping[str, Any], refund: int | None, giver: str | None) -> Wanted:
    """Read where money is to go. Raises NotAnAmount."""
    read = {name: [(to, typed.amount(given)) for to, given in listed] for name, listed in places.items()}
    refunds = [(refund, None)] if refund else []
    return Wanted(
        read["invoice"], read["charges"], read["credit"], read["account"], refunds, read["contribution"], giver
    )


def _say_left(paid: Paid) -> None:
    placed, left = kroner(paid.amount - paid.left), kroner(paid.left)
    output.say(
        Text(f"betaling {paid.id}: {placed.da} er placeret, {left.da} venter",
             f"payment {paid.id}: {placed.en} are placed, {left.en} wait")
    )  # fmt: skip


@click.command("undo")
@click.argument("match", type=_ID)
@click.option("--reason", required=True, metavar="TEKST", help="Hvorfor det var forkert. / Why it was wrong.")
@_BY
def undo(match: int, reason: str, by: str) -> None:
    """Ophæv en placering, ved det nummer payments show giver den; den bliver stående, og en ny række står imod den.

    Undo a match, by the number that payments show gives it; it stays, and a new row stands against it.
    """
    surroundings = service.current()
    with surroundings.writing() as (session, trail):
        trail.actor = surroundings.person(session, by, _WHO)
        payments.unmatch(session, [match], reason, surroundings.today, trail)
    output.say(
        Text(f"placering {match} er ophævet; beløbet venter igen", f"match {match} is undone; the money waits again")
    )


@click.command("use-credit")
@click.argument("cvr", type=WORD)
@click.argument("number", type=WORD)
@click.argument("amount", type=WORD)
@_BY
def use_credit(cvr: str, number: str, amount: str, by: str) -> None:
    """Brug det, en myndighed har til gode, på en faktura af dens egne.

    Use what stands to an authority's credit on an invoice of its own.
    """
    given: Money = typed.amount(amount)
    surroundings = service.current()
    with surroundings.writing() as (session, trail):
        trail.actor = surroundings.person(session, by, _WHO)
        payments.place(session, [placing.of_credit(session, cvr, number, given)], surroundings.today, trail)
    told = kroner(given)
    output.say(Text(f"{told.da} er flyttet til {number}", f"{told.en} was moved to {number}"))


COMMANDS: tuple[click.Command, ...] = (show, place, undo, use_credit)
