"""How a membership ends: notice by either side, from this service or imported; what is refused leaves it as it was."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from agreements import agreement_list, ending, leaving
from agreements.ending import Notice, NotInForce, Rests
from agreements.signing import NotTheSigner
from agreements.steps import Stand, Step
from authorities.membership import MEMBERSHIPS
from foundation.audit import ENTRIES
from tests.agreements.signed import COLLEAGUE, DIRECTOR, SECRETARIAT, Way
from tests.command_line import CommandLine
from tests.scenarios import files


@pytest.fixture
def way(starter: CommandLine) -> Way:
    """The real registers, and the director of Aarhus with the right to sign."""
    made = Way(starter, product=None)
    made.may_sign(DIRECTOR)
    return made


def left_on(way: Way) -> list[date | None]:
    """The first day without of every membership."""
    return way.column(select(MEMBERSHIPS.c.left_on).order_by(MEMBERSHIPS.c.id))


def give(way: Way, invoiced: Any = (), **changed: Any) -> date:
    """Let the authority give notice."""
    notice = Notice("authority", "Vi går ud", way.signer(**changed))
    id_ = way.authority_id()
    return way.by(SECRETARIAT, lambda s, t: leaving.give_notice(s, id_, notice, dict(invoiced), t))


def withdraw(way: Way, invoiced: Any = ()) -> None:
    """Let it take the notice back."""
    id_ = way.authority_id()
    way.by(SECRETARIAT, lambda s, t: leaving.withdraw_notice(s, id_, "Vi bliver", dict(invoiced), t))


def listed(way: Way) -> list[str]:
    """The states of all agreements as lists have them."""
    found = agreement_list.on(way.at.date())
    return way.asked(lambda s: list(s.execute(found.statement.with_only_columns(found.columns.state)).scalars()))


def test_a_membership_signed_here_is_given_notice_and_kept_by_steps_of_its_chain(way: Way) -> None:
    offer = way.countersigned()
    member = way.later(days=60)  # 23 January 2027

    last = give(member)
    under_notice, states = way.now(offer).stand, (listed(member), listed(way.later(days=500)))
    withdraw(member)

    assert (last, under_notice, states) == (date(2027, 12, 31), Stand.UNDER_NOTICE, (["under_notice"], ["ended"]))
    assert left_on(way) == [None] and listed(member) == ["in_force"]
    steps = [each.step for each in way.now(offer).steps]
    assert steps[-2:] == [Step.NOTICE_GIVEN, Step.NOTICE_WITHDRAWN]
    assert way.now(offer).steps[-2].data["right_id"] == way.rights[DIRECTOR]
    way.line.done("verify")


def test_an_imported_membership_leaves_entries_and_the_last_day_follows_the_usual_terms(way: Way) -> None:
    files.take_members(way.line, files.member(way.cvr))

    last = give(way)
    with pytest.raises(NotInForce):
        give(way)
    withdraw(way)
    with pytest.raises(NotInForce):
        withdraw(way)

    assert last == ending.last_day(ending.USUAL_TERMS, way.at.date()) == date(2027, 12, 31)
    entries = way.column(select(ENTRIES.c.action).where(ENTRIES.c.action.like("membership.%")))
    assert entries == ["membership.notice_given", "membership.notice_withdrawn"]
    way.line.done("verify")


def test_only_who_may_sign_gives_notice_and_only_of_a_membership_there_is(way: Way) -> None:
    with pytest.raises(NotInForce, match="no member"):
        give(way)
    files.take_members(way.line, files.member(way.cvr))
    with pytest.raises(NotTheSigner):
        give(way, user_id=COLLEAGUE)

    assert left_on(way) == [None]


def test_a_year_that_was_invoiced_stays_and_names_its_invoice(way: Way) -> None:
    files.take_members(way.line, files.member(way.cvr))
    invoiced = {way.cvr: [(2028, "2028-0003")]}

    with pytest.raises(Rests, match="2028-0003"):
        give(way, invoiced)
    give(way, {way.cvr: [(2027, "2027-0003")]})
    with pytest.raises(Rests, match="2028-0003"):
        withdraw(way, invoiced)

    assert left_on(way) == [date(2028, 1, 1)]
