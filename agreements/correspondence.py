"""What is written about agreements, when and to whom at the secretariat: settings of the association by two people.

The newest approved proposal is in force; until there is one, the usual days hold and the finance people are told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from foundation import letters, proposals, toml_text
from foundation.audit import Trail
from foundation.errors import Refused
from foundation.language import Text, joined, same
from foundation.proposals import Proposal
from foundation.toml_text import NotToml

SUBJECT = "OS2"
_KEYS = ("told", "reminders", "valid_days")
_MOST_TOLD, _MOST_REMINDERS, _MOST_DAYS = 10, 6, 365


class CorrespondenceRefused(Refused):
    """Settings that cannot be; `faults` tells what is wrong, by key."""

    def __init__(self, faults: Mapping[str, Text]) -> None:
        super().__init__(joined([same(f"{name}: ") + fault for name, fault in faults.items()], by="\n"))
        self.faults = dict(faults)


@dataclass(frozen=True, slots=True)
class Correspondence:
    """Who is told at the secretariat (nobody: the finance people), after how many days, and how long an offer stands.

    `reminders` counts days since the signatory was asked.
    """

    told: tuple[str, ...] = ()
    reminders: tuple[int, ...] = (7, 14)
    valid_days: int = 30

    def text(self) -> str:
        """Give the settings as they are proposed."""
        told = ", ".join(f'"{each}"' for each in self.told)
        return f"told = [{told}]\nreminders = {list(self.reminders)}\nvalid_days = {self.valid_days}\n"


# --- questions


def current(session: Session) -> Correspondence:
    """Give the settings in force."""
    found = proposals.newest_approved(session, "correspondence", SUBJECT)
    return Correspondence() if found is None else read(found)


def read(text: str) -> Correspondence:
    """Read settings. Raises CorrespondenceRefused with every fault."""
    try:
        given = toml_text.parse(text)
    except NotToml as error:
        line = Text(f"linje {error.line}: ", f"line {error.line}: ")
        raise CorrespondenceRefused({"text": line + error.reason}) from None
    if faults := _faults(given):
        raise CorrespondenceRefused(faults)
    return Correspondence(tuple(given["told"]), tuple(given["reminders"]), given["valid_days"])


def _faults(given: Mapping[str, Any]) -> dict[str, Text]:
    faults = {name: Text("mangler", "is missing") for name in _KEYS if name not in given}
    if strange := [name for name in given if name not in _KEYS]:
        faults["text"] = Text(f"ukendt: {strange[0][:40]!r}", f"unknown: {strange[0][:40]!r}")
    told, reminders, days = (given.get(name) for name in _KEYS)
    if "told" in given and not _are_mails(told):
        faults["told"] = Text(f"op til {_MOST_TOLD} mailadresser", f"up to {_MOST_TOLD} mail addresses")
    if "valid_days" in given and not _is_day(days):
        faults["valid_days"] = Text(f"1 til {_MOST_DAYS} dage", f"1 to {_MOST_DAYS} days")
    if "reminders" in given and not _rise(reminders):
        faults["reminders"] = Text(
            f"op til {_MOST_REMINDERS} antal dage, hvert større end det foregående",
            f"up to {_MOST_REMINDERS} numbers of days, each larger than the one before",
        )
    elif not faults and reminders and reminders[-1] >= days:
        faults["reminders"] = Text("tilbuddet er udløbet da", "the offer has run out by then")
    return faults


def _are_mails(told: object) -> bool:
    return (
        isinstance(told, list)
        and len(told) <= _MOST_TOLD
        and all(isinstance(each, str) and letters.address_fault(each) is None for each in told)
        and len({each.casefold() for each in told}) == len(told)
    )


def _is_day(value: object) -> bool:
    return type(value) is int and 1 <= value <= _MOST_DAYS


def _rise(days: object) -> bool:
    if not isinstance(days, list) or len(days) > _MOST_REMINDERS or not all(map(_is_day, days)):
        return False
    return days == sorted(set(days))


# --- acts; each needs the writer's lock, and the caller commits


def propose(session: Session, wanted: Correspondence, trail: Trail) -> Proposal:
    """Propose settings; they take the place of those proposed before. Raises CorrespondenceRefused."""
    text = wanted.text()
    if read(text) == current(session):
        raise CorrespondenceRefused({"told": Text("det er det, der gælder", "this is what is in force")})
    return proposals.propose_newest(session, "correspondence", SUBJECT, text, trail)


def approve(session: Session, id_: int, trail: Trail) -> Proposal:
    """Put proposed settings in force, another person than who proposed them. Raises what `proposals.decide` raises."""
    return proposals.approve(session, id_, "correspondence", trail)
