"""What an answer tells, by the names of its fields: keys of JSON, headings of tables and lists of facts, of files too.

`tests/coordination_fields.csv` lists those that a coordination group may see.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

from lxml import html
from werkzeug.test import TestResponse

from app import report_sheets
from billing.funding import report_pdf
from billing.funding.report import FundingReport, to_json
from billing.funding.report_pdf import Imprint
from tests import pdf_structure
from tests.app.test_report_sheets import opened

FILE = Path(__file__).with_name("coordination_fields.csv")
_SHEET, _PDF = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "application/pdf"


def listed() -> set[tuple[str, str]]:
    """Give the fields of every rule that a group may see."""
    with FILE.open(encoding="utf-8", newline="") as rows:
        return {(row["rule"], row["field"]) for row in csv.DictReader(rows)}


def lines(fields: Iterable[tuple[str, str]]) -> str:
    """Write fields as the file has them, in its order."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(sorted(fields))
    return out.getvalue()


def of(answer: TestResponse) -> set[str]:
    """Give the fields of an answer, by its kind."""
    if answer.mimetype == "application/json":
        return set(_keys(answer.json))
    if answer.mimetype == "text/csv":
        return set(answer.data.decode("utf-8-sig").splitlines()[0].split(";"))
    if answer.mimetype == _SHEET:
        return _of_sheets(answer.data)
    if answer.mimetype == _PDF:
        return _of_pdf(answer.data)
    return set(_headings(answer.text)) if answer.mimetype == "text/html" else set()


def of_report(report: FundingReport) -> dict[str, set[str]]:
    """Give the fields of a report by the kind of its file."""
    first = Imprint("OS2", date(2027, 4, 20), 1)
    return {
        "report.json": set(_keys(json.loads(to_json(report)))),
        "report.pdf": _of_pdf(report_pdf.render(report, "da", first)),
        "report.xlsx": _of_sheets(report_sheets.render(report, "da", first)),
    }


def _of_sheets(content: bytes) -> set[str]:
    return {f"{name}: {cell}" for name, rows in opened(content).items() for cell in rows[0]}


def _of_pdf(content: bytes) -> set[str]:
    heads = pdf_structure.tree(pdf_structure.opened(content)).all("TH")
    return {node.read() for node in heads if "Column" in str(node.attributes.get("/Scope", ""))}


def _keys(value: Any, at: str = "") -> Iterator[str]:
    """Give the keys that hold something."""
    if isinstance(value, dict):
        for name, inner in value.items():
            here = f"{at}.{name}".removeprefix(".")
            if inner is not None:
                yield here
            yield from _keys(inner, here)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner, at)


def _headings(page: str) -> Iterator[str]:
    (main,) = html.fromstring(page).iter("main")
    for each in main.iter("th", "dt"):
        if each.tag == "dt" or each.get("scope") == "col":
            yield re.sub(r"[▲▼\s]+", " ", "".join(map(str, each.itertext()))).strip()


def words(answer: TestResponse) -> str:
    """Give all that an answer tells, its frame left out."""
    if answer.mimetype == _SHEET:
        return " ".join(cell for rows in opened(answer.data).values() for row in rows for cell in row)
    if answer.mimetype == _PDF:
        return pdf_structure.tree(pdf_structure.opened(answer.data)).read()
    if answer.mimetype == "text/html":
        (main,) = html.fromstring(answer.text).iter("main")
        return " ".join([*map(str, main.itertext()), *(each.get("href", "") for each in main.iter("a"))])
    return str(answer.text)
