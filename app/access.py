"""Who may do what: the roles, and the person behind a request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, TypeVar

from foundation.language import Language

View = TypeVar("View", bound=Callable[..., Any])


class Role(StrEnum):
    """What someone is to the service."""

    SIGNATORY = "signatory"
    COORDINATION = "coordination"
    FINANCE = "finance"
    APPROVER = "approver"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Principal:
    """The person behind a request, as of today."""

    user_id: int | None
    name: str
    roles: frozenset[Role]
    authorities: frozenset[int]
    products: frozenset[str]
    signed_in_at: datetime | None
    via: Literal["nobody", "browser", "token"] = "nobody"
    language: Language = "da"

    @property
    def actor(self) -> str:
        """What the audit trail records, unique for each person."""
        return f"{self.name} #{self.user_id}"


ANONYMOUS = Principal(None, "", frozenset(), frozenset(), frozenset(), None)


def current() -> Principal:
    """Give the person behind this request."""
    from app.identity import sessions

    return sessions.principal()


def public(view: View) -> View:
    """Mark a view that anybody may use."""
    return view
