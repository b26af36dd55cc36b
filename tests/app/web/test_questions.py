"""Questions on the road: one thread from question to answer, by page and by mail, and nobody else's."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from agreements import correspondence
from agreements.road import inquiries
from app.access import Principal, Role
from app.identity.models import RoleGrant, Seat, UserAccount
from authorities.register import AUTHORITIES
from foundation import letters
from tests.app.web import desks
from tests.app.web.desks import APPROVER, AUDITOR, FINANCE, GROUP, NOW, Desk, person
from tests.command_line import CommandLine
from tests.scenarios import acting

AARHUS, AALBORG = "55133018", "29189420"
QUESTION = {
    "cvr": AARHUS, "product": "OS2valghalla", "topic": "fees", "subject": "Hvad koster det?", "words": "Hvor\nmeget?",
}  # fmt: skip


@pytest.fixture
def desk(starter: CommandLine) -> Desk:
    return desks.desk(starter)


def of(line: CommandLine, number: int, cvr: str) -> Principal:
    """Make up somebody who acts for an authority."""
    with line.session() as session:
        id_ = session.execute(select(AUTHORITIES.c.id).where(AUTHORITIES.c.cvr == cvr)).scalar_one()
    return person(number, Role.SIGNATORY, authorities=frozenset({id_}))


def test_a_choice_that_has_nothing_to_choose_from_yet_is_a_choice_all_the_same(desk: Desk) -> None:
    page = desk.sit(FINANCE).html("/questions?product=OS2kitos")

    assert '<select class="form-select" id="filter-product" name="product">' in page
    assert "Ingen spørgsmål endnu" in page, "a product that is not offered filters nothing"


def asked(desk: Desk, **changes: str) -> str:
    answer = desk.post("/questions/new", **{**QUESTION, **changes})
    assert answer.status_code == 303, answer.text
    return answer.location


def mails(line: CommandLine) -> list[tuple[str, str]]:
    with line.session() as session:
        return [(row.receiver, row.title) for row in session.execute(letters.listing()) if row.kind == "inquiry"]


def test_a_thread_goes_from_question_to_answer_and_who_asked_is_told(desk: Desk, starter: CommandLine) -> None:
    with starter.session() as session:
        session.add(UserAccount(id=8, name="Opdigtet", mail="spoerger@example.org", language="da", created_at=NOW))
        session.commit()
    at = asked(desk.sit(of(starter, 8, AARHUS)))
    assert "Venter på svar siden 15. januar 2027" in desk.read(at)

    desk.sit(GROUP)
    assert desk.post(f"{at}/assign", assigned_to="Produktkoordinatoren", due_on="2027-01-14").status_code == 303
    assert "fristen er overskredet" in desk.read(at)
    assert desk.post(f"{at}/note", words="Vi venter på beregningen").status_code == 303
    assert desk.post(f"{at}/answer", words="Det står i prisberegneren").status_code == 303

    desk.sit(of(starter, 8, AARHUS))
    thread = desk.read(at)
    assert "Det står i prisberegneren" in thread and "Besvaret." in thread
    assert "Vi venter på beregningen" not in thread
    assert mails(starter) == [("spoerger@example.org", "Dit spørgsmål er besvaret")]
    assert desk.post(f"{at}/ask", words="Også for to?").status_code == 303
    assert "Venter på svar" in desk.read("/questions")


def test_a_second_click_asks_and_answers_nothing_again(desk: Desk, starter: CommandLine) -> None:
    at = asked(desk.sit(FINANCE))
    assert asked(desk) == at
    for _ in range(2):
        assert desk.post(f"{at}/answer", words="Ja").status_code == 303

    with starter.session() as session:
        (found,) = inquiries.read(session, session.execute(inquiries.listing()).all())
    assert [message.kind for message in found.messages] == ["question", "answer"]
    assert asked(desk) != at  # it was answered: whoever asks again begins anew


def test_notes_are_read_by_those_who_answer_and_the_auditor(desk: Desk) -> None:
    at = asked(desk.sit(FINANCE))
    desk.post(f"{at}/note", words="Kun for os")

    assert "Kun for os" in desk.sit(AUDITOR).read(at)
    assert "Send svaret" not in desk.read(at)


def test_nobody_else_reads_or_writes_in_it(desk: Desk, starter: CommandLine) -> None:
    at = asked(desk.sit(FINANCE))

    for stranger in (of(starter, 9, AALBORG), person(7, Role.COORDINATION, products=frozenset({"OS2mo"}))):
        desk.sit(stranger)
        assert desk.get(at).status_code == 404
        assert "Hvad koster det?" not in desk.read("/questions")
    assert desk.sit(of(starter, 9, AALBORG)).post(f"{at}/ask", words="Hvad?").status_code == 404
    assert desk.sit(of(starter, 9, AALBORG)).post("/questions/new", **QUESTION).status_code == 422
    assert desk.sit(GROUP).post(f"{at}/ask", words="Hvad?").status_code == 403


def test_a_question_on_no_product_is_for_the_secretariat(desk: Desk) -> None:
    at = asked(desk.sit(FINANCE), product="")

    assert desk.sit(GROUP).get(at).status_code == 404
    assert desk.sit(APPROVER).post(f"{at}/answer", words="Ja").status_code == 303


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"subject": ""}, "Skriv, hvad det drejer sig om"),
        ({"topic": "gossip"}, "Vælg et emne"),
        ({"words": ""}, "må ikke være tomt"),
        ({"words": " \n "}, "Skriv noget"),
        ({"words": "x" * 8_001}, "har over 8000 tegn"),
        ({"subject": "\u202e"}, "tegnet U+202E"),
        ({"product": "OS2findesikke"}, "Vælg et produkt"),
        ({"cvr": "12345678"}, "Vælg en myndighed"),
    ],
)
def test_a_wrong_question_is_not_kept_and_says_what_to_mend(desk: Desk, changes: dict[str, str], said: str) -> None:
    answer = desk.sit(FINANCE).post("/questions/new", **{**QUESTION, **changes})

    assert answer.status_code == 422 and said in desks.words(answer)
    assert "Ingen spørgsmål endnu" in desk.read("/questions")


def test_words_of_a_thread_are_words(desk: Desk) -> None:
    at = asked(desk.sit(FINANCE), subject="<script>x</script>", words="<img src=x>")

    assert "<script>x" not in desk.html(at) and "<img src=x>" not in desk.html(at)


def test_an_answer_is_used_again_until_it_is_retired(desk: Desk, starter: CommandLine) -> None:
    at = asked(desk.sit(FINANCE))
    common = {"topic": "fees", "title": "Prisen", "words": "Se prisberegneren"}
    assert desk.post("/questions/answers", **common).status_code == 303
    assert "Se prisberegneren" in desk.read(at)

    with starter.session() as session:
        (row,) = inquiries.common(session)
    assert desk.post(f"/questions/answers/{row.id}/retire").status_code == 303

    assert "Se prisberegneren" not in desk.read(at)
    assert desk.post("/questions/answers/987654/retire").status_code == 404


def test_the_inbox_filters_and_is_read_in_as_many_queries_however_long(desk: Desk) -> None:
    asked(desk.sit(FINANCE))
    desk.read("/questions")
    with desk.counted() as few:
        desk.read("/questions")
    for number in range(5):
        asked(desk, subject=f"Nummer {number}", product="")
    desk.read("/questions")

    with desk.counted() as many:
        told = desk.read("/questions?q=nummer&sort=-days&state=waits&topic=fees")

    assert len(many) == len(few)
    assert "Nummer 4" in told and "Hvad koster det?" not in told
    assert "Intet passer på filtret" in desk.read("/questions?state=answered")


# --- who is written to -----------------------------------------------------------------------------------------------


def account(
    line: CommandLine, name: str, role: Role, language: str = "da", domain: str = "example.org", **seat: Any
) -> None:
    """Give somebody an account with a role, and a seat where one is told."""
    mail = f"{name.lower().replace(' ', '-')}@{domain}"
    with line.session() as session:
        user = UserAccount(name=name, mail=mail, language=language, created_at=NOW)
        session.add(user)
        session.flush()
        session.add(RoleGrant(user_id=user.id, role=role, from_on=date(2026, 1, 1), granted_by="x", granted_at=NOW))
        if seat:
            session.add(Seat(user_id=user.id, given_by="x", **{"from_on": date(2026, 1, 1), **seat}))
        session.commit()


def told(line: CommandLine, *addresses: str) -> None:
    """Let the association's settings name whom of the secretariat is written to."""
    wanted = correspondence.Correspondence(addresses)
    made = acting.by(line, acting.PREPARER, lambda session, trail: correspondence.propose(session, wanted, trail))
    acting.by(line, acting.APPROVER, lambda session, trail: correspondence.approve(session, made.id, trail))


def test_a_question_is_told_to_the_secretariat_and_its_product_s_coordinators_alone(
    desk: Desk, starter: CommandLine
) -> None:
    told(starter, "os2@example.org")
    group = Role.COORDINATION
    account(starter, "Koordinator", group, product="OS2valghalla")
    account(starter, "Coordinator", group, "en", product="OS2valghalla")
    account(starter, "Andet produkt", group, product="OS2mo")
    account(starter, "Uden plads", group)
    account(starter, "Forladt plads", group, product="OS2valghalla", until_on=date(2027, 1, 15))
    account(starter, "Kommende plads", group, product="OS2valghalla", from_on=date(2027, 1, 16))
    account(starter, "Anden rolle", Role.AUDITOR, product="OS2valghalla")

    at = asked(desk.sit(of(starter, 8, AARHUS)))

    danish, english = "Et spørgsmål venter på svar", "A question waits for an answer"
    first = [("coordinator@example.org", english), ("koordinator@example.org", danish), ("os2@example.org", danish)]
    assert sorted(mails(starter)) == first
    desk.post(f"{at}/ask", words="Også for to?")
    assert len(mails(starter)) == 2 * len(first)
    asked(desk, subject="Om intet produkt", product="")
    assert mails(starter).count(("os2@example.org", danish)) == 3 and len(mails(starter)) == 7


def test_whoever_a_question_is_assigned_to_is_told_where_that_is_an_account_that_may_answer(
    desk: Desk, starter: CommandLine
) -> None:
    account(starter, "Medarbejder", Role.FINANCE, "en")
    account(starter, "Fremmed", Role.COORDINATION, product="OS2mo")
    at = asked(desk.sit(of(starter, 8, AARHUS)))

    desk.sit(FINANCE)
    for to in ("Fremmed", "En funktion", "fremmed@example.org", "medarbejder@example.org"):
        assert desk.post(f"{at}/assign", assigned_to=to).status_code == 303
    given = [("medarbejder@example.org", "You are to answer a question")]
    assert mails(starter) == given

    desk.sit(of(starter, 8, AARHUS)).post(f"{at}/ask", words="Også for to?")
    assert sorted(mails(starter)) == [("medarbejder@example.org", "A question waits for an answer"), *given]


def test_two_of_one_name_are_told_of_nothing_that_was_assigned(desk: Desk, starter: CommandLine) -> None:
    account(starter, "Medarbejder", Role.FINANCE)
    account(starter, "MEDARBEJDER", Role.APPROVER, domain="example.dk")
    at = asked(desk.sit(FINANCE))

    desk.post(f"{at}/assign", assigned_to="Medarbejder")

    assert mails(starter) == []


def test_who_asked_is_told_of_the_answer_in_their_language(desk: Desk, starter: CommandLine) -> None:
    with starter.session() as session:
        session.add(UserAccount(id=8, name="Opdigtet", mail="asker@example.org", language="en", created_at=NOW))
        session.commit()
    at = asked(desk.sit(of(starter, 8, AARHUS)))

    desk.sit(FINANCE).post(f"{at}/answer", words="Ja")

    assert mails(starter) == [("asker@example.org", "Your question is answered")]
