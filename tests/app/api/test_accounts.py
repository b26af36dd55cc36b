"""The books by program: a period's postings as a spreadsheet, and the mapping, which another person adopts."""

from __future__ import annotations

import hashlib
import io
import zipfile

import pytest

from app.access import Role
from billing import account_mapping
from tests.app.api.programs import Program
from tests.scenarios import acting
from tests.scenarios.acting import APPROVER, PREPARER

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def test_postings_come_as_a_spreadsheet_with_the_rows_of_the_csv(demonstration: Program) -> None:
    token = demonstration.token(Role.FINANCE)
    path = "/accounts/postings?period=2027-Q1&columns=voucher,account"

    csv, xlsx = demonstration.get(path, token), demonstration.get(f"{path}&form=xlsx", token)
    again = demonstration.get(f"{path}&form=xlsx", token)

    with zipfile.ZipFile(io.BytesIO(xlsx.data)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert (xlsx.status_code, xlsx.content_type, csv.content_type) == (200, XLSX, "text/csv; charset=utf-8")
    assert sheet.count("<row ") == len(csv.data.decode("utf-8-sig").splitlines())
    assert again.data == xlsx.data
    assert xlsx.headers["ETag"] == f'"{hashlib.sha256(xlsx.data).hexdigest()}"'


@pytest.mark.parametrize("query", ["form=exe", "form=", "form=csv&form=xlsx", "form=xlsx&columns=secret"])
def test_another_form_is_refused(query: str, demonstration: Program) -> None:
    refused = demonstration.get(f"/accounts/postings?period=2027-Q1&{query}", demonstration.token(Role.FINANCE))

    assert refused.status_code == 422


def test_a_mapping_is_read_account_by_account_and_another_is_only_proposed(demonstration: Program) -> None:
    token, text = demonstration.token(Role.FINANCE), account_mapping.EXAMPLE
    made = acting.by(demonstration.line, PREPARER, lambda session, trail: account_mapping.propose(session, text, trail))
    acting.by(demonstration.line, APPROVER, lambda session, trail: account_mapping.approve(session, made.id, trail))
    before = demonstration.get("/accounts/mapping", token).json
    sent = {"text": '[accounts]\n"XG-9212045200" = "1550"\n'}

    proposed = demonstration.post("/accounts/mapping/proposals", token, sent, key="a")
    again = demonstration.post("/accounts/mapping/proposals", token, sent, key="a")

    assert (proposed.status_code, proposed.json["kind"], again.data) == (201, "account_mapping", proposed.data)
    assert demonstration.get("/accounts/mapping", token).json == before
    mapped = {each["account"]: each["standard_account"] for each in before["accounts"]}
    assert (before["text"], before["adopted_by"]) == (text, APPROVER)
    assert account_mapping.read(text).items() <= mapped.items()


def test_where_none_is_adopted_the_accounts_are_told_without_a_text(program: Program) -> None:
    found = program.get("/accounts/mapping", program.token(Role.AUDITOR)).json

    assert (found["text"], found["adopted_by"]) == (None, None)
    assert found["accounts"]
