"""Who shows a product: opted in to by who uses it, seen by who is on the way, asked for in a question, taken back."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from agreements.road.showings import ENDS, SHOWINGS
from app.access import Role
from tests.app.web import desks
from tests.app.web.desks import AUDITOR, FINANCE, GROUP, person
from tests.app.web.test_road import AALBORG, AARHUS, Road, id_of, road
from tests.app.web.test_road_keeping import seated, written
from tests.scenarios import files

__all__ = ["road"]

OFFER = {
    "cvr": AALBORG, "product": "OS2valghalla", "shows": "Hele valgdagen, som vi kører den", "contact": "Valgkontoret",
}  # fmt: skip


def of(road: Road, number: int, cvr: str) -> None:
    road.desk.sit(person(number, Role.SIGNATORY, authorities=frozenset({id_of(road.line, cvr)})))


def offered(road: Road, **changes: str) -> str:
    answer = road.desk.post("/showings/new", **{**OFFER, **changes})
    assert answer.status_code == 303, desks.words(answer)
    return answer.location


def test_who_uses_a_product_opts_in_and_who_is_on_the_way_sees_it_and_asks(road: Road) -> None:
    files.take_agreements(road.line, files.agreement(AALBORG))
    seated(road, "aalborg@example.org", cvr=AALBORG)
    seated(road)
    of(road, 9, AALBORG)
    at = offered(road)
    assert "I står nu på listen" in road.desk.read(at)
    assert offered(road) == at  # a second click

    of(road, 8, AARHUS)
    page = road.desk.html(f"{road.address}/test")
    assert "Aalborg Kommune</strong>" in page and "Kontakt: Valgkontoret" in page
    assert f'action="{at}/ask"' in page
    for _ in range(2):
        thread = road.desk.post(f"{at}/ask", journey=str(road.number)).location
    told = road.desk.read(thread)
    assert "Vi vil gerne se OS2valghalla hos Aalborg Kommune" in told and "Kontakt: Valgkontoret" in told
    assert told.count("Kontakt: Valgkontoret") == 1
    assert letters_of(road) == [("aalborg@example.org", "Nogen vil gerne se et produkt hos jer")]
    assert road.desk.get(at).status_code == 404  # only the list of the step tells it to others
    assert road.desk.post(f"{at}/end").status_code == 404


def letters_of(road: Road) -> list[tuple[str, str]]:
    return written(road, "inquiry")


def test_only_who_is_on_the_way_asks_and_only_for_what_stands_and_is_of_its_product(road: Road) -> None:
    supplier = {"cvr": "leverandør", "supplier": "Opdigtet"}
    other, over = offered(road, **supplier, product="OS2mo"), offered(road, **supplier, from_on="2027-01-16")
    here, number = offered(road, **supplier), str(road.number)

    assert [road.desk.post(f"{at}/ask", journey=number).status_code for at in (other, over, here)] == [404, 404, 303]
    assert road.desk.post(f"{here}/ask", journey="987654").status_code == 404
    assert road.desk.post(f"{here}/ask", journey="-1").status_code == 422
    assert road.desk.sit(GROUP).post(f"{here}/ask", journey=number).status_code == 403
    of(road, 9, AALBORG)
    assert road.desk.post(f"{here}/ask", journey=number).status_code == 404
    assert letters_of(road) == []


def test_an_offer_that_is_taken_back_leaves_the_list_and_stays_as_a_fact(road: Road) -> None:
    files.take_agreements(road.line, files.agreement(AALBORG))
    of(road, 9, AALBORG)
    at = offered(road)

    for _ in range(2):
        assert road.desk.post(f"{at}/end").status_code == 303

    assert "Trukket tilbage" in road.desk.read(at)
    assert "Intet passer på filtret" in road.desk.read("/showings?state=stands")
    road.desk.sit(FINANCE)
    assert "Ingen har tilbudt at vise produktet endnu" in road.desk.read(f"{road.address}/test")
    with road.line.session() as session:
        assert (len(session.execute(select(SHOWINGS)).all()), len(session.execute(select(ENDS)).all())) == (1, 1)
    assert offered(road) != at


def test_an_offer_stands_from_its_first_day_to_its_last(road: Road) -> None:
    supplier = {"cvr": "leverandør", "supplier": "Opdigtet Drift"}
    offered(road, **supplier, shows="Før", from_on="2027-01-16")
    offered(road, **supplier, shows="Netop", from_on="2027-01-15", until_on="2027-01-15")

    told = road.desk.read(f"{road.address}/test")
    assert "Netop Kontakt" in told and "Før Kontakt" not in told
    assert "Opdigtet Drift leverandør, i et test- eller demonstrationsmiljø" in told
    assert "Før" in road.desk.read("/showings?state=over&product=OS2valghalla&sort=-from_on")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cvr": AARHUS}, "Myndigheden er ikke tilsluttet produktet i dag"),
        ({"product": "OS2findesikke"}, "Vælg et produkt"),
        ({"cvr": "12345678"}, "Vælg en myndighed"),
        ({"contact": ""}, "Skriv en funktion"),
        ({"shows": "\u202e"}, "tegnet U+202E"),
        ({"shows": "x" * 301}, "har over 300 tegn"),
        ({"cvr": "leverandør"}, "Skriv leverandøren"),
        ({"until_on": "2027-01-14"}, "Den sidste dag er forbi"),
        ({"until_on": "i morgen"}, "skal være en dag"),
    ],
)
def test_a_wrong_offer_is_not_kept_and_says_what_to_mend(road: Road, changes: dict[str, str], said: str) -> None:
    answer = road.desk.post("/showings/new", **{**OFFER, **changes})

    assert answer.status_code == 422 and said in desks.words(answer)
    assert "Ingen har tilbudt at vise et produkt endnu" in road.desk.read("/showings")


def test_only_the_secretariat_adds_suppliers_and_nobody_offers_for_another_authority(road: Road) -> None:
    of(road, 8, AARHUS)
    assert "En leverandør" not in road.desk.read("/showings/new")
    for cvr in ("leverandør", AALBORG):
        answer = road.desk.post("/showings/new", **{**OFFER, "cvr": cvr, "supplier": "Opdigtet"})
        assert answer.status_code == 422 and "Vælg en myndighed" in desks.words(answer)
    for who in (GROUP, AUDITOR):
        assert road.desk.sit(who).post("/showings/new", **OFFER).status_code == 403


def test_groups_see_their_product_s_offers_and_words_are_words(road: Road) -> None:
    at = offered(road, cvr="leverandør", supplier="<b>Opdigtet</b>", shows="<script>x</script>")

    assert "<script>x" not in road.desk.html(f"{road.address}/test") + road.desk.html(at)
    assert road.desk.sit(GROUP).get(at).status_code == 200
    other = person(7, Role.COORDINATION, products=frozenset({"OS2mo"}))
    assert road.desk.sit(other).get(at).status_code == 404
