"""The letters of agreements: whom each act tells, in which words, and that none of them lets anybody in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, TypeVar

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements import correspondence, ending, offers, rights, sealed, signing
from agreements.connections import AGREEMENTS
from agreements.ending import Notice
from agreements.steps import DEAD, Stand
from app import agreement_letters, config, create_ground, database, recording, rounds, seals
from app.annual_work import InNameOf
from app.identity.models import RoleGrant, UserAccount
from foundation import letters
from foundation.audit import Trail
from tests import sealed_files
from tests.agreements.signed import AT, CHAIR, COLLEAGUE, DIRECTOR, MAYOR, SECRETARIAT, Way
from tests.command_line import CommandLine

Made = TypeVar("Made")

OFFICE = "kontor@example.org"


@dataclass
class Telling(Way):
    """Agreements on their way, each act with the letters it writes, as the service does it."""

    def by(self, actor: str, act: Callable[[Session, Trail], Made]) -> Made:
        """Let somebody do something, and commit it with its letters."""
        settings = replace(config.read(self.line.environment), clock=self.at)
        with self.session() as session, recording.recorded(session, actor, settings) as trail:
            return act(session, trail)

    def told(self, *kinds: str) -> list[tuple[str, str]]:
        """Whom letters went to, by kind."""
        rows = self.asked(lambda session: list(session.execute(letters.listing().order_by(letters.LETTERS.c.id))))
        return [(row.kind, row.receiver) for row in rows if not kinds or row.kind in kinds]

    def messages(self, kind: str) -> list[EmailMessage]:
        """The letters of a kind as they are read."""
        columns = letters.LETTERS.c
        found = self.column(select(columns.content).where(columns.kind == kind).order_by(columns.id))
        return [message_from_bytes(content, policy=policy.default) for content in found]

    def body(self, kind: str) -> str:
        """The words of the first letter of a kind, ends of lines as everywhere."""
        part = self.messages(kind)[0].get_body(("plain",))
        assert part is not None
        return str(part.get_content()).replace("\r\n", "\n")


def mail(user_id: int) -> str:
    """The address of somebody who signs."""
    return f"u{user_id}@eksempel.dk"


def _add_user(session: Session, name: str, address: str, language: str, role: str | None = None) -> None:
    user = UserAccount(name=name, mail=address, language=language, created_at=AT, ended_at=None)
    session.add(user)
    session.flush()
    if role is not None:
        session.add(RoleGrant(user_id=user.id, role=role, from_on=date(2026, 1, 1), until_on=None, granted_by="x",
                              granted_at=AT))  # fmt: skip


@pytest.fixture
def way(starter: CommandLine) -> Telling:
    """The real registers, somebody at the secretariat, and three who may sign."""
    made = Telling(starter.with_environ(OS2TILSLUT_BASE_URL="https://tilslut.example.org"))
    made.asked(lambda session: _add_user(session, "En Sekretær", OFFICE, "da", "finance"))
    made.may_sign(DIRECTOR, MAYOR, COLLEAGUE)
    return made


def test_an_offer_is_told_to_the_first_who_signs_and_to_the_next_once_the_one_before_has(way: Telling) -> None:
    offer = way.offered(DIRECTOR, MAYOR)
    assert way.told() == [("offered", mail(DIRECTOR))]

    way.signed_by(offer, DIRECTOR)

    assert way.told() == [("offered", mail(DIRECTOR)), ("signed", mail(MAYOR))]
    assert "Underskriver 11 har underskrevet" in way.body("signed") and "nu er det din tur" in way.body("signed")


def test_without_an_order_all_are_told_at_once_and_nobody_twice(way: Telling) -> None:
    people = (DIRECTOR, MAYOR, COLLEAGUE)
    made = way.by(SECRETARIAT, lambda s, t: offers.draft(
        s, way.order(*people, in_order=False), way.build(*people, in_order=False), t
    ))  # fmt: skip

    offer = way.by(SECRETARIAT, lambda s, t: offers.offer(s, made.id, way.annex, t))
    way.signed_by(offer, MAYOR)

    assert way.told() == [("offered", mail(each)) for each in people]


def test_pv_120_nobody_hears_that_all_have_signed_before_all_have(way: Telling) -> None:
    people = (DIRECTOR, MAYOR, COLLEAGUE)
    offer = way.offered(*people)
    for user_id in people[:2]:
        offer = way.signed_by(offer, user_id)
    assert not any("Alle har underskrevet" in str(each["Subject"]) for each in way.messages("signed"))

    way.signed_by(offer, COLLEAGUE)

    done = [each for each in way.messages("signed") if "Alle har underskrevet" in str(each["Subject"])]
    assert [each["To"] for each in done] == [*map(mail, people), OFFICE]


def test_pv_124_who_has_signed_and_the_secretariat_hear_of_a_decline_and_why(way: Telling) -> None:
    offer = way.signed_by(way.offered(DIRECTOR, MAYOR), DIRECTOR)
    offer = way.opened(offer, MAYOR)
    signer = way.signer(MAYOR)

    way.by("Underskriver 12 #12", lambda s, t: signing.decline(s, offer.id, signer, "For dyrt: Bcc: x@y.dk", t))

    assert way.told("declined") == [("declined", mail(DIRECTOR)), ("declined", OFFICE)]
    assert "For dyrt" in way.body("declined")
    assert all(each["Bcc"] is None for each in way.messages("declined"))


def test_pv_113_an_offer_that_ran_out_is_dead_and_the_one_that_follows_has_a_letter_of_its_own(way: Telling) -> None:
    old = way.offered(DIRECTOR, MAYOR)
    old = way.signed_by(old, DIRECTOR)
    late = way.later(days=31)
    work = _work(late)

    (done,) = list(rounds.one(work, rounds.STEPS[:1]))
    new = late.offered(DIRECTOR, replaces=old.id)

    assert done.came.told.da == old.name
    assert way.told("expired") == [("expired", mail(each)) for each in (DIRECTOR, MAYOR)] + [("expired", OFFICE)]
    assert way.now(old).stand is Stand.EXPIRED and way.now(old).stand in DEAD
    assert (new.reference, new.digest) != (old.reference, old.digest)
    assert [each["Subject"] for each in way.messages("offered")][-1].endswith(f"({new.name})")
    with pytest.raises(Exception, match="expire"):
        late.opened(old, MAYOR)


def test_reminders_come_on_their_days_once_each_also_where_nobody_looked_for_long(way: Telling) -> None:
    offer = way.offered(DIRECTOR, MAYOR)

    heard = []
    for day in (6, 7, 7, 8, 13, 14, 15, 29, 30, 31):
        later = way.later(days=day)
        list(rounds.one(_work(later), rounds.STEPS[:2]))
        heard.append(len(way.told("reminded")))

    assert heard == [0, 1, 1, 1, 1, 2, 2, 2, 2, 2]
    assert set(way.told("reminded")) == {("reminded", mail(DIRECTOR))}
    assert way.now(offer).stand is Stand.EXPIRED
    assert "venter på din underskrift" in way.body("reminded")


def test_one_reminder_makes_up_for_several_days_that_passed(way: Telling) -> None:
    way.offered(DIRECTOR)

    for _ in range(3):
        list(rounds.one(_work(way.later(days=20)), rounds.STEPS[:2]))

    assert way.told("reminded") == [("reminded", mail(DIRECTOR))]


def test_what_is_withdrawn_is_told_to_who_had_heard_of_it_and_a_draft_to_nobody(way: Telling) -> None:
    draft = way.drafted(DIRECTOR)
    way.by(SECRETARIAT, lambda s, t: offers.withdraw(s, draft.id, "en fejl", t))
    assert way.told() == []

    offer = way.signed_by(way.offered(DIRECTOR, MAYOR, COLLEAGUE), DIRECTOR)
    way.by(SECRETARIAT, lambda s, t: offers.withdraw(s, offer.id, "en anden fejl", t))

    assert way.told("withdrawn") == [("withdrawn", mail(DIRECTOR)), ("withdrawn", mail(MAYOR))]
    assert "en anden fejl" in way.body("withdrawn")


def test_the_sealed_agreement_comes_with_its_letter(way: Telling) -> None:
    line = way.line.with_environ(
        OS2TILSLUT_SIGNING_KEY=sealed_files.settings().key, OS2TILSLUT_SIGNING_TIMESTAMPS="none"
    )
    way = replace(way, line=line, at=sealed_files.NOW)
    offer = way.countersigned(DIRECTOR, MAYOR)
    assert way.told("countersigned", "sealed") == []
    work = _work(way)
    seals.rotate(work)
    (done,) = list(rounds.one(work, [step for step in rounds.STEPS if step.name == "seal"]))

    assert done.came == (done.came.told, True)
    assert way.told("sealed") == [("sealed", mail(DIRECTOR)), ("sealed", mail(MAYOR))]
    (file,) = way.messages("sealed")[0].iter_attachments()
    content = way.asked(lambda session: sealed.of_offer(session, offer.id).content)
    assert (file.get_filename(), file.get_content()) == (f"{offer.reference}-v1.pdf", content)
    way.line.done("verify")


def test_notice_and_its_withdrawal_are_told_to_both_sides(way: Telling) -> None:
    offer = way.countersigned(DIRECTOR)
    (agreement,) = way.column(select(AGREEMENTS.c.id).where(AGREEMENTS.c.offer_id == offer.id))

    way.by(SECRETARIAT, lambda s, t: ending.give_notice(s, agreement, Notice("authority", "nyt system"), t))
    way.by(SECRETARIAT, lambda s, t: ending.withdraw_notice(s, agreement, "fortrudt", t))

    assert way.told("notice_given") == [("notice_given", mail(DIRECTOR)), ("notice_given", OFFICE)]
    assert "Sidste dag er 31. december 2027" in way.body("notice_given")
    assert way.told("notice_withdrawn") == [("notice_withdrawn", mail(DIRECTOR)), ("notice_withdrawn", OFFICE)]
    assert "fortrudt" in way.body("notice_withdrawn")


def test_who_was_delegated_the_right_to_sign_is_told(way: Telling) -> None:
    authority_id, person = way.authority_id(), rights.Person("En Ny", "ny@eksempel.dk", "Chef", 15)
    ground = rights.Ground("delegation", date(2026, 11, 24), document=("fuldmagt.pdf", b"%PDF-1.4 fuldmagt"))

    way.by(SECRETARIAT, lambda s, t: rights.give(s, authority_id, person, ground, t))

    assert way.told("right") == [("right", "ny@eksempel.dk")]
    assert "En Forbereder, der indestår" in way.body("right")


def test_pv_122_a_letter_leads_to_the_page_alone_and_holds_no_secret(way: Telling) -> None:
    offer = way.offered(DIRECTOR)

    body = way.body("offered")

    (link,) = [word for word in body.split() if word.startswith("https://")]
    assert link == f"https://tilslut.example.org/agreements/{offer.reference}"
    assert "ingen er logget ind af det" in body
    assert body.startswith("Kære Underskriver 11\n") and "In English" not in body


def test_who_has_chosen_english_gets_it_below_the_danish(way: Telling) -> None:
    way.asked(lambda session: _add_user(session, "Underskriver 11", mail(DIRECTOR).upper(), "en"))

    way.offered(DIRECTOR)

    danish, english = way.body("offered").split("--- In English: ")
    assert "står som underskriver" in danish and "you are named as signatory" in english


def test_the_settings_say_who_is_told_and_when(way: Telling) -> None:
    wanted = correspondence.Correspondence(("post@example.org",), (3,), 20)
    made = way.by(SECRETARIAT, lambda s, t: correspondence.propose(s, wanted, t))
    assert way.asked(correspondence.current) == correspondence.Correspondence()
    way.by(CHAIR, lambda s, t: correspondence.approve(s, made.id, t))

    way.offered(DIRECTOR)
    list(rounds.one(_work(way.later(days=3)), rounds.STEPS[:2]))
    list(rounds.one(_work(way.later(days=31)), rounds.STEPS[:2]))

    assert way.told("reminded") == [("reminded", mail(DIRECTOR))]
    assert ("expired", "post@example.org") in way.told() and ("expired", OFFICE) not in way.told()


def test_an_act_that_is_refused_writes_no_letter(way: Telling) -> None:
    offer = way.offered(DIRECTOR)

    with pytest.raises(offers.OfferRefused):
        way.by(SECRETARIAT, lambda s, t: offers.withdraw(s, offer.id, " ", t))

    assert way.told("withdrawn") == []


def test_a_title_of_long_names_is_cut_and_no_hindrance(way: Telling) -> None:
    assert len(agreement_letters._short("x" * 500)) == letters.LONGEST_TITLE


_opened: list[Any] = []


def _work(way: Way) -> InNameOf:
    """The work of the service at the way's time, inside an application that ends with the test."""
    settings = replace(config.read(way.line.environment), clock=way.at)
    context = create_ground(settings).app_context()
    context.push()
    _opened.append(context)
    return InNameOf(settings, rounds.ACTOR)


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    """Let every application go that a test opened."""
    yield
    while _opened:
        database.db.engine.dispose()
        _opened.pop().pop()
