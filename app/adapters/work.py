"""Work that needs a processor and no database, spread over the machine's cores."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from threading import Thread, current_thread, main_thread
from typing import TypeVar

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


def _end_with_parent() -> None:
    """Let a worker die with whoever started it, also where that one was killed."""
    parent = parent_process()
    if parent is not None:
        Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


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


@contextmanager
def workers(expected: int) -> Iterator[Each]:  # type: ignore[type-arg]
    """Give a function that works on many items at once; processes are started only where it pays."""
    cores = os.cpu_count() or 1
    if expected < WORTH_SPREADING or cores == 1:
        yield map
        return
    # Spawned, not forked: a fork would share the database's connections.
    pool = ProcessPoolExecutor(cores, mp_context=get_context("spawn"), initializer=_end_with_parent)

    def each(function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        with _deaf_to_interrupts():  # the first call starts the processes
            return pool.map(function, items, chunksize=_PIECES_AT_ONCE)

    try:
        yield each
    except BrokenProcessPool as error:
        raise HelperLost(
            Text(
                "en hjælpeproces blev stoppet (løb hukommelsen tør?); intet er gjort halvt. Kør samme kommando igen",
                "a helping process was ended (did memory run out?); nothing was half done. Run the same command again",
            )
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)  # who stops does not wait for what has not begun
