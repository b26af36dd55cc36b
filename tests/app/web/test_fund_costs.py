"""Costs in the browser: entering with a voucher, a file, many approved in one act, hours, recurring costs, moves."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from app.access import Role
from tests.app.web.desks import APPROVER, AUDITOR, FINANCE, Desk, opened, person
from tests.command_line import CommandLine

ENTRY = {
    "product": "OS2kitos", "account": "00005", "date": "2027-01-10", "supplier": "Opdigtet Hosting", "reference": "F-1",
    "text": "Drift", "amount": "12.500,50",
}  # fmt: skip
HEADINGS = "product;account;date;supplier;reference;text;amount_dkk"
ROW = "OS2mo;00008;2027-01-12;Opdigtet Udvikling;U-1;Udvikling;30000"


@pytest.fixture
def desk(starter: CommandLine) -> Iterator[Desk]:
    """A browser on the real registers, with nobody's costs."""
    with opened(starter) as made:
        yield made


def entered(desk: Desk, **other: object) -> str:
    """Enter a cost; give where its proposal stands."""
    answer = desk.sit(FINANCE).post("/costs/new", **(ENTRY | other))
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def approve(desk: Desk, place: str) -> None:
    """Let another approve."""
    answer = desk.sit(APPROVER).post(f"{place}/approve")
    assert answer.status_code == 303, answer.text


def test_a_cost_is_entered_with_its_voucher_approved_by_another_and_listed(desk: Desk) -> None:
    place = entered(desk, file=(io.BytesIO(b"%PDF-1.7 faktura"), "../faktura <b>.pdf"))
    own = desk.sit(FINANCE).html(place)
    approve(desk, place)
    listed = desk.sit(AUDITOR).html("/costs?product=OS2kitos&account=00005&period=2027-Q1&state=booked")
    one = desk.sit(AUDITOR).html("/costs/1")
    file = desk.get("/costs/1/voucher")

    assert "en anden skal afgøre det" in own
    assert "12.500,50" in listed and "Opdigtet Hosting" in listed
    assert "faktura &lt;b&gt;.pdf" in one and "Før tilbage" not in one
    assert file.headers["Content-Disposition"] == 'attachment; filename="bilag-1.pdf"'
    assert file.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"amount": "12500,5x"}, "er ikke et beløb"),
        ({"amount": "-5"}, "over nul"),
        ({"account": "00001"}, "ingen omkostningskonto"),
        ({"product": "OS2findesikke"}, "produktet findes ikke"),
        ({"date": "2027-02-01"}, "i fremtiden"),
        ({"first": "2027-01-01"}, "både første og sidste dag"),
        ({"supplier": "=cmd|'/c calc'!A1\x07"}, "tegn"),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_nothing_is_kept(
    desk: Desk, wrong: dict[str, object], told: str
) -> None:
    answer = desk.sit(FINANCE).post("/costs/new", **(ENTRY | wrong))

    assert answer.status_code == 422
    assert told in answer.text and 'role="alert"' in answer.text
    assert "Ingen omkostninger endnu" in desk.html("/costs")


def test_a_voucher_that_is_none_is_refused_whatever_it_is_called(desk: Desk) -> None:
    file = (io.BytesIO(b"MZ\x90 program"), "faktura.pdf")

    answer = desk.sit(FINANCE).post("/costs/new", **ENTRY, file=file)

    assert answer.status_code == 422 and "PDF, PNG eller JPEG" in answer.text
    assert "Ingen omkostninger endnu" in desk.html("/costs")


def test_a_file_is_taken_in_whole_or_not_at_all_and_the_same_again_changes_nothing(desk: Desk) -> None:
    def send(*rows: str) -> tuple[int, str]:
        content = io.BytesIO("\n".join((HEADINGS, *rows)).encode())
        answer = desk.sit(FINANCE).post("/costs/import", file=(content, "omkostninger.csv"))
        return answer.status_code, answer.text

    refused = send(ROW, ROW.replace("U-1", "U-2").replace("00008", "99999"), ROW.replace("30000", "alt"))
    taken = send(ROW, ROW.replace("OS2mo;00008", "OS2;00003").replace("U-1", "U-2"))
    again = send(ROW)
    other = send(ROW.replace("30000", "40000"))

    assert refused[0] == 422 and "række 3, kolonne account" in refused[1] and "række 4" in refused[1]
    assert taken[0] == again[0] == 303
    assert other[0] == 422 and "er indtastet før som omkostning 1" in other[1]
    assert desk.sit(AUDITOR).get("/costs.csv").text.count("Opdigtet Udvikling") == 2


def test_several_proposals_are_approved_in_one_act_all_or_none(desk: Desk) -> None:
    entered(desk)
    place = entered(desk, product="OS2mo", reference="F-2")
    page = desk.sit(APPROVER).html("/costs")
    chosen = [each.split('"')[0] for each in page.split('name="chosen" value="')[1:]]
    wrong = desk.post("/costs/approve", chosen=[chosen[0], chosen[1].replace(":", ":0")[:-1]])
    between = desk.html("/costs?state=proposed")
    right = desk.post("/costs/approve", chosen=chosen)
    none = desk.post("/costs/approve")

    assert wrong.status_code == 409 and between.count("Venter på godkendelse</td>") == 2
    assert right.status_code == 303 and none.status_code == 422
    assert "Godkendt" in desk.html(place)


def test_who_both_enters_and_approves_cannot_do_both_to_one_cost(desk: Desk) -> None:
    both = person(9, Role.FINANCE, Role.APPROVER)
    place = str(desk.sit(both).post("/costs/new", **ENTRY).headers["Location"])

    assert desk.post(f"{place}/approve").status_code == 422
    assert desk.post(f"{place}/withdraw").status_code == 303


def test_a_booked_cost_is_taken_back_with_a_reason(desk: Desk) -> None:
    approve(desk, entered(desk))
    without = desk.sit(FINANCE).post("/costs/1/reverse", reason=" ")
    place = str(desk.post("/costs/1/reverse", reason="Forkert produkt").headers["Location"])
    approve(desk, place)

    assert without.status_code == 422 and "hvorfor den føres tilbage" in without.text
    assert "Tilbageført" in desk.html("/costs/1")
    assert desk.sit(FINANCE).post("/costs/1/reverse", reason="Igen").status_code == 409


def test_a_cost_without_a_voucher_is_given_one_on_its_page_once(desk: Desk) -> None:
    approve(desk, entered(desk))
    before = desk.sit(FINANCE).html("/costs/1")
    reader = desk.sit(AUDITOR).html("/costs/1")
    answer = desk.sit(FINANCE).post("/costs/1/voucher", file=(io.BytesIO(b"%PDF-1.7 faktura"), "faktura <b>.pdf"))
    after, file = desk.html("/costs/1"), desk.get("/costs/1/voucher")
    again = desk.post("/costs/1/voucher", file=(io.BytesIO(b"%PDF-1.7 en anden"), "en anden.pdf"))

    assert "Vedhæft bilaget" in before and "Vedhæft bilaget" not in reader
    assert (answer.status_code, answer.headers["Location"]) == (303, "/costs/1")
    assert "faktura &lt;b&gt;.pdf" in after and "Vedhæft bilaget" not in after
    assert (file.data, file.headers["Content-Type"]) == (b"%PDF-1.7 faktura", "application/pdf")
    assert again.status_code == 409 and "har sit bilag" in again.text
    assert "Bilag vedhæftet omkostning" in desk.sit(AUDITOR).html("/audit")


def test_a_wrong_voucher_is_told_at_its_field_and_nothing_is_kept(desk: Desk) -> None:
    approve(desk, entered(desk))
    huge = b"%PDF-1.7" + b" " * (10 * 1024 * 1024)
    for content, told in ((b"MZ\x90 program", "PDF, PNG eller JPEG"), (b"<html>", "PDF, PNG eller JPEG"), (huge, "MB")):
        answer = desk.sit(FINANCE).post("/costs/1/voucher", file=(io.BytesIO(content), "faktura.pdf"))

        assert answer.status_code == 422 and told in answer.text and 'id="error-file"' in answer.text
    paper = b"%PDF-1.7 faktura"
    missing = desk.post("/costs/1/voucher")
    unknown = desk.post("/costs/987654/voucher", file=(io.BytesIO(paper), "faktura.pdf"))
    reader = desk.sit(AUDITOR).post("/costs/1/voucher", file=(io.BytesIO(paper), "faktura.pdf"))
    group = desk.sit(person(8, Role.COORDINATION)).post("/costs/1/voucher", file=(io.BytesIO(paper), "faktura.pdf"))

    assert missing.status_code == 422 and "Vælg bilaget" in missing.text
    assert (unknown.status_code, reader.status_code, group.status_code) == (404, 403, 403)
    assert desk.sit(AUDITOR).get("/costs/1/voucher").status_code == 404


def test_hours_wait_for_a_rate_and_are_whole_minutes(desk: Desk) -> None:
    worked = {"product": "OS2kitos", "date": "2027-01-12", "hours": "7,5", "text": "Styregruppemøde"}
    early = desk.sit(FINANCE).post("/hours", **worked)
    approve(desk, str(desk.post("/hours/rate", start="2027-01-01", amount="750").headers["Location"]))
    odd = desk.sit(FINANCE).post("/hours", **(worked | {"hours": "0,001"}))
    approve(desk, str(desk.post("/hours", **worked).headers["Location"]))

    assert "ingen timesats" in early.text and odd.status_code == 422
    assert "5.625,00" in desk.html("/hours") and "7 t 30 min" in desk.html("/hours")


def test_a_recurring_cost_and_its_years_terms_are_shown(desk: Desk) -> None:
    plan = {key: ENTRY[key] for key in ("product", "account", "supplier", "text")}
    plan |= {"amount": "1.000", "every": "3", "first": "2027-01-01", "last": "2027-12-31"}
    backwards = desk.sit(FINANCE).post("/costs/recurring", **(plan | {"last": "2026-12-31"}))
    approve(desk, str(desk.post("/costs/recurring", **plan).headers["Location"]))

    assert backwards.status_code == 422 and "efter den første" in backwards.text
    assert "× 4 = 4.000,00" in desk.html("/costs/recurring").replace("\u00a0", " ").replace(" kr.", "")
    assert "F1 2027-01-01" in desk.html("/costs")


def test_money_moves_between_funds_by_two_people(desk: Desk) -> None:
    move = {"kind": "transfer", "source": "OS2mo", "target": "OS2", "amount": "500", "date": "2027-01-02",
            "reason": "Bestyrelsen 2. januar"}  # fmt: skip
    same = desk.sit(FINANCE).post("/transfers", **(move | {"target": "OS2mo"}))
    lacking = desk.post("/transfers", **(move | {"source": ""}))
    approve(desk, str(desk.post("/transfers", **move).headers["Location"]))

    assert same.status_code == lacking.status_code == 422
    assert "Bestyrelsen 2. januar" in desk.html("/transfers")
