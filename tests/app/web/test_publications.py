"""What becomes of a report in the browser: proposed, published, talked about, made public and withdrawn."""

from __future__ import annotations

import json
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.access import ANONYMOUS, Role
from foundation.audit import sha256
from tests.app.web.desks import APPROVER, AUDITOR, FINANCE, GROUP, Desk, person
from tests.command_line import CommandLine

FUND = "/funds/OS2valghalla/2026-Q4"
PUBLIC = "/public/reports/OS2valghalla/2026-Q4"
V1 = f"{FUND}/versions/1"
STRANGERS = person(6, Role.COORDINATION, products=frozenset({"OS2kitos"}))


def done(answer: TestResponse) -> str:
    """Give where an act leads."""
    assert answer.status_code == 303, answer.text
    return answer.location


def publish(desk: Desk, fund: str = FUND) -> str:
    """Publish a report by two people; give the address of the version."""
    proposal = done(desk.sit(FINANCE).post(f"{fund}/publish"))
    return done(desk.sit(APPROVER).post(f"{proposal}/approve"))


def disclose(desk: Desk, **chosen: Any) -> None:
    """Make something of the report public by two people."""
    proposal = done(desk.sit(GROUP).post(f"{FUND}/openness", **chosen))
    assert done(desk.sit(APPROVER).post(f"{proposal}/approve")) == PUBLIC


# --- publishing


def test_a_report_is_published_by_two_people_and_read_byte_for_byte(desk: Desk) -> None:
    assert publish(desk) == V1

    page = desk.sit(GROUP).read(V1)
    files = {form: desk.get(f"{V1}/report.{form}") for form in ("json", "pdf", "xlsx")}
    again = {form: desk.get(f"{V1}/report.{form}") for form in files}

    assert "version 1" in page
    assert sha256(files["json"].data) in page
    assert files["pdf"].data.startswith(b"%PDF-1.7")
    assert files["xlsx"].data.startswith(b"PK")
    assert [each.data for each in files.values()] == [each.data for each in again.values()]
    assert 'filename="OS2valghalla-2026-Q4-v1-da.pdf"' in files["pdf"].headers["Content-Disposition"]


def test_nobody_publishes_what_they_proposed_and_finance_publishes_nothing(desk: Desk) -> None:
    proposal = done(desk.sit(APPROVER).post(f"{FUND}/publish"))

    assert desk.post(f"{proposal}/approve").status_code == 422
    assert desk.sit(FINANCE).post(f"{proposal}/approve").status_code == 403
    assert desk.sit(GROUP).get(V1).status_code == 404


def test_what_is_published_is_not_published_again_while_the_books_stand(desk: Desk) -> None:
    publish(desk)

    answer = desk.sit(FINANCE).post(f"{FUND}/publish")

    assert answer.status_code == 422
    assert "version 1" in answer.text


def test_a_period_that_is_not_over_is_not_published(desk: Desk) -> None:
    answer = desk.sit(FINANCE).post("/funds/OS2valghalla/2027-Q1/publish")

    assert answer.status_code == 422
    assert "er ikke forbi endnu" in answer.text


def test_a_proposal_is_rejected_with_a_reason_and_withdrawn_by_its_own(desk: Desk) -> None:
    proposal = done(desk.sit(FINANCE).post(f"{FUND}/publish"))

    assert desk.sit(APPROVER).post(f"{proposal}/reject").status_code == 422
    assert done(desk.post(f"{proposal}/reject", reason="Bilag mangler")) == proposal
    assert "Bilag mangler" in desk.read(proposal)
    second = done(desk.sit(FINANCE).post(f"{FUND}/publish"))
    assert done(desk.post(f"{second}/withdraw")) == second


# --- whose it is


@pytest.mark.parametrize("path", ["", "/report.json", "/report.pdf", "/report.xlsx"])
def test_a_report_is_for_its_own_group_and_the_secretariat(desk: Desk, path: str) -> None:
    publish(desk)

    asked = {who.user_id: desk.sit(who).get(V1 + path).status_code for who in (GROUP, AUDITOR, STRANGERS)}

    assert list(asked.values()) == [200, 200, 404]


def test_the_association_s_own_report_is_for_no_group(desk: Desk) -> None:
    association = publish(desk, "/funds/OS2/2026-Q4")

    assert desk.sit(AUDITOR).get(association).status_code == 200
    assert desk.sit(GROUP).get(association).status_code == 404


@pytest.mark.parametrize("fund", ["/funds/OS2ukendt/2026-Q4", "/funds/OS2valghalla/2026-Q9", "/funds/%27--/2026-13"])
def test_an_address_of_no_fund_or_period_is_not_found(desk: Desk, fund: str) -> None:
    desk.sit(FINANCE)

    assert desk.get(f"{fund}/versions/1").status_code == 404
    assert desk.get(f"{fund}/comments").status_code == 404
    assert desk.get(f"{fund}/openness").status_code == 404
    assert desk.post(f"{fund}/publish").status_code == 404


# --- comments and decisions


def test_a_group_asks_the_secretariat_answers_and_a_decision_stands_beside(desk: Desk) -> None:
    publish(desk)

    asked = done(desk.sit(GROUP).post(f"{FUND}/comments", text="Hvorfor er driften dyrere?\nOg hvor længe?"))
    number = asked.rpartition("-")[2]
    done(desk.sit(FINANCE).post(f"{FUND}/comments/{number}/answer", text="Flere brugere end ventet."))
    said = {"text": "Rapporten godkendes.", "decided_on": "2027-01-12", "reference": "Styregruppemøde, punkt 4"}
    done(desk.post(f"{FUND}/decisions", **said))

    page = desk.sit(GROUP).read(f"{FUND}/comments")
    for words in ("Og hvor længe?", "Flere brugere end ventet.", "Rapporten godkendes.", "12. januar 2027", "punkt 4"):
        assert words in page
    assert "om version 1" in page
    assert "venter på svar" not in page


def test_the_same_sent_twice_is_said_once(desk: Desk) -> None:
    first = done(desk.sit(GROUP).post(f"{FUND}/comments", text="Hvorfor?"))

    assert done(desk.post(f"{FUND}/comments", text="Hvorfor?")) == first
    assert desk.read(f"{FUND}/comments").count("Hvorfor?") == 1


def test_who_may_not_speak_is_refused_and_another_group_sees_nothing(desk: Desk) -> None:
    done(desk.sit(GROUP).post(f"{FUND}/comments", text="Hvorfor?"))

    assert desk.sit(AUDITOR).post(f"{FUND}/comments", text="x").status_code == 403
    assert desk.sit(GROUP).post(f"{FUND}/comments/1/answer", text="x").status_code == 403
    assert desk.sit(STRANGERS).post(f"{FUND}/comments", text="x").status_code == 404
    assert desk.get(f"{FUND}/comments").status_code == 404
    assert desk.sit(FINANCE).post("/funds/OS2kitos/2026-Q4/comments/1/answer", text="x").status_code == 404


@pytest.mark.parametrize("text", ["", "   ", "x" * 2_001, "\x07", "\u202eskjult"])
def test_what_cannot_be_kept_is_told_at_the_field(desk: Desk, text: str) -> None:
    answer = desk.sit(GROUP).post(f"{FUND}/comments", text=text)

    assert answer.status_code == 422
    assert 'href="#question-text"' in answer.text


@pytest.mark.parametrize("day", ["2027-02-30", "2027-01-16", "i går", ""])
def test_a_decision_of_no_day_or_one_to_come_is_refused(desk: Desk, day: str) -> None:
    answer = desk.sit(FINANCE).post(f"{FUND}/decisions", text="Vedtaget", decided_on=day, reference="Punkt 1")

    assert answer.status_code == 422
    assert 'id="error-decided_on"' in answer.text


def test_what_is_asked_is_shown_as_words(desk: Desk) -> None:
    done(desk.sit(GROUP).post(f"{FUND}/comments", text="<script>alert(1)</script> {{ 7*7 }}"))

    assert "&lt;script&gt;alert(1)&lt;/script&gt; {{ 7*7 }}" in desk.html(f"{FUND}/comments")


# --- openness


def test_everybody_sees_what_the_group_chose_and_nothing_else(desk: Desk) -> None:
    publish(desk)
    disclose(desk, figures=["closing"], columns=["amount"])

    page = desk.sit(ANONYMOUS).read(PUBLIC)
    file = desk.get(f"{PUBLIC}.csv").data.decode("utf-8-sig")

    assert "Ultimo" in page
    for hidden in ("Primo", "Resultat", "Udestående", "Tilsluttede", "Aarhus"):
        assert hidden not in page
    assert file.splitlines()[0] == "Art;Post;Beløb"
    assert PUBLIC in desk.html("/public/reports")


def test_nothing_is_public_before_it_is_decided_and_where_no_file_is_chosen_there_is_none(desk: Desk) -> None:
    publish(desk)
    done(desk.sit(GROUP).post(f"{FUND}/openness", figures=["closing"]))

    assert desk.sit(ANONYMOUS).get(PUBLIC).status_code == 404
    disclose(desk, figures=["closing"])
    assert desk.sit(ANONYMOUS).get(PUBLIC).status_code == 200
    assert desk.get(f"{PUBLIC}.csv").status_code == 404


def test_a_withdrawn_report_says_so_at_its_address_and_may_come_again(desk: Desk) -> None:
    publish(desk)
    disclose(desk, figures=["closing"], columns=["amount"])

    assert desk.sit(FINANCE).post(f"{FUND}/openness/end", reason="Fejl").status_code == 403
    done(desk.sit(APPROVER).post(f"{FUND}/openness/end", reason="Fejl i tallene"))

    for path in (PUBLIC, f"{PUBLIC}.csv"):
        answer = desk.sit(ANONYMOUS).get(path)
        assert answer.status_code == 410
        assert "trukket tilbage" in answer.text
    assert PUBLIC not in desk.html("/public/reports")
    disclose(desk, figures=["opening"])
    assert "Primo" in desk.sit(ANONYMOUS).read(PUBLIC)


@pytest.mark.parametrize("chosen", [{}, {"figures": ["payers"]}, {"columns": ["cvr"]}, {"authorities": ["name"]}])
def test_what_is_not_on_the_list_cannot_be_made_public(desk: Desk, chosen: dict[str, Any]) -> None:
    publish(desk)

    assert desk.sit(GROUP).post(f"{FUND}/openness", **chosen).status_code == 422


def test_a_draft_cannot_be_made_public(desk: Desk) -> None:
    assert desk.sit(GROUP).post(f"{FUND}/openness", figures=["closing"]).status_code == 422


# --- what a group gets


#: All that a report holds for a coordination group, by path; a field that comes must be judged here.
ALLOWED = {
    "product", "period.start", "period.end", "opening", "passed_on", "transfers", "closing", "receivables", "budget",
    "ledger_head", "remark",
    *(f"income.{name}" for name in ("account", "name.da", "name.en", "invoiced", "paid", "budget", "remark")),
    *(f"payers.{name}" for name in ("cvr", "name", "band", "is_member", "invoiced", "paid", "outstanding")),
    *(f"bands.{name}" for name in ("band", "authorities", "invoiced", "paid")),
    *(f"{who}.{name}" for who in ("members", "others") for name in ("authorities", "invoiced", "paid")),
    *(f"costs.{name}" for name in ("account", "name.da", "name.en", "spent", "budget", "remark")),
    "connected.on", "connected.authorities",
    *(f"{which}.{name}" for which in ("joined", "left", "under_notice") for name in ("cvr", "name", "on", "ends_on")),
}  # fmt: skip


def paths(value: Any, path: str = "") -> set[str]:
    """Give the path of every value."""
    if isinstance(value, dict):
        return {found for name, each in value.items() for found in paths(each, f"{path}.{name}".strip("."))}
    if isinstance(value, list):
        return {found for each in value for found in paths(each, path)}
    return {path}


def test_a_group_s_file_holds_the_allowed_fields_and_no_others(desk: Desk) -> None:
    publish(desk)

    found = json.loads(desk.sit(GROUP).get(f"{V1}/report.json").data)

    assert paths({name: value for name, value in found.items() if value != []}) <= ALLOWED


def test_a_group_s_pages_name_no_person_of_an_authority(issued: CommandLine, desk: Desk) -> None:
    publish(desk)
    with issued.session() as session:
        contacts = session.connection().exec_driver_sql("SELECT person_reference FROM agreement").scalars().all()

    page = desk.sit(GROUP).html(V1) + desk.html(f"{FUND}/comments")

    assert not [contact for contact in contacts if contact and contact in page]
