"""Letters: written once with the act they tell of, tried until it is certain, never anybody else's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from foundation import letters
from foundation.audit import Trail, sha256
from foundation.language import Text
from foundation.letters import Enclosure, Letter, LetterRefused, NoSuchLetter, Sender, Tried

AT = datetime(2027, 1, 15, 10, tzinfo=UTC)
OS2 = Sender("OS2's sekretariat", "os2@example.org")
ONE = Letter("offer", "A-2027-00001 v1", "en@example.org", "Tilbud på Ærø", "Kære Åse\n\nSe tilbuddet.\n" + "x" * 1200)


def trail(session: Session, at: datetime = AT) -> Trail:
    """A trail of somebody."""
    return Trail(session, "En Sekretær", at)


def written(session: Session, *given: Letter) -> list[int]:
    """Write letters."""
    return letters.write(session, given or (ONE,), trail(session), sender=OS2)


def message(session: Session, id_: int) -> EmailMessage:
    """A letter as its receiver reads it."""
    return message_from_bytes(letters.get(session, id_).content, policy=policy.default)


def body(read: EmailMessage) -> list[str]:
    """The lines of a letter's body."""
    return str(read.get_content()).splitlines()


def count(session: Session) -> int:
    """How many letters there are."""
    return session.execute(select(func.count()).select_from(letters.LETTERS)).scalar_one()


def note(session: Session, id_: int, outcome: letters.Outcome, at: datetime) -> None:
    """Note how a try ended."""
    letters.note(session, [Tried(id_, outcome, Text("optaget", "busy"), "450 4.2.0\r\nvent")], trail(session, at))


def test_a_letter_reads_as_it_was_written_in_danish_with_its_enclosure(session: Session) -> None:
    enclosed = Letter(
        "sealed",
        "A-1",
        "en@example.org",
        "Aftale",
        "Vedlagt.",
        (Enclosure("Aftale å.pdf", b"%PDF", "application/pdf"),),
    )

    plain, with_file = (message(session, id_) for id_ in written(session, ONE, enclosed))

    assert (plain["To"], plain["Subject"]) == ("en@example.org", "Tilbud på Ærø")
    assert plain["From"] == "OS2's sekretariat <os2@example.org>"
    assert plain["Auto-Submitted"] == "auto-generated"
    assert body(plain) == ONE.body.splitlines()
    assert all(byte < 128 for byte in plain.as_bytes())
    (file,) = with_file.iter_attachments()
    assert (file.get_filename(), file.get_content_type(), file.get_content()) == (
        "Aftale å.pdf",
        "application/pdf",
        b"%PDF",
    )


def test_every_line_of_the_bytes_is_one_that_a_mail_server_takes(session: Session) -> None:
    (id_,) = written(session)

    lines = letters.get(session, id_).content.split(b"\r\n")

    assert max(map(len, lines)) <= 998
    assert not any(b"\n" in line or b"\r" in line for line in lines)


def test_the_same_letter_is_written_once_and_keeps_its_bytes_and_message_id(session: Session) -> None:
    first = written(session, ONE, Letter("offer", ONE.subject, "anden@example.org", "Tilbud", "Se."))
    row = letters.get(session, first[0])

    again = letters.write(session, [ONE, ONE], trail(session, AT + timedelta(days=1)), sender=OS2)

    assert again == [first[0], first[0]]
    assert count(session) == 2
    assert letters.get(session, first[0]) == row
    assert (row.sha256, row.message_id) == (sha256(row.content), message(session, first[0])["Message-ID"])


@pytest.mark.parametrize(
    "address",
    [
        "", "a", "@b.dk", "a@b", "a@b.dk, c@d.dk", "a@b.dk,c@d.dk", "a@b.dk;c@d.dk", "a@b.dk\r\nBcc: c@d.dk",
        "a@b.dk\n",
        "A <a@b.dk>", '"a b"@c.dk', "a@b..dk", "a@-b.dk", "a..b@c.dk", "æ@b.dk", "a@b.dk\x00",
        "a" * 250 + "@b.dk", "a@[127.0.0.1]",
    ],
)  # fmt: skip
def test_an_address_that_could_be_another_header_or_another_receiver_is_refused(session: Session, address: str) -> None:
    for wanted, sender in (
        (Letter("offer", "A-1", address, "Tilbud", "Se."), OS2),
        (Letter("offer", "A-1", "en@example.org", "Tilbud", "Se."), Sender("OS2", address)),
    ):
        with pytest.raises(LetterRefused):
            letters.write(session, [wanted], trail(session), sender=sender)

    assert count(session) == 0


@pytest.mark.parametrize("title", ["", "Tilbud\r\nBcc: en@example.org", "Tilbud\n", "a\x00b", "x" * 201, "a\u202eb"])
def test_a_title_that_could_end_its_header_is_refused(session: Session, title: str) -> None:
    with pytest.raises(LetterRefused, match="title"):
        written(session, Letter("offer", "A-1", "en@example.org", title, "Se."))


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [("a\r\nb.pdf", b"x", "application/pdf"), ("../a.pdf", b"x", "application/pdf"), ("", b"x", "application/pdf"),
     ("a.pdf", b"x", "application/pdf\r\nX: y"), ("a.pdf", b"x" * letters.MOST_BYTES, "application/pdf")],
    ids=["two lines", "a path", "no name", "another header", "too large"],
)  # fmt: skip
def test_an_enclosure_that_could_be_something_else_is_refused(
    session: Session, name: str, content: bytes, media_type: str
) -> None:
    with pytest.raises(LetterRefused, match="enclosures"):
        written(session, Letter("a", "A-1", "en@example.org", "Tilbud", "Se.", (Enclosure(name, content, media_type),)))


def test_words_of_a_body_never_become_headers(session: Session) -> None:
    (id_,) = written(session, Letter("a", "A-1", "en@example.org", "Afslag", "Bcc: anden@example.org\r\n\r\n.\r\nSlut"))

    read = message(session, id_)

    assert read["Bcc"] is None
    assert body(read) == ["Bcc: anden@example.org", "", ".", "Slut"]


def test_what_was_put_off_rests_a_minute_then_twice_as_long_up_to_six_hours() -> None:
    waits = [letters.wait_after(tries) for tries in (0, 1, 2, 3, 9, 10, 500)]

    assert waits == [timedelta(minutes=each) for each in (1, 1, 2, 4, 256, 360, 360)]


def test_a_letter_is_due_until_it_is_sent_and_rests_after_being_put_off(session: Session) -> None:
    sent, put_off = written(session, ONE, Letter("offer", "A-2", "en@example.org", "Tilbud", "Se."))
    assert [each.id for each in letters.due(session, AT, 1)] == [sent]
    note(session, sent, "sent", AT)
    note(session, put_off, "deferred", AT)

    assert letters.due(session, AT + timedelta(seconds=59), 9) == []
    assert [each.id for each in letters.due(session, AT + timedelta(seconds=60), 9)] == [put_off]
    note(session, put_off, "deferred", AT + timedelta(seconds=60))
    assert letters.due(session, AT + timedelta(seconds=179), 9) == []
    assert letters.count_waiting(session) == 1


def test_what_is_put_off_for_five_days_is_given_up_and_said_why(session: Session) -> None:
    (id_,) = written(session)

    note(session, id_, "deferred", AT + letters.PATIENCE - timedelta(seconds=1))
    assert letters.given_up(session) == []
    note(session, id_, "deferred", AT + letters.PATIENCE)

    (row,) = letters.given_up(session)
    assert (row.id, row.state, row.tries, row.answer) == (id_, "failed", 2, "450 4.2.0??vent")
    assert letters.reason_told(row.tried_reason) == Text("opgivet efter 5 dage: optaget", "given up after 5 days: busy")
    assert letters.due(session, AT + timedelta(days=30), 9) == []


def test_sent_again_is_a_new_letter_of_the_same_words_that_points_back(session: Session) -> None:
    (old,) = written(session)
    note(session, old, "failed", AT)

    new = letters.resend(session, old, "anden@example.org", "ny adresse", trail(session, AT + timedelta(hours=1)))

    first, second = letters.about(session, ONE.subject)
    assert (first.resent_id, second.id, second.replaces_id, second.reason) == (new, new, old, "ny adresse")
    assert (second.receiver, second.number, second.state) == ("anden@example.org", 1, "waiting")
    read = message(session, new)
    assert (read["To"], read["Subject"], body(read)) == ("anden@example.org", ONE.title, ONE.body.splitlines())
    assert read["Message-ID"] == letters.get(session, new).message_id != letters.get(session, old).message_id
    assert letters.given_up(session) == []


def test_sent_again_to_the_same_address_while_on_its_way_goes_once(session: Session) -> None:
    (old,) = written(session)

    new = letters.resend(session, old, ONE.to, "intet svar", trail(session))

    assert [each.id for each in letters.due(session, AT, 9)] == [new]
    assert [row.number for row in letters.about(session, ONE.subject)] == [1, 2]


def test_sending_again_needs_a_letter_an_address_and_a_reason(session: Session) -> None:
    (id_,) = written(session)

    with pytest.raises(NoSuchLetter):
        letters.resend(session, id_ + 1, "en@example.org", "grund", trail(session))
    with pytest.raises(LetterRefused) as refused:
        letters.resend(session, id_, "a@b.dk, c@d.dk", " ", trail(session))

    assert set(refused.value.faults) == {"to", "reason"}
    assert count(session) == 1


def test_letters_on_a_matter_are_its_own_and_those_of_its_parts(session: Session) -> None:
    given = [Letter("a", subject, "en@example.org", "Brev", "Se.") for subject in ("A_1", "A_1/2", "A_10", "AB1/2")]
    written(session, *given)

    assert [row.subject for row in letters.about(session, "A_1")] == ["A_1", "A_1/2"]
