"""Pages of letters: how each went, sending again without seeing a word, and who is told by two people."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from agreements import correspondence
from app.access import Role
from foundation import letters
from foundation.audit import Trail
from foundation.language import Text
from foundation.letters import Letter, Sender, Tried
from tests.app.web.desks import APPROVER, AUDITOR, FINANCE, NOW, Desk, opened, person
from tests.command_line import CommandLine

SECRET = "kun for modtageren"


@pytest.fixture
def desk(starter: CommandLine) -> Iterator[Desk]:
    """An office with a letter that failed and one that waits."""
    with starter.session() as session:
        trail = Trail(session, "tjenesten", NOW)
        wanted = [
            Letter("offered", f"A-2027-0000{nth} v1/2", "en@example.org", f"Tilbud {nth}", SECRET) for nth in "12"
        ]
        failed, _ = letters.write(session, wanted, trail, sender=Sender("OS2", "os2@example.org"))
        letters.note(session, [Tried(failed, "failed", Text("afvist", "refused"), "550 <b>ukendt</b>")], trail)
        trail.write()
    with opened(starter) as made:
        made.line = starter  # type: ignore[attr-defined]
        yield made.sit(FINANCE)


def line_of(desk: Desk) -> CommandLine:
    """The command line of an office."""
    found: CommandLine = desk.line  # type: ignore[attr-defined]
    return found


def test_what_failed_stands_on_top_and_on_the_start_page_with_its_reason_on_its_own(desk: Desk) -> None:
    listed, start, one = desk.html("/letters"), desk.html("/"), desk.html("/letters/1")

    assert "Kunne ikke sendes" in listed and "en@example.org: Tilbud 1" in listed
    assert "Breve kunne ikke sendes" in start
    assert "afvist" in one and "550 &lt;b&gt;ukendt&lt;/b&gt;" in one


def test_pv_122_who_sends_a_letter_again_never_sees_what_it_says(desk: Desk) -> None:
    sent = desk.post("/letters/1/resend", to="anden@example.org", reason="ny adresse")
    seen = [desk.html(path) for path in ("/letters", "/letters/1", sent.headers["Location"])]

    assert (sent.status_code, sent.headers["Location"]) == (303, "/letters/3")
    assert not any(SECRET in page for page in seen)
    assert "Sendt igen som" in seen[1] and "ny adresse" in seen[2]
    assert "Kunne ikke sendes</h2>" not in seen[0]


@pytest.mark.parametrize("to", ["", "a@b.dk, c@d.dk", "a@b.dk\r\nBcc: c@d.dk", "x" * 300 + "@b.dk", "a@b"])
def test_an_address_that_is_no_single_one_is_told_at_its_field_and_nothing_is_written(desk: Desk, to: str) -> None:
    answer = desk.post("/letters/1/resend", to=to, reason="ny adresse")

    assert answer.status_code == 422
    assert 'id="error-to"' in answer.text
    with line_of(desk).session() as session:
        assert len(session.execute(select(letters.LETTERS.c.id)).all()) == 2


@pytest.mark.parametrize("number", ["99999", str(2**63), "9" * 30])
def test_a_letter_that_is_not_there_is_not_found(desk: Desk, number: str) -> None:
    assert desk.get(f"/letters/{number}").status_code == 404
    assert desk.post(f"/letters/{number}/resend", to="en@example.org", reason="x").status_code == 404


def test_an_auditor_reads_and_a_signatory_does_not_even_that(desk: Desk) -> None:
    audited = desk.sit(AUDITOR).html("/letters/1")
    refused = desk.post("/letters/1/resend", to="en@example.org", reason="x")

    assert "Send igen til" not in audited and refused.status_code == 403
    assert desk.sit(person(6, Role.SIGNATORY)).get("/letters/1").status_code == 403


def test_a_cell_of_the_file_never_becomes_a_formula(desk: Desk) -> None:
    with line_of(desk).session() as session:
        trail = Trail(session, "tjenesten", NOW)
        wanted = Letter("offered", "A-3", "en@example.org", "=1+1", "Se.")
        letters.write(session, [wanted], trail, sender=Sender("OS2", "os2@example.org"))
        trail.write()

    assert "'=1+1" in desk.html("/letters.csv")


def test_who_is_told_is_proposed_by_one_and_approved_by_another(desk: Desk) -> None:
    proposed = desk.post(
        "/settings/letters", told="en@example.org; anden@example.org", reminders="5, 10", valid_days="20"
    )
    page = desk.html(proposed.headers["Location"])
    own = desk.post(proposed.headers["Location"] + "/approve")
    done = desk.sit(APPROVER).post(proposed.headers["Location"] + "/approve")

    assert "en@example.org, anden@example.org" in page
    assert (own.status_code, done.status_code) == (403, 303)
    with line_of(desk).session() as session:
        now = correspondence.current(session)
    assert now == correspondence.Correspondence(("en@example.org", "anden@example.org"), (5, 10), 20)
    assert re.search(r'name="valid_days"[^>]*value="20"', desk.sit(FINANCE).html("/agreements/new"))


@pytest.mark.parametrize(
    ("field", "given"),
    [("told", "en@example.org\r\nBcc: x@y.dk"), ("told", "ikke en adresse"), ("told", "a@b.dk, A@B.dk"),
     ("reminders", "14, 7"), ("reminders", "x"), ("reminders", "7, 30"), ("valid_days", "0"), ("valid_days", "366")],
)  # fmt: skip
def test_wrong_settings_of_letters_come_back_at_their_field(desk: Desk, field: str, given: str) -> None:
    answer = desk.post("/settings/letters", **({"told": "", "reminders": "7", "valid_days": "30"} | {field: given}))

    assert answer.status_code == 422
    assert f'id="error-{field}"' in answer.text
