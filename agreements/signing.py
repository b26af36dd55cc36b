"""Signing an offer: opened, accepted, signed; declined or passed on; countersigned by the association.

Each takes somebody who has just signed in for the authority whose agreement it is, and who has the right to sign today.
The order of signatories is held here. What is signed is the digest that was shown; a choice of the signatory (the first
day, active or passive, billing details) makes a new version with a digest of its own before anybody has signed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal

from sqlalchemy.orm import Session

from agreements import conclusion, offered, offers, rights, steps
from agreements.conclusion import Concluded, Ground
from agreements.document import AgreementDocument, FeeAnnex
from agreements.offered import Offer, Signatory
from agreements.offers import Build, Order
from agreements.steps import About, Next, Stand, Step, Taken
from foundation import identifiers, wording
from foundation.audit import Trail, canonical, sha256
from foundation.errors import Conflict, FieldsRefused, Refused
from foundation.language import Language, Text, joined, same

#: How long a sign-in counts as fresh.
FRESH = timedelta(minutes=5)

_LONGEST_REFERENCE = 100  # characters, as in billing details


class FormRefused(FieldsRefused):
    """What was filled in is not right; `faults` tells what, by field."""


class NotTheSigner(Refused):
    """This person cannot sign this offer; `who_can` are those who can."""

    def __init__(self, why: Text, who_can: Sequence[rights.Right] = ()) -> None:
        super().__init__(why + Text(". Det kan: ", ". Who can: ") + rights.named(list(who_can)) if who_can else why)
        self.who_can = tuple(who_can)


class NotFresh(Refused):
    """The sign-in is too old for an act that binds."""


class TooWeak(Refused):
    """The sign-in proves too little of who it is for an act that binds."""


class NotYet(Refused):
    """Somebody else signs first, or this person skipped a step."""


class SignedAlready(Conflict):
    """This person, or everybody, has signed."""


class OtherDocument(Conflict):
    """What was shown is not what stands."""


class NothingToCountersign(Refused):
    """None of what was chosen can be countersigned."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs, as the provider of identities told it a moment ago, and from where."""

    user_id: int
    name: str
    mail: str
    organisation_cvr: str  # empty: a private identity
    iss: str
    sub: str
    assurance: str
    auth_time: datetime
    id_token_sha256: str
    address: str
    user_agent: str
    language: Language
    floor: frozenset[str]  # the levels of assurance that suffice to bind an authority, as the settings say

    @property
    def is_assured(self) -> bool:
        """Tell whether the sign-in suffices to sign."""
        return self.assurance in self.floor


@dataclass(frozen=True, slots=True)
class Consent:
    """What the signatory agreed to: the digest shown, the words shown, whether the box was ticked, name and title."""

    digest: str
    words: str
    ticked: bool
    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature that was given; `all_signed` tells whether it was the authority's last, `next` who comes now."""

    offer: Offer
    position: int
    all_signed: bool
    next: tuple[Signatory, ...]


@dataclass(frozen=True, slots=True)
class Declined:
    """An offer that was declined, why, and the signatories who had signed and must hear of it."""

    offer: Offer
    reason: str
    tell: tuple[Signatory, ...]


@dataclass(frozen=True, slots=True)
class Countersigned:
    """What an act of countersigning did, and which were left out for what reason."""

    done: tuple[Offer, ...]
    left_out: tuple[tuple[Offer, Text], ...]


@dataclass(frozen=True, slots=True)
class Task:
    """Where signing stands for one person, in one sentence."""

    state: Literal["completed", "incomplete", "not_yours", "dead"]
    sentence: Text


# --- questions


def consent_words(offer: Offer, signatory: Signatory) -> Text:
    """Give the words that are agreed to; they name authority, matter, version and signatory."""
    said, name = offer.document, f"{signatory.name} ({signatory.title})"
    matter = said.subject.product or "OS2"
    return Text(
        f"Jeg, {name}, har læst aftalen {offer.reference} version {offer.version} om {matter} og underskriver den "
        f"bindende på vegne af {said.authority.name} (CVR {said.authority.cvr}). Kontrolsum: {offer.digest}",
        f"I, {name}, have read the agreement {offer.reference} version {offer.version} on {matter} and sign it with "
        f"binding effect on behalf of {said.authority.name} (CVR {said.authority.cvr}). Digest: {offer.digest}",
    )


def place_of(session: Session, offer: Offer, user_id: int, on: date) -> Signatory:
    """Give the place in which a person signs an offer. Raises NotTheSigner, with who can."""
    right = rights.of_person(session, offer.authority_id, user_id, on)
    if right is None:
        raise NotTheSigner(_without_right(session, offer, user_id, on), rights.who_may(session, offer.authority_id, on))
    for each in offer.signatories:
        if _is_place_of(each, right, session, offer):
            return each
    raise NotTheSigner(
        Text("du står ikke som underskriver på denne aftale", "you are no signatory of this agreement"),
        _chosen(session, offer, on),
    )


def _is_place_of(place: Signatory, right: rights.Right, session: Session, offer: Offer) -> bool:
    """Tell whether a place was meant for who holds a right: by the person behind it, else by name and address."""
    if place.right_id is not None:
        meant = rights.get(session, place.right_id, offer.authority_id)
        if meant.person.user_id is not None:
            return meant.person.user_id == right.person.user_id
    meant_as = (wording.looks(place.name), place.mail.casefold())
    return meant_as == (wording.looks(right.person.name), right.person.mail.casefold())


def _chosen(session: Session, offer: Offer, on: date) -> list[rights.Right]:
    """Give the rights that hold of those who are to sign and have not."""
    waiting = [each for each in offer.signatories if each.position not in offer.signed]
    holding = rights.who_may(session, offer.authority_id, on)
    return [right for right in holding if any(_is_place_of(each, right, session, offer) for each in waiting)]


def _without_right(session: Session, offer: Offer, user_id: int, on: date) -> Text:
    ended = rights.last_day_of(session, offer.authority_id, user_id, on)
    if ended is not None:
        return rights.ended_text(ended)
    name = offer.document.authority.name
    return Text(f"du har ikke ret til at underskrive for {name}", f"you have no right to sign for {name}")


def task(session: Session, offer: Offer, user_id: int, on: date) -> Task:
    """Tell one person where signing stands, in one sentence."""
    if offer.stand in steps.DEAD or offer.has_run_out(on):
        return Task("dead", Text("Aftalen kan ikke længere underskrives", "The agreement can no longer be signed"))
    own = [each for each in offer.signed.values() if each.user_id == user_id]
    if own or offer.stand not in steps.OPEN:
        return Task("completed", _who_signed(offer))
    try:
        place = place_of(session, offer, user_id, on)
    except NotTheSigner as refused:
        return Task("not_yours", refused.text)
    if place.position in offer.signed:
        return Task("completed", _who_signed(offer))
    if place not in offer.waiting:
        return Task("incomplete", _first(offer.waiting[0]))
    return Task("incomplete", Text("Aftalen venter på din underskrift", "The agreement waits for your signature"))


def _who_signed(offer: Offer) -> Text:
    name, by = offer.document.authority.name, ", ".join(_signatory_of(offer, at).name for at in sorted(offer.signed))
    if not by:
        return Text(f"{name} har allerede indgået aftalen", f"{name} has concluded the agreement already")
    return Text(f"{name} har allerede underskrevet: {by}", f"{name} has signed already: {by}")


def _signatory_of(offer: Offer, position: int) -> Signatory:
    return next(each for each in offer.signatories if each.position == position)


def _first(who: Signatory) -> Text:
    return Text(f"{who.name}, {who.title}, underskriver først", f"{who.name}, {who.title}, signs first")


# --- who is it; what every act asks


def _admit(session: Session, offer: Offer, signer: Signer, step: Step, trail: Trail) -> Signatory:
    """Give the place of who acts, after everything that can be wrong with person, offer and order."""
    today = offered.local_day(trail.at)
    _refuse_identity(signer, offer.document.authority.cvr, trail.at)
    if any(each.user_id == signer.user_id for each in offer.signed.values()):
        raise SignedAlready(Text("du har allerede underskrevet", "you have signed already"))
    steps.check(offer.steps, len(offer.signatories), step)
    offers.refuse_run_out(offer, today)
    place = place_of(session, offer, signer.user_id, today)
    if place.position in offer.signed:
        raise SignedAlready(_who_signed(offer))
    return place


def _refuse_identity(signer: Signer, cvr: str | None, at: datetime) -> None:
    faults = {name: _MISSING for name in ("name", "mail", "iss", "sub", "assurance", "id_token_sha256")
              if not getattr(signer, name).strip()}  # fmt: skip
    if faults:
        raise FormRefused(faults)
    if not timedelta() <= at - signer.auth_time <= FRESH:
        raise NotFresh(
            Text("log ind igen: det her binder, så vi skal vide, at det er dig",
                 "sign in again: this binds, so we must know that it is you")
        )  # fmt: skip
    _refuse_weak(signer)
    if cvr is not None and signer.organisation_cvr != cvr:
        raise NotTheSigner(_other_organisation(signer, cvr))


_MISSING = Text("mangler", "is missing")


def _refuse_weak(signer: Signer) -> None:
    """Hold the sign-in against the floor, whatever let the person in. Raises TooWeak."""
    if signer.is_assured:
        return
    wanted = " / ".join(sorted(signer.floor))
    raise TooWeak(
        Text(
            f"dit login har sikringsniveauet {signer.assurance}, og det rækker ikke til at underskrive; log ind med "
            f"{wanted}",
            f"your sign-in has the assurance level {signer.assurance}, which is too low to sign; sign in with {wanted}",
        )
    )


def _other_organisation(signer: Signer, cvr: str) -> Text:
    if not signer.organisation_cvr:
        return Text(
            f"du er logget ind privat; log ind med MitID Erhverv for CVR {cvr}",
            f"you are signed in privately; sign in with MitID Erhverv for CVR {cvr}",
        )
    return Text(
        f"du er logget ind for CVR {signer.organisation_cvr}; aftalen er for CVR {cvr}",
        f"you are signed in for CVR {signer.organisation_cvr}; the agreement is for CVR {cvr}",
    )


def admit_for(session: Session, authority_id: int, cvr: str, signer: Signer, at: datetime) -> rights.Right:
    """Give the right of who acts for an authority now. Raises FormRefused, NotFresh, TooWeak, NotTheSigner."""
    _refuse_identity(signer, cvr, at)
    today = offered.local_day(at)
    right = rights.of_person(session, authority_id, signer.user_id, today)
    if right is None:
        raise NotTheSigner(
            Text("du har ikke ret til at underskrive for myndigheden", "you have no right to sign for the authority"),
            rights.who_may(session, authority_id, today),
        )
    return right


def _refuse_order(offer: Offer, place: Signatory) -> None:
    if place not in offer.waiting:
        raise NotYet(_first(offer.waiting[0]))


def evidence_of(signer: Signer, **more: Any) -> dict[str, Any]:
    """Give what a step keeps of who acted, and whatever else belongs to it."""
    return {
        "method": "openid_connect", "name": signer.name, "mail": signer.mail,
        "organisation_cvr": signer.organisation_cvr, "iss": signer.iss, "sub": signer.sub,
        "assurance": signer.assurance, "auth_time": signer.auth_time, "id_token_sha256": signer.id_token_sha256,
        "address": signer.address, "user_agent": signer.user_agent, "language": signer.language,
    } | more  # fmt: skip


# --- acts; each needs the writer's lock, and the caller commits


def open_(session: Session, offer_id: int, signer: Signer, trail: Trail) -> Offer:
    """Record that a signatory has the agreement before them; once for each person.

    Raises what every act of signing raises: FormRefused, NotFresh, TooWeak, NotTheSigner, SignedAlready,
    offers.RanOut, steps.NotPermitted.
    """
    offer = offered.get(session, offer_id)
    place = _admit(session, offer, signer, Step.OPENED, trail)
    if _took(offer, Step.OPENED, signer) is None:
        _take(session, offer, Step.OPENED, signer, place, trail)
    return offered.get(session, offer_id)


def accept(session: Session, offer_id: int, signer: Signer, digest: str, trail: Trail) -> Offer:
    """Take the first of the two steps: the signatory has read the agreement with this digest, and goes on to sign.

    Raises also NotYet out of turn or before opening, and OtherDocument.
    """
    offer = offered.get(session, offer_id)
    place = _admit(session, offer, signer, Step.ACCEPTED, trail)
    _refuse_order(offer, place)
    if _took(offer, Step.OPENED, signer) is None:
        raise NotYet(Text("åbn aftalen først", "open the agreement first"))
    _refuse_other(offer, digest)
    if _took(offer, Step.ACCEPTED, signer) is None:
        _take(session, offer, Step.ACCEPTED, signer, place, trail)
    return offered.get(session, offer_id)


def sign(
    session: Session, offer_id: int, signer: Signer, consent: Consent, fees_today: FeeAnnex, trail: Trail
) -> Signed:
    """Sign: the second step. With the last signature the agreement stands, and waits for the association.

    `fees_today` is the fee annex made now. Raises also offers.FeesMoved and conclusion.Clashes.
    """
    offer = offered.get(session, offer_id)
    place = _admit(session, offer, signer, Step.SIGNED, trail)
    _refuse_order(offer, place)
    _refuse_unread(offer, signer)
    _refuse_consent(offer, place, signer, consent)
    offers.refuse_moved_fees(offer, fees_today)
    last = len(offer.signed) + 1 == len(offer.signatories)
    registers = conclusion.signed(session, offer, offered.local_day(trail.at)) if last else None
    right = rights.of_person(session, offer.authority_id, signer.user_id, offered.local_day(trail.at))
    about = {
        "consent": consent.words, "signed_name": place.name, "signed_title": place.title,
        "right_id": right and right.id,
        "authority_cvr": offer.document.authority.cvr,
    }  # fmt: skip
    _take(session, offer, Step.SIGNED, signer, place, trail, registers, **about)
    after = offered.get(session, offer_id)
    return Signed(after, place.position, last, () if last else after.waiting)


def _refuse_unread(offer: Offer, signer: Signer) -> None:
    if _took(offer, Step.ACCEPTED, signer) is None:
        raise NotYet(Text("læs og godtag aftalen først", "read and accept the agreement first"))


def _refuse_consent(offer: Offer, place: Signatory, signer: Signer, consent: Consent) -> None:
    _refuse_other(offer, consent.digest)
    faults = {}
    if not consent.ticked:
        faults["consent"] = Text("sæt kryds for at underskrive", "tick the box to sign")
    elif consent.words != consent_words(offer, place)[signer.language]:
        faults["consent"] = Text("ordene er ikke aftalens; hent siden igen", "not the agreement's words; reload")
    for field in ("name", "title"):
        given, meant = wording.composed(getattr(consent, field)).strip(), getattr(place, field)
        if wording.looks(given) != wording.looks(meant):
            faults[field] = Text(f"skriv {meant}", f"write {meant}") if given else _MISSING
    if faults:
        raise FormRefused(faults)


def _refuse_other(offer: Offer, digest: str) -> None:
    if digest != offer.digest:
        raise OtherDocument(
            Text(
                "det viste er ikke det, der gælder; hent siden igen",
                "what was shown is not what stands; reload it",
            )
        )


def _took(offer: Offer, step: Step, signer: Signer) -> Taken | None:
    return next((each for each in offer.steps if each.step is step and each.user_id == signer.user_id), None)


def _take(
    session: Session,
    offer: Offer,
    step: Step,
    signer: Signer,
    place: Signatory,
    trail: Trail,
    registers: Mapping[str, Any] | None = None,
    **more: Any,
) -> None:
    about = About(signer.user_id, place.position, evidence_of(signer, **more))
    steps.take(session, [Next(offer, offer.steps, step, about, registers)], trail)


def decline(session: Session, offer_id: int, signer: Signer, reason: str, trail: Trail) -> Declined:
    """Decline for the authority, with a reason; give whom it must be told. Raises also offers.OfferRefused."""
    offer = offered.get(session, offer_id)
    place = _admit(session, offer, signer, Step.DECLINED, trail)
    told = offers.reason_given(reason)
    tell = tuple(each for each in offer.signatories if each.position in offer.signed)
    _take(session, offer, Step.DECLINED, signer, place, trail, reason=told, told=[each.mail for each in tell])
    return Declined(offered.get(session, offer_id), told, tell)


# --- choices, and passing on: a new version, before anybody has signed


@dataclass(frozen=True, slots=True)
class Fresh:
    """How a new version is made: its document, once reference and version are known, and the fees of today."""

    build: Build
    fees_today: FeeAnnex


def choose(session: Session, offer_id: int, signer: Signer, fresh: Fresh, trail: Trail) -> Offer:
    """Let a signatory choose first day, active or passive, and billing details: the new version is offered at once.

    Raises also SignedAlready once anybody has signed, OtherDocument where more was changed, FormRefused.
    """
    old = offered.get(session, offer_id)
    _admit(session, old, signer, Step.OPENED, trail)
    new = _next_version(session, old, fresh, old.signatories, trail)
    _refuse_more_than_choices(old.document, new.document)
    _refuse_choices(new.document, offered.local_day(trail.at))
    return offers.offer(session, new.id, fresh.fees_today, trail)


def _refuse_more_than_choices(was: AgreementDocument, now: AgreementDocument) -> None:
    open_to_choice = {name: getattr(now, name) for name in ("effective_on", "kind", "billing")}
    following = {name: getattr(now, name) for name in ("version", "annex", "sections", "personal_data", "notices")}
    if replace(was, **open_to_choice, **following) != now:
        raise OtherDocument(
            Text(
                "kun dag, slags og faktureringsoplysninger kan vælges",
                "only day, kind and billing can be chosen",
            )
        )


def _refuse_choices(said: AgreementDocument, today: date) -> None:
    faults = {}
    if said.effective_on < today:
        faults["effective_on"] = Text("kan ikke ligge før i dag", "cannot lie before today")
    billing = said.billing
    if billing.gln and (fault := identifiers.gln_fault(billing.gln)):
        faults["gln"] = fault
    if billing.endpoint == "gln" and not billing.gln:
        faults["gln"] = Text("mangler; eller vælg CVR", "is missing; or choose CVR")
    for name in ("person_reference", "order_reference", "accounting_cost", "contact_name"):
        if fault := wording.fault(getattr(billing, name), _LONGEST_REFERENCE):
            faults[name] = fault
    if billing.contact_mail and not rights.is_mail(billing.contact_mail):
        faults["contact_mail"] = Text("er ikke en mailadresse", "is not a mail address")
    if faults:
        raise FormRefused(faults)


def pass_on(session: Session, offer_id: int, position: int, right_id: int, fresh: Fresh, trail: Trail) -> Offer:
    """Let another who may sign take a place, in a new version that is offered at once. Raises SignedAlready,
    rights.NoSuchRight, NotTheSigner.
    """
    old, today = offered.get(session, offer_id), offered.local_day(trail.at)
    right = rights.get(session, right_id, old.authority_id)
    if not right.holds(today):
        gone = Text(f"{right.text} har ikke retten i dag", f"{right.text} does not have the right today")
        raise NotTheSigner(gone, rights.who_may(session, old.authority_id, today))
    person = right.person
    taker = Signatory(position, person.name, person.title, person.mail, right_id)
    places = tuple(taker if each.position == position else each for each in old.signatories)
    new = _next_version(session, old, fresh, places, trail)
    return offers.offer(session, new.id, fresh.fees_today, trail)


def _next_version(session: Session, old: Offer, fresh: Fresh, places: tuple[Signatory, ...], trail: Trail) -> Offer:
    steps.check(old.steps, len(old.signatories), Step.REPLACED)
    offers.refuse_run_out(old, offered.local_day(trail.at))
    if old.signed or old.stand is Stand.DRAFT:
        raise SignedAlready(
            Text("efter den første underskrift ændres intet; bed sekretariatet om et nyt tilbud",
                 "nothing changes after the first signature; ask the secretariat for a new offer")
        )  # fmt: skip
    order = Order(old.authority_id, old.product_id, old.template_id, places, old.in_order, old.valid_days)
    return offers.draft(session, order, fresh.build, trail, replaces=old.id)


# --- countersigning


def list_digest(chosen: Sequence[Offer]) -> str:
    """Give the digest of a list of offers as it is shown to who countersigns it."""
    return sha256(canonical([[each.reference, each.version, each.digest] for each in sorted(chosen, key=_by_name)]))


def _by_name(offer: Offer) -> tuple[str, int]:
    return offer.reference, offer.version


def countersign(session: Session, offer_ids: Sequence[int], signer: Signer, digest: str, trail: Trail) -> Countersigned:
    """Countersign a list for the association in one act; what cannot be is left out and named.

    Raises FormRefused, NotFresh, TooWeak, NotTheSigner, OtherDocument where the list is another, NothingToCountersign.
    """
    _refuse_countersigner(session, signer, trail.at)
    chosen = offered.many(session, offer_ids)
    if chosen and list_digest(chosen) != digest:
        raise OtherDocument(Text("listen er en anden end den viste", "the list is another than the one shown"))
    stands, on = conclusion.ground(session, chosen), offered.local_day(trail.at)
    listed, left_out = list[Concluded](), list[tuple[Offer, Text]]()
    for offer in chosen:
        try:
            listed.append(_countersigned(stands, offer, signer, on))
        except (Conflict, Refused) as refused:
            left_out.append((offer, refused.text))
    if not listed:
        raise NothingToCountersign(_nothing(left_out))
    conclusion.conclude(session, listed, on)
    steps.take(session, list(_concluding(session, listed, signer, digest)), trail)
    return Countersigned(tuple(offered.many(session, [each.offer.id for each in listed])), tuple(left_out))


def _refuse_countersigner(session: Session, signer: Signer, at: datetime) -> None:
    _refuse_identity(signer, None, at)
    today = offered.local_day(at)
    if rights.of_person(session, None, signer.user_id, today) is None:
        raise NotTheSigner(
            Text("du har ikke ret til at underskrive for OS2", "you have no right to sign for OS2"),
            rights.who_may(session, None, today),
        )


def _countersigned(stands: Ground, offer: Offer, signer: Signer, on: date) -> Concluded:
    steps.check(offer.steps, len(offer.signatories), Step.COUNTERSIGNED)
    if any(each.user_id == signer.user_id for each in offer.signed.values()):
        raise NotTheSigner(
            Text("du har underskrevet for myndigheden; en anden kontrasignerer",
                 "you signed for the authority; somebody else countersigns")
        )  # fmt: skip
    return conclusion.countersigned(stands, offer, on)


def _concluding(session: Session, listed: Sequence[Concluded], signer: Signer, digest: str) -> Iterator[Next]:
    """Give the step of each offer, and behind it that of the offer it takes the place of."""
    replaced = [each.replaced for each in listed if each.replaced is not None]
    before = {each.id: each for each in offered.many(session, replaced)}
    for each in listed:
        offer = each.offer
        more = evidence_of(signer, batch_digest=digest, for_cvr=offer.document.association.cvr)
        yield Next(offer, offer.steps, Step.COUNTERSIGNED, About(signer.user_id, None, more), each.registers)
        if each.replaced is not None:
            old = before[each.replaced]
            yield Next(old, old.steps, Step.REPLACED, About(data={"by": offer.name}))


def _nothing(left_out: Sequence[tuple[Offer, Text]]) -> Text:
    nothing = Text("der er intet at kontrasignere", "there is nothing to countersign")
    return joined([nothing, *(same(f"{offer.name}: ") + why for offer, why in left_out)], by="\n  ")
