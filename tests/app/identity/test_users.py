"""People, roles and seats: dated, recorded, never one's own, and an administrator always remains."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from app import config, create_app, database
from app.access import Role
from app.identity import users
from app.identity.models import Invitation, RoleGrant, UserIdentity
from app.identity.users import SeatOf
from billing import approvals
from foundation.audit import Trail
from foundation.errors import DomainError
from tests.command_line import CommandLine
from tests.scenarios import database as rows
from tests.scenarios import files

AT = datetime(2027, 1, 15, 10, tzinfo=UTC)
DAY = date(2027, 1, 15)
AARHUS, AALBORG = "55133018", "29189420"


@dataclass
class House:
    """An application, and transactions on its database by somebody."""

    app: Flask

    @contextmanager
    def writing(self, actor: str = "kommandolinjen", at: datetime = AT) -> Iterator[tuple[Session, Trail]]:
        with self.app.app_context(), database.writing() as session:
            trail = Trail(session, actor, at)
            yield session, trail
            trail.write()

    def person(self, name: str, *roles: Role, signs_in: bool = True, seats: tuple[SeatOf, ...] = ()) -> int:
        """Add somebody who has signed in once; give their number."""
        with self.writing() as (session, trail):
            user, token = users.invite(session, name, "en@example.dk", trail, roles=roles, seats=seats, on=DAY)
            if signs_in:
                link = users.take_up(session, token, "browser", AT)
                users.accept(session, link, "browser", "https://issuer", f"subject of {user.id}", trail)
            return user.id


@pytest.fixture
def house(starter: CommandLine) -> Iterator[House]:
    """The application on a database with the starter loaded."""
    app = create_app(config.read(starter.environment))
    yield House(app)
    with app.app_context():
        database.db.engine.dispose()


#: What these tests look at does not depend on the kind of database.
ON_ONE = pytest.mark.parametrize("kind", ["sqlite"])


def test_a_person_is_their_roles_and_seats_of_the_day_in_one_query(house: House) -> None:
    who = house.person("En Underskriver", Role.SIGNATORY, Role.FINANCE, seats=(SeatOf(cvr=AARHUS), SeatOf(cvr=AALBORG)))
    asked: list[str] = []

    with house.writing() as (session, _):
        event.listen(session.connection(), "before_cursor_execute", lambda *about: asked.append(about[2]))
        today = users.principal_of(session, who, DAY, AT)
        eve = users.principal_of(session, who, DAY - timedelta(days=1))
        nobody = users.principal_of(session, who + 1, DAY)

    assert today is not None and eve is not None and nobody is None
    assert today.roles == {Role.SIGNATORY, Role.FINANCE}
    assert (len(today.authorities), today.actor) == (2, f"En Underskriver #{who}")
    assert (eve.roles, eve.authorities) == (frozenset(), frozenset())
    assert len([sql for sql in asked if "user_account" in sql]) == 3


def test_a_role_that_is_ended_is_gone_the_same_day_and_may_be_given_again(house: House) -> None:
    who = house.person("En Revisor", Role.AUDITOR)

    with house.writing() as (session, trail):
        users.end_role(session, users.get(session, who), Role.AUDITOR, trail, on=DAY)
        without = users.roles_of(session, who, DAY)
        users.grant(session, users.get(session, who), Role.AUDITOR, trail, on=DAY)
        users.grant(session, users.get(session, who), Role.AUDITOR, trail, on=DAY)
        again, grants = users.roles_of(session, who, DAY), session.scalar(select(func.count()).select_from(RoleGrant))

    assert not without and again == {Role.AUDITOR} and grants == 2


def test_every_change_stands_in_the_trail_with_who_did_it(house: House, starter: CommandLine) -> None:
    who = house.person("En Koordinator", Role.COORDINATION, seats=(SeatOf(product="OS2kitos"),))

    with house.writing(actor="En Administrator #99") as (session, trail):
        user = users.get(session, who)
        users.end_seat(session, user, SeatOf(product="OS2kitos"), trail, on=DAY)
        users.end_role(session, user, Role.COORDINATION, trail, on=DAY)
        users.give_seat(session, user, SeatOf(cvr=AARHUS), trail, on=DAY)
        users.end(session, user, trail, on=DAY)

    recorded = rows.column(starter, f"SELECT action FROM audit_entry WHERE subject = 'user {who}' ORDER BY position")
    assert recorded == [
        "user.invited", "role.granted", "seat.given", "user.accepted",
        "seat.ended", "role.ended", "seat.given", "seat.ended", "user.ended",
    ]  # fmt: skip
    assert rows.column(starter, "SELECT DISTINCT actor FROM audit_entry WHERE action = 'user.ended'") == [
        "En Administrator #99"
    ]
    starter.done("verify")


@ON_ONE
def test_nobody_changes_their_own_roles_or_seats(house: House) -> None:
    who = house.person("En Administrator", Role.ADMINISTRATOR)
    house.person("En anden Administrator", Role.ADMINISTRATOR)
    refused = 0

    with house.writing(actor=f"En Administrator #{who}") as (session, trail):
        user, seat = users.get(session, who), SeatOf(cvr=AARHUS)
        changes: list[Callable[[], None]] = [
            lambda: users.grant(session, user, Role.APPROVER, trail, on=DAY),
            lambda: users.end_role(session, user, Role.ADMINISTRATOR, trail, on=DAY),
            lambda: users.give_seat(session, user, seat, trail, on=DAY),
            lambda: users.end_seat(session, user, seat, trail, on=DAY),
            lambda: users.end(session, user, trail, on=DAY),
        ]
        for change in changes:
            with pytest.raises(users.OwnRole):
                change()
            refused += 1

    assert refused == 5


def test_the_last_administrator_who_can_sign_in_remains(house: House) -> None:
    first = house.person("En Administrator", Role.ADMINISTRATOR)
    house.person("En inviteret Administrator", Role.ADMINISTRATOR, signs_in=False)

    with house.writing() as (session, trail):
        with pytest.raises(users.LastAdministrator):
            users.end_role(session, users.get(session, first), Role.ADMINISTRATOR, trail, on=DAY)
        with pytest.raises(users.LastAdministrator):
            users.end(session, users.get(session, first), trail, on=DAY)
    second = house.person("En anden Administrator", Role.ADMINISTRATOR)
    with house.writing() as (session, trail):
        users.end(session, users.get(session, first), trail, on=DAY)

    with house.writing() as (session, _):
        assert users.principal_of(session, first, DAY) is None
        assert users.roles_of(session, second, DAY) == {Role.ADMINISTRATOR}


def test_two_administrators_cannot_end_each_other_at_once(house: House) -> None:
    pair = [house.person(f"Administrator {letter}", Role.ADMINISTRATOR) for letter in "AB"]
    outcomes: list[str] = []

    def end(other: int, own: str) -> None:
        try:
            with house.writing(actor=own) as (session, trail):
                users.end(session, users.get(session, other), trail, on=DAY)
            outcomes.append("ended")
        except users.LastAdministrator:
            outcomes.append("refused")

    threads = [threading.Thread(target=end, args=(other, f"x #{own}")) for own, other in (pair, pair[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["ended", "refused"]


# --- links


def test_a_link_is_kept_as_a_hash_only(house: House, starter: CommandLine) -> None:
    with house.writing() as (session, trail):
        _, token = users.invite(session, "En Ny", "ny@example.dk", trail, on=DAY)

    dumped = repr(rows.dump(starter))

    assert token not in dumped
    assert users.hashed(token) in dumped


@ON_ONE
def test_a_link_is_taken_up_by_one_browser_in_its_time_and_used_once(house: House) -> None:
    with house.writing() as (session, trail):
        _, token = users.invite(session, "En Ny", "ny@example.dk", trail, on=DAY)
    outcomes = []

    def tried(browser: str, at: datetime) -> str:
        with house.writing(at=at) as (session, trail):
            try:
                link = users.take_up(session, token, browser, at)
                users.accept(session, link, browser, "https://issuer", "s", trail)
            except DomainError as refused:
                return type(refused).__name__
            return "accepted"

    with house.writing() as (session, _):
        users.take_up(session, token, "own browser", AT)
    outcomes.append(tried("another browser", AT))
    outcomes.append(tried("own browser", AT + users.MAIL_LINK))
    outcomes.append(tried("own browser", AT + users.MAIL_LINK - timedelta(seconds=1)))
    outcomes.append(tried("own browser", AT))

    assert outcomes == ["LinkRefused", "LinkRefused", "accepted", "LinkRefused"]


def test_one_link_used_at_once_from_two_requests_gives_one(house: House) -> None:
    with house.writing() as (session, trail):
        _, token = users.invite(session, "En Ny", "ny@example.dk", trail, on=DAY)
        link = users.take_up(session, token, "browser", AT)
    outcomes: list[str] = []

    def accept(subject: str) -> None:
        try:
            with house.writing() as (session, trail):
                users.accept(session, link, "browser", "https://issuer", subject, trail)
            outcomes.append("accepted")
        except users.LinkRefused:
            outcomes.append("refused")

    threads = [threading.Thread(target=accept, args=(f"subject {nth}",)) for nth in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["accepted", "refused", "refused", "refused"]
    with house.writing() as (session, _):
        assert session.scalar(select(func.count()).select_from(UserIdentity)) == 1


@ON_ONE
def test_a_new_link_ends_the_old_and_an_identity_belongs_to_one(house: House) -> None:
    first = house.person("En Første", Role.FINANCE)
    with house.writing() as (session, trail):
        other, old = users.invite(session, "En Anden", "anden@example.dk", trail, on=DAY)
        new = users.invite_again(session, other, trail)
        with pytest.raises(users.LinkRefused):
            users.invited(session, old, AT)
        link = users.take_up(session, new, "browser", AT)

        with pytest.raises(users.IdentityTaken):
            users.accept(session, link, "browser", "https://issuer", f"subject of {first}", trail)

        assert users.invited(session, new, AT).id == other.id


@ON_ONE
def test_who_has_ended_has_no_link_and_gets_no_role(house: House) -> None:
    with house.writing() as (session, trail):
        user, token = users.invite(session, "En Ny", "ny@example.dk", trail, on=DAY)
        users.end(session, user, trail, on=DAY)

        with pytest.raises(users.LinkRefused):
            users.invited(session, token, AT)
        with pytest.raises(users.Unfit):
            users.grant(session, user, Role.FINANCE, trail, on=DAY)
        with pytest.raises(users.Unfit):
            users.invite_again(session, user, trail)
        assert session.scalar(select(func.count()).select_from(Invitation)) == 1


# --- names


@ON_ONE
@pytest.mark.parametrize("name", ["", "  ", "123", "En Godkender #7", "En\u202eGodkender", "x" * 200])
def test_a_name_that_could_pass_for_another_is_refused(house: House, name: str) -> None:
    with house.writing() as (session, trail), pytest.raises(users.Unfit):
        users.invite(session, name, "en@example.dk", trail, on=DAY)


@ON_ONE
@pytest.mark.parametrize(
    "mail", ["", "en", "a@b.dk, evil@evil.dk", "a@b.dk\nBcc: c@d.dk", "<a@b.dk>", "a@b@c.dk", "@b.dk", "a@"]
)
def test_what_is_not_one_mail_address_is_refused(house: House, mail: str) -> None:
    with house.writing() as (session, trail), pytest.raises(users.Unfit):
        users.invite(session, "En Ny", mail, trail, on=DAY)


@ON_ONE
def test_somebody_is_found_by_number_mail_or_a_name_of_one(house: House) -> None:
    first, second = house.person("En Godkender", Role.APPROVER), house.person("To Godkender", Role.APPROVER)

    with house.writing() as (session, _):
        for words in (f"#{first}", str(first), f"En Godkender #{first}", "En Godkender"):
            assert users.find(session, words).id == first
        for words in ("Ingen", f"To Godkender #{first}", "#999"):
            with pytest.raises(users.Unknown):
                users.find(session, words)
        with pytest.raises(users.Ambiguous):
            users.find(session, "EN@example.dk")
        assert users.approver(session, "To Godkender", DAY).id == second


@ON_ONE
def test_only_an_active_approver_who_has_signed_in_approves(house: House) -> None:
    house.person("En Økonom", Role.FINANCE)
    house.person("En Inviteret", Role.APPROVER, signs_in=False)
    gone = house.person("En Tidligere", Role.APPROVER)

    with house.writing() as (session, trail):
        users.end_role(session, users.get(session, gone), Role.APPROVER, trail, on=DAY)
        for words in ("En Økonom", "En Inviteret", "En Tidligere", "Ingen", f"#{gone}"):
            with pytest.raises(users.NotApprover):
                users.approver(session, words, DAY)


@ON_ONE
def test_changes_of_users_do_not_disturb_an_approved_plan(house: House, starter: CommandLine) -> None:
    files.take_agreements(starter, files.agreement(files.starter()[0].cvr))
    starter.approve(2027)
    house.person("En Ny", Role.FINANCE, seats=(SeatOf(cvr=AARHUS),))

    with starter.session() as session:
        undisturbed = approvals.is_undisturbed(session, 2027, "real")

    assert undisturbed
