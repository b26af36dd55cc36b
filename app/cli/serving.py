"""Running the web application, in demonstration and development together with the local provider of identities."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

from app.cli import output, service
from app.cli.service import Service
from app.config import LOCAL_PROVIDER_PORT
from app.identity import demonstration
from foundation.errors import NotNow
from foundation.language import Text

_PROVIDER_PATIENCE = 20.0  # seconds


#: Where prometheus-client lets workers share figures; named here, for importing it decides that already.
SHARED = "PROMETHEUS_MULTIPROC_DIR"


class NoProvider(NotNow):
    """The local provider did not start."""


@click.command("serve")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--provider-port", type=click.IntRange(1, 65535), default=LOCAL_PROVIDER_PORT, show_default=True,
              envvar="OS2TILSLUT_PROVIDER_PORT", help="Det lokale logins port / the local sign-in's.")  # fmt: skip
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True,
              help="Processer / processes.")  # fmt: skip
@click.option("--work", "every", type=click.IntRange(1, 86400), metavar="SEKUNDER",
              help="Gør også det, der kommer af sig selv / also do what comes by itself.")  # fmt: skip
def command(port: int, provider_port: int, workers: int, every: int | None) -> None:
    """Kør webapplikationen på 127.0.0.1:8000.

    Run the web application.
    """
    from app import serving  # a web server takes its time to load; no other command needs it

    os.environ["OS2TILSLUT_PROVIDER_PORT"] = str(provider_port)  # the workers read it, too
    surroundings = service.current()  # refuses unsafe settings before a port is opened
    with local_provider(surroundings, port, provider_port), _work_beside(surroundings, every), _shared_figures():
        serving.run("wsgi:app", port, workers, surroundings.config.threads)


@contextmanager
def _shared_figures() -> Iterator[None]:
    """Give the workers a folder to leave their figures in for `/metrics`; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="os2tilslut-metrics-") as folder:
        os.environ.setdefault(SHARED, folder)
        yield


@contextmanager
def _work_beside(surroundings: Service, every: int | None) -> Iterator[None]:
    """Do what comes by itself meanwhile, in a process that ends with us, however we end."""
    if every is None:
        yield
        return
    words = [sys.executable, "-m", "app.rounds", "--every", str(every), "--starter", str(os.getpid())]
    worker = subprocess.Popen(words, env=os.environ | surroundings.config.environ(), stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        worker.terminate()
        worker.wait()


@contextmanager
def local_provider(surroundings: Service, port: int, provider_port: int) -> Iterator[None]:
    """Run the local provider meanwhile, where the settings mean it; it ends with us, however we end."""
    if surroundings.config.is_production or not surroundings.config.oidc.is_local:
        yield
        return
    _make_people(surroundings)
    _refuse_taken(provider_port)
    provider = subprocess.Popen(_provider(surroundings, port, provider_port))
    try:
        _wait_for(provider, provider_port)
        at = surroundings.config.oidc.issuer
        output.note(Text(f"Opdigtet login: {at}", f"Made-up sign-in: {at}"))
        yield
    finally:
        provider.terminate()
        provider.wait()


def _make_people(surroundings: Service) -> None:
    with surroundings.writing() as (session, trail):
        made = demonstration.make(session, trail, surroundings.config.oidc.issuer)
    if made:
        output.note(Text(f"{made} opdigtede brugere er oprettet", f"{made} made-up users were added"))


def _provider(surroundings: Service, port: int, provider_port: int) -> list[str]:
    bases = [f"http://127.0.0.1:{port}", f"http://localhost:{port}", surroundings.config.base_url.rstrip("/")]
    redirects = [word for base in bases if base for word in ("--redirect", f"{base}/sign-in/callback")]
    return [sys.executable, "-m", "app.adapters.local_provider", "--port", str(provider_port),
            "--starter", str(os.getpid()), *redirects]  # fmt: skip


def _refuse_taken(port: int) -> None:
    """Refuse a port where somebody else answers: people would give their sign-in to whatever that is."""
    if _answers(port):
        raise _no_provider(port)


def _wait_for(provider: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + _PROVIDER_PATIENCE
    while not _answers(port):
        if provider.poll() is not None or time.monotonic() > until:
            raise _no_provider(port)
        time.sleep(0.05)


def _answers(port: int) -> bool:
    with socket.socket() as asked:
        asked.settimeout(1)
        return asked.connect_ex(("127.0.0.1", port)) == 0


def _no_provider(port: int) -> NoProvider:
    return NoProvider(
        Text(
            f"det lokale login kan ikke bruge port {port}: vælg en anden med --provider-port",
            f"the local sign-in cannot use port {port}: choose another with --provider-port",
        )
    )
