"""The letter of an invitation: its link goes to the invited person alone, and whoever invites never sees it.

Without a mail server, development and demonstration show the link instead, for there is nobody else to carry it.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.agreement_letters import base_url
from app.config import Config
from app.identity.models import UserAccount
from foundation import letters
from foundation.audit import Trail, sha256
from foundation.errors import Refused
from foundation.language import Text
from foundation.letters import Letter

#: What such a letter is called; it is not sent again, for that would carry the link to somebody else.
KIND = "invitation"


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
    """Write the letter with somebody's link. Needs the writer's lock; the caller commits."""
    hours = int(config.invitation_valid.total_seconds() // 3600)
    body = (
        f"Kære {user.name}\n\n"
        "Du er inviteret som bruger af OS2's tilslutningsaftaler. "
        "Åbn linket, og log ind på den side, det fører til:\n\n"
        f"{base_url(config)}/invitation/{token}\n\n"
        f"Linket virker én gang, i én browser og i {hours} timer. Det er kun til dig; giv det ikke videre. "
        "Venter du ikke en invitation, skal du ikke gøre noget.\n\nVenlig hilsen\nOS2's sekretariat\n"
    )
    subject = f"user {user.id}/{sha256(token)[:16]}"
    wanted = Letter(KIND, subject, user.mail, "Invitation til OS2's tilslutningsaftaler", body)
    letters.write(session, [wanted], trail, sender=config.mail.sender)
