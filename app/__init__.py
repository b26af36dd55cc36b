"""The ground of people and machines: the Flask application, the command line, and everything that speaks outward."""

from __future__ import annotations

import gc

from flask import Flask

from app import config as configuration
from app import database
from app.config import Config

# Young objects before a collection, and how many of those before the older ones are walked too. Hardly anything here is
# rubbish in circles, and a walk over all that was imported takes longer than issuing a batch. Said before the rest is
# imported: walking it again and again meanwhile was a tenth of a server's start.
gc.set_threshold(50_000, 20, 100)


def create_app(config: Config | None = None) -> Flask:
    """Make the application. Raises `config.Unsafe` where production would run with unsafe settings."""
    # Late: a command needs none of these, and they are most of what a process loads.
    from werkzeug.middleware.proxy_fix import ProxyFix

    from app import access, api, errors, health, observing, web
    from app.identity import sessions

    config = config or configuration.read()
    app = create_ground(config)
    app.session_interface = sessions.DatabaseSessions(config)
    if config.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=config.proxies, x_proto=config.proxies, x_host=0)  # type: ignore[method-assign]
    app.register_blueprint(health.blueprint)
    observing.install(app)
    web.install(app)
    api.install(app)
    errors.install(app)
    access.public(app.view_functions["static"])
    access.guard(app)
    return app


def create_ground(config: Config) -> Flask:
    """Make what commands and helpers stand on, and pages too: the settings and the database. It answers no request."""
    config.data_dir.mkdir(parents=True, exist_ok=True)
    app = Flask(__name__)
    app.config.from_mapping(config.flask())
    app.extensions["os2tilslut"] = config
    database.db.init_app(app)
    with app.app_context():
        database.prepare(database.db.engine)
    return app
