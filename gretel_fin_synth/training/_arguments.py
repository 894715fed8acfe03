"""Checks of arguments that several functions share."""

from __future__ import annotations

from typing import Any

import numpy as np

from gretel_fin_synth.errors import ParameterError

LARGEST_SEED = 2**63 - 1  # what every generator of random numbers takes


def check_seed(seed: Any) -> int:
    """Return the seed, or a fresh one for None; refuse what is no whole number from 0 to ``LARGEST_SEED``."""
    if seed is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if not _is_whole(seed) or not 0 <= seed <= LARGEST_SEED:
        msg = (
            f"seed={seed!r} cannot be used: it must be None or a whole number from 0 to {LARGEST_SEED}."
            "\n\nHint: seed=7 for rows that can be made again, seed=None for others every time"
        )
        raise ParameterError(msg)
    return int(seed)


def check_count(name: str, value: Any) -> int:
    """Return a whole number of at least 1; refuse everything else."""
    if not _is_whole(value) or value < 1:
        msg = f"{name}={value!r} cannot be used: it must be a whole number of at least 1.\n\nHint: {name}=100"
        raise ParameterError(msg)
    return int(value)


def check_fraction(name: str, value: Any) -> float:
    """Return a number between 0 and 1, both excluded; refuse everything else."""
    if isinstance(value, bool) or not isinstance(value, (float, np.floating)) or not 0 < value < 1:
        msg = (
            f"{name}={value!r} cannot be used: it must be a number between 0 and 1, both excluded."
            f"\n\nHint: {name}=0.5 for one half"
        )
        raise ParameterError(msg)
    return float(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
