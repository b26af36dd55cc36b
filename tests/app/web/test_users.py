"""Users in the browser: inviting, roles and seats, and that nobody reaches beyond what is theirs."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from typing import Any

import pytest
from sqlalchemy import select

from app import config, invitations
from app.access import Role
from app.identity import users
from foundation import letters
from tests.app.web.desks import (
    ADMINISTRATOR,
    APPROVER,
    AUDITOR,
    FINANCE,
    GROUP,
    NOW,
    OTHER,
    OWN,
    Desk,
    opened,
    person,
    signatory,
)
from tests.command_line import CommandLine
from tests.scenarios import database as rows

NEW = {"name": "En Ny", "mail": "ny@example.dk", "role": "finance"}


def invite(desk: Desk, **changes: str) -> str:
    """Invite somebody; give the page of the user."""
    answer = desk.sit(ADMINISTRATOR).post("/users/invite", **(NEW | changes))
    assert answer.status_code == 200, answer.text
    found = re.search(r'href="(/users/\d+)"', answer.text)
    assert found is not None
    return found[1]


def test_an_invitation_shows_its_link_once(desk: Desk) -> None:
    answer = desk.sit(ADMINISTRATOR).post("/users/invite", **NEW)

    link = re.search(r"http://localhost(/invitation/[\w-]+)", answer.text)
    assert link is not None
    assert answer.headers["Cache-Control"] == "no-store"
    assert "En Ny" in desk.html(link[1])
    assert link[1] not in desk.sit(ADMINISTRATOR).html("/users") + desk.html("/users/1")


def test_roles_and_seats_are_given_and_ended_with_their_days(desk: Desk) -> None:
    user = invite(desk)

    desk.post(f"{user}/roles", role="approver", act="grant")
    desk.post(f"{user}/seats", cvr=OWN.cvr, act="give")
    given = desk.html(user)
    desk.post(f"{user}/roles", role="approver", act="end")
    desk.post(f"{user}/seats", cvr=OWN.cvr, act="end")
    ended = desk.html(user)

    assert "godkender</strong> fra 15. januar 2027," in given
    assert OWN.name in given
    assert ended.count("til 15. januar 2027") == 2


@pytest.mark.parametrize(
    ("where", "form"),
    [("/roles", {"role": "king"}), ("/roles", {"role": "auditor", "act": "end"}), ("/seats", {"cvr": "00000000"}),
     ("/seats", {}), ("/seats", {"product": "<b>"})],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_words(desk: Desk, where: str, form: dict[str, str]) -> None:
    answer = desk.post(invite(desk) + where, **form)

    assert answer.status_code == 422
    assert "<b>" not in answer.text.split("<main")[1]
    assert 'role="alert"' in answer.text


def test_a_wrong_invitation_is_shown_again_with_its_faults_at_the_fields(desk: Desk) -> None:
    wrong = {"name": "En <b>Ny</b>", "mail": "ny@example.dk, anden@example.dk", "role": "king", "cvr": "1234"}

    answer = desk.sit(ADMINISTRATOR).post("/users/invite", **wrong)
    unknown = desk.post("/users/invite", **NEW, cvr="00000000", product="OS2nothing")

    assert (answer.status_code, unknown.status_code) == (422, 422)
    assert [field for field in wrong if f'id="error-{field}"' in answer.text] == ["mail", "role", "cvr"]
    assert 'value="En &lt;b&gt;Ny&lt;/b&gt;"' in answer.text
    assert [field for field in NEW | wrong if f'id="error-{field}"' in unknown.text] == ["cvr"]
    assert 'id="error-product"' in unknown.text
    assert "En Ny" not in desk.html("/users")


def test_nobody_changes_their_own_roles(desk: Desk) -> None:
    number = int(invite(desk, role="administrator").rpartition("/")[2])
    own = desk.sit(person(number, Role.ADMINISTRATOR)).html(f"/users/{number}")
    desk.who = type(desk.who)(number, NEW["name"], desk.who.roles, via="browser")

    assert "Det er dig selv" in own
    assert desk.post(f"/users/{number}/roles", role="finance").status_code == 422
    assert desk.post(f"/users/{number}/end").status_code == 422


def test_an_ended_user_is_shown_as_ended_and_gets_nothing_more(desk: Desk) -> None:
    user = invite(desk)
    desk.post(f"{user}/end")

    assert "Ophørt" in desk.html(user)
    assert desk.post(f"{user}/roles", role="finance").status_code == 422
    assert desk.post(f"{user}/link").status_code == 422


@pytest.mark.parametrize("who", [FINANCE, APPROVER, AUDITOR, GROUP])
def test_only_administrators_see_and_change_users(desk: Desk, who: object) -> None:
    user = invite(desk)
    desk.sit(who)  # type: ignore[arg-type]

    assert {desk.get(path).status_code for path in ("/users", user, "/users.csv", "/users/invite")} == {403}
    assert {desk.post(user + act).status_code for act in ("/roles", "/seats", "/link", "/end")} == {403}
    assert desk.post("/users/invite", **NEW).status_code == 403


@pytest.mark.parametrize("path", ["/users/999", "/users/99999999999999999999"])
def test_nobody_by_that_number_is_not_found(desk: Desk, path: str) -> None:
    assert desk.sit(ADMINISTRATOR).get(path).status_code == 404


def test_a_signatory_invites_a_colleague_to_its_own_organisation_only(desk: Desk, issued: CommandLine) -> None:
    desk.sit(signatory(issued))
    page = desk.html("/colleagues/invite")
    given = {"name": "En Kollega", "mail": "k@example.dk"}
    other = desk.post("/colleagues/invite", **given, cvr=OTHER.cvr)
    raised = desk.post("/colleagues/invite", **given, cvr=OWN.cvr, role="administrator")
    own = desk.post("/colleagues/invite", **given, cvr=OWN.cvr)

    assert OTHER.name not in page
    assert (other.status_code, raised.status_code) == (422, 422)
    assert "vælg din egen organisation" in other.text
    assert "/invitation/" in own.text
    assert "tegningsberettiget" in desk.sit(ADMINISTRATOR).html("/users?q=Kollega").split("<tbody>")[1]
    assert "administrator</td>" not in desk.html("/users?q=Kollega")


def test_the_queries_of_the_list_do_not_grow_with_its_users(desk: Desk) -> None:
    invite(desk)
    desk.html("/users")
    with desk.counted() as few:
        desk.html("/users")
    for number in range(5):
        invite(desk, name=f"Ny {'abcde'[number]}")
    desk.html("/users")
    with desk.counted() as many:
        desk.html("/users")

    assert len(many) == len(few)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"name": " "}, "name"), ({"mail": "ingen"}, "mail"), ({"role": "king"}, "role"), ({"cvr": "12345678"}, "cvr")],
)
def test_what_is_wrong_with_an_invitation_stands_on_top_and_at_its_field_and_nothing_typed_is_lost(
    desk: Desk, wrong: dict[str, str], field: str
) -> None:
    typed = {"name": "En Kollega", "mail": "kollega@example.dk", "role": "finance"}

    answer = desk.sit(ADMINISTRATOR).post("/users/invite", **typed | wrong)

    assert answer.status_code == 422
    assert f'href="#field-{field}"' in answer.text
    assert f'id="error-{field}"' in answer.text
    assert 'value="finance" selected' in answer.text or field == "role"


def test_where_mails_are_sent_the_link_goes_to_the_invited_alone_and_is_never_shown(starter: CommandLine) -> None:
    line = starter.with_environ(OS2TILSLUT_SMTP_URL="smtp://127.0.0.1:9", OS2TILSLUT_BASE_URL="http://localhost")
    with opened(line) as desk:
        desk.sit(ADMINISTRATOR)
        answer = desk.post("/users/invite", name="En Ny", mail="ny@example.org", role="auditor")
        again = desk.post("/letters/1/resend", to="anden@example.org", reason="x").status_code
        resent = desk.sit(FINANCE).post("/letters/1/resend", to="anden@example.org", reason="x")

    with line.session() as session:
        (letter,) = letters.due(session, NOW, 5)
    handed = [invitations.opened(letter, config.read(line.environment)).content for _ in range(2)]
    read = message_from_bytes(handed[0], policy=policy.default)
    link = re.search(r"http://localhost/invitation/([\w-]{43})\r?\n", read.get_content())
    assert handed[0] == handed[1], "handed over again, it is the same message"
    assert answer.status_code == 200 and "ny@example.org" in answer.text and "/invitation/" not in answer.text
    assert link is not None and read["To"] == "ny@example.org"
    assert (again, resent.status_code) == (403, 422) and "sendes ikke igen" in resent.text
    with opened(line) as desk:
        assert "En Ny" in desk.html(f"/invitation/{link[1]}")  # looking takes nothing up
        assert "En Ny" in desk.html(f"/invitation/{link[1]}")


def test_who_reads_the_database_finds_no_link_that_opens_anything(starter: CommandLine) -> None:
    """Promise 15, for a letter that is kept: its bytes lie in the database and in every backup."""
    line = starter.with_environ(OS2TILSLUT_SMTP_URL="smtp://127.0.0.1:9", OS2TILSLUT_BASE_URL="http://localhost")
    with opened(line) as desk:
        desk.sit(ADMINISTRATOR).post("/users/invite", name="En Ny", mail="ny@example.org", role="approver")
        page = desk.sit(FINANCE).html("/letters/1")
    kept = rows.dump(line)
    (content,) = [row.content for row in every_letter(line)]
    told = message_from_bytes(content, policy=policy.default).get_content()
    held = repr([kept[table] for table in ("letter", "invitation", "audit_entry", "user_account", "browser_session")])
    found = sorted(set(re.findall(r"[\w.=-]{16,}", told + held + page)))
    sealed = [word for word in found if word.startswith("sealed.")]

    with line.session() as session:
        for word in found:
            with pytest.raises(users.LinkRefused):
                users.invited(session, word, NOW)
    with opened(line) as desk:
        answers = [desk.get(f"/invitation/{word}").status_code for word in sealed]

    assert sealed and set(answers) == {404}


def every_letter(line: CommandLine) -> list[Any]:
    """Every letter that is kept."""
    with line.session() as session:
        return list(session.execute(select(letters.LETTERS)))


def test_a_letter_of_another_secret_is_given_up_and_says_what_to_do(starter: CommandLine) -> None:
    line = starter.with_environ(OS2TILSLUT_SMTP_URL="smtp://127.0.0.1:9", OS2TILSLUT_BASE_URL="http://localhost")
    with opened(line) as desk:
        desk.sit(ADMINISTRATOR).post("/users/invite", name="En Ny", mail="ny@example.org", role="auditor")

    line.with_environ(OS2TILSLUT_SECRET_KEY="en anden hemmelighed, som er lang nok til at gå an").run("work")

    with opened(line) as desk:
        assert "lav et nyt link til brugeren" in desk.sit(FINANCE).html("/letters/1")
