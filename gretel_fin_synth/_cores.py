"""Work on long arrays: on both halves at the same time, and in blocks that a core's memory holds.

numpy and Arrow leave other cores free while they compute. A temporary array as long as the table costs more
time, for the pages that it is given, than the arithmetic that fills it.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["BLOCK_ROWS", "WORTH_A_THREAD", "blocks", "in_blocks", "in_halves", "side_by_side"]

WORTH_A_THREAD = 200_000
"""Rows from which two threads are faster than one."""

_THREAD = threading.local()

BLOCK_ROWS = 1 << 16
"""Rows of which a few arrays fit into a core's memory; with fewer, threads wait for turns more often."""


def side_by_side(size: int, *functions: Callable[[], Any]) -> list[Any]:
    """Call functions at the same time if they work on many rows; what they call in turn has one core each."""
    if size < WORTH_A_THREAD or getattr(_THREAD, "is_one_of_several", False):
        return [function() for function in functions]
    first, *others = functions
    with ThreadPoolExecutor(len(others)) as pool:
        running = [pool.submit(_one_of_several, function) for function in others]
        return [_one_of_several(first), *(done.result() for done in running)]


def _one_of_several(function: Callable[[], Any]) -> Any:
    _THREAD.is_one_of_several = True
    try:
        return function()
    finally:
        _THREAD.is_one_of_several = False


def in_halves(size: int, function: Callable[[slice], Any]) -> list[Any]:
    """Call a function for each half of the rows, at the same time if they are many."""
    half = size // 2
    return side_by_side(size, partial(function, slice(0, half)), partial(function, slice(half, size)))


def in_blocks(size: int, function: Callable[[slice], Any]) -> None:
    """Call a function for each block of rows, for those of both halves at the same time."""

    def run(half: slice) -> None:
        for block in blocks(half):
            function(block)

    in_halves(size, run)


def blocks(part: slice, rows: int = BLOCK_ROWS) -> Iterator[slice]:
    """Cut a slice into short ones, of `rows` rows or fewer.

    Examples
    --------
    >>> list(blocks(slice(5, 80_000)))
    [slice(5, 65541, None), slice(65541, 80000, None)]
    """
    for start in range(part.start, part.stop, rows):
        yield slice(start, min(start + rows, part.stop))
