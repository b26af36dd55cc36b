"""The head of the chain as a value: what it holds, how large it gets, and between which entries it sees a rewriting."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, event, select
from sqlalchemy.orm import Session

from foundation import audit, audit_head
from foundation.audit import ENTRIES, GENESIS, Trail
from foundation.audit_head import LARGEST_TEXT, MOST_CHECKPOINTS, Head, NotAHead
from tests.foundation.tampering import unguarded

AT = datetime(2027, 1, 15, 10, 0, 0, 123456, tzinfo=UTC)
EXPORTED = datetime(2027, 1, 16, tzinfo=UTC)


def write_entries(session: Session, count: int, at: datetime = AT, actor: str = "En Person") -> None:
    """Write some entries without rows."""
    trail = Trail(session, actor, at)
    for nth in range(1, count + 1):
        trail.record("something.done", f"subject {nth}")
    trail.write()


def cut(session: Session, behind: int) -> None:
    """Remove all entries behind a position."""
    with unguarded(session, ENTRIES):
        session.execute(delete(ENTRIES).where(ENTRIES.c.position > behind))


def head_of(session: Session) -> Head:
    """The head as it stands."""
    return audit_head.of(session, {"2027": 7}, at=EXPORTED)


def departures(session: Session, head: Head) -> list[tuple[str, str]]:
    """Where the chain departs from a head: subject, and the end of the message."""
    return [(broken.subject, broken.message.en) for broken in audit_head.departures(session, head)]


def test_a_head_is_read_as_it_was_written(session: Session) -> None:
    write_entries(session, 5)
    head = head_of(session)

    assert audit_head.from_json(audit_head.to_json(head)) == head
    assert (head.position, head.hash) == audit.head(session)
    assert (head.at, head.exported_at, head.series) == (AT, EXPORTED, {"2027": 7})


def test_before_the_first_entry_a_head_holds_nothing(session: Session) -> None:
    cut(session, 0)
    head = head_of(session)
    write_entries(session, 1)

    assert (head.position, head.hash, head.at, head.checkpoints) == (0, GENESIS, None, {})
    assert audit_head.from_json(audit_head.to_json(head)) == head
    assert departures(session, head) == []


@pytest.mark.parametrize(("entries", "step"), [(MOST_CHECKPOINTS, 1), (MOST_CHECKPOINTS + 1, 2), (2_345, 4)])
def test_a_head_stays_small_however_long_the_chain(session: Session, entries: int, step: int) -> None:
    cut(session, 0)
    write_entries(session, entries)
    head = head_of(session)

    assert list(head.checkpoints) == sorted({*range(step, entries + 1, step), entries})
    assert len(head.checkpoints) <= MOST_CHECKPOINTS + 1
    assert len(audit_head.to_json(head)) < LARGEST_TEXT
    assert audit_head.from_json(audit_head.to_json(head)) == head
    write_entries(session, 3)
    assert departures(session, head) == []


def test_a_rewriting_is_named_between_two_checkpoints(session: Session) -> None:
    cut(session, 0)
    write_entries(session, 2_345)
    head = head_of(session)
    cut(session, 1_013)
    write_entries(session, 1_332, actor="En Anden")

    assert [subject for subject, _ in departures(session, head)] == ["audit_entry 1013-1016"]
    assert departures(session, head)[0][1].endswith("the history was rewritten from here on")


def test_a_shorter_chain_that_is_another_too_is_named_for_both(session: Session) -> None:
    cut(session, 0)
    write_entries(session, 9)
    head = head_of(session)
    cut(session, 4)
    write_entries(session, 2, at=EXPORTED + timedelta(days=1))

    (first, worked_on), (second, cut_off) = departures(session, head)

    assert (first, second) == ("audit_entry 5", "audit_entry 7")
    assert worked_on.endswith("an older backup was restored and worked on")
    assert cut_off.endswith("the tail was cut off, or an older backup was restored")


def test_one_entry_less_and_one_entry_more_are_told_apart(session: Session) -> None:
    write_entries(session, 3)
    head = head_of(session)
    longer = replace(head, position=head.position + 1, checkpoints={**head.checkpoints, head.position + 1: "ab" * 32})

    assert departures(session, head) == []
    assert [subject for subject, _ in departures(session, longer)] == [f"audit_entry {head.position + 1}"]


@given(at=st.integers(0, 1_000_000), bit=st.integers(0, 7))
def test_one_bit_changed_anywhere_is_refused_or_changes_nothing(at: int, bit: int) -> None:
    checkpoints = {1: "ab" * 32, 2: "cd" * 32}
    head = Head(EXPORTED, 2, "cd" * 32, AT, {"2027": 7, "R-2027": 1}, checkpoints)
    raw = bytearray(audit_head.to_json(head).encode())
    raw[at % len(raw)] ^= 1 << bit

    try:
        read = audit_head.from_json(raw.decode(errors="replace"))
    except NotAHead:
        return

    assert read == head


def test_reading_a_head_asks_a_bounded_number_of_questions(session: Session) -> None:
    """The hashes are fetched 500 at a time, not one by one."""
    write_entries(session, 700)
    head = head_of(session)
    asked = []

    def count(*arguments: object) -> None:
        asked.append(arguments)

    event.listen(session.connection(), "before_cursor_execute", count)
    assert departures(session, head) == []
    event.remove(session.connection(), "before_cursor_execute", count)

    assert len(asked) == 1 + -(-len(head.checkpoints) // 500)
    assert session.execute(select(ENTRIES.c.position).limit(1)).scalar() == 1
