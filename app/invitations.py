"""The letter of an invitation: its link goes to the invited person alone, and whoever invites never sees it.

The letter that is kept holds the link encrypted with the service's secret, and the link is put in as the letter is
handed over: whoever reads the database, a backup or the pages finds no link that opens anything. Without a mail
server, development and demonstration show the link instead, for there is nobody else to carry it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from email.parser import BytesParser

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy.orm import Session

from app.agreement_letters import base_url
from app.config import Config
from app.identity.models import UserAccount
from foundation import letters
from foundation.audit import Trail, sha256
from foundation.errors import NotNow, Refused
from foundation.language import Text
from foundation.letters import Due, Letter

#: What such a letter is called; it is not sent again, for that would carry the link to somebody else.
KIND = "invitation"

_LINK = re.compile(r"(/invitation/)sealed\.([\w=-]+)")


class CannotOpen(NotNow):
    """A letter was written under another secret of the service: its link cannot be put in any more."""

    def __init__(self) -> None:
        super().__init__(
            Text(
                "linket er skrevet under en anden hemmelighed (OS2TILSLUT_SECRET_KEY): lav et nyt link til brugeren",
                "the link was written under another secret (OS2TILSLUT_SECRET_KEY): make a new link for the user",
            )
        )


class NotAgain(Refused):
    """An invitation is not sent again."""

    def __init__(self) -> None:
        super().__init__(
            Text(
                "en invitation sendes ikke igen: lav et nyt link til brugeren",
                "an invitation is not sent again: make a new link for the user",
            )
        )


def is_mailed(config: Config) -> bool:
    """Tell whether links go by mail here."""
    return config.is_production or bool(config.mail.server)


def refuse_again(session: Session, letter_id: int) -> None:
    """Refuse to send a letter again whose link makes its receiver somebody here. Raises NotAgain, NoSuchLetter."""
    if letters.get(session, letter_id).kind == KIND:
        raise NotAgain


def write(session: Session, user: UserAccount, token: str, trail: Trail, config: Config) -> None:
    """Write the letter with somebody's link, sealed. Needs the writer's lock; the caller commits."""
    sealed = _cipher(config).encrypt_at_time(token.encode(), int(trail.at.timestamp())).decode()
    hours = int(config.invitation_valid.total_seconds() // 3600)
    body = (
        f"Kære {user.name}\n\n"
        "Du er inviteret som bruger af OS2's tilslutningsaftaler. "
        "Åbn linket, og log ind på den side, det fører til:\n\n"
        f"{base_url(config)}/invitation/sealed.{sealed}\n\n"
        f"Linket virker én gang, i én browser og i {hours} timer. Det er kun til dig; giv det ikke videre. "
        "Venter du ikke en invitation, skal du ikke gøre noget.\n\nVenlig hilsen\nOS2's sekretariat\n"
    )
    subject = f"user {user.id}/{sha256(token)[:16]}"
    wanted = Letter(KIND, subject, user.mail, "Invitation til OS2's tilslutningsaftaler", body)
    letters.write(session, [wanted], trail, sender=config.mail.sender)


def opened(letter: Due, config: Config) -> Due:
    """Give a letter as it is handed over: an invitation with its link, any other as it is kept. Raises CannotOpen.

    The same letter gives the same bytes each time.
    """
    if letter.kind != KIND:
        return letter
    message = BytesParser(policy=letters.POLICY).parsebytes(letter.content)
    kept = message.get_content().replace("\r\n", "\n")
    try:
        told = _LINK.sub(lambda found: found[1] + _cipher(config).decrypt(found[2]).decode(), kept)
    except InvalidToken:
        raise CannotOpen from None
    message.set_content(told, cte="quoted-printable")
    return letter._replace(content=message.as_bytes())


def _cipher(config: Config) -> Fernet:
    key = hashlib.sha256(b"os2tilslut: links in letters\0" + config.secret_key.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
