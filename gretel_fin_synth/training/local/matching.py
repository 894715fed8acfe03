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
from gretel_fin_synth.training.local.schedules import N_DUE, NEVER, come_when_due

if TYPE_CHECKING:
    from collections.abc import Callable

    from gretel_fin_synth.training.local.examples import Sequences
    from gretel_fin_synth.training.local.network import TransactionLSTM

FloatArray = npt.NDArray[np.float64]

ROUNDS = 4
DAMPING = 0.7
LARGEST_STEP = 1.0
LEAST_STEP = 0.05
LITTLE_ALIKE = 0.05
LEAST_GAIN, LARGEST_GAIN = 0.7, 6.0
FREE = 1.1
ALIKE = STRAYS = 0.3
PULLED = 4
FIRST_PULLED = 2
FEW_ROWS = 5.0
FEW_KEPT = 1.0
LEAST_SPREAD = 0.1
TILT = 4.0
LEVELS = 0.3
REGULAR = 0.85
RHYTHM = 5, 35
LATE = 4
NO_GAP = 10**6
FIRST_PULL = 0.02
LARGEST_PULL = 2.0


@dataclass(frozen=True)
class Moments:
    """Frequencies of a table: of kinds among rows and customers, of repeats, of what is due, of rows a day.

    ``rows``, ``holders`` and ``repeated`` have shape (kinds,): shares of all rows, of all customers, and of
    the kind's rows; ``due`` (kinds, N_DUE) counts a kind's rows by what spoke for them; ``same`` (kinds,) is
    the share of the kind's rows that follow another one of it, ``kept`` (kinds, 2) how often a rhythm was
    kept and lost. ``levels`` (kinds, 3) are the number of customers who have it, and the mean and the
    standard deviation of their mean logarithms of its amounts. ``alike`` is how much likelier two rows of one
    customer are of one kind than two of different customers, ``pace`` the geometric mean of a customer's rows
    a day. All customers count alike, however many rows they have: a few drawn ones who run away would
    otherwise slow down all the others.
    """

    rows: FloatArray
    holders: FloatArray
    repeated: FloatArray
    due: FloatArray
    same: FloatArray
    kept: FloatArray
    levels: FloatArray
    alike: float
    pace: float

    @classmethod
    def of(cls, data: Sequences, n_kinds: int) -> Moments:
        """Count, with a little added so that no share is 0 or 1."""
        n, n_rows = len(data.length), len(data.kind)
        customer = data.customer
        weight = (n_rows / n / data.length)[customer]
        rows = np.bincount(data.kind, weight, minlength=n_kinds)
        pairs = np.unique(customer * n_kinds + data.kind)
        holders = np.bincount(pairs % n_kinds, minlength=n_kinds)
        again = np.bincount(data.kind, weight * repeats(data), minlength=n_kinds)
        reason = np.full(n_rows, NEVER) if data.due is None else data.due
        due = np.bincount(data.kind * N_DUE + reason, weight, minlength=n_kinds * N_DUE)
        follows = np.bincount(data.kind, weight * (data.kind_before(-1) == data.kind), minlength=n_kinds)
        days = data.day[data.offset[1:] - 1] - data.day[data.offset[:-1]] + 1
        return cls(
            (rows + 1) / (n_rows + n_kinds),
            (holders + 0.5) / (n + 1),
            (again + 0.5) / (rows + 1),
            due.reshape(n_kinds, N_DUE).astype(float),
            (follows + 0.5) / (rows + 1),
            _kept(data, n_kinds),
            _levels(data, n_kinds),
            _alike(data, n_kinds),
            float(np.exp(np.log((data.length + 0.5) / (days + 0.5)).mean())),
        )

    def distance(self, other: Moments) -> float:
        """Return how far the frequencies lie apart, each kind counting as often as it comes."""
        return float(
            np.abs(self.rows - other.rows).sum() / 2
            + np.abs(self.holders - other.holders).mean()
            + self.rows @ np.abs(self.repeated - other.repeated)
            + np.abs(self.due - self._as_many(other)).sum() / 2 / max(self.due.sum(), 1.0)
            + self.rows @ np.abs(self.same - other.same)
            + LEVELS * (self.rows @ np.abs(self._beyond_level(other)))
            + ALIKE * abs(np.log(self.alike / other.alike))
            + abs(np.log(self.pace / other.pace))
        )

    def beyond(self, other: Moments) -> FloatArray:
        """Return what to add to the log odds to get here from there; pieces as in :func:`_offsets`."""
        return np.concatenate(
            [
                _logit(self.holders) - _logit(other.holders),
                _logit(self.repeated) - _logit(other.repeated),
                self._beyond_due(other).ravel(),
                self._beyond_same(other),
                self._beyond_kept(other),
                TILT * self._beyond_level(other),
                [np.log(self.alike / other.alike), np.log(self.pace / other.pace)],
            ]
        )

    def _beyond_due(self, other: Moments) -> FloatArray:
        """Return what to add to the log odds of each kind when something is due, (kinds, N_DUE).

        Where few rows tell, it is what the kind as a whole needs; but where no real row is, never more than
        nothing. How many have a kind for the first time is left to the holders' share.
        """
        found = self._as_many(other)
        whole = (self.due.sum(axis=1, keepdims=True) + 1) / (found.sum(axis=1, keepdims=True) + 1)
        whole = np.where(self.due > 0, whole, np.minimum(whole, 1.0))
        beyond = np.log((self.due + FEW_ROWS * whole) / (found + FEW_ROWS))
        beyond[:, NEVER] = 0.0
        return np.asarray(beyond)

    def _beyond_same(self, other: Moments) -> FloatArray:
        """Return what to add to the log odds of the kind that came last, (kinds,)."""
        n_rows = self.due.sum(axis=1)
        return np.asarray(np.log((n_rows * self.same + FEW_ROWS) / (n_rows * other.same + FEW_ROWS)))

    def _beyond_kept(self, other: Moments) -> FloatArray:
        """Return what to add to the log odds that a rhythm is kept, (kinds,): 0 for kinds without one."""
        regular = come_when_due(self.due) & (self.kept[:, 0] > REGULAR * self.kept.sum(axis=1))
        beyond = np.log(self.kept + FEW_KEPT) - np.log(other.kept + FEW_KEPT)
        return np.where(regular, beyond[:, 0] - beyond[:, 1], 0.0)

    def _beyond_level(self, other: Moments) -> FloatArray:
        """Return how much larger amounts are to be, (kinds,), in standard deviations between customers."""
        (number, mean, spread), (found, mean_found, _) = self.levels.T, other.levels.T
        few = np.minimum(number, found)
        return np.asarray((mean - mean_found) / spread * few / (few + FEW_ROWS))

    def _as_many(self, other: Moments) -> FloatArray:
        """Return the other's counts of what was due, as of so many rows in all."""
        return np.asarray(other.due * (self.due.sum() / max(other.due.sum(), 1.0)))


def match(
    network: TransactionLSTM,
    real: Sequences,
    draw: Callable[[int], tuple[Sequences, FloatArray | None]],
    *,
    swing: FloatArray | None = None,
    frequencies: bool = True,
) -> Sequences:
    """Move offsets and pull until freely drawn customers show the real frequencies and stray as far.

    What a customer does more often is seen in the history and done more often still, so that an offset may
    move a frequency several times as far as it says. How far it did is measured from one round to the next
    (a secant). The pull towards the planned balance grows while balances stray farther than real ones; where
    they do not by themselves, there is none. Of all rounds, the first with everything as it was, the nearest
    is kept.

    Parameters
    ----------
    network : TransactionLSTM
        Its offsets and its pull are changed.
    real : Sequences
        The training customers.
    draw : callable
        ``draw(round)`` returns fresh customers of the network and how far each balance strays from its line,
        for rounds 0 to ROUNDS, or to ROUNDS + PULLED where there is a pull.
    swing : ndarray of shape (customers,) or None
        How far each real balance strays, minor units; None leaves the pull alone.
    frequencies : bool
        Whether to move the offsets.

    Returns
    -------
    Sequences
        What was drawn in the round that is kept.
    """
    wanted = Moments.of(real, network.sizes.n_kinds)
    network.scheduled = torch.as_tensor(come_when_due(wanted.due))
    secant = Secant(_offsets(network))
    nearest, number, last = Round(np.inf, secant.offsets, 0.0, real), 0, ROUNDS
    while True:
        drawn, strays = draw(number)
        found, pull = Moments.of(drawn, network.sizes.n_kinds), _pull(network, swing)
        ratio = _ratio(strays, swing)
        distance = wanted.distance(found) + STRAYS * (abs(np.log(ratio)) if pull else max(np.log(ratio), 0.0))
        if distance < nearest.distance:
            nearest = Round(distance, secant.offsets, pull, drawn)
        if number >= last:
            break
        if frequencies:
            secant.move(wanted.beyond(found))
            _set_offsets(network, secant.offsets)
        if swing is not None and number >= FIRST_PULLED and (pull or ratio > FREE):
            last = ROUNDS + PULLED
            network.pull.fill_(min((pull or FIRST_PULL) * max(ratio, 0.3) ** 1.5, LARGEST_PULL))
        number += 1
    _set_offsets(network, nearest.offsets)
    if swing is not None:
        network.pull.fill_(nearest.pull)
    return nearest.drawn


@dataclass(frozen=True)
class Round:
    """What was drawn, with which offsets and pull, and how far from real customers it was."""

    distance: float
    offsets: FloatArray
    pull: float
    drawn: Sequences


class Secant:
    """Steps of each offset, by how far the last step of it went."""

    def __init__(self, offsets: FloatArray) -> None:
        self.offsets = offsets
        self.gain = np.ones(len(offsets))
        self.step, self.before = np.zeros(len(offsets)), np.zeros(len(offsets))

    def move(self, beyond: FloatArray) -> None:
        """Move the offsets; ``beyond`` is how far, in log odds, what they brought is from what is wanted."""
        moved = np.abs(self.step) > LEAST_STEP
        seen = np.where(moved, (self.before - beyond) / np.where(moved, self.step, 1.0), self.gain)
        self.gain = (self.gain + np.clip(seen, LEAST_GAIN, LARGEST_GAIN)) / 2
        self.step = np.clip(DAMPING * beyond / self.gain, -LARGEST_STEP, LARGEST_STEP)
        self.before, self.offsets = beyond, self.offsets + self.step


def _ratio(strays: FloatArray | None, swing: FloatArray | None) -> float:
    """Return how many times as far drawn balances stray as real ones."""
    if strays is None or swing is None:
        return 1.0
    return float(max(np.median(strays), 1.0) / max(np.median(swing), 1.0))


def _pull(network: TransactionLSTM, swing: FloatArray | None) -> float:
    return 0.0 if swing is None else float(network.pull)


def _pieces(network: TransactionLSTM) -> tuple[torch.Tensor, ...]:
    return (
        network.first_offset,
        network.copy_offset,
        network.due_offset,
        network.same_offset,
        network.keep_offset,
        network.level_offset,
        network.lift_offset,
        network.pace_offset,
    )


def _offsets(network: TransactionLSTM) -> FloatArray:
    """Return all offsets in one row, in the order of :meth:`Moments.beyond`."""
    return np.concatenate([piece.flatten().numpy().astype(np.float64) for piece in _pieces(network)])


def _set_offsets(network: TransactionLSTM, offsets: FloatArray) -> None:
    at = 0
    for piece in _pieces(network):
        values = torch.as_tensor(offsets[at : at + piece.numel()], dtype=piece.dtype)
        piece.copy_(values.reshape(piece.shape))
        at += piece.numel()


def _alike(data: Sequences, n_kinds: int) -> float:
    """Return how much likelier two rows of one customer are of one kind than two rows of any customers.

    A little is added, so that differences that chance makes where customers are alike do not count.
    """
    counts = data.kind_counts(n_kinds)
    several = data.length > 1
    pairs = (counts * (counts - 1)).sum(axis=1)[several]
    length = data.length[several]
    own = float((pairs / (length * (length - 1))).mean()) if several.any() else 0.0
    shares = (counts / data.length[:, None]).mean(axis=0)
    return max(own / float((shares**2).sum()) - 1, 0.0) + LITTLE_ALIKE


def _kept(data: Sequences, n_kinds: int) -> FloatArray:
    """Return how often the next row of a kind came as soon as the one before, and how often not; (kinds, 2).

    Looked at are rows RHYTHM days after the one before of their kind, of customers who live long enough after
    them; the next one may come LATE days later than that. Kinds with other gaps have no rhythm, and (0, 0).
    """
    who, kind, day, again = data.by_kind()
    gap = np.where(again, np.diff(day), NO_GAP)
    before, after = np.r_[NO_GAP, gap], np.r_[gap, NO_GAP]
    in_rhythm = (before >= RHYTHM[0]) & (before <= RHYTHM[1])
    left = data.day[data.offset[1:] - 1][who] - day
    looked = in_rhythm & (left > before + LATE)
    lost = after[looked] > before[looked] + LATE
    counts = np.bincount(2 * kind[looked] + lost, minlength=2 * n_kinds).reshape(-1, 2)
    later, timely = (np.bincount(kind[rows], minlength=n_kinds) for rows in (before < NO_GAP, in_rhythm))
    return np.where((timely > REGULAR * later)[:, None], counts, 0).astype(float)


def _levels(data: Sequences, n_kinds: int) -> FloatArray:
    """Return how many customers have each kind, and mean and spread of their mean log amounts; (kinds, 3)."""
    rows, code = data.kind_counts(n_kinds), data.customer * n_kinds + data.kind
    logs = np.bincount(code, np.log(data.cents.astype(float)), minlength=rows.size).reshape(rows.shape)
    own, there = logs / np.maximum(rows, 1), rows > 0
    number = there.sum(axis=0)
    mean = own.sum(axis=0) / np.maximum(number, 1)
    square = (there * (own - mean) ** 2).sum(axis=0) / np.maximum(number, 1)
    return np.column_stack([number, mean, np.maximum(np.sqrt(square), LEAST_SPREAD)])


def _logit(share: FloatArray) -> FloatArray:
    return np.asarray(np.log(share / (1 - share)))
