"""Every route for people of every role, as `tests/access_table.csv` says: how its addresses are made, and its lines.

usage: python -m tests.access_walk        writes the file anew: routes that came get ? where what is expected must be
                                          said, routes that went are left out; what was said is never changed
"""

from __future__ import annotations

import csv
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from flask import Flask

from app import access, config, create_app

FILE = Path(__file__).resolve().parent / "access_table.csv"

#: The columns: nobody, and one person of each role. Aarhus is the signatory's own, and has the group's product.
PEOPLE = {
    "anonymous": "", "signatory": "signatory-aarhus", "coordination": "group-valghalla", "finance": "finance",
    "approver": "approver", "auditor": "auditor", "administrator": "administrator",
}  # fmt: skip

#: Things of an authority, which may be another's; all others are the same for everybody.
_OWNED = (
    "cvr", "invoice", "note", "details", "place", "offer", "agreement", "right", "reminder", "hold", "journey",
    "inquiry", "showing", "fund", "publication", "question", "report", "disclosure",
)  # fmt: skip

#: What stands for the arguments of a rule: a name of the world in braces, or a word that is always right.
_ARGUMENTS = {
    "form": "csv", "year": "2028", "kind": "membership", "day": "2017-08-15", "at": "1", "filename": "style.css",
    "cvr": "{cvr}", "user": "{user}", "position": "{entry}", "token": "{link}", "number": "{invoice}",
    "name": "{product}", "proposal": "{credit}", "id_": "{adopted}", "format": "pdf", "reference": "{offer}",
    "right": "{right}", "version": "{version}", "transaction": "{payment}", "match_id": "{match}", "hold": "{hold}",
    "journey": "{journey}", "file": "{file}", "showing": "{showing}", "step": "mobilisation",
    "inquiry": "{inquiry}", "answer": "{answer}",
    "cost": "{cost}", "budget": "{budget}", "fund": "{product}",
    "product": "{fund}", "period": "2026-Q4", "question": "{question}", "figure": "earned",
    "part": "certain", "kept": "{kept}",
}  # fmt: skip

#: The same, where it is another thing under some rule.
_ELSEWHERE = {
    ("/reminders/proposals/", "proposal"): "{plan}",
    ("/funds/proposals/", "proposal"): "{report}",
    ("/funds/disclosures/", "proposal"): "{disclosure}",
    ("/funds/<product>/<period>/versions/", "form"): "json",
    ("/funds/<product>/<period>/versions/", "version"): "1",
    ("/funds/<product>/<period>/report.", "form"): "json",
    ("/api/v1/published-reports/", "id_"): "{publication}",
    ("/api/v1/published-reports/", "form"): "json",
    ("/settings/reminders/proposals/", "proposal"): "{reminding}",
    ("/reminders/<number>", "number"): "{reminder}",
    ("/reminders/<number>/<any", "form"): "pdf",
    ("/api/v1/reminders/", "number"): "{reminder}",
    ("/api/v1/invoices/<number>/holds/", "id_"): "{hold}",
    ("/funds/trace/<number>/", "at"): "2",
    ("/funds/trace/<product>/", "form"): "csv",
    ("/forecast/<product>/", "form"): "csv",
    ("/costs/proposals/", "proposal"): "{spending}",
    ("/budgets/proposals/", "proposal"): "{budgeting}",
    ("/accounts/<name>", "name"): "2027-Q1",
    ("/accounts/closings/", "proposal"): "{closing}",
    ("/accounts/mapping/proposals/", "proposal"): "{mapping}",
    ("/authorities/<cvr>/billing/proposals/", "number"): "{details}",
    ("/authorities/<cvr>/billing/<kind>/", "number"): "{place}",
    ("/fee-tables/proposals/", "number"): "{draft}",
    ("/settings/proposals/", "proposal"): "{terms}",
    ("/settings/letters/proposals/", "proposal"): "{told}",
    ("/letters/", "number"): "{letter}",
    ("/payments/proposals/", "proposal"): "{refund}",
    ("/templates/proposals/", "number"): "{text}",
    ("/templates/<name>/", "name"): "connection",
    ("/agreements/record/", "proposal"): "{paper}",
    ("/agreements/<reference>/notice", "reference"): "{agreement}",
    ("/agreements/<reference>/activate", "reference"): "{agreement}",
    ("/agreements/<reference>/replace", "reference"): "{agreement}",
    ("/agreements/<reference>/recorded.pdf", "reference"): "{agreement}",
    ("/imports/", "name"): "{register}",
    ("/road/guide/", "version"): "1",
    ("/invoices/<number>/<any", "form"): "pdf",
    ("/year/<int:year>/documents.zip", "year"): "2027",
    ("/api/v1/credit-notes/", "number"): "{note}",
    ("/api/v1/agreements/", "id_"): "{agreement}",
    ("/api/v1/runs/", "id_"): "{run}",
    ("/tokens/", "id_"): "{token}",
    ("/bank/transactions/", "id_"): "{transaction}",
    ("/api/v1/bank-transactions/", "id_"): "{transaction}",
    ("/api/v1/costs/", "id_"): "{cost}",
    ("/api/v1/budgets/", "id_"): "{budget}",
    ("/api/v1/me/tokens/", "id_"): "{token}",
    ("/api/v1/journeys/", "id_"): "{journey}",
    ("/api/v1/questions/", "id_"): "{inquiry}",
}


_FILES = re.compile(
    r"^/(api(?!/v1/docs)|static|healthz|readyz|metrics|sign-in)\b|[.]|:form>|/voucher$|/files/<int:file>$"
)


@dataclass(frozen=True)
class Line:
    """What one method of one route answers to everybody, for a thing of one's own, another's, or one there is not."""

    method: str
    rule: str
    whose: str  # own, other, known, unknown; nothing where the address names no thing
    asks: str  # the permission, "!" behind one that asks for a fresh sign-in; "-" for what anybody may use
    expected: tuple[str, ...]  # in the order of PEOPLE

    def answer(self, role: str) -> str:
        """What a person of a role is answered."""
        return self.expected[list(PEOPLE).index(role)]

    @property
    def is_page(self) -> bool:
        """Whether a person reads it: no file, no picture, no sign of life."""
        return self.method == "GET" and _FILES.search(self.rule) is None

    @property
    def template(self) -> str:
        """The address, with names of the world in braces."""
        return address(self.rule)


def address(rule: str) -> str:
    """Give a rule's address, with names of the world in braces."""

    def argument(found: re.Match[str]) -> str:
        name = found[1].rpartition(":")[2]
        other = (words for (begin, which), words in _ELSEWHERE.items() if rule.startswith(begin) and which == name)
        return next(other, _ARGUMENTS[name])

    return re.sub(r"<([^>]+)>", argument, rule)


def whose(rule: str) -> tuple[str, ...]:
    """Give the kinds of things a rule is asked for."""
    template = address(rule)
    if any(f"{{{name}}}" in template for name in _OWNED):
        return ("own", "other", "unknown")
    return ("known", "unknown") if "{" in template else ("",)


def routes(app: Flask) -> list[tuple[str, str, str]]:
    """Give every (rule, method, whose) that a line must stand for."""
    return sorted({(path, method, one) for path, method, _ in access.routes(app) for one in whose(path)})


def read() -> Iterator[Line]:
    """Read the file."""
    with FILE.open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            yield Line(row["method"], row["rule"], row["whose"], row["asks"], tuple(row[who] for who in PEOPLE))


def write(lines: Iterable[Line]) -> None:
    """Write the file."""
    with FILE.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["method", "rule", "whose", "asks", *PEOPLE])
        writer.writerows([line.method, line.rule, line.whose, line.asks, *line.expected] for line in lines)


def asks(app: Flask, rule: str, method: str) -> str:
    """Give what a route asks of who calls it, as the file says it."""
    endpoint = next(name for path, one, name in access.routes(app) if (path, one) == (rule, method))
    asked = access.requirement(app, endpoint, method)
    assert asked is not None, (method, rule)
    return (asked.permission or "-") + ("!" if asked.fresh else "")


def renew(app: Flask) -> None:
    """Write a line for every route, keeping what was said of those that were there."""
    known = (
        {(line.rule, line.method, line.whose): (line.asks, line.expected) for line in read()} if FILE.exists() else {}
    )
    unsaid = ("?", ("?",) * len(PEOPLE))
    write(Line(method, rule, one, *known.get((rule, method, one), unsaid)) for rule, method, one in routes(app))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        renew(create_app(config.read({"OS2TILSLUT_DATA_DIR": folder})))
