"""Which payment follows which: payments of a month change places until they follow each other as measured.

Days stay as they are, and with them the gaps between payments; what is paid on them changes places. Each
arrangement is as likely as its days are for its kinds, times the product of what profile.pull says of each
two payments in a row, or with one between (a Markov random field); changes of place are drawn one after the
other (Gibbs sampling).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.private.schedule import day_weights

if TYPE_CHECKING:
    from gretel_fin_synth.training.private.profile import Profile

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

__all__ = ["arranged"]

LEAST_USUAL = 1e-6  # weight of a day on which a kind never comes
#: How far apart payments change places, sweep after sweep.
APART = (1, 2, 1, 3, 1, 2, 1, 5, 1, 2, 1, 3, 1)


def arranged(
    profile: Profile,
    who: IntArray,
    kind: IntArray,
    month: IntArray,
    day: IntArray,
    free: BoolArray,
    bound: BoolArray,
    rng: np.random.Generator,
) -> IntArray:
    """Return which row stands at each place; rows are chronological inside a customer.

    Rows that are not `free` stay on their day, the others in their month; `bound` ones stay where they are.
    """
    at = np.arange(len(who))
    weights, begin = day_weights(profile)
    usual, days = np.log(weights + LEAST_USUAL), day - begin
    pull = np.pad(profile.pull, ((0, 0), (0, 1), (0, 1)))
    nobody = pull.shape[2] - 1
    for apart in APART:
        for first in rng.permutation(apart + 3):
            one = np.arange(first, len(who) - apart, apart + 3)
            other = one + apart
            fits = (who[one] == who[other]) & (month[one] == month[other])
            fits &= (day[one] == day[other]) | (free[at[one]] & free[at[other]])
            fits &= ~(bound[at[one]] | bound[at[other]])
            one, other = one[fits], other[fits]
            place = one[:, None] + np.arange(-2, apart + 3)
            inside = np.clip(place, 0, len(who) - 1)
            same = (place == inside) & (who[inside] == who[one][:, None])
            kinds = np.where(same, kind[at[inside]], nobody)
            later = (np.diff(day[inside], axis=1) != 0).astype(np.int64)
            changed = kinds.copy()
            changed[:, 2], changed[:, -3] = kinds[:, -3], kinds[:, 2]
            gain = _pulls(pull, changed, later) - _pulls(pull, kinds, later)
            gain += usual[changed[:, 2], days[one]] - usual[kinds[:, 2], days[one]]
            gain += usual[changed[:, -3], days[other]] - usual[kinds[:, -3], days[other]]
            swaps = rng.random(len(one)) < 1 / (1 + np.exp(-np.clip(gain, -50, 50)))
            a, b = one[swaps], other[swaps]
            at[a], at[b] = at[b], at[a]
    return at


def _pulls(pull: FloatArray, kinds: IntArray, later: IntArray) -> FloatArray:
    near = pull[later, kinds[:, :-1], kinds[:, 1:]].sum(axis=1)
    return np.asarray(near + pull[2, kinds[:, :-2], kinds[:, 2:]].sum(axis=1))
