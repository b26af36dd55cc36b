"""Handing letters over: whatever the server does, it is told in words, and nothing is taken for sent that was not."""

from __future__ import annotations

import socket
import stat
import time
from pathlib import Path

import pytest

from app.adapters.mail_carrier import Carrier, Folder, Handed, Server
from foundation.letters import Due
from tests.mail_server import DELAY, mail_server
from tests.serving import free_port

CONTENT = b"From: os2@example.org\r\nTo: en@example.org\r\nMessage-ID: <1.a@b.dk>\r\n\r\nSe.\r\n.\r\n..punktum\r\n"


def due(who: str = "en") -> Due:
    """A letter to somebody."""
    return Due(1, "os2@example.org", f"{who}@example.org", "<1.a@example.org>", CONTENT, "agreement")


def told(carrier: Carrier, who: str = "en") -> Handed:
    """Hand a letter over."""
    return carrier.hand_over(due(who))


def test_a_letter_arrives_byte_for_byte_also_lines_that_begin_with_a_dot() -> None:
    with mail_server() as server:
        handed = told(Server(server.url, 5))

    assert (handed.tried.outcome, handed.tried.answer, handed.is_down) == ("sent", "taken", False)
    assert [(each.to, each.content) for each in server.taken] == [(["en@example.org"], CONTENT)]


@pytest.mark.parametrize(
    ("said", "outcome", "answer"),
    [
        ("550 5.1.1 ukendt", "failed", "550 5.1.1 ukendt"),
        ("450 4.2.0 kom igen", "deferred", "450 4.2.0 kom igen"),
        ("data 554 5.7.1 nej", "failed", "554 5.7.1 nej"),
        ("data 451 4.3.0 senere", "deferred", "451 4.3.0 senere"),
        ("delay", "sent", "taken"),
        ("drop", "deferred", "SMTPServerDisconnected"),
        ("hang", "deferred", "SMTPServerDisconnected"),
    ],
)
def test_what_the_server_says_of_one_letter_decides_for_that_letter(said: str, outcome: str, answer: str) -> None:
    with mail_server(en=said) as server:
        handed, other = told(Server(server.url, 3 * DELAY)), told(Server(server.url, 3 * DELAY), "anden")

    assert (handed.tried.outcome, handed.tried.answer, handed.is_down) == (outcome, answer, False)
    assert handed.broke_off == (answer == "SMTPServerDisconnected")
    assert handed.tried.reason.da and handed.tried.reason.en
    assert other.tried.outcome == "sent"


def test_a_server_that_is_not_there_or_never_speaks_is_down_and_soon_left() -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        began = time.monotonic()

        handed = [told(Server(f"smtp://127.0.0.1:{port}", 0.5)) for port in (free_port(), mute.getsockname()[1])]

    assert [(each.tried.outcome, each.is_down) for each in handed] == [("deferred", True)] * 2
    assert time.monotonic() - began < 5


def test_a_server_without_encryption_gets_no_letter_where_it_was_asked_for() -> None:
    with mail_server() as server:
        handed = told(Server(server.url.replace("smtp://", "starttls://navn:hemmelig@"), 5))

    assert (handed.tried.outcome, handed.is_down, server.taken) == ("deferred", True, [])
    assert "hemmelig" not in repr(handed.tried)


def test_without_a_server_a_letter_is_a_file_that_only_we_can_read_and_twice_is_once(tmp_path: Path) -> None:
    folder = tmp_path / "mail"

    outcomes = [told(Folder(folder)).tried.outcome for _ in range(2)]

    (file,) = folder.iterdir()
    assert (outcomes, file.name, file.read_bytes()) == (["sent", "sent"], "00000001.eml", CONTENT)
    assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(folder.stat().st_mode)) == (0o600, 0o700)


def test_a_folder_that_cannot_be_written_puts_the_letter_off(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("en fil")

    handed = told(Folder(tmp_path / "mail"))

    assert (handed.tried.outcome, handed.is_down) == ("deferred", True)
