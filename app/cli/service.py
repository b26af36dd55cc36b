"""What a command works with: the settings, the application, its clock and its database."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime

import click
from flask import Flask
from sqlalchemy.orm import Session

from app import association, clock, config, create_ground, database, recording
from app.access import Role
from app.config import Config
from app.identity import users
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
        by = readable(actor)
        with (
            self.app.app_context(),
            database.writing() as session,
            recording.recorded(session, by, self.config) as trail,
        ):
            yield session, trail

    def seller(self, session: Session) -> Seller:
        """Give the association as seller; made-up accounts stand in outside production."""
        return association.seller(session, self.config)

    def close(self) -> None:
        """Let the database go."""
        with self.app.app_context():
            database.db.engine.dispose()

    @contextmanager
    def approving(self, by: str, *, bindingly: bool = True) -> Iterator[tuple[Session, Trail]]:
        """Open a transaction by somebody who may approve. Raises NotApprover, Nameless.

        Where real people rely on it, only a registered, active approver may do what binds, and is recorded as the
        person with that number; elsewhere the name is recorded as given.
        """
        with self.writing() as (session, trail):
            trail.actor = self.person(session, by, (Role.APPROVER,)) if bindingly else readable(by)
            yield session, trail

    def person(self, session: Session, name: str, roles: Collection[Role]) -> str:
        """Give the actor behind a name: in production somebody registered with one of the roles."""
        if not self.config.is_production:
            return readable(name)
        return users.actor(users.holder(session, name, self.today, roles))


def readable(name: str) -> str:
    """Give a name that can be read. Raises Nameless."""
    if not name.strip() or wording.fault(name, wording.LONGEST_NAME):
        raise Nameless(Text("--by skal være et læsbart navn", "--by must be a readable name"))
    return name


def of(context: click.Context) -> Service:
    """Give the command's surroundings, made at the first call."""
    root = context.find_root()
    if root.obj is None:
        settings = replace(config.read(), language=root.params["language"])
        root.obj = Service(settings, create_ground(settings))
        root.call_on_close(root.obj.close)
    service: Service = root.obj
    return service


def current() -> Service:
    """Give the surroundings of the running command."""
    return of(click.get_current_context())
