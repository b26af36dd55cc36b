"""Who reads what over the API: a token is its owner at most, others' things are not there, cookies open nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from app import access
from app.access import NEVER_BY_TOKEN, POLICY, Role
from app.api import authentication
from app.identity import sessions, tokens, users
from app.identity.models import ApiToken
from app.identity.tokens import NoSuchToken, TokenRefused, TooManyTokens
from app.identity.users import SeatOf
from tests.app.api.programs import AT, DAY, Program, agreement
from tests.scenarios import files

AARHUS, AALBORG = SeatOf(cvr="55133018"), SeatOf(cvr="29189420")
GROUP = SeatOf(product="OS2valghalla")

LISTS = (
    "/authorities", "/population", "/placements", "/memberships", "/products", "/agreements", "/fee-tables",
    "/invoices", "/credit-notes", "/audit-entries", "/plans/2027", "/plans/2027/invoices", "/fee-tables/proposals",
    "/me", "/me/tokens",
)  # fmt: skip

#: What each role may read of the lists; the others answer 403.
READABLE = {
    Role.SIGNATORY: {"/authorities", "/population", "/placements", "/memberships", "/agreements", "/invoices",
                     "/credit-notes"},
    Role.COORDINATION: {"/authorities", "/population", "/placements", "/memberships", "/agreements"},
    Role.FINANCE: set(LISTS),
    Role.APPROVER: set(LISTS),
    Role.AUDITOR: set(LISTS) - {"/fee-tables/proposals"},
    Role.ADMINISTRATOR: {"/agreements", "/audit-entries"},
}  # fmt: skip
FOR_ALL = {"/products", "/fee-tables", "/me", "/me/tokens"}


# --- who may read what


def test_without_a_token_nothing_is_read(demonstration: Program) -> None:
    answers = {path: demonstration.get(path) for path in LISTS}

    assert {answer.status_code for answer in answers.values()} == {401}
    assert answers["/me"].headers["WWW-Authenticate"].startswith("Bearer")
    assert answers["/me"].json["code"] == "not_signed_in"


@pytest.mark.parametrize("role", Role)
def test_a_token_reads_what_its_owners_role_does(demonstration: Program, role: Role) -> None:
    seats = {Role.SIGNATORY: [AARHUS], Role.COORDINATION: [GROUP]}.get(role, [])
    token = demonstration.token(role, seats=seats)

    answered = {path: demonstration.get(path, token).status_code for path in LISTS}

    assert {path for path, status in answered.items() if status == 200} == READABLE[role] | FOR_ALL
    assert set(answered.values()) <= {200, 403}


def test_an_authority_sees_only_its_own(demonstration: Program) -> None:
    token = demonstration.token(Role.SIGNATORY, seats=[AARHUS])
    all_ = demonstration.all("/invoices", demonstration.token(Role.FINANCE))
    others = next(each["number"] for each in all_ if each["authority"]["cvr"] == AALBORG.cvr)

    seen = {path: demonstration.all(path, token) for path in ("/authorities", "/agreements", "/memberships")}
    invoices = demonstration.all("/invoices", token)

    assert {each["cvr"] for rows in seen.values() for each in rows} == {AARHUS.cvr}
    assert {each["authority"]["cvr"] for each in invoices} == {AARHUS.cvr}
    for unseen in (f"/authorities/{AALBORG.cvr}", f"/invoices/{others}", f"/invoices/{others}/documents",
                   f"/invoices/{others}/documents/pdf", f"/credit-notes/{others}"):  # fmt: skip
        hidden, unknown = demonstration.get(unseen, token), demonstration.get("/invoices/2027-9999", token)
        assert hidden.status_code == unknown.status_code == 404
    hidden, unknown = (demonstration.get(f"/invoices/{number}", token) for number in (others, "2027-9999"))
    assert hidden.json == unknown.json


def test_an_authority_never_sees_a_rehearsal(demonstration: Program) -> None:
    demonstration.line.with_environ(OS2TILSLUT_ENV="demo").done("billing", "issue", "2028", "--rehearsal")
    token = demonstration.token(Role.SIGNATORY, seats=[AARHUS])
    finance = demonstration.token(Role.FINANCE)

    rehearsed = demonstration.all(f"/invoices?book=rehearsal&cvr={AARHUS.cvr}", finance)
    own = demonstration.all("/invoices?book=rehearsal", token)

    assert rehearsed and own == []
    assert demonstration.get(f"/invoices/{rehearsed[0]['number']}", token).status_code == 404


def test_a_group_sees_names_and_states_of_its_product_only(demonstration: Program) -> None:
    token = demonstration.token(Role.COORDINATION, seats=[GROUP])

    authorities = demonstration.all("/authorities", token)
    agreements = demonstration.all("/agreements", token)

    assert {each["product"] for each in agreements} == {GROUP.product}
    assert {each["cvr"] for each in agreements} == {each["cvr"] for each in authorities}
    assert {each["gln"] for each in agreements} == {each["address"] for each in authorities} == {None}
    assert demonstration.all("/memberships", token) == []


def test_an_administrator_sees_that_it_was_done_not_what(demonstration: Program) -> None:
    administrator, auditor = demonstration.token(Role.ADMINISTRATOR), demonstration.token(Role.AUDITOR)

    bare = demonstration.get("/audit-entries?limit=5", administrator).json["items"]
    whole = demonstration.get("/audit-entries?limit=5", auditor).json["items"]

    assert [each["hash"] for each in bare] == [each["hash"] for each in whole]
    assert {each["data"] for each in bare} == {None}
    assert None not in {each["data"] for each in whole}


def test_a_finance_person_reads_its_own_acts(demonstration: Program) -> None:
    token = demonstration.token(Role.FINANCE)
    row = {"cvr": AALBORG.cvr, "band": "large", "valid_from": "2031-01-01", "decided_by": "sekretariatet",
           "reason": "skøn"}  # fmt: skip

    before = demonstration.all("/audit-entries", token)
    demonstration.post("/placements/imports", token, {"rows": [row]})
    after = demonstration.all("/audit-entries", token)

    assert (before, len(after)) == ([], 1)


# --- the token itself


def test_a_role_or_a_token_taken_away_counts_from_the_next_request(program: Program) -> None:
    person = program.person(Role.FINANCE, Role.AUDITOR)
    token = program.token_of(person)

    statuses = [program.get("/plans/2027", token).status_code]
    with program.writing() as (session, trail):
        for role in (Role.FINANCE, Role.AUDITOR):
            users.end_role(session, users.get(session, person), role, trail, on=DAY)
    statuses.append(program.get("/plans/2027", token).status_code)
    statuses.append(program.get("/me", token).status_code)
    with program.writing() as (session, trail):
        tokens.end(session, person, tokens.of(session, person)[0].id, trail)
    statuses.append(program.get("/me", token).status_code)

    assert statuses == [200, 403, 403, 401]  # without a role there is not even oneself


def test_who_has_ended_has_no_token_that_opens(program: Program) -> None:
    person = program.person(Role.FINANCE)
    token = program.token_of(person)

    with program.writing() as (session, trail):
        users.end(session, users.get(session, person), trail, on=DAY)

    assert program.get("/me", token).status_code == 401


def test_a_token_is_over_after_its_last_day(program: Program) -> None:
    token = program.token_of(program.person(Role.AUDITOR), days=30)
    later = Program(program.line.at("2027-02-14T10:00:00Z"))

    in_time = Program(program.line.at("2027-02-14T09:59:00Z")).get("/me", token)
    late = later.get("/me", token)

    assert (in_time.status_code, late.status_code) == (200, 401)


def test_a_token_never_exceeds_what_it_was_given(program: Program) -> None:
    token = program.token(Role.FINANCE, permissions=["authority.read"])

    answers = [program.get(path, token).status_code for path in ("/authorities", "/invoices", "/agreements")]
    written = program.post("/memberships/imports", token, {"rows": []}).status_code

    assert (answers, written) == ([200, 403, 403], 403)


def test_nobody_gives_a_token_more_than_they_have(program: Program) -> None:
    person = program.person(Role.AUDITOR)

    for wanted in (["credit.prepare"], ["run.approve"], ["users.change"], []):
        with pytest.raises(TokenRefused):
            program.token_of(person, wanted)


def test_no_token_approves_though_its_row_says_so(program: Program) -> None:
    person = program.person(Role.APPROVER)
    token = program.token_of(person)
    with program.writing() as (session, _):
        row = session.scalars(select(ApiToken)).one()
        row.permissions = '["run.approve", "credit.approve", "tables.adopt", "token.create", "run.read"]'

    with program.app.app_context(), program.app.test_request_context(
        "/api/v1/me", headers={"Authorization": f"Bearer {token}"}
    ):  # fmt: skip
        allowed = {permission for permission in POLICY if access.current().may(permission)}

    assert allowed == {"run.read", "account.use"}


def test_a_secret_is_kept_as_a_hash_and_opens_only_whole(program: Program) -> None:
    token = program.token(Role.AUDITOR)

    with program.line.session() as session:
        kept = session.scalars(select(ApiToken)).one()

        assert token not in str(vars(kept).values())
    for wrong in (token[:-1], token + "A", token[5:], token.upper(), "os2t_" + "A" * 43):
        assert program.get("/me", wrong).status_code == 401
    assert program.app.test_client().get("/api/v1/me", headers={"Authorization": token}).status_code == 401
    assert program.app.test_client().get(f"/api/v1/me?token={token}").status_code == 401


def test_the_last_day_of_use_is_noted_once_a_day(program: Program) -> None:
    person = program.person(Role.AUDITOR)
    token = program.token_of(person)

    program.get("/me", token)

    assert program.get("/me/tokens", token).json["items"][0]["last_used_on"] == "2027-01-15"
    with program.counted() as queries:
        program.get("/me", token)
    assert len(queries) == 2  # whose it is, and the CVR numbers


def test_a_browsers_cookie_opens_nothing(demonstration: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    person = demonstration.person(Role.FINANCE)
    with demonstration.app.app_context(), demonstration.writing() as (session, _):
        found = users.principal_of(session, person, DAY, AT)
    monkeypatch.setattr(sessions, "principal", lambda: found)

    assert demonstration.app.test_client().get("/authorities").status_code == 200
    assert demonstration.get("/authorities").status_code == 401
    assert demonstration.post("/memberships/imports", None, {"rows": []}).status_code == 401


def test_wrong_tokens_close_the_door_for_a_while(program: Program) -> None:
    answers = [program.get("/me", "os2t_" + "A" * 43) for _ in range(authentication.WRONG_TOKEN.tries + 1)]

    assert [answer.status_code for answer in answers[-2:]] == [401, 429]
    assert (answers[-1].json["code"], int(answers[-1].headers["Retry-After"]) > 0) == ("too_many", True)
    assert program.get("/me").status_code == 401  # who sends none is told to


def test_a_person_has_so_many_tokens_and_ends_only_their_own(program: Program) -> None:
    person, other = program.person(Role.AUDITOR), program.person(Role.AUDITOR)
    for _ in range(tokens.MOST):
        program.token_of(person, ["run.read"])

    with pytest.raises(TooManyTokens):
        program.token_of(person, ["run.read"])
    with program.writing() as (session, trail), pytest.raises(NoSuchToken):
        tokens.end(session, other, tokens.of(session, person)[0].id, trail)


def test_a_token_ends_itself_and_its_owners_others_once(program: Program) -> None:
    person = program.person(Role.AUDITOR)
    first, second = program.token_of(person, ["run.read"]), program.token_of(person, ["audit.read"])
    by_first = {each["is_this"]: each["id"] for each in program.get("/me/tokens", first).json["items"]}

    other = program.post(f"/me/tokens/{by_first[False]}/end", first, key="a")
    again = program.post(f"/me/tokens/{by_first[False]}/end", first, key="a")
    itself = program.post(f"/me/tokens/{by_first[True]}/end", first)

    assert (other.status_code, other.json["ended_at"], other.json["is_this"]) == (
        200,
        "2027-01-15T10:00:00+00:00",
        False,
    )
    assert again.data == other.data
    assert (itself.status_code, itself.json["is_this"]) == (200, True)
    assert {program.get("/me", token).status_code for token in (first, second)} == {401}
    with program.line.session() as session:
        told = session.connection().exec_driver_sql("SELECT count(*) FROM audit_entry WHERE action = 'token.ended'")
        assert told.scalar() == 2


def test_no_token_ends_anothers(program: Program) -> None:
    owner, other = program.token(Role.FINANCE), program.token(Role.FINANCE, Role.ADMINISTRATOR)
    id_ = program.get("/me/tokens", owner).json["items"][0]["id"]

    answers = [program.post(f"/me/tokens/{each}/end", other) for each in (id_, 999_999)]

    assert [(answer.status_code, answer.json["code"]) for answer in answers] == [(404, "no_such_token")] * 2
    assert program.get("/me", owner).status_code == 200


def test_an_approval_stands_though_tokens_are_made(program: Program) -> None:
    token = program.token(Role.FINANCE)
    signer = files.by_name("Vejle").cvr
    program.post("/agreements/imports", token, {"rows": [agreement(signer)]})
    program.line.approve(2027)

    with program.line.session() as session:
        before = session.connection().exec_driver_sql("SELECT count(*) FROM audit_entry").scalar()
    program.token(Role.AUDITOR)
    program.line.done("billing", "issue", 2027)

    assert before
    assert [each["number"] for each in program.all("/invoices", token)] == ["2027-0001"]


# --- what the policy and the API say of each other


def test_a_token_is_offered_exactly_what_the_api_asks_for(program: Program) -> None:
    asked = {
        found.permission
        for path, method, endpoint in access.routes(program.app)
        if path.startswith("/api/") and (found := access.requirement(program.app, endpoint, method)) is not None
    }

    assert asked - {None} == {*tokens.OFFERED, tokens.ALWAYS}
    assert not asked & NEVER_BY_TOKEN


def test_every_document_says_which_permission_it_asks_for(program: Program) -> None:
    document: Any = program.get("/openapi.json").json

    said = {operation.get("x-permission") for path in document["paths"].values() for name, operation in path.items()
            if name in ("get", "post")}  # fmt: skip

    assert said == {*tokens.OFFERED, tokens.ALWAYS, None}


def test_an_anonymous_principal_has_no_scope() -> None:
    nobody = replace(access.ANONYMOUS, permissions=frozenset(POLICY))

    assert not any(nobody.may(permission) for permission in POLICY)
