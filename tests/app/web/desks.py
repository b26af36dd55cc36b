"""A browser on a test's database, with somebody in front of it: the pages as each role sees them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import event, select
from werkzeug.test import TestResponse

from app import access, clock, config, create_app, database
from app.access import Principal, Role
from authorities.register import AUTHORITIES
from tests.command_line import CommandLine
from tests.scenarios import files

NOW = datetime(2027, 1, 15, 10, tzinfo=UTC)
#: A sign-in this old is not fresh any more.
LONG_AGO = timedelta(hours=1)

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')

OWN, OTHER = files.starter()[:2]


def person(number: int, *roles: Role, signed_in: timedelta = timedelta(minutes=1), **about: Any) -> Principal:
    """Make somebody up who signed in a while ago."""
    return Principal(number, f"Person {number}", frozenset(roles), signed_in_at=NOW - signed_in, via="browser", **about)


FINANCE, APPROVER = person(1, Role.FINANCE), person(2, Role.APPROVER)
AUDITOR, ADMINISTRATOR = person(3, Role.AUDITOR), person(4, Role.ADMINISTRATOR)
GROUP = person(5, Role.COORDINATION, products=frozenset({"OS2valghalla"}))


@dataclass
class Desk:
    """A browser on one database; `sit` changes who is in front of it."""

    app: Flask
    who: Principal = access.ANONYMOUS
    client: Any = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.app.test_client()
        self._come_forward()

    def _come_forward(self) -> None:
        """Let the application see who asks: several desks may stand before one."""
        self.app.extensions["principal_loader"] = lambda: self.who

    def sit(self, who: Principal) -> Desk:
        """Let somebody else sit down."""
        self.who = who
        return self

    def get(self, path: str, **headers: str) -> TestResponse:
        """Open a page."""
        self._come_forward()
        answer: TestResponse = self.client.get(path, headers=headers)
        return answer

    def html(self, path: str) -> str:
        """Open a page that is there."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def read(self, path: str) -> str:
        """Open a page that is there, and give its words."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return words(answer)

    def post(self, path: str, **form: Any) -> TestResponse:
        """Send a form, with the token that pages carry where it is asked for."""
        self._come_forward()
        answer: TestResponse = self.client.post(path, data=form | self.token())
        return answer

    def token(self) -> dict[str, str]:
        """Give what pages carry in their forms, where it is asked for."""
        if not self.app.config.get("WTF_CSRF_ENABLED", True):
            return {}
        found = _TOKEN.search(self.html("/"))
        assert found is not None
        return {"csrf_token": found[1]}

    @contextmanager
    def counted(self) -> Iterator[list[str]]:
        """Collect the statements that reach the database meanwhile."""
        statements: list[str] = []

        def hear(*given: Any) -> None:
            statements.append(given[2])

        with self.app.app_context():
            engine = database.db.engine
        event.listen(engine, "before_cursor_execute", hear)
        yield statements
        event.remove(engine, "before_cursor_execute", hear)


def desk(line: CommandLine, **environ: str) -> Desk:
    """Put a browser in front of a database; forms need no token here, since that is tried elsewhere."""
    made = create_app(config.read(line.with_environ(**environ).environment))
    made.config["WTF_CSRF_ENABLED"] = False
    return Desk(made)


@contextmanager
def service(line: CommandLine) -> Iterator[Flask]:
    """Open the application on a database, with all that guards its forms, and let the database go at the end."""
    app = create_app(config.read(line.environment))
    yield app
    with app.app_context():
        database.db.engine.dispose()


def seated(app: Flask, id_: int, name: str, *roles: Role, **more: Any) -> Desk:
    """Let somebody who signed in this moment sit down before an application."""
    now = clock.now(app.extensions["os2tilslut"])
    return Desk(app, Principal(id_, name, frozenset(roles), **{"signed_in_at": now, "via": "browser", **more}))


@contextmanager
def opened(line: CommandLine) -> Iterator[Desk]:
    """Put a browser in front of a database, and let the database go at the end."""
    made = desk(line)
    yield made
    with made.app.app_context():
        database.db.engine.dispose()


def words(answer: TestResponse) -> str:
    """Give what a page's main part says, without its marks."""
    main = re.search(r"<main.*?</main>", answer.text, re.DOTALL)
    text = re.sub(r"<[^>]+>", " ", main[0] if main else answer.text)
    return html.unescape(re.sub(r"\s+", " ", text))


def forms_of(page: str, act: str) -> list[str]:
    """Give the forms of a page that send to an address ending so."""
    found = re.findall(r"<form\b.*?</form>", page, re.DOTALL)
    return [form for form in found if re.search(rf'action="[^"]*{re.escape(act)}"', form[: form.index(">")])]


def told_at(page: str, form: str) -> list[str]:
    """Give where the summary of faults leads; each place is in the form, and tells of its fault there."""
    places = re.findall(r'<a href="#([^"]+)"', page.partition('role="alert"')[2].partition("</ul>")[0])
    for place in places:
        assert page.count(f'id="{place}"') == 1, place
        (tag,) = re.findall(rf'<[^>]*id="{re.escape(place)}"[^>]*>', form)
        (said,) = re.findall(r'aria-describedby="(?:[^"]* )?(error-[^" ]+)"', tag)
        assert f'id="{said}"' in form, said
        assert "aria-invalid" in tag or tag.startswith("<fieldset"), tag
    return places


def held(form: str) -> list[str]:
    """Give what the fields that are seen in a form hold, but for those that are empty."""
    tags = re.findall(r"<input[^>]*>", form)
    values = [re.search(r'value="([^"]*)"', tag) for tag in tags if 'type="hidden"' not in tag]
    return [html.unescape(value[1]) for value in values if value and value[1]]


def signatory(line: CommandLine, cvr: str = OWN.cvr) -> Principal:
    """Give somebody who signs for one authority."""
    with line.session() as session:
        id_ = session.execute(select(AUTHORITIES.c.id).where(AUTHORITIES.c.cvr == cvr)).scalar_one()
    return person(6, Role.SIGNATORY, authorities=frozenset({id_}))


def issue(line: CommandLine) -> None:
    """Issue a year: two invoices with documents."""
    files.take_members(line, *(files.member(each.cvr) for each in (OWN, OTHER)))
    files.take_agreements(line, *(files.agreement(each.cvr) for each in (OWN, OTHER)))
    line.issue(2027)
