"""Work that needs a processor and no database, spread over the machine's cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from threading import Thread
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Fewer pieces than this are done sooner than other processes start.
WORTH_SPREADING = 16
_PIECES_AT_ONCE = 8

#: Does one function on many items, in order.
Each = Callable[[Callable[[Item], Result], Sequence[Item]], Iterator[Result]]


def _end_with_parent() -> None:
    """Let a worker die with whoever started it, also where that one was killed."""
    parent = parent_process()
    if parent is not None:
        Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


@contextmanager
def workers(expected: int) -> Iterator[Each]:  # type: ignore[type-arg]
    """Give a function that works on many items at once; processes are started only where it pays."""
    cores = os.cpu_count() or 1
    if expected < WORTH_SPREADING or cores == 1:
        yield map
        return
    # Spawned, not forked: a fork would share the database's connections.
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn"), initializer=_end_with_parent) as pool:
        yield lambda function, items: pool.map(function, items, chunksize=_PIECES_AT_ONCE)
