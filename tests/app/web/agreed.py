"""The pages of a place with agreements on their way, and the browsers of its people."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask
from sqlalchemy import select

from agreements import offered
from agreements.offered import Offer
from foundation.audit import AuditEntry
from tests.app.identity.conftest import Browser
from tests.command_line import CommandLine

MINE, WAITING, THEIRS = (f"A-2027-0000{number}" for number in (1, 2, 3))  # as `world.WAYS` has them
NAME, TITLE = "Underskriver i Aarhus (opdigtet)", "Direktør"


@dataclass
class Place:
    """The small world with offers, its pages, and browsers of its people."""

    line: CommandLine
    app: Flask
    known: dict[str, Browser] = field(default_factory=dict)

    def of(self, who: str) -> Browser:
        """Give the browser of a made-up person who has just signed in."""
        if who not in self.known:
            self.known[who] = Browser(self.app, self.app.test_client())
            self.known[who].sign_in(who)
        return self.known[who]

    def offer(self, reference: str = MINE) -> Offer:
        """Give the newest version of an offer."""
        with self.line.session() as session:
            return offered.newest(session, reference)

    def refusals(self) -> list[str]:
        """Give what the audit trail names of steps that were refused."""
        with self.line.session() as session:
            found = (
                select(AuditEntry.subject).where(AuditEntry.action == "agreement.refused").order_by(AuditEntry.position)
            )
            return list(session.scalars(found))

    def accept(self, reference: str = MINE, who: str = "signatory-aarhus", **changed: str) -> int:
        """Take the first step; give the status."""
        given = {"digest": self.offer(reference).digest, "read": "on"} | changed
        path = f"/agreements/{reference}"
        return self.of(who).post(f"{path}/sign/accept", path, **given).status_code

    def sign(self, reference: str = MINE, who: str = "signatory-aarhus", **changed: str) -> tuple[int, str]:
        """Take the second step with the words of its page; give the status and the page."""
        path = f"/agreements/{reference}"
        words = re.search(r'name="words" value="([^"]*)"', self.of(who).get(f"{path}/sign/confirm").text)
        given = {"digest": self.offer(reference).digest, "words": words[1] if words else "", "consent": "on",
                 "name": NAME, "title": TITLE} | changed  # fmt: skip
        answer = self.of(who).post(f"{path}/sign/confirm", path, **given)
        return answer.status_code, answer.text


def line_of(folder: Path) -> CommandLine:
    """Give the command line of such a place in a folder."""
    return CommandLine(f"sqlite:///{folder / 'os2tilslut.sqlite'}", folder).with_environ(OS2TILSLUT_ENV="demo")
