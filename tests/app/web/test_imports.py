"""Files of registers brought in from the browser: the same intake as the command line's, whole or not at all."""

from __future__ import annotations

import io
from typing import Any

import pytest
from sqlalchemy import select

from app.access import Principal
from app.register_files import REGISTERS
from foundation.audit import ENTRIES
from tests.app.web import desks
from tests.app.web.desks import ADMINISTRATOR, APPROVER, AUDITOR, FINANCE, Desk
from tests.command_line import CommandLine
from tests.scenarios import files

#: What lies below is tried on both databases where it lives; the pages are the same on either.
pytestmark = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)

MEMBERS = "cvr,joined_on,left_on\n55133018,2012-01-01,\n"


@pytest.fixture
def desk(starter: CommandLine) -> Desk:
    """A browser with the secretariat in front of it."""
    return desks.desk(starter).sit(FINANCE)


def send(desk: Desk, register: str, content: bytes | str, name: str = "fil.csv", **form: str) -> Any:
    """Send a file as the form does."""
    held = io.BytesIO(content.encode() if isinstance(content, str) else content)
    return desk.post(f"/imports/{register}", file=(held, name), **form)


def test_every_register_is_offered_with_its_columns(desk: Desk) -> None:
    told = desk.read("/imports")

    for register in REGISTERS.values():
        assert register.title.da in told
        assert all(column in told for column in register.layout.required)


def test_a_file_is_taken_in_and_stands_in_the_trail_by_name(desk: Desk, starter: CommandLine) -> None:
    answer = send(desk, "members", MEMBERS, "medlemmer.csv")

    with starter.session() as session:
        last = session.execute(select(ENTRIES).order_by(ENTRIES.c.position.desc())).first()
    assert answer.status_code == 303
    assert "medlemmer.csv: 1 nye, 0 ændret, 0 uændret" in desk.read("/imports")
    assert last is not None and (last.actor, last.action) == (FINANCE.actor, "members.imported")
    assert starter.run("verify").code == 0


def test_the_same_file_again_changes_nothing(desk: Desk) -> None:
    send(desk, "members", MEMBERS)

    send(desk, "members", MEMBERS)

    assert "0 nye, 0 ændret, 1 uændret" in desk.read("/imports")


def test_a_trial_tells_what_would_happen_and_stores_nothing(desk: Desk, starter: CommandLine) -> None:
    with starter.session() as session:
        before = len(session.execute(select(ENTRIES.c.position)).all())

    tried = send(desk, "members", MEMBERS, trial="yes")

    with starter.session() as session:
        after = len(session.execute(select(ENTRIES.c.position)).all())
    assert "prøvet, intet er gemt" in tried.text
    assert "1 nye, 0 ændret, 0 uændret" in tried.text
    assert before == after
    assert "1 nye" in send(desk, "members", MEMBERS, trial="yes").text


def test_a_trial_shows_the_new_rows_cell_by_cell_and_the_changed_ones_with_what_was(desk: Desk) -> None:
    send(desk, "members", MEMBERS)

    tried = send(desk, "members", MEMBERS.replace("01-01,", "01-01,2026-12-31") + "29189420,2020-01-01,\n", trial="yes")

    told = desks.words(tried)
    assert "Nye rækker Nye rækker Linje cvr joined_on left_on 3 29189420 2020-01-01 –" in told
    assert "2 55133018, 2012-01-01 Første dag uden – 2026-12-31" in told


def test_so_many_new_rows_are_shown_and_all_are_counted(desk: Desk) -> None:
    rows = "".join(f"{each.cvr},2012-01-01,\n" for each in files.starter()[:25])

    tried = send(desk, "members", "cvr,joined_on,left_on\n" + rows, trial="yes")

    assert "Nye rækker (de første 20 af 25)" in desks.words(tried)
    assert tried.text.count("<td>2012-01-01</td>") == 20


def test_all_wrong_rows_are_named_and_nothing_is_stored(desk: Desk) -> None:
    wrong = MEMBERS + "55133018,i går,\n10000009,2012-01-01,\n"

    answer = send(desk, "members", wrong)

    assert answer.status_code == 422
    assert "<td>3</td><td>joined_on</td>" in answer.text
    assert "<td>4</td><td>cvr</td>" in answer.text
    assert '<a href="#field-file-members"' in answer.text
    assert 'id="error-file-members"' in answer.text
    assert "1 nye" in send(desk, "members", MEMBERS, trial="yes").text


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "kolonnen mangler"),
        (b"cvr;joined_on;left_on\n55133018;2012-01-01;\xff\n", "UTF-8"),
        (b"\x00\x01\x02PK", "NUL"),
        (b"cvr,joined_on,left_on\n" + b"x" * 200_000, "tegn"),
    ],
)
def test_what_is_no_register_is_refused_in_words(desk: Desk, content: bytes, told: str) -> None:
    answer = send(desk, "members", content)

    assert answer.status_code == 422
    assert told in answer.text


def test_a_form_without_a_file_says_so(desk: Desk) -> None:
    answer = desk.post("/imports/members")

    assert (answer.status_code, "Vælg en CSV-fil" in answer.text) == (422, True)


def test_a_file_larger_than_any_right_one_is_refused(desk: Desk) -> None:
    answer = send(desk, "members", b"x" * 17_000_000)

    assert answer.status_code == 413
    assert "16 MB" in answer.text


def test_a_hostile_name_of_a_file_is_only_words(desk: Desk) -> None:
    answer = send(desk, "members", MEMBERS, '../../etc/<b>"\u202efil.csv', trial="yes")

    assert answer.status_code == 200
    assert "<b>" not in answer.text
    assert "\u202e" not in answer.text


def test_a_register_that_is_none_is_not_found(desk: Desk) -> None:
    assert send(desk, "invoices", MEMBERS).status_code == 404


@pytest.mark.parametrize("who", [APPROVER, AUDITOR, ADMINISTRATOR], ids=lambda who: "+".join(who.roles))
def test_nobody_but_the_secretariat_brings_files_in(desk: Desk, who: Principal) -> None:
    desk.sit(who)

    assert desk.get("/imports").status_code == 403
    assert send(desk, "members", MEMBERS).status_code == 403
