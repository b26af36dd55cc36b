"""From "we want OS2valghalla" to the annual run: real template, real price sheets, and two who confirm at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, select
from sqlalchemy.orm import Session

from agreements import offered, offers, signing
from agreements.connections import AGREEMENTS
from agreements.document import Billing
from agreements.models import AgreementStep
from agreements.offered import Offer, Signatory
from agreements.signing import SignedAlready
from agreements.steps import NotPermitted, Step
from app import database, offering
from app.offering import Prepared, Wish
from billing import seller
from foundation.audit import ENTRIES, Trail
from foundation.errors import DomainError
from tests.agreements.signed import DIRECTOR, MAYOR, SECRETARIAT, Way
from tests.app.test_config import production
from tests.command_line import CommandLine
from tests.scenarios import database as tables

AT = datetime(2026, 11, 24, 10, tzinfo=UTC)
ON = date(2026, 11, 24)
VEJLE = "29189900"


@pytest.fixture
def way(starter: CommandLine) -> Way:
    """Vejle, which wants OS2valghalla, and who signs for it."""
    made = Way(starter.at("2026-11-24"), AT, VEJLE)
    made.template()
    made.may_sign(DIRECTOR, MAYOR)
    made.chair_may_countersign()
    return made


def prepared(way: Way, *user_ids: int, **changed: Any) -> Prepared:
    """Prepare an offer by the tables in force."""
    people = [way.person(user_id) for user_id in user_ids]
    places = tuple(Signatory(at, each.name, each.title, each.mail, way.rights[each.user_id or 0])
                   for at, each in enumerate(people, start=1))  # fmt: skip
    billing = Billing("gln", gln="2995513301806")
    wish = replace(Wish(way.authority_id(), "OS2valghalla", date(2027, 1, 1), places, billing), **changed)
    return way.asked(lambda session: offering.prepare(session, wish, seller.made_up(), ON))


def taken(way: Way, ready: Prepared) -> Offer:
    """Draft and offer what is prepared."""
    draft = way.by(SECRETARIAT, lambda s, t: offers.draft(s, ready.order, ready.build, t))
    return way.by(SECRETARIAT, lambda s, t: offers.offer(s, draft.id, ready.annex, t))


def sign(way: Way, offer: Offer, user_id: int) -> Offer:
    """Let somebody sign with the fees of today."""
    way.annex = way.asked(lambda session: offering.fees_today(session, offer, ON))
    return way.signed_by(offer, user_id)


def valghalla(plan: Any) -> list[Any]:
    """The lines of a plan on OS2valghalla."""
    return [line for invoice in plan["invoices"] for line in invoice["lines"] if line["product"] == "OS2valghalla"]


def test_an_agreement_signed_today_stands_in_tomorrow_s_plan_and_before_it_the_sum_at_risk(way: Way) -> None:
    line = way.line.at("2026-11-25")
    offer = taken(way, prepared(way, DIRECTOR))
    before = line.json("billing", "plan", 2027)

    signed = sign(way, offer, DIRECTOR)
    at_risk = line.json("billing", "plan", 2027)
    way.countersign(signed)
    planned = line.json("billing", "plan", 2027)

    annex = signed.document.annex
    (problem,) = at_risk["problems"]
    assert (before["problems"], before["invoices"], at_risk["invoices"]) == ([], [], [])
    assert (problem["code"], problem["at_risk_ore"]) == ("not_countersigned", annex.total_ore)
    assert "på spil uden moms" in problem["message"]
    assert planned["problems"] == []
    assert sum(line["net_ore"] for line in valghalla(planned)) == annex.total_ore > 0
    line.done("verify")


def test_pv_117_nothing_is_issued_before_the_association_has_signed(way: Way) -> None:
    sign(way, taken(way, prepared(way, DIRECTOR)), DIRECTOR)
    line = way.line.at("2027-01-15")

    line.issue(2027)

    assert line.json("billing", "plan", 2027)["problems"][0]["code"] == "not_countersigned"
    assert tables.count(line, "invoice") == 0


def test_a_new_text_for_an_agreement_in_force_charges_no_joining_fee_again(way: Way) -> None:
    way.countersign(sign(way, taken(way, prepared(way, DIRECTOR)), DIRECTOR))
    line = way.line.at("2027-01-15")
    line.issue(2027)
    first = line.json("billing", "plan", 2027)["unchanged"]

    ready = prepared(way, DIRECTOR, effective_on=date(2027, 2, 1))
    way.countersign(sign(way, taken(way, ready), DIRECTOR))
    again = line.json("billing", "plan", 2027)

    assert [each.kind for each in ready.annex.lines] == ["annual", "contribution"]
    assert (again["invoices"], again["problems"], again["unchanged"]) == ([], [], first)
    assert way.column(select(AGREEMENTS.c.signed_on)) == [ON]


def test_a_signatory_s_choice_of_passive_changes_the_fees_and_the_digest_before_signing(way: Way) -> None:
    offer = way.opened(taken(way, prepared(way, DIRECTOR)))
    later = date(2027, 3, 1)

    def chosen(session: Session, trail: Trail) -> Offer:
        fresh = offering.revised(session, offer, lambda terms: replace(terms, effective_on=later), ON)
        return signing.choose(session, offer.id, way.signer(), fresh, trail)

    new = way.by("En #11", chosen)

    assert (new.version, new.document.effective_on, new.digest != offer.digest) == (2, later, True)
    assert sign(way, new, DIRECTOR).stand == "signed"


# --- by command


def test_an_offer_is_made_listed_withdrawn_and_countersigned_by_command(way: Way) -> None:
    line = way.line
    words = ("agreement", "offer", "--cvr", VEJLE, "--product", "OS2valghalla", "--effective", "2027-01-01",
             "--signatory", "Underskriver 11", "Direktør", "u11@eksempel.dk", "--gln", "2995513301806")  # fmt: skip
    line.done(*words)
    again = line.run(*words)
    line.done("agreement", "withdraw", "A-2026-00001", "--reason", "Forkert dag")
    line.done(*words, "--replaces", "A-2026-00001")
    listed = line.json("agreement", "list", "--cvr", VEJLE)["offers"]
    offer = way.asked(lambda session: offered.newest(session, "A-2026-00002"))
    signed = sign(way, offer, DIRECTOR)
    shown = line.done("agreement", "countersign", "--by", "En Godkender")
    done = line.done("agreement", "countersign", "--digest", signing.list_digest([signed]), "--by", "En Godkender")
    refused = line.run("agreement", "withdraw", "A-2026-00002", "--reason", "Fortrudt", "--by", "En Godkender")

    assert again.code == 1 and "ikke afgjort" in again.err
    assert [(row["reference"], row["stand"]) for row in listed] == [
        ("A-2026-00002", "offered"), ("A-2026-00001", "withdrawn"),
    ]  # fmt: skip
    assert signing.list_digest([signed]) in shown.out and "kontrasigneret" in done.out
    assert refused.code == 1
    refused_of = ENTRIES.c.action == "agreement.refused"
    assert way.column(select(ENTRIES.c.subject).where(refused_of)) == [f"{VEJLE} OS2valghalla", "A-2026-00002"]
    assert way.column(select(ENTRIES.c.actor).where(refused_of)) == ["kommandolinjen", "En Godkender"]
    line.done("agreement", "notice", 1, "--party", "authority", "--reason", "Brev af 1. december")
    line.done("agreement", "notice", 1, "--party", "authority", "--reason", "Trukket", "--withdraw")
    line.done("verify")


def test_rights_are_given_listed_and_ended_by_command(way: Way) -> None:
    line = way.line
    pdf = line.folder / "bemyndigelse.pdf"
    pdf.write_bytes(b"%PDF-1.4 bemyndigelse")

    given = line.done("agreement", "rights", "give", "En Kontorchef", "Kontorchef", "k@eksempel.dk", "--cvr", VEJLE,
                      "--user", 21, "--from", "2026-11-01", "--delegation", pdf, "--by", SECRETARIAT)  # fmt: skip
    line.done("agreement", "rights", "end", 4, "--cvr", VEJLE, "--until", "2026-12-31", "--by", SECRETARIAT)
    listed = line.done("agreement", "rights", "list", "--cvr", VEJLE)
    other = line.run("agreement", "rights", "end", 4, "--until", "2026-12-31")

    assert given.out == "ret 4: En Kontorchef, Kontorchef\n"
    assert listed.out.splitlines()[0].split()[-6:] == ["delegation", "2026-11-01", "2026-12-31", *SECRETARIAT.split()]
    assert (other.code, line.done("agreement", "rights", "list").out.count("Formand")) == (1, 1)


def test_an_offer_that_ran_out_does_so_by_command(way: Way) -> None:
    taken(way, prepared(way, DIRECTOR))

    later = way.line.at("2027-01-15")
    before = later.json("agreement", "list")["offers"][0]

    told = later.done("agreement", "expire")

    assert (before["stand"], before["waiting"]) == ("expired", [])
    assert told.out == "A-2026-00001 v1: udløbet\n"


def test_nobody_countersigns_by_command_in_production(way: Way) -> None:
    refused = production(way.line).run("agreement", "countersign", "--by", "En Godkender")

    assert (refused.code, "i browseren" in refused.err) == (1, True), refused.err


# --- two at once


@contextmanager
def writing(way: Way, actor: str) -> Iterator[tuple[Session, Trail]]:
    """A transaction with the writer's lock, on a connection of its own."""
    engine = create_engine(way.line.url, poolclass=NullPool)
    database.prepare(engine)
    with Session(engine) as session:
        session.connection(execution_options={database._WRITES: True})
        trail = Trail(session, actor, way.at)
        yield session, trail
        trail.write()
        session.commit()
    engine.dispose()


def at_once(way: Way, *acts: tuple[str, Callable[[Session, Trail], object]]) -> list[object]:
    """Let each act in a thread of its own, all let go together; give what each came to."""
    gate, came_to = threading.Barrier(len(acts)), list[object]()

    def act(actor: str, does: Callable[[Session, Trail], object]) -> None:
        gate.wait()
        try:
            with writing(way, actor) as (session, trail):
                came_to.append(does(session, trail))
        except DomainError as refused:
            came_to.append(refused)

    threads = [threading.Thread(target=act, args=each) for each in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return came_to


def test_parallel_confirmations_give_one_signature(way: Way) -> None:
    offer = way.accepted(way.opened(way.offered()))
    consent, signer = way.consent(offer), way.signer()

    def confirm(session: Session, trail: Trail) -> object:
        return signing.sign(session, offer.id, signer, consent, way.annex, trail)

    came_to = at_once(way, *[(f"{signer.name} #11", confirm)] * 6)

    steps = way.column(select(AgreementStep.step).order_by(AgreementStep.id))
    assert steps.count(Step.SIGNED) == 1 and len(way.column(select(AGREEMENTS.c.id))) == 1
    assert sum(isinstance(each, SignedAlready) for each in came_to) == 5
    way.line.done("verify")


def test_signing_and_withdrawing_at_once_come_to_one_of_the_two(way: Way) -> None:
    offer = way.accepted(way.opened(way.offered(DIRECTOR, MAYOR)))
    consent, signer = way.consent(offer), way.signer()

    came_to = at_once(
        way,
        ("En #11", lambda s, t: signing.sign(s, offer.id, signer, consent, way.annex, t)),
        (SECRETARIAT, lambda s, t: offers.withdraw(s, offer.id, "Fejl", t)),
        (SECRETARIAT, lambda s, t: offers.withdraw(s, offer.id, "Fejl", t)),
    )

    steps = [each.step for each in way.now(offer).steps]
    assert steps.count(Step.WITHDRAWN) == 1 and steps[-1] is Step.WITHDRAWN
    assert sum(isinstance(each, NotPermitted) for each in came_to) in (1, 2)
    way.line.done("verify")
