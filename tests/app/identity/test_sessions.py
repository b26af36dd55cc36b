"""Sessions live on the server: renewed at sign-in, ended at sign-out, by change of roles and by their limits."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from app import database
from app.identity import sessions, users
from tests.app.identity.conftest import Browsers
from tests.command_line import CommandLine
from tests.scenarios import database as rows

#: What these tests look at does not depend on the kind of database.
ON_ONE = pytest.mark.parametrize("kind", ["sqlite"])


def test_signing_in_gives_a_new_cookie_of_which_only_the_hash_is_kept(peopled: CommandLine, browsers: Browsers) -> None:
    browser = browsers(peopled)
    browser.get("/sign-in")
    before = browser.cookie

    answer = browser.sign_in("finance")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert browser.name == "Økonomimedarbejder (opdigtet)"
    assert browser.cookie and browser.cookie != before
    assert rows.column(peopled, "SELECT id_sha256 FROM browser_session") == [users.hashed(browser.cookie)]
    assert browser.cookie not in repr(rows.dump(peopled))


def test_a_cookie_from_before_the_sign_in_is_worth_nothing(peopled: CommandLine, browsers: Browsers) -> None:
    """Promise 17: session fixation."""
    victim, attacker = browsers(peopled), browsers(peopled)
    victim.get("/sign-in")
    attacker.client.set_cookie("os2tilslut", victim.cookie)

    victim.sign_in("finance")

    assert (victim.name, attacker.name) == ("Økonomimedarbejder (opdigtet)", "")


def test_signing_out_ends_the_session_on_the_server(peopled: CommandLine, browsers: Browsers) -> None:
    browser, thief = browsers(peopled), browsers(peopled)
    browser.sign_in("finance")
    thief.client.set_cookie("os2tilslut", browser.cookie)
    known = thief.name

    answer = browser.post("/sign-out")

    assert answer.status_code == 200
    assert (known, browser.name, thief.name) == ("Økonomimedarbejder (opdigtet)", "", "")


@ON_ONE
def test_signing_out_without_the_forms_token_is_refused(peopled: CommandLine, browsers: Browsers) -> None:
    browser = browsers(peopled)
    browser.sign_in("finance")

    answer = browser.client.post("/sign-out")

    assert answer.status_code == 400
    assert browser.name == "Økonomimedarbejder (opdigtet)"


def test_a_change_of_roles_ends_the_persons_sessions_and_nobody_elses(peopled: CommandLine, browsers: Browsers) -> None:
    """Promise 14."""
    finance, auditor = browsers(peopled), browsers(peopled)
    finance.sign_in("finance")
    auditor.sign_in("auditor")

    peopled.done("users", "end-role", "Økonomimedarbejder (opdigtet)", "finance")

    assert (finance.name, auditor.name) == ("", "Revisor (opdigtet)")


def test_who_has_ended_is_nobody_at_the_next_request(peopled: CommandLine, browsers: Browsers) -> None:
    browser = browsers(peopled)
    browser.sign_in("auditor")

    peopled.done("users", "end", "Revisor (opdigtet)")

    assert browser.name == ""
    assert browser.sign_in("auditor").status_code == 403


def test_a_browser_not_seen_for_the_idle_limit_is_signed_out(peopled: CommandLine, browsers: Browsers) -> None:
    first = browsers(peopled)
    first.sign_in("finance")
    seen = []

    for moment in ("10:59:00", "11:58:00", "12:57:59", "13:58:00"):  # idle ends after an hour; 61 minutes at last
        later = browsers(peopled.at(f"2027-01-15T{moment}Z"))
        later.client.set_cookie("os2tilslut", first.cookie)
        seen.append(bool(later.name))

    assert seen == [True, True, True, False]


def test_a_session_ends_at_its_absolute_limit_however_busy(peopled: CommandLine, browsers: Browsers) -> None:
    line = peopled.with_environ(OS2TILSLUT_SESSION_HOURS="2", OS2TILSLUT_SESSION_IDLE_MINUTES="90")
    first = browsers(line)
    first.sign_in("finance")
    seen = []

    for moment in ("11:00:00", "11:59:59", "12:00:00"):
        later = browsers(line.at(f"2027-01-15T{moment}Z"))
        later.client.set_cookie("os2tilslut", first.cookie)
        seen.append(bool(later.name))

    assert seen == [True, True, False]


def test_a_request_costs_one_query_for_session_and_person_and_no_write_within_a_minute(
    peopled: CommandLine, browsers: Browsers
) -> None:
    browser = browsers(peopled)
    browser.sign_in("signatory-aarhus")
    browser.get("/")
    asked: list[str] = []
    with browser.app.app_context():
        event.listen(database.db.engine, "before_cursor_execute", lambda *about: asked.append(about[2]))

    browser.get("/sign-in")  # leads back, for somebody is signed in

    assert [sql.split()[0] for sql in asked if "browser_session" in sql] == ["SELECT"]
    assert not [sql for sql in asked if sql.split()[0] in ("INSERT", "UPDATE", "DELETE")]


def test_a_browser_is_noted_as_seen_once_a_minute(peopled: CommandLine, browsers: Browsers) -> None:
    first = browsers(peopled)
    first.sign_in("finance")
    noted = []

    for moment in ("10:00:59", "10:01:00", "10:01:30"):
        later = browsers(peopled.at(f"2027-01-15T{moment}Z"))
        later.client.set_cookie("os2tilslut", first.cookie)
        later.get("/sign-in")
        noted.append(str(rows.column(peopled, "SELECT seen_at FROM browser_session")[0])[11:19])

    assert noted == ["10:00:00", "10:01:00", "10:01:00"]


def test_looking_at_health_asks_and_leaves_nothing(peopled: CommandLine, browsers: Browsers) -> None:
    browser = browsers(peopled)
    browser.client.set_cookie("os2tilslut", "x" * 43)

    answers = [browser.get(path) for path in ("/healthz", "/readyz")]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.headers.get("Set-Cookie") for answer in answers] == [None, None]
    assert rows.count(peopled, "browser_session") == 0


@ON_ONE
@pytest.mark.parametrize("cookie", ["", "x", "x" * 43, "x" * 3_000, "' OR 1=1 --", "å" * 43])
def test_a_made_up_cookie_is_nobodys(peopled: CommandLine, browsers: Browsers, cookie: str) -> None:
    browser, known = browsers(peopled), browsers(peopled)
    known.sign_in("administrator")
    browser.client.set_cookie("os2tilslut", cookie)

    assert browser.name == ""


@ON_ONE
def test_the_cookie_is_held_to_this_host_by_tls_and_read_by_no_script(peopled: CommandLine, browsers: Browsers) -> None:
    """Promise 18."""
    plain = browsers(peopled)
    safe = browsers(peopled, OS2TILSLUT_BASE_URL="https://tilslut.example.dk")

    cookies = [browser.get("/sign-in").headers["Set-Cookie"] for browser in (plain, safe)]

    assert cookies[0].startswith("os2tilslut=") and "Secure" not in cookies[0]
    assert cookies[1].startswith("__Host-os2tilslut=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookies[1].split("; "))
    assert "Domain" not in cookies[1] and "HttpOnly" in cookies[0]


def test_what_is_over_is_cleaned_away_by_state(peopled: CommandLine, browsers: Browsers) -> None:
    stale, fresh = browsers(peopled), browsers(peopled.at("2027-01-16T10:00:00Z"))
    stale.sign_in("finance")
    fresh.get("/sign-in")

    with fresh.app.app_context(), database.writing() as session:
        from app import clock

        config = fresh.app.extensions["os2tilslut"]
        gone = sessions.clean(session, config, clock.now(config))

    assert gone == 1
    assert rows.column(peopled, "SELECT id_sha256 FROM browser_session") == [users.hashed(fresh.cookie)]
    assert rows.count(peopled, "sign_in_count") == 1


@ON_ONE
def test_no_backup_holds_a_session(peopled: CommandLine, browsers: Browsers) -> None:
    import gzip

    browsers(peopled).sign_in("finance")

    peopled.done("db", "backup", peopled.folder / "backup.gz")

    told = gzip.decompress((peopled.folder / "backup.gz").read_bytes()).decode()
    assert '"table":"user_account"' in told
    assert "browser_session" not in told and "sign_in_count" not in told
