"""Signing in: what proves who somebody is, and everything that looks like it and does not."""

from __future__ import annotations

import logging
import re
import secrets
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from tests.app.identity.conftest import Browser, Browsers
from tests.app.identity.provider import NOW, Liar, Local
from tests.command_line import CommandLine
from tests.scenarios import database as rows

#: What these tests look at does not depend on the kind of database.
ON_ONE = pytest.mark.parametrize("kind", ["sqlite"])
SECONDS = int(NOW.timestamp())


def asked_of(location: str) -> dict[str, str]:
    """Give what an authorization request asks."""
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


@pytest.fixture
def known(starter: CommandLine, liar: Liar) -> CommandLine:
    """The command line on a database where `somebody` of the lying provider is finance."""
    line = starter.with_environ(**liar.environ)
    line.done("users", "invite", "En Økonom", "o@example.dk", "--role", "finance")
    with line.session() as session:
        from app.identity.models import UserIdentity

        session.add(UserIdentity(user_id=1, issuer=liar.issuer, subject="somebody"))
    return line


def comes_back(browser: Browser, liar: Liar, path: str = "/sign-in") -> Any:
    """Begin at our side, and come back as the lying provider sends one."""
    return browser.get(liar.answer(browser.get(path).headers["Location"]))


# --- the way there


@ON_ONE
def test_the_provider_is_asked_with_pkce_state_and_nonce_new_each_time(
    peopled: CommandLine, browsers: Browsers
) -> None:
    browser = browsers(peopled)

    first, second = (asked_of(browser.get("/sign-in").headers["Location"]) for _ in range(2))

    assert (first["response_type"], first["scope"], first["code_challenge_method"]) == (
        "code",
        "openid profile",
        "S256",
    )
    assert first["redirect_uri"] == "http://localhost/sign-in/callback"
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name]) >= 43 and first[name] != second[name]
    assert "prompt" not in first


@ON_ONE
def test_a_fresh_sign_in_is_asked_for_anew_and_leads_back(peopled: CommandLine, browsers: Browsers) -> None:
    browser = browsers(peopled)
    browser.sign_in("approver")

    asked = asked_of(browser.get("/sign-in?fresh=1&next=/authorities").headers["Location"])
    answer = browser.sign_in("approver", path="/sign-in?fresh=1&next=/authorities%3Fq%3Da")

    assert (asked["prompt"], asked["max_age"]) == ("login", "0")
    assert answer.headers["Location"] == "/authorities?q=a"


@ON_ONE
@pytest.mark.parametrize(
    "given",
    [
        "https://evil.example", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example",
        "http:evil.example", "javascript:alert(1)", "/\t/evil.example", "/ok\nSet-Cookie: a=b", "evil.example",
        "https:/evil.example", "", "/..//evil.example\\",
    ],
)  # fmt: skip
def test_nobody_is_led_elsewhere_after_signing_in(peopled: CommandLine, browsers: Browsers, given: str) -> None:
    """Promise 17: open redirects."""
    browser = browsers(peopled)

    answer = browser.sign_in("auditor", path=f"/sign-in?{urlencode({'next': given})}")

    assert answer.status_code == 303
    assert answer.headers["Location"] == "/"
    assert "Set-Cookie: a=b" not in str(answer.headers)


# --- the way back


@ON_ONE
def test_an_answer_counts_once_and_only_in_the_browser_that_asked(peopled: CommandLine, browsers: Browsers) -> None:
    asked, other = browsers(peopled), browsers(peopled)
    other.get("/sign-in")
    address = asked.at_the_provider("finance")

    answers = [other.get(address), browsers(peopled).get(address), asked.get(address), asked.get(address)]

    assert [answer.status_code for answer in answers] == [400, 400, 303, 400]
    assert (other.name, asked.name) == ("", "Økonomimedarbejder (opdigtet)")


@ON_ONE
def test_an_answer_without_its_state_or_code_or_after_ten_minutes_is_refused(
    peopled: CommandLine, browsers: Browsers, local: Local
) -> None:
    browser = browsers(peopled)
    address = browser.at_the_provider("finance")
    state = asked_of(address)["state"]
    late = browsers(peopled.at("2027-01-15T10:10:01Z"))
    browser.get("/sign-in")

    answers = [
        browser.get("/sign-in/callback"),
        browser.get("/sign-in/callback?code=x"),
        browser.get("/sign-in/callback?code=x&state=x"),
        browser.get(f"/sign-in/callback?state={state}"),
        browser.get(address),
    ]
    other = browser.at_the_provider("finance")
    late.client.set_cookie("os2tilslut", browser.cookie)
    answers.append(late.get(other))

    assert [answer.status_code for answer in answers] == [400] * 6
    assert all("Du kom ikke ind" in answer.text for answer in answers)
    assert browser.name == late.name == ""


@ON_ONE
def test_whoever_says_no_at_the_provider_or_another_issuer_answers_is_refused_in_words(
    peopled: CommandLine, browsers: Browsers
) -> None:
    browser = browsers(peopled)
    codes = []

    for more in ("error=access_denied&error_description=<b>nej</b>", "code=x&iss=https%3A%2F%2Fevil.example"):
        state = asked_of(browser.get("/sign-in").headers["Location"])["state"]
        answer = browser.get(f"/sign-in/callback?state={state}&{more}")
        codes.append(answer.status_code)
        assert "<b>nej</b>" not in answer.text

    assert codes == [400, 400]


@ON_ONE
def test_an_honest_token_of_the_other_provider_is_taken(known: CommandLine, browsers: Browsers, liar: Liar) -> None:
    browser = browsers(known)

    answer = comes_back(browser, liar)

    assert answer.status_code == 303
    assert browser.name == "En Økonom"
    assert liar.asked[0]["code_verifier"] and liar.asked[0]["redirect_uri"].endswith("/sign-in/callback")


@ON_ONE
@pytest.mark.parametrize(
    ("claims", "sign"),
    [
        ({}, "none"),
        ({}, "hmac"),
        ({}, "another key"),
        ({"iss": "https://evil.example"}, "right"),
        ({"iss": None}, "right"),
        ({"aud": "another"}, "right"),
        ({"aud": None}, "right"),
        ({"aud": ["os2tilslut", "another"]}, "right"),  # without azp
        ({"aud": ["os2tilslut", "another"], "azp": "another"}, "right"),
        ({"azp": "another"}, "right"),
        ({"exp": SECONDS - 61}, "right"),
        ({"exp": None}, "right"),
        ({"exp": "2030"}, "right"),
        ({"iat": SECONDS + 3600}, "right"),
        ({"nbf": SECONDS + 3600}, "right"),
        ({"nonce": "another"}, "right"),
        ({"nonce": None}, "right"),
        ({"nonce": ""}, "right"),
        ({"sub": None}, "right"),
        ({"sub": ""}, "right"),
        ({"sub": 7}, "right"),
        ({"sub": ["somebody"]}, "right"),
        ({"at_hash": "wrong"}, "right"),
        ({"amr": "otp"}, "right"),
        ({"auth_time": "now"}, "right"),
        ({"auth_time": 10**30}, "right"),
        ({"auth_time": -1}, "right"),
        ({"auth_time": SECONDS + 61}, "right"),
    ],
)
def test_a_token_that_is_not_ours_now_and_signed_signs_nobody_in(
    known: CommandLine,
    browsers: Browsers,
    liar: Liar,
    claims: dict[str, Any],
    sign: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    liar.claims, liar.sign = claims, sign
    browser = browsers(known)

    answer = comes_back(browser, liar)

    assert answer.status_code == 400
    assert browser.name == ""
    assert re.search("NotProven (the id token is not right|no subject|the sign-in is not of now)", caplog.text)


@ON_ONE
@pytest.mark.parametrize("auth_time", [None, SECONDS - 61, "now", 0])
def test_a_step_up_needs_a_sign_in_as_new_as_the_question(
    known: CommandLine, browsers: Browsers, liar: Liar, auth_time: object
) -> None:
    """Promise 16."""
    liar.claims = {"auth_time": auth_time}
    browser = browsers(known)

    answer = comes_back(browser, liar, "/sign-in?fresh=1")

    assert answer.status_code == 400
    assert browser.name == ""


@ON_ONE
def test_a_mail_address_or_a_name_matches_nobody(known: CommandLine, browsers: Browsers, liar: Liar) -> None:
    liar.claims = {"sub": "somebody else", "email": "o@example.dk", "name": "En Økonom"}
    liar.userinfo = {"sub": "somebody else"}
    browser = browsers(known)
    before = rows.dump(known, without=("browser_session", "sign_in_count"))

    answer = comes_back(browser, liar)

    assert (answer.status_code, browser.name) == (403, "")
    assert "ikke bruger her" in answer.text
    assert rows.dump(known, without=("browser_session", "sign_in_count")) == before


@ON_ONE
@pytest.mark.parametrize(
    ("claims", "comes_in"),
    [
        ({"acr": "strong"}, True),
        ({"acr": "weak"}, False),
        ({"acr": None}, False),
        ({"acr": ["strong"]}, False),
        ({"acr": "weak", "amr": ["pwd", "otp"]}, True),
        ({"acr": "weak", "amr": ["pwd"]}, False),
        ({"acr": "weak", "loa": "Substantial"}, True),
        ({"acr": "weak", "loa": "Low"}, False),
        ({"acr": "weak", "loa": ""}, False),
    ],
)
def test_staff_come_in_by_strong_authentication_only(
    known: CommandLine, browsers: Browsers, liar: Liar, claims: dict[str, Any], comes_in: bool
) -> None:
    liar.claims = claims
    browser = browsers(known)

    answer = comes_back(browser, liar)

    assert bool(browser.name) == comes_in
    assert answer.status_code == (303 if comes_in else 403)
    assert comes_in or "stærk godkendelse" in answer.text


@ON_ONE
def test_strength_is_asked_of_every_staff_role_and_of_no_other(peopled: CommandLine, browsers: Browsers) -> None:
    everybody = (
        "finance", "approver", "auditor", "administrator", "signatory-aarhus", "group-kitos",
    )  # fmt: skip

    codes = {who: browsers(peopled).sign_in(who, "weak").status_code for who in everybody}

    assert codes == dict.fromkeys(everybody[:4], 403) | dict.fromkeys(everybody[4:], 303)


@ON_ONE
def test_userinfo_of_somebody_else_is_refused(known: CommandLine, browsers: Browsers, liar: Liar) -> None:
    liar.claims, liar.userinfo = {"name": None}, {"sub": "somebody else", "name": "En Anden"}

    assert comes_back(browsers(known), liar).status_code == 400


@ON_ONE
def test_a_provider_whose_clock_runs_ahead_a_little_signs_in_as_of_now(
    known: CommandLine, browsers: Browsers, liar: Liar
) -> None:
    liar.claims = {"auth_time": SECONDS + 59}

    answer = comes_back(browsers(known), liar, "/sign-in?fresh=1")

    assert answer.status_code == 303
    told = rows.column(known, "SELECT signed_in_at FROM browser_session WHERE user_id = 1")
    assert [str(moment)[:19] for moment in told] == ["2027-01-15 10:00:00"]


@ON_ONE
@pytest.mark.parametrize(("ways", "in_the_form"), [(["client_secret_post"], True), (["client_secret_basic"], False)])
def test_the_secret_is_given_as_the_provider_takes_it(
    known: CommandLine, browsers: Browsers, liar: Liar, ways: list[str], in_the_form: bool
) -> None:
    liar.about = {"token_endpoint_auth_methods_supported": ways}
    browser = browsers(known)

    comes_back(browser, liar)

    assert browser.name == "En Økonom"
    assert ("client_secret" in liar.asked[0]) == in_the_form


# --- the provider fails


@ON_ONE
@pytest.mark.parametrize(
    ("about", "status"),
    [
        ({}, 500),
        ({"issuer": "https://evil.example"}, 200),
        ({"token_endpoint": None}, 200),
        ({"authorization_endpoint": "javascript:alert(1)"}, 200),
        ({"jwks_uri": "file:///etc/passwd"}, 200),
    ],
)
def test_a_provider_that_is_not_one_is_a_page_with_words(
    known: CommandLine, browsers: Browsers, liar: Liar, about: dict[str, Any], status: int
) -> None:
    liar.about, liar.status = about, status

    answer = browsers(known).get("/sign-in")

    assert answer.status_code == 503
    assert "svarer ikke" in answer.text and "Traceback" not in answer.text


@ON_ONE
def test_a_provider_that_is_down_is_a_page_with_words_and_signing_out_works_all_the_same(
    peopled: CommandLine, browsers: Browsers
) -> None:
    signed_in = browsers(peopled)
    signed_in.sign_in("finance")
    down = browsers(peopled, OS2TILSLUT_OIDC_ISSUER="http://127.0.0.1:1", OS2TILSLUT_OIDC_CLIENT_ID="x")
    down.client.set_cookie("os2tilslut", signed_in.cookie)

    out, asked = down.post("/sign-out"), down.get("/sign-in")

    assert (out.status_code, asked.status_code) == (200, 503)
    assert signed_in.name == ""


# --- what is told and kept


@ON_ONE
def test_no_token_secret_or_subject_is_kept_or_logged(
    known: CommandLine, browsers: Browsers, liar: Liar, caplog: pytest.LogCaptureFixture
) -> None:
    """Promise 25."""
    caplog.set_level(logging.DEBUG)
    browser = browsers(known)

    comes_back(browser, liar)
    liar.sign = "another key"
    comes_back(browsers(known), liar)

    held = repr(rows.dump(known)) + "".join(
        f"{record.getMessage()}{record.exc_text}" for record in caplog.records if not record.name.startswith("werkzeug")
    )
    for secret in ("ADGANGSTEGN", "eyJ", "hemmelig-hos-udbyderen", browser.cookie):
        assert secret not in held
    assert re.search(r"id_token_sha256[^0-9a-f]+[0-9a-f]{64}", held)


@ON_ONE
def test_tries_are_limited_over_all_workers_and_told_with_when_to_come_back(
    peopled: CommandLine, browsers: Browsers
) -> None:
    workers = [browsers(peopled), browsers(peopled)]

    codes = [workers[nth % 2].get("/sign-in").status_code for nth in range(62)]
    refused = workers[0].get("/sign-in")
    later = browsers(peopled.at("2027-01-15T10:05:00Z")).get("/sign-in")

    assert codes == [303] * 60 + [429] * 2
    assert refused.headers["Retry-After"] == "300" and "mange forsøg" in refused.text
    assert later.status_code == 303


def test_tries_at_once_are_all_counted(peopled: CommandLine, browsers: Browsers) -> None:
    import threading
    from datetime import timedelta

    from app.errors import TooMany
    from app.identity import limits

    app, limit, outcomes = browsers(peopled).app, limits.Limit("test", 10, timedelta(minutes=5)), []

    def tried() -> None:
        with app.app_context():
            for _ in range(5):
                try:
                    limits.count(limit, "10.0.0.1", "secret", NOW)
                    outcomes.append("in")
                except TooMany:
                    outcomes.append("out")

    threads = [threading.Thread(target=tried) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["in"] * 10 + ["out"] * 10
    assert "10.0.0.1" not in repr(rows.dump(peopled))


@ON_ONE
def test_an_address_told_by_the_caller_counts_only_behind_a_proxy(peopled: CommandLine, browsers: Browsers) -> None:
    bare, behind = browsers(peopled), browsers(peopled, OS2TILSLUT_PROXIES="1")

    for nth in range(61):
        last = bare.client.get("/sign-in", headers={"X-Forwarded-For": f"10.0.0.{nth}"})
    known = behind.client.get("/sign-in", headers={"X-Forwarded-For": "10.0.0.1"})

    assert (last.status_code, known.status_code) == (429, 303)


# --- invitations


def invited(line: CommandLine, *options: str) -> str:
    """Invite somebody; give the link's path."""
    link = line.done("users", "invite", "En Ny", "ny@example.dk", *options).out.strip()
    return urlsplit(link).path


def test_a_link_makes_the_sign_in_that_follows_the_persons_own(peopled: CommandLine, browsers: Browsers) -> None:
    """Promise 15."""
    path, browser = invited(peopled, "--role", "auditor"), browsers(peopled)
    before = rows.dump(peopled, without=("sign_in_count",))

    looked = browser.client.get(path)
    signed_in_by_looking = rows.count(peopled, "user_identity") - len(before["user_identity"])
    taken = browser.post(path)
    answer = browser.sign_in("stranger", path="/sign-in?invited=1")

    assert (looked.status_code, taken.status_code, answer.status_code) == (200, 200, 303)
    assert "En Ny" in looked.text and signed_in_by_looking == 0
    assert browser.name == "En Ny"
    assert browsers(peopled).sign_in("stranger").status_code == 303
    assert "En Ny #11" in rows.column(peopled, "SELECT actor FROM audit_entry WHERE action = 'user.accepted'")
    peopled.done("verify")


@ON_ONE
def test_a_link_is_no_use_to_another_browser_or_twice_or_when_it_is_old(
    peopled: CommandLine, browsers: Browsers
) -> None:
    path, own, other = invited(peopled), browsers(peopled), browsers(peopled)
    own.post(path)

    by_another = [other.get(path), other.post(path), other.sign_in("stranger", path="/sign-in?invited=1")]
    old = browsers(peopled.at("2027-01-16T10:00:00Z")).get(path)
    own.sign_in("stranger", path="/sign-in?invited=1")
    another = invited(peopled)
    twice = [browsers(peopled).get(path), browsers(peopled).post(path, page=another), other.get("/invitation/x")]

    assert [answer.status_code for answer in by_another] == [200, 404, 403]
    assert [answer.status_code for answer in (old, *twice)] == [404] * 4
    assert own.name == "En Ny" and other.name == ""


@ON_ONE
def test_an_invitation_to_staff_is_not_used_up_by_a_weak_sign_in(peopled: CommandLine, browsers: Browsers) -> None:
    path, browser = invited(peopled, "--role", "finance"), browsers(peopled)
    browser.post(path)

    weak = browser.sign_in("stranger", "weak", "/sign-in?invited=1")
    strong = browser.sign_in("stranger", "strong", "/sign-in?invited=1")

    assert (weak.status_code, strong.status_code, browser.name) == (403, 303, "En Ny")


@ON_ONE
def test_an_identity_of_another_organisation_does_not_take_a_seat(peopled: CommandLine, browsers: Browsers) -> None:
    path, browser = invited(peopled, "--authority", "29189420"), browsers(peopled)
    peopled.done("users", "end", "Underskriver i Aarhus (opdigtet)")
    with peopled.session() as session:
        from sqlalchemy import text

        session.execute(text("DELETE FROM user_identity WHERE subject LIKE 'signatory%'"))
    browser.post(path)

    foreign = browser.sign_in("signatory-aarhus", path="/sign-in?invited=1")
    own = browser.sign_in("signatory-aalborg", path="/sign-in?invited=1")

    assert (foreign.status_code, own.status_code, browser.name) == (403, 303, "En Ny")


@ON_ONE
def test_a_private_identity_takes_no_seat_in_an_authority(peopled: CommandLine, browsers: Browsers) -> None:
    path, browser = invited(peopled, "--authority", "29189420"), browsers(peopled)
    browser.post(path)

    private = browser.sign_in("stranger", path="/sign-in?invited=1")

    assert (private.status_code, browser.name) == (403, "")
    assert "MitID Erhverv" in private.text


@ON_ONE
def test_an_identity_that_is_somebodys_takes_up_nobody_elses_invitation(
    peopled: CommandLine, browsers: Browsers
) -> None:
    path, browser = invited(peopled), browsers(peopled)
    browser.post(path)

    answer = browser.sign_in("finance", path="/sign-in?invited=1")

    assert (answer.status_code, browser.name) == (409, "")


@ON_ONE
def test_looking_for_links_is_limited(peopled: CommandLine, browsers: Browsers) -> None:
    browser = browsers(peopled)

    codes = [browser.client.get(f"/invitation/{nth}").status_code for nth in range(21)]

    assert codes == [404] * 20 + [429]


# --- the local provider is a real one


def at_the_provider(local: Local, **changes: str | None) -> requests.Response:
    """Ask the local provider for a code as the service would, but for what is changed."""
    asked = {
        "client_id": "os2tilslut-local", "response_type": "code", "scope": "openid profile", "state": "s",
        "redirect_uri": "http://localhost/sign-in/callback", "nonce": secrets.token_hex(),
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256",
    } | changes  # fmt: skip
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    address = f"http://127.0.0.1:{local.port}/authorize?{query}"
    return requests.post(address, data={"person": "finance"}, allow_redirects=False, timeout=10)


def token(local: Local, code: str, secret: str = "not a secret", **changes: str | None) -> requests.Response:
    """Change a code for tokens as the service would, but for what is changed."""
    given = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": "http://localhost/sign-in/callback",
        "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    } | changes  # fmt: skip
    data = {name: value for name, value in given.items() if value is not None}
    return requests.post(
        f"http://127.0.0.1:{local.port}/token", data=data, auth=("os2tilslut-local", secret), timeout=10
    )


def code(local: Local) -> str:
    """Get a code."""
    return asked_of(at_the_provider(local).headers["Location"])["code"]


def test_the_local_provider_gives_tokens_for_a_right_code_once(local: Local) -> None:
    got = code(local)

    first, second = token(local, got), token(local, got)

    assert (first.status_code, second.status_code) == (200, 400)
    assert first.json()["id_token"] and second.json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "x" * 43},
        {"code_verifier": None},
        {"redirect_uri": "http://localhost/elsewhere"},
        {"redirect_uri": None},
        {"code": "made-up"},
        {"grant_type": "client_credentials"},
        {"secret": "wrong"},
    ],
)
def test_the_local_provider_refuses_a_wrong_exchange(local: Local, changes: dict[str, Any]) -> None:
    got = code(local)

    answer = token(local, **({"code": got} | changes))

    assert answer.status_code in (400, 401)
    assert "id_token" not in answer.text


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": "http://localhost/sign-in/callback/.."},
        {"client_id": "another"},
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"nonce": None},
        {"response_type": "token"},
    ],
)
def test_the_local_provider_gives_no_code_for_a_wrong_question(local: Local, changes: dict[str, Any]) -> None:
    answer = at_the_provider(local, **changes)

    assert "code=" not in answer.headers.get("Location", "")
    assert "evil.example" not in answer.headers.get("Location", "")


def test_the_local_providers_code_lives_a_minute(local: Local) -> None:
    from datetime import timedelta

    got = code(local)
    local.now = NOW + timedelta(seconds=61)
    answer = token(local, got)
    local.now = NOW

    assert answer.status_code == 400


@ON_ONE
def test_who_only_looks_leaves_nothing_behind(peopled: CommandLine, browsers: Browsers) -> None:
    browser = browsers(peopled)
    before = rows.dump(peopled)

    answers = [browser.get(path) for path in ("/", "/authorities", "/nothing", "/static/style.css")]

    assert [answer.headers.get("Set-Cookie") for answer in answers] == [None] * 4
    assert rows.dump(peopled) == before


@ON_ONE
def test_a_language_chosen_before_signing_in_is_the_persons_own(peopled: CommandLine, browsers: Browsers) -> None:
    path, browser = invited(peopled), browsers(peopled)
    browser.client.post("/language", data={"language": "en", "next": "/"})

    browser.post(path)
    browser.sign_in("stranger", path="/sign-in?invited=1")

    assert 'lang="en"' in browser.get("/").text
    assert rows.column(peopled, "SELECT language FROM user_account WHERE name = 'En Ny'") == ["en"]
