"""Why an account went otherwise than its budget, and what is to be said of a fund's period as a whole.

Each remark is kept with who wrote it and when; the newest of an account holds, and an empty one takes it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Table, select
from sqlalchemy.orm import Session

from billing.funding import budgets, comments, naming
from billing.funding.budget_models import DeviationRemark
from billing.funding.budgets import Accounts
from foundation import append_only, periods, wording
from foundation.audit import Trail
from foundation.errors import Conflict, FieldsRefused
from foundation.language import Text
from foundation.periods import Period

REMARKS: Table = DeviationRemark.__table__  # type: ignore[assignment]

WRITTEN_ACTION = "deviation.remarked"

#: What stands for an account where a remark is on the report as a whole.
WHOLE = ""
#: Characters of a remark on an account, which is one line of a table; and of one on the whole, which may have lines.
LONGEST, LONGEST_OF_WHOLE = wording.LONGEST_TEXT, comments.LONGEST


class RemarkRefused(FieldsRefused):
    """A remark that cannot be kept; each field, or account, that is wrong says why."""


class RemarksMoved(Conflict):
    """Somebody else has written a remark since this one was begun."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What was written on an account, or on the whole; by whom and when."""

    id: int
    account: str
    text: str
    by: str
    at: datetime


# --- questions


def history(session: Session, product: str | None, period: Period) -> list[Remark]:
    """Give every remark there ever was on a fund's period, the oldest first, in one query."""
    rows = session.execute(
        select(REMARKS)
        .where(
            REMARKS.c.product.is_not_distinct_from(product), REMARKS.c.first_on == period.start,
            REMARKS.c.last_on == period.last_day,
        )
        .order_by(REMARKS.c.id)
    )  # fmt: skip
    return [_remark(row) for row in rows]


def _remark(row: Row[Any]) -> Remark:
    return Remark(row.id, row.account, row.text, row.written_by, row.written_at)


def holding(written: Iterable[Remark]) -> Mapping[str, Remark]:
    """Give of a history the remarks that hold, by account."""
    newest = {each.account: each for each in written}
    return {account: remark for account, remark in newest.items() if remark.text}


def of_report(session: Session, product: str | None, period: Period) -> Mapping[str, Remark]:
    """Give the remarks that hold for a fund's period, by account, in one query."""
    return holding(history(session, product, period))


def last(written: Sequence[Remark]) -> int:
    """Give the number of a history's newest remark, by which it is known that nobody wrote since; 0 without any."""
    return written[-1].id if written else 0


# --- acts; each needs the writer's lock, and the caller commits


def write(session: Session, product: str | None, period: Period, account: str, words: str, trail: Trail) -> int:
    """Keep a remark in place of what stood; without words nothing stands. Give how many changed.

    Raises RemarkRefused, by field.
    """
    text = _composed(account, words)
    if wrong := _wrong(budgets.accounts(session).get(product), account, text):
        raise RemarkRefused(wrong)
    return _keep(session, product, period, {account: text}, trail)


def write_all(
    session: Session, product: str | None, period: Period, words: Mapping[str, str], trail: Trail, *, seen: int
) -> int:
    """Keep remarks, by account, in place of what stood when `last` gave `seen`; give how many changed.

    Raises RemarksMoved, or RemarkRefused, by account.
    """
    known = budgets.accounts(session).get(product)
    texts = {account: _composed(account, given) for account, given in words.items()}
    found = {account: _wrong(known, account, text) for account, text in texts.items()}
    if wrong := {account: next(iter(faults.values())) for account, faults in found.items() if faults}:
        raise RemarkRefused(wrong)
    if last(history(session, product, period)) != seen:
        raise RemarksMoved(Text("en anden har skrevet bemærkninger imens; se dem nederst, og send igen",
                                "somebody else wrote remarks meanwhile; see them below, and send again"))  # fmt: skip
    return _keep(session, product, period, texts, trail)


def _composed(account: str, words: str) -> str:
    """Give the words as they are kept: of an account on one line."""
    lines = [line.strip() for line in wording.composed(words.replace("\r\n", "\n")).strip().split("\n")]
    return "\n".join(lines) if account == WHOLE else " ".join(filter(None, lines))


def _wrong(known: Accounts | None, account: str, text: str) -> dict[str, Text]:
    wrong: dict[str, Text] = {}
    if known is None or (account != WHOLE and account not in known.names):
        wrong["account"] = Text("fonden har ingen konto med det nummer", "the fund has no account of that number")
    longest = LONGEST_OF_WHOLE if account == WHOLE else LONGEST
    faults = (wording.fault(line, longest) for line in text.split("\n"))
    if len(text) > longest:
        wrong["text"] = Text(f"har over {longest} tegn", f"has more than {longest} characters")
    elif fault := next(filter(None, faults), None):
        wrong["text"] = fault
    return wrong


def _keep(session: Session, product: str | None, period: Period, texts: Mapping[str, str], trail: Trail) -> int:
    """Keep what differs from what stands; the same again changes nothing."""
    standing = of_report(session, product, period)
    new = [
        (account, text) for account, text in texts.items()
        if text != (standing[account].text if account in standing else "")
    ]  # fmt: skip
    first, subject = append_only.next_id(session, REMARKS), f"{naming.name(product)} {periods.name(period)}"
    for at, (account, text) in enumerate(new):
        row: dict[str, Any] = {
            "id": first + at, "product": product, "first_on": period.start, "last_on": period.last_day,
            "account": account, "text": text, "written_by": trail.actor, "written_at": trail.at,
        }  # fmt: skip
        append_only.add(session, REMARKS, [row])
        trail.record(WRITTEN_ACTION, subject, {"account": account}, rows=[(REMARKS, row)])
    return len(new)
