"""The commands on users, and who may approve in production."""

from __future__ import annotations

import re

import pytest

from tests.app.test_config import production
from tests.command_line import CommandLine
from tests.scenarios import database, files

#: What these tests look at does not depend on the kind of database.
ON_ONE = pytest.mark.parametrize("kind", ["sqlite"])


def known(line: CommandLine, user_id: int) -> None:
    """Let somebody have signed in once."""
    with line.session() as session:
        from app.identity.models import UserIdentity

        session.add(UserIdentity(user_id=user_id, issuer="https://login.example.dk", subject=f"s{user_id}"))


@ON_ONE
def test_an_invitation_prints_a_link_and_only_that_on_standard_output(starter: CommandLine) -> None:
    line = production(starter)

    result = line.done("users", "invite", "En Administrator", "a@example.dk", "--role", "administrator")

    assert re.fullmatch(r"https://tilslut\.example\.dk/invitation/[A-Za-z0-9_-]{43}\n", result.out)
    assert result.out.strip()[-43:] not in repr(database.dump(line))


def test_users_are_listed_with_roles_seats_and_state(starter: CommandLine) -> None:
    starter.done("users", "invite", "En Underskriver", "u@example.dk", "--role", "signatory", "--authority", "55133018")
    starter.done("users", "invite", "En Koordinator", "k@example.dk", "--product", "OS2kitos")
    starter.done("users", "grant-role", "En Koordinator", "coordination")
    starter.done("users", "give-seat", "En Koordinator", "--product", "OS2valghalla")
    starter.done("users", "end-seat", "En Koordinator", "--product", "OS2kitos")
    starter.done("users", "end-role", "u@example.dk", "signatory")
    starter.done("users", "link", "En Koordinator")

    before = starter.json("users", "list")
    starter.done("users", "end", "#1")
    after = starter.json("users", "list")

    assert [(one["name"], one["roles"], one["authorities"], one["products"]) for one in before] == [
        ("En Koordinator", ["coordination"], [], ["OS2valghalla"]), ("En Underskriver", [], ["55133018"], []),
    ]  # fmt: skip
    assert [one["name"] for one in after] == ["En Koordinator"]
    assert "ophørt" in starter.done("users", "list", "--ended").out
    starter.done("verify")


@ON_ONE
def test_a_command_on_nobody_or_on_a_seat_that_cannot_be_is_refused_and_stores_nothing(starter: CommandLine) -> None:
    starter.done("users", "invite", "En Underskriver", "u@example.dk")
    before = database.dump(starter)

    codes = [
        starter.run(*words).code
        for words in (
            ("users", "end", "Ingen"),
            ("users", "end-role", "En Underskriver", "auditor"),
            ("users", "give-seat", "En Underskriver", "--authority", "12345678"),
            ("users", "give-seat", "En Underskriver", "--product", "OS2intet"),
            ("users", "invite", "En Ny", "n@example.dk", "--product", "OS2intet"),
            ("users", "give-seat", "En Underskriver"),
        )
    ]

    assert codes == [1, 1, 1, 1, 1, 2]
    assert database.dump(starter) == before


def test_in_production_a_registered_approver_approves_and_adopts_by_number(starter: CommandLine) -> None:
    line = production(starter)
    line.done("settings", "import", line.write("seller.toml", files.SELLER))
    files.take_agreements(line, files.agreement(files.starter()[0].cvr))
    line.done("users", "invite", "En Godkender", "g@example.dk", "--role", "approver")
    digest = line.json("billing", "plan", 2027)["digest"]
    table = line.write("a.toml", files.fee_table("A", "annual_fee = 1"))
    approve = ("billing", "approve", 2027, "--digest", digest, "--by", "g@example.dk")

    before_signing_in = line.run(*approve)
    known(line, 1)
    line.done(*approve)
    line.done("fee-tables", "adopt", table, "--by", "En Godkender")

    assert before_signing_in.code == 1
    assert database.column(line, "SELECT approved_by FROM plan_approval") == ["En Godkender #1"]
    assert "En Godkender #1" in database.column(line, "SELECT actor FROM audit_entry WHERE action LIKE '%adopted'")


def test_in_production_a_credit_is_prepared_and_approved_by_two_registered_people(starter: CommandLine) -> None:
    files.take_agreements(starter, files.agreement(files.starter()[0].cvr))
    starter.at("2026-03-01").issue(2026)  # production has the real clock, and that is later
    line = production(starter, OS2TILSLUT_RULES_DIR=str(starter.folder / "none"))
    line.done("settings", "import", line.write("seller.toml", files.SELLER))
    line.done("users", "invite", "En Forbereder", "f@example.dk", "--role", "finance")
    line.done("users", "invite", "En Godkender", "g@example.dk", "--role", "approver")
    known(line, 1)
    known(line, 2)
    credit = ("billing", "credit", "2026-0001", "--reason", "Fejl")

    refused = [
        line.run(*credit, "--by", "En Godkender", "--approved-by", "g@example.dk"),  # one person by two names
        line.run(*credit, "--by", "En Godkender", "--approved-by", "En Forbereder"),
        line.run(*credit, "--by", "Nogen", "--approved-by", "En Godkender"),
        line.run(*credit, "--approved-by", "En Godkender"),
    ]
    line.run(*credit, "--by", "En Forbereder", "--approved-by", "En Godkender")

    assert [result.code for result in refused] == [1, 1, 1, 1]
    assert database.column(line, "SELECT prepared_by FROM credit_note") == ["En Forbereder #1"]
    assert database.column(line, "SELECT approved_by FROM credit_note") == ["En Godkender #2"]
