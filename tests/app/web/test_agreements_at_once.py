"""One person confirms in several browsers at the same time, on both kinds of database: one signature comes of it."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Barrier

from flask import Flask

from agreements import offered
from agreements.steps import Stand, Step
from tests import world
from tests.app.identity.conftest import Browser, people
from tests.app.identity.provider import Local, served
from tests.command_line import CommandLine

MINE, WHO = "A-2027-00003", "signatory-aalborg"  # as `world.WAYS` has them
NAME, TITLE = "Underskriver i Aalborg (opdigtet)", "Direktør"
BROWSERS = 5


@dataclass
class Ready:
    """A browser whose confirmation only has to be sent."""

    browser: Browser
    form: dict[str, str]

    def send(self, gate: Barrier) -> int:
        """Send it together with the others; give the status."""
        gate.wait()
        return self.browser.client.post(f"/agreements/{MINE}/sign/confirm", data=self.form).status_code


def ready(app: Flask, digest: str) -> Ready:
    """Sign in anew, read, accept and fill the second form in."""
    browser = Browser(app, app.test_client())
    browser.sign_in(WHO)
    path = f"/agreements/{MINE}"
    accepted = browser.post(f"{path}/sign/accept", f"{path}/sign", digest=digest, read="on")
    page = browser.get(f"{path}/sign/confirm").text
    words, token = (re.search(rf'name="{name}" value="([^"]*)"', page) for name in ("words", "csrf_token"))
    assert accepted.status_code == 303 and words is not None and token is not None
    given = {"digest": digest, "consent": "on", "name": NAME, "title": TITLE}
    return Ready(browser, given | {"words": words[1], "csrf_token": token[1]})


def test_confirmations_at_the_same_time_give_one_signature(empty: CommandLine) -> None:
    provider = Local()
    with ExitStack() as running:
        running.enter_context(served(provider.make))
        line = empty.with_environ(OS2TILSLUT_ENV="demo", **provider.environ)
        world.fill(line)
        people(line)
        world.agree(line)
        app = running.enter_context(world.made(line))
        with line.session() as session:
            digest = offered.newest(session, MINE).digest
        waiting, gate = [ready(app, digest) for _ in range(BROWSERS)], Barrier(BROWSERS)
        with ThreadPoolExecutor(BROWSERS) as threads:
            answers = sorted(threads.map(lambda each: each.send(gate), waiting))

        with line.session() as session:
            found = offered.newest(session, MINE)

    assert answers == [303] + [409] * (BROWSERS - 1)
    assert [each.step for each in found.steps].count(Step.SIGNED) == 1
    assert [each.step for each in found.steps].count(Step.ACCEPTED) == 1
    assert found.stand is Stand.SIGNED
    empty.done("verify")
