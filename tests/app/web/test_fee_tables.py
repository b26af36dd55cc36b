"""Fee tables in the browser: read by everybody, compared, drafted, proposed, and adopted by another person."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest

from app import access
from app.access import Principal, Role
from fee_tables import catalogue
from foundation import proposals
from foundation.audit import sha256
from tests.app.web import desks
from tests.app.web.desks import ADMINISTRATOR, APPROVER, AUDITOR, FINANCE, Desk, person
from tests.command_line import CommandLine
from tests.conftest import Prepared
from tests.places import with_starter

#: What lies below is tried on both databases where it lives; the pages are the same on either.
pytestmark = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)

FIELDS = {
    "product": "OS2valghalla", "valid_from": "2028-01-01", "decided_on": "2027-11-01",
    "decided_by": "styregruppen", "source": "referat", "contribution": "yes", "first_year": "full", "vat": "25 %",
    "annual_form": "band", "annual_small": "23.000", "annual_medium": "33000", "annual_large": "43.000,50",
    "annual_very_large": "53 000", "joining_form": "flat", "joining_flat": "100.000 kr.",
}  # fmt: skip
TEXT = """product = "OS2kitos"
valid_from = 2028-01-01
decided_on = 2027-11-01
decided_by = "styregruppen"
contribution = false
annual_fee = 31000
"""
MEMBERS = "cvr,joined_on,left_on\n55133018,2012-01-01,\n"
AGREED = (
    "cvr,product,kind,signed_on,countersigned_on,in_force_from,terminated_to,notice_given_on,gln,person_reference,"
    "order_reference,accounting_cost,rebate_dkk,rebate_reason,joining_fee_exempt_reason\n"
    "55133018,OS2kitos,active,2026-09-01,2026-09-15,2027-01-01,,,2995513301806,,,,,,\n"
    "29189420,OS2kitos,active,2019-03-10,2019-04-01,2019-04-01,,,2992918942009,,,,,,\n"
    "29189846,OS2kitos,active,2019-03-10,,,,,2992918984603,,,,,,\n"
    "55133018,OS2valghalla,active,2026-09-01,2026-09-15,2027-01-01,,,2995513301806,,,,,,\n"
    "29189420,OS2valghalla,active,2019-03-10,2019-04-01,2019-04-01,,,2992918942009,,,,,,\n"
)


@pytest.fixture
def desk(starter: CommandLine) -> Desk:
    """A browser on the shipped tables."""
    return desks.desk(starter)


def _connected(line: CommandLine) -> None:
    line.done("members", "import", line.write("members.csv", MEMBERS))
    line.done("agreements", "import", line.write("agreements.csv", AGREED))


@pytest.fixture
def connected(prepared: Prepared) -> Desk:
    """A browser where Aarhus, a member, and Aalborg, which is none, use two products."""
    return desks.desk(prepared(with_starter, _connected))


def proposed(desk: Desk, who: Principal = FINANCE) -> str:
    """Let somebody propose the text; give the proposal's address."""
    answer = desk.sit(who).post("/fee-tables/proposals", text=TEXT)
    assert answer.status_code == 303, desks.words(answer)
    return answer.headers["Location"]


def adopted(line: CommandLine) -> list[Any]:
    """Give the days of OS2kitos' adopted tables."""
    with line.session() as session:
        tables = catalogue.read(session).fee_tables["OS2kitos"]
    return [table.reference.valid_from.isoformat() for table in tables]


# --- reading


def test_everybody_reads_what_is_adopted(desk: Desk) -> None:
    told = desk.read("/fee-tables")

    assert "OS2valghalla 22.000–52.000" in told
    assert "Tilsluttede" not in told  # who uses what is not for everybody
    assert "Nyt takstblad" not in told


def test_the_secretariat_sees_accounts_and_how_many_are_connected(connected: Desk) -> None:
    told = connected.sit(FINANCE).read("/fee-tables")

    assert "OS2kitos 30.000 som nu – 2017-08-15" in told
    assert "XG-" in told


def test_a_version_tells_prices_with_and_without_contribution(desk: Desk) -> None:
    told = desk.read("/fee-tables/OS2valghalla/2023-01-01")

    assert "Meget stor 52.000,00 56.680,00 70.200,00" in told  # 9 % and 35 %
    assert "Meget stor 350.000,00" in told
    assert sha256(_shipped("os2valghalla_2023.toml")) in told


def _shipped(name: str) -> str:
    return files("fee_tables").joinpath("data", name).read_text(encoding="utf-8")


def test_a_product_without_contribution_says_so(desk: Desk) -> None:
    assert "bidrag lægges ikke til" in desk.read("/fee-tables/OS2kitos/2017-08-15")


@pytest.mark.parametrize("path", ["size-key/2022-01-01", "association/2023-01-01"])
def test_what_belongs_to_all_products_is_read_alike(desk: Desk, path: str) -> None:
    assert "generalforsamlingen" in desk.read(f"/fee-tables/{path}")


def test_two_versions_stand_side_by_side_with_each_difference_in_words(desk: Desk, starter: CommandLine) -> None:
    starter.done("fee-tables", "adopt", starter.write("kitos.toml", TEXT))

    told = desk.read("/fee-tables/OS2kitos/2028-01-01?with=2017-08-15")

    assert "Årligt vederlag 30.000,00 kr. 31.000,00 kr. ændret" in told
    assert "Moms 25 % 25 % " in told and "Moms 25 % 25 % ændret" not in told


@pytest.mark.parametrize(
    "path",
    ["OS2intet", "OS2kitos/2020-01-01", "OS2kitos/i-dag", "OS2kitos/2017-08-15?with=1999-01-01", "proposals/7"],
)
def test_what_is_not_adopted_is_not_found(desk: Desk, path: str) -> None:
    assert desk.sit(FINANCE).get(f"/fee-tables/{path}").status_code == 404


def test_a_product_without_a_table_says_what_is_missing(desk: Desk) -> None:
    assert "Intet takstblad er vedtaget endnu" in desk.read("/fee-tables/OS2forms")


def test_reading_costs_as_many_queries_with_more_tables(desk: Desk, starter: CommandLine) -> None:
    with desk.counted() as few:
        desk.get("/fee-tables")
    for year in (2028, 2029, 2030):
        starter.done("fee-tables", "adopt", starter.write(f"{year}.toml", TEXT.replace("2028", str(year))))

    with desk.counted() as many:
        desk.get("/fee-tables")

    assert len(many) == len(few) <= 5, many


# --- drafting


def test_a_draft_begins_with_the_newest_table(desk: Desk) -> None:
    answer = desk.sit(FINANCE).get("/fee-tables/draft?product=OS2valghalla")

    assert 'name="annual_large" type="text" value="42000"' in answer.text
    assert 'name="joining_very_large" type="text" value="350000"' in answer.text


def test_fields_become_a_text_with_the_amounts_as_they_were_meant(desk: Desk) -> None:
    answer = desk.sit(FINANCE).post("/fee-tables/draft", **FIELDS)

    assert answer.status_code == 200
    told = desks.words(answer)
    assert "Kontrolleret: ingen fejl" in told
    assert "small = 23000" in told and 'large = "43000.50"' in told and "very_large = 53000" in told
    assert "joining_fee = 100000" in told


def test_a_fault_is_told_at_its_field_and_nothing_typed_is_lost(desk: Desk) -> None:
    wrong = FIELDS | {"annual_medium": "mange penge", "valid_from": "nytår", "passive_share": "halv"}

    answer = desk.sit(FINANCE).post("/fee-tables/draft", **wrong)

    assert answer.status_code == 422
    for name in ("annual_medium", "valid_from", "passive_share"):
        assert f'href="#field-{name}"' in answer.text
        assert f'id="error-{name}"' in answer.text
    assert 'value="mange penge"' in answer.text and 'value="43.000,50"' in answer.text


def test_hostile_fields_stay_words(desk: Desk) -> None:
    wrong = FIELDS | {"decided_by": '"\nannual_fee = 1 # <script>x</script>', "source": "{{ 7 * 7 }}"}

    answer = desk.sit(FINANCE).post("/fee-tables/draft", **wrong)

    assert answer.status_code == 422
    assert "<script>x" not in answer.text
    assert "{{ 7 * 7 }}" in answer.text


def test_every_fault_of_a_text_is_told_with_its_line(desk: Desk) -> None:
    wrong = TEXT.replace("31000", "-1").replace('"styregruppen"', "7")

    answer = desk.sit(FINANCE).post("/fee-tables/draft/text", text=wrong)

    told = desks.words(answer)
    assert answer.status_code == 422
    assert "Linje 4: decided_by skal være en tekst" in told
    assert "Linje 6: beløbet er negativt" in told
    assert "annual_fee = -1" in answer.text


@pytest.mark.parametrize("hostile", ["x" * 30_000, "a = [" * 5_000, "", "= = =", "æ\ud7ff"])
def test_a_text_that_is_none_is_refused_in_words(desk: Desk, hostile: str) -> None:
    assert desk.sit(FINANCE).post("/fee-tables/draft/text", text=hostile).status_code == 422


def test_a_table_for_a_day_that_has_one_is_refused(desk: Desk) -> None:
    answer = desk.sit(FINANCE).post("/fee-tables/draft/text", text=TEXT.replace("2028-01-01", "2017-08-15"))

    assert (answer.status_code, "to tabeller for samme dag" in desks.words(answer)) == (422, True)


def test_a_new_price_is_told_with_what_it_means(connected: Desk) -> None:
    flat = desks.words(connected.sit(FINANCE).post("/fee-tables/draft/text", text=TEXT))
    by_band = desks.words(connected.post("/fee-tables/draft", **FIELDS))

    assert "indbyggertal fra 2026" in by_band  # those of 2027 are not known yet
    assert "2 myndigheder har en aftale i kraft 1. januar 2028" in flat
    assert "60.000,00 kr. om året efter den tabel" in flat  # two of 30.000, no contribution
    assert "62.000,00 kr. om året efter den nye" in flat
    assert "126.880,00 kr. om året efter den tabel" in by_band  # 52.000 + 9 %, and 52.000 + 35 %
    assert "129.320,00 kr. om året efter den nye" in by_band  # 53.000 + 9 %, and 53.000 + 35 %


# --- proposing and adopting


def test_one_proposes_and_another_adopts_exactly_that(desk: Desk, starter: CommandLine) -> None:
    address = proposed(desk)
    before = adopted(starter)
    shown = desk.sit(APPROVER).read(address)

    answer = desk.post(f"{address}/adopt")

    assert (before, adopted(starter)) == (["2017-08-15"], ["2028-01-01", "2017-08-15"])
    assert sha256(TEXT) in shown
    assert answer.status_code == 303
    assert "Vedtaget: OS2kitos 2028-01-01" in desk.read("/fee-tables")
    assert starter.run("verify").code == 0


def test_nobody_adopts_their_own_proposal(desk: Desk, starter: CommandLine) -> None:
    address = proposed(desk, APPROVER)

    shown, answer = desk.read(address), desk.post(f"{address}/adopt")

    assert "Vedtag præcis dette" not in shown
    assert (answer.status_code, "er dit eget" in desks.words(answer)) == (422, True)
    assert adopted(starter) == ["2017-08-15"]


def test_adopting_asks_for_a_fresh_sign_in(desk: Desk, starter: CommandLine) -> None:
    address = proposed(desk)

    answer = desk.sit(person(2, Role.APPROVER, signed_in=desks.LONG_AGO)).post(f"{address}/adopt")

    assert (answer.status_code, "fresh=1" in answer.text) == (403, True)
    assert adopted(starter) == ["2017-08-15"]


def test_adopting_twice_is_told_as_done(desk: Desk, starter: CommandLine) -> None:
    address = proposed(desk)
    desk.sit(APPROVER).post(f"{address}/adopt")

    answer = desk.post(f"{address}/adopt")

    assert answer.status_code == 409
    assert adopted(starter) == ["2028-01-01", "2017-08-15"]


def test_a_rejected_proposal_keeps_its_reason(desk: Desk, starter: CommandLine) -> None:
    address = proposed(desk)

    without = desk.sit(APPROVER).post(f"{address}/reject", reason=" ")
    desk.post(f"{address}/reject", reason="Forkert år")

    assert (without.status_code, "error-reason" in without.text) == (422, True)
    assert "Forkert år" in desk.sit(FINANCE).read(address)
    assert desk.sit(APPROVER).post(f"{address}/adopt").status_code == 409
    assert adopted(starter) == ["2017-08-15"]


def test_who_proposed_withdraws_and_nobody_else(desk: Desk, starter: CommandLine) -> None:
    address = proposed(desk)
    other = desk.sit(person(9, Role.FINANCE)).post(f"{address}/withdraw")

    own = desk.sit(FINANCE).post(f"{address}/withdraw")

    assert (other.status_code, own.status_code) == (422, 303)
    assert desk.sit(APPROVER).post(f"{address}/reject").status_code == 409
    with starter.session() as session:
        assert not proposals.open(session)


def test_a_wrong_text_is_not_proposed(desk: Desk, starter: CommandLine) -> None:
    answer = desk.sit(FINANCE).post("/fee-tables/proposals", text=TEXT.replace("31000", "3.1"))

    assert answer.status_code == 422
    with starter.session() as session:
        assert not proposals.open(session)


def test_drafts_are_for_those_who_prepare_decide_or_audit(desk: Desk) -> None:
    address = proposed(desk)
    signatory = person(5, Role.SIGNATORY, authorities=frozenset({1}))

    reading = {who: desk.sit(who).get(address).status_code for who in (APPROVER, AUDITOR, ADMINISTRATOR, signatory)}
    listed = {who: "venter på at blive vedtaget" in desk.sit(who).read("/fee-tables") for who in reading}

    assert list(reading.values()) == [200, 200, 200, 403]
    assert list(listed.values()) == [True, True, True, False]


@pytest.mark.parametrize("who", [AUDITOR, ADMINISTRATOR], ids=["auditor", "administrator"])
def test_who_only_reads_neither_drafts_nor_decides(desk: Desk, who: Principal) -> None:
    address = proposed(desk)
    desk.sit(who)

    codes = [
        desk.get("/fee-tables/draft").status_code,
        desk.post("/fee-tables/draft", **FIELDS).status_code,
        desk.get("/fee-tables/draft/text").status_code,
        desk.post("/fee-tables/draft/text", text=TEXT).status_code,
        desk.post("/fee-tables/proposals", text=TEXT).status_code,
        *(desk.post(f"{address}/{act}", reason="x").status_code for act in ("adopt", "reject", "withdraw")),
    ]

    assert codes == [403] * 8


def test_finance_does_not_adopt(desk: Desk, starter: CommandLine) -> None:
    address = proposed(desk, APPROVER)

    assert desk.sit(FINANCE).post(f"{address}/adopt").status_code == 403
    assert adopted(starter) == ["2017-08-15"]


DECIDED = {"valid_from": "2028-01-01", "decided_on": "2027-11-01", "decided_by": "generalforsamlingen"}
KEY = DECIDED | {"size_key": "OS2", "band_1": "small", "up_to_1": "20.000", "band_2": "large"}
DUES = DECIDED | {"association": "OS2", "dues": "26.000", "member": "9 %", "non_member": "18 %"}


@pytest.mark.parametrize(("place", "typed"), [("size-key", KEY), ("association", DUES)])
def test_what_belongs_to_all_products_is_drafted_field_by_field_and_checked(
    desk: Desk, place: str, typed: dict[str, str]
) -> None:
    begun = desk.sit(FINANCE).get(f"/fee-tables/draft/{place}").text
    checked = desk.post(f"/fee-tables/draft/{place}", **typed)
    wrong = desk.post(f"/fee-tables/draft/{place}", **typed | {"decided_by": ""})

    assert f'/fee-tables/draft/{place}"' in desk.get(f"/fee-tables/{place}").text
    assert 'id="field-valid_from"' in begun
    assert "Kontrolleret: ingen fejl" in checked.text
    assert (wrong.status_code, '<a href="#field-decided_by" class="words">Besluttet af' in wrong.text) == (422, True)
    assert 'id="error-decided_by"' in wrong.text


def test_a_size_key_gets_as_many_rows_as_it_needs_by_a_button_that_checks_nothing(desk: Desk) -> None:
    path = "/fee-tables/draft/size-key"
    begun = desk.sit(FINANCE).get(path).text
    more = desk.post(path, band_1="small", rows="4", add="row")
    full = desk.post(path, band_1="small", rows="19", add="row").text
    checked = desk.post(path, **KEY, rows="5", up_to_2="30.000", band_5="huge")

    assert ('id="field-band_4"' in begun, 'id="field-band_5"' in begun) == (True, False)
    assert (more.status_code, 'id="field-band_5"' in more.text, 'value="small"' in more.text) == (200, True, True)
    assert ('id="field-band_20"' in full, 'name="add"' in full) == (True, False)
    assert "Kontrolleret: ingen fejl" in checked.text


@pytest.mark.parametrize("rows", ["0", "-1", "99", "1e9", "9" * 30, "<b>"])
def test_no_number_of_rows_makes_a_form_of_more_than_there_may_be(desk: Desk, rows: str) -> None:
    drawn = desk.sit(FINANCE).post("/fee-tables/draft/size-key", rows=rows, band_2="x", add="row").text

    assert 'id="field-band_3"' in drawn
    assert 'id="field-band_21"' not in drawn
    assert "<b>" not in drawn


def test_products_are_a_list_that_sorts_filters_and_is_exported_as_shown(connected: Desk) -> None:
    connected.sit(FINANCE)

    some = connected.read("/fee-tables?q=KITOS")
    without = connected.read("/fee-tables?state=missing")
    up, down = (connected.read(f"/fee-tables?sort={sign}name") for sign in ("", "-"))
    exported = connected.get("/fee-tables.csv?q=kitos").text

    assert "OS2kitos" in some and "OS2valghalla" not in some
    assert "intet takstblad" in without and "OS2kitos" not in without
    assert up.index("OS2kitos") < up.index("OS2valghalla") and down.index("OS2kitos") > down.index("OS2valghalla")
    assert [line.partition(";")[0] for line in exported.splitlines()[1:]] == ["OS2kitos"]
    assert connected.get("/fee-tables?sort=account").status_code == 200
    assert connected.sit(access.ANONYMOUS).get("/fee-tables?sort=account").status_code == 404
