"""Agreements on their way, for tests: who signs, who countersigns, and an offer taken as far as a test needs it.

`way = Way(starter)` stands on the real registers. Everything is done as pages do it: one act, one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine, NullPool, create_engine, select
from sqlalchemy.orm import Session

import agreements
from agreements import offered, offers, paper, rights, signing, templates
from agreements.clauses import TemplateName
from agreements.document import AgreementDocument, FeeAnnex, Party, Signatory, TemplateReference
from agreements.offered import Offer
from agreements.offers import Build, Order
from agreements.products import PRODUCTS
from agreements.rights import Person, Right
from agreements.signing import Consent, Countersigned, Fresh, Signed, Signer
from agreements.templates import Adopted
from app import database
from authorities.register import AUTHORITIES
from foundation.audit import Trail, sha256
from foundation.proposals import Proposal
from tests.agreements import documents
from tests.command_line import CommandLine

#: The texts that ship.
TEXTS = Path(str(agreements.__file__)).parent / "data"

AT = datetime(2026, 11, 24, 10, tzinfo=UTC)

#: People as the trail names them, with their numbers.
SECRETARIAT, CHAIR = "En Forbereder #1", "En Godkender #2"
DIRECTOR, MAYOR, COLLEAGUE, STRANGER, CHAIRS = 11, 12, 13, 14, 2

Made = TypeVar("Made")


@lru_cache(4)
def _engine(url: str) -> Engine:
    """Give the engine of a database, which keeps what it has compiled and no connection."""
    made = create_engine(url, poolclass=NullPool)
    database.prepare(made)
    return made


@dataclass
class Way:
    """A database on which agreements are made; `at` is now."""

    line: CommandLine
    at: datetime = AT
    cvr: str = "55133018"
    product: str | None = "OS2valghalla"
    annex: FeeAnnex = field(default_factory=documents.annex)
    said: dict[str, Any] = field(default_factory=dict)
    rights: dict[int, int] = field(default_factory=dict)  # by person: the right given

    def by(self, actor: str, act: Callable[[Session, Trail], Made]) -> Made:
        """Let somebody do something, and commit it; what is refused leaves nothing behind."""
        with self.session() as session:
            trail = Trail(session, actor, self.at)
            made = act(session, trail)
            trail.write()
        return made

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a session; what is written is committed at the end."""
        with Session(_engine(self.line.url)) as session:
            yield session
            session.commit()

    def later(self, **time: int) -> Way:
        """Give the same place at another time."""
        return replace(self, at=self.at + timedelta(**time))

    def asked(self, question: Callable[[Session], Made]) -> Made:
        """Ask the database something."""
        with self.session() as session:
            return question(session)

    # --- who

    def authority_id(self, cvr: str | None = None) -> int:
        """The number of an authority."""
        found = select(AUTHORITIES.c.id).where(AUTHORITIES.c.cvr == (cvr or self.cvr))
        return int(self.asked(lambda session: session.execute(found).scalar_one()))

    def person(self, user_id: int) -> Person:
        """Somebody of the authority, by number."""
        return Person(f"Underskriver {user_id}", f"u{user_id}@eksempel.dk", "Direktør", user_id)

    def may_sign(self, *user_ids: int, until_on: date | None = None, cvr: str | None = None) -> None:
        """Give people the right to sign for the authority."""
        authority_id = self.authority_id(cvr)
        ground = rights.Ground("position", date(2026, 1, 1), until_on)
        for person in map(self.person, user_ids):
            given = self.by(SECRETARIAT, partial(_given, authority_id=authority_id, person=person, ground=ground))
            self.rights[person.user_id or 0] = given.id

    def chair_may_countersign(self) -> None:
        """Give the chair the association's right."""
        chair = Person("En Godkender", "formand@eksempel.dk", "Formand", CHAIRS)
        ground = rights.Ground("position", date(2026, 1, 1))
        self.by(SECRETARIAT, lambda s, t: rights.give(s, None, chair, ground, t))

    def signer(self, user_id: int = DIRECTOR, **changed: Any) -> Signer:
        """Somebody who signed in for the authority a minute ago."""
        person = self.person(user_id)
        made = Signer(
            user_id, person.name, person.mail, self.cvr, "https://provider.eksempel.dk", f"sub-{user_id}", "high",
            self.at - timedelta(minutes=1), sha256(f"token {user_id}"), "192.0.2.7", "Mozilla/5.0", "da",
            frozenset({"high"}),
        )  # fmt: skip
        return replace(made, **changed)

    def chair(self, **changed: Any) -> Signer:
        """The chair, signed in a minute ago."""
        return replace(self.signer(CHAIRS, name="En Godkender"), **changed)

    # --- an offer, step by step

    def template(self) -> Adopted:
        """The shipped template of this matter, adopted where it is not yet."""
        name: TemplateName = "connection" if self.product else "membership"
        known = self.asked(lambda session: [each for each in templates.listed(session) if each.name == name])
        if known:
            return known[0]
        text = (TEXTS / f"{name}_v1.toml").read_text(encoding="utf-8")
        proposed = self.by(SECRETARIAT, lambda s, t: templates.propose(s, text, t))
        return self.by(CHAIR, lambda s, t: templates.adopt(s, proposed.id, t))

    def build(self, *user_ids: int, **said: Any) -> Build:
        """Give what makes the document of this authority with these signatories."""

        adopted = self.template()
        template = TemplateReference(adopted.name, adopted.version, adopted.digest)

        def made(reference: str, version: int) -> AgreementDocument:
            people = tuple(
                Signatory(at, person.name, person.title, person.mail)
                for at, person in enumerate(map(self.person, user_ids), start=1)
            )
            party = Party("Aarhus Kommune", self.cvr, "Rådhuspladsen 2", "8000", "Aarhus C")
            subject = replace(documents.agreement().subject, product=self.product or "")
            wanted = {"annex": self.annex, "authority": party, "subject": subject, "signatories": people,
                      "template": template, "effective_on": date(2027, 1, 1)} | self.said | said  # fmt: skip
            return documents.agreement(reference=reference, version=version, **wanted)

        return made

    def order(self, *user_ids: int, **changed: Any) -> Order:
        """What to draft: signed by these people, in order."""
        people = [self.person(user_id) for user_id in user_ids]
        places = tuple(
            offered.Signatory(at, person.name, person.title, person.mail, self.rights.get(person.user_id or 0))
            for at, person in enumerate(people, start=1)
        )
        named = select(PRODUCTS.c.id).where(PRODUCTS.c.name == self.product)
        product_id = self.asked(lambda session: session.execute(named).scalar())
        return replace(Order(self.authority_id(), product_id, self.template().id, places), **changed)

    def drafted(self, *user_ids: int, replaces: int | None = None, **said: Any) -> Offer:
        """Draft an offer to these people."""
        people = user_ids or (DIRECTOR,)
        order = self.order(*people, in_order=said.get("in_order", True))
        build = self.build(*people, **said)
        return self.by(SECRETARIAT, lambda s, t: offers.draft(s, order, build, t, replaces=replaces))

    def offered(self, *user_ids: int, replaces: int | None = None, **said: Any) -> Offer:
        """Draft and offer."""
        made = self.drafted(*user_ids, replaces=replaces, **said)
        return self.by(SECRETARIAT, lambda s, t: offers.offer(s, made.id, self.annex, t))

    def opened(self, offer: Offer, user_id: int = DIRECTOR, **changed: Any) -> Offer:
        """Let a signatory open it."""
        signer = self.signer(user_id, **changed)
        return self.by(_actor(signer), lambda s, t: signing.open_(s, offer.id, signer, t))

    def accepted(self, offer: Offer, user_id: int = DIRECTOR, digest: str | None = None) -> Offer:
        """Let a signatory take the first step."""
        signer = self.signer(user_id)
        shown = offer.digest if digest is None else digest
        return self.by(_actor(signer), lambda s, t: signing.accept(s, offer.id, signer, shown, t))

    def consent(self, offer: Offer, user_id: int = DIRECTOR, **changed: Any) -> Consent:
        """What a signatory agrees to when everything is right."""
        person = self.person(user_id)
        place = next((each for each in offer.signatories if each.mail == person.mail), offer.signatories[0])
        words = signing.consent_words(offer, place).da
        return replace(Consent(offer.digest, words, True, place.name, place.title), **changed)

    def sign(self, offer: Offer, user_id: int = DIRECTOR, consent: Consent | None = None, **changed: Any) -> Signed:
        """Let a signatory take the second step."""
        signer, given = self.signer(user_id, **changed), consent or self.consent(offer, user_id)
        return self.by(_actor(signer), lambda s, t: signing.sign(s, offer.id, signer, given, self.annex, t))

    def signed(self, *user_ids: int, **said: Any) -> Offer:
        """Take an offer to these people as far as the authority's last signature."""
        people = user_ids or (DIRECTOR,)
        self.may_sign(*(each for each in people if each not in self.rights))
        offer = self.offered(*people, **said)
        for user_id in people:
            offer = self.signed_by(offer, user_id)
        return offer

    def signed_by(self, offer: Offer, user_id: int) -> Offer:
        """Let one signatory open, accept and sign."""
        return self.sign(self.accepted(self.opened(offer, user_id), user_id), user_id).offer

    def countersign(self, *chosen: Offer, signer: Signer | None = None, digest: str | None = None) -> Countersigned:
        """Let the chair countersign a list."""
        who, ids = signer or self.chair(), [each.id for each in chosen]
        shown = signing.list_digest(chosen) if digest is None else digest
        return self.by(CHAIR, lambda s, t: signing.countersign(s, ids, who, shown, t))

    def countersigned(self, *user_ids: int, **said: Any) -> Offer:
        """Take an offer as far as the chair's signature."""
        if not self.asked(lambda session: rights.who_may(session, None, date(2026, 11, 24))):
            self.chair_may_countersign()
        return self.countersign(self.signed(*user_ids, **said)).done[0]

    def fresh(self, *user_ids: int, **said: Any) -> Fresh:
        """What a new version is made of."""
        return Fresh(self.build(*(user_ids or (DIRECTOR,)), **said), self.annex)

    def now(self, offer: Offer) -> Offer:
        """Read an offer again."""
        return self.asked(lambda session: offered.get(session, offer.id))

    def column(self, statement: Any) -> list[Any]:
        """The first column of a query."""
        return self.asked(lambda session: list(session.execute(statement).scalars()))


def sign_everything(line: CommandLine, cvr: str, at: datetime) -> None:
    """Leave rows in every table of signing: agreements signed here, two from paper, rights that ended."""
    way = Way(line, at, cvr, "OS2kitos")
    way.may_sign(DIRECTOR, MAYOR, COLLEAGUE, STRANGER)
    way.countersigned(DIRECTOR, MAYOR, effective_on=date(2028, 1, 1))
    way.offered()
    authority_id = way.authority_id()
    for user_id in (COLLEAGUE, STRANGER):
        way.by(SECRETARIAT, partial(_ended, right_id=way.rights[user_id], authority_id=authority_id, on=at.date()))
    for nth, day in enumerate((date(2019, 3, 1), date(2020, 3, 1))):
        ended = day.replace(year=day.year + 1, month=12, day=31)
        told = paper.Facts(cvr, "OS2sofd", "active", day, day, day, notice_given_on=day, terminated_to=ended)
        file = (f"{nth}.pdf", b"%PDF-1.4 " + str(nth).encode())
        proposal = way.by(SECRETARIAT, partial(_proposed, told=told, file=file))
        way.by(CHAIR, partial(_approved, proposal_id=proposal.id))


def _ended(session: Session, trail: Trail, *, right_id: int, authority_id: int, on: date) -> Right:
    return rights.end(session, right_id, authority_id, on, trail)


def _proposed(session: Session, trail: Trail, *, told: paper.Facts, file: tuple[str, bytes]) -> Proposal:
    return paper.propose(session, told, file, trail)


def _approved(session: Session, trail: Trail, *, proposal_id: int) -> int:
    return paper.approve(session, proposal_id, trail)


def _given(session: Session, trail: Trail, *, authority_id: int, person: Person, ground: rights.Ground) -> Right:
    return rights.give(session, authority_id, person, ground, trail)


def _actor(signer: Signer) -> str:
    return f"{signer.name} #{signer.user_id}"
