"""How a signed agreement changes and ends: notice and its withdrawal, passive to active, a new text, a merger."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select, update

from agreements import campaign, ending, leaving, lifecycle, offered, offers, rights, signing
from agreements.clauses import NoticeTerms
from agreements.conclusion import Clashes
from agreements.connections import AGREEMENTS, Invoiced
from agreements.ending import NoSuccessor, Notice, NotInForce, Rests
from agreements.lifecycle import Status
from agreements.steps import Stand
from authorities.membership import MEMBERSHIPS
from authorities.register import AUTHORITIES
from tests.agreements.signed import DIRECTOR, MAYOR, SECRETARIAT, STRANGER, Way
from tests.command_line import CommandLine
from tests.scenarios import files


@pytest.fixture
def way(starter: CommandLine) -> Way:
    """The real registers, who signs, and who countersigns."""
    made = Way(starter)
    made.may_sign(DIRECTOR)
    made.chair_may_countersign()
    return made


def agreement(way: Way, id_: int = 1) -> Any:
    """An agreement's row."""
    return way.asked(lambda session: session.execute(select(AGREEMENTS).where(AGREEMENTS.c.id == id_)).one())


def imported(way: Way, **changed: Any) -> int:
    """An agreement that came from a file; its number."""
    way.line.done("agreements", "import", way.line.write("aftaler.csv", files.text(
        files.AGREEMENTS, [files.agreement(way.cvr, **changed)])))  # fmt: skip
    return int(way.column(select(AGREEMENTS.c.id).order_by(AGREEMENTS.c.id.desc()))[0])


# --- notice


@pytest.mark.parametrize(
    ("terms", "on", "last"),
    [
        (NoticeTerms(6, "year"), date(2026, 6, 30), date(2026, 12, 31)),
        (NoticeTerms(6, "year"), date(2026, 7, 1), date(2027, 12, 31)),
        (NoticeTerms(6, "year"), date(2026, 8, 31), date(2027, 12, 31)),
        (NoticeTerms(6, "year"), date(2026, 1, 1), date(2026, 12, 31)),
        (NoticeTerms(0, "day"), date(2026, 3, 5), date(2026, 3, 5)),
        (NoticeTerms(3, "month"), date(2026, 11, 30), date(2027, 2, 28)),
        (NoticeTerms(3, "month"), date(2027, 11, 30), date(2028, 2, 29)),
        (NoticeTerms(14, "day"), date(2026, 12, 31), date(2028, 2, 29)),
    ],
)
def test_the_last_day_follows_from_the_clause(terms: NoticeTerms, on: date, last: date) -> None:
    assert ending.last_day(terms, on) == last


def test_an_authority_gives_notice_and_takes_it_back(way: Way) -> None:
    way.countersigned()
    notice = Notice("authority", "Vi skifter system", way.signer())

    last = way.by("En #11", lambda s, t: ending.give_notice(s, 1, notice, t))
    noticed = agreement(way)
    with pytest.raises(NotInForce):
        way.by("En #11", lambda s, t: ending.give_notice(s, 1, notice, t))
    way.by(SECRETARIAT, lambda s, t: ending.withdraw_notice(s, 1, "Aftalt på mødet", t))

    assert (last, noticed.terminated_to, noticed.notice_given_on) == (
        date(2027, 12, 31), date(2027, 12, 31), date(2026, 11, 24),
    )  # fmt: skip
    assert lifecycle.status(ending.facts(noticed), date(2027, 6, 1)) is Status.UNDER_NOTICE
    assert (agreement(way).terminated_to, way.now(_offer(way)).stand) == (None, Stand.AGREED)
    kept = _offer(way).steps[-2].data
    assert (kept["last_day"], kept["reason"], kept["iss"]) == ("2027-12-31", "Vi skifter system", way.signer().iss)
    way.line.done("verify")


def _offer(way: Way) -> Any:
    return way.asked(lambda session: offered.newest(session, "A-2026-00001"))


def test_only_who_may_sign_gives_notice_for_the_authority(way: Way) -> None:
    way.countersigned()

    with pytest.raises(signing.NotTheSigner):
        notice = Notice("authority", "Nej", way.signer(STRANGER))
        way.by("En #14", lambda s, t: ending.give_notice(s, 1, notice, t))

    assert agreement(way).notice_given_on is None


def test_an_imported_agreement_is_given_notice_by_the_usual_terms(way: Way) -> None:
    number = imported(way)

    last = way.by(SECRETARIAT, lambda s, t: ending.give_notice(s, number, Notice("association", "Lukker"), t))

    assert last == date(2027, 12, 31)
    way.line.done("verify")


def test_what_is_not_there_or_not_in_force_is_given_no_notice(way: Way) -> None:
    way.signed()

    with pytest.raises(NotInForce):
        way.by(SECRETARIAT, lambda s, t: ending.give_notice(s, 1, Notice("association", "Nej"), t))
    with pytest.raises(ending.NoSuchAgreement):
        way.by(SECRETARIAT, lambda s, t: ending.give_notice(s, 99, Notice("association", "Nej"), t))


# --- passive to active


def test_a_passive_connection_becomes_active_and_owes_its_joining_fee_then(way: Way) -> None:
    way.countersigned(kind="passive")
    later = way.later(days=150)

    later.by(SECRETARIAT, lambda s, t: ending.activate(s, 1, date(2027, 5, 1), {}, t))

    row = agreement(way)
    assert (row.kind, row.active_from, row.signed_on) == ("passive", date(2027, 5, 1), date(2026, 11, 24))
    with pytest.raises(NotInForce, match="only a passive"):
        later.by(SECRETARIAT, lambda s, t: ending.activate(s, 1, date(2027, 6, 1), {}, t))


def test_a_year_invoiced_as_passive_stays_passive(way: Way) -> None:
    way.countersigned(kind="passive")
    resting = {(way.cvr, "OS2valghalla", date(2026, 11, 24)): [Invoiced("2027-0001", 2027)]}

    with pytest.raises(Rests, match="2027-0001"):
        way.by(SECRETARIAT, lambda s, t: ending.activate(s, 1, date(2027, 1, 1), resting, t))
    way.by(SECRETARIAT, lambda s, t: ending.activate(s, 1, date(2027, 1, 2), resting, t))

    assert agreement(way).active_from == date(2027, 1, 2)


# --- a new text


def test_a_new_text_renews_the_agreement_and_keeps_its_signing_day(way: Way) -> None:
    number = imported(way, signed_on="2022-11-15")
    before = agreement(way, number)

    signed = way.signed()
    untouched = agreement(way, number)
    agreed = way.countersign(signed).done[0]

    rows = way.column(select(AGREEMENTS.c.signed_on))
    after = agreement(way, number)
    assert (untouched, rows) == (before, [date(2022, 11, 15)])
    assert (after.offer_id, after.countersigned_on, after.gln) == (agreed.id, before.countersigned_on, "2995513301806")
    way.line.done("verify")


def test_a_second_renewal_replaces_the_first_and_the_campaign_tells_who_has_what(way: Way) -> None:
    first = way.countersigned()
    on = date(2027, 2, 1)
    before = way.asked(lambda session: campaign.standing(session, 1, on))
    other = way.asked(lambda session: campaign.standing(session, 2, on))

    second = way.countersigned()

    assert [(place.state, place.version) for place in before] == [("has", 1)]
    assert [(place.state, place.offer) for place in other] == [("has_not", None)]
    assert (way.now(first).stand, way.now(second).stand) == (Stand.REPLACED, Stand.AGREED)
    assert agreement(way).offer_id == second.id


def test_the_campaign_tells_what_is_on_its_way(way: Way) -> None:
    imported(way)
    on = date(2026, 11, 24)

    def state() -> str:
        return way.asked(lambda session: campaign.standing(session, 1, on, "OS2valghalla"))[0].state

    states = [state()]
    offer = way.offered()
    states.append(state())
    signed = way.signed_by(offer, DIRECTOR)
    states.append(state())
    way.countersign(signed)

    assert [*states, state()] == ["has_not", "offered", "signed", "has"]


def test_a_passive_text_for_an_active_connection_or_one_under_notice_is_not_offered(way: Way) -> None:
    number = imported(way)
    with pytest.raises(Clashes, match="cannot become passive"):
        way.offered(kind="passive")
    way.by(SECRETARIAT, lambda s, t: ending.give_notice(s, number, Notice("association", "Lukker"), t))

    with pytest.raises(Clashes, match="under notice"):
        way.offered()


def test_what_was_signed_and_taken_back_can_be_signed_again_the_same_day(way: Way) -> None:
    first = way.signed()
    way.by(SECRETARIAT, lambda s, t: offers.withdraw(s, first.id, "Forkert beløb", t))
    taken_back = agreement(way)

    second = way.signed()

    assert taken_back.terminated_to == date(2026, 11, 23)
    row = agreement(way)
    assert (row.offer_id, row.terminated_to, way.column(select(AGREEMENTS.c.id))) == (second.id, None, [1])
    assert way.countersign(second).done[0].stand is Stand.AGREED
    way.line.done("verify")


# --- a file does not undo a signature


def test_a_file_changes_billing_details_of_a_signed_agreement_and_nothing_that_was_signed(way: Way) -> None:
    way.signed()
    row: dict[str, str] = dict(
        files.agreement(way.cvr, signed_on="2026-11-24", countersigned_on="2026-11-24", in_force_from="2027-01-01")
    )
    refused = way.line.run("agreements", "import", way.line.write("a.csv", files.text(files.AGREEMENTS, [row])))
    fine = row | {"countersigned_on": "", "order_reference": "4711"}
    way.line.done("agreements", "import", way.line.write("b.csv", files.text(files.AGREEMENTS, [fine])))

    assert refused.code == 1 and "underskrevet her" in refused.err
    assert (agreement(way).order_reference, agreement(way).countersigned_on) == ("4711", None)


# --- merger


def _merged(way: Way) -> tuple[int, int, int]:
    """Two regions that end with 2026, their agreements, and that of their successor; give the three numbers."""
    old = [files.by_name("Hovedstaden").cvr, files.by_name("Sjælland").cvr]
    for cvr in old:
        imported(replace_cvr(way, cvr), signed_on="2020-01-01", in_force_from="2020-01-01")
    successor = files.by_name("Midtjylland").cvr
    way.asked(
        lambda session: session.execute(
            update(AUTHORITIES)
            .where(AUTHORITIES.c.cvr.in_(old))
            .values(valid_to=date(2026, 12, 31), succeeded_by_cvr=successor)
        )
    )
    new = imported(
        replace_cvr(way, successor), signed_on="2026-11-01", countersigned_on="2026-11-02", in_force_from="2027-01-01"
    )
    return new - 2, new - 1, new


def replace_cvr(way: Way, cvr: str) -> Way:
    """The same place, another authority."""
    return Way(way.line, way.at, cvr)


def test_a_successor_s_agreement_ends_those_it_follows_and_owes_no_joining_fee_again(way: Way) -> None:
    first, second, new = _merged(way)

    way.by(SECRETARIAT, lambda s, t: ending.replace_after_merger(s, new, [first, second], "Lov nr. 699", {}, t))

    assert [agreement(way, each).terminated_to for each in (first, second, new)] == [
        date(2026, 12, 31), date(2026, 12, 31), None,
    ]  # fmt: skip
    assert agreement(way, new).joining_fee_invoiced_on == date(2020, 1, 1)
    way.line.done("verify")


def test_a_stranger_s_agreement_is_not_replaced_and_an_invoiced_year_stays(way: Way) -> None:
    first, second, new = _merged(way)
    stranger = imported(way)
    resting = {(files.by_name("Hovedstaden").cvr, "OS2valghalla", date(2020, 1, 1)): [Invoiced("2027-0009", 2027)]}

    with pytest.raises(NoSuccessor):
        way.by(SECRETARIAT, lambda s, t: ending.replace_after_merger(s, new, [first, stranger], "Lov", {}, t))
    with pytest.raises(Rests, match="2027-0009"):
        way.by(SECRETARIAT, lambda s, t: ending.replace_after_merger(s, new, [first, second], "Lov", resting, t))

    assert [agreement(way, each).terminated_to for each in (first, second, stranger)] == [None, None, None]


# --- rights


def test_a_right_holds_from_its_first_to_its_last_day_and_stays_in_the_register(way: Way) -> None:
    authority_id, right = way.authority_id(), way.rights[DIRECTOR]
    way.by(SECRETARIAT, lambda s, t: rights.end(s, right, authority_id, date(2026, 12, 31), t))

    def may(on: date) -> list[int]:
        return [each.id for each in way.asked(lambda session: rights.who_may(session, authority_id, on))]

    assert [may(on) for on in (date(2025, 12, 31), date(2026, 1, 1), date(2026, 12, 31), date(2027, 1, 1))] == [
        [], [right], [right], [],
    ]  # fmt: skip
    assert [each.id for each in way.asked(lambda session: rights.register(session, authority_id))] == [right]
    with pytest.raises(rights.EndedAlready):
        way.by(SECRETARIAT, lambda s, t: rights.end(s, right, authority_id, date(2026, 12, 31), t))
    way.line.done("verify")


@pytest.mark.parametrize(
    ("person", "ground", "field"),
    [
        (rights.Person("", "a@eksempel.dk", "Chef"), rights.Ground("position", date(2026, 1, 1)), "name"),
        (rights.Person("En", "a@eksempel", "Chef"), rights.Ground("position", date(2026, 1, 1)), "mail"),
        (rights.Person("En", "a@eksempel.dk", ""), rights.Ground("position", date(2026, 1, 1)), "title"),
        (rights.Person("En", "a@eksempel.dk", "Chef"), rights.Ground("delegation", date(2026, 1, 1)), "document"),
        (rights.Person("En", "a@eksempel.dk", "Chef", 1), rights.Ground("position", date(2026, 1, 1)), "name"),
        (
            rights.Person("En", "a@eksempel.dk", "Chef"),
            rights.Ground("position", date(2026, 1, 1), date(2025, 1, 1)),
            "until_on",
        ),
    ],
)
def test_a_right_that_cannot_be_names_its_field(
    way: Way, person: rights.Person, ground: rights.Ground, field: str
) -> None:
    authority_id = way.authority_id()

    with pytest.raises(rights.RightRefused) as refused:
        way.by(SECRETARIAT, lambda s, t: rights.give(s, authority_id, person, ground, t))

    assert list(refused.value.faults) == [field]


def test_a_right_by_delegation_keeps_its_document_and_is_tied_to_who_signs_in(way: Way) -> None:
    authority_id, document = way.authority_id(), ("bemyndigelse.pdf", b"%PDF-1.7 bemyndigelse")
    person = rights.Person("En Kontorchef", "k@eksempel.dk", "Kontorchef")
    ground = rights.Ground("delegation", date(2026, 1, 1), document=document)
    given = way.by(SECRETARIAT, lambda s, t: rights.give(s, authority_id, person, ground, t))
    unknown = way.asked(lambda session: rights.of_person(session, authority_id, MAYOR, date(2026, 11, 24)))

    tied = way.by(SECRETARIAT, lambda s, t: rights.tie(s, given.id, authority_id, MAYOR, t))

    held = way.asked(lambda session: rights.of_person(session, authority_id, MAYOR, date(2026, 11, 24)))
    assert unknown is None and held == tied
    assert (tied.file_id, tied.basis, tied.person.user_id) == (given.file_id, "delegation", MAYOR)
    with pytest.raises(rights.NoSuchRight):
        way.by(SECRETARIAT, lambda s, t: rights.tie(s, given.id, None, MAYOR, t))


def test_membership_is_entered_by_the_countersignature_alone(way: Way) -> None:
    way.product = None
    signed = way.signed()
    before = way.column(select(MEMBERSHIPS.c.joined_on))

    way.countersign(signed)

    assert (before, way.column(select(MEMBERSHIPS.c.joined_on))) == ([], [date(2027, 1, 1)])
    way.line.done("verify")


def test_a_new_text_renews_a_membership_and_keeps_its_first_day(way: Way) -> None:
    files.take_members(way.line, files.member(way.cvr, joined_on="2012-01-01"))
    way.product = None
    lacking = way.asked(lambda s: campaign.standing(s, way.template().id, way.at.date()))

    first = way.countersigned()
    second = way.countersigned()

    has = way.asked(lambda s: campaign.standing(s, way.template().id, way.at.date()))
    rows = way.asked(
        lambda s: s.execute(select(MEMBERSHIPS.c.joined_on, MEMBERSHIPS.c.left_on, MEMBERSHIPS.c.gln)).all()
    )
    assert [tuple(row) for row in rows] == [(date(2012, 1, 1), None, "2995513301806")]
    assert (way.now(first).stand, way.now(second).stand) == (Stand.REPLACED, Stand.AGREED)
    assert ([each.state for each in lacking], [(each.state, each.version) for each in has]) == (
        ["has_not"],
        [("has", 1)],
    )
    authority = way.authority_id()
    way.by(SECRETARIAT, lambda s, t: leaving.give_notice(s, authority, Notice("association", "Lukker"), {}, t))
    assert way.now(second).stand is Stand.UNDER_NOTICE
    with pytest.raises(Clashes, match="is under notice"):
        way.offered(effective_on=date(2027, 6, 1))
    way.line.done("verify")
