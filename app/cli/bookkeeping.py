"""The books by command: postings as a file, periods and closing them, the mapping to the public chart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from app import posting_files
from app.access import Role
from app.adapters import files, incoming
from app.cli import output, service
from app.cli.registers import FILE
from app.posting_files import FORMS, Form, Wanted
from billing import account_mapping, bookkeeping, closed_periods
from billing.bookkeeping import AccountTotal
from billing.closed_periods import Closed
from foundation import periods, proposals
from foundation.errors import Conflict, NotFound
from foundation.language import Text, amount, kroner, same, whole_number
from foundation.money import total

_PREPARERS = (Role.FINANCE, Role.APPROVER)
_BY = click.option("--by", "by", default=service.COMMAND_LINE, metavar="NAVN", help="Hvem der gør det.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Ét JSON-dokument på standard output.")


class NotProposed(NotFound):
    """Nobody proposed to close the period."""


class AnotherDigest(Conflict):
    """The closing that waits has another digest."""


# --- files and totals


@click.command("export")
@click.argument("period")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--columns", default="", metavar="A,B…", help="Hvilke kolonner, i rækkefølge; ellers de sædvanlige.")
@click.option("--format", "form", type=click.Choice(FORMS), help="csv eller xlsx; ellers efter filens navn.")
def export(period: str, file: Path, columns: str, form: Form | None) -> None:
    """Skriv en periodes posteringer til en fil, til bogføringssystemet.

    Write the postings of a period (2027, 2027-Q1, 2027-03, FROM..TO) to a file.
    """
    surroundings = service.current()
    by_name: Form = "xlsx" if file.suffix.lower() == ".xlsx" else "csv"
    wanted = Wanted(periods.named(period), form or by_name, posting_files.columns(columns), output.language())
    with surroundings.reading() as session:
        with files.whole(file) as path, path.open("wb") as into:
            written = posting_files.write(session, wanted, into)
        missing = bookkeeping.unmapped(bookkeeping.totals(session, wanted.period))
    count, debit, credit = whole_number(written.postings), kroner(written.debit), kroner(written.credit)
    output.say(
        Text(f"{file}: {count.da} posteringer, debet {debit.da}, kredit {credit.da}",
             f"{file}: {count.en} postings, debit {debit.en}, credit {credit.en}")
    )  # fmt: skip
    _note_unmapped(missing)


def _note_unmapped(accounts: list[str]) -> None:
    if accounts:
        output.note(Text("Bemærk: ", "Note: ") + posting_files.told_unmapped(accounts))


@click.command("totals")
@click.argument("period")
@_JSON
def totals(period: str, as_json: bool) -> None:
    """Vis, hvad hver konto blev til i en periode; tilsammen nul.

    Show what each account came to in a period; together they are zero.
    """
    wanted = periods.named(period)
    with service.current().reading() as session:
        found = bookkeeping.totals(session, wanted)
    if as_json:
        output.say_json({"period": periods.name(wanted), "accounts": [total_json(each) for each in found]})
        return
    spoken = output.language()
    rows = [
        (each.named.account, each.named.standard or "–", each.named.name, str(each.postings),
         amount(each.debit, spoken), amount(each.credit, spoken), amount(each.amount, spoken))
        for each in found
    ]  # fmt: skip
    sums = [total(values) for values in ([each.debit for each in found], [each.credit for each in found])]
    last = ("", "", Text("I alt", "In all")[spoken], str(sum(each.postings for each in found)),
            *(amount(each, spoken) for each in (*sums, sums[0] - sums[1])))  # fmt: skip
    output.table([*rows, last], right=(3, 4, 5, 6))
    _note_unmapped(bookkeeping.unmapped(found))


def total_json(each: AccountTotal) -> dict[str, Any]:
    """Give a total as JSON."""
    return {
        "account": each.named.account, "name": each.named.name, "standard_account": each.named.standard or None,
        "product": each.product, "postings": each.postings, "debit_ore": each.debit.ore,
        "credit_ore": each.credit.ore, "amount_ore": each.amount.ore,
    }  # fmt: skip


# --- periods


@click.command("periods")
@_JSON
def list_periods(as_json: bool) -> None:
    """Vis de lukkede perioder og de kvartaler, der er åbne.

    Show the closed periods and the quarters that are open.
    """
    surroundings = service.current()
    with surroundings.reading() as session:
        closed, opened = closed_periods.listed(session), bookkeeping.open_quarters(session, surroundings.today)
    if as_json:
        output.say_json({
            "closed": [_closed_json(each) for each in closed],
            "open": [{"period": periods.name(each.period), "postings": each.postings} for each in opened],
        })  # fmt: skip
        return
    for quarter in opened:
        count = whole_number(quarter.postings)
        output.say(same(periods.name(quarter.period)) + Text(f": åben, {count.da} posteringer",
                                                             f": open, {count.en} postings"))  # fmt: skip
    for each in closed:
        count = whole_number(each.postings)
        output.say(
            same(periods.name(each.period))
            + Text(f": lukket af {each.closed_by}, {count.da} posteringer, SHA-256 {each.digest}",
                   f": closed by {each.closed_by}, {count.en} postings, SHA-256 {each.digest}")
        )  # fmt: skip
    if not opened and not closed:
        output.say(Text("Intet er bogført endnu.", "Nothing is booked yet."))


def _closed_json(each: Closed) -> dict[str, Any]:
    return {
        "period": periods.name(each.period), "postings": each.postings, "digest": each.digest,
        "prepared_by": each.prepared_by, "closed_by": each.closed_by, "closed_at": each.closed_at.isoformat(),
    }  # fmt: skip


@click.command("close")
@click.argument("period")
@click.option("--digest", default="", metavar="D", help="Luk det, der er foreslået med denne kontrolsum.")
@_BY
def close(period: str, digest: str, by: str) -> None:
    """Foreslå at lukke en periode; med --digest lukker en anden person den for altid.

    Propose to close a period; with --digest another person closes it for ever.
    """
    wanted, surroundings = periods.named(period), service.current()
    if digest:
        with surroundings.approving(by) as (session, trail):
            name = periods.name(wanted)
            waiting = proposals.open_for(session, "close_period", name)
            if not waiting:
                raise NotProposed(Text(f"ingen har foreslået at lukke {name}", f"nobody proposed to close {name}"))
            if waiting[0].digest != digest:
                raise AnotherDigest(
                    Text(f"det, der er foreslået, har kontrolsummen {waiting[0].digest}",
                         f"what is proposed has the digest {waiting[0].digest}")
                )  # fmt: skip
            bookkeeping.approve_closing(session, waiting[0].id, trail, on=surroundings.today)
        output.say(periods.told(wanted) + Text(" er lukket", " is closed"))
        return
    with surroundings.writing() as (session, trail):
        trail.actor = surroundings.person(session, by, _PREPARERS)
        made = bookkeeping.propose_closing(session, wanted, trail, on=surroundings.today)
    output.say(
        Text(f"{made.subject}: foreslået lukket, kontrolsum {made.digest}",
             f"{made.subject}: proposed to be closed, digest {made.digest}")
    )  # fmt: skip
    output.note(
        Text(f"En anden lukker den: accounts close {made.subject} --digest {made.digest} --by NAVN",
             f"Somebody else closes it: accounts close {made.subject} --digest {made.digest} --by NAME")
    )  # fmt: skip


# --- the mapping


@click.group("mapping", help="OS2's konti på standardkontoplanen / OS2's accounts in the public chart.")
def mapping() -> None:
    """Hold the commands on the mapping."""


@mapping.command("show")
@click.option("--shipped", is_flag=True, help="Vis det medfølgende udkast i stedet.")
def show(shipped: bool) -> None:
    """Vis den kontooversættelse, der gælder.

    Show the mapping in force.
    """
    with service.current().reading() as session:
        text = account_mapping.EXAMPLE if shipped else account_mapping.current_text(session)
    output.say(text.rstrip("\n") if text else Text("Ingen er vedtaget endnu.", "None is adopted yet."))


@mapping.command("propose")
@click.argument("file", type=FILE, required=False)
@click.option("--shipped", is_flag=True, help="Foreslå det medfølgende udkast i stedet for en fil.")
@_BY
def propose(file: Path | None, shipped: bool, by: str) -> None:
    """Foreslå en kontooversættelse (TOML); en anden vedtager den.

    Propose a mapping; somebody else adopts it.
    """
    if (file is None) != shipped:
        raise click.UsageError("FILE / --shipped")
    text = incoming.text(file) if file else account_mapping.EXAMPLE
    surroundings = service.current()
    with surroundings.writing() as (session, trail):
        trail.actor = surroundings.person(session, by, _PREPARERS)
        made = account_mapping.propose(session, text, trail)
    number = made.id
    output.say(Text(f"forslag {number}, SHA-256 {made.digest}", f"proposal {number}, SHA-256 {made.digest}"))
    output.note(
        Text(f"En anden vedtager det: accounts mapping adopt {number} --by NAVN",
             f"Somebody else adopts it: accounts mapping adopt {number} --by NAME")
    )  # fmt: skip


@mapping.command("adopt")
@click.argument("proposal", type=int)
@_BY
def adopt(proposal: int, by: str) -> None:
    """Vedtag en foreslået kontooversættelse.

    Adopt a proposed mapping.
    """
    with service.current().approving(by) as (session, trail):
        account_mapping.approve(session, proposal, trail)
    output.say(Text("kontooversættelsen gælder nu", "the mapping is in force"))


COMMANDS: tuple[click.Command, ...] = (export, totals, list_periods, close, mapping)
