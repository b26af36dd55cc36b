"""Sending letters: at least once, the same bytes when twice, and nobody waits for a server that hangs."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from app import config, create_ground, database, mailing, rounds
from app.adapters.mail_carrier import Handed
from app.annual_work import InNameOf
from foundation import letters
from foundation.language import Text
from foundation.letters import Due, Letter, Tried
from tests.command_line import CommandLine
from tests.mail_server import MailServer, mail_server


@dataclass
class Post:
    """Letters on a database, and the work of sending them."""

    line: CommandLine
    work: InNameOf

    def write(self, *names: str) -> list[int]:
        """Write letters to some people."""
        wanted = [Letter("offer", f"A-{name}", f"{name}@example.org", "Tilbud", "Se.") for name in names]
        with self.work.writing() as (session, trail):
            return letters.write(session, wanted, trail, sender=self.work.config.mail.sender)

    def by(self, server: MailServer, **mail: Any) -> InNameOf:
        """The same work with a server."""
        settings = self.work.config
        return replace(self.work, config=replace(settings, mail=replace(settings.mail, server=server.url, **mail)))

    def later(self, work: InNameOf, **time_: int) -> InNameOf:
        """The same work at another time."""
        assert work.config.clock is not None
        return replace(work, config=replace(work.config, clock=work.config.clock + timedelta(**time_)))

    def states(self) -> list[tuple[str, int]]:
        """How each letter stands, and how often it was tried."""
        with self.work.reading() as session:
            return [(row.state, row.tries) for row in session.execute(letters.listing().order_by(letters.LETTERS.c.id))]


@pytest.fixture
def post(empty: CommandLine) -> Iterator[Post]:
    """An empty database."""
    settings = config.read(empty.environment)
    with create_ground(settings).app_context():
        yield Post(empty, InNameOf(settings, "tjenesten"))
        database.db.engine.dispose()


def test_each_letter_goes_once_and_what_became_of_it_is_noted(post: Post) -> None:
    post.write("en", "anden", "tredje")

    with mail_server(anden="550 ukendt", tredje="450 vent") as server:
        work = post.by(server)
        first, again = mailing.send_due(work), mailing.send_due(work)
        server.script.clear()
        later = mailing.send_due(post.later(work, minutes=1))

    assert first.outcomes == {"sent": 1, "failed": 1, "deferred": 1}
    assert (again.outcomes, later.outcomes) == ({}, {"sent": 1})
    assert [each.to for each in server.taken] == [["en@example.org"], ["tredje@example.org"]]
    assert post.states() == [("sent", 1), ("failed", 1), ("sent", 2)]
    post.line.done("verify")


def test_a_dropped_line_after_the_message_gives_a_duplicate_with_the_same_bytes_and_message_id(post: Post) -> None:
    post.write("en")

    with mail_server(en="drop") as server:
        work = post.by(server)
        mailing.send_due(work)
        server.script.clear()
        mailing.send_due(post.later(work, minutes=1))

    one, other = server.taken
    assert one.content == other.content
    assert one.message["Message-ID"]
    assert post.states() == [("sent", 2)]


def test_a_hanging_server_holds_no_lock_and_the_letters_behind_go_on(post: Post) -> None:
    post.write("en", "anden")

    with mail_server(en="hang") as server:
        work = post.by(server, timeout=3)
        sending = threading.Thread(target=_sent_in_a_thread, args=(work,))
        sending.start()
        time.sleep(1)
        began = time.monotonic()
        post.write("tredje")  # a writer meanwhile
        waited = time.monotonic() - began
        sending.join()

    assert waited < 1.5
    assert post.states() == [("deferred", 1), ("sent", 1), ("sent", 1)]


def _sent_in_a_thread(work: InNameOf) -> None:
    with create_ground(work.config).app_context():
        mailing.send_due(work)
        database.db.engine.dispose()


def test_a_server_that_is_down_is_left_after_three_letters(post: Post) -> None:
    post.write(*"abcde")

    class Down:
        def hand_over(self, letter: Due) -> Handed:
            return Handed(Tried(letter.id, "deferred", Text("nede", "down")), is_down=True)

    done = mailing.send_due(post.work, Down())

    assert (done.is_down, done.outcomes) == (True, {"deferred": 3})
    assert post.states() == [("deferred", 1)] * 3 + [("waiting", 0)] * 2


def test_a_server_that_hangs_again_and_again_is_left_and_the_other_work_of_the_round_is_done(post: Post) -> None:
    names = "abcde"
    post.write(*names)

    with mail_server(**dict.fromkeys(names, "hang")) as server:
        work = post.by(server, timeout=1)
        began = time.monotonic()
        letters_, after = rounds.one(work, [rounds.STEPS[-1], rounds.STEPS[0]])
        lasted = time.monotonic() - began
        server.script.clear()
        mailing.send_due(work)

    assert lasted < 5
    assert (letters_.came.told.en, letters_.came.is_whole) == ("0 sent, 3 put off, 0 could not be sent", False)
    assert (after.step.name, after.came.is_whole) == ("expire", True)
    assert post.states() == [("deferred", 1)] * 3 + [("sent", 1)] * 2


@dataclass
class Slow:
    """A carrier that takes each letter, after so many seconds of a clock that only it moves."""

    seconds: float
    now: float = 0.0

    def hand_over(self, letter: Due) -> Handed:
        """Take the letter."""
        self.now += self.seconds
        return Handed(Tried(letter.id, "sent"))

    def tick(self) -> float:
        """Read the clock."""
        return self.now


def test_a_slow_server_has_its_time_in_each_round_and_no_letter_is_lost(post: Post) -> None:
    post.write(*"abcde")
    slow, sent = Slow(mailing.BUDGET / 2), []

    for _ in range(4):
        began = slow.now
        done = mailing.send_due(post.work, slow, tick=slow.tick)
        sent.append((done.outcomes["sent"], done.is_late, done.is_down))
        assert slow.now - began <= mailing.BUDGET

    assert sent == [(2, True, False), (2, True, False), (1, False, False), (0, False, False)]
    assert post.states() == [("sent", 1)] * 5


def test_who_finds_somebody_sending_leaves_it_to_them(post: Post) -> None:
    post.write("en")
    met = []

    class Slow:
        def hand_over(self, letter: Due) -> Handed:
            met.append(mailing.send_due(post.work).outcomes)
            return Handed(Tried(letter.id, "sent"))

    mailing.send_due(post.work, Slow())

    assert met == [{}]
    assert post.states() == [("sent", 1)]


_KILLED = """
import os, signal
from app import config, create_ground, mailing
from app.adapters.mail_carrier import Server
from app.annual_work import InNameOf

class Killed(Server):
    def hand_over(self, letter):
        handed = super().hand_over(letter)
        os.kill(os.getpid(), signal.SIGKILL)
        return handed

settings = config.read()
with create_ground(settings).app_context():
    mailing.send_due(InNameOf(settings, "tjenesten"), Killed(settings.mail.server, 5))
"""


def test_promise_19_a_worker_killed_between_the_server_and_the_note_loses_no_letter(post: Post) -> None:
    post.write("en", "anden")

    with mail_server() as server:
        environ = post.line.with_environ(OS2TILSLUT_SMTP_URL=server.url).environment
        killed = subprocess.run([sys.executable, "-c", _KILLED], env=environ, timeout=60, check=False)
        assert post.states() == [("waiting", 0)] * 2
        mailing.send_due(post.by(server))

    assert killed.returncode == -signal.SIGKILL
    assert [each.to for each in server.taken] == [["en@example.org"], ["en@example.org"], ["anden@example.org"]]
    assert server.taken[0].content == server.taken[1].content
    assert post.states() == [("sent", 1)] * 2
