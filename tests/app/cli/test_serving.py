"""Serving: the application and the local provider are two processes that begin and end together."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest
import requests

from foundation import letters
from foundation.audit import Trail
from foundation.letters import Letter, Sender
from tests.app.test_config import production
from tests.command_line import CommandLine
from tests.scenarios import database
from tests.serving import PATIENCE, free_port, serving, until

#: What these tests look at does not depend on the kind of database.
pytestmark = pytest.mark.parametrize("kind", ["sqlite"])


def test_serving_gives_a_workplace_one_can_sign_in_to_and_leaves_nothing_running(starter: CommandLine) -> None:
    port, provider = free_port(), free_port()

    with serving(starter, port, provider) as running, requests.Session() as browser:
        until(True, port, provider)
        asked = browser.get(f"http://127.0.0.1:{port}/sign-in", allow_redirects=False, timeout=10)
        chosen = browser.get(asked.headers["Location"], timeout=10)
        signed = browser.post(asked.headers["Location"], data={"person": "approver"}, timeout=10)
        running.send_signal(signal.SIGTERM)
        running.wait(PATIENCE)

    assert "Godkender (opdigtet)" in chosen.text and "approver-2" in chosen.text
    assert signed.url == f"http://127.0.0.1:{port}/" and "Godkender (opdigtet)" in signed.text
    assert re.search(r"Opdigtet login", (starter.folder / "serve.log").read_text("utf-8"))
    until(False, port, provider)


def test_who_stops_it_while_its_workers_still_load_waits_for_nobody(starter: CommandLine) -> None:
    port, provider = free_port(), free_port()

    with serving(starter, port, provider) as running:
        until(True, port)  # it listens before its workers have loaded what answers
        running.send_signal(signal.SIGTERM)

        assert running.wait(PATIENCE) == 0
    until(False, port, provider)


def test_workers_and_provider_end_when_serve_is_killed(starter: CommandLine) -> None:
    port, provider = free_port(), free_port()

    with serving(starter, port, provider) as running:
        until(True, port, provider)
        os.kill(running.pid, signal.SIGKILL)  # and not its workers, which hold whatever it had open

        until(False, port, provider)


def test_a_provider_port_that_somebody_has_is_refused(starter: CommandLine) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        result = starter.run("serve", "--provider-port", taken.getsockname()[1])

    assert result.code == 3
    assert "--provider-port" in result.err


def test_the_provider_refuses_to_run_in_production(empty: CommandLine) -> None:
    words = [sys.executable, "-m", "app.adapters.local_provider", "--port", str(free_port())]

    words += ["--starter", str(os.getpid()), "--redirect", "x"]

    ended = subprocess.run(words, env=production(empty).environment, capture_output=True, timeout=60, check=False)

    assert ended.returncode == 1
    assert b"demonstration" in ended.stderr


def test_the_demonstrations_people_are_made_once_and_known_to_a_provider_on_another_port(starter: CommandLine) -> None:
    from app import config, create_app
    from app import database as house
    from app.identity import demonstration
    from foundation.audit import Trail
    from tests.app.identity.provider import NOW

    made = []
    app = create_app(config.read(starter.environment))
    for issuer in ("http://127.0.0.1:8001", "http://127.0.0.1:8001", "http://127.0.0.1:9001"):
        with app.app_context(), house.writing() as session:
            trail = Trail(session, "kommandolinjen", NOW)
            made.append(demonstration.make(session, trail, issuer))
            trail.write()
    with app.app_context():
        house.db.engine.dispose()

    assert made == [len(demonstration.PEOPLE), 0, 0]
    assert database.count(starter, "user_account") == len(demonstration.PEOPLE)
    assert database.count(starter, "user_identity") == 2 * len(demonstration.PEOPLE)
    people = starter.json("users", "list")
    assert {role for person in people for role in person["roles"]} == {
        "administrator", "finance", "approver", "auditor", "signatory", "coordination",
    }  # fmt: skip
    starter.done("verify")


def test_serving_does_what_comes_by_itself_too(starter: CommandLine) -> None:
    with starter.session() as session:
        trail = Trail(session, "tjenesten", database.AT)
        wanted = Letter("offered", "A-1", "en@example.org", "Tilbud", "Se.")
        letters.write(session, [wanted], trail, sender=Sender("OS2", "os2@example.org"))
        trail.write()
    port, provider = free_port(), free_port()

    with serving(starter, port, provider, "--work", "1"):
        until(True, port, provider)
        last = time.monotonic() + PATIENCE
        while not (starter.folder / "mail" / "00000001.eml").exists() and time.monotonic() < last:
            time.sleep(0.1)

    assert (starter.folder / "mail" / "00000001.eml").exists()
    until(False, port, provider)
