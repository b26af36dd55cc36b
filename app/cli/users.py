"""People of the service: inviting them, their roles and seats, and ending them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

import click
from sqlalchemy.orm import Session

from app.access import Role
from app.cli import output, service
from app.identity import offices, users
from app.identity.models import UserAccount
from app.identity.users import Person, SeatOf
from foundation.audit import Trail
from foundation.language import Text, day, joined, same

Command = TypeVar("Command", bound=Callable[..., Any])

_DAY = click.DateTime(["%Y-%m-%d"])
_ROLE = click.Choice([role.value for role in Role])


@click.group(help="Brugere, roller og pladser / users, roles and seats.")
def command() -> None:
    """Hold the commands on users."""


def _seated(command_: Command) -> Command:
    """Add the options that name seats."""
    for option in (
        click.option("--product", "products", multiple=True, metavar="NAVN", help="Plads i produktets gruppe."),
        click.option("--authority", "cvrs", multiple=True, metavar="CVR", help="Plads i en myndighed."),
    ):
        command_ = option(command_)
    return command_


def _seats(cvrs: tuple[str, ...], products: tuple[str, ...]) -> list[SeatOf]:
    return [*(SeatOf(cvr=cvr) for cvr in cvrs), *(SeatOf(product=name) for name in products)]


@contextmanager
def _changing(words: str) -> Iterator[tuple[Session, Trail, UserAccount]]:
    with service.current().writing() as (session, trail):
        yield session, trail, users.find(session, words)


@command.command("invite")
@click.argument("name")
@click.argument("mail")
@click.option("--role", "roles", type=_ROLE, multiple=True, help="Kan gives flere gange. / May be given again.")
@_seated
def invite(name: str, mail: str, roles: tuple[str, ...], cvrs: tuple[str, ...], products: tuple[str, ...]) -> None:
    """Opret en bruger, og skriv et link til første indlogning. Linket vises kun her.

    Add a user, and print a link for the first sign-in; it is shown only here.
    """
    surroundings = service.current()
    with surroundings.writing() as (session, trail):
        user, token = users.invite(
            session, name, mail, trail, roles=map(Role, roles), seats=_seats(cvrs, products),
            on=surroundings.today, valid=surroundings.config.invitation_valid,
        )  # fmt: skip
        who = users.actor(user)
    _say_link(who, token)


@command.command("link")
@click.argument("user")
def link(user: str) -> None:
    """Skriv et nyt link til en bruger; ældre links ophører.

    Print a new link for a user; older ones end.
    """
    valid = service.current().config.invitation_valid
    with _changing(user) as (session, trail, found):
        token, who = users.invite_again(session, found, trail, valid), users.actor(found)
    _say_link(who, token)


def _say_link(who: str, token: str) -> None:
    config = service.current().config
    hours = int(config.invitation_valid.total_seconds()) // 3600
    output.note(
        Text(
            f"{who}: der sendes ingen mail. Linket virker én gang, i én browser, i {hours} timer. "
            "Giv det kun til den, det er til:",
            f"{who}: no mail is sent. The link works once, in one browser, for {hours} hours. "
            "Give it only to whom it is for:",
        )
    )
    output.say(f"{config.base_url.rstrip('/') or 'http://127.0.0.1:8000'}/invitation/{token}")


@command.command("list")
@click.option("--ended", is_flag=True, help="Også dem, der er ophørt. / Those who have ended, too.")
@click.option("--json", "as_json", is_flag=True, help="Ét JSON-dokument på standard output.")
def list_(ended: bool, as_json: bool) -> None:
    """Hvem der er bruger, med roller og pladser i dag.

    Who is a user, with today's roles and seats.
    """
    surroundings = service.current()
    with surroundings.reading() as session:
        found = users.people(session, surroundings.today, with_ended=ended)
    if as_json:
        output.say_json([_json(person) for person in found])
        return
    output.table([_shown(person) for person in found], indent="")
    if not found:
        output.note(
            Text("Ingen brugere: os2tilslut users invite NAVN MAIL --role administrator",
                 "No users: os2tilslut users invite NAME MAIL --role administrator")
        )  # fmt: skip


def _shown(person: Person) -> tuple[str, ...]:
    spoken = output.language()
    held = [*map(users.role_title, person.roles), *(same(seat.text) for seat in person.seats)]
    return f"#{person.id}", person.name, person.mail, joined(held, ", ")[spoken], _state(person)[spoken]


def _state(person: Person) -> Text:
    if person.ended_at is not None:
        return Text("ophørt", "ended")
    return Text("", "") if person.has_identity else Text("har ikke logget ind endnu", "has not signed in yet")


def _json(person: Person) -> dict[str, object]:
    return {
        "id": person.id,
        "name": person.name,
        "mail": person.mail,
        "roles": [role.value for role in person.roles],
        "authorities": [seat.cvr for seat in person.seats if seat.cvr],
        "products": [seat.product for seat in person.seats if seat.product],
        "has_signed_in": person.has_identity,
        "ended_at": person.ended_at and person.ended_at.isoformat(),
    }


@command.command("grant-role")
@click.argument("user")
@click.argument("role", type=_ROLE)
def grant_role(user: str, role: str) -> None:
    """Giv en bruger en rolle fra i dag.

    Give a user a role from today.
    """
    with _changing(user) as (session, trail, found):
        users.grant(session, found, Role(role), trail, on=service.current().today)
        who = users.actor(found)
    title = users.role_title(Role(role))
    output.say(Text(f"{who}: {title.da}", f"{who}: {title.en}"))


@command.command("end-role")
@click.argument("user")
@click.argument("role", type=_ROLE)
def end_role(user: str, role: str) -> None:
    """Tag en rolle fra en bruger; det virker fra næste klik.

    Take a role from a user; it counts from the next click.
    """
    with _changing(user) as (session, trail, found):
        users.end_role(session, found, Role(role), trail, on=service.current().today)
        who = users.actor(found)
    title = users.role_title(Role(role))
    output.say(Text(f"{who} er ikke længere {title.da}", f"{who} is no longer {title.en}"))


@command.command("give-seat")
@click.argument("user")
@_seated
def give_seat(user: str, cvrs: tuple[str, ...], products: tuple[str, ...]) -> None:
    """Giv en bruger en plads fra i dag.

    Give a user a seat from today.
    """
    with _changing(user) as (session, trail, found):
        for seat in (seats := _named(cvrs, products)):
            users.give_seat(session, found, seat, trail, on=service.current().today)
        who = users.actor(found)
    output.say(f"{who}: {', '.join(seat.text for seat in seats)}")


@command.command("end-seat")
@click.argument("user")
@_seated
def end_seat(user: str, cvrs: tuple[str, ...], products: tuple[str, ...]) -> None:
    """Tag en plads fra en bruger.

    Take a seat from a user.
    """
    with _changing(user) as (session, trail, found):
        for seat in (seats := _named(cvrs, products)):
            users.end_seat(session, found, seat, trail, on=service.current().today)
        who, listed = users.actor(found), ", ".join(seat.text for seat in seats)
    output.say(Text(f"{who} har ikke længere {listed}", f"{who} no longer has {listed}"))


def _named(cvrs: tuple[str, ...], products: tuple[str, ...]) -> list[SeatOf]:
    if not cvrs + products:
        raise click.UsageError("--authority CVR / --product NAVN")
    return _seats(cvrs, products)


@command.command("offices")
def list_offices() -> None:
    """Hvem der underskriver for OS2, eller har gjort det, fra og til hvilken dag.

    Who signs for OS2, or did, from which day to which.
    """
    surroundings = service.current()
    with surroundings.reading() as session:
        found = offices.held(session)
    output.table([[each.person.name, each.person.title, f"{each.from_on}", f"{each.until_on or ''}", each.vouched_by]
                  for each in found], indent="")  # fmt: skip


@command.command("give-office")
@click.argument("user")
@click.option("--title", default="Formand for bestyrelsen", show_default=True, help="Titel i aftalerne.")
@click.option("--from", "from_on", type=_DAY, metavar="DAG", help="Den første dag; uden er det i dag.")
@click.option("--until", "until_on", type=_DAY, metavar="DAG", help="Den sidste dag, hvis den kendes.")
def give_office(user: str, title: str, from_on: datetime | None, until_on: datetime | None) -> None:
    """Giv en bruger hvervet at underskrive for OS2.

    Give a user the office of signing for OS2.
    """
    first = from_on.date() if from_on else service.current().today
    with _changing(user) as (session, trail, found):
        given = offices.give(session, found, title, until_on.date() if until_on else None, trail, on=first)
    since = day(given.from_on)
    output.say(
        Text(f"{given.text}: underskriver for OS2 fra {since.da}", f"{given.text}: signs for OS2 from {since.en}")
    )


@command.command("end-office")
@click.argument("user")
def end_office(user: str) -> None:
    """Tag hvervet fra en bruger fra i dag; det, der er underskrevet, står.

    Take the office from a user from today; what was signed stands.
    """
    with _changing(user) as (session, trail, found):
        offices.end(session, found, trail, on=service.current().today)
        who = users.actor(found)
    output.say(Text(f"{who} underskriver ikke længere for OS2", f"{who} no longer signs for OS2"))


@command.command("end")
@click.argument("user")
def end(user: str) -> None:
    """Lad en bruger ophøre, med alle roller, pladser og indlogninger.

    End a user, with all roles, seats and sessions.
    """
    with _changing(user) as (session, trail, found):
        users.end(session, found, trail, on=service.current().today)
        who = users.actor(found)
    output.say(Text(f"{who} er ophørt", f"{who} has ended"))
