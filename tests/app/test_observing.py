"""What the service tells of its requests: enough to find a fault, and nothing of who or what."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest
import structlog
from flask import Flask

from app import config, create_app, observing
from app.access import Principal, Role
from tests.command_line import CommandLine

TOKEN = "t" * 32
PRODUCTION = {
    "OS2TILSLUT_ENV": "production", "OS2TILSLUT_SECRET_KEY": "k" * 32, "OS2TILSLUT_BASE_URL": "https://os2.example.dk",
    "OS2TILSLUT_TRUSTED_HOSTS": "os2.example.dk", "OS2TILSLUT_OIDC_ISSUER": "https://login.example.dk",
    "OS2TILSLUT_OIDC_CLIENT_ID": "id", "OS2TILSLUT_OIDC_CLIENT_SECRET": "secret", "OS2TILSLUT_OIDC_STRONG_ACR": "high",
    "OS2TILSLUT_METRICS_TOKEN": TOKEN,
}  # fmt: skip


@pytest.fixture
def log() -> io.StringIO:
    """What is logged."""
    return io.StringIO()


@pytest.fixture
def production(empty: CommandLine, log: io.StringIO) -> Iterator[Flask]:
    """The application as production sets it up, with its log."""
    settings = config.read(
        PRODUCTION | {"OS2TILSLUT_DATA_DIR": str(empty.folder), "OS2TILSLUT_DATABASE_URL": empty.url}
    )
    observing.configure(settings, log)
    app = create_app(settings)
    app.extensions["principal_loader"] = lambda: Principal(7, "Et Navn", frozenset({Role.FINANCE}), via="browser")
    yield app
    structlog.reset_defaults()
    logging.getLogger("os2tilslut").handlers = []
    logging.getLogger("os2tilslut").propagate = True


def logged(log: io.StringIO) -> list[dict[str, object]]:
    """Read the lines that were logged."""
    return [json.loads(line) for line in log.getvalue().splitlines() if line.startswith("{")]


def test_a_request_is_one_line_of_json_without_names_tokens_or_values(production: Flask, log: io.StringIO) -> None:
    client = production.test_client()

    for path in ("/healthz?cpr=0101011234", "/invitation/verysecrettoken", "/nowhere/verysecrettoken", "/settings"):
        client.get(path, base_url="https://os2.example.dk", headers={"Authorization": "Bearer verysecrettoken"})

    text = log.getvalue()
    requests = [
        entry
        for line in text.splitlines()
        if line.startswith("{") and (entry := json.loads(line))["event"] == "request"
    ]
    assert [entry["path"] for entry in requests] == ["/healthz", "/invitation/<token>", "unknown", "/settings"]
    assert requests[-1]["user"] == 7
    assert len({entry["request_id"] for entry in requests}) == 4
    assert {"method", "status", "ms", "timestamp", "level"} <= set(requests[0])
    assert not [secret for secret in ("verysecret", "0101011234", "Et Navn") if secret in text]


def test_a_fault_is_logged_with_its_trace_and_no_variables(production: Flask, log: io.StringIO) -> None:
    def fail() -> Principal:
        password = "verysecret"
        raise ZeroDivisionError(len(password))

    production.extensions["principal_loader"] = fail

    production.test_client().get("/settings", base_url="https://os2.example.dk")

    faults = [entry for entry in logged(log) if entry["event"] == "fault"]
    assert "ZeroDivisionError" in str(faults[0]["exception"])
    assert "verysecret" not in str(faults[0]).replace('password = "verysecret"', "")


def test_figures_are_for_the_machine_itself_or_who_has_the_token(production: Flask) -> None:
    client, base = production.test_client(), "https://os2.example.dk"
    ways: list[dict[str, object]] = [
        {},
        {"headers": {"X-Forwarded-For": "192.0.2.1"}},
        {"environ_base": {"REMOTE_ADDR": "192.0.2.1"}},
        {"environ_base": {"REMOTE_ADDR": "192.0.2.1"}, "headers": {"Authorization": f"Bearer {TOKEN}"}},
        {"environ_base": {"REMOTE_ADDR": "192.0.2.1"}, "headers": {"Authorization": "Bearer x"}},
        {"environ_base": {"REMOTE_ADDR": "192.0.2.1"}, "headers": {"Authorization": "Bearer "}},
    ]

    codes = [client.get("/metrics", base_url=base, **way).status_code for way in ways]

    assert codes == [200, 404, 404, 200, 404, 404]


def test_figures_name_patterns_and_never_what_was_asked_for(production: Flask) -> None:
    client, base = production.test_client(), "https://os2.example.dk"
    for path in ("/invitation/verysecrettoken", "/nowhere/verysecrettoken", "/healthz"):
        client.get(path, base_url=base)

    text = client.get("/metrics", base_url=base).text

    assert 'route="/healthz"' in text
    assert 'route="unknown"' in text
    assert "verysecret" not in text


def test_every_answer_of_production_carries_what_keeps_a_browser_safe(production: Flask) -> None:
    client, base = production.test_client(), "https://os2.example.dk"
    paths = sorted({rule.rule for rule in production.url_map.iter_rules() if not rule.arguments} | {"/nowhere"})

    for path in paths:
        headers = client.get(path, base_url=base).headers
        policy = headers["Content-Security-Policy"]

        assert "unsafe" not in policy, path
        assert "frame-ancestors 'none'" in policy, path
        assert headers["Strict-Transport-Security"].startswith("max-age=63072000"), path
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["Cache-Control"] == "no-store", path


def test_a_request_that_is_too_large_or_for_another_host_is_refused(production: Flask) -> None:
    client = production.test_client()

    large = client.post("/settings/propose", base_url="https://os2.example.dk", data={"text": "x" * (17 * 1024 * 1024)})
    foreign = client.get("/", base_url="https://evil.example.dk")

    assert large.status_code == 413
    assert foreign.status_code == 400


def test_threads_that_answer_the_first_requests_at_once_make_what_counts_once() -> None:
    words = (
        "import sys; sys.setswitchinterval(1e-6)\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from threading import Barrier\n"
        "from app import observing\n"
        "all_here = Barrier(8)\n"
        "def first(_): all_here.wait(); return observing._instruments()\n"
        "with ThreadPoolExecutor(8) as threads: made = list(threads.map(first, range(8)))\n"
        "assert len({id(one) for one in made}) == 1\n"
    )

    ended = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, timeout=60, check=False)

    assert ended.returncode == 0, ended.stderr
