"""People who act through the rooms below the command line, as pages do: each in a transaction of their own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

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
