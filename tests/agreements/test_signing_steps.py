"""The one table of steps: what it does not permit is refused for everybody, leaves nothing, and is recorded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agreements import ending, offered, offers, signing, steps
from agreements.connections import AGREEMENTS
from agreements.ending import Notice
from agreements.models import AgreementStep, Offer
from agreements.offered import Offer as Offered
from agreements.signing import Signer
from agreements.steps import PERMITTED, Stand, Step, Taken
from app import offering
from foundation.audit import ENTRIES, Trail
from foundation.errors import Conflict, DomainError, NotFound, Refused
from tests.agreements import documents
from tests.agreements.signed import COLLEAGUE, DIRECTOR, MAYOR, SECRETARIAT, STRANGER, Way
from tests.command_line import CommandLine


@pytest.fixture
def way(starter: CommandLine) -> Way:
    """The real registers, two who may sign, and a chair."""
    made = Way(starter)
    made.may_sign(DIRECTOR, MAYOR)
    made.chair_may_countersign()
    return made


# --- the table


def test_every_step_has_its_place_and_its_words() -> None:
    assert set(PERMITTED) == set(steps.ACTS) == set(Step)
    assert set(steps.STANDS) == set(Stand)


def test_pv_105_the_stand_follows_from_the_steps_alone() -> None:
    def at(*names: Step, signatories: int = 2) -> Stand:
        taken = [Taken(1, name, documents_at(), "", None, 1, "", {}, "", "") for name in names]
        return steps.stand(taken, signatories)

    assert at() is Stand.NOTHING
    assert at(Step.DRAFTED, Step.OFFERED, Step.OPENED, Step.SIGNED, Step.OPENED) is Stand.PARTLY_SIGNED
    assert at(Step.DRAFTED, Step.OFFERED, Step.OPENED, Step.SIGNED, Step.SIGNED) is Stand.SIGNED
    assert at(Step.DRAFTED, Step.OFFERED, Step.RECORDED, Step.NOTICE_GIVEN, Step.NOTICE_WITHDRAWN) is Stand.AGREED


def documents_at() -> Any:
    """Some instant."""
    return Way.__dataclass_fields__["at"].default


def test_what_is_dead_stays_dead() -> None:
    dying = {step for step, where in PERMITTED.items() if where & steps.DEAD}

    assert dying == {Step.SEALED}  # an agreement that was replaced before its seal was made is sealed all the same


# --- illegal steps × who asks

Act = Callable[[Session, Trail, Offered, Signer, Way], object]

ACTS: dict[Step, Act] = {
    Step.OFFERED: lambda s, t, offer, who, way: offers.offer(s, offer.id, way.annex, t),
    Step.REMINDED: lambda s, t, offer, who, way: offers.remind(s, offer.id, t),
    Step.OPENED: lambda s, t, offer, who, way: signing.open_(s, offer.id, who, t),
    Step.ACCEPTED: lambda s, t, offer, who, way: signing.accept(s, offer.id, who, offer.digest, t),
    Step.SIGNED: lambda s, t, offer, who, way: signing.sign(
        s, offer.id, who, way.consent(offer, who.user_id), way.annex, t
    ),
    Step.DECLINED: lambda s, t, offer, who, way: signing.decline(s, offer.id, who, "Nej", t),
    Step.WITHDRAWN: lambda s, t, offer, who, way: offers.withdraw(s, offer.id, "Fejl", t),
    Step.REPLACED: lambda s, t, offer, who, way: signing.choose(s, offer.id, who, way.fresh(DIRECTOR, MAYOR), t),
    Step.COUNTERSIGNED: lambda s, t, offer, who, way: signing.countersign(
        s, [offer.id], who, signing.list_digest([offer]), t
    ),
    Step.NOTICE_GIVEN: lambda s, t, offer, who, way: ending.give_notice(
        s, agreement_of(s, offer), Notice("authority", "Vi stopper", who), t
    ),
    Step.NOTICE_WITHDRAWN: lambda s, t, offer, who, way: ending.withdraw_notice(s, agreement_of(s, offer), "Nej", t),
    Step.ACTIVATED: lambda s, t, offer, who, way: ending.activate(
        s, agreement_of(s, offer), way.at.date(), {}, t
    ),
}  # fmt: skip

#: Acts of a person who signs, for the authority or for the association; the others are the secretariat's.
PERSONAL = {Step.OPENED, Step.ACCEPTED, Step.SIGNED, Step.DECLINED, Step.REPLACED, Step.COUNTERSIGNED}

STANDS = (
    Stand.DRAFT, Stand.OFFERED, Stand.OPENED, Stand.PARTLY_SIGNED, Stand.SIGNED, Stand.AGREED, Stand.UNDER_NOTICE,
    Stand.DECLINED, Stand.WITHDRAWN, Stand.EXPIRED, Stand.REPLACED,
)  # fmt: skip


def agreement_of(session: Session, offer: Offered) -> int:
    """The agreement an offer became, or a number that none has."""
    found = session.execute(select(AGREEMENTS.c.id).where(AGREEMENTS.c.offer_id == offer.id)).scalar()
    return int(found or 10**6)


def at_stand(way: Way, stand: Stand) -> Offered:
    """Take an offer to two signatories to a stand."""
    offer = way.drafted(DIRECTOR, MAYOR) if stand is Stand.DRAFT else way.offered(DIRECTOR, MAYOR)
    if stand in (Stand.OPENED, Stand.PARTLY_SIGNED, Stand.SIGNED, Stand.AGREED, Stand.UNDER_NOTICE):
        offer = way.opened(offer)
    if stand in (Stand.PARTLY_SIGNED, Stand.SIGNED, Stand.AGREED, Stand.UNDER_NOTICE):
        offer = way.sign(way.accepted(offer)).offer
    if stand in (Stand.SIGNED, Stand.AGREED, Stand.UNDER_NOTICE):
        offer = way.signed_by(offer, MAYOR)
    if stand in (Stand.AGREED, Stand.UNDER_NOTICE):
        offer = way.countersign(offer).done[0]
    _ended(way, offer, stand)
    return way.now(offer)


def _ended(way: Way, offer: Offered, stand: Stand) -> None:
    if stand is Stand.UNDER_NOTICE:
        notice = Notice("association", "Vi stopper")
        way.by(SECRETARIAT, lambda s, t: ending.give_notice(s, agreement_of(s, offer), notice, t))
    elif stand is Stand.DECLINED:
        way.by("En #11", lambda s, t: signing.decline(s, offer.id, way.signer(), "Nej", t))
    elif stand is Stand.WITHDRAWN:
        way.by(SECRETARIAT, lambda s, t: offers.withdraw(s, offer.id, "Fejl", t))
    elif stand is Stand.EXPIRED:
        way.later(days=40).by(SECRETARIAT, offers.expire_due)
    elif stand is Stand.REPLACED:
        way.offered(DIRECTOR, MAYOR, replaces=offer.id)


def written(way: Way) -> tuple[Any, ...]:
    """What a step could have written."""
    counts = [select(func.count()).select_from(table) for table in (AgreementStep, Offer, AGREEMENTS)]
    facts = select(AGREEMENTS).order_by(AGREEMENTS.c.id)
    return way.asked(lambda s: (*(s.execute(each).scalar() for each in counts), s.execute(facts).all()))


def attempted(way: Way, step: Step, offer: Offered, who: Signer) -> DomainError | None:
    """Try an act as pages do; give what refused it."""

    @contextmanager
    def writing() -> Iterator[tuple[Session, Trail]]:
        with way.session() as session:
            trail = Trail(session, f"{who.name} #{who.user_id}", way.at)
            yield session, trail
            trail.write()

    try:
        with offering.attempting(writing, offer.name, step) as (session, trail):
            ACTS[step](session, trail, offer, who, way)
    except (Conflict, Refused, NotFound) as refused:
        return refused
    return None


def is_illegal(step: Step, stand: Stand) -> bool:
    """Tell whether the table forbids a step; a passive connection is made active, and this one is active."""
    return stand not in PERMITTED[step] or step is Step.ACTIVATED or (step is Step.REPLACED and stand not in steps.OPEN)


@pytest.mark.parametrize("stand", STANDS)
def test_pv_108_an_illegal_step_is_refused_for_everybody_and_leaves_only_an_entry(way: Way, stand: Stand) -> None:
    offer, before = at_stand(way, stand), None
    people = [way.signer(DIRECTOR), way.signer(MAYOR), way.signer(COLLEAGUE), way.signer(STRANGER), way.chair(),
              way.signer(DIRECTOR, organisation_cvr="29189846")]  # fmt: skip
    illegal = [step for step in ACTS if is_illegal(step, stand)]
    tried: list[str] = []

    for step in illegal:
        for who in people if step in PERSONAL else people[:1]:
            before = before or written(way)
            refused = attempted(way, step, offer, who)
            assert refused is not None, (step, stand, who.user_id)
            assert written(way) == before
            if not isinstance(refused, NotFound):
                tried.append(step.value)

    told = way.column(
        select(ENTRIES.c.data).where(ENTRIES.c.action == steps.REFUSED_ACTION).order_by(ENTRIES.c.position)
    )
    assert [json.loads(data)["step"] for data in told] == tried
    assert len(tried) >= 5


@pytest.mark.parametrize("step", sorted(PERSONAL - {Step.COUNTERSIGNED, Step.REPLACED}))
def test_a_permitted_step_is_refused_all_the_same_for_who_may_not_take_it(way: Way, step: Step) -> None:
    offer = at_stand(way, Stand.OPENED)
    others = [way.signer(COLLEAGUE), way.signer(STRANGER), way.chair(), way.signer(organisation_cvr=""),
              way.signer(organisation_cvr="29189846")]  # fmt: skip
    before = written(way)

    refusals = [attempted(way, step, offer, who) for who in others]

    assert all(isinstance(each, signing.NotTheSigner) for each in refusals)
    assert written(way) == before


# --- drafting and offering


def test_pv_108_a_draft_without_a_fee_annex_is_not_offered(way: Way) -> None:
    draft = way.drafted(annex=documents.annex(sheets=()))

    with pytest.raises(offers.NoFeeAnnex):
        way.by(SECRETARIAT, lambda s, t: offers.offer(s, draft.id, way.annex, t))

    assert way.now(draft).stand is Stand.DRAFT


def test_a_draft_whose_fees_are_not_todays_is_not_offered(way: Way) -> None:
    draft = way.drafted(annex=documents.annex(total_ore=1))

    with pytest.raises(offers.FeesMoved):
        way.by(SECRETARIAT, lambda s, t: offers.offer(s, draft.id, way.annex, t))


def test_a_changed_text_is_a_new_version_and_the_old_one_dies_when_it_is_offered(way: Way) -> None:
    first = way.offered()
    draft = way.drafted(replaces=first.id)
    while_drafting = way.now(first).stand
    second = way.by(SECRETARIAT, lambda s, t: offers.offer(s, draft.id, way.annex, t))

    assert (while_drafting, way.now(first).stand) == (Stand.OFFERED, Stand.REPLACED)
    assert (second.name, second.replaces_id) == ("A-2026-00001 v2", first.id)
    assert way.asked(lambda s: offered.newest(s, "A-2026-00001")).id == second.id


def test_a_draft_that_is_changed_is_gone_at_once(way: Way) -> None:
    first = way.drafted()

    second = way.drafted(replaces=first.id)

    assert (way.now(first).stand, second.version) == (Stand.REPLACED, 2)


def test_two_offers_on_the_same_do_not_stand_beside_each_other(way: Way) -> None:
    way.offered()

    with pytest.raises(offers.OfferedAlready, match="A-2026-00001 v1 is offered"):
        way.offered()


def test_references_are_counted_by_year(way: Way) -> None:
    first = way.drafted()
    other = way.drafted()
    later = way.later(days=60).drafted()

    assert [each.reference for each in (first, other, later)] == ["A-2026-00001", "A-2026-00002", "A-2027-00001"]


def test_pv_126_signatories_are_refused_row_by_row(way: Way) -> None:
    places = [
        offered.Signatory(1, "En Direktør", "Direktør", "d@eksempel.dk"),
        offered.Signatory(2, "En Direktør", "Direktør", "d@eksempel.dk"),
        offered.Signatory(3, "", "Borgmester", "nej"),
        offered.Signatory(4, "To Direktør", "Direktør", "b@eksempel.dk\r\nBcc: x@eksempel.dk"),
        *(offered.Signatory(at, f"Nr. {at}", "Direktør", f"{at}@eksempel.dk") for at in range(5, 9)),
    ]

    with pytest.raises(Refused) as refused:
        offers.checked_signatories(places)

    told = [(fault.row, fault.column) for fault in refused.value.faults]  # type: ignore[attr-defined]
    assert told == [(2, "name"), (3, "name"), (3, "mail"), (4, "mail"), (7, ""), (8, "")]


def test_nobody_to_sign_is_refused() -> None:
    with pytest.raises(Refused, match="at least one"):
        offers.checked_signatories([])


def test_pv_107_the_document_must_be_of_the_reference_and_version_the_service_gave(way: Way) -> None:
    order, build = way.order(DIRECTOR), way.build(DIRECTOR)

    with pytest.raises(offers.DocumentDiffers):
        way.by(SECRETARIAT, lambda s, t: offers.draft(s, order, lambda reference, version: build("A-2026-09999", 7), t))
    with pytest.raises(offers.DocumentDiffers):
        way.by(SECRETARIAT, lambda s, t: offers.draft(s, order, way.build(MAYOR), t))

    assert way.column(select(Offer.id)) == []


# --- tampering


def test_a_step_or_document_changed_behind_the_triggers_is_found(way: Way) -> None:
    way.countersigned(DIRECTOR)

    def changed(session: Session) -> list[str]:
        real = session.execute
        rows = [dict(row._mapping) for row in real(select(AgreementStep.__table__).order_by(AgreementStep.id))]
        return [
            name
            for row in rows
            for name in ("by", "data", "digest", "step", "number")
            if steps.hash_of(row | {name: "x"}) == row["sha256"]
        ]

    assert way.asked(changed) == []
    assert way.asked(lambda session: list(steps.faults(session))) == []
