"""The pages: one module a subject, and what they share."""

from __future__ import annotations

from flask import Flask

from app.web import authorities, layout, lists, signin, speaking, start, year

_SUBJECTS = (start, signin, authorities, year)


def install(app: Flask) -> None:
    """Put the pages into an application."""
    layout.install(app)
    app.jinja_env.globals["shown"] = lists.shown
    app.context_processor(lambda: speaking.IN[layout.spoken()])
    for subject in _SUBJECTS:
        app.register_blueprint(subject.blueprint)
