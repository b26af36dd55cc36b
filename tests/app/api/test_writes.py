"""Writing: by the key once, all rows or none, handed over and issued by the same calls as the command line's."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import pytest

import billing
from app.access import Role
from app.adapters import background
from foundation import proposals
from tests.app.api.programs import Program, agreement
from tests.scenarios import files

SIGNER = files.by_name("Vejle")
ROW: dict[str, str | None] = {
    "cvr": SIGNER.cvr,
    "joined_on": "2020-01-01",
    "left_on": None,
    "gln": files.gln(SIGNER.cvr),
}
CSV = f"cvr;joined_on;left_on;gln\n{SIGNER.cvr};2020-01-01;;{files.gln(SIGNER.cvr)}\n"


def test_rows_go_the_way_of_a_file(program: Program) -> None:
    token = program.token(Role.FINANCE)

    first = program.post("/memberships/imports", token, {"rows": [ROW]})
    again = program.post("/memberships/imports", token, CSV, kind="text/csv")

    assert (first.status_code, first.json["added"]) == (201, 1)
    assert (again.status_code, again.json["added"], again.json["unchanged"]) == (201, 0, 1)
    assert program.get(f"/memberships?cvr={SIGNER.cvr}", token).json["items"] == [
        {"cvr": SIGNER.cvr, "joined_on": "2020-01-01", "left_on": None}
    ]


def test_every_wrong_row_is_named_and_none_is_stored(program: Program) -> None:
    token = program.token(Role.FINANCE)
    wrong = [ROW, ROW | {"cvr": "12"}, ROW | {"joined_on": "i går"}, ROW | {"id": 7}, {}]

    refused = program.post("/memberships/imports", token, {"rows": wrong})

    assert (refused.status_code, refused.content_type) == (422, "application/problem+json")
    assert refused.json["code"] == "rows_refused"
    named = {(row["row"], row["column"]) for row in refused.json["rows"]}
    assert {(2, "cvr"), (3, "joined_on"), (4, "id"), (5, "cvr"), (5, "joined_on"), (5, "left_on"), (5, "gln")} <= named
    assert program.get("/memberships", token).json["items"] == []


def test_a_rebate_is_sent_and_read_in_whole_ore(program: Program) -> None:
    token = program.token(Role.FINANCE)
    row = agreement(SIGNER.cvr) | {"rebate_ore": 100_050, "rebate_reason": "indgår i udviklingen"}

    taken = program.post("/agreements/imports", token, {"rows": [row]})
    in_kroner = program.post("/agreements/imports", token, {"rows": [row | {"rebate_dkk": "5"}]})

    assert taken.status_code == 201, taken.json
    assert program.get("/agreements", token).json["items"][0]["rebate_ore"] == 100_050
    assert in_kroner.status_code == 422


def test_the_same_key_is_done_once_and_answered_alike(program: Program) -> None:
    token = program.token(Role.FINANCE)

    first = program.post("/memberships/imports", token, {"rows": [ROW]}, key="a")
    second = program.post("/memberships/imports", token, {"rows": [ROW]}, key="a")
    other = program.post("/memberships/imports", token, {"rows": []}, key="a")
    none = program.post("/memberships/imports", token, {"rows": []}, key="")

    assert first.json == second.json and first.json["added"] == 1
    assert (other.status_code, other.json["code"]) == (422, "key_used")
    assert (none.status_code, none.json["code"]) == (422, "key_missing")


def test_a_key_belongs_to_its_owner(program: Program) -> None:
    one, other = program.token(Role.FINANCE), program.token(Role.FINANCE)

    program.post("/memberships/imports", one, {"rows": [ROW]}, key="a")
    answer = program.post("/memberships/imports", other, {"rows": [ROW]}, key="a")

    assert (answer.status_code, answer.json["unchanged"]) == (201, 1)


def test_a_refusal_is_not_kept_under_its_key(program: Program) -> None:
    token = program.token(Role.FINANCE)

    refused = program.post("/memberships/imports", token, {"rows": [{}]}, key="a")
    mended = program.post("/memberships/imports", token, {"rows": [ROW]}, key="a")

    assert (refused.status_code, mended.status_code) == (422, 201)


def test_two_at_once_with_one_key_are_one_act(program: Program) -> None:
    token = program.token(Role.FINANCE)
    answers: list[Any] = []
    begin = threading.Barrier(4)

    def send() -> None:
        begin.wait()
        answers.append(program.post("/memberships/imports", token, {"rows": [ROW]}, key="a").json)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [answer["added"] for answer in answers] == [1, 1, 1, 1]
    with program.line.session() as session:
        taken = session.connection().exec_driver_sql("SELECT count(*) FROM membership").scalar()
    assert taken == 1


def _prepared(program: Program, token: str) -> str:
    """Fill a year with one agreement; give the digest of its plan."""
    program.post("/memberships/imports", token, {"rows": [ROW]})
    taken = program.post("/agreements/imports", token, {"rows": [agreement(SIGNER.cvr)]})
    assert taken.status_code == 201, taken.json
    return str(program.get("/plans/2027", token).json["digest"])


def test_a_plan_is_handed_over_by_its_digest_for_another_to_approve(program: Program) -> None:
    token = program.token(Role.FINANCE)
    digest = _prepared(program, token)

    waiting = program.post("/plans/2027/hand-overs", token, {"digest": digest})
    again = program.post("/plans/2027/hand-overs", token, {"digest": digest})
    other = program.post("/plans/2027/hand-overs", token, {"digest": "0" * 64})

    assert (waiting.status_code, waiting.json["content"]) == (201, digest)
    assert again.json["id"] == waiting.json["id"]
    assert (other.status_code, other.json["code"]) == (409, "plan_changed")
    with program.line.session() as session:
        assert [each.content for each in proposals.open(session, "plan")] == [digest]


def test_if_match_holds_a_hand_over_to_the_plan_that_was_read(program: Program) -> None:
    token = program.token(Role.FINANCE)
    digest = _prepared(program, token)
    tag = program.get("/plans/2027", token).headers["ETag"]

    others = [program.post("/plans/2027/hand-overs", token, {"digest": digest}, If_Match=wrong)
              for wrong in ('"other.0"', '""', '"', "x", f'W/{tag}')]  # fmt: skip
    same = program.post("/plans/2027/hand-overs", token, {"digest": digest}, If_Match=tag)

    assert {(other.status_code, other.json["code"]) for other in others} == {(412, "http_412")}
    assert same.status_code == 201


def test_what_another_approved_is_issued_in_the_background(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    token = program.token(Role.FINANCE)
    _prepared(program, token)
    unapproved = program.post("/plans/2027/runs", token, {})
    program.line.approve(2027)
    started: list[int] = []
    monkeypatch.setattr(background, "launch", lambda config, run_id: started.append(run_id))

    first = program.post("/plans/2027/runs", token, {}, key="a")
    again = program.post("/plans/2027/runs", token, {}, key="a")
    other = program.post("/plans/2027/runs", token, {})

    assert (unapproved.status_code, unapproved.json["code"]) == (409, "not_approved")
    assert first.status_code == again.status_code == 202
    assert first.headers["Location"] == again.headers["Location"] == first.json["href"]
    assert started == [first.json["id"]]
    assert (other.status_code, other.json["code"]) == (409, "already_running")
    run = program.get(f"/runs/{first.json['id']}", token).json
    assert (run["state"], run["progress"]["approved"], run["progress"]["issued"]) == ("running", 1, 0)


def test_a_table_is_checked_and_proposed_never_adopted(program: Program) -> None:
    token = program.token(Role.APPROVER)
    text = _table(program, token)

    checked = program.post("/fee-tables/checks", token, {"text": text}, key="")
    proposed = program.post("/fee-tables/proposals", token, {"text": text})
    faulty = program.post("/fee-tables/checks", token, {"text": "x = \0"}, key="")

    assert (checked.status_code, checked.json["kind"]) == (200, "fee_table"), checked.json
    assert (proposed.status_code, proposed.json["kind"]) == (201, "table")
    assert faulty.status_code == 422
    assert [each["id"] for each in program.get("/fee-tables/proposals", token).json["items"]] == [proposed.json["id"]]


def _table(program: Program, token: str) -> str:
    """Give an adopted table's text as it would be from another day on."""
    tables = program.all("/fee-tables?kind=fee_table", token)
    text = str(program.get(f"/fee-tables/{tables[0]['id']}", token).json["text"])
    return text.replace(f"valid_from = {tables[0]['valid_from']}", "valid_from = 2031-01-01")


def test_a_credit_note_within_the_limit_is_issued_and_another_waits(demonstration: Program) -> None:
    token = demonstration.token(Role.FINANCE)
    first, second = (each["number"] for each in demonstration.all("/invoices", token)[:2])

    issued = demonstration.post("/credit-notes", token, {"number": first, "lines": [1], "reason": "opsagt i tide"})
    _without_limit(demonstration)
    waits = demonstration.post("/credit-notes", token, {"number": second, "reason": "opsagt i tide"})
    again = demonstration.post("/credit-notes", token, {"number": second, "reason": "opsagt i tide"})

    assert (issued.status_code, issued.json["waiting"]) == (201, None), issued.json
    note = demonstration.get(f"/credit-notes/{issued.json['number']}", token).json
    assert (note["kind"], note["credits"][0]["credits"], note["gross_ore"] < 0) == ("credit_note", first, True)
    documents = demonstration.get(f"/invoices/{note['number']}/documents", token).json["items"]
    assert [each["format"] for each in documents] == ["peppol", "pdf", "oioubl"]
    assert (waits.json["number"], waits.json["waiting"]["subject"]) == (None, second)
    assert again.json["waiting"]["id"] == waits.json["waiting"]["id"]
    listed = demonstration.get("/credit-notes/proposals", token).json["items"]
    assert [(each["number"], each["id"]) for each in listed] == [(second, waits.json["waiting"]["id"])]


def _without_limit(program: Program) -> None:
    """Let every credit note need two people."""
    made_up = (Path(str(billing.__file__)).parent / "data" / "seller_made_up.toml").read_text(encoding="utf-8")
    text = re.sub("credit_limit = [0-9]+", "credit_limit = 0", made_up)
    program.line.done("settings", "import", program.line.write("settings.toml", text))


def test_an_unknown_invoice_is_not_credited(demonstration: Program) -> None:
    token = demonstration.token(Role.FINANCE)

    answer = demonstration.post("/credit-notes", token, {"number": "2027-9999", "reason": "opsagt"})

    assert (answer.status_code, answer.json["code"]) == (404, "no_such_invoice")
