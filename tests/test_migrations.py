"""The migrations reproduce the models, on both kinds of database, and can be asked for twice."""

from __future__ import annotations

import os
import random
from pathlib import Path
from unittest import mock

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine, inspect, text

from app import create_app, migrating
from app.database import db
from foundation import append_only
from tests.command_line import CommandLine
from tests.conftest import FULL, SEED
from tests.scenarios import database

#: So many of the newest revisions are always upgraded from.
_NEWEST = 6


def test_the_migrations_give_exactly_the_tables_of_the_models(empty: CommandLine) -> None:
    engine = create_engine(empty.url, poolclass=NullPool)

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "render_as_batch": True})
        differences = compare_metadata(context, db.metadata)
        names = set(inspect(connection).get_table_names())

    assert differences == []
    assert names == {*db.metadata.tables, "alembic_version"}


def test_upgrading_twice_changes_nothing(starter: CommandLine) -> None:
    before = database.dump(starter)

    result = starter.done("db", "upgrade")

    assert database.dump(starter) == before
    assert "er klar" in result.out
    starter.done("verify")


def test_an_upgrade_from_each_revision_gives_the_same_guarded_tables(
    kind: str, tmp_path: Path, empty: CommandLine
) -> None:
    versions = [revision.revision for revision in ScriptDirectory(str(migrating.FOLDER)).walk_revisions()][1:]
    if not FULL:  # some from one of the two, always from the newest; make test-full goes from every one on both
        older = versions[_NEWEST:]
        chosen = {*versions[:_NEWEST], *random.Random(SEED).sample(older, len(older) // 2)}
        versions = [version for version in versions[kind == "postgresql" :: 2] if version in chosen]

    for version in versions:
        line = CommandLine(f"sqlite:///{tmp_path / version}.sqlite", tmp_path) if kind == "sqlite" else empty
        if kind == "postgresql":
            with line.session() as session:
                session.execute(text("DROP SCHEMA public CASCADE"))
                session.execute(text("CREATE SCHEMA public"))
        with mock.patch.dict(os.environ, line.environment), create_app().app_context():
            migrating.upgrade(version)
        line.done("db", "upgrade")

        line.done("verify")
        with line.session() as session:
            assert list(append_only.faults(session.connection(), db.metadata)) == []


def test_the_message_of_an_upgrade_tells_no_password(empty: CommandLine) -> None:
    if "sqlite" in empty.url:
        secret = f"{empty.url}?password=hemmelig"
        result = CommandLine(empty.url, empty.folder).done("db", "upgrade")
    else:
        secret = empty.url.replace("postgres@", "postgres:hemmelig@")
        result = CommandLine(secret, empty.folder).done("db", "upgrade")

    assert "hemmelig" not in result.out + result.err


def test_the_revisions_stand_in_one_row_and_each_opens_with_why() -> None:
    revisions = list(ScriptDirectory(str(migrating.FOLDER)).walk_revisions())

    assert len([revision for revision in revisions if revision.is_head]) == 1
    assert all((revision.doc or "").startswith("Why:") for revision in revisions)
