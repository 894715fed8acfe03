"""Random numbers by purpose, so that one customer's life does not depend on how many others there are.

Every purpose ("salary: hours") has a generator of its own, used for draws whose first axis is the customer.
Customer 7 then gets the same numbers in a table of 10 and in a table of 10,000, and a new feature of the
simulator does not reshuffle the old ones.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


class Dice:
    """Seeded generators, one for each purpose.

    Parameters
    ----------
    entropy : sequence of int
        Non-negative integers that identify the table and the block of customers.
    """

    def __init__(self, entropy: Sequence[int]) -> None:
        self._entropy = list(entropy)
        self._used: set[str] = set()

    def of(self, purpose: str) -> np.random.Generator:
        """Return a fresh generator for one purpose; asking twice would repeat its numbers and is refused."""
        if purpose in self._used:
            msg = f"the dice for {purpose!r} were thrown already"
            raise RuntimeError(msg)
        self._used.add(purpose)
        sequence = np.random.SeedSequence([*self._entropy, zlib.crc32(purpose.encode())])
        return np.random.Generator(np.random.SFC64(sequence))
