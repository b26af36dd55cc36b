"""Costs that come as a file: all or nothing, every wrong row named; the same file again changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from billing.funding import costs
from billing.funding.costs import ASSOCIATION, Chart, Draft
from foundation import periods
from foundation.audit import Trail
from foundation.errors import FAULTS_TOLD, RowFault, RowsRefused
from foundation.intake import Row, Rows
from foundation.language import Text
from foundation.money import Money
from foundation.proposals import Proposal

_COLUMNS = {"product": "product", "account": "account", "date": "date", "amount": "amount_dkk", "to": "to",
            "supplier": "supplier", "reference": "reference", "text": "text"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TakenCosts:
    """What a file of costs brought: how many are new, how many stood before, and what waits for approval."""

    source: str
    added: int
    unchanged: int
    proposals: tuple[Proposal, ...]

    @property
    def text(self) -> Text:
        """Give what it came to as a line to read."""
        waiting = len(self.proposals)
        return Text(
            f"{self.source}: {self.added} nye, {self.unchanged} kendte; {waiting} forslag venter på godkendelse",
            f"{self.source}: {self.added} new, {self.unchanged} known; {waiting} proposals wait for approval",
        )


def take_in(session: Session, file: Rows, trail: Trail, *, on: date) -> TakenCosts:
    """Enter a file's costs, one proposal for each fund; the caller commits. Raises RowsRefused with every wrong row."""
    chart, standing = costs.chart(session), costs.known(session, (row["reference"] for row in file))
    faults, new, seen, unchanged = list(file.faults), list[Draft](), dict[tuple[str, str], int](), 0
    for row in file:
        draft = _draft(row, chart)
        wrong = costs.faults(chart, draft, on)
        one = costs.same_as(draft, standing)
        if not wrong and one is not None and costs.is_alike(draft, one):
            unchanged += 1
            continue
        if one is not None:
            wrong.setdefault("reference", costs.entered_before(one))
        if (first := seen.setdefault((draft.supplier, draft.reference), row.number)) != row.number:
            wrong.setdefault("reference", Text(f"samme nummer som række {first}", f"the same as row {first}"))
        faults += [RowFault(row.number, _COLUMNS.get(name, name), words) for name, words in wrong.items()]
        new.append(draft)
    if faults:
        listed = sorted(faults, key=lambda fault: (fault.row, fault.column))
        raise RowsRefused(file.source, listed[:FAULTS_TOLD], file.untold + len(listed[FAULTS_TOLD:]))
    made = costs.enter(session, new, trail) if new else []
    return TakenCosts(file.source, len(new), unchanged, tuple(made))


def _draft(row: Row, chart: Chart) -> Draft:
    product = None if row["product"] == ASSOCIATION else row["product"]
    first, last = row.get("from"), row.get("to")
    spread: Any = periods.through(first, last) if first and last else None
    return Draft(
        product, chart.named(product, row["account"]) or row["account"], row["supplier"], row["reference"],
        row["date"], row["text"], Money(row["amount_dkk"]), spread,
    )  # fmt: skip
