"""Hearing the statements that go to the database: what costs a constant number is asserted, not believed.

with queries.heard() as statements:
    client.get("/authorities")
assert len(statements) == 3
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, event


@contextmanager
def heard() -> Iterator[list[str]]:
    """Hear every statement of every engine of this process, but not how transactions begin and end."""
    statements: list[str] = []

    def hear(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if statement.split(maxsplit=1)[0] not in ("BEGIN", "SET"):
            statements.append(statement)

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", hear)
