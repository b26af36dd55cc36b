"""Four eyes: a proposal is decided once, by another person, whatever happens at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TypeVar

import pytest
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import database as service_database
from foundation import proposals
from foundation.audit import Trail
from foundation.errors import DomainError
from foundation.proposals import (
    AlreadyDecided,
    AnotherContent,
    NoSuchProposal,
    NotYours,
    Outcome,
    Proposal,
    SamePerson,
    Unreadable,
    is_same_person,
)
from tests.command_line import CommandLine
from tests.scenarios import database
from tests.scenarios.database import column

AT = datetime(2027, 1, 15, 10, tzinfo=UTC)
ONE, OTHER, THIRD = "En Forbereder #1", "En Godkender #2", "En Tredje #3"

Made = TypeVar("Made")


def by(line: CommandLine, actor: str, act: Callable[[Session, Trail], Made]) -> Made:
    """Let somebody do something, and commit it."""
    with line.session() as session:
        trail = Trail(session, actor, AT)
        made = act(session, trail)
        trail.write()
    return made


def propose(line: CommandLine, content: str = "a", *, actor: str = ONE, replaces: int | None = None) -> Proposal:
    """Propose settings."""
    return by(line, actor, lambda session, trail: proposals.propose(
        session, "settings", "OS2", content, trail, replaces
    ))  # fmt: skip


def decide(line: CommandLine, id_: int, outcome: Outcome, *, actor: str = OTHER, reason: str = "") -> Proposal:
    """Decide on a proposal."""
    return by(line, actor, lambda session, trail: proposals.decide(session, id_, outcome, trail, reason))


def open_contents(line: CommandLine) -> list[str]:
    """Give what is open, newest first."""
    with line.session() as session:
        return [proposal.content for proposal in proposals.open(session, "settings")]


# --- open, and closed once


def test_a_proposal_is_expected_to_be_what_was_read(empty: CommandLine) -> None:
    made = propose(empty)

    with empty.session() as session:
        proposals.expect(session, made.id, made.digest)
        proposals.expect(session, made.id, None)
        with pytest.raises(AnotherContent):
            proposals.expect(session, made.id, "0" * 64)
        with pytest.raises(NoSuchProposal):
            proposals.expect(session, 99, made.digest)


def test_what_is_proposed_is_open_newest_first_until_it_is_decided(empty: CommandLine) -> None:
    first, second, third = (propose(empty, content) for content in ("a", "b", "c"))

    approved = decide(empty, second.id, "approved")

    assert open_contents(empty) == ["c", "a"]
    assert approved.decision is not None and not approved.is_open
    assert (approved.decision.outcome, approved.decision.by, approved.decision.at) == ("approved", OTHER, AT)
    with empty.session() as session:
        assert proposals.get(session, third.id) == third
        assert [each.id for each in proposals.history(session, "settings", "OS2")] == [third.id, second.id, first.id]
        assert proposals.open(session, "credit") == []
        assert len(proposals.open(session)) == 2
    empty.done("verify")


def test_the_same_proposal_twice_is_one(empty: CommandLine) -> None:
    first = propose(empty)

    again = propose(empty)

    assert again.id == first.id
    assert database.count(empty, "proposal") == 1


def test_what_was_decided_can_be_proposed_again(empty: CommandLine) -> None:
    first = propose(empty)
    decide(empty, first.id, "rejected", reason="ikke aftalt")

    again = propose(empty)

    assert again.id == first.id + 1
    assert open_contents(empty) == ["a"]


def test_a_replaced_proposal_is_closed_and_tells_by_whom(empty: CommandLine) -> None:
    first = propose(empty)

    second = propose(empty, "b", actor=THIRD, replaces=first.id)

    assert open_contents(empty) == ["b"]
    with empty.session() as session:
        replaced = proposals.get(session, first.id).decision
    assert replaced is not None and (replaced.outcome, replaced.by) == ("replaced", THIRD)
    for outcome in ("approved", "rejected", "withdrawn"):
        with pytest.raises(AlreadyDecided) as refused:
            decide(empty, first.id, outcome, actor=ONE if outcome == "withdrawn" else OTHER, reason="fordi")
        assert f"erstattet af {THIRD}" in refused.value.text.da
    with pytest.raises(AlreadyDecided):
        propose(empty, "c", replaces=first.id)
    assert second.replaces == first.id
    empty.done("verify")


@pytest.mark.parametrize("first", ["approved", "rejected", "withdrawn"])
def test_what_is_decided_is_not_decided_again(empty: CommandLine, first: Outcome) -> None:
    proposal = propose(empty)
    decide(empty, proposal.id, first, actor=ONE if first == "withdrawn" else OTHER, reason="fordi")

    for outcome in ("approved", "rejected", "withdrawn"):
        with pytest.raises(AlreadyDecided):
            decide(empty, proposal.id, outcome, actor=THIRD, reason="fordi")

    assert database.count(empty, "proposal_decision") == 1


def test_every_step_stands_in_the_trail_with_who_did_it(empty: CommandLine) -> None:
    first, second, third = (propose(empty, content) for content in ("a", "b", "c"))
    decide(empty, first.id, "approved")
    decide(empty, second.id, "rejected", reason="ikke aftalt")
    decide(empty, third.id, "withdrawn", actor=ONE)

    told = column(empty, "SELECT action || ' ' || actor FROM audit_entry ORDER BY position")

    assert told == [f"proposal.made {ONE}"] * 3 + [
        f"proposal.approved {OTHER}", f"proposal.rejected {OTHER}", f"proposal.withdrawn {ONE}",
    ]  # fmt: skip
    empty.done("verify")


# --- by another person


@pytest.mark.parametrize("outcome", ["approved", "rejected"])
@pytest.mark.parametrize("actor", [ONE, "Et Nyt Navn #1"])
def test_nobody_decides_on_what_they_proposed_not_even_under_a_new_name(
    empty: CommandLine, outcome: Outcome, actor: str
) -> None:
    proposal = propose(empty)

    with pytest.raises(SamePerson):
        decide(empty, proposal.id, outcome, actor=actor, reason="fordi")

    assert open_contents(empty) == ["a"]
    assert database.count(empty, "proposal_decision") == 0


def test_only_who_proposed_something_withdraws_it(empty: CommandLine) -> None:
    proposal = propose(empty)

    with pytest.raises(NotYours):
        decide(empty, proposal.id, "withdrawn")

    assert open_contents(empty) == ["a"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("En Forbereder #1", "En Forbereder #1", True),
        ("En Forbereder #1", "Nyt Navn #1", True),
        ("En Forbereder #1", "En Forbereder #2", False),
        ("En Forbereder #1", "En Forbereder #11", False),
        ("En Forbereder", "en  FORBEREDER", True),
        ("En Forbereder", "En Godkender", False),
        ("En Forbereder", "En Forbereder #1", False),
    ],
)
def test_a_person_is_known_by_the_number_behind_the_name(one: str, other: str, same: bool) -> None:
    assert is_same_person(one, other) is same
    assert is_same_person(other, one) is same


# --- what cannot be kept


def test_rejecting_needs_a_reason(empty: CommandLine) -> None:
    proposal = propose(empty)

    with pytest.raises(Unreadable):
        decide(empty, proposal.id, "rejected", reason="  ")

    assert open_contents(empty) == ["a"]


@pytest.mark.parametrize("content", ["a\0b", "\ud800", "x" * 50_001])
def test_a_content_that_no_database_keeps_is_refused(empty: CommandLine, content: str) -> None:
    with pytest.raises(Unreadable):
        propose(empty, content)

    assert database.count(empty, "proposal") == 0


def test_an_unknown_proposal_or_one_of_another_kind_is_not_there(empty: CommandLine) -> None:
    proposal = propose(empty)

    with pytest.raises(NoSuchProposal):
        decide(empty, 99, "approved")
    with pytest.raises(NoSuchProposal):
        by(empty, ONE, lambda session, trail: proposals.propose(session, "table", "x", "y", trail, proposal.id))

    assert open_contents(empty) == ["a"]


# --- at the same moment


def at_once(line: CommandLine, acts: list[tuple[str, Callable[[Session, Trail], object]]]) -> list[object]:
    """Let people act at the same moment, each in a transaction that takes the writer's lock; give what became of it."""
    engine = create_engine(line.url, poolclass=NullPool)
    service_database.prepare(engine)

    def run(actor: str, act: Callable[[Session, Trail], object]) -> object:
        with Session(engine) as session:
            session.connection(execution_options={service_database._WRITES: True})
            trail = Trail(session, actor, AT)
            try:
                act(session, trail)
            except DomainError as error:
                return type(error)
            trail.write()
            session.commit()
        return "done"

    with ThreadPoolExecutor(len(acts)) as pool:
        ends = list(pool.map(lambda each: run(*each), acts))
    engine.dispose()
    return ends


def test_two_at_the_same_moment_give_one_decision(empty: CommandLine) -> None:
    id_ = propose(empty).id

    ends = at_once(empty, [
        (OTHER, lambda session, trail: proposals.decide(session, id_, "approved", trail)),
        (THIRD, lambda session, trail: proposals.decide(session, id_, "rejected", trail, "nej")),
        (ONE, lambda session, trail: proposals.decide(session, id_, "withdrawn", trail)),
        (THIRD, lambda session, trail: proposals.propose(session, "settings", "OS2", "b", trail, id_)),
    ])  # fmt: skip

    assert ends.count("done") == 1 and ends.count(AlreadyDecided) == 3
    with empty.session() as session:
        assert not proposals.get(session, id_).is_open
    empty.done("verify")


def test_the_database_itself_refuses_a_second_decision_and_a_second_replacement(empty: CommandLine) -> None:
    first = propose(empty)
    second = propose(empty, "b", replaces=first.id)
    decide(empty, second.id, "approved")
    doubled = {
        "proposal": "SELECT 98, kind, subject, content, digest, proposed_by, proposed_at, replaces FROM proposal "
        "WHERE replaces IS NOT NULL",
        "proposal_decision": "SELECT 98, proposal_id, outcome, reason, decided_by, decided_at FROM proposal_decision",
    }

    for table, rows in doubled.items():
        with pytest.raises(IntegrityError), empty.session() as session:
            database._take_triggers_off(session, table)
            session.execute(text(f"INSERT INTO {table} {rows}"))

    empty.done("verify")
