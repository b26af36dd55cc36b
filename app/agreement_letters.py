"""The letters of agreements: whom an act must tell, and in which words. Written with the act (`app.recording`).

A letter leads to the agreement's page and no further: whoever opens it signs in as themselves. Danish comes first; who
has chosen English here gets it below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from agreements import correspondence, offered, rights, sealed
from agreements.offered import Offer, Signatory
from agreements.steps import Step
from app.config import Config
from app.identity.models import RoleGrant, UserAccount
from app.recording import TOLD
from authorities.register import AUTHORITIES
from foundation import letters
from foundation.audit import Trail
from foundation.language import Text, day, joined, same
from foundation.letters import Enclosure, Letter

_LOCAL = "http://127.0.0.1:8000"


class To(NamedTuple):
    """A receiver."""

    name: str
    mail: str


class _Draft(NamedTuple):
    to: To
    title: Text
    words: Text
    enclosures: tuple[Enclosure, ...] = ()


@dataclass(frozen=True, slots=True)
class _Office:
    """What letters are written with: who is told at the secretariat, and where pages are."""

    session: Session
    base: str
    secretariat: tuple[To, ...]

    def page(self, path: str) -> Text:
        """Give the sentence that leads to a page."""
        return Text(
            f"Log ind og se aftalen her: {self.base}{path}", f"Sign in and see the agreement here: {self.base}{path}"
        )


def base_url(config: Config) -> str:
    """Give where letters say the service is."""
    return config.base_url.rstrip("/") or _LOCAL


def write(session: Session, trail: Trail, config: Config) -> list[int]:
    """Write the letters of what a trail tells was done, each once; give their ids. Needs the writer's lock."""
    done = trail.recorded(TOLD)
    ids = [data["offer"] for _, _, data in done if "offer" in data]
    offers = {each.id: each for each in offered.many(session, ids)}
    office = _Office(session, base_url(config), _secretariat(session, offered.local_day(trail.at)))
    drafts: list[tuple[str, str, _Draft]] = []
    for action, subject, data in done:
        kind = action.partition(".")[2] if action.startswith("agreement.") else "right"
        found, about = _of(kind, subject, data, offers, office)
        drafts += [(kind, about, draft) for draft in found]
    return letters.write(session, _addressed(session, drafts), trail, sender=config.mail.sender)


def _of(
    kind: str, subject: str, data: Mapping[str, Any], offers: Mapping[int, Offer], office: _Office
) -> tuple[Iterable[_Draft], str]:
    """Give the letters of one act, and the matter they are on."""
    if kind == "right":
        return _right(data, office), f"right {data['right']}"
    if "offer" not in data:
        return _registered(kind, subject, data, office), f"agreement {data.get('agreement', subject)}"
    offer = offers[data["offer"]]
    tell = _STEPS.get(Step(kind))
    return (tell(offer, data, office) if tell else ()), f"{offer.name}/{data['number']}"


def _addressed(session: Session, drafts: Iterable[tuple[str, str, _Draft]]) -> list[Letter]:
    listed = list(drafts)
    english = _english(session, {draft.to.mail for _, _, draft in listed})
    return [
        Letter(
            kind, about, draft.to.mail, _short(draft.title.da),
            _body(draft, in_english=draft.to.mail.casefold() in english), draft.enclosures,
        )
        for kind, about, draft in listed
    ]  # fmt: skip


def _short(title: str) -> str:
    longest = letters.LONGEST_TITLE
    return title if len(title) <= longest else title[: longest - 1] + "…"


def _body(draft: _Draft, *, in_english: bool) -> str:
    hello = Text(f"Kære {draft.to.name}", f"Dear {draft.to.name}") if draft.to.name else Text("Goddag", "Hello")
    told = joined([hello, draft.words, _FAREWELL], by="\n\n")
    if not in_english:
        return told.da + "\n"
    return f"{told.da}\n\n--- In English: {draft.title.en}\n\n{told.en}\n"


_FAREWELL = Text(
    "Linket åbner kun siden; ingen er logget ind af det. Svar på dette brev bliver ikke læst.\n\n"
    "Venlig hilsen\nOS2's sekretariat",
    "The link opens the page alone; it signs nobody in. Answers to this letter are not read.\n\n"
    "Kind regards\nThe secretariat of OS2",
)  # fmt: skip


def _english(session: Session, mails: Iterable[str]) -> set[str]:
    """Give the addresses of those who have chosen English here."""
    wanted = sorted({mail.casefold() for mail in mails})
    mail, language = UserAccount.mail, UserAccount.language
    found = session.execute(select(mail).where(func.lower(mail).in_(wanted), language == "en"))
    return {row.mail.casefold() for row in found}


def _secretariat(session: Session, on: date) -> tuple[To, ...]:
    """Give who is told at the secretariat: by the settings, else everybody with the role of finance."""
    named = correspondence.current(session).told
    if named:
        return tuple(To("", mail) for mail in named)
    rows = session.execute(
        select(UserAccount.name, UserAccount.mail)
        .join(RoleGrant, RoleGrant.user_id == UserAccount.id)
        .where(
            RoleGrant.role == "finance", RoleGrant.from_on <= on, UserAccount.ended_at.is_(None),
            or_(RoleGrant.until_on.is_(None), RoleGrant.until_on > on),
        )
        .order_by(UserAccount.id)
    )  # fmt: skip
    return tuple(dict.fromkeys(To(*row) for row in rows))


# --- the steps of an offer


def _what(offer: Offer) -> Text:
    product = offer.document.subject.product
    of = Text(f"tilslutning til {product}", f"connection to {product}") if product else Text(
        "medlemskab af OS2", "membership of OS2"
    )  # fmt: skip
    return Text("aftalen om ", "the agreement on ") + of + same(f" ({offer.name})")


def _titled(offer: Offer, words: Text) -> Text:
    return words + same(f": {offer.document.subject.product or 'OS2'}, {offer.document.authority.name} ({offer.name})")


def _path(offer: Offer) -> str:
    return f"/agreements/{offer.reference}"


def _people(signatories: Iterable[Signatory]) -> list[To]:
    return [To(each.name, each.mail) for each in signatories]


def _signed(offer: Offer) -> list[To]:
    return _people(each for each in offer.signatories if each.position in offer.signed)


def _asked(offer: Offer) -> list[To]:
    """Give who has heard of the offer: who has signed, and who may sign now."""
    return [*_signed(offer), *_people(each for each in offer.waiting)]


def _all(receivers: Iterable[To], title: Text, words: Text, *enclosures: Enclosure) -> Iterator[_Draft]:
    seen = set[str]()
    for to in receivers:
        if to.mail.casefold() not in seen:
            seen.add(to.mail.casefold())
            yield _Draft(to, title, words, enclosures)


def _tell(
    offer: Offer, office: _Office, receivers: Iterable[To], title: Text, words: Text, *enclosures: Enclosure
) -> Iterator[_Draft]:
    """Write to receivers on an offer: the title names it, and the words end with the way to its page."""
    return _all(receivers, _titled(offer, title), words + office.page(_path(offer)), *enclosures)


def _last_day(offer: Offer) -> Text:
    return day(offer.expires_on) if offer.expires_on else same("")


def _offered(offer: Offer, data: Mapping[str, Any], office: _Office) -> Iterator[_Draft]:
    """Ask those to sign who may now; the next one hears when the one before has signed."""
    last = day(date.fromisoformat(data["expires_on"]))
    words = Text(
        f"OS2 tilbyder {offer.document.authority.name} {_what(offer).da}, og du står som underskriver. "
        f"Aftalen kan underskrives til og med {last.da}.\n\n",
        f"OS2 offers {offer.document.authority.name} {_what(offer).en}, and you are named as signatory. "
        f"The agreement can be signed up to and including {last.en}.\n\n",
    )
    return _tell(offer, office, _people(offer.waiting), Text("Aftale til underskrift", "Agreement to sign"), words)


def _reminded(offer: Offer, data: Mapping[str, Any], office: _Office) -> Iterator[_Draft]:
    last = _last_day(offer)
    what = _what(offer)
    words = Text(
        f"{what.da[0].upper()}{what.da[1:]} venter på din underskrift. Den kan underskrives til og med {last.da}.\n\n",
        f"{what.en[0].upper()}{what.en[1:]} waits for your signature. "
        f"It can be signed up to and including {last.en}.\n\n",
    )
    told = {mail.casefold() for mail in data["told"]}
    receivers = [each for each in _people(offer.signatories) if each.mail.casefold() in told]
    title = Text("Påmindelse: aftale til underskrift", "Reminder: agreement to sign")
    return _tell(offer, office, receivers, title, words)


def _was_signed(offer: Offer, data: Mapping[str, Any], office: _Office) -> Iterator[_Draft]:
    """Tell everybody once all have signed, and nobody before; else ask the next one in the order."""
    if len(offer.signed) == len(offer.signatories):
        words = Text(
            f"Alle har underskrevet {_what(offer).da} for {offer.document.authority.name}. "
            "Nu mangler OS2's underskrift; derefter sendes den forseglede aftale.\n\n",
            f"All have signed {_what(offer).en} for {offer.document.authority.name}. "
            "Now OS2's signature is missing; then the sealed agreement is sent.\n\n",
        )
        title = Text("Alle har underskrevet", "All have signed")
        return _tell(offer, office, [*_people(offer.signatories), *office.secretariat], title, words)
    if not offer.in_order:
        return iter(())
    before = next(each.name for each in offer.signatories if each.position == data["position"])
    last = _last_day(offer)
    words = Text(
        f"{before} har underskrevet {_what(offer).da}, og nu er det din tur. "
        f"Aftalen kan underskrives til og med {last.da}.\n\n",
        f"{before} has signed {_what(offer).en}, and now it is your turn. "
        f"The agreement can be signed up to and including {last.en}.\n\n",
    )
    return _tell(offer, office, _people(offer.waiting), Text("Aftale til underskrift", "Agreement to sign"), words)


def _declined(offer: Offer, data: Mapping[str, Any], office: _Office) -> Iterator[_Draft]:
    """Tell those who have signed, and the secretariat, with the reason."""
    words = Text(
        f"{offer.document.authority.name} har afslået {_what(offer).da}. Begrundelse:\n\n{data['reason']}\n\n"
        "Underskrifter, der er givet, binder ikke.\n\n",
        f"{offer.document.authority.name} has declined {_what(offer).en}. Reason:\n\n{data['reason']}\n\n"
        "Signatures that were given do not bind.\n\n",
    )
    title = Text("Aftale afslået", "Agreement declined")
    return _tell(offer, office, [*_signed(offer), *office.secretariat], title, words)


def _withdrawn(offer: Offer, data: Mapping[str, Any], office: _Office) -> Iterator[_Draft]:
    if offer.offered_at is None:
        return iter(())  # a draft: nobody has heard of it
    words = Text(
        f"OS2 har trukket {_what(offer).da} tilbage. Begrundelse:\n\n{data['reason']}\n\nDu skal ikke gøre noget.\n\n",
        f"OS2 has withdrawn {_what(offer).en}. Reason:\n\n{data['reason']}\n\nYou need do nothing.\n\n",
    )
    return _tell(offer, office, _asked(offer), Text("Aftale trukket tilbage", "Agreement withdrawn"), words)


def _expired(offer: Offer, data: Mapping[str, Any], office: _Office) -> Iterator[_Draft]:
    last = day(date.fromisoformat(data["expires_on"]))
    words = Text(
        f"Fristen for at underskrive {_what(offer).da} for {offer.document.authority.name} udløb {last.da}. "
        "Underskrifter, der er givet, binder ikke; sekretariatet kan sende et nyt tilbud.\n\n",
        f"The time to sign {_what(offer).en} for {offer.document.authority.name} ran out on {last.en}. "
        "Signatures that were given do not bind; the secretariat can send a new offer.\n\n",
    )
    return _tell(offer, office, [*_asked(offer), *office.secretariat], Text("Tilbud udløbet", "Offer run out"), words)


def _replaced(offer: Offer, data: Mapping[str, Any], office: _Office) -> Iterator[_Draft]:
    """Tell those who have signed a version that another took its place."""
    told = {mail.casefold() for mail in data.get("told", ())}
    receivers = [each for each in _people(offer.signatories) if each.mail.casefold() in told]
    words = Text(
        f"{data['by']} er kommet i stedet for {_what(offer).da}. Din underskrift på den tidligere version binder ikke; "
        "den nye version skal underskrives for sig.\n\n",
        f"{data['by']} has taken the place of {_what(offer).en}. Your signature on the earlier version does not bind; "
        "the new version is to be signed by itself.\n\n",
    )
    title = Text("Aftale erstattet af en ny version", "Agreement replaced by a new version")
    return _tell(offer, office, receivers, title, words)


def _sealed(offer: Offer, data: Mapping[str, Any], office: _Office) -> Iterator[_Draft]:
    """Send the sealed agreement to those who have signed it."""
    kept = sealed.of_offer(office.session, offer.id)
    words = Text(
        f"OS2 har underskrevet {_what(offer).da}, og aftalen er indgået. Den forseglede aftale er vedlagt. "
        f"Enhver kan kontrollere den på {office.base}/verify.\n\n",
        f"OS2 has signed {_what(offer).en}, and the agreement is concluded. The sealed agreement is enclosed. "
        f"Anybody can verify it at {office.base}/verify.\n\n",
    )
    file = Enclosure(f"{offer.reference}-v{offer.version}.pdf", kept.content, "application/pdf")
    title = Text("Aftalen er indgået", "The agreement is concluded")
    return _tell(offer, office, _people(offer.signatories), title, words, file)


def _notice(offer: Offer, data: Mapping[str, Any], office: _Office) -> Iterator[_Draft]:
    name = offer.document.authority.name
    words = _notice_words(_what(offer), name, data)
    title = Text("Aftale opsagt", "Notice given")
    return _tell(offer, office, [*_people(offer.signatories), *office.secretariat], title, words)


def _notice_words(what: Text, authority: str, data: Mapping[str, Any]) -> Text:
    by, last = authority if data["by"] == "authority" else "OS2", day(date.fromisoformat(data["last_day"]))
    return Text(
        f"{by} har opsagt {what.da}. Sidste dag er {last.da}. Begrundelse:\n\n{data['reason']}\n\n",
        f"{by} has given notice of {what.en}. The last day is {last.en}. Reason:\n\n{data['reason']}\n\n",
    )


def _notice_withdrawn(offer: Offer, data: Mapping[str, Any], office: _Office) -> Iterator[_Draft]:
    words = _withdrawn_words(_what(offer), data)
    title = Text("Opsigelse trukket tilbage", "Notice withdrawn")
    return _tell(offer, office, [*_people(offer.signatories), *office.secretariat], title, words)


def _withdrawn_words(what: Text, data: Mapping[str, Any]) -> Text:
    return Text(
        f"Opsigelsen af {what.da} er trukket tilbage, og aftalen fortsætter. Begrundelse:\n\n{data['reason']}\n\n",
        f"The notice of {what.en} was withdrawn, and the agreement goes on. Reason:\n\n{data['reason']}\n\n",
    )


_STEPS: Mapping[Step, Callable[[Offer, Mapping[str, Any], _Office], Iterator[_Draft]]] = {
    Step.OFFERED: _offered,
    Step.REMINDED: _reminded,
    Step.SIGNED: _was_signed,
    Step.DECLINED: _declined,
    Step.WITHDRAWN: _withdrawn,
    Step.EXPIRED: _expired,
    Step.REPLACED: _replaced,
    Step.SEALED: _sealed,
    Step.NOTICE_GIVEN: _notice,
    Step.NOTICE_WITHDRAWN: _notice_withdrawn,
}


# --- agreements of the register, and rights to sign


def _registered(kind: str, subject: str, data: Mapping[str, Any], office: _Office) -> Iterator[_Draft]:
    """Tell the secretariat of notice on an agreement that was not signed here: it knows the other side."""
    if "agreement" not in data or kind not in (Step.NOTICE_GIVEN, Step.NOTICE_WITHDRAWN):
        return iter(())
    cvr, product, signed_on = subject.split(" ", 1)[0], *subject.split(" ", 1)[1].rsplit(" ", 1)
    name = office.session.execute(select(AUTHORITIES.c.name).where(AUTHORITIES.c.cvr == cvr)).scalar_one()
    what = Text(f"aftalen om tilslutning til {product}", f"the agreement on connection to {product}")
    what += Text(f" underskrevet {signed_on}", f" signed on {signed_on}")
    given = kind == Step.NOTICE_GIVEN
    words = _notice_words(what, name, data) if given else _withdrawn_words(what, data)
    title = Text("Aftale opsagt", "Notice given") if given else Text("Opsigelse trukket tilbage", "Notice withdrawn")
    page = office.page(f"/agreements/{data['agreement']}")
    return _all(office.secretariat, title + same(f": {product}, {name}"), words + page)


def _right(data: Mapping[str, Any], office: _Office) -> Iterator[_Draft]:
    """Tell somebody that the right to sign was delegated to them."""
    if data["basis"] != "delegation" or data["authority_id"] is None:
        return iter(())
    right = rights.get(office.session, data["right"], data["authority_id"])
    name = office.session.execute(select(AUTHORITIES.c.name).where(AUTHORITIES.c.id == right.authority_id)).scalar_one()
    until = (
        Text(f" til og med {day(right.until_on).da}", f" up to {day(right.until_on).en}")
        if right.until_on
        else same("")
    )
    words = Text(
        f"Du har fået ret til at underskrive aftaler med OS2 for {name} fra {day(right.from_on).da}{until.da}. "
        f"Det er {right.vouched_by.partition(' #')[0]}, der indestår for det.\n\n"
        f"Log ind og se, hvad der venter, her: {office.base}/",
        f"You were given the right to sign agreements with OS2 for {name} from {day(right.from_on).en}{until.en}. "
        f"{right.vouched_by.partition(' #')[0]} vouches for it.\n\n"
        f"Sign in and see what waits here: {office.base}/",
    )
    title = Text("Ret til at underskrive", "Right to sign") + same(f": {name}")
    return _all([To(right.person.name, right.person.mail)], title, words)
