"""One thread for the network's small operations."""

from __future__ import annotations

import functools
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Item = TypeVar("Item")


def one_thread(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Run a function with one thread of torch on the CPU, and put number and random state back.

    The operations are too small to gain from a second thread, and on a busy machine threads that wait for one
    another cost many times what they bring. One thread also gives the same sums, hence the same rows, however
    many cores there are.
    """

    @functools.wraps(function)
    def inner(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with torch.random.fork_rng(devices=[]):
                return function(*args, **kwargs)
        finally:
            torch.set_num_threads(before)

    return inner


def in_threads(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Apply a function to each item, side by side on the cores there are; results in order.

    numpy and torch let go of Python's lock in their longer operations. Each thread uses one thread of torch.
    """
    work = list(items)
    workers = min(len(work), _cores())
    if workers < 2:
        return [function(item) for item in work]
    with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        return list(pool.map(function, work))


def _cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
