"""Writing a file so that it is there whole or not at all, whatever happens meanwhile."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole(file: Path, *, durable: bool = False) -> Iterator[Path]:
    """Give a path to write to; at the end what stands there is the file, or nothing is left of it.

    Killed in between, it leaves a file that ends in `.part`, which the next attempt replaces. `durable` waits until
    the content is on the disk.
    """
    unfinished = file.with_name(f".{file.name}.part")
    try:
        yield unfinished
        if durable:
            _sync(unfinished)
        unfinished.replace(file)
        if durable:
            _sync(file.parent)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink()
        raise


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
