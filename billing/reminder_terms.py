"""The association's terms of reminding: when, how often, and what a delay costs. Nothing is charged undecided.

The law's bounds stand here: at most three reminders with a fee of at most 100 kr. each, at least ten days apart. The
terms in force are the last that one person proposed and another approved; without any, the mild ones below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation import money, proposals, toml_text, wording
from foundation.audit import Trail, sha256
from foundation.errors import Refused
from foundation.language import Text, joined, same
from foundation.money import Money
from foundation.proposals import DECISIONS, PROPOSALS, Proposal
from foundation.toml_text import NotToml

SUBJECT = "OS2"

#: The Danish interest act, section 9 b: fee, how many, how far apart; section 9 a: the compensation.
HIGHEST_FEE, MOST_REMINDERS, LEAST_DAYS_APART, COMPENSATION = money.kroner(100), 3, 10, money.kroner(310)

DayCount = Literal["actual", "30/360"]
DAY_COUNTS: tuple[DayCount, ...] = get_args(DayCount)

#: The mild terms that hold until others are approved; also what a form begins with.
EXAMPLE = """\
first_after_days = 10   # dage efter forfaldsdagen til første rykker
days_apart = 10         # dage mellem to rykkere, mindst 10
most = 3                # rykkere for en faktura, højst 3
payment_days = 9        # frist på rykkeren, under days_apart
fee = 0                 # rykkergebyr i hele kroner, højst 100
compensation = false    # kompensationsbeløb på 310 kr., én gang
interest = false        # morarente: referencesats + 8 procentpoint
day_count = "actual"    # rentedage: "actual" eller "30/360"
statement_days = 3      # banken skal være indlæst til højst så mange dage siden
grace_days = 10         # dage uden rykker efter en delbetaling eller kreditnota
automatic = false       # true: jobbet udsteder uden ny godkendelse
decided_on = ""         # hvornår foreningen besluttede det
decided_by = ""         # hvem der besluttede det
"""

_NUMBERS = {
    "first_after_days": (1, 90), "days_apart": (LEAST_DAYS_APART, 90), "most": (1, MOST_REMINDERS),
    "payment_days": (1, 89), "fee": (0, 100), "statement_days": (0, 30), "grace_days": (0, 90),
}  # fmt: skip
_TRUTHS = ("compensation", "interest", "automatic")
_KEYS = (*_NUMBERS, *_TRUTHS, "day_count", "decided_on", "decided_by")


class TermsRefused(Refused):
    """The terms are not right; every fault is named."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How the association reminds. `proposal_id` is the approved proposal they rest on; None for the mild ones."""

    first_after_days: int
    days_apart: int
    most: int
    payment_days: int
    fee: Money
    compensation: bool
    interest: bool
    day_count: DayCount
    statement_days: int
    grace_days: int
    automatic: bool
    decided_on: date | None
    decided_by: str
    digest: str
    proposal_id: int | None = None


def current(session: Session) -> Terms:
    """Give the terms in force, in one query."""
    found = (
        select(PROPOSALS.c.id, PROPOSALS.c.content)
        .join(DECISIONS, DECISIONS.c.proposal_id == PROPOSALS.c.id)
        .where(PROPOSALS.c.kind == "reminder_terms", DECISIONS.c.outcome == "approved")
        .order_by(DECISIONS.c.id.desc())
        .limit(1)
    )
    row = session.execute(found).first()
    return read(EXAMPLE) if row is None else read(row.content, row.id)


def text(session: Session) -> str:
    """Give the terms in force as text, to be changed."""
    found = current(session)
    return EXAMPLE if found.proposal_id is None else proposals.get(session, found.proposal_id).content


def propose(session: Session, given: str, trail: Trail) -> Proposal:
    """Propose terms; they take the place of those proposed before. Raises TermsRefused with every fault."""
    if read(given).digest == current(session).digest:
        raise TermsRefused(Text("det er de vilkår, der gælder", "these are the terms in force"))
    return proposals.propose_newest(session, "reminder_terms", SUBJECT, given, trail)


def approve(session: Session, id_: int, trail: Trail) -> Proposal:
    """Put proposed terms in force, another person than who proposed them. Raises what `proposals.decide` raises."""
    proposal = proposals.approve(session, id_, "reminder_terms", trail)
    read(proposal.content)
    return proposal


# --- reading


def read(given: str, proposal_id: int | None = None) -> Terms:
    """Read terms from their TOML. Raises TermsRefused with every fault."""
    try:
        found = toml_text.parse(given)
    except NotToml as error:
        raise TermsRefused(Text(f"linje {error.line}: ", f"line {error.line}: ") + error.reason) from None
    if faults := list(_faults(found)):
        raise TermsRefused(joined(faults, by="\n"))
    return Terms(
        **{key: found[key] for key in _NUMBERS if key != "fee"}, **{key: found[key] for key in _TRUTHS},
        fee=money.kroner(found["fee"]), day_count=found["day_count"], decided_on=_day(found["decided_on"]),
        decided_by=wording.composed(found["decided_by"]).strip(), digest=sha256(given), proposal_id=proposal_id,
    )  # fmt: skip


def _faults(found: Mapping[str, Any]) -> Iterator[Text]:
    for key in found:
        if key not in _KEYS:
            yield same(f"{wording.quoted(key)}: ") + Text("ukendt nøgle", "unknown key")
    for key, (least, most) in _NUMBERS.items():
        if type(found.get(key)) is not int or not least <= found[key] <= most:
            yield same(f"{key}: ") + Text(f"skal være et helt tal fra {least} til {most}",
                                          f"must be a whole number from {least} to {most}")  # fmt: skip
    for key in _TRUTHS:
        if not isinstance(found.get(key), bool):
            yield same(f"{key}: ") + Text("skal være true eller false", "must be true or false")
    for is_wrong, fault in _RULES:
        if is_wrong(found):
            yield fault


def _is_words(value: object) -> bool:
    return isinstance(value, str) and not wording.fault(wording.composed(value), wording.LONGEST_NAME)


def _is_day(value: object) -> bool:
    try:
        _day(value)
    except ValueError:
        return False
    return True


def _day(value: object) -> date | None:
    """Read a day, or none. Raises ValueError for anything else."""
    if value == "":
        return None
    return value if type(value) is date else date.fromisoformat(str(value))


def _is_too_late(found: Mapping[str, Any]) -> bool:
    days, apart = found.get("payment_days"), found.get("days_apart")
    return type(days) is int and type(apart) is int and days >= apart


def _is_undecided(found: Mapping[str, Any]) -> bool:
    costs = found.get("fee") not in (0, None) or any(found.get(key) is True for key in _TRUTHS)
    return costs and not (found.get("decided_on") and str(found.get("decided_by", "")).strip())


_RULES: tuple[tuple[Callable[[Mapping[str, Any]], bool], Text], ...] = (
    (lambda found: found.get("day_count") not in DAY_COUNTS,
     Text('day_count: skal være "actual" eller "30/360"', 'day_count: must be "actual" or "30/360"')),
    (lambda found: not _is_day(found.get("decided_on")),
     Text("decided_on: skal være en dag som 2027-01-31, eller tom", "decided_on: must be a day such as 2027-01-31, or "
          "empty")),
    (lambda found: not _is_words(found.get("decided_by")),
     Text("decided_by: skal være et læsbart navn, eller tomt", "decided_by: must be a readable name, or empty")),
    (_is_too_late, Text("payment_days: skal være under days_apart, så fristen er ude før næste rykker",
                        "payment_days: must be below days_apart, so that the time is out before the next reminder")),
    (_is_undecided, Text("decided_on og decided_by: gebyr, kompensation, rente og automatisk udsendelse kræver "
                         "foreningens beslutning",
                         "decided_on and decided_by: a fee, compensation, interest and automatic sending need the "
                         "association's decision")),
)  # fmt: skip
