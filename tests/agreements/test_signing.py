"""Signing: the person, the order, the two steps, the words; what is refused leaves nothing and says plainly why."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from agreements import agreement_list, offers, rights, signing, steps
from agreements.connections import AGREEMENTS
from agreements.document import Billing
from agreements.models import AgreementStep
from agreements.offered import Offer
from agreements.offers import FeesMoved, OfferRefused, RanOut
from agreements.signing import (
    FormRefused,
    NotFresh,
    NothingToCountersign,
    NotTheSigner,
    NotYet,
    OtherDocument,
    SignedAlready,
    TooWeak,
)
from agreements.steps import NotPermitted, Stand, Step
from foundation.audit import ENTRIES
from tests import queries
from tests.agreements import documents
from tests.agreements.signed import CHAIRS, COLLEAGUE, DIRECTOR, MAYOR, SECRETARIAT, STRANGER, Way
from tests.command_line import CommandLine


@pytest.fixture
def way(starter: CommandLine) -> Way:
    """The real registers, and the director of Aarhus with the right to sign."""
    made = Way(starter)
    made.may_sign(DIRECTOR)
    return made


def rows(way: Way) -> list[Any]:
    """The agreements of Aarhus on the product, as the annual run reads them."""
    return way.asked(lambda session: list(session.execute(select(AGREEMENTS).order_by(AGREEMENTS.c.id))))


def taken(way: Way) -> list[str]:
    """Every step that was taken, in order."""
    return way.column(select(AgreementStep.step).order_by(AgreementStep.id))


# --- the whole way


def test_pv_105_and_109_each_step_is_read_from_the_facts_and_leaves_one_entry(way: Way) -> None:
    stands = [(offer := way.offered()).stand]
    for step in (way.opened, way.accepted, lambda offer: way.sign(offer).offer):
        stands.append((offer := step(offer)).stand)
    way.chair_may_countersign()
    stands.append(way.countersign(offer).done[0].stand)

    (agreement,) = rows(way)
    entries = way.column(select(ENTRIES.c.action).where(ENTRIES.c.subject == "A-2026-00001 v1"))

    assert stands == [Stand.OFFERED, Stand.OPENED, Stand.OPENED, Stand.SIGNED, Stand.AGREED]
    assert (agreement.signed_on, agreement.countersigned_on, agreement.in_force_from) == (
        date(2026, 11, 24), date(2026, 11, 24), date(2027, 1, 1),
    )  # fmt: skip
    assert entries == ["agreement.written", *(f"agreement.{step}" for step in taken(way))]
    assert taken(way) == ["drafted", "offered", "opened", "accepted", "signed", "countersigned"]
    way.line.done("verify")


def test_nothing_is_owed_between_the_two_signatures(way: Way) -> None:
    way.signed()

    (agreement,) = rows(way)

    assert (agreement.countersigned_on, agreement.offer_id, agreement.gln) == (
        None,
        1,
        documents.agreement().billing.gln,
    )


def test_pv_111_what_is_kept_of_a_signature_is_all_that_shows_who_it_was(way: Way) -> None:
    offer = way.signed()

    held = offer.signed[1].data

    assert held["consent"] == signing.consent_words(offer, offer.signatories[0]).da
    assert "Aarhus Kommune" in held["consent"] and "version 1" in held["consent"] and offer.digest in held["consent"]
    told = ("iss", "sub", "assurance", "organisation_cvr", "authority_cvr", "language")
    assert {name: held[name] for name in told} == {
        "iss": "https://provider.eksempel.dk", "sub": f"sub-{DIRECTOR}", "assurance": "high",
        "organisation_cvr": way.cvr, "authority_cvr": way.cvr, "language": "da",
    }  # fmt: skip
    assert (held["signed_name"], held["mail"], held["address"]) == ("Underskriver 11", "u11@eksempel.dk", "192.0.2.7")
    assert offer.signed[1].user_id == DIRECTOR and len(held["id_token_sha256"]) == 64


# --- who


def test_a_colleague_without_the_right_is_told_who_can(way: Way) -> None:
    offer = way.offered()

    with pytest.raises(NotTheSigner, match="Underskriver 11, Direktør") as refused:
        way.opened(offer, COLLEAGUE)

    assert [right.person.user_id for right in refused.value.who_can] == [DIRECTOR]


def test_a_forwarded_link_gives_no_right_however_much_else_fits(way: Way) -> None:
    offer = way.offered()

    with pytest.raises(NotTheSigner):
        way.opened(offer, STRANGER, mail="u11@eksempel.dk", name="Underskriver 11")

    assert way.now(offer).stand is Stand.OFFERED


def test_pv_122_two_people_behind_one_shared_mailbox_are_two_people(way: Way) -> None:
    shared = rights.Person("En Anden", "u11@eksempel.dk", "Chef", COLLEAGUE)
    ground = rights.Ground("position", date(2026, 1, 1))
    authority_id = way.authority_id()
    way.by(SECRETARIAT, lambda s, t: rights.give(s, authority_id, shared, ground, t))
    offer = way.offered()

    with pytest.raises(NotTheSigner, match="no signatory"):
        way.opened(offer, COLLEAGUE, mail="u11@eksempel.dk")
    assert way.opened(offer).stand is Stand.OPENED


def test_a_signer_who_has_left_is_told_so_and_another_takes_the_place_in_a_new_version(way: Way) -> None:
    offer, authority_id = way.offered(), way.authority_id()
    way.by(SECRETARIAT, lambda s, t: rights.end(s, way.rights[DIRECTOR], authority_id, date(2026, 11, 23), t))
    way.may_sign(MAYOR)

    with pytest.raises(NotTheSigner, match="ended on 23 November 2026"):
        way.opened(offer)
    passed = way.by(
        "En Kollega #13", lambda s, t: signing.pass_on(s, offer.id, 1, way.rights[MAYOR], way.fresh(MAYOR), t)
    )

    assert (passed.reference, passed.version, passed.stand) == (offer.reference, 2, Stand.OFFERED)
    assert way.now(offer).stand is Stand.REPLACED
    assert way.signed_by(passed, MAYOR).stand is Stand.SIGNED


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"organisation_cvr": ""}, NotTheSigner, "signed in privately"),
        ({"organisation_cvr": "29189846"}, NotTheSigner, "signed in for CVR 29189846"),
        ({"name": ""}, FormRefused, "name: is missing"),
        ({"assurance": " "}, FormRefused, "assurance: is missing"),
        ({"id_token_sha256": ""}, FormRefused, "id_token_sha256: is missing"),
    ],
)
def test_pv_106_who_is_not_told_by_the_provider_or_for_another_signs_nothing(
    way: Way, changed: dict[str, Any], error: type[Exception], words: str
) -> None:
    offer = way.offered()

    with pytest.raises(error, match=words):
        way.opened(offer, **changed)

    assert way.now(offer).stand is Stand.OFFERED


@pytest.mark.parametrize("minutes", [-1, 6, 600])
def test_signing_asks_for_a_sign_in_of_the_last_five_minutes(way: Way, minutes: int) -> None:
    offer = way.offered()

    with pytest.raises(NotFresh):
        way.opened(offer, auth_time=way.at - timedelta(minutes=minutes))


def test_a_sign_in_below_the_floor_signs_declines_and_countersigns_nothing(way: Way) -> None:
    way.chair_may_countersign()
    offer, signed = way.offered(), replace(way, product="OS2kitos").signed()
    acts = (
        lambda: way.opened(offer, assurance="low"),
        lambda: way.opened(offer, floor=frozenset({"highest"})),
        lambda: way.countersign(signed, signer=way.chair(assurance="low")),
        lambda: way.by("En #11", lambda s, t: signing.decline(s, offer.id, way.signer(assurance="low"), "Nej", t)),
    )

    for act in acts:
        with pytest.raises(TooWeak, match="too low to sign; sign in with high"):
            act()

    assert way.now(offer).stand is Stand.OFFERED and way.now(signed).stand is Stand.SIGNED


# --- the two steps, the words


def test_pv_111_confirming_without_the_first_step_is_refused(way: Way) -> None:
    offer = way.opened(way.offered())

    with pytest.raises(NotYet, match="read and accept"):
        way.sign(offer)

    assert taken(way) == ["drafted", "offered", "opened"] and rows(way) == []


def test_accepting_without_opening_is_refused(way: Way) -> None:
    offer = way.offered()

    with pytest.raises(NotPermitted):
        way.accepted(offer)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"ticked": False}, "consent"), ({"words": "Ja"}, "consent"), ({"title": ""}, "title"), ({"name": ""}, "name"),
        ({"title": "Portner"}, "title"),
    ],
)  # fmt: skip
def test_pv_110_a_form_that_is_not_filled_in_names_its_field_and_saves_nothing(
    way: Way, changed: dict[str, Any], field: str
) -> None:
    offer = way.accepted(way.opened(way.offered()))

    with pytest.raises(FormRefused) as refused:
        way.sign(offer, consent=way.consent(offer, **changed))

    assert list(refused.value.faults) == [field]
    assert way.now(offer).signed == {} and rows(way) == []


def test_pv_107_what_was_shown_must_be_what_stands(way: Way) -> None:
    offer = way.opened(way.offered())

    with pytest.raises(OtherDocument):
        way.accepted(offer, digest="0" * 64)
    accepted = way.accepted(offer)
    with pytest.raises(OtherDocument):
        way.sign(accepted, consent=way.consent(accepted, digest="0" * 64))

    assert way.now(offer).signed == {}


def test_pv_107_nothing_changes_after_the_first_signature(way: Way) -> None:
    way.may_sign(MAYOR)
    offer = way.signed_by(way.offered(DIRECTOR, MAYOR), DIRECTOR)

    with pytest.raises(SignedAlready):
        way.by(
            "En Anden #12", lambda s, t: signing.choose(s, offer.id, way.signer(MAYOR), way.fresh(DIRECTOR, MAYOR), t)
        )
    with pytest.raises(SignedAlready):
        way.by(
            "En Anden #12", lambda s, t: signing.pass_on(s, offer.id, 2, way.rights[DIRECTOR], way.fresh(DIRECTOR), t)
        )


def test_fees_that_moved_before_the_signature_ask_for_a_new_version(way: Way) -> None:
    offer = way.accepted(way.opened(way.offered()))
    way.annex = documents.annex(total_ore=1)

    with pytest.raises(FeesMoved):
        way.sign(offer)

    assert way.now(offer).signed == {}


def test_the_same_fees_told_with_other_words_and_days_are_the_same(way: Way) -> None:
    offer = way.accepted(way.opened(way.offered()))
    way.annex = documents.annex(on=date(2026, 11, 25), notes=())

    assert way.sign(offer).all_signed


# --- several


def test_signatories_sign_in_order_whatever_the_mails_say(way: Way) -> None:
    way.may_sign(MAYOR)
    offer = way.opened(way.offered(DIRECTOR, MAYOR), MAYOR)

    with pytest.raises(NotYet, match="Underskriver 11, Direktør, signs first"):
        way.accepted(offer, MAYOR)
    first = way.sign(way.accepted(way.opened(offer)))
    second = way.sign(way.accepted(first.offer, MAYOR), MAYOR)

    assert (first.all_signed, [each.name for each in first.next], second.all_signed) == (
        False,
        ["Underskriver 12"],
        True,
    )


def test_pv_120_two_of_three_signatures_are_not_all_and_write_no_agreement(way: Way) -> None:
    way.may_sign(MAYOR, COLLEAGUE)
    offer = way.offered(DIRECTOR, MAYOR, COLLEAGUE, in_order=False)

    offer = way.signed_by(offer, COLLEAGUE)
    two = way.sign(way.accepted(way.opened(offer)))

    assert (two.all_signed, two.offer.stand, rows(way)) == (False, Stand.PARTLY_SIGNED, [])


def test_pv_112_each_person_reads_where_signing_stands(way: Way) -> None:
    way.may_sign(MAYOR)
    offer = way.offered(DIRECTOR, MAYOR)
    on = date(2026, 11, 24)

    def told(offer: Any, user_id: int) -> tuple[str, str]:
        found = way.asked(lambda session: signing.task(session, offer, user_id, on))
        return found.state, found.sentence.da

    before = [told(offer, user_id) for user_id in (DIRECTOR, MAYOR, STRANGER)]
    after = way.signed_by(offer, DIRECTOR)

    assert before[0] == ("incomplete", "Aftalen venter på din underskrift")
    assert before[1] == ("incomplete", "Underskriver 11, Direktør, underskriver først")
    assert before[2][0] == "not_yours" and "Det kan: Underskriver 11" in before[2][1]
    assert told(after, DIRECTOR) == ("completed", "Aarhus Kommune har allerede underskrevet: Underskriver 11")
    assert told(way.signed_by(after, MAYOR), STRANGER)[1].endswith("Underskriver 11, Underskriver 12")


def test_pv_108_signing_twice_is_refused(way: Way) -> None:
    offer = way.signed()

    with pytest.raises(SignedAlready):
        way.sign(offer)

    assert taken(way).count("signed") == 1


def test_pv_124_a_second_signatory_declines_and_the_first_must_hear_why(way: Way) -> None:
    way.may_sign(MAYOR)
    offer = way.opened(way.signed_by(way.offered(DIRECTOR, MAYOR), DIRECTOR), MAYOR)

    declined = way.by("To #12", lambda s, t: signing.decline(s, offer.id, way.signer(MAYOR), "Vi venter til 2028", t))

    assert [each.name for each in declined.tell] == ["Underskriver 11"]
    assert (declined.reason, declined.offer.stand) == ("Vi venter til 2028", Stand.DECLINED)
    assert declined.offer.steps[-1].data["told"] == ["u11@eksempel.dk"]
    with pytest.raises(NotPermitted):
        way.accepted(offer, MAYOR)


def test_declining_needs_a_reason(way: Way) -> None:
    offer = way.offered()

    with pytest.raises(OfferRefused, match="reason"):
        way.by("En #11", lambda s, t: signing.decline(s, offer.id, way.signer(), "  ", t))


# --- choices


def test_a_signatory_chooses_day_kind_and_billing_and_signs_what_they_chose(way: Way) -> None:
    offer = way.opened(way.offered())
    billing = Billing("gln", gln="5798009811578", contact_name="En Medarbejder")

    chosen = way.by(
        "En #11",
        lambda s, t: signing.choose(
            s, offer.id, way.signer(), way.fresh(kind="passive", effective_on=date(2027, 2, 1), billing=billing), t
        ),
    )
    signed = way.signed_by(chosen, DIRECTOR)

    (agreement,) = rows(way)
    assert (chosen.version, chosen.digest != offer.digest, way.now(offer).stand) == (2, True, Stand.REPLACED)
    assert (agreement.kind, agreement.in_force_from, agreement.gln) == ("passive", date(2027, 2, 1), "5798009811578")
    assert signed.signed[1].digest == chosen.digest


@pytest.mark.parametrize(
    ("said", "error", "words"),
    [
        ({"effective_on": date(2026, 11, 23)}, FormRefused, "effective_on"),
        ({"billing": Billing("gln", gln="5798009811579")}, FormRefused, "gln: the GLN"),
        ({"billing": Billing("gln")}, FormRefused, "gln: is missing"),
        ({"billing": Billing("cvr", contact_mail="nej")}, FormRefused, "contact_mail"),
        ({"title": documents.annex().lines[0].text}, OtherDocument, "only day"),
    ],
)
def test_a_choice_that_cannot_be_leaves_the_offer_as_it_was(
    way: Way, said: dict[str, Any], error: type[Exception], words: str
) -> None:
    offer = way.opened(way.offered())

    with pytest.raises(error, match=words):
        way.by("En #11", lambda s, t: signing.choose(s, offer.id, way.signer(), way.fresh(**said), t))

    assert (way.now(offer).stand, len(taken(way))) == (Stand.OPENED, 3)


# --- time


def test_pv_113_an_offer_that_ran_out_is_followed_by_one_with_another_reference_and_digest(way: Way) -> None:
    offer = way.offered()
    late = way.later(days=31)

    with pytest.raises(RanOut, match="ran out on 24 December 2026"):
        late.opened(offer)
    expired = late.by(SECRETARIAT, offers.expire_due)
    again = late.by(SECRETARIAT, offers.expire_due)
    new = late.offered(replaces=offer.id)

    assert ([each.stand for each in expired], again) == ([Stand.EXPIRED], [])
    assert (new.reference, new.version, new.replaces_id) == ("A-2026-00002", 1, offer.id)
    assert new.digest != offer.digest
    with pytest.raises(NotPermitted):
        late.opened(offer)


def test_an_offer_past_its_day_is_run_out_by_its_facts_and_stands_in_nobody_s_way(way: Way) -> None:
    offer = way.opened(way.offered())
    late = way.later(days=31)

    def listed(place: Way) -> list[str]:
        found = agreement_list.on(place.at.date())
        return place.asked(lambda s: list(s.execute(found.statement.with_only_columns(found.columns.state)).scalars()))

    assert (listed(way.later(days=30)), listed(late)) == ([Stand.OPENED], [Stand.EXPIRED])
    assert (offer.stand_on(date(2026, 12, 24)), offer.stand_on(date(2026, 12, 25))) == (Stand.OPENED, Stand.EXPIRED)

    new = late.offered(replaces=offer.id)

    assert (new.reference, new.version) == ("A-2026-00002", 1)
    assert way.now(offer).stand is Stand.EXPIRED, "offering anew records what the day had done"
    assert late.by(SECRETARIAT, offers.expire_due) == []
    way.line.done("verify")


def test_an_offer_can_be_signed_on_its_last_day_in_copenhagen(way: Way) -> None:
    offer = way.offered()
    last = way.later(days=30, hours=12)  # 23:00 in Copenhagen

    assert last.opened(offer).stand is Stand.OPENED
    with pytest.raises(RanOut):
        way.later(days=30, hours=13, minutes=1).opened(offer)


def test_reminders_come_so_many_days_after_the_last_that_was_heard(way: Way) -> None:
    offer = way.offered()

    def due(on: date) -> list[str]:
        return [each.name for each in way.asked(lambda session: offers.reminders_due(session, on, 7))]

    first = [due(date(2026, 11, 30)), due(date(2026, 12, 1))]
    _, reminded = way.later(days=7).by(SECRETARIAT, lambda s, t: offers.remind(s, offer.id, t))

    assert first == [[], [offer.name]]
    assert ([each.name for each in reminded], due(date(2026, 12, 7)), due(date(2026, 12, 8))) == (
        ["Underskriver 11"], [], [offer.name],
    )  # fmt: skip


# --- countersigning


def test_pv_115_the_chair_countersigns_exactly_the_list_shown_and_what_fell_out_is_named(way: Way) -> None:
    way.chair_may_countersign()
    first = way.signed()
    way.cvr, way.rights = "29189846", {}
    second = way.signed()
    gone = way.by(SECRETARIAT, lambda s, t: offers.withdraw(s, first.id, "Fejl i beløbet", t))

    with pytest.raises(OtherDocument):
        way.countersign(second, digest=signing.list_digest([first]))
    done = way.countersign(first, second)

    assert ([each.id for each in done.done], [each.id for each, _ in done.left_out]) == ([second.id], [gone.id])
    assert "withdrawn" in done.left_out[0][1].en
    assert done.done[0].steps[-1].data["batch_digest"] == signing.list_digest([first, second])
    with pytest.raises(NothingToCountersign):
        way.countersign(second)
    with pytest.raises(NothingToCountersign):
        way.countersign()


def test_countersigning_asks_as_many_questions_however_many_are_signed(way: Way) -> None:
    way.chair_may_countersign()
    products = ["OS2valghalla", "OS2kitos", "OS2sofd", "OS2mo", "OS2faktor", "OS2rollekatalog", "OS2forms"]
    signed = [replace(way, product=product).signed() for product in products]

    def asked(some: list[Offer]) -> int:
        with queries.heard() as statements:
            assert len(way.countersign(*some).done) == len(some)
        return len(statements)

    assert asked(signed[:2]) == asked(signed[2:])
    renewals = [replace(way, product=product).signed() for product in products]
    members = [replace(way, product=None, cvr=cvr, rights={}).signed() for cvr in ("55133018", "29189846", "29189420")]
    first = asked([*renewals[:2], members[0]])
    assert first == asked([*renewals[2:], *members[1:]])
    assert [way.now(offer).stand for offer in signed] == [Stand.REPLACED] * len(signed)
    way.line.done("verify")


def test_pv_115_nobody_else_countersigns_and_nobody_what_they_signed(way: Way) -> None:
    offer = way.signed()
    way.chair_may_countersign()
    chair = rights.Person("Underskriver 11", "u11@eksempel.dk", "Næstformand", DIRECTOR)
    way.by(SECRETARIAT, lambda s, t: rights.give(s, None, chair, rights.Ground("position", date(2026, 1, 1)), t))

    with pytest.raises(NotTheSigner, match="no right to sign for OS2"):
        way.countersign(offer, signer=way.signer(MAYOR))
    with pytest.raises(NotFresh):
        way.countersign(offer, signer=way.chair(auth_time=way.at - timedelta(hours=1)))
    with pytest.raises(NothingToCountersign, match="you signed for the authority"):
        way.countersign(offer, signer=way.signer(DIRECTOR))

    assert taken(way).count("countersigned") == 0 and CHAIRS != DIRECTOR


def test_pv_108_a_countersigned_agreement_is_not_withdrawn_and_an_unsigned_one_not_countersigned(way: Way) -> None:
    way.chair_may_countersign()
    offer = way.offered()

    with pytest.raises(NothingToCountersign, match="cannot be countersigned: the agreement is offered"):
        way.countersign(offer)
    agreed = way.countersign(way.signed_by(offer, DIRECTOR)).done[0]
    with pytest.raises(NotPermitted):
        way.by(SECRETARIAT, lambda s, t: offers.withdraw(s, agreed.id, "Fortrudt", t))

    assert Step.WITHDRAWN not in taken(way)


def test_the_chain_of_steps_is_verified_link_by_link(way: Way) -> None:
    way.countersigned()

    assert way.asked(lambda session: list(steps.faults(session))) == []
