"""Bringing the database's structure to this version, by the revisions in `migrations/`."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config

from app.database import commit, db

FOLDER = Path(__file__).resolve().parent.parent / "migrations"


def upgrade(revision: str = "head") -> None:
    """Run the missing revisions in one transaction. Needs an application context."""
    settings = Config()
    settings.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    with db.engine.connect() as connection:
        settings.attributes["connection"] = connection
        command.upgrade(settings, revision)
        commit(connection)
