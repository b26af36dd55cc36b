"""What an agreement is on a day, read from its dated facts."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import NamedTuple

from foundation import periods
from foundation.periods import Period


class Status(StrEnum):
    """Where an agreement stands."""

    SIGNED = "signed"  # by the authority; nothing is owed before the board has countersigned
    COUNTERSIGNED = "countersigned"  # by both, not yet in force
    IN_FORCE = "in_force"
    UNDER_NOTICE = "under_notice"  # in force, with a last day
    ENDED = "ended"


class Kind(StrEnum):
    """How an authority takes part."""

    ACTIVE = "active"
    PASSIVE = "passive"  # follows along for a share of the annual fee; the joining fee waits


class Facts(NamedTuple):
    """The dated facts of an agreement. `terminated_to` is the last day, inside."""

    kind: Kind
    signed_on: date
    countersigned_on: date | None
    in_force_from: date | None
    terminated_to: date | None = None
    notice_given_on: date | None = None
    active_from: date | None = None


def status(facts: Facts, on: date) -> Status:
    """Read where an agreement stands on a day on or after its signing."""
    if facts.terminated_to is not None and facts.terminated_to < on:
        return Status.ENDED
    if facts.countersigned_on is None or facts.countersigned_on > on:
        return Status.SIGNED
    if facts.in_force_from is None or facts.in_force_from > on:
        return Status.COUNTERSIGNED
    noticed = facts.notice_given_on is not None and facts.notice_given_on <= on
    return Status.UNDER_NOTICE if noticed and facts.terminated_to is not None else Status.IN_FORCE


def force(facts: Facts) -> Period | None:
    """Give the days for which it was agreed to be in force; None while no first day is agreed."""
    if facts.in_force_from is None:
        return None
    return periods.through(facts.in_force_from, facts.terminated_to)


def is_active(facts: Facts, on: date) -> bool:
    """Tell whether the connection is active, not passive, on a day."""
    return facts.kind is Kind.ACTIVE or (facts.active_from is not None and facts.active_from <= on)
