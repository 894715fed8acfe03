"""One thread for the network's small operations."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def one_thread(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Run a function with one thread of torch on the CPU, and put number and random state back.

    The operations are too small to gain from a second thread, also from one that draws other customers: as
    many rows a second, for a third more of the processor. On a busy machine threads that wait for one another
    cost many times what they bring. One thread also gives the same sums, hence the same rows, however many
    cores there are.
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
