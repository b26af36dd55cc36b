"""Running the web application on this machine; a production server runs `wsgi:app` under granian itself."""

from __future__ import annotations

import click

from app.cli import service


@click.command("serve")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
def command(port: int) -> None:
    """Kør webapplikationen på 127.0.0.1:8000.

    Run the web application.
    """
    from granian import Granian
    from granian.constants import Interfaces

    service.current()  # refuses unsafe settings before a port is opened
    Granian("wsgi:app", address="127.0.0.1", port=port, interface=Interfaces.WSGI, blocking_threads=4).serve()
