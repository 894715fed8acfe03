"""How kinds follow each other: what was measured of it, where that is more than noise, and the pull to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.private.estimates import standing_out

if TYPE_CHECKING:
    from gretel_fin_synth.training.private.gateway import Release
    from gretel_fin_synth.training.private.profile import Profile

FloatArray = npt.NDArray[np.float64]

__all__ = ["Following"]

BEGIN = 3  # rounds of calibration after which kinds are as frequent as they should be
LEAST = 1.5  # noise deviations below which customers follow their own days and nothing else
STEP = 0.7
MOST = 4.0


class Following:
    """Moves how kinds follow each other to noisy counts, where these differ by more than noise.

    Where they do not, kinds shall go on to follow each other as they did before anything was moved: as days
    and habits have it.

    Parameters
    ----------
    release : Release
        Noisy counts, (3, kinds, kinds): two in a row on one day, on different days, and with one between.
    asked : bool
        Whether there are such counts.
    """

    def __init__(self, release: Release, *, asked: bool) -> None:
        self._release, self._asked = release, asked
        self._wanted: FloatArray | None = None

    def match(self, profile: Profile, found: FloatArray, number: int) -> None:
        """Move the pull of a profile by the ratio of wanted to found counts, in round `number`."""
        if not self._asked or number < BEGIN:
            return
        share = found / max(found.sum(), 1.0)
        if self._wanted is None:
            self._wanted = standing_out(self._release.sums, self._release.sigma, share, LEAST)
        least = 0.5 / max(found.sum(), 1.0)
        step = np.log((self._wanted + least) / (share + least))
        profile.pull = np.clip(profile.pull + STEP * step, -MOST, MOST)
