"""An access point that does as it is told: takes documents, refuses them, is slow, hangs, drips or drops the line.

with AccessPoint() as point:
    point.does(refuse(400, "ukendt modtager"))        the next answer; afterwards it takes everything
    point.taken                                       (message id, file name, bytes), as they came
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Act = Callable[[BaseHTTPRequestHandler], None]


def refuse(code: int, words: str = "", **headers: str) -> Act:
    """Answer with a code and words."""

    def act(request: BaseHTTPRequestHandler) -> None:
        request.send_response(code)
        for name, value in headers.items():
            request.send_header(name, value)
        content = words.encode()
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    return act


def wait(seconds: float) -> Act:
    """Take the document after a while."""

    def act(request: BaseHTTPRequestHandler) -> None:
        time.sleep(seconds)
        refuse(202)(request)

    return act


def drip(request: BaseHTTPRequestHandler) -> None:
    """Answer a letter now and then, without end."""
    request.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for nth in range(600):
        request.wfile.write(f"X-{nth}: x\r\n".encode())
        request.wfile.flush()
        time.sleep(0.1)


def drop(request: BaseHTTPRequestHandler) -> None:
    """Close the line without a word, the document taken."""
    request.connection.shutdown(socket.SHUT_RDWR)


@dataclass
class AccessPoint:
    """A server on this machine for as long as it is open."""

    taken: list[tuple[str, str, bytes]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    receipts: Any = field(default_factory=lambda: {"receipts": []})
    always: Act | None = None  # what it does to every document
    _script: deque[Act] = field(default_factory=deque)

    def does(self, *acts: Act) -> None:
        """Say what it does to the next documents."""
        self._script.extend(acts)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/messages"

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        point = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                name = re.search('filename="(.*)"', self.headers["Content-Disposition"])
                assert name is not None
                point.headers.append(dict(self.headers))
                point.taken.append((self.headers["X-Message-Id"], name[1], content))
                act = point._script.popleft() if point._script else point.always or refuse(202)
                try:
                    act(self)
                except OSError:
                    self.close_connection = True

            def do_GET(self) -> None:
                told = point.receipts if isinstance(point.receipts, bytes) else json.dumps(point.receipts).encode()
                refuse(200, told.decode("latin-1"))(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler
