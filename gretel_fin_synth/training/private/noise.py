"""The noise: discrete Gaussian, sampled exactly by OpenDP, so that no floating-point trick undoes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.errors import BackendNotInstalledError

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["Noise", "SecureNoise"]

IntArray = npt.NDArray[np.int64]


class Noise(Protocol):
    """Adds noise to whole numbers."""

    secure: bool

    def add(self, values: IntArray, scale: float) -> IntArray:
        """Return the values with independent discrete Gaussian noise of this standard deviation."""


class SecureNoise:
    """Discrete Gaussian noise from OpenDP, seeded by the operating system.

    The seed of ``fit`` has no part in it: whoever knows the seed of noise can take the noise off.

    Raises
    ------
    BackendNotInstalledError
        If OpenDP is missing.
    """

    secure = True

    def __init__(self) -> None:
        self._opendp = _opendp()

    def add(self, values: IntArray, scale: float) -> IntArray:
        """Return noisy values."""
        if not len(values):
            return values
        dp = self._opendp
        space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l2_distance(T=float)
        noisy = dp.m.make_gaussian(*space, float(scale))(values.tolist())
        return np.array(noisy, dtype=np.int64)


def _opendp() -> ModuleType:
    try:
        import opendp.prelude as dp
    except ModuleNotFoundError as error:
        if error.name != "opendp":
            raise
        msg = "differential privacy needs OpenDP.\n\nHint: pip install 'gretel-fin-synth[local,privacy]'"
        raise BackendNotInstalledError(msg) from error
    dp.enable_features("contrib")
    return dp
