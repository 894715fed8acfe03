"""Checks of arguments that several functions share."""

from __future__ import annotations

from typing import Any

import numpy as np

from gretel_fin_synth.errors import ParameterError


def check_seed(seed: Any) -> int:
    """Return the seed, or a fresh one for None; refuse what is no whole number of at least 0."""
    if seed is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        msg = f"seed={seed!r} cannot be used: it must be None or a whole number of at least 0."
        raise ParameterError(msg)
    return int(seed)


def check_count(name: str, value: Any) -> int:
    """Return a whole number of at least 1; refuse everything else."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        msg = f"{name}={value!r} cannot be used: it must be a whole number of at least 1."
        raise ParameterError(msg)
    return int(value)
