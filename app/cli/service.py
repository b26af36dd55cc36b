"""What a command works with: the settings, the application, its clock and its database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime

import click
from flask import Flask
from sqlalchemy.orm import Session

from app import association, clock, config, create_app, database
from app.config import Config, NotInProduction
from billing.seller import Seller
from foundation import wording
from foundation.audit import Trail
from foundation.errors import Refused
from foundation.language import Text

#: Who is recorded where a command does not ask for a name.
COMMAND_LINE = "kommandolinjen"


class Nameless(Refused):
    """Nobody that can be read stands behind an act."""


@dataclass
class Service:
    """One command's surroundings."""

    config: Config
    app: Flask

    @property
    def today(self) -> date:
        """The day in Copenhagen."""
        return clock.today(self.config)

    @property
    def now(self) -> datetime:
        """The instant."""
        return clock.now(self.config)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open one snapshot."""
        with self.app.app_context(), database.reading() as session:
            yield session

    @contextmanager
    def writing(self, actor: str = COMMAND_LINE) -> Iterator[tuple[Session, Trail]]:
        """Open a transaction that commits at the end, with the trail of what it does. Raises Nameless."""
        if not actor.strip() or wording.fault(actor, wording.LONGEST_NAME):
            raise Nameless(Text("--by skal være et læsbart navn", "--by must be a readable name"))
        with self.app.app_context(), database.writing() as session:
            trail = Trail(session, actor, self.now)
            yield session, trail
            trail.write()

    def seller(self, session: Session) -> Seller:
        """Give the association as seller; made-up accounts stand in outside production."""
        return association.seller(session, self.config)

    def close(self) -> None:
        """Let the database go."""
        with self.app.app_context():
            database.db.engine.dispose()

    def refuse_unnamed_approvers(self) -> None:
        """Refuse approval by a name alone where real people rely on it."""
        if self.config.is_production:
            raise NotInProduction(
                Text(
                    "i produktion godkender kun en registreret godkender, der ikke selv har forberedt det; "
                    "ingen er registreret, for registret følger med indlogningen",
                    "in production only a registered approver who did not prepare it approves; "
                    "none is registered, for the register comes with the sign-in",
                )
            )


def of(context: click.Context) -> Service:
    """Give the command's surroundings, made at the first call."""
    root = context.find_root()
    if root.obj is None:
        settings = replace(config.read(), language=root.params["language"])
        root.obj = Service(settings, create_app(settings))
        root.call_on_close(root.obj.close)
    service: Service = root.obj
    return service


def current() -> Service:
    """Give the surroundings of the running command."""
    return of(click.get_current_context())
