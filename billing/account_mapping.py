"""Which account of the public standard chart each of OS2's accounts is: a text that two people adopt.

An account that is itself a number of the standard chart stands for itself. What has no number there is named wherever
accounts are told, and never left out.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Row, Table, select
from sqlalchemy.orm import Session

from billing.bookkeeping_models import AccountMapping
from billing.ledger import ACCOUNTS
from foundation import append_only, proposals, toml_text, wording
from foundation.audit import Trail, sha256
from foundation.errors import Refused
from foundation.language import Text, joined, same
from foundation.proposals import Proposal
from foundation.toml_text import NotToml

MAPPINGS: Table = AccountMapping.__table__  # type: ignore[assignment]

#: What the mapping is named by where it is proposed.
SUBJECT = "OS2"
_KIND: proposals.Kind = "account_mapping"

_DATA = Path(__file__).parent / "data"

#: A mapping to begin from where there is none; it counts once it is adopted.
EXAMPLE = (_DATA / "account_mapping.toml").read_text(encoding="utf-8")

_EVERY_PRODUCT = re.compile(r"XG-[0-9]+xxx-([0-9]{5})")
_FAULTS_TOLD = 50


class MappingRefused(Refused):
    """The mapping's text is not right; every fault is named."""


class Named(NamedTuple):
    """An account with its names: ours, and the number and name of the public chart; empty where there is none."""

    account: str
    name: str
    standard: str
    standard_name: str


@dataclass(frozen=True, slots=True)
class AccountNames:
    """What accounts are called and where they stand in the public chart."""

    names: Mapping[str, str]  # of the association's chart, by number; `xxx` for every product's
    standards: Mapping[str, str] = field(default_factory=dict)

    def named(self, account: str, product: str | None) -> Named:
        """Name an account; one of a product has the name and number of every product's where it has none of its own."""
        common = _common(self.names, account) if product else None
        number = self.standards.get(account) or self.standards.get(common or "") or ""
        if not number and account in standard_chart():
            number = account
        name = self.names.get(account) or self.names.get(common or "") or standard_chart().get(account, "")
        return Named(account, name, number, standard_chart().get(number, ""))

    def all_named(self) -> list[Named]:
        """Name every account of the chart and of the mapping."""
        return [self.named(account, None) for account in dict.fromkeys((*self.names, *self.standards))]


def _common(names: Mapping[str, str], account: str) -> str | None:
    """Give the account of every product that one product's account is."""
    suffix = account.rpartition("-")[2]
    return next((name for name in names if (found := _EVERY_PRODUCT.fullmatch(name)) and found[1] == suffix), None)


@cache
def standard_chart() -> Mapping[str, str]:
    """Give the public standard chart: names by number."""
    with (_DATA / "standard_chart.csv").open(encoding="utf-8", newline="") as file:
        return {row["KONTONUMMER"]: row["KONTONAVN"] for row in csv.DictReader(file, delimiter=";")}


def current_text(session: Session) -> str | None:
    """Give the text of the mapping in force; None where there is none yet."""
    return session.execute(select(MAPPINGS.c.text).order_by(MAPPINGS.c.id.desc()).limit(1)).scalar()


def history(session: Session, *, at_most: int) -> list[Row[Any]]:
    """Give the mappings that were adopted, newest first, in one query."""
    return list(session.execute(select(MAPPINGS).order_by(MAPPINGS.c.id.desc()).limit(at_most)))


def current(session: Session) -> AccountNames:
    """Give the mapping in force, with the names of the chart, in two queries."""
    names = {row.number: row.name_da for row in session.execute(select(ACCOUNTS.c.number, ACCOUNTS.c.name_da))}
    text = current_text(session)
    return AccountNames(names, {} if text is None else read(text))


# --- reading


def read(text: str) -> dict[str, str]:
    """Read a mapping: numbers of the standard chart by our accounts. Raises MappingRefused with every fault."""
    try:
        given = toml_text.parse(text)
    except NotToml as error:
        where = Text(f"linje {error.line}: ", f"line {error.line}: ")
        raise MappingRefused(where + error.reason) from None
    accounts = given.get("accounts")
    if set(given) != {"accounts"} or not isinstance(accounts, dict) or not accounts:
        raise MappingRefused(
            Text("teksten skal have afsnittet [accounts] og intet andet", "the text must hold [accounts] and no more")
        )
    faults = [same(f"{wording.quoted(key)}: ") + why for key, value in accounts.items() if (why := _fault(key, value))]
    if faults:
        raise MappingRefused(joined(faults[:_FAULTS_TOLD], by="\n"))
    return accounts


def _fault(account: str, number: Any) -> Text | None:
    if not account.strip() or wording.fault(account, wording.LONGEST_PRODUCT):
        return Text("er ingen konto", "is no account")
    if not isinstance(number, str) or number not in standard_chart():
        shown = wording.quoted(str(number))
        return Text(f"{shown} er intet nummer i standardkontoplanen, skrevet som \"1010\"",
                    f'{shown} is no number of the standard chart, written as "1010"')  # fmt: skip
    return None


# --- adopting, by two people


def propose(session: Session, text: str, trail: Trail) -> Proposal:
    """Propose a mapping; it takes the place of one proposed before. Raises MappingRefused with every fault."""
    read(text)
    if text == current_text(session):
        raise MappingRefused(Text("det er den, der gælder", "that is the one in force"))
    return proposals.propose_newest(session, _KIND, SUBJECT, text, trail)


def approve(session: Session, id_: int, trail: Trail) -> Proposal:
    """Adopt a proposed mapping, another person than who proposed it. Raises what `proposals.decide` raises."""
    proposal = proposals.approve(session, id_, _KIND, trail)
    read(proposal.content)
    row = {
        "id": append_only.next_id(session, MAPPINGS), "text": proposal.content, "digest": sha256(proposal.content),
        "adopted_by": trail.actor, "adopted_at": trail.at,
    }  # fmt: skip
    append_only.add(session, MAPPINGS, [row])
    trail.record("account_mapping.adopted", SUBJECT, {"digest": row["digest"]}, rows=[(MAPPINGS, row)])
    return proposal
