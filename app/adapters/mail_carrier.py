"""Handing letters over: to a mail server, or into a folder where none is set. Both say how it went; neither raises.

Nothing of a letter but its number ever reaches a log.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from app.adapters import files
from app.config import Mail
from foundation.language import Text
from foundation.letters import Due, Outcome, Tried

_PORTS = {"smtp": 25, "starttls": 587, "smtps": 465}
_PERMANENT = 500


@dataclass(frozen=True, slots=True)
class Handed:
    """How handing over ended; `is_down` where the server itself cannot, whatever the letter.

    `broke_off` where it fell silent over this letter, or hung up: once may be the letter's fault, again and again not.
    """

    tried: Tried
    is_down: bool = False
    broke_off: bool = False


class Carrier(Protocol):
    """What takes letters."""

    def hand_over(self, letter: Due) -> Handed:
        """Hand one letter over, and say how it went."""


def of(mail: Mail) -> Carrier:
    """Give the carrier that is set: a server, else the folder."""
    return Server(mail.server, mail.timeout) if mail.server else Folder(mail.folder)


# --- a folder


@dataclass(frozen=True, slots=True)
class Folder:
    """Lays each letter down as one `.eml`, whole or not at all; the same letter again is the same file."""

    path: Path

    def hand_over(self, letter: Due) -> Handed:
        """Write the letter down."""
        file = self.path / f"{letter.id:08}.eml"
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            with files.whole(file, durable=True) as unfinished:
                unfinished.touch(mode=0o600)
                unfinished.write_bytes(letter.content)
        except OSError as error:
            return _put_off(
                letter, Text("mappen kan ikke skrives", "the folder cannot be written"), str(error), down=True
            )
        return Handed(Tried(letter.id, "sent", Text("lagt i mappen", "laid in the folder"), file.name))


# --- a server


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server by its address: scheme, name and password, host, port. Each letter has a connection of its own."""

    address: str
    timeout: float

    def hand_over(self, letter: Due) -> Handed:
        """Send the letter, within the time that one answer may take for each of the server's answers."""
        try:
            with self._connected() as server:
                return _sent(server, letter)
        except smtplib.SMTPAuthenticationError as error:
            return _put_off(letter, _NOT_LET_IN, _answer(error), down=True)
        except smtplib.SMTPResponseException as error:
            return _put_off(letter, _NOT_READY, _answer(error), down=True)
        except (smtplib.SMTPException, OSError, ValueError) as error:
            return _put_off(letter, _NO_CONTACT, type(error).__name__, down=True)

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        parts = urlsplit(self.address)
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        trusted = ssl.create_default_context()
        if parts.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=self.timeout, context=trusted)
        else:
            server = smtplib.SMTP(host, port, timeout=self.timeout)
        try:
            if parts.scheme == "starttls":
                server.starttls(context=trusted)
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            yield server
            with suppress(smtplib.SMTPException, OSError):  # what was taken is taken, however the goodbye ends
                server.quit()
        finally:
            server.close()


def _sent(server: smtplib.SMTP, letter: Due) -> Handed:
    """Send on an open connection; what the server says of this letter is about this letter alone."""
    server.ehlo_or_helo_if_needed()
    says: tuple[Callable[[], tuple[int, bytes]], ...] = (
        lambda: server.mail(letter.sender),
        lambda: server.rcpt(letter.to),
        lambda: server.data(letter.content),
    )
    try:
        for say in says:
            code, answer = say()
            if code not in (250, 251):
                return _refused(letter, code, answer)
    except smtplib.SMTPDataError as error:
        return _refused(letter, error.smtp_code, error.smtp_error)
    except (smtplib.SMTPServerDisconnected, OSError) as error:
        server.close()  # no goodbye to who does not answer
        # It may have been taken; then it arrives twice, and the Message-ID shows it.
        return replace(_put_off(letter, _BROKEN_OFF, type(error).__name__), broke_off=True)
    return Handed(Tried(letter.id, "sent", Text("modtaget af mailserveren", "taken by the mail server"), _told(answer)))


def _refused(letter: Due, code: int, answer: bytes | str) -> Handed:
    outcome: Outcome = "failed" if code >= _PERMANENT else "deferred"
    reason = _NOT_NOW if outcome == "deferred" else _NEVER
    return Handed(Tried(letter.id, outcome, reason, f"{code} {_told(answer)}"))


def _put_off(letter: Due, reason: Text, answer: str, *, down: bool = False) -> Handed:
    return Handed(Tried(letter.id, "deferred", reason, answer), is_down=down)


def _answer(error: smtplib.SMTPResponseException) -> str:
    return f"{error.smtp_code} {_told(error.smtp_error)}"


def _told(answer: bytes | str) -> str:
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer


_NOT_LET_IN = Text("mailserveren afviste vores login", "the mail server refused our sign-in")
_NOT_READY = Text("mailserveren er ikke klar", "the mail server is not ready")
_NO_CONTACT = Text("mailserveren kan ikke nås", "the mail server cannot be reached")
_BROKEN_OFF = Text("forbindelsen til mailserveren blev brudt", "the connection to the mail server broke off")
_NOT_NOW = Text("mailserveren bad om at vente", "the mail server asked to wait")
_NEVER = Text("mailserveren afviste brevet", "the mail server refused the letter")
