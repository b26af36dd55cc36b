"""Templates by two people, on both databases: proposed, adopted, numbered here, and never changed again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from agreements import template_text, templates
from agreements.templates import Adopted, AdoptedAlready, NoSuchTemplate
from foundation.audit import Trail
from foundation.proposals import AlreadyDecided, NoSuchProposal, SamePerson
from tests.agreements.templates_made import CONNECTION, shipped
from tests.command_line import CommandLine
from tests.foundation import tampering

#: An hour before midnight in UTC is the next day in Copenhagen.
AT = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
PREPARER, APPROVER = "En Forbereder #1", "En Godkender #2"


@contextmanager
def acting(line: CommandLine, actor: str = PREPARER) -> Iterator[tuple[Session, Trail]]:
    with line.session() as session:
        trail = Trail(session, actor, AT)
        yield session, trail
        trail.write()


def propose(line: CommandLine, words: str = CONNECTION) -> int:
    with acting(line) as (session, trail):
        return templates.propose(session, words, trail).id


def adopt(line: CommandLine, id_: int, actor: str = APPROVER) -> Adopted:
    with acting(line, actor) as (session, trail):
        return templates.adopt(session, id_, trail)


def test_what_one_proposes_another_adopts_and_it_gets_the_next_number(empty: CommandLine) -> None:
    first = adopt(empty, propose(empty))
    second = adopt(empty, propose(empty, CONNECTION.replace("Mellem", "Imellem")))
    other = adopt(empty, propose(empty, shipped("membership")))

    assert [(each.name, each.version) for each in (first, second, other)] == [
        ("connection", 1), ("connection", 2), ("membership", 1),
    ]  # fmt: skip
    assert (first.adopted_by, first.proposed_by, f"{first.adopted_on}") == (APPROVER, PREPARER, "2026-11-25")
    assert first.template == template_text.parse(CONNECTION)
    assert first.digest == first.template.digest()
    with empty.session() as session:
        assert templates.find(session, "connection") == second
        assert templates.find(session, "connection", 1) == templates.get(session, first.id) == first
        assert templates.listed(session) == [second, first, other]
    empty.done("verify")


def test_nobody_adopts_what_they_proposed_themselves(empty: CommandLine) -> None:
    id_ = propose(empty)

    with pytest.raises(SamePerson):
        adopt(empty, id_, PREPARER)

    with empty.session() as session:
        assert templates.listed(session) == []


def test_a_proposal_is_adopted_once_and_one_of_another_kind_never(empty: CommandLine) -> None:
    id_ = propose(empty)
    adopt(empty, id_)

    with pytest.raises(AlreadyDecided):
        adopt(empty, id_)
    with pytest.raises(NoSuchProposal):
        adopt(empty, id_ + 1)


def test_what_is_adopted_word_for_word_is_not_proposed_again_but_an_older_text_may_come_back(
    empty: CommandLine,
) -> None:
    adopt(empty, propose(empty))

    with pytest.raises(AdoptedAlready):
        propose(empty, "# remark\n" + CONNECTION)
    adopt(empty, propose(empty, CONNECTION.replace("Mellem", "Imellem")))

    assert adopt(empty, propose(empty)).version == 3


def test_a_template_that_is_not_there_is_said_so(empty: CommandLine) -> None:
    with empty.session() as session:
        with pytest.raises(NoSuchTemplate):
            templates.find(session, "connection")
        with pytest.raises(NoSuchTemplate):
            templates.get(session, 1)


def test_the_database_itself_refuses_to_change_what_was_adopted(empty: CommandLine) -> None:
    adopt(empty, propose(empty))

    for statement in ("UPDATE agreement_template SET content = 'x'", "DELETE FROM agreement_template"):
        with pytest.raises(DBAPIError), empty.session() as session:
            session.execute(text(statement))


TAMPERED = {
    "UPDATE agreement_template SET content = replace(content, 'Mellem', 'Midt')": "kontrolsum",
    "UPDATE agreement_template SET version = 7": "versionen skulle være 1",
    "UPDATE agreement_template SET adopted_by = proposed_by": "har selv vedtaget",
    "UPDATE agreement_template SET name = 'membership'": "kan ikke læses",
}


@pytest.mark.tampers
def test_verify_names_a_template_that_is_not_what_was_adopted(empty: CommandLine) -> None:
    adopt(empty, propose(empty))

    for statement, told in TAMPERED.items():
        with empty.session() as session:
            tampering.tamper(session, templates.TEMPLATES, statement)
            faults = list(templates.faults(session))
            session.rollback()
        assert len(faults) == 1 and told in faults[0][1].da, (statement, faults)

    with empty.session() as session:
        tampering.tamper(session, templates.TEMPLATES, statement)
    verdict = empty.run("verify")
    assert (verdict.code, "agreement_template 1" in verdict.out + verdict.err) == (1, True)
