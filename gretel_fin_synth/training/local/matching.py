"""Matching simulated to observed frequencies: what running freely adds to predicting one step.

A network that is right at each step of real histories may, on its own histories, use one kind of
transaction twice as often as customers do: small errors feed on themselves. So customers are drawn, simple
frequencies of theirs are compared with the real ones, and log-odds offsets are moved by the log of the
ratio, a few times over (the method of simulated moments, McFadden 1989). The offsets hold frequencies of
the whole table, nothing about one customer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from gretel_fin_synth.training.local.profiles import repeats

if TYPE_CHECKING:
    from collections.abc import Callable

    from gretel_fin_synth.training.local.examples import Sequences
    from gretel_fin_synth.training.local.network import TransactionLSTM

FloatArray = npt.NDArray[np.float64]

ROUNDS = 3
DAMPING = 0.7
LARGEST_STEP = 1.0
FREE = 1.1
FIRST_PULL = 0.02
LARGEST_PULL = 2.0


@dataclass(frozen=True)
class Moments:
    """Frequencies of a table: of kinds among rows and customers, of repeated amounts, of rows a day.

    ``rows``, ``holders`` and ``repeated`` have shape (kinds,): shares of all rows, of all customers, and of
    the kind's rows; ``pace`` is the number of rows per customer and day.
    """

    rows: FloatArray
    holders: FloatArray
    repeated: FloatArray
    pace: float

    @classmethod
    def of(cls, data: Sequences, n_kinds: int) -> Moments:
        """Count, with a little added so that no share is 0 or 1."""
        customer = np.repeat(np.arange(len(data.length)), data.length)
        rows = np.bincount(data.kind, minlength=n_kinds)
        pairs = np.unique(customer * n_kinds + data.kind)
        holders = np.bincount(pairs % n_kinds, minlength=n_kinds)
        again = np.bincount(data.kind, repeats(data), minlength=n_kinds)
        at = data.offset[:-1]
        days = (data.day[data.offset[1:] - 1] - data.day[at] + 1).sum()
        n = len(data.length)
        return cls(
            (rows + 1) / (len(customer) + n_kinds),
            (holders + 0.5) / (n + 1),
            (again + 0.5) / (rows + 1),
            len(customer) / days,
        )


def match(network: TransactionLSTM, real: Sequences, draw: Callable[[int], Sequences]) -> None:
    """Move the network's offsets until freely drawn customers show the real frequencies.

    ``draw(round)`` returns fresh customers of the network.
    """
    n_kinds = network.sizes.n_kinds
    wanted = Moments.of(real, n_kinds)
    for number in range(ROUNDS):
        found = Moments.of(draw(number), n_kinds)
        with torch.no_grad():
            _move(network.first_offset, _logit(wanted.holders) - _logit(found.holders))
            _move(network.kind_offset, np.log(wanted.rows / found.rows))
            _move(network.copy_offset, _logit(wanted.repeated) - _logit(found.repeated))
            _move(network.pace_offset, np.array([np.log(wanted.pace / found.pace)]))


def settle(network: TransactionLSTM, real: FloatArray, draw: Callable[[int], FloatArray]) -> None:
    """Raise the pull towards the planned balance until balances stray no farther than real ones.

    ``real`` holds how far each real customer's balance strays from its line, ``draw(round)`` the same of
    freely drawn customers; where these stray no farther by themselves, there is no pull.
    """
    for number in range(ROUNDS + 1):
        ratio = float(np.median(draw(number)) / max(np.median(real), 1.0))
        with torch.no_grad():
            if number == 0 and ratio <= FREE:
                return
            now = float(network.pull) if number else FIRST_PULL
            network.pull.fill_(min(now * max(ratio, 0.3) ** 1.5, LARGEST_PULL))


def _move(offset: torch.Tensor, step: FloatArray) -> None:
    offset += torch.as_tensor(np.clip(DAMPING * step, -LARGEST_STEP, LARGEST_STEP), dtype=offset.dtype)


def _logit(share: FloatArray) -> FloatArray:
    return np.asarray(np.log(share / (1 - share)))
