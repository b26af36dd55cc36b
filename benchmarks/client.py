"""A small HTTP client for measuring: connections kept alive, each with one request at a time, and what every one took.

It shares the machine with what it measures, so it does as little as it can: GET, one answer's length, no more.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

CONNECTIONS = 16
_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Unexpected(RuntimeError):
    """The server answered something else than 200, or stopped answering."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What many requests came to."""

    seconds: float
    each: list[float]  # seconds a request

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.each) / self.seconds

    @property
    def mean(self) -> float:
        """Milliseconds a request, on average."""
        return statistics.fmean(self.each) * 1000

    @property
    def p95(self) -> float:
        """Milliseconds that 95 of 100 requests stay below."""
        return statistics.quantiles(self.each, n=20)[-1] * 1000


def measure(
    port: int, path: str, headers: Mapping[str, str], seconds: float, connections: int = CONNECTIONS
) -> Measured:
    """Ask for one path again and again. Raises Unexpected."""
    return asyncio.run(_measure(port, _request(path, headers), seconds, connections))


async def _measure(port: int, asked: bytes, seconds: float, connections: int) -> Measured:
    loop = asyncio.get_running_loop()
    begun = time.perf_counter()
    opened = [
        await loop.create_connection(
            lambda: _Connection(asked, begun + seconds, loop.create_future()), "127.0.0.1", port
        )
        for _ in range(connections)
    ]
    each = [took for _, connection in opened for took in await connection.over]
    return Measured(time.perf_counter() - begun, each)


def _request(path: str, headers: Mapping[str, str]) -> bytes:
    told = {"Host": "127.0.0.1", **headers}
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items()), "", ""]
    return "\r\n".join(lines).encode()


class _Connection(asyncio.Protocol):
    """One connection: the next request goes out when the answer to the last is whole."""

    def __init__(self, asked: bytes, until: float, over: asyncio.Future[list[float]]) -> None:
        self.over = over
        self._asked, self._until = asked, until
        self._took: list[float] = []
        self._head, self._missing = b"", -1  # bytes of the answer still to come; -1: not even the head is whole

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def _ask(self) -> None:
        self._head, self._missing = b"", -1
        self._begun = time.perf_counter()
        self._transport.write(self._asked)

    def data_received(self, data: bytes) -> None:
        if self._missing < 0:
            self._head += data
            self._missing = self._length(self._head)
        else:
            self._missing -= len(data)
        if self._missing == 0:
            self._answered()

    def _length(self, received: bytes) -> int:
        """Tell how many bytes are missing; -1 as long as the head is not whole."""
        head, end, body = received.partition(_HEAD_END)
        if not end:
            return -1
        found = _LENGTH.search(head)
        if b" 200 " not in head[:13] or found is None:
            self._fail(received[:2000].decode(errors="replace"))
            return -1
        return int(found[1]) - len(body)

    def _answered(self) -> None:
        now = time.perf_counter()
        self._took.append(now - self._begun)
        if now < self._until:
            self._ask()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.over.done():
            if self._missing == 0:
                self.over.set_result(self._took)
            else:
                self._fail("the connection was closed")

    def _fail(self, why: str) -> None:
        if not self.over.done():
            self.over.set_exception(Unexpected(why))
        self._transport.abort()
