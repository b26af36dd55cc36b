"""Work that needs a processor and no database, spread over the machine's cores.

Not the standard library's `ProcessPoolExecutor`: its helpers share one queue, and one that is killed while it holds the
queue leaves whoever started it waiting without end. Here each helper has a connection of its own, whose end is noticed.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import chain
from multiprocessing import get_context
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import current_thread, main_thread
from typing import Any, TypeVar

from foundation.errors import NotNow
from foundation.language import Text

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Fewer pieces than this are done sooner than other processes start.
WORTH_SPREADING = 16
_PIECES_AT_ONCE = 8

#: Does one function on many items, in order.
Each = Callable[[Callable[[Item], Result], Sequence[Item]], Iterator[Result]]


class HelperLost(NotNow):
    """A helping process was ended from outside, for instance because memory ran out."""


@contextmanager
def workers(expected: int) -> Iterator[Each]:  # type: ignore[type-arg]
    """Give a function that works on many items at once; processes are started only where it pays.

    Raises HelperLost where one of them was ended from outside.
    """
    cores = os.cpu_count() or 1
    if expected < WORTH_SPREADING or cores == 1:
        yield map
        return
    with _deaf_to_interrupts():
        helpers = [_Helper() for _ in range(cores)]
    idle: SimpleQueue[_Helper] = SimpleQueue()
    for helper in helpers:
        idle.put(helper)
    threads = ThreadPoolExecutor(cores)  # one waits for each helper

    def on_a_helper(function: Callable[[Item], Result], piece: Sequence[Item]) -> list[Result]:
        helper = idle.get()
        try:
            return helper.do(function, piece)
        finally:
            idle.put(helper)

    def each(function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        pieces = [items[first : first + _PIECES_AT_ONCE] for first in range(0, len(items), _PIECES_AT_ONCE)]
        return chain.from_iterable(threads.map(lambda piece: on_a_helper(function, piece), pieces))

    try:
        yield each
    finally:
        for helper in helpers:  # first: who stops does not wait for what is not done
            helper.end()
        threads.shutdown(cancel_futures=True)


class _Helper:
    """Another process that does one piece of work after the other; it ends when its connection does."""

    def __init__(self) -> None:
        # Spawned, not forked: a fork would share the database's connections, and the other helpers' as well.
        context = get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_help, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()  # now the helper alone holds its end: with the helper, the connection is gone

    def do(self, function: Callable[[Item], Result], piece: Sequence[Item]) -> list[Result]:
        """Let the helper do a piece of work. Raises what the work raised, and HelperLost."""
        try:
            self._connection.send((function, piece))
            done, raised = self._connection.recv()
        except (EOFError, OSError) as error:
            raise HelperLost(
                Text(
                    "en hjælpeproces blev stoppet (løb hukommelsen tør?); intet er gjort halvt. "
                    "Kør samme kommando igen",
                    "a helping process was ended (did memory run out?); nothing was half done. "
                    "Run the same command again",
                )
            ) from error
        if raised is not None:
            raise raised
        results: list[Result] = done
        return results

    def end(self) -> None:
        """End the process, whatever it does: it keeps nothing. Who waits for it hears HelperLost."""
        self._process.kill()
        self._process.join()


def _help(connection: Connection[Any, Any]) -> None:
    """Do what is asked until whoever asked is gone."""
    with suppress(EOFError, OSError):
        while True:
            function, piece = connection.recv()
            connection.send(_done(function, piece))


def _done(function: Callable[[Item], Result], piece: Sequence[Item]) -> tuple[list[Result], Exception | None]:
    try:
        return [function(item) for item in piece], None
    except Exception as error:  # handed over to whoever asked, who raises it
        return [], error


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach: it is for whoever started them, and ends them that way."""
    if current_thread() is not main_thread():
        yield
        return
    heard = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a process that is started keeps what is ignored
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, heard)
