"""Work for several processes of one machine, of which any may die: what it held is done again."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any, TypeVar

from gretel_fin_synth.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["done_by_processes"]

#: How often processes may die before the work is given up.
MOST_DEATHS = 5

Item = TypeVar("Item")


def done_by_processes(
    function: Callable[[Item], Any], items: Sequence[Item], n_processes: int
) -> Iterator[Any]:
    """Give ``function(item)`` of every item, in their order; no more than two items a process wait in memory.

    Parameters
    ----------
    function : callable
        Can be pickled, and gives the same for the same item however often it is called.
    items : sequence
        The work.
    n_processes : int
        How many at a time; 1 does the work in this process.

    Raises
    ------
    BackendError
        If processes keep dying.
    """
    if n_processes == 1:
        yield from map(function, items)
        return
    deaths, given = 0, 0
    while given < len(items):
        try:
            for result in _in_order(function, items[given:], n_processes):
                yield result
                given += 1
        except BrokenProcessPool as error:
            deaths += 1
            if deaths > MOST_DEATHS:
                msg = f"worker processes died {deaths} times.\n\nHint: fewer workers need less memory"
                raise BackendError(msg) from error


def _in_order(function: Callable[[Item], Any], items: Sequence[Item], n_processes: int) -> Iterator[Any]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(n_processes, mp_context=context) as pool:
        waiting: list[Future[Any]] = []
        upcoming = iter(items)
        try:
            while True:
                while len(waiting) < 2 * n_processes and (item := next(upcoming, None)) is not None:
                    waiting.append(pool.submit(function, item))
                if not waiting:
                    return
                wait(waiting[:1], return_when=FIRST_COMPLETED)
                yield waiting.pop(0).result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
