"""A door before PostgreSQL that understands just enough of its protocol to make trouble at a chosen statement.

The program connects to the door's socket; everything passes through unchanged until a statement comes that the trouble
is about. Then either the connection breaks before the server has seen it, or the server does it and its answer is
lost, or something happens to the server itself.

    with Door(server_folder, folder, Trouble("COMMIT", nth=2, kind="answer lost")) as door:
        line.run(...)   # with a URL whose host is door.folder
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

from tests.postgresql_server import PORT

_READ = 65_536


@dataclass
class Trouble:
    """What happens when the nth statement that begins so comes by."""

    statement: str
    kind: Literal["never sent", "answer lost", "server"]
    nth: int = 1
    strike: Callable[[int], None] = lambda backend: None  # for "server": what is done, given the backend's process
    seen: int = field(default=0, init=False)
    has_struck: bool = field(default=False, init=False)

    def is_due(self, statement: str) -> bool:
        """Count a statement; tell whether it is the one."""
        if not statement.upper().startswith(self.statement.upper()):
            return False
        self.seen += 1
        return self.seen == self.nth


class Door:
    """Listens on a socket of its own and passes everything on, but for the trouble."""

    def __init__(self, server: Path, folder: Path, trouble: Trouble) -> None:
        self.folder, self._server, self.trouble = folder, server, trouble
        self._listening = socket.socket(socket.AF_UNIX)

    def __enter__(self) -> Self:
        self._listening.bind(str(self.folder / f".s.PGSQL.{PORT}"))
        self._listening.listen()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()
        (self.folder / f".s.PGSQL.{PORT}").unlink()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        with client, server, suppress(OSError, EOFError):
            server.connect(str(self._server / f".s.PGSQL.{PORT}"))
            _Conversation(client, server, self.trouble).hold()


class _Conversation:
    """One client and its backend."""

    def __init__(self, client: socket.socket, server: socket.socket, trouble: Trouble) -> None:
        self._client, self._server, self._trouble = client, server, trouble
        self._backend = 0
        self._is_lost = False  # the answers no longer reach the client
        self._answered = threading.Event()

    def hold(self) -> None:
        answers = threading.Thread(target=self._pass_answers, daemon=True)
        answers.start()
        (size,) = struct.unpack("!I", first := _exactly(self._client, 4))
        self._server.sendall(first + _exactly(self._client, size - 4))  # the start has no type
        while True:
            kind, message = _message(self._client)
            if self._trouble.is_due(_statement(kind, message)):
                self._trouble.has_struck = True
                if self._trouble.kind == "never sent":
                    break
                if self._trouble.kind == "server":
                    self._trouble.strike(self._backend)
                else:
                    self._is_lost = True
                    self._server.sendall(message)
                    self._answered.wait(timeout=30)
                    break
            self._server.sendall(message)
        for end in (self._client, self._server):
            end.shutdown(socket.SHUT_RDWR)

    def _pass_answers(self) -> None:
        with suppress(OSError, EOFError):
            while True:
                kind, message = _message(self._server)
                if kind == b"K":
                    (self._backend,) = struct.unpack("!I", message[5:9])
                if self._is_lost:
                    if kind == b"Z":  # ready for the next: the statement is done
                        self._answered.set()
                else:
                    self._client.sendall(message)
        with suppress(OSError):
            self._client.shutdown(socket.SHUT_RDWR)


def _exactly(source: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        more = source.recv(min(_READ, count - len(found)))
        if not more:
            raise EOFError
        found += more
    return found


def _message(source: socket.socket) -> tuple[bytes, bytes]:
    head = _exactly(source, 5)
    (size,) = struct.unpack("!I", head[1:])
    return head[:1], head + _exactly(source, size - 4)


def _statement(kind: bytes, message: bytes) -> str:
    """Give the SQL of a query, or of one that is prepared."""
    if kind == b"Q":
        return message[5:-1].decode(errors="replace")
    if kind == b"P":
        return message[5:].split(b"\0")[1].decode(errors="replace")
    return ""
