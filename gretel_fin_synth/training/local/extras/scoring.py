"""How well contexts foretell labels: the likelihood of each customer's rows, judged by all others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.local.extras.counting import Counted, dense

if TYPE_CHECKING:
    from gretel_fin_synth.training.local.extras.rows import Contexts
    from gretel_fin_synth.training.local.extras.tables import Labelled

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

STRENGTHS = (0.03, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 1000.0)
BASE_STRENGTH = (1.0,)
MIN_GAIN = 3.0
MIN_GAIN_PER_ROW = 0.002


@dataclass(frozen=True)
class Scorer:
    """Likelihoods of the labels of rows, judged by all other customers."""

    data: Labelled
    bases: Counted
    labels: Counted

    @classmethod
    def of(cls, data: Labelled) -> Scorer:
        """Count what every level needs."""
        return cls(data, Counted.of(data.person, data.base), Counted.of(data.person, data.base, data.label))

    def everywhere(self) -> FloatArray:
        """Return the likelihoods when nothing but the label counts."""
        data = self.data
        same = Counted.of(data.person, data.label).elsewhere()
        others = Counted.of(data.person, np.zeros_like(data.label)).elsewhere()
        return (same + 0.5) / (others + 0.5 * data.n_labels)

    def score(
        self, key: IntArray, k: int, below: FloatArray, strengths: tuple[float, ...]
    ) -> tuple[FloatArray, FloatArray]:
        """Return the likelihoods at a level above another, and the best strength of each base group."""
        data = self.data
        pairs, groups = Counted.of(data.person, key, data.label), Counted.of(data.person, key)
        kept = (pairs.holders() >= k)[pairs.group] & (data.label < data.n_kept)
        dropped = (~kept).astype(np.float64)
        lost = groups.elsewhere(dropped)
        fallen = self.labels.elsewhere(dropped) / np.maximum(self.bases.elsewhere(dropped), 1)
        # What is lost comes back as its like from other groups; a little of it stays unknown.
        inside = pairs.elsewhere() * kept + lost * (0.9 * fallen + 0.1 * below)
        others = groups.elsewhere()
        best = np.full(data.n_bases, -np.inf)
        strength, fresh = np.full(data.n_bases, strengths[-1]), below
        for value in strengths:
            chance = (inside + value * below) / (others + value)
            total = np.bincount(data.base, np.log(chance), data.n_bases)
            better = total > best
            best, strength = np.where(better, total, best), np.where(better, value, strength)
            fresh = np.where(better[data.base], chance, fresh)
        return fresh, strength


def choose(data: Labelled, contexts: Contexts, k: int, depth: int) -> list[str]:
    """Add the context that makes labels likeliest as long as one helps."""
    names: list[str] = []
    if data.n_labels == 1:
        return names
    scorer = Scorer.of(data)
    below = scorer.score(data.base, k, scorer.everywhere(), BASE_STRENGTH)[0]
    key = data.base
    gain = MIN_GAIN + MIN_GAIN_PER_ROW * len(key)
    while len(names) < depth:
        score, found = float(np.log(below).sum()) + gain, None
        for name in sorted(set(contexts) - set(names)):
            finer = dense(key, contexts[name].code)[0]
            fresh = scorer.score(finer, k, below, STRENGTHS)[0]
            if (value := float(np.log(fresh).sum())) > score:
                score, found = value, (name, finer, fresh)
        if found is None:
            break
        names.append(found[0])
        key, below = found[1:]
    return names
