"""Made-up agreements for the demonstration: texts adopted, rights given, offers on every stage of their way.

Everything goes the way people would take it, each act by the made-up person it belongs to; every document says that its
data are made up. Done twice, it does nothing the second time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import resources
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements import offered, offers, rights, signing, template_text, templates
from agreements.connections import AGREEMENTS
from agreements.document import Billing
from agreements.offered import Offer, Signatory
from agreements.products import PRODUCTS
from agreements.rights import Ground, Person
from agreements.signing import Consent, Signer
from agreements.steps import OFFERS
from app import association, clock, database, demonstration, offering, recording
from app.config import Config
from app.identity import offices
from app.identity.models import UserAccount
from app.offering import Wish
from authorities.register import AUTHORITIES
from foundation.audit import Trail, sha256

_SINCE = date(2012, 1, 1)
_TITLES = {"signatory-aarhus": "Direktør", "signatory-aarhus-2": "Kommunaldirektør", "signatory-aalborg": "Direktør"}

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Way:
    """One offer to make up: to whom, on what, who is to sign, and how far it comes."""

    cvr: str
    product: str
    people: tuple[str, ...]
    signed_by: int = 0  # how many of them have signed
    countersigned: bool = False


_AARHUS, _AALBORG = "55133018", "29189420"
#: Whose cost is shared: who joins changes what all others pay.
_SHARED = "OS2kle"


@dataclass(frozen=True, slots=True)
class _Stage:
    config: Config
    people: dict[str, UserAccount]  # by the word their mail begins with

    def by(self, who: str, act: Callable[[Session, Trail], Made]) -> Made:
        """Let a made-up person do something, in a transaction of its own."""
        person = self.people[who]
        by = f"{person.name} #{person.id}"
        with database.writing() as session, recording.recorded(session, by, self.config) as trail:
            return act(session, trail)


def ways(session: Session) -> list[Way]:
    """Give what the demonstration shows: two offers that wait, one for the chair, one signed by both sides."""
    aarhus, aalborg = (_not_had(session, cvr) for cvr in (_AARHUS, _AALBORG))
    return [
        Way(_AARHUS, aarhus[0], ("signatory-aarhus", "signatory-aarhus-2")),
        Way(_AALBORG, aalborg[0], ("signatory-aalborg",)),
        Way(_AALBORG, aalborg[1], ("signatory-aalborg",), signed_by=1),
        Way(_AARHUS, aarhus[1], ("signatory-aarhus",), signed_by=1, countersigned=True),
    ]


def _not_had(session: Session, cvr: str) -> list[str]:
    """Give products an authority has no agreement on, by name."""
    had = (
        select(AGREEMENTS.c.product_id)
        .join(AUTHORITIES, AUTHORITIES.c.id == AGREEMENTS.c.authority_id)
        .where(AUTHORITIES.c.cvr == cvr)
    )
    found = select(PRODUCTS.c.name).where(PRODUCTS.c.id.not_in(had), PRODUCTS.c.name != _SHARED)
    return list(session.scalars(found.order_by(PRODUCTS.c.name)))


def make(config: Config, wanted: Sequence[Way]) -> list[str]:
    """Make the agreements up; give the references. Needs an application context and the made-up people."""
    with database.reading() as session:
        if session.execute(select(OFFERS.c.id).limit(1)).first() is not None:
            return []
        accounts = session.scalars(select(UserAccount).where(UserAccount.mail.like("%@example.dk"))).all()
        session.expunge_all()
    stage = _Stage(config, {account.mail.partition("@")[0]: account for account in accounts})
    _adopt(stage)
    _give_rights(stage)
    first_day = clock.today(config) + timedelta(days=30)
    return [_walk(stage, way, first_day).reference for way in wanted]


def _adopt(stage: _Stage) -> None:
    """Let the texts that ship be proposed by one person and adopted by another, where there are none yet."""
    with database.reading() as session:
        known = {each.name for each in templates.listed(session)}
    for name in (each for each in template_text.NAMES if each not in known):
        text = resources.files("agreements").joinpath(f"data/{name}_v1.toml").read_text(encoding="utf-8")

        def propose(session: Session, trail: Trail, text: str = text) -> int:
            return templates.propose(session, text, trail).id

        number = stage.by("finance", propose)

        def adopt(session: Session, trail: Trail, number: int = number) -> int:
            return templates.adopt(session, number, trail).id

        stage.by("approver-2", adopt)


def _give_rights(stage: _Stage) -> None:
    """Let the secretariat vouch for the signatories, and the administrator give the chair's office."""
    for who, title in _TITLES.items():

        def give(session: Session, trail: Trail, who: str = who, title: str = title) -> None:
            person = stage.people[who]
            cvr = _AALBORG if who == "signatory-aalborg" else _AARHUS
            authority = session.execute(select(AUTHORITIES.c.id).where(AUTHORITIES.c.cvr == cvr)).scalar_one()
            named = Person(person.name, person.mail, title, person.id)
            rights.give(session, authority, named, Ground("position", _SINCE), trail)

        stage.by("finance", give)
    chair = stage.people["approver"]
    stage.by("administrator", lambda s, t: offices.give(s, chair, "Formand for bestyrelsen", None, t, on=_SINCE))


# --- one offer


def _walk(stage: _Stage, way: Way, first_day: date) -> Offer:
    made = stage.by("finance", lambda session, trail: _offer(stage, session, way, first_day, trail))
    for who in way.people[: way.signed_by]:
        _sign(stage, made, who)
    if way.countersigned:
        stage.by("approver", lambda session, trail: _countersign(stage, session, made, trail))
    return made


def _offer(stage: _Stage, session: Session, way: Way, first_day: date, trail: Trail) -> Offer:
    today = offered.local_day(trail.at)
    wish = _wish(stage, session, way, first_day)
    ready = offering.prepare(session, wish, association.seller(session, stage.config), today)
    drafted = offers.draft(session, ready.order, ready.build, trail)
    return offers.offer(session, drafted.id, ready.annex, trail)


def _wish(stage: _Stage, session: Session, way: Way, first_day: date) -> Wish:
    authority = session.execute(select(AUTHORITIES.c.id).where(AUTHORITIES.c.cvr == way.cvr)).scalar_one()
    people = tuple(
        Signatory(at, stage.people[who].name, _TITLES[who], stage.people[who].mail)
        for at, who in enumerate(way.people, start=1)
    )
    billing = Billing("gln", demonstration.gln(way.cvr), "Digitalisering")
    return Wish(authority, way.product, first_day, people, billing)


def _signer(stage: _Stage, who: str, cvr: str) -> Signer:
    person = stage.people[who]
    return Signer(
        person.id, person.name, person.mail, cvr, stage.config.oidc.issuer, who, "made up",
        clock.now(stage.config), sha256(f"made up {who}"), "192.0.2.1", "made up", "da", frozenset({"made up"}),
    )  # fmt: skip


def _sign(stage: _Stage, offer: Offer, who: str) -> None:
    def sign(session: Session, trail: Trail) -> None:
        signer = _signer(stage, who, offer.document.authority.cvr)
        now = signing.open_(session, offer.id, signer, trail)
        signing.accept(session, offer.id, signer, offer.digest, trail)
        place = signing.place_of(session, now, signer.user_id, offered.local_day(trail.at))
        words = signing.consent_words(now, place)["da"]
        consent = Consent(offer.digest, words, True, place.name, place.title)
        fees = offering.fees_today(session, now, offered.local_day(trail.at))
        signing.sign(session, offer.id, signer, consent, fees, trail)

    stage.by(who, sign)


def _countersign(stage: _Stage, session: Session, offer: Offer, trail: Trail) -> None:
    now = offered.get(session, offer.id)
    signer = _signer(stage, "approver", "")
    signing.countersign(session, [now.id], signer, signing.list_digest([now]), trail)
