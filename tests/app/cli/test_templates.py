"""The commands on templates: proposed by one, adopted by another, shown in both languages, and compared."""

from __future__ import annotations

import pytest

from tests.agreements.templates_made import CONNECTION
from tests.command_line import CommandLine

BY = ("--by", "En Forbereder")
APPROVER = ("--by", "En Godkender")


@pytest.fixture
def kind() -> str:
    """SQLite: what the commands call is asked on both by `tests/agreements/test_templates.py`."""
    return "sqlite"


@pytest.fixture
def line(empty: CommandLine) -> CommandLine:
    """The first version of one template stands adopted."""
    empty.done("agreement", "templates", "propose", empty.write("first.toml", CONNECTION), *BY)
    empty.done("agreement", "templates", "adopt", 1, *APPROVER)
    return empty


def proposed(line: CommandLine, *pairs: tuple[str, str]) -> int:
    """Propose the template with some words changed; give the number."""
    text = CONNECTION
    for was, now in pairs:
        text = text.replace(was, now)
    line.done("agreement", "templates", "propose", line.write("next.toml", text), *BY)
    (waiting,) = line.json("agreement", "templates", "list")["proposed"]
    return int(waiting["proposal"])


def test_the_shipped_templates_are_proposed_and_adopted(empty: CommandLine) -> None:
    for number, name in enumerate(("connection", "membership"), start=1):
        told = empty.done("agreement", "templates", "propose", "--shipped", name, *BY)
        assert f"{name}: forslag {number}, SHA-256" in told.out
        assert f"agreement templates adopt {number}" in told.err
        adopted = empty.done("agreement", "templates", "adopt", number, *APPROVER)
        assert "vedtaget 15. januar 2027 af En Godkender" in adopted.out
        assert "Udkast: skal godkendes af foreningens jurist" in adopted.out

    listed = empty.json("agreement", "templates", "list")

    assert [(each["name"], each["version"], each["is_draft"]) for each in listed["adopted"]] == [
        ("connection", 1, True), ("membership", 1, True),
    ]  # fmt: skip
    assert listed["proposed"] == []
    assert "connection version 1: vedtaget" in empty.done("agreement", "templates", "list").out
    empty.done("verify")


def test_who_proposed_a_template_does_not_adopt_it(line: CommandLine) -> None:
    number = proposed(line, ("Mellem", "Imellem"))

    refused = line.run("agreement", "templates", "adopt", number, *BY)

    assert (refused.code, "er dit eget" in refused.err) == (1, True)
    assert f"forslag {number} af En Forbereder venter" in line.done("agreement", "templates", "list").out


def test_a_template_that_is_wrong_is_refused_with_its_lines(empty: CommandLine) -> None:
    file = empty.write("wrong.toml", CONNECTION.replace("{product}", "{produkt}"))

    refused = empty.run("agreement", "templates", "propose", file, *BY)

    assert refused.code == 1
    assert "linje 20: da: ukendt felt '{produkt}'" in refused.err
    assert "linje 21: en: ukendt felt '{produkt}'" in refused.err


def test_a_version_and_a_proposal_are_shown_in_both_languages(line: CommandLine) -> None:
    number = proposed(line, ("Mellem", "Imellem"))

    adopted = line.done("agreement", "templates", "show", "connection")
    waiting = line.done("agreement", "templates", "show", "connection", "--proposal", number)
    none = line.run("agreement", "templates", "show", "connection", "--version", 2)
    other = line.run("agreement", "templates", "show", "membership", "--proposal", number)

    assert "1.1 [parties] Mellem {authority} og {association}.\n      Between {authority}" in adopted.out
    assert "1. Parter / Parties" in adopted.out
    assert "1.1 [parties] Imellem {authority}" in waiting.out
    assert (none.code, other.code) == (1, 1)
    assert "skabelonen connection version 2 er ikke vedtaget" in none.err


def test_two_versions_are_compared_clause_by_clause(line: CommandLine) -> None:
    number = proposed(line, ("Mellem", "Imellem"), ("months = 6", "months = 3"))
    ahead = line.done("agreement", "templates", "compare", "connection", "--proposal", number).out
    line.done("agreement", "templates", "adopt", number, *APPROVER)

    told = line.done("agreement", "templates", "compare", "connection", 1, 2).out
    with_newest = line.json("agreement", "templates", "compare", "connection", 1)
    with_itself = line.done("agreement", "templates", "compare", "connection", 2, 2).out

    assert told == ahead
    assert "parties (Parter): ændret\n  - Mellem {authority}" in told
    assert "  + Imellem {authority}" in told
    assert [(each["place"], each["what"]) for each in with_newest] == [("notice", "changed"), ("parties", "changed")]
    assert with_newest[0]["now"]["da"] == "3 måneders varsel til udgangen af et kalenderår"
    assert with_itself == "ingen forskel\n"


@pytest.mark.parametrize("arguments", [("propose",), ("compare", "connection"), ("show", "loan")])
def test_too_few_or_wrong_words_are_wrong_arguments(empty: CommandLine, arguments: tuple[str, ...]) -> None:
    assert empty.run("agreement", "templates", *arguments).code == 2


def test_in_production_a_name_alone_neither_proposes_nor_adopts(line: CommandLine) -> None:
    number = proposed(line, ("Mellem", "Imellem"))
    production = line.with_environ(
        OS2TILSLUT_ENV="production", OS2TILSLUT_SECRET_KEY="x" * 64, OS2TILSLUT_BASE_URL="https://os2.example",
        OS2TILSLUT_TRUSTED_HOSTS="os2.example", OS2TILSLUT_CLOCK="", OS2TILSLUT_OIDC_ISSUER="https://login.example",
        OS2TILSLUT_OIDC_CLIENT_ID="os2", OS2TILSLUT_OIDC_CLIENT_SECRET="hemmelig", OS2TILSLUT_OIDC_STRONG_ACR="strong",
    )  # fmt: skip

    adopting = production.run("agreement", "templates", "adopt", number, *APPROVER)
    proposing = production.run("agreement", "templates", "propose", "--shipped", "membership", *BY)

    assert (adopting.code, "registreret godkender" in adopting.err) == (1, True)
    assert (proposing.code, "registreret" in proposing.err) == (1, True)
    listed = line.json("agreement", "templates", "list")
    assert (len(listed["adopted"]), len(listed["proposed"])) == (1, 1)
