"""The ground of people and machines: the Flask application, the command line, and everything that speaks outward."""

from __future__ import annotations

from flask import Flask

from app import config as configuration
from app import database, health
from app.config import Config


def create_app(config: Config | None = None) -> Flask:
    """Make the application. Raises `config.Unsafe` where production would run with unsafe settings."""
    config = config or configuration.read()
    config.data_dir.mkdir(parents=True, exist_ok=True)
    app = Flask(__name__, static_folder=None)
    app.config.from_mapping(config.flask())
    app.extensions["os2tilslut"] = config
    database.db.init_app(app)
    with app.app_context():
        database.prepare(database.db.engine)
    app.register_blueprint(health.blueprint)
    return app
