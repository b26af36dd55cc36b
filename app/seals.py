"""The work of sealing: which key and whose time stamps, what waits, and how it stands. The same for commands and pages.

What is countersigned and not sealed is sealed, one agreement at a time, each kept at once. What cannot be sealed is
noted with its reason and tried again the next time, for ever; the others are not held up by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from agreements import evidence, offered, sealed
from agreements.offered import Offer
from agreements.sealed import Certificate, Failure, Fresh
from app import clock
from app.adapters import local_timestamps, sealing, signing_keys
from app.adapters.sealing import Evidence, NotSealed, Sealed
from app.adapters.signing_keys import Key, KeyUnusable, NoKey
from app.annual_work import Surroundings
from app.config import LOCAL_TIMESTAMPS, Config
from foundation import letterhead
from foundation.archive import About
from foundation.audit import canonical, sha256
from foundation.errors import DomainError, NotNow, Refused
from foundation.language import Text, joined
from foundation.letterhead import Paper

_AT_A_TIME = 20


class NotInUse(NotNow):
    """The key that is set is not the one that was taken into use."""


class NotMadeUpHere(Refused):
    """A key may not be made up where real people rely on it, or in the place of a real one."""


@dataclass(frozen=True, slots=True)
class Source:
    """What an agreement is sealed from: the PDF that was shown, and the record of how it was signed."""

    render: Callable[[Offer], bytes]
    record: Callable[[Session, int], Mapping[str, Any]]


def of_agreements() -> Source:
    """Give the source of agreements: the PDF of their document, and their evidence record."""
    from agreements import document_pdf  # late: a command that seals nothing does not wait for reportlab

    return Source(lambda offer: document_pdf.render(offer.document), evidence.record)


@dataclass(slots=True)
class Done:
    """What sealing came to."""

    sealed: list[int] = field(default_factory=list)
    failed: dict[int, Text] = field(default_factory=dict)


# --- the key ---------------------------------------------------------------------------------------------------------


def key(config: Config) -> Key:
    """Load the key, with all that vouches for it and for the time stamps. Raises NoKey, KeyUnusable."""
    found = signing_keys.load(config.signing)
    if config.is_production and found.is_made_up:
        raise KeyUnusable(Text("nøglen er opdigtet", "the key is made up"))
    if config.signing.timestamps == LOCAL_TIMESTAMPS and config.signing.local_time.exists():
        return replace(found, chain=(*found.chain, *local_timestamps.certificates(config.signing.local_time)))
    return found


def key_in_use(session: Session, config: Config) -> Key:
    """Load the key, and see that its certificate was taken into use. Raises NoKey, KeyUnusable, NotInUse."""
    found = key(config)
    standing = sealed.certificates(session)[:1]
    if not standing or (standing[0].sha256, standing[0].chain) != (found.sha256, found.pem):
        raise NotInUse(
            Text(
                "den valgte nøgle er ikke taget i brug",
                "the key that is set was not taken into use",
            )
        )
    return found


def rotate(surroundings: Surroundings, *, made_up: bool = False) -> tuple[Key, bool]:
    """Take the key that is set into use, after a trial; tell whether that is any change. What was sealed stays."""
    config = surroundings.config
    if made_up:
        _make_up(config)
    found = key(config)
    seal_trial(found, config)
    with surroundings.writing() as (session, trail):
        certificate = found.certificate
        days = certificate.not_valid_before, certificate.not_valid_after
        wanted = Certificate(found.sha256, found.subject, *days, found.pem, trail.actor, trail.at)
        return found, sealed.take_into_use(session, wanted, trail)


def _make_up(config: Config) -> None:
    if config.is_production or not config.signing.is_local:
        raise NotMadeUpHere(
            Text(
                "en opdigtet nøgle laves kun i demonstration og udvikling, hvor OS2TILSLUT_SIGNING_KEY ikke er sat",
                "a key is made up only in demonstration and development, where OS2TILSLUT_SIGNING_KEY is not set",
            )
        )
    from_, until = sorted((clock.machine(), clock.now(config)))
    last = until + signing_keys.LIVES
    signing_keys.make_up(Path(config.signing.key), "seal", from_, last)
    signing_keys.make_up(config.signing.local_time, "time", from_, last)


def seal_trial(found: Key, config: Config) -> Sealed:
    """Seal a page that says it is a trial: the key, the time stamps and what vouches for them, all in one."""
    words, today = "Prøve af seglet", clock.today(config)
    paper = Paper(About(words, "OS2", words, "da", today))
    paper.text(letterhead.LEFT, letterhead.TOP, words, letterhead.BODY)
    paper.turn()
    stamping = sealing.timestamps(config.signing)
    return sealing.seal(paper.finish(), Evidence("proeve.json", b"{}"), found, stamping, clock.now(config))


# --- sealing ---------------------------------------------------------------------------------------------------------


def waits(session: Session) -> bool:
    """Tell whether anything waits for its seal."""
    return sealed.count_waiting(session) > 0


def seal_waiting(surroundings: Surroundings, source: Source | None = None) -> Done:
    """Seal all that waits; give what was sealed, and what could not be. Raises NotNow where there is no key for any."""
    done, source = Done(), source or of_agreements()
    try:
        with surroundings.reading() as session:
            found = key_in_use(session, surroundings.config)
        sealing.refuse_expired(found.certificate, clock.now(surroundings.config))
        stamping = sealing.timestamps(surroundings.config.signing)
    except NotNow as refused:
        _note_all(surroundings, refused.text)
        raise
    while batch := _next(surroundings, source, done):
        for offer_id, pdf, record in batch:
            try:
                made = sealing.seal(pdf, record, found, stamping, clock.now(surroundings.config))
            except NotSealed as refused:
                _note(surroundings, offer_id, refused.text)
                done.failed[offer_id] = refused.text
            else:
                if _keep(surroundings, offer_id, pdf, record, made):
                    done.sealed.append(offer_id)
    return done


def tried(surroundings: Surroundings) -> Text:
    """Seal what waits, and tell what came of it; nothing is refused, since it will be tried again."""
    try:
        done = seal_waiting(surroundings)
    except NotNow as refused:
        return Text("ikke forseglet endnu: ", "not sealed yet: ") + refused.text
    told = Text(f"{len(done.sealed)} forseglet", f"{len(done.sealed)} sealed")
    return joined([told, *done.failed.values()], by="\n  ")


_Work = tuple[int, bytes, Evidence]


def _next(surroundings: Surroundings, source: Source, done: Done) -> list[_Work]:
    with surroundings.reading() as session:
        ids = sealed.waiting(session, at_most=_AT_A_TIME, failed=[*done.failed, *done.sealed])
        offers = offered.many(session, ids)
        return [_work(session, offer, source) for offer in offers]


def _work(session: Session, offer: Offer, source: Source) -> _Work:
    """Give what an agreement is sealed from; the evidence also names the bytes that were shown."""
    pdf = source.render(offer)
    told = {**source.record(session, offer.id), "shown_pdf": {"bytes": len(pdf), "sha256": sha256(pdf)}}
    return offer.id, pdf, Evidence(f"{offer.reference}-v{offer.version}-bevis.json", canonical(told).encode())


def _keep(surroundings: Surroundings, offer_id: int, pdf: bytes, record: Evidence, made: Sealed) -> bool:
    fresh = Fresh(
        offer_id, made.content, pdf, made.signature_sha256, made.file_id, record.content.decode(), made.level,
        made.certificate_sha256,
    )  # fmt: skip
    with surroundings.writing() as (session, trail):
        return sealed.store(session, fresh, trail)  # False: another process was first


def _note(surroundings: Surroundings, offer_id: int, reason: Text) -> None:
    with surroundings.writing() as (session, trail):
        sealed.note_failure(session, offer_id, reason, trail)


def _note_all(surroundings: Surroundings, reason: Text) -> None:
    """Note for those that wait first why none can be sealed."""
    with surroundings.writing() as (session, trail):
        for offer_id in sealed.waiting(session, at_most=_AT_A_TIME):
            sealed.note_failure(session, offer_id, reason, trail)


# --- how it stands ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Status:
    """How sealing stands: the key, what is wrong with it or will be, the level, what waits and why."""

    in_use: Certificate | None
    fault: DomainError | None
    warning: Text | None
    level: str
    timestamps: str
    waiting: int
    failures: tuple[Failure, ...]


def status(session: Session, config: Config, at: datetime) -> Status:
    """Tell how sealing stands. Asks the key, and nobody on the net."""
    fault: DomainError | None = None
    warning = None
    try:
        warning = sealing.warning(key_in_use(session, config).certificate, at)
    except (NoKey, KeyUnusable, NotInUse) as refused:
        fault = refused
    standing = sealed.certificates(session)[:1]
    return Status(
        in_use=standing[0] if standing else None,
        fault=fault,
        warning=warning,
        level=sealing.B_LTA if config.signing.timestamps else sealing.B_B,
        timestamps=config.signing.timestamps,
        waiting=sealed.count_waiting(session),
        failures=tuple(sealed.failures(session)),
    )


def warnings(session: Session, config: Config, at: datetime) -> list[Text]:
    """Give what somebody has to look at: a key that ends soon or has ended, agreements that wait for their seal."""
    found = status(session, config, at)
    told = [found.warning] if found.warning else []
    if found.waiting:
        many = found.waiting
        told.append(
            Text(f"{many} aftale(r) er underskrevet, ikke forseglet", f"{many} agreement(s) signed, not sealed")
        )
        told += [found.fault.text] if found.fault else []
    return told
