"""The pages of a year: what they show, what they refuse, whom they let do what, and what they cost."""

from __future__ import annotations

import csv
import io
import re
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from app.access import Role
from tests.app.web import desks
from tests.app.web.desks import Desk
from tests.command_line import CommandLine
from tests.conftest import Prepared
from tests.places import with_starter
from tests.scenarios import files, stories

FIRST, SECOND = files.starter()[:2]
FORMULA = "=HYPERLINK(1)"
DIGEST = re.compile(r'class="digest">([0-9a-f]{64})')


def finance(app: Flask) -> Desk:
    """Who prepares the year."""
    return desks.seated(app, 1, "En Forbereder", Role.FINANCE)


def approver(app: Flask) -> Desk:
    """Who approves what others prepared."""
    return desks.seated(app, 2, "En Godkender", Role.APPROVER)


def auditor(app: Flask) -> Desk:
    """Who reads everything and changes nothing."""
    return desks.seated(app, 3, "En Revisor", Role.AUDITOR)


def digest(page: str) -> str:
    """The digest a plan page shows."""
    found = DIGEST.search(page)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """2027 issued with its documents, 2028 to plan, and an authority whose name would be a formula; read only."""
    folder = tmp_path_factory.mktemp("year")
    line = CommandLine(f"sqlite:///{folder / 'os2tilslut.sqlite'}", folder)
    line.done("db", "upgrade")
    line.done("starter", "load")
    stories.everything(line)
    line.issue(2027)
    (number,) = files.cvrs(1)
    files.take_authorities(line, files.authority(number, name=FORMULA, short_name="Formel"))
    files.take_placements(line, files.placement(number))
    files.take_agreements(line, files.agreement(number))
    return line


@pytest.fixture(scope="module")
def app(issued: CommandLine) -> Iterator[Flask]:
    """The application on it."""
    with desks.service(issued) as made:
        yield made


# --- reading


def test_the_years_are_listed_with_what_was_invoiced(app: Flask) -> None:
    page = auditor(app).html("/year")

    assert 'href="/year/2027"' in page
    assert 'href="/year/2028"' in page
    assert "Udstedt" in page


def test_the_plan_shows_its_invoices_sums_problems_steps_and_digest(app: Flask, issued: CommandLine) -> None:
    told = issued.json("billing", "plan", 2028)

    page = finance(app).html("/year/2028")

    assert digest(page) == told["digest"]
    assert page.count("Hvorfor dette beløb") == len(told["invoices"])
    assert f"Problemer ({len(told['problems'])})" in page
    assert FIRST.name in page
    assert "Overdrag planen til godkendelse" in page


def test_a_problem_leads_to_where_it_is_mended(app: Flask) -> None:
    page = finance(app).html("/year/2028")

    assert "Indbyggertal mangler" in page
    assert '<a href="/imports#population">Indlæs registret' in page
    assert re.search(r'<a href="/authorities/[0-9]{8}">Myndighedens side', auditor(app).html("/year/2028"))


def test_problems_are_a_list_that_sorts_filters_and_is_exported_as_shown(app: Flask) -> None:
    whole = finance(app).html("/year/2028/problems")
    asked = "?code=no_inhabitants&sort=-name&q=" + FIRST.cvr

    some = finance(app).html("/year/2028/problems" + asked)
    rows = list(csv.reader(io.StringIO(finance(app).get("/year/2028/problems.csv" + asked).text), delimiter=";"))

    assert SECOND.name in whole
    assert FIRST.name in some
    assert SECOND.name not in some.partition("<table")[2]
    assert {row[1] for row in rows[1:]} == {FIRST.cvr}
    assert finance(app).get("/year/2028/problems?sort=mend").status_code == 404


def test_every_line_is_explained_by_the_sentences_of_explain_in_the_language_of_the_page(app: Flask) -> None:
    in_english = auditor(app)
    in_english.who = replace(in_english.who, language="en")

    danish = auditor(app).html(f"/year/2028/plan/{FIRST.cvr}")
    english = in_english.html(f"/year/2028/plan/{FIRST.cvr}")

    assert "gælder tabellen for" in danish
    assert "the table of" in english


def test_a_part_of_the_list_is_given_to_htmx_alone(app: Flask) -> None:
    response = auditor(app).get(f"/year/2028/plan/{FIRST.cvr}", **{"HX-Request": "true"})

    assert "<html" not in response.text
    assert "gælder tabellen for" in response.text


def test_the_list_is_sorted_and_filtered_by_its_address(app: Flask) -> None:
    reader = auditor(app)

    by_amount = reader.html("/year/2028?sort=-net")
    one = reader.html(f"/year/2028?q={FIRST.cvr}")

    amounts = [int(found.replace(".", "")) for found in re.findall(r'data-title="Uden moms">([0-9.]+),', by_amount)]
    assert amounts == sorted(amounts, reverse=True) != []
    assert one.count("Hvorfor dette beløb") == 1
    assert "Nulstil" in one


def test_an_amount_that_cannot_be_read_is_told_and_asks_for_nothing(app: Flask) -> None:
    page = auditor(app).html("/year/2028?least=12.5")

    assert "12.5« er ikke et beløb" in page
    assert "Hvorfor dette beløb" in page


def test_the_comparison_names_its_causes_and_they_add_up(app: Flask) -> None:
    reader = auditor(app)

    page = reader.html("/year/2028/comparison")
    rows = list(
        csv.DictReader(io.StringIO(reader.get("/year/2028/comparison.csv").text.lstrip("\ufeff")), delimiter=";")
    )

    assert "Holdt tilbage af et problem" in page
    assert "Andet" not in {row["Årsag"] for row in rows}
    assert_that_they_add_up(rows)


def assert_that_they_add_up(rows: list[dict[str, str]]) -> None:
    """Every authority's parts come to its difference."""
    for cvr in {row["CVR"] for row in rows}:
        own = [row for row in rows if row["CVR"] == cvr]
        parts = sum(ore(row["Heraf"]) for row in own if row["Heraf"])
        assert parts == ore(own[0]["Forskel"]) == ore(own[0]["I år"]) - ore(own[0]["Sidste år"])


def table(browser: Desk, path: str) -> list[dict[str, str]]:
    """Read an exported CSV file."""
    words = browser.html(path)
    assert words.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(words[1:]), delimiter=";"))


def ore(words: str) -> int:
    """Read an amount of an exported file."""
    return int(words.replace(",", ""))


def test_a_year_with_nothing_before_it_says_so(app: Flask) -> None:
    assert "Ingen har betalt" in auditor(app).html("/year/2021/comparison")


def test_a_rehearsal_has_pages_of_its_own_and_keeps_its_book_in_every_link(app: Flask) -> None:
    page = finance(app).html("/year/2028?book=rehearsal")

    assert "Prøvekørsel: egne numre" in page
    assert "/year/2028/plan.csv?book=rehearsal" in page
    assert "Overdrag planen" not in page
    assert "Udsted prøvekørslen" in page


# --- what is not there, and what is not allowed


@pytest.mark.parametrize(
    "path",
    [
        "/year/0", "/year/1999", "/year/2200", "/year/99999999999999999999", "/year/-1", "/year/2027x",
        "/year/2028?sort=gross%3B%20DROP%20TABLE%20invoice", "/year/2028?sort=--net", "/year/2028?page=0",
        "/year/2028?page=99999999999999999999", "/year/2028?page=2e1", "/year/2028?page=٣", "/year/2028?book=other",
        "/year/2028/plan/00000000", "/year/2028/plan.pdf", "/year/2028/comparison?sort=causes",
        "/year/2028/comparison?page=77", "/year/2028/comparison.xls", "/year/2027/documents.zip?format=../../etc",
        "/year/2026/documents.zip",
    ],
)  # fmt: skip
def test_what_is_not_there_is_not_found_whatever_is_written_in_the_address(app: Flask, path: str) -> None:
    assert auditor(app).get(path).status_code == 404


@pytest.mark.parametrize(
    "asked", ["q=%27%22%3Cscript%3E", "product=nothing&kind=nothing", "band=%F0%9F%98%80", "q=%FF"]
)
def test_hostile_filters_find_what_they_find_and_are_written_as_text(app: Flask, asked: str) -> None:
    page = auditor(app).html(f"/year/2028?{asked}")

    assert "<script>" not in page.replace('<script src="', "")


@pytest.mark.parametrize("asked", ["q=%00", "q=%00%27%22%3Cscript%3E"])
def test_a_sign_that_no_text_has_is_refused(app: Flask, asked: str) -> None:
    assert auditor(app).get(f"/year/2028?{asked}").status_code == 400


@pytest.mark.parametrize("role", [Role.SIGNATORY, Role.COORDINATION, Role.ADMINISTRATOR])
@pytest.mark.parametrize("path", ["/year", "/year/2028", "/year/2028/comparison", "/year/2028/plan.csv"])
def test_who_has_no_part_in_the_year_sees_nothing_of_it(app: Flask, role: Role, path: str) -> None:
    browser = desks.seated(app, 9, "En Anden", role, authorities=frozenset({1}), products=frozenset({"OS2kitos"}))

    assert browser.get(path).status_code == 403


@pytest.mark.parametrize("act", ["hand-over", "approve", "issue", "withdraw", "send-back"])
def test_an_auditor_reads_and_cannot_act(app: Flask, act: str) -> None:
    browser = auditor(app)

    page = browser.html("/year/2028")

    assert f'action="/year/2028/{act}"' not in page
    assert browser.post(f"/year/2028/{act}", digest="0" * 64).status_code == 403


def test_a_form_without_our_token_does_nothing(app: Flask) -> None:
    browser = finance(app)
    browser.html("/year/2028")

    assert browser.client.post("/year/2028/hand-over", data={"digest": "0" * 64}).status_code == 400


def test_a_day_that_is_none_is_told_at_its_field(app: Flask) -> None:
    response = finance(app).post("/year/2028/issue", dated="15/1-2028")

    assert response.status_code == 422
    assert "Skriv fakturadatoen" in response.text
    assert "#field-dated" in response.text


# --- files


def test_the_plan_as_csv_has_a_row_for_each_line_and_no_formula(app: Flask, issued: CommandLine) -> None:
    told = issued.json("billing", "plan", 2028)

    rows = table(auditor(app), "/year/2028/plan.csv")

    assert len(rows) == told["totals"]["lines"]
    assert sum(ore(row["Uden moms"]) for row in rows) == told["totals"]["net_ore"]
    assert f"'{FORMULA}" in {row["Myndighed"] for row in rows}


def test_the_plan_as_xlsx_holds_texts_and_no_formula(app: Flask) -> None:
    content = auditor(app).get("/year/2028/plan.xlsx").data

    with zipfile.ZipFile(io.BytesIO(content)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert FORMULA in sheet
    assert "<f>" not in sheet


def test_what_is_exported_is_what_is_shown(app: Flask) -> None:
    rows = table(auditor(app), f"/year/2028/plan.csv?q={FIRST.cvr}&product=Delt")

    assert {row["CVR"] for row in rows} == {FIRST.cvr}


def test_an_export_is_in_the_audit_trail_with_what_was_asked(app: Flask, issued: CommandLine) -> None:
    auditor(app).get("/year/2028/problems.csv?book=real")

    with issued.session() as session:
        found = session.execute(
            text("SELECT actor, subject, data FROM audit_entry ORDER BY position DESC LIMIT 1")
        ).one()
    assert (found.actor, found.subject) == ("En Revisor #3", "problems-2028.csv")
    assert '"book":"real"' in found.data


def test_the_archive_holds_every_kept_document_in_the_order_of_names(app: Flask, issued: CommandLine) -> None:
    content = auditor(app).get("/year/2027/documents.zip").data

    with issued.session() as session:
        kept = session.execute(text("SELECT number, content FROM rendering JOIN invoice ON invoice.id = invoice_id "
                                    "WHERE format = 'pdf'")).all()  # fmt: skip
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names == sorted(names)
        assert len(names) == 2 * len(kept)
        assert all(archive.read(f"{row.number}.pdf") == bytes(row.content) for row in kept)


def test_the_archive_is_the_same_as_what_the_command_exports(app: Flask, issued: CommandLine, tmp_path: Path) -> None:
    issued.done("billing", "export", 2027, tmp_path, "--format", "peppol", "--english")

    content = auditor(app).get("/year/2027/documents.zip?format=peppol&english=yes").data

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            file.name: file.read_bytes() for file in tmp_path.iterdir()
        }


def test_a_municipality_gets_its_own_documents_and_a_group_none(app: Flask, issued: CommandLine) -> None:
    with issued.session() as session:
        own = session.execute(text("SELECT id FROM authority WHERE cvr = :cvr"), {"cvr": FIRST.cvr}).scalar_one()
        found = text("SELECT number FROM invoice WHERE authority_id = :id")
        numbers = set(session.execute(found, {"id": own}).scalars())
    mayor = desks.seated(app, 5, "En Underskriver", Role.SIGNATORY, authorities=frozenset({own}))
    group = desks.seated(app, 6, "En Koordinator", Role.COORDINATION, products=frozenset({"Bånd"}))

    content = mayor.get("/year/2027/documents.zip").data

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {name.rpartition(".")[0] for name in archive.namelist()} == numbers
    assert group.get("/year/2027/documents.zip").status_code == 404


# --- what it costs


def test_a_page_costs_the_same_number_of_queries_however_long_its_plan_is(app: Flask) -> None:
    reader, counts = auditor(app), []
    for path in ("/year/2028", "/year/2028?q=nobody", "/year/2021"):
        reader.html(path)  # the plan is made, and kept
        with reader.counted() as heard:
            reader.html(path)
        counts.append(len(heard))

    assert counts[0] <= 10
    assert set(counts) == {counts[0]}


@pytest.mark.parametrize("path", ["/year", "/year/2028/comparison", "/year/2027/progress"])
def test_the_other_pages_cost_a_handful_of_queries(app: Flask, path: str) -> None:
    reader = auditor(app)
    reader.html(path)

    with reader.counted() as heard:
        reader.html(path)

    assert 0 < len(heard) <= 8


# --- acting, from plan to documents


def test_a_year_goes_from_hand_over_to_documents_by_two_people(starter: CommandLine) -> None:
    stories.everything(starter)
    with desks.service(starter) as made:
        prepares, approves = finance(made), approver(made)
        plan = digest(prepares.html("/year/2027"))

        assert prepares.post("/year/2027/hand-over", digest=plan).status_code == 303
        assert "en anden godkender den" in prepares.html("/year/2027")
        assert "Godkend " in approves.html("/year/2027")
        assert approves.post("/year/2027/approve", digest=plan).status_code == 303
        assert "kan udstedes" in approves.html("/year/2027")
        assert prepares.post("/year/2027/issue", dated="2027-01-20").headers["Location"] == "/year/2027/progress"
        page = wait_until_done(prepares, "/year/2027/progress")
        listed = prepares.html("/year")
        parts = table(prepares, "/year/2028/comparison.csv")
        archive = prepares.get("/year/2027/documents.zip").data

    assert "Færdig" in page
    assert "Udstedt" in listed
    assert {"Tilslutningsafgift (én gang)", "Holdt tilbage af et problem"} <= {row["Årsag"] for row in parts}
    assert_that_they_add_up(parts)
    with zipfile.ZipFile(io.BytesIO(archive)) as found:
        assert found.testzip() is None
    issued = {"En Forbereder #1"}
    with starter.session() as session:
        assert set(session.execute(text("SELECT issued_by FROM invoice")).scalars()) == issued
        assert set(session.execute(text("SELECT approved_by FROM plan_approval")).scalars()) == {"En Godkender #2"}
    starter.done("verify")


def wait_until_done(browser: Desk, path: str) -> str:
    """Ask again until the work is over."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        page = browser.html(path)
        if "hx-trigger" not in page:
            return page
        time.sleep(0.2)
    raise AssertionError("still running after a minute")


def _planned(line: CommandLine) -> None:
    files.take_agreements(line, files.agreement(FIRST.cvr), files.agreement(SECOND.cvr))


@pytest.fixture
def planned(prepared: Prepared) -> CommandLine:
    """A year of two agreements."""
    return prepared(with_starter, _planned)


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_nobody_approves_what_they_handed_over_and_the_page_says_why(planned: CommandLine) -> None:
    with desks.service(planned) as made:
        both = approver(made)
        plan = digest(both.html("/year/2027"))
        both.post("/year/2027/hand-over", digest=plan)

        page, refused = both.html("/year/2027"), both.post("/year/2027/approve", digest=plan)

    assert "en anden godkender den" in page
    assert 'action="/year/2027/approve"' not in page
    assert refused.status_code == 422


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_approving_asks_for_a_fresh_sign_in_and_comes_back(planned: CommandLine) -> None:
    with desks.service(planned) as made:
        plan = digest(finance(made).html("/year/2027"))
        finance(made).post("/year/2027/hand-over", digest=plan)
        stale = approver(made)
        assert stale.who.signed_in_at is not None
        stale.who = replace(stale.who, signed_in_at=stale.who.signed_in_at - timedelta(minutes=6))

        response = stale.post("/year/2027/approve", digest=plan)

    assert response.status_code == 403
    assert "/sign-in?next=%2Fyear%2F2027&amp;fresh=1" in response.text


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_a_plan_that_changed_meanwhile_is_handed_over_anew(planned: CommandLine) -> None:
    with desks.service(planned) as made:
        plan = digest(finance(made).html("/year/2027"))
        finance(made).post("/year/2027/hand-over", digest=plan)
        files.take_agreements(planned, files.agreement(SECOND.cvr, "OS2kitos"))

        page = approver(made).html("/year/2027")
        refused = approver(made).post("/year/2027/approve", digest=plan)
        other = approver(made).post("/year/2027/approve", digest=digest(page))

    assert "Planen er ændret, siden En Forbereder" in page
    assert 'action="/year/2027/approve"' not in page
    assert (refused.status_code, other.status_code) == (409, 409)


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_a_plan_is_sent_back_with_a_reason_or_withdrawn_by_who_handed_it_over(planned: CommandLine) -> None:
    with desks.service(planned) as made:
        prepares, approves = finance(made), approver(made)
        plan = digest(prepares.html("/year/2027"))
        prepares.post("/year/2027/hand-over", digest=plan)

        without = approves.post("/year/2027/send-back")
        assert (without.status_code, "error-reason" in without.text) == (422, True)
        assert 'class="send-back" open' in without.text
        assert approves.post("/year/2027/send-back", reason="Aalborg er forkert").status_code == 303
        assert approves.post("/year/2027/send-back").status_code == 404
        assert "Overdrag planen" in prepares.html("/year/2027")
        prepares.post("/year/2027/hand-over", digest=plan)
        assert prepares.post("/year/2027/withdraw").status_code == 303
        assert prepares.post("/year/2027/withdraw").status_code == 404


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_nothing_is_issued_that_nobody_approved(planned: CommandLine) -> None:
    with desks.service(planned) as made:
        page = finance(made).html("/year/2027/progress")
        response = finance(made).post("/year/2027/issue", dated="2027-01-20")

    assert "Intet er godkendt endnu" in page
    assert response.status_code == 409


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_half_an_archive_is_never_given(planned: CommandLine) -> None:
    planned.issue(2027)
    with planned.session() as session:
        session.execute(text("DROP TRIGGER rendering_no_delete"))
        session.execute(text("DELETE FROM rendering WHERE id = 1"))

    with desks.service(planned) as made:
        response = auditor(made).get("/year/2027/documents.zip")

    assert response.status_code == 409
    assert "1 dokumenter for 2027 er ikke dannet endnu" in response.text
