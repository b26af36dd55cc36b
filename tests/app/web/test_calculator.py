"""The price calculator and the pages of products: for everybody, and nothing in them that is not for everybody."""

from __future__ import annotations

import pytest

from app.web import calculator
from foundation import periods
from tests.app.web import desks
from tests.app.web.desks import NOW, Desk
from tests.command_line import CommandLine
from tests.scenarios import files

AARHUS = "55133018"
HUGE = "9" * 4_000
PRODUCT = ("product", "account", "level", "description_da", "description_en", "coordinator", "users_shown")


@pytest.fixture
def desk(starter: CommandLine) -> Desk:
    return desks.desk(starter)


def test_a_stranger_calculates_and_the_address_carries_it(desk: Desk) -> None:
    address = f"/calculator?authority={AARHUS}&active=OS2valghalla&on=2027-01-15"

    told = desk.read(address)

    assert "Aarhus Kommune, meget stor (378.361 indbyggere 1. januar 2026)" in told
    assert "OS2valghalla – tilslutningsafgift" in told and "350.000,00 350.000,00" in told
    assert "Kontingent til OS2 2027" in told and "25.000,00 –" in told
    assert "Det betaler sig fra årlige vederlag på i alt 96.154,00 kr." in told
    assert "Indbyggertallet 1. januar 2027 kendes ikke endnu" in told
    assert f"/calculator?authority={AARHUS}&amp;active=OS2valghalla&amp;on=2027-01-15" in desk.html(address)


def test_it_is_told_in_english_too(desk: Desk) -> None:
    desk.post("/language", language="en")

    assert "As a member Without membership" in desk.read(f"/calculator?authority={AARHUS}&active=OS2valghalla")


def test_what_an_authority_has_agreed_on_plays_no_part(desk: Desk, starter: CommandLine) -> None:
    address = f"/calculator?authority={AARHUS}&active=OS2valghalla&on=2027-01-15"
    before = desk.read(address)

    files.take_agreements(starter, files.agreement(AARHUS, "OS2valghalla"))
    files.take_members(starter, files.member(AARHUS))

    assert desk.read(address) == before


@pytest.mark.parametrize(
    ("address", "code", "said"),
    [
        ("", 200, "Vælg myndighed og produkter"),
        ("?authority=", 200, "Vælg myndighed og produkter"),
        (f"?authority={AARHUS}", 200, "Vælg mindst ét produkt"),
        ("?authority=12345678&active=OS2mo", 422, "12345678 findes ikke i registret"),
        ("?authority=%27%20OR%201=1--", 422, "findes ikke i registret"),
        ("?authority=%3Cscript%3E", 422, "findes ikke i registret"),
        (f"?authority={HUGE}", 422, "findes ikke i registret"),
        (f"?authority={AARHUS}&on=i+morgen", 422, "Skriv dagen som"),
        (f"?authority={AARHUS}&on=9999-12-31", 422, "Vælg en dag i år"),
        (f"?authority={AARHUS}&on=0001-01-01", 422, "Vælg en dag i år"),
        (f"?authority={AARHUS}&active=OS2findes+ikke", 200, "har intet takstblad"),
        (f"?authority={AARHUS}&active=%3Cscript%3E", 200, "har intet takstblad"),
        (f"?authority={AARHUS}" + "".join(f"&active=p{n}" for n in range(61)), 422, "Vælg færre produkter"),
        ("?authority=%00", 400, ""),
    ],
)  # fmt: skip
def test_whatever_stands_in_the_address_is_answered_in_words(desk: Desk, address: str, code: int, said: str) -> None:
    answer = desk.get(f"/calculator{address}")

    assert answer.status_code == code
    assert said in desks.words(answer) and "<script>" not in answer.text


def test_more_products_and_authorities_cost_no_more_queries(desk: Desk) -> None:
    with desk.counted() as one:
        desk.read(f"/calculator?authority={AARHUS}&active=OS2valghalla")
    with desk.counted() as many:
        desk.read(f"/calculator?authority={AARHUS}&active=OS2valghalla&active=OS2kitos&active=OS2mo&active=OS2sync")

    assert len(many) == len(one) <= 16


def test_a_product_taken_both_ways_is_passive(desk: Desk) -> None:
    with desk.app.test_request_context("/calculator?active=OS2mo&passive=OS2mo&active=OS2kitos") as context:
        asked = calculator.read(context.request.args, NOW.astimezone(periods.BUSINESS_ZONE).date())

    assert asked.wishes == (("OS2kitos", "active"), ("OS2mo", "passive"))


# --- products


def describe(line: CommandLine, users_shown: str) -> None:
    row = {
        "product": "OS2valghalla", "account": "XG-9212045260", "description_da": "Planlægger valg.",
        "description_en": "Plans elections.", "coordinator": "Produktkoordinator, valghalla@example.org",
        "users_shown": users_shown,
    }  # fmt: skip
    line.done("products", "import", line.write("products.csv", files.text(PRODUCT, [row])))


def test_a_product_says_what_it_is_what_it_costs_and_who_coordinates_it(desk: Desk, starter: CommandLine) -> None:
    describe(starter, "no")
    files.take_agreements(starter, files.agreement(AARHUS, "OS2valghalla"))

    told = desk.read("/products/OS2valghalla")

    assert "Planlægger valg." in told and "Produktkoordinator, valghalla@example.org" in told
    assert "22.000,00" in told
    assert "Det er ikke besluttet at vise, hvem der er tilsluttet" in told
    assert "Hvem bruger det Aarhus Kommune" not in told


def test_who_uses_it_is_shown_where_that_is_decided(desk: Desk, starter: CommandLine) -> None:
    describe(starter, "yes")
    assert "Ingen er tilsluttet i dag" in desk.read("/products/OS2valghalla")

    files.take_agreements(starter, files.agreement(AARHUS, "OS2valghalla"))

    assert "Hvem bruger det Aarhus Kommune" in desk.read("/products/OS2valghalla")


@pytest.mark.parametrize("name", ["OS2findesikke", "%3Cscript%3E", "size-key", "..%2f"])
def test_a_product_that_is_not_there_is_not_found(desk: Desk, name: str) -> None:
    assert desk.get(f"/products/{name}").status_code == 404


@pytest.mark.parametrize("users_shown", ["ja", "YES", "1"])
def test_whether_users_are_shown_is_yes_or_no(starter: CommandLine, users_shown: str) -> None:
    row = {"product": "OS2valghalla", "account": "XG-9212045260", "users_shown": users_shown}

    refused = starter.run("products", "import", starter.write("products.csv", files.text(PRODUCT, [row])))

    assert refused.code == 1 and "users_shown" in refused.err
