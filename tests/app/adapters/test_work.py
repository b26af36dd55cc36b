"""Work spread over processes: in order, its faults told, and nobody waiting for a helper that is gone."""

from __future__ import annotations

import os
import signal
import time

import pytest

from app.adapters import work
from foundation.errors import Conflict
from foundation.language import Text

MANY = 4 * work.WORTH_SPREADING


def doubled(number: int) -> tuple[int, int]:
    """Give twice the number, and the process that found it."""
    return 2 * number, os.getpid()


def refused_at_twenty(number: int) -> int:
    """Refuse one item among many."""
    if number == 20:
        raise Conflict(Text(f"ikke {number}", f"not {number}"))
    return number


def killed_at_twenty(number: int) -> int:
    """End the process as the machine does when memory runs out."""
    if number == 20:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def slow(number: int) -> int:
    """Take longer than anybody waits."""
    time.sleep(3600)
    return number


def large(number: int) -> bytes:
    """Give more than a pipe holds."""
    return bytes(number * 1_000)


def test_many_items_are_done_in_order_by_other_processes() -> None:
    with work.workers(MANY) as each:
        done = list(each(doubled, range(MANY)))

    assert [number for number, _ in done] == [2 * number for number in range(MANY)]
    assert os.getpid() not in {process for _, process in done}


def test_few_items_are_done_here() -> None:
    with work.workers(1) as each:
        assert list(each(doubled, [21])) == [(42, os.getpid())]


def test_more_than_a_pipe_holds_goes_both_ways() -> None:
    with work.workers(MANY) as each:
        assert sum(map(len, each(large, [200] * MANY))) == MANY * 200_000
        assert list(each(len, [bytes(200_000)] * MANY)) == [200_000] * MANY


def test_what_the_work_raises_is_raised_here_and_the_helpers_go_on() -> None:
    with work.workers(MANY) as each:
        with pytest.raises(Conflict, match="20"):
            list(each(refused_at_twenty, range(MANY)))

        assert len(list(each(doubled, range(MANY)))) == MANY


def test_a_helper_that_is_killed_at_its_work_is_told() -> None:
    with pytest.raises(work.HelperLost, match="a helping process was ended"), work.workers(MANY) as each:
        list(each(killed_at_twenty, range(MANY)))


def test_a_helper_that_is_killed_while_it_waits_for_work_is_told_with_more_work_than_a_pipe_holds() -> None:
    with pytest.raises(work.HelperLost), work.workers(MANY) as each:
        process = next(iter({process for _, process in each(doubled, range(MANY))}))
        os.kill(process, signal.SIGKILL)

        list(each(len, [bytes(1_000_000)] * MANY))


def test_who_stops_does_not_wait_for_work_that_takes_long() -> None:
    began = time.monotonic()

    with pytest.raises(KeyboardInterrupt), work.workers(MANY) as each:
        each(slow, range(MANY))
        raise KeyboardInterrupt

    assert time.monotonic() - began < 60
