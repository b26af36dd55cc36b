"""Promises 17 and 18 for every route at once: forms that are not ours, foreign hosts, addresses, names and headers.

What one page or the API alone must withstand stands beside its own tests; here the whole map of routes is walked.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from app import access, schemas
from app.access import Principal
from app.identity import users
from foundation.proposals import ProposalRow
from tests import access_walk, world
from tests.access_walk import Line
from tests.command_line import CommandLine
from tests.conftest import FULL
from tests.scenarios import acting, database, files

#: A name as somebody might wish to have it.
NAME = '=2+5"><script>alert(1)</script>{{7*7}}'
HOSTILE_CVR = files.cvrs(1)[0]

#: Routes that take a form without our token; each says why at its view.
TOKENLESS = {"/language", "/verify"}

SECURE = {
    "OS2TILSLUT_ENV": "demo", "OS2TILSLUT_BASE_URL": "https://tilslut.example.dk",
    "OS2TILSLUT_TRUSTED_HOSTS": "tilslut.example.dk",
}  # fmt: skip
HOST = {"Host": "tilslut.example.dk"}

LINES = list(access_walk.read())
WORDS = (
    "..%2f..%2fetc%2fpasswd", "%2e%2e%2f%2e%2e", "%00", "a%0d%0aX-Evil:%20yes", "%ff%fe", "%E2%80%AE321", "{{7*7}}",
    "%3Cscript%3Ealert(1)%3C%2Fscript%3E", "'%20OR%201=1--", "a" * 5_000, "%F0%9F%92%A9", "-1", "9" * 40, "%20",
)  # fmt: skip


def some_words(nth: int) -> Sequence[str]:
    """Give the words for one page among many: all, or in `make test` every seventh, others for the next page."""
    return WORDS if FULL else WORDS[nth % 7 :: 7]


@dataclass
class House:
    """The workplace by TLS, and whoever asks."""

    app: Flask
    line: CommandLine
    people: dict[str, Principal]
    things: dict[str, dict[str, str]]
    who: Principal = access.ANONYMOUS

    def ask(self, path: str, method: str = "GET", **more: Any) -> TestResponse:
        """Send a request as who is there."""
        headers = HOST | more.pop("headers", {})
        return self.app.test_client().open(path, method=method, headers=headers, buffered=True, **more)

    def path(self, line: Line) -> str:
        """Give a line's address."""
        return line.template.format_map(self.things[line.whose])

    def by(self, person: str) -> House:
        """Let one of the people ask."""
        self.who = self.people[person]
        return self


def _name_somebody(line: CommandLine, known: dict[str, Principal]) -> None:
    """Take in an authority, an agreement and a person whose names are hostile."""
    files.take_authorities(line, files.authority(HOSTILE_CVR, name=NAME, short_name=NAME[:20]))
    files.take_members(line, files.member(HOSTILE_CVR))
    files.take_agreements(line, files.agreement(HOSTILE_CVR, "OS2kitos", person_reference=NAME[:40]))
    acting.by(
        line,
        known["administrator"].actor,
        lambda session, trail: users.invite(session, NAME, "navn@example.dk", trail, on=trail.at.date()),
    )


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The small world with hostile names, an issued year, and everything that can wait."""
    folder: Path = tmp_path_factory.mktemp("hostile")
    line = CommandLine(f"sqlite:///{folder / 'os2tilslut.sqlite'}", folder).with_environ(**SECURE)
    world.fill(line)
    with world.made(line) as app:
        known = world.people(app)
        _name_somebody(line, known)
        world.issue(line)
        made = House(app, line, known, world.things(line, world.wait(line, known)))
        app.extensions["principal_loader"] = lambda: made.who
        yield made


def _readable(role: str) -> list[Line]:
    return [line for line in LINES if line.method == "GET" and line.answer(role) == "200"]


# --- forms


def test_no_form_is_taken_without_our_token_or_with_anothers(house: House) -> None:
    house.by("approver")
    forms = [line for line in LINES if line.method != "GET" and not line.rule.startswith("/api/")]
    token = re.search(r'name="csrf_token" value="([^"]+)"', house.ask("/year/2028").text)
    assert token is not None

    taken = [
        (line.rule, sent)
        for line in forms
        for sent in ({}, {"csrf_token": "x"}, {"csrf_token": token[1]})  # the last is another browser's: no cookie came
        if house.ask(house.path(line), line.method, data=sent).status_code != 400
    ]

    assert {rule for rule, _ in taken} == TOKENLESS
    assert forms


def test_what_a_form_says_of_who_acts_is_not_believed(house: House) -> None:
    house.by("signatory-aarhus")
    own = house.things["own"]
    path = f"/authorities/{own['cvr']}/billing/membership/{own['place']}"
    client = house.app.test_client()
    page = client.get(path, headers=HOST, base_url="https://tilslut.example.dk")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token is not None
    details = {
        "gln": "",
        "person_reference": "Ny",
        "order_reference": "",
        "accounting_cost": "",
        "format": "",
        "contact_mail": "",
    }
    hostile = {
        "proposed_by": "En Anden #1", "user_id": "1", "actor": "En Anden #1", "authority_id": "2", "id": "999",
        "kind": "settings", "roles": "administrator",
    }  # fmt: skip

    def send(**sent: str) -> TestResponse:
        return client.post(
            f"{path}/propose", data={"csrf_token": token[1]} | sent,
            headers=HOST | {"Referer": "https://tilslut.example.dk/"}, base_url="https://tilslut.example.dk",
        )  # fmt: skip

    before = database.count(house.line, "audit_entry")
    refused = [send(**details, **{name: value}).status_code for name, value in hostile.items()]
    after = database.count(house.line, "audit_entry")
    answer = send(**details)

    assert (refused, after) == ([422] * len(hostile), before)
    assert answer.status_code == 303, answer.text
    with house.line.session() as session:
        found = select(ProposalRow.kind, ProposalRow.subject, ProposalRow.proposed_by)
        made = session.execute(found.order_by(ProposalRow.id.desc())).first()
    assert made == ("billing_details", own["cvr"], house.people["signatory-aarhus"].actor)


def test_a_method_is_not_changed_by_what_a_request_says(house: House) -> None:
    house.by("approver")
    forms = [line for line in LINES if line.method == "POST" and line.whose in ("", "own", "known")]
    before = database.count(house.line, "audit_entry")

    for line in forms:
        path = house.path(line)
        for headers in ({"X-HTTP-Method-Override": "POST"}, {"X-HTTP-Method": "POST"}):
            answer = house.ask(f"{path}?_method=POST", headers=headers)
            assert answer.status_code in (200, 303, 403, 404, 405, 422), path
    assert database.count(house.line, "audit_entry") == before


def test_more_than_the_limit_is_not_read(house: House) -> None:
    house.by("finance")

    answer = house.ask("/imports/members", "POST", data={"file": (io.BytesIO(b"x" * (17 * 1024 * 1024)), "a.csv")})

    assert answer.status_code == 413
    assert "16 MB" in answer.text


def test_a_form_of_endless_fields_is_refused_before_it_costs(house: House) -> None:
    house.by("administrator")
    many = b"&".join(b"f%d=x" % nth for nth in range(20_000))
    parts = b"".join(b'--x\r\nContent-Disposition: form-data; name="f%d"\r\n\r\nx\r\n' % nth for nth in range(5_000))

    answers = [
        house.ask("/users/invite", "POST", data=many, content_type="application/x-www-form-urlencoded"),
        house.ask("/users/invite", "POST", data=parts + b"--x--\r\n", content_type="multipart/form-data; boundary=x"),
        house.ask("/users/invite", "POST", data=b"name=" + b"x" * 2_000_000,
                  content_type="application/x-www-form-urlencoded"),
    ]  # fmt: skip
    longest = house.ask("/fee-tables/draft/text", "POST", data={"text": "æ" * schemas.LONGEST_DECISION})

    assert [answer.status_code for answer in answers] == [413, 413, 413]
    assert longest.status_code == 400  # it is read, and lacks our token
    assert max(len(answer.data) for answer in answers) < 20_000


# --- hosts and ways


def test_no_page_is_made_for_a_host_that_is_not_ours(house: House) -> None:
    house.by("finance")

    for line in LINES:
        answer = house.ask(house.path(line), line.method, headers={"Host": "evil.example"})
        assert answer.status_code == 400, line
        assert "evil.example" not in answer.text
    answer = house.ask("/users", headers={"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"})
    assert "evil.example" not in answer.text + str(answer.headers)


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "http:evil.example",
        "javascript:alert(1)", "/%0d%0aX-Evil: yes\r\nX-Evil: yes", "///evil.example", "/\t/evil.example",
        " //evil.example", "https:evil.example", "/\n/evil.example", "data:text/html,x", "",
    ],
)  # fmt: skip
def test_no_address_leads_away_from_here(house: House, elsewhere: str) -> None:
    house.by("finance")

    answers = [
        house.ask(f"/sign-in?next={quote(elsewhere)}"),
        house.ask("/language", "POST", data={"language": "da", "next": elsewhere}),
    ]

    for answer in answers:
        assert answer.status_code == 303
        assert re.match(r"/(?![/\\])", answer.headers["Location"]), answer.headers["Location"]
        assert "X-Evil" not in answer.headers


def test_words_in_an_address_are_words(house: House) -> None:
    named = sorted({line.rule for line in LINES if line.method == "GET" and "<" in line.rule})

    for person in ("finance", "administrator"):
        house.by(person)
        for nth, rule in enumerate(named):
            for word in some_words(nth):
                path = re.sub(r"<[^>]+>", word, rule)
                answer = house.ask(path)
                assert answer.status_code in (200, 303, 400, 403, 404, 414, 422, 429), (answer.status_code, path)
                _is_harmless(answer, path)


def test_words_in_a_query_are_words(house: House) -> None:
    fields = ("q", "sort", "page", "kind", "year", "with", "book", "state", "action", "on", "format", "cursor", "limit")

    for role, person in (("finance", "finance"), ("administrator", "administrator"), ("signatory", "signatory-aarhus")):
        house.by(person)
        for nth, line in enumerate(_readable(role)):
            for word in some_words(nth):
                path = f"{house.path(line)}?{'&'.join(f'{field}={word}' for field in fields)}"
                answer = house.ask(path)
                assert answer.status_code < 500, path
                _is_harmless(answer, path)


def _is_harmless(answer: TestResponse, path: str) -> None:
    assert "X-Evil" not in answer.headers, path
    assert b"root:" not in answer.data, path
    if answer.mimetype == "text/html":
        assert b"<script>alert" not in answer.data, path


# --- names


@pytest.mark.parametrize(
    ("role", "person"),
    [("finance", "finance"), ("auditor", "auditor"), ("administrator", "administrator"),
     ("coordination", "group-kitos")],
)  # fmt: skip
def test_a_hostile_name_is_shown_as_it_is_written(house: House, role: str, person: str) -> None:
    house.by(person)
    shown = 0

    for path in (*(house.path(line) for line in _readable(role)), *_hostile_pages()):
        answer = house.ask(path)
        assert answer.status_code < 500, path
        if answer.mimetype == "text/html":
            _is_harmless(answer, path)
            assert "&gt;49" not in answer.text and "script&gt;49" not in answer.text, path
            shown += "{{7*7}}" in answer.text
    assert shown


def _hostile_pages() -> list[str]:
    return [f"/authorities/{HOSTILE_CVR}", f"/authorities/{HOSTILE_CVR}/billing", f"/authorities/{HOSTILE_CVR}/history",
            f"/year/2028/plan/{HOSTILE_CVR}", "/invoices/2027-0003", "/year/2027", "/users"]  # fmt: skip


def test_no_cell_of_an_export_is_a_formula(house: House) -> None:
    seen = 0

    for role in ("finance", "administrator"):
        house.by(role)
        exports = [line for line in _readable(role) if line.rule.endswith(".<form>") and "/versions/" not in line.rule]
        lists = sorted({house.path(line) for line in exports})
        for path in lists:
            base = path.rpartition(".")[0].replace("2028", "2027")
            is_report = base.endswith("/report")  # it is a workbook, too, but no CSV
            words = "" if is_report else house.ask(f"{base}.csv").data.decode("utf-8-sig")
            cells = [cell for row in csv.reader(io.StringIO(words), delimiter=";") for cell in row]
            assert [cell for cell in cells if re.match(r"[=@\t\r]|[+-](?![\d.,])", cell)] == [], base
            seen += sum(NAME in cell for cell in cells)
            assert b"<f>" not in _sheet(house.ask(f"{base}.xlsx").data), base
    assert seen


def _sheet(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        return b"".join(book.read(name) for name in book.namelist() if name.startswith("xl/worksheets/"))


# --- what every answer says to the browser


def test_every_answer_keeps_the_browser_safe(house: House) -> None:
    brought = 0  # files that people brought: nothing in them may do anything at all
    for person, role in ((None, "anonymous"), ("finance", "finance"), ("administrator", "administrator")):
        house.who = house.people[person] if person else access.ANONYMOUS
        for line in [line for line in LINES if line.method == "GET"]:
            if person == "administrator" and line.answer("finance") == line.answer("administrator"):
                continue  # finance has asked
            answer = house.ask(house.path(line))
            if answer.headers.get("Content-Disposition", "").startswith("attachment") and "/files/" in line.rule:
                assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox", line.rule
                assert answer.headers["X-Content-Type-Options"] == "nosniff", line.rule
                brought += 1
            else:
                _says_what_it_must(answer, f"{role} {line.rule}", is_ours=not line.rule.startswith("/static/"))
    for path in ("/findes-ikke", "/authorities?page=x"):
        _says_what_it_must(house.ask(path), path, is_ours=True)
    assert brought


def _says_what_it_must(answer: TestResponse, asked: str, *, is_ours: bool) -> None:
    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'", asked
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'", asked
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == "'none'", asked
    assert "unsafe" not in answer.headers["Content-Security-Policy"], asked
    assert answer.headers["X-Content-Type-Options"] == "nosniff", asked
    assert int(answer.headers["Strict-Transport-Security"].partition("=")[2].partition(";")[0]) >= 31_536_000, asked
    if is_ours:
        assert re.search(r"no-store|private", answer.headers["Cache-Control"]), asked


def test_every_cookie_is_held_to_this_host_and_out_of_reach_of_scripts(house: House) -> None:
    house.who = access.ANONYMOUS
    set_by = 0

    for path, method, sent in (("/language", "POST", {"language": "en"}), ("/sign-in/callback", "GET", {}),
                               ("/invitation/ukendt", "GET", {}), ("/", "GET", {})):  # fmt: skip
        for cookie in house.ask(path, method, data=sent).headers.getlist("Set-Cookie"):
            set_by += 1
            assert cookie.startswith("__Host-")
            assert all(word in cookie for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"))
            assert "Domain" not in cookie
    assert set_by
