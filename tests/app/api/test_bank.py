"""Bank statements by program: taken in once, read page by page, refused with a code."""

from __future__ import annotations

import pytest

from app.access import Role
from tests.app.api.programs import Program
from tests.bank_files import paid, statement

WEEK = statement("uge-9", 0, [paid(0, 12_345, "A"), paid(2, -500, "B")], 0, 6).replace(b"DK18", b"DK19")
MAPPING = 'account = "1"\n[columns]\nbooked_on = "D"\namount = "B"\nbalance = "S"\n'
XML = "application/xml"


def test_a_file_is_taken_in_once_and_its_transactions_are_read(demonstration: Program) -> None:
    token = demonstration.token(Role.FINANCE)

    first = demonstration.post("/bank-statements/imports", token, WEEK, kind=XML, key="a")
    again = demonstration.post("/bank-statements/imports", token, WEEK, kind=XML, key="a")
    anew = demonstration.post("/bank-statements/imports", token, WEEK, kind=XML, key="b")

    assert (first.status_code, first.json["new"], first.json["statements"][0]["in_ore"]) == (201, 2, 12_345)
    assert again.json == first.json
    assert (anew.json["is_known"], anew.json["new"], anew.json["statements"]) == (True, 0, [])
    mine = [each for each in demonstration.all("/bank-transactions", token) if each["account"].startswith("DK19")]
    assert [each["amount_ore"] for each in mine] == [12_345, -500]
    assert demonstration.get(f"/bank-transactions/{mine[0]['id']}", token).json["raw"].startswith("<Ntry>")
    of_it = demonstration.all(f"/bank-transactions?statement={mine[0]['statement_id']}", token)
    assert of_it == mine


def test_a_csv_comes_with_its_mapping(demonstration: Program) -> None:
    token = demonstration.token(Role.FINANCE)

    taken = demonstration.post(
        "/bank-statements/imports", token, {"csv": "D;B;S\n01-03-2027;1;1\n", "mapping": MAPPING}
    )
    refused = demonstration.post(
        "/bank-statements/imports", token, {"csv": "D;B;S\n01-03-2027;1;1\n", "mapping": "x = 1"}
    )

    assert (taken.status_code, taken.json["new"]) == (201, 1)
    assert (refused.status_code, refused.json["code"]) == (422, "mapping_refused")


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (WEEK.replace(b"CLBD", b"CLAV"), XML, 422, "bank_file_refused"),
        (b"<!DOCTYPE a [<!ENTITY b 'x'>]><a>&b;</a>", XML, 422, "bank_file_refused"),
        (b"", XML, 422, "bank_file_refused"),
        (WEEK, "text/csv", 415, "http_415"),
        ({"csv": "D"}, "", 422, "malformed"),
        ({"csv": 7, "mapping": MAPPING}, "", 422, "malformed"),
        ({"csv": "\ud800", "mapping": MAPPING}, "", 422, None),
        ([], "", 422, "malformed"),
        (b"<a>" + b" " * 17 * 1024 * 1024, XML, 422, "bank_file_refused"),
        (b" " * 42 * 1024 * 1024, XML, 413, "http_413"),
        (b" " * 21 * 1024 * 1024, "application/json", 413, "http_413"),
    ],
)
def test_what_is_not_right_is_refused_and_nothing_is_kept(
    demonstration: Program, body: object, kind: str, status: int, code: str | None
) -> None:
    token = demonstration.token(Role.FINANCE)
    before = len(demonstration.all("/bank-statements", token))

    answer = demonstration.post("/bank-statements/imports", token, body, kind=kind)

    assert answer.status_code == status
    assert code is None or answer.json["code"] == code
    assert len(demonstration.all("/bank-statements", token)) == before


def test_an_auditor_reads_and_takes_nothing_in(demonstration: Program) -> None:
    token = demonstration.token(Role.AUDITOR)

    assert demonstration.get("/bank-statements", token).status_code == 200
    assert demonstration.post("/bank-statements/imports", token, WEEK, kind=XML).status_code == 403
