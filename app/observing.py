"""What whoever runs the service sees of it: one line of log for each request, and figures for a collector.

Neither holds a name, a token, a personal number or the values of a query: who it was stands as the user's number.
"""

from __future__ import annotations

import hmac
import logging
import os
import threading
import time
import uuid
from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, TextIO

import structlog
from flask import Blueprint, Flask, Response, current_app, g, request
from flask.typing import ResponseReturnValue

from app import access
from app.config import Config
from foundation.errors import NotFound
from foundation.language import Text

if TYPE_CHECKING:
    from prometheus_client import Counter, Histogram

blueprint = Blueprint("observing", __name__)

#: Where workers leave their figures for each other; empty where there is one process.
SHARED = "PROMETHEUS_MULTIPROC_DIR"

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)  # seconds
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_log = structlog.get_logger("os2tilslut.request")


class NoFigures(NotFound):
    """Figures are for the machine itself, and for who has the token."""


_making = threading.Lock()


def install(app: Flask) -> None:
    """Let every request of an application be counted and logged."""
    app.before_request(_begin)
    app.after_request(_end)
    app.register_blueprint(blueprint)


def configure(config: Config, stream: TextIO | None = None) -> None:
    """Send what is logged to standard error, or a stream: JSON in production, else to be read; no local variables."""
    steps: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    last = structlog.processors.JSONRenderer() if config.is_production else structlog.dev.ConsoleRenderer()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last], foreign_pre_chain=steps
    ))  # fmt: skip
    logger = logging.getLogger("os2tilslut")
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO)
    structlog.configure(
        processors=[*steps, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


# --- each request


def _begin() -> None:
    g.begun = time.perf_counter()
    g.request_id = uuid.uuid4().hex
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _end(response: Response) -> Response:
    taken = time.perf_counter() - g.get("begun", time.perf_counter())
    method = request.method if request.method in _METHODS else "other"
    requests, seconds = _instruments()
    requests.labels(method, route(), str(response.status_code)).inc()
    seconds.labels(route()).observe(taken)
    _log.info(
        "request", method=method, path=path(), status=response.status_code, ms=round(taken * 1000, 1), user=_user()
    )
    response.headers["X-Request-ID"] = g.get("request_id", "")
    return response


def route() -> str:
    """Give the pattern of the address asked for; one name for all that is no address here."""
    return request.url_rule.rule if request.url_rule else "unknown"


def path() -> str:
    """Give the path asked for without its query; a pattern where the path itself holds a secret."""
    if request.url_rule is None or "token" in (request.view_args or {}):
        return route()
    return request.path


def _user() -> int | None:
    principal = g.get("principal")
    return principal.user_id if isinstance(principal, access.Principal) else None


# --- figures


def _instruments() -> tuple[Counter, Histogram]:
    """Give what counts. Two threads may answer a worker's first requests, and only one of them may make it."""
    with _making:
        return _made_instruments()


@cache
def _made_instruments() -> tuple[Counter, Histogram]:
    """Make what counts, at the first request: importing it decides whether workers share, and `serve` forks them."""
    from prometheus_client import Counter, Histogram

    return (
        Counter("os2tilslut_requests", "Requests answered", ["method", "route", "status"]),
        Histogram("os2tilslut_request_seconds", "Time to answer", ["route"], buckets=_BUCKETS),
    )


@blueprint.get("/metrics")
@access.public
def metrics() -> ResponseReturnValue:
    """Give the figures of all workers, to the machine itself or to who has the token."""
    if not (_has_token() or _is_here()):
        raise NoFigures(Text("her er intet", "there is nothing here"))
    from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = REGISTRY
    if os.environ.get(SHARED):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _has_token() -> bool:
    config: Config = current_app.extensions["os2tilslut"]
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return bool(config.metrics_token) and hmac.compare_digest(given.encode(), config.metrics_token.encode())


def _is_here() -> bool:
    """Tell whether a program of this machine asks, and no web server on somebody's behalf."""
    is_passed_on = any(name in request.headers for name in ("X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "Via"))
    try:
        return not is_passed_on and ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
