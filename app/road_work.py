"""What comes by itself on the road: reminding who wants it, asking about quiet journeys, letting old ones go.

Both are found by the state of things. Letters tell how much waits and where, and nothing that was written.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements import correspondence
from agreements.road import inquiries, journeys, reminding, retention
from agreements.road.journeys import JOURNEYS, Journey
from agreements.road.reminding import Promised
from agreements.road.retention import Due
from app import clock
from app.access import Principal, Role
from app.agreement_letters import base_url
from app.annual_work import Surroundings
from app.config import Config
from app.identity import users
from app.identity.users import Person
from authorities.register import AUTHORITIES
from billing.funding import judgements
from foundation import language, letters
from foundation.audit import Trail
from foundation.language import Language, Text
from foundation.letters import LETTERS, Letter

REMINDER, QUIET = "road_reminder", "road_quiet"

#: So long after one reminder somebody gets no other.
PAUSE = timedelta(days=7)
_MOST_TOLD = 50
#: Where reminders are turned on and off.
SETTING = "/road/reminders"


# --- reminding


def remind(surroundings: Surroundings) -> int:
    """Write the reminders that are due; give how many."""
    with surroundings.reading() as session:
        if not _reminders(session, surroundings.config):
            return 0
    with surroundings.writing() as (session, trail):
        due = _reminders(session, surroundings.config)
        letters.write(session, due, trail, sender=surroundings.config.mail.sender)
    return len(due)


def _reminders(session: Session, config: Config) -> list[Letter]:
    """Give the letters that are due: one for who wants it, had none this week, and has something to be reminded of."""
    on, wanted = clock.today(config), reminding.wanted(session)
    wanted -= _reminded(session, config) if wanted else frozenset()
    if not wanted:
        return []
    open_ = session.execute(journeys.listing().where(JOURNEYS.c.ended_on.is_(None))).all()
    threads = session.execute(inquiries.listing()).all()
    promised = reminding.promised(journeys.read(session, open_), inquiries.read(session, threads), on)
    if not promised:
        return []
    ids = {row.cvr: row.id for row in session.execute(select(AUTHORITIES.c.cvr, AUTHORITIES.c.id))}
    found = []
    for person in users.people(session, on):
        seen = [each for each in promised if _sees(person, each, ids)] if person.id in wanted else []
        if seen:
            found.append(_reminder(person, seen, on, config))
    return found


def _reminded(session: Session, config: Config) -> frozenset[int]:
    """Give the user accounts that were written to within the week."""
    since = clock.now(config) - PAUSE
    found = select(LETTERS.c.subject).where(LETTERS.c.kind == REMINDER, LETTERS.c.written_at > since)
    return frozenset(int(subject.split()[1].partition("/")[0]) for subject in session.scalars(found))


def _sees(person: Person, promised: Promised, ids: dict[str, int]) -> bool:
    principal = Principal(
        person.id, person.name, frozenset(person.roles),
        authorities=frozenset(ids[seat.cvr] for seat in person.seats if seat.cvr),
        products=frozenset(seat.product for seat in person.seats if seat.product),
    )  # fmt: skip
    reach = principal.scope("journey.read")
    return reach.everything or promised.authority_id in reach.authorities or promised.product in reach.products


def _reminder(person: Person, seen: Sequence[Promised], on: date, config: Config) -> Letter:
    spoken = users.spoken_by(person)
    lines = [f"{_told(each)[spoken]}\n  {base_url(config)}{each.address}" for each in seen[:_MOST_TOLD]]
    if more := len(seen) - len(lines):
        lines.append(Text(f"… og {more} mere", f"… and {more} more")[spoken])
    head = Text("Her er dagen gået for noget, der blev lovet på vejen til en tilslutning:",
                "Here the day has passed for something promised on the road to a connection:")[spoken]  # fmt: skip
    foot = Text(
        "Du har selv slået påmindelser til, og de kommer højst én gang om ugen. Slå dem fra her:",
        "You turned reminders on yourself, and they come once a week at most. Turn them off here:",
    )[spoken]
    body = "\n\n".join([head, *lines, f"{foot} {base_url(config)}{SETTING}"])
    title = Text("Påmindelse: noget venter på vejen til en tilslutning",
                 "Reminder: something waits on the road to a connection")[spoken]  # fmt: skip
    return Letter(REMINDER, f"user {person.id}/{on}", person.mail, title, f"{body}\n")


def _told(promised: Promised) -> Text:
    about = ", ".join(filter(None, (promised.authority, promised.product)))
    parts = [
        (promised.tasks, Text("opgaver med overskredet frist", "tasks with a day passed"),
         Text("opgave med overskredet frist", "task with a day passed")),
        (promised.trials, Text("prøver uden afgørelse", "trials without a verdict"),
         Text("prøve uden afgørelse", "trial without a verdict")),
        (promised.questions, Text("spørgsmål, hvis svarfrist er overskredet", "questions not answered in time"),
         Text("spørgsmål, hvis svarfrist er overskredet", "question not answered in time")),
    ]  # fmt: skip
    said = [Text(f"{count} ", f"{count} ") + (one if count == 1 else many) for count, many, one in parts if count]
    return Text(f"{about}: ", f"{about}: ") + language.joined(said, by=", ")


# --- letting go


def due(surroundings: Surroundings) -> Due:
    """Give what would be asked about, ended and emptied today; writes nothing."""
    with surroundings.reading() as session:
        return retention.due(session, surroundings.config.road, clock.today(surroundings.config))


def let_go(surroundings: Surroundings) -> Due:
    """Ask about quiet journeys, end those nobody answered for, empty what was kept long enough; give what was done."""
    found, config = due(surroundings), surroundings.config
    if found:
        with surroundings.writing() as (session, trail):
            found = retention.due(session, config.road, clock.today(config))
            _ask(session, found.ask, trail, config)
            retention.let_go(session, found, config.road, trail)
            judgements.empty(session, found.empty)
    return found


def _ask(session: Session, ids: Sequence[int], trail: Trail, config: Config) -> None:
    """Write to who may say that a quiet journey goes on: the authority's people, else the secretariat."""
    if not ids:
        return
    on, told = clock.today(config), correspondence.current(session).told
    people = [person for person in users.people(session, on) if Role.SIGNATORY in person.roles]
    rows = session.execute(journeys.listing().where(JOURNEYS.c.id.in_(ids))).all()
    wanted: list[Letter] = []
    secretariat: list[tuple[str, Language]] = [(to, "da") for to in told]
    for journey in journeys.read(session, rows):
        theirs = [
            (each.mail, users.spoken_by(each)) for each in people if any(s.cvr == journey.cvr for s in each.seats)
        ]
        wanted += [_question(journey, to, spoken, on, config) for to, spoken in theirs or secretariat]
    letters.write(session, wanted, trail, sender=config.mail.sender)


def _question(journey: Journey, to: str, spoken: Language, on: date, config: Config) -> Letter:
    ends, about = on + retention.ANSWER, f"{journey.authority}, {journey.product}"
    told = Text(
        f"Der er længe ikke sket noget på vejen til en tilslutning: {about}. Er I stadig på vej, så sig til her, "
        f"senest {language.day(ends).da}; ellers slutter rejsen den dag:",
        f"Nothing has happened for long on the road to a connection: {about}. If you are still on the way, say so here "
        f"by {language.day(ends).en}; else the journey ends that day:",
    )[spoken]
    title = Text("Er I stadig på vej?", "Are you still on the way?")[spoken]
    return Letter(QUIET, f"journey {journey.id}/{on}", to, title, f"{told} {base_url(config)}/road/{journey.id}\n")
