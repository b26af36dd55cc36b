"""Hostile and careless requests: each is refused as problem JSON, and none is a fault of ours."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from app import access
from app.access import Role
from app.api import ground, pages
from tests.app.api.programs import Program, agreement
from tests.command_line import CommandLine
from tests.scenarios import files

SIGNER = files.by_name("Vejle").cvr
ROW = {"cvr": SIGNER, "joined_on": "2020-01-01", "left_on": None}

BODIES = {
    "nothing": b"",
    "no JSON": b"{",
    "two documents": b"{} {}",
    "not UTF-8": b'{"digest": "\xff"}',
    "a number that is none": b'{"digest": NaN}',
    "a surrogate": b'{"digest": "\\ud800"}',
    "deep": b"[" * 100_000,
    "a list": b"[]",
    "a text": b'"x"',
    "unknown members": json.dumps({"digest": "0" * 64, "approved_by": "En Godkender"}).encode(),
    "wrong kinds": json.dumps({"digest": [1], "book": True}).encode(),
    "too long": json.dumps({"digest": "0" * 65}).encode(),
    "a line behind": json.dumps({"digest": "0" * 64 + "\n"}).encode(),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_that_is_not_as_documented_is_refused(program: Program, body: bytes) -> None:
    token = program.token(Role.FINANCE)

    answer = program.post("/plans/2027/hand-overs", token, body, kind="application/json")

    assert (answer.status_code, answer.json["code"]) == (422, "malformed"), answer.json
    assert answer.json["errors"]


def test_an_unknown_member_is_named_by_its_place(program: Program) -> None:
    token = program.token(Role.FINANCE)
    sent = {"number": "2027-0001", "reason": "opsagt", "lines": [1, True, 1.5, "x"], "approved_by": "En Godkender"}

    answer = program.post("/credit-notes", token, sent)

    assert {each["at"] for each in answer.json["errors"]} == {"lines.1", "lines.2", "lines.3", "approved_by"}


@pytest.mark.parametrize(
    "path",
    [
        "/authorities?limit=0", "/authorities?limit=101", "/authorities?limit=1e2", "/authorities?limit=%C2%B2",
        "/authorities?limit=1&limit=2", "/authorities?order=name", "/authorities?q=", "/authorities?q=%00",
        "/authorities?q=" + "x" * 101, "/authorities?cursor=x", "/authorities?type=%E2%80%AE", "/agreements?cvr=12",
        "/plans/2027?book=other", "/me?x=1", "/invoices?year=99999999999999999999",
    ],
)  # fmt: skip
def test_a_parameter_that_is_not_as_documented_is_refused(program: Program, path: str) -> None:
    token = program.token(Role.FINANCE)

    answer = program.get(path, token)

    assert (answer.status_code, answer.json["code"]) == (422, "malformed")


@pytest.mark.parametrize(
    "path",
    [
        "/authorities/%00", "/authorities/12345678'--", "/authorities/..%2F..%2Fetc", "/authorities/" + "9" * 5_000,
        "/invoices/%00", "/invoices/2027-0001%0d%0aX-Header:%20x", "/invoices/2027-0001/documents/%00",
        "/invoices/x/documents/exe", "/runs/0", "/runs/99999999999999999999", "/plans/0", "/plans/99999",
        "/fee-tables/999999999", "/nothing", "/authorities/", "/credit-notes/%F0%9F%98%80",
    ],
)  # fmt: skip
def test_an_address_of_nothing_is_not_found(program: Program, path: str) -> None:
    token = program.token(Role.FINANCE)

    answer = program.get(path, token)

    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


def test_no_address_with_a_bounded_number_is_both_read_and_written(program: Program) -> None:
    """A number beyond its bounds would be answered as a wrong way to use the address, not as nothing of that number."""
    methods: dict[str, set[str]] = defaultdict(set)
    for path, method, _ in access.routes(program.app):
        if path.startswith("/api/") and "int(" in path:
            methods[path].add(method)

    assert methods and {path: asked for path, asked in methods.items() if len(asked) > 1} == {}


def test_a_pattern_is_searched_as_it_is_written(program: Program) -> None:
    token = program.token(Role.FINANCE)

    found = {words: len(program.all(f"/authorities?q={words}", token)) for words in ("%25", "_", "vejle", "%C3%85RH")}

    assert found["%25"] == found["_"] == 0
    assert found["vejle"] == 1


def test_a_body_of_another_kind_or_too_large_is_refused(program: Program) -> None:
    token = program.token(Role.FINANCE)
    large = b'{"digest": "' + b"0" * ground.LARGEST_BODY + b'"}'

    others = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x")
    kinds = [program.post("/plans/2027/hand-overs", token, b"x", kind=kind).status_code for kind in others]
    xml = program.post("/memberships/imports", token, b"<x/>", kind="application/xml")
    too_large = program.post("/plans/2027/hand-overs", token, large, kind="application/json")
    huge = program.post("/memberships/imports", token, b"cvr\n" + b"1" * (17 * 1024 * 1024), kind="text/csv")

    assert kinds == [415, 415, 415]
    assert (xml.status_code, too_large.status_code, huge.status_code) == (415, 413, 413)


@pytest.mark.parametrize("key", ["a b", "x" * 201, "æ".encode().decode("latin-1"), "a;b"])
def test_a_key_that_cannot_be_kept_is_refused(program: Program, key: str) -> None:
    token = program.token(Role.FINANCE)

    answer = program.post("/memberships/imports", token, {"rows": []}, key=key)

    assert (answer.status_code, answer.json["code"]) == (422, "key_missing")


def test_what_a_spreadsheet_would_compute_is_a_text_like_any_other(program: Program) -> None:
    token = program.token(Role.FINANCE)
    row = {"cvr": SIGNER, "band": "large", "valid_from": "2030-01-01", "decided_by": "=cmd()", "reason": "@SUM(1)"}

    program.post("/placements/imports", token, {"rows": [row]})

    assert program.get("/placements", token).json["items"] == [row]


def test_rows_are_bounded_in_number_and_cells_in_length(program: Program) -> None:
    token = program.token(Role.FINANCE)

    long = program.post("/memberships/imports", token, {"rows": [ROW | {"gln": "1" * 20_000}]})
    nested = program.post("/memberships/imports", token, {"rows": [ROW | {"gln": {"$ne": ""}}]})
    beside = program.post("/memberships/imports", token, {"rows": [ROW], "force": True})

    assert [answer.status_code for answer in (long, nested, beside)] == [422, 422, 422]
    assert {row["column"] for row in [*long.json["rows"], *nested.json["rows"]]} == {"gln"}


def test_a_host_that_is_not_ours_is_refused(program: Program) -> None:
    trusting = Program(program.line.with_environ(OS2TILSLUT_TRUSTED_HOSTS="os2.example.dk"))

    refused = trusting.get("/", Host="evil.example.com")
    taken = trusting.get("/", Host="os2.example.dk")

    assert (refused.status_code, taken.status_code) == (400, 200)


def test_no_answer_is_kept_by_a_browser_or_read_as_a_page(program: Program) -> None:
    answer = program.get("/me", program.token(Role.AUDITOR))

    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_database_that_is_not_there_is_told_not_a_fault(tmp_path: Path) -> None:
    bare = Program(CommandLine(f"sqlite:///{tmp_path / 'none.sqlite'}", tmp_path))

    answers = [bare.get("/me", "os2t_" + "A" * 43), bare.post("/memberships/imports", "os2t_" + "A" * 43, {"rows": []})]

    assert {(answer.status_code, answer.json["code"]) for answer in answers} == {(503, "not_now")}
    assert bare.get("/me").status_code == 401


def test_a_method_that_is_not_there_is_answered_with_those_that_are(program: Program) -> None:
    answer: Any = program.app.test_client().delete("/api/v1/authorities")

    assert (answer.status_code, answer.get_json()["code"]) == (405, "http_405")
    assert {"GET", "HEAD", "OPTIONS"} == set(answer.headers["Allow"].split(", "))


# --- pages and tags


def test_pages_give_every_row_once_in_a_stable_order(program: Program) -> None:
    token = program.token(Role.FINANCE)

    whole, in_threes = program.all("/authorities", token), program.all("/authorities", token, limit=3)

    assert whole == in_threes
    assert len({each["cvr"] for each in whole}) == len(whole) > 100


def test_a_cursor_is_good_for_its_list_only(program: Program) -> None:
    token = program.token(Role.FINANCE)
    cursor = program.get("/authorities?limit=1", token).json["next"]

    tampered = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
    others = [f"/population?cursor={cursor}", f"/authorities?type=kommune&cursor={cursor}",
              f"/authorities?cursor={tampered}", f"/authorities?cursor={'x' * 501}"]  # fmt: skip
    answers: list[Any] = [program.get(path, token) for path in others]

    assert {(answer.status_code, answer.json["code"]) for answer in answers} == {(422, "malformed")}


def test_the_pages_of_a_plan_are_of_one_plan(program: Program) -> None:
    token = program.token(Role.FINANCE)
    cvrs = [known.cvr for known in files.starter()[:3]]
    program.post("/agreements/imports", token, {"rows": [agreement(cvr) for cvr in cvrs[:2]]})

    first = program.get("/plans/2027/invoices?limit=1", token).json
    second = program.get(f"/plans/2027/invoices?limit=1&cursor={first['next']}", token).json
    program.post("/agreements/imports", token, {"rows": [agreement(cvrs[2])]})
    moved = program.get(f"/plans/2027/invoices?limit=1&cursor={first['next']}", token)

    assert {each["items"][0]["authority"]["cvr"] for each in (first, second)} == set(cvrs[:2])
    assert second["next"] is None
    assert (moved.status_code, moved.json["code"]) == (409, "plan_moved")


@pytest.mark.parametrize("path", ["/authorities", "/me", "/plans/2027", "/fee-tables/1", "/openapi.json"])
def test_what_did_not_change_is_not_sent_again(program: Program, path: str) -> None:
    token = program.token(Role.FINANCE)

    tag = program.get(path, token).headers["ETag"]
    same, other = program.get(path, token, If_None_Match=tag), program.get(path, token, If_None_Match='"x"')

    assert (same.status_code, same.data, other.status_code) == (304, b"", 200)


def test_a_plans_tag_follows_its_digest_and_its_problems(program: Program) -> None:
    token = program.token(Role.FINANCE)
    before = program.get("/plans/2027", token)

    program.post(
        "/memberships/imports", token, {"rows": [{"cvr": "55133018", "joined_on": "2020-01-01", "left_on": None}]}
    )
    after = program.get("/plans/2027", token)

    assert before.headers["ETag"].strip('"').startswith(before.json["digest"])
    assert after.headers["ETag"] != before.headers["ETag"]


@pytest.mark.parametrize(
    "path", ["/authorities", "/population", "/agreements", "/fee-tables", "/invoices", "/audit-entries"]
)
def test_a_page_costs_the_same_queries_whatever_its_length(demonstration: Program, path: str) -> None:
    token = demonstration.token(Role.FINANCE, Role.AUDITOR)
    counts = []
    demonstration.get(f"{path}?limit=1", token)

    for limit in (1, pages.MOST):
        with demonstration.counted() as queries:
            demonstration.get(f"{path}?limit={limit}", token)
        counts.append(len(queries))

    assert counts == [2, 2]  # whose token it is, and the page


def test_the_bytes_of_a_document_are_those_that_are_kept(demonstration: Program) -> None:
    token = demonstration.token(Role.FINANCE)
    number = demonstration.get("/invoices?limit=1", token).json["items"][0]["number"]
    listed = demonstration.get(f"/invoices/{number}/documents", token).json["items"]

    for each in listed:
        answer = demonstration.get(each["href"].removeprefix("/api/v1"), token)

        assert (len(answer.data), answer.headers["ETag"]) == (each["bytes"], f'"{each["sha256"]}"')
        assert answer.headers["Content-Disposition"].startswith(f'attachment; filename="{number}.')
    assert [each["format"] for each in listed] == ["peppol", "pdf", "oioubl"]
