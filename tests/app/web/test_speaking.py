"""A template is compiled once in each language, and what is shared by all pages leads where it says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from app import create_app, database
from app.config import read
from app.web import layout, speaking
from app.web.speaking import Templates
from foundation.language import LANGUAGES, Language
from tests.command_line import CommandLine

#: What these tests look at does not depend on the kind of database.
ON_SQLITE = pytest.mark.parametrize("kind", ["sqlite"])


@pytest.fixture
def app(empty: CommandLine) -> Iterator[Flask]:
    """The application on an empty database."""
    made = create_app(read(empty.environment))
    yield made
    with made.app_context():
        database.db.engine.dispose()


def templates_of(app: Flask) -> Templates:
    """Give an application's templates with Flask's own settings."""
    assert isinstance(app.jinja_env, Templates)
    return app.jinja_env


@ON_SQLITE
@pytest.mark.parametrize(("spoken", "said"), [("da", "Fisk &amp; øl, 2 stk."), ("en", "Fish &amp; ale, 2 pcs.")])
def test_words_of_one_language_are_chosen_and_escaped(app: Flask, spoken: Language, said: str) -> None:
    templates = templates_of(app)._in(spoken)

    made = templates.from_string('{{ t("Fisk & øl", "Fish & ale") }}, {{ t(n ~ " stk.", n ~ " pcs.") }}')

    assert made.render(n=2) == said


@ON_SQLITE
@pytest.mark.parametrize("spoken", LANGUAGES)
def test_a_compiled_template_holds_nothing_of_the_other_language(app: Flask, spoken: Language) -> None:
    source = '<a title="{{ t("Kun dansk", "Only English") }}">{% if t("Kun dansk", "Only English") %}x{% endif %}</a>'
    other = "Only English" if spoken == "da" else "Kun dansk"

    compiled = str(templates_of(app)._in(spoken).compile(source, raw=True))

    assert other not in compiled and "resolve('t')" not in compiled


@ON_SQLITE
def test_two_people_get_the_same_page_each_in_their_own_language(app: Flask) -> None:
    first, second = app.test_client(), app.test_client()
    second.post("/language", data={"language": "en", "next": "/"})

    pages = [client.get("/no-such-page").text for client in (first, second, first)]

    assert ['lang="da"' in page and "Log ind" in page for page in pages] == [True, False, True]
    assert 'lang="en"' in pages[1] and "Sign in" in pages[1]


def test_every_language_has_the_same_words() -> None:
    assert {frozenset(words) for words in speaking.IN.values()} == {frozenset(speaking.IN["da"])}


@ON_SQLITE
def test_places_and_forms_of_every_page_lead_where_they_say(app: Flask) -> None:
    addresses = app.url_map.bind("127.0.0.1")

    found = [addresses.match(place.address)[0] for place in layout.PLACES]

    assert found == [place.endpoint for place in layout.PLACES]
    assert addresses.match("/language", method="POST")[0] == "start.choose_language"
    assert addresses.match("/sign-out", method="POST")[0] == "signin.sign_out"
