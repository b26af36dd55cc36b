"""People who act through the rooms below the command line, as pages do: each in a transaction of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import event
from sqlalchemy.orm import Session

from foundation.audit import Trail
from tests.command_line import CommandLine

AT = datetime(2027, 1, 15, 10, tzinfo=UTC)

#: People as the trail names them: each has a number, as those who sign in do.
PREPARER, APPROVER, SIGNATORY = "En Forbereder #1", "En Godkender #2", "En Underskriver #3"

Made = TypeVar("Made")


def by(line: CommandLine, actor: str, act: Callable[[Session, Trail], Made]) -> Made:
    """Let somebody do something, and commit it; what is refused leaves nothing behind."""
    with line.session() as session:
        trail = Trail(session, actor, AT)
        made = act(session, trail)
        trail.write()
    return made


@contextmanager
def counted(session: Session) -> Iterator[list[str]]:
    """Collect the statements that are sent, but for those that begin a transaction."""
    asked: list[str] = []
    session.connection()
    engine = session.get_bind()

    def hear(_: Any, __: Any, statement: str, *___: Any) -> None:
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", hear)
    yield asked
    event.remove(engine, "before_cursor_execute", hear)
