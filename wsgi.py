"""The application for a WSGI server: `granian --interface wsgi wsgi:app`."""

from app import config, create_app, observing

settings = config.read()
observing.configure(settings)
app = create_app(settings)
