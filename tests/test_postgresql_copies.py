"""A copy that is used again is what it was when it was new, whatever a test did to it; or it is not used again."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.postgresql_copies import Copies
from tests.postgresql_server import PostgreSQLServer

GROUND = """
CREATE TABLE kept (id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY, word text NOT NULL);
CREATE TABLE below (id integer PRIMARY KEY, kept_id integer REFERENCES kept);
INSERT INTO kept (word) VALUES ('én'), ('to'), ('tre');
INSERT INTO below VALUES (1, 1);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'append-only'; END $$;
CREATE TRIGGER refuses BEFORE UPDATE OR DELETE ON kept FOR EACH ROW EXECUTE FUNCTION refuse();
"""
LOOK = "SELECT (SELECT jsonb_agg(kept ORDER BY id) FROM kept), (SELECT jsonb_agg(below ORDER BY id) FROM below)"
UNTRIGGERED = "SET session_replication_role = replica;"


@pytest.fixture
def copies(postgresql: PostgreSQLServer) -> Iterator[Copies]:
    """The copies of a database with rows, a sequence, a foreign key and an append-only table."""
    run(postgresql.create("ground"), GROUND)
    made = Copies(postgresql, "ground")
    yield made
    made.drop()
    postgresql.drop("ground")


def run(url: str, *statements: str) -> list[object]:
    """Run statements on a database; give the rows of the last."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        for statement in statements:
            done = connection.execute(statement)
        return list(done.fetchall()) if done.description else []


@pytest.mark.parametrize(
    "done",
    [
        "INSERT INTO kept (word) VALUES ('fire'), ('fem')",
        "INSERT INTO below VALUES (2, NULL); DELETE FROM below WHERE id = 1",
        "UPDATE below SET kept_id = 2",
        f"{UNTRIGGERED} UPDATE kept SET word = 'fem' WHERE id = 1; DELETE FROM kept WHERE id = 2",
        f"{UNTRIGGERED} DELETE FROM kept; DELETE FROM below",
        "SELECT nextval('kept_id_seq')",
    ],
)
def test_what_was_written_is_gone_and_what_was_changed_is_back(copies: Copies, done: str) -> None:
    first = copies.take()
    before = run(first, LOOK)
    run(first, done)

    copies.give_back(first)
    again = copies.take()

    assert run(again, LOOK) == before
    assert run(again, "INSERT INTO kept (word) VALUES ('ny') RETURNING id") == [(4,)]
    assert run(again, "SELECT tgenabled FROM pg_trigger WHERE tgname = 'refuses'") == [("O",)]


def test_a_copy_is_washed_as_often_as_it_is_used(copies: Copies) -> None:
    seen = []

    for _ in range(3):
        url = copies.take()
        seen.append(run(url, LOOK))
        run(url, "UPDATE below SET kept_id = 3", "INSERT INTO below VALUES (9, 2)")
        copies.give_back(url)

    assert seen == [seen[0]] * 3


def test_who_is_still_there_is_turned_out_and_does_not_find_it_again(copies: Copies) -> None:
    url = copies.take()
    with psycopg.connect(url.replace("+psycopg", "")) as late:
        copies.give_back(url)

        with pytest.raises(psycopg.OperationalError):
            late.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        run(url, "SELECT 1")
    assert copies.take() != url


@pytest.mark.parametrize(
    "done",
    [
        "ALTER TABLE kept DISABLE TRIGGER refuses",
        "DROP TRIGGER refuses ON kept",
        "CREATE TABLE more (id integer)",
        "ALTER TABLE below DROP CONSTRAINT below_kept_id_fkey",
        "CREATE INDEX more ON kept (word)",
        "TRUNCATE below",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$",
    ],
)
def test_one_whose_structure_or_settings_were_touched_is_not_used_again(copies: Copies, done: str) -> None:
    url = copies.take()
    before = run(url, LOOK)
    run(url, done)

    copies.give_back(url)
    again = copies.take()

    assert run(again, LOOK) == before
    assert run(again, "SELECT tgenabled FROM pg_trigger WHERE tgname = 'refuses'") == [("O",)]
    assert run(again, "SHOW synchronous_commit") == run(copies.server.url("ground"), "SHOW synchronous_commit")
    assert run(again, "SELECT count(*) FROM pg_class WHERE relname IN ('more', 'below')") == [(1,)]
