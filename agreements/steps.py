"""The life of an offer as one table of permitted steps, and the chain of the steps that were taken.

Where an offer stands is read from its steps and never stored. Each step carries the hash of the one before it; the
first carries the digest of the document. So whoever holds the steps sees that none is missing, added or changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, Table, select
from sqlalchemy.orm import Session

from agreements.models import AgreementStep, Offer
from foundation import append_only
from foundation.audit import Broken, Trail, canonical, sha256
from foundation.errors import Conflict, DomainError
from foundation.language import Text

OFFERS: Table = Offer.__table__  # type: ignore[assignment]
STEPS: Table = AgreementStep.__table__  # type: ignore[assignment]

#: What is recorded of a step that was refused; its data say which, and why.
REFUSED_ACTION = "agreement.refused"


class Step(StrEnum):
    """What can happen to an offer, and to the agreement it becomes."""

    DRAFTED = "drafted"
    OFFERED = "offered"
    REMINDED = "reminded"
    OPENED = "opened"
    ACCEPTED = "accepted"  # the first of the two steps of signing
    SIGNED = "signed"  # by one signatory
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    REPLACED = "replaced"  # by another version, a renewal, or a successor's agreement
    RECORDED = "recorded"  # it was signed on paper instead
    COUNTERSIGNED = "countersigned"
    SEALED = "sealed"
    ACTIVATED = "activated"  # passive until then
    NOTICE_GIVEN = "notice_given"
    NOTICE_WITHDRAWN = "notice_withdrawn"


class Stand(StrEnum):
    """Where an offer stands by its steps. From `AGREED` on, days decide the rest (`lifecycle.status`)."""

    NOTHING = "nothing"
    DRAFT = "draft"
    OFFERED = "offered"
    OPENED = "opened"
    PARTLY_SIGNED = "partly_signed"
    SIGNED = "signed"  # by all signatories of the authority
    AGREED = "agreed"  # countersigned, or recorded from paper
    UNDER_NOTICE = "under_notice"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    REPLACED = "replaced"


#: Where it can still be signed.
OPEN = frozenset({Stand.OFFERED, Stand.OPENED, Stand.PARTLY_SIGNED})
#: Where it is dead.
DEAD = frozenset({Stand.DECLINED, Stand.WITHDRAWN, Stand.EXPIRED, Stand.REPLACED})

_AGREED = frozenset({Stand.AGREED, Stand.UNDER_NOTICE})

#: The one table: which step is permitted where.
PERMITTED: Mapping[Step, frozenset[Stand]] = {
    Step.DRAFTED: frozenset({Stand.NOTHING}),
    Step.OFFERED: frozenset({Stand.DRAFT}),
    Step.REMINDED: OPEN,
    Step.OPENED: OPEN,
    Step.ACCEPTED: frozenset({Stand.OPENED, Stand.PARTLY_SIGNED}),
    Step.SIGNED: frozenset({Stand.OPENED, Stand.PARTLY_SIGNED}),
    Step.DECLINED: OPEN,
    Step.WITHDRAWN: OPEN | {Stand.DRAFT, Stand.SIGNED},
    Step.EXPIRED: OPEN,
    Step.REPLACED: OPEN | _AGREED | {Stand.DRAFT},
    Step.RECORDED: frozenset({Stand.OFFERED, Stand.OPENED}),
    Step.COUNTERSIGNED: frozenset({Stand.SIGNED}),
    Step.SEALED: _AGREED | {Stand.REPLACED},
    Step.ACTIVATED: _AGREED,
    Step.NOTICE_GIVEN: frozenset({Stand.AGREED}),
    Step.NOTICE_WITHDRAWN: frozenset({Stand.UNDER_NOTICE}),
}

#: Where a step leads; one that is not here changes nothing of the stand. Signing leads to one of two.
_LEADS_TO: Mapping[Step, Stand] = {
    Step.DRAFTED: Stand.DRAFT,
    Step.OFFERED: Stand.OFFERED,
    Step.DECLINED: Stand.DECLINED,
    Step.WITHDRAWN: Stand.WITHDRAWN,
    Step.EXPIRED: Stand.EXPIRED,
    Step.REPLACED: Stand.REPLACED,
    Step.RECORDED: Stand.AGREED,
    Step.COUNTERSIGNED: Stand.AGREED,
    Step.NOTICE_GIVEN: Stand.UNDER_NOTICE,
    Step.NOTICE_WITHDRAWN: Stand.AGREED,
}

#: Steps that come to an offer at most once.
_ONCE = frozenset({Step.SEALED, Step.ACTIVATED})

#: What a step leaves in the audit trail where it decides nothing that is owed.
HARMLESS_ACTIONS = (
    REFUSED_ACTION, "agreement.written", "file.kept", "right.given", "right.ended",
    *(
        f"agreement.{step}"
        for step in (
            Step.DRAFTED, Step.OFFERED, Step.REMINDED, Step.OPENED, Step.ACCEPTED, Step.DECLINED, Step.EXPIRED,
            Step.SEALED,
        )
    ),
)  # fmt: skip


class NotPermitted(Conflict):
    """The step does not follow from where the offer stands."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One step that was taken, as it stands in the chain."""

    number: int
    step: Step
    at: datetime
    by: str
    user_id: int | None
    position: int | None
    digest: str
    data: Mapping[str, Any]
    previous_sha256: str
    sha256: str


@dataclass(frozen=True, slots=True)
class About:
    """What a new step says beside its name: who did it here, for which signatory, and what else belongs to it."""

    user_id: int | None = None
    position: int | None = None
    data: Mapping[str, Any] | None = None


# --- questions


def taken(session: Session, offer_ids: Iterable[int]) -> dict[int, tuple[Taken, ...]]:
    """Give the steps of offers, in order, in one query."""
    wanted = list(offer_ids)
    found: dict[int, list[Taken]] = {id_: [] for id_ in wanted}
    rows = session.execute(select(STEPS).where(STEPS.c.offer_id.in_(wanted)).order_by(STEPS.c.offer_id, STEPS.c.number))
    for row in rows:
        found[row.offer_id].append(_of_row(dict(row._mapping)))
    return {id_: tuple(listed) for id_, listed in found.items()}


def stand(steps: Iterable[Taken], signatories: int) -> Stand:
    """Read where an offer stands from its steps; `signatories` is how many must sign."""
    at, signed = Stand.NOTHING, 0
    for each in steps:
        if each.step is Step.SIGNED:
            signed += 1
            at = Stand.SIGNED if signed >= signatories else Stand.PARTLY_SIGNED
        elif each.step is Step.OPENED:
            at = Stand.OPENED if at is Stand.OFFERED else at
        else:
            at = _LEADS_TO.get(each.step, at)
    return at


def check(steps: Sequence[Taken], signatories: int, wanted: Step) -> None:
    """Refuse a step that does not follow from those taken. Raises NotPermitted."""
    at = stand(steps, signatories)
    repeated = wanted in _ONCE and any(each.step is wanted for each in steps)
    unsealable = wanted is Step.SEALED and all(each.step is not Step.COUNTERSIGNED for each in steps)
    if at in PERMITTED[wanted] and not repeated and not unsealable:
        return
    raise NotPermitted(
        Text(
            f"kan ikke {ACTS[wanted].da}: aftalen er {STANDS[at].da}",
            f"cannot {ACTS[wanted].en}: the agreement is {STANDS[at].en}",
        )
    )


ACTS: Mapping[Step, Text] = {
    Step.DRAFTED: Text("udarbejdes", "be drafted"),
    Step.OFFERED: Text("tilbydes", "be offered"),
    Step.REMINDED: Text("rykkes for", "be reminded of"),
    Step.OPENED: Text("åbnes", "be opened"),
    Step.ACCEPTED: Text("læses og godtages", "be read and accepted"),
    Step.SIGNED: Text("underskrives", "be signed"),
    Step.DECLINED: Text("afslås", "be declined"),
    Step.WITHDRAWN: Text("trækkes tilbage", "be withdrawn"),
    Step.EXPIRED: Text("udløbe", "expire"),
    Step.REPLACED: Text("erstattes", "be replaced"),
    Step.RECORDED: Text("registreres fra papir", "be recorded from paper"),
    Step.COUNTERSIGNED: Text("kontrasigneres", "be countersigned"),
    Step.SEALED: Text("forsegles", "be sealed"),
    Step.ACTIVATED: Text("gøres aktiv", "be made active"),
    Step.NOTICE_GIVEN: Text("opsiges", "be given notice"),
    Step.NOTICE_WITHDRAWN: Text("få sin opsigelse trukket tilbage", "have its notice withdrawn"),
}
STANDS: Mapping[Stand, Text] = {
    Stand.NOTHING: Text("ikke begyndt", "not begun"),
    Stand.DRAFT: Text("et udkast", "a draft"),
    Stand.OFFERED: Text("tilbudt", "offered"),
    Stand.OPENED: Text("åbnet", "opened"),
    Stand.PARTLY_SIGNED: Text("underskrevet af nogle, ikke af alle", "signed by some, not by all"),
    Stand.SIGNED: Text("underskrevet af myndigheden", "signed by the authority"),
    Stand.AGREED: Text("indgået", "concluded"),
    Stand.UNDER_NOTICE: Text("opsagt", "under notice"),
    Stand.DECLINED: Text("afslået", "declined"),
    Stand.WITHDRAWN: Text("trukket tilbage", "withdrawn"),
    Stand.EXPIRED: Text("udløbet", "expired"),
    Stand.REPLACED: Text("erstattet af en anden", "replaced by another"),
}


# --- acts; each needs the writer's lock, and the caller commits


@dataclass(frozen=True, slots=True)
class Next:
    """A step to be taken: of which offer, behind which steps; `registers` is what changed in the registers with it.

    `offer` has `id`, `reference`, `version` and `digest`.
    """

    offer: Any
    steps: Sequence[Taken]
    step: Step
    about: About = About()
    registers: Mapping[str, Any] | None = None


def take(session: Session, wanted: Sequence[Next], trail: Trail) -> list[Taken]:
    """Add steps of different offers, each behind those taken, with an entry in the audit trail each; two statements.

    Whether each is permitted was checked before (`check`).
    """
    first = append_only.next_id(session, STEPS)
    rows = [_row(first + at, each, trail) for at, each in enumerate(wanted)]
    append_only.add(session, STEPS, rows)
    for each, row in zip(wanted, rows, strict=True):
        told = {"offer": each.offer.id, "number": row["number"], "digest": each.offer.digest} | _told(each.about)
        subject = f"{each.offer.reference} v{each.offer.version}"
        trail.record(f"agreement.{each.step}", subject, told | dict(each.registers or {}), rows=[(STEPS, row)])
    return [_of_row(row) for row in rows]


def _row(id_: int, wanted: Next, trail: Trail) -> dict[str, Any]:
    row = {
        "id": id_, "offer_id": wanted.offer.id, "number": len(wanted.steps) + 1, "step": wanted.step.value,
        "at": trail.at, "by": trail.actor, "user_id": wanted.about.user_id,
        "signatory_position": wanted.about.position, "digest": wanted.offer.digest,
        "data": canonical(wanted.about.data or {}),
        "previous_sha256": wanted.steps[-1].sha256 if wanted.steps else wanted.offer.digest,
    }  # fmt: skip
    return row | {"sha256": hash_of(row)}


def _of_row(row: Mapping[str, Any]) -> Taken:
    return Taken(
        row["number"], Step(row["step"]), row["at"], row["by"], row["user_id"], row["signatory_position"],
        row["digest"], json.loads(row["data"]), row["previous_sha256"], row["sha256"],
    )  # fmt: skip


#: What the evidence keeps and the audit trail need not repeat.
_EVIDENCE_ONLY = frozenset({"address", "user_agent", "sub", "id_token_sha256"})


def _told(about: About) -> dict[str, Any]:
    kept = {name: value for name, value in (about.data or {}).items() if name not in _EVIDENCE_ONLY}
    return kept if about.position is None else kept | {"position": about.position}


def hash_of(step: Mapping[str, Any]) -> str:
    """Give the hash that links a step to the one before it, over all that it says."""
    fields = (
        "offer_id", "number", "step", "at", "by", "user_id", "signatory_position", "digest", "data", "previous_sha256",
    )  # fmt: skip
    return sha256(canonical([step[name] for name in fields]))


def record_refusal(trail: Trail, about: str, wanted: Step | str, refused: DomainError) -> None:
    """Record that a step was refused. In a transaction of its own: the one that was refused is rolled back."""
    data = {"step": str(wanted), "refusal": type(refused).__name__, "reason": refused.text.en}
    trail.record(REFUSED_ACTION, about, data)


# --- verifying


def faults(session: Session) -> Iterator[Broken]:
    """Name each offer whose document is not its digest's, and each step that does not follow from the one before."""
    offers = session.execute(select(OFFERS).order_by(OFFERS.c.id).execution_options(yield_per=200))
    for offer in offers:
        if sha256(offer.document) != offer.digest:
            yield _broken(
                offer, Text("dokumentet er ikke det, kontrolsummen siger", "the document is not the digest's")
            )
    links: dict[int, tuple[int, str]] = {}
    digests = {row.id: row.digest for row in session.execute(select(OFFERS.c.id, OFFERS.c.digest))}
    found = select(STEPS).order_by(STEPS.c.id).execution_options(yield_per=500)
    for row in session.execute(found):
        number, previous = links.get(row.offer_id, (0, digests.get(row.offer_id, "")))
        if (row.number, row.previous_sha256, row.sha256) != (number + 1, previous, hash_of(dict(row._mapping))):
            yield Broken(
                "agreements", f"agreement_step {row.id}",
                Text("trinnet følger ikke af det foregående", "the step does not follow from the one before"),
            )  # fmt: skip
        links[row.offer_id] = (row.number, row.sha256)


def _broken(offer: Row[Any], message: Text) -> Broken:
    return Broken("agreements", f"{offer.reference} v{offer.version}", message)
