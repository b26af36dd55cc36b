"""What comes by itself: each step tells what it did, and one that fails holds no other up; letters are sent again."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import replace
from email import message_from_bytes, policy

import pytest

from app import rounds
from app.rounds import Came
from foundation import letters
from foundation.audit import Trail
from foundation.errors import NotNow
from foundation.language import Text
from foundation.letters import Letter, Sender
from tests.agreements.signed import AT
from tests.command_line import CommandLine
from tests.mail_server import mail_server


def write(line: CommandLine, *names: str) -> None:
    """Write letters to some people."""
    with line.session() as session:
        trail = Trail(session, "tjenesten", AT)
        wanted = [Letter("offered", f"A-{name} v1/2", f"{name}@example.org", "Tilbud", "Se.") for name in names]
        letters.write(session, wanted, trail, sender=Sender("OS2", "os2@example.org"))
        trail.write()


def test_a_round_without_work_says_so_and_writes_nothing(starter: CommandLine) -> None:
    before = starter.json("verify")["head"]

    told = starter.done("work").out

    assert told.count("intet at gøre") == len(rounds.STEPS)
    assert starter.json("verify")["head"] == before


def test_letters_without_a_server_are_laid_in_the_folder(starter: CommandLine) -> None:
    write(starter, "en", "anden")

    assert "Breve: 2 sendt" in starter.done("work").out
    assert starter.run("work").out.endswith("Breve: intet at gøre\n")

    files = sorted((starter.folder / "mail").glob("*.eml"))
    read = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
    assert [each["To"] for each in read] == ["en@example.org", "anden@example.org"]


def test_a_step_that_fails_is_told_with_exit_3_and_the_others_go_on(
    starter: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(surroundings: object) -> Came:
        raise NotNow(Text("det gik ikke", "it did not"))

    def fall(surroundings: object) -> Came:
        raise ZeroDivisionError

    broken = [replace(step, do=how) for step, how in zip(rounds.STEPS[:2], (refuse, fall), strict=True)]
    monkeypatch.setattr(rounds.one, "__defaults__", ((*broken, *rounds.STEPS[2:]),))
    write(starter, "en")

    result = starter.run("work")

    assert result.code == 3
    assert "Tilbud, der udløber: det gik ikke" in result.err and "Påmindelser: fejl: ZeroDivisionError" in result.err
    assert "Breve: 1 sendt" in result.out


def test_letters_are_listed_by_how_they_went_and_one_that_failed_is_sent_again(starter: CommandLine) -> None:
    write(starter, "en", "anden")
    with mail_server(anden="550 ukendt") as server:
        line = starter.with_environ(OS2TILSLUT_SMTP_URL=server.url)
        assert line.run("work").code == 3
        (failed,) = line.json("letters", "list", "--state", "failed")["letters"]
        words = ("--to", "tredje@example.org", "--reason", "ny adresse", "--by", "En Sekretær")
        line.done("letters", "resend", failed["letter"], *words)
        line.done("work")

    assert (failed["to"], failed["answer"], failed["tries"]) == ("anden@example.org", "550 ukendt", 1)
    assert [each.to for each in server.taken] == [["en@example.org"], ["tredje@example.org"]]
    told = starter.json("letters", "list", "--about", "A-anden v1")["letters"]
    assert [(each["state"], each["resent_as"], each["replaces"]) for each in told] == [
        ("failed", 3, None),
        ("sent", None, 2),
    ]
    assert "kunne ikke sendes" in starter.done("letters", "list").out
    starter.done("verify")


@pytest.mark.parametrize(
    ("number", "to"), [("99", "en@example.org"), ("1", "a@b.dk, c@d.dk"), ("1", "a@b.dk\nBcc: c@d.dk")]
)
def test_sending_again_what_is_not_there_or_to_no_address_is_refused(
    starter: CommandLine, number: str, to: str
) -> None:
    write(starter, "en")

    result = starter.run("letters", "resend", number, "--to", to, "--reason", "x", "--by", "En Sekretær")

    assert result.code == 1
    assert len(starter.json("letters", "list")["letters"]) == 1


@pytest.mark.parametrize(
    "variables",
    [{"OS2TILSLUT_SMTP_URL": "http://x"}, {"OS2TILSLUT_SMTP_URL": "smtp://"}, {"OS2TILSLUT_SMTP_URL": "smtp://a:b"},
     {"OS2TILSLUT_MAIL_FROM": "OS2"}, {"OS2TILSLUT_MAIL_FROM": "OS2 <a@b.dk, c@d.dk>"},
     {"OS2TILSLUT_MAIL_FROM": "OS2\r\nBcc: x <a@b.dk>"}, {"OS2TILSLUT_SMTP_SECONDS": "0"}],
)  # fmt: skip
def test_settings_of_mail_that_cannot_be_are_refused_by_name(starter: CommandLine, variables: dict[str, str]) -> None:
    result = starter.with_environ(**variables).run("work")

    assert result.code == 1
    assert next(iter(variables)) in result.err


@pytest.mark.parametrize("kind", ["sqlite"])
def test_work_goes_on_until_it_is_stopped(starter: CommandLine) -> None:
    words = [sys.executable, "-c", "from app.cli import main; main()", "work", "--every", "1"]
    with subprocess.Popen(words, env=starter.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        try:
            write(starter, "en")
            until = time.monotonic() + 30
            while not list((starter.folder / "mail").glob("*.eml")) and time.monotonic() < until:
                time.sleep(0.1)
            write(starter, "anden")
            while len(list((starter.folder / "mail").glob("*.eml"))) < 2 and time.monotonic() < until:
                time.sleep(0.1)
        finally:
            run.send_signal(signal.SIGTERM)
            code = run.wait(20)

    assert len(list((starter.folder / "mail").glob("*.eml"))) == 2
    assert code == 3
