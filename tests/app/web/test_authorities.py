"""Authorities in the browser: who sees whom, the list's filters and files, the page of one, on both databases."""

from __future__ import annotations

import html
import io
import re
import zipfile

import pytest
from sqlalchemy import insert, select

from agreements.connections import AGREEMENTS
from app.access import Role
from authorities.register import AUTHORITIES
from foundation.language import kroner
from foundation.money import Money
from tests.app.web import desks
from tests.app.web.desks import ADMINISTRATOR, APPROVER, AUDITOR, FINANCE, Desk, person
from tests.command_line import CommandLine
from tests.conftest import Prepared
from tests.places import with_starter

AARHUS, AALBORG, VIBORG = "55133018", "29189420", "29189846"
MEMBERS = f"cvr,joined_on,left_on\n{AARHUS},2012-01-01,\n{VIBORG},2010-01-01,2020-01-01\n"
AGREED = (
    "cvr,product,kind,signed_on,countersigned_on,in_force_from,terminated_to,notice_given_on,gln,person_reference,"
    "order_reference,accounting_cost,rebate_dkk,rebate_reason,joining_fee_exempt_reason\n"
    f"{AARHUS},OS2valghalla,active,2026-09-01,2026-09-15,2027-01-01,,,2995513301806,Digitalisering,,,,,\n"
    f"{AALBORG},OS2valghalla,active,2026-03-10,,2026-04-01,,,2992918942009,,,,,,\n"
    f"{AALBORG},OS2kitos,active,2019-03-10,2019-04-01,2019-04-01,,,2992918942009,,,,,,\n"
)


def _agreed(line: CommandLine) -> None:
    line.done("members", "import", line.write("members.csv", MEMBERS))
    line.done("agreements", "import", line.write("agreements.csv", AGREED))


@pytest.fixture
def agreed(prepared: Prepared) -> CommandLine:
    """The command line on real authorities, with two memberships and three agreements."""
    return prepared(with_starter, _agreed)


@pytest.fixture
def desk(agreed: CommandLine) -> Desk:
    """A browser on that database."""
    return desks.desk(agreed)


def authority_id(line: CommandLine, cvr: str) -> int:
    """Give an authority's id."""
    with line.session() as session:
        return int(session.execute(select(AUTHORITIES.c.id).where(AUTHORITIES.c.cvr == cvr)).scalar_one())


def test_the_list_tells_size_membership_and_products_of_each(desk: Desk) -> None:
    told = desk.sit(FINANCE).read(f"/authorities?q={AARHUS}")

    assert re.search(r"Aarhus Kommune 55133018 Kommune [0-9.]{7} Meget stor Ja 1", told)


@pytest.mark.parametrize(
    ("asked", "found", "not_found"),
    [
        ("q=aarhus", "Aarhus Kommune", "Aalborg Kommune"),
        ("q=2918 9420", "Aalborg Kommune", "Aarhus Kommune"),
        ("kind=region", "Region Sjælland", "Aarhus Kommune"),
        ("band=very_large", "Aarhus Kommune", "Viborg Kommune"),
        ("band=none", "Region Sjælland", "Aarhus Kommune"),
        ("member=yes", "Aarhus Kommune", "Viborg Kommune"),
        ("product=OS2valghalla", "Aarhus Kommune", "Aalborg Kommune"),
        ("product=OS2kitos&member=no", "Aalborg Kommune", "Aarhus Kommune"),
    ],
)
def test_the_list_is_narrowed_by_a_filter(desk: Desk, asked: str, found: str, not_found: str) -> None:
    told = desk.sit(AUDITOR).read(f"/authorities?{asked}")

    assert found in told
    assert not_found not in told


@pytest.mark.parametrize("column", ["name", "cvr", "kind", "inhabitants", "band", "member", "products"])
def test_the_list_is_sorted_either_way_by_every_column(desk: Desk, column: str) -> None:
    up, down = (desk.sit(FINANCE).get(f"/authorities?sort={sign}{column}") for sign in ("", "-"))

    assert (up.status_code, down.status_code) == (200, 200)
    assert desks.words(up) != desks.words(down)


def test_the_largest_come_first_where_one_asks(desk: Desk) -> None:
    told = desk.sit(FINANCE).read("/authorities?sort=-inhabitants")

    assert told.index("Københavns Kommune") < told.index("Aarhus Kommune") < told.index("Aalborg Kommune")


def test_the_page_speaks_english_to_who_asks_for_it(desk: Desk) -> None:
    told = desk.sit(person(1, Role.FINANCE, language="en")).read("/authorities?member=yes")

    assert "Very large Yes 1" in told


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_what_is_shown_can_be_had_as_a_file(desk: Desk, form: str) -> None:
    answer = desk.sit(FINANCE).get(f"/authorities.{form}?q=aalborg")

    content = answer.data.decode("utf-8-sig") if form == "csv" else _text_of_sheet(answer.data)
    assert "Aalborg Kommune" in content
    assert "Aarhus" not in content


def _text_of_sheet(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        return "".join(book.read(name).decode() for name in book.namelist() if name.startswith("xl/worksheets"))


def test_hostile_words_in_the_search_are_words(desk: Desk) -> None:
    answer = desk.sit(FINANCE).get("/authorities?q=%25<script>alert(1)</script>'--&sort=name")

    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert "Intet passer på filtret" in answer.text


@pytest.mark.parametrize("asked", ["sort=password", "page=0", "page=99", "page=-1", "sort=-"])
def test_a_list_that_does_not_exist_is_not_found(desk: Desk, asked: str) -> None:
    assert desk.sit(FINANCE).get(f"/authorities?{asked}").status_code == 404


def test_an_empty_register_says_what_to_do(empty: CommandLine) -> None:
    told = desks.desk(empty).sit(FINANCE).read("/authorities")

    assert "Indlæs dem under Indlæsning" in told


def test_the_page_of_one_tells_what_the_register_knows(desk: Desk) -> None:
    told = desk.sit(FINANCE).read(f"/authorities/{AARHUS}")

    assert "Meget stor" in told
    assert "færre indbyggere giver Stor" in told
    assert "1. januar 2012" in told
    assert "OS2valghalla I kraft Aktiv 2026-09-01 2027-01-01" in told
    assert "Ingen fakturaer endnu" in told


def test_an_authority_that_ended_without_a_successor_says_how_to_mend_it(desk: Desk) -> None:
    cvr = "29190658"  # Region Sjælland, to the end of 2026

    told = desk.sit(FINANCE).read(f"/authorities/{cvr}")

    assert "Ophørt 31. december 2026" in told
    assert "succeeded_by_cvr" in told
    assert "Indplaceringen mangler" in told


def test_the_page_of_one_tells_what_it_pays_next_as_the_plan_has_it_and_why(desk: Desk, agreed: CommandLine) -> None:
    plan = agreed.json("billing", "plan", 2027)
    (invoice,) = (each for each in plan["invoices"] if each["authority"]["cvr"] == AARHUS)

    told = desk.sit(FINANCE).read(f"/authorities/{AARHUS}")

    assert "Skal betale for 2027" in told
    for ore in (invoice["net_ore"], *(line["net_ore"] for line in invoice["lines"])):
        assert " ".join(kroner(Money(ore)).da.split()) in told
    assert "Kontingent til OS2 2027" in told
    assert "indbyggere 1. januar 2026" in told


def test_what_holds_its_lines_back_stands_on_the_page_of_one_with_where_it_is_mended(
    desk: Desk, agreed: CommandLine
) -> None:
    told = desk.sit(FINANCE).get(f"/authorities/{AALBORG}").text

    assert "Holdes tilbage" in told
    (there,) = set(re.findall(r'<a href="(/agreements\?product=[^"]+)">', told))
    listed = desk.get(html.unescape(there)).text
    (agreement,) = set(re.findall(r'<a href="(/agreements/\d+)">', listed))
    assert '<a href="/imports#agreements">' in desk.get(agreement).text


def test_who_reads_no_plan_sees_no_next_year(desk: Desk, agreed: CommandLine) -> None:
    own = person(7, Role.SIGNATORY, authorities=frozenset({authority_id(agreed, AARHUS)}))

    assert "Skal betale" not in desk.sit(own).read(f"/authorities/{AARHUS}")


def test_invoices_are_shown_to_whom_they_are_for(desk: Desk, agreed: CommandLine) -> None:
    digest = agreed.json("billing", "plan", "2027")["digest"]
    agreed.done("billing", "approve", "2027", "--digest", digest, "--by", "En Godkender")
    agreed.done("billing", "issue", "2027")
    own = person(5, Role.SIGNATORY, authorities=frozenset({authority_id(agreed, AARHUS)}))
    group = person(6, Role.COORDINATION, products=frozenset({"OS2valghalla"}))

    shown = {who: desk.sit(who).read(f"/authorities/{AARHUS}") for who in (AUDITOR, own, group)}

    assert ["2027-0001" in told for told in shown.values()] == [True, True, False]
    assert [told.count("2027-000") == told.count("2027-0001") for told in shown.values()] == [True, True, True]


def test_the_chart_has_its_figures_in_a_table_beside(desk: Desk) -> None:
    answer = desk.sit(FINANCE).get(f"/authorities/{AALBORG}")

    assert "<title" in answer.text and "<desc" in answer.text and "<polyline" in answer.text
    assert "Tallene som tabel" in answer.text
    assert "style=" not in answer.text  # the policy forbids it


def test_an_agreement_is_told_as_the_lifecycle_reads_it(desk: Desk) -> None:
    told = desk.sit(FINANCE).read(f"/authorities/{AALBORG}")

    assert "OS2valghalla Underskrevet, afventer OS2" in told


def test_the_history_tells_who_brought_what(desk: Desk) -> None:
    told = desk.sit(FINANCE).read(f"/authorities/{AARHUS}/history")

    assert "Aftale OS2valghalla" in told
    assert "kommandolinjen" in told
    assert "29189420" not in told  # another authority's


def test_who_works_for_an_authority_is_not_told_who_works_at_the_association(desk: Desk, agreed: CommandLine) -> None:
    signatory = person(5, Role.SIGNATORY, authorities=frozenset({authority_id(agreed, AARHUS)}))

    told = desk.sit(signatory).read(f"/authorities/{AARHUS}/history")

    assert "kommandolinjen" not in told


def test_who_may_read_an_authoritys_account_finds_it_from_its_page(desk: Desk, agreed: CommandLine) -> None:
    own = frozenset({authority_id(agreed, AARHUS)})
    reader, both = person(5, Role.SIGNATORY, authorities=own), (Role.SIGNATORY, Role.ADMINISTRATOR)
    link = f'href="/authorities/{AARHUS}/account"'

    assert link in desk.sit(FINANCE).get(f"/authorities/{AARHUS}").text
    assert link in desk.sit(reader).get(f"/authorities/{AARHUS}").text
    assert desk.get(f"/authorities/{AARHUS}/account").status_code == 200
    assert link not in desk.sit(ADMINISTRATOR).get(f"/authorities/{AARHUS}").text
    other = desk.sit(person(6, *both, authorities=own)).get(f"/authorities/{AALBORG}").text
    assert f'href="/authorities/{AALBORG}/account"' not in other


def test_a_signatory_sees_its_own_authority_and_no_other(desk: Desk, agreed: CommandLine) -> None:
    desk.sit(person(5, Role.SIGNATORY, authorities=frozenset({authority_id(agreed, AARHUS)})))

    listed = desk.read("/authorities")
    file = desk.get("/authorities.csv").text
    codes = [desk.get(f"/authorities/{cvr}").status_code for cvr in (AARHUS, AALBORG, "10000009")]

    assert "Aarhus Kommune" in listed
    assert "Hvad I betaler, og hvorfor 2027:" in desk.read(f"/authorities/{AARHUS}")
    assert "Aalborg Kommune" not in listed + file
    assert codes == [200, 404, 404]


def test_others_and_unknown_authorities_are_answered_alike(desk: Desk, agreed: CommandLine) -> None:
    desk.sit(person(5, Role.SIGNATORY, authorities=frozenset({authority_id(agreed, AARHUS)})))

    for behind in ("", "/history", "/billing", "/billing/agreement/1"):
        other, unknown = (desk.get(f"/authorities/{cvr}{behind}") for cvr in (AALBORG, "10000009"))
        assert (other.status_code, desks.words(other)) == (404, desks.words(unknown))


def test_a_group_sees_names_and_states_of_its_product_alone(desk: Desk) -> None:
    desk.sit(person(6, Role.COORDINATION, products=frozenset({"OS2valghalla"})))

    listed = desk.read("/authorities")
    page = desk.read(f"/authorities/{AALBORG}")

    assert "Aalborg Kommune 29189420 OS2valghalla Underskrevet, afventer OS2" in listed
    assert "Viborg" not in listed
    assert "OS2valghalla Underskrevet, afventer OS2" in page
    assert not any(word in page for word in ("OS2kitos", "2026-03-10", "Faktureringsoplysninger", "Indbyggere"))


@pytest.mark.parametrize("behind", ["/history", "/billing", "/billing/agreement/2"])
def test_a_group_sees_nothing_of_an_authority_but_that(desk: Desk, behind: str) -> None:
    desk.sit(person(6, Role.COORDINATION, products=frozenset({"OS2valghalla"})))

    assert desk.get(f"/authorities/{AALBORG}{behind}").status_code == 404


def test_a_group_without_agreements_sees_nobody(desk: Desk) -> None:
    desk.sit(person(6, Role.COORDINATION, products=frozenset({"OS2mo"})))

    assert "Ingen har tilsluttet sig endnu" in desk.read("/authorities")
    assert desk.get(f"/authorities/{AARHUS}").status_code == 404


def test_who_is_in_a_group_and_of_an_authority_has_both_lists(desk: Desk, agreed: CommandLine) -> None:
    both = person(
        7, Role.COORDINATION, Role.SIGNATORY,
        products=frozenset({"OS2valghalla"}), authorities=frozenset({authority_id(agreed, AARHUS)}),
    )  # fmt: skip
    own, groups = (desk.sit(both).read(path) for path in ("/authorities", "/authorities/groups"))

    assert "Aalborg" not in own
    assert "Aalborg" in groups


@pytest.mark.parametrize("path", ["/authorities", "/authorities.csv", f"/authorities/{AARHUS}", "/authorities/groups"])
def test_an_administrator_reads_no_authority_and_nobody_is_sent_to_sign_in(desk: Desk, path: str) -> None:
    refused = desk.sit(ADMINISTRATOR).get(path).status_code
    nobody = desks.Desk(desk.app).get(path)

    assert refused == 403
    assert (nobody.status_code, nobody.headers["Location"][:9]) == (303, "/sign-in?")


def test_a_list_of_a_thousand_costs_as_many_queries_as_one_of_a_hundred(desk: Desk, agreed: CommandLine) -> None:
    desk.sit(APPROVER)
    desk.get("/authorities")
    with desk.counted() as few:
        desk.get("/authorities")
    _many(agreed)

    with desk.counted() as many:
        desk.get("/authorities")

    assert len(many) == len(few) <= 8, many


def _many(line: CommandLine) -> None:
    with line.session() as session:
        session.execute(
            insert(AUTHORITIES),
            [{"cvr": f"{nth:08d}", "type": "stat", "name": f"Myndighed {nth}", "short_name": f"M{nth}"}
             for nth in range(1, 901)],
        )  # fmt: skip


def test_the_page_of_one_costs_as_many_queries_with_more_agreements(desk: Desk, agreed: CommandLine) -> None:
    desk.sit(APPROVER)
    desk.get(f"/authorities/{AARHUS}")  # the first visit of a browser notes its session
    with desk.counted() as few:
        desk.get(f"/authorities/{AARHUS}")
    with agreed.session() as session:
        row = dict(session.execute(select(AGREEMENTS)).mappings().first() or {})
        row.pop("id")
        session.execute(insert(AGREEMENTS), [row | {"product_id": nth, "rebate_ore": 0} for nth in range(20, 27)])

    with desk.counted() as many:
        desk.get(f"/authorities/{AARHUS}")

    assert len(many) == len(few) <= 23, many
